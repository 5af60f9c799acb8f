// From a dtype to the C++ type of its elements:
//
//   with_type(kFloats, x.dtype(), "op", [&]<class T>(T) { kernel(x.data<T>()); });
#pragma once

#include "core/dtype.h"
#include "core/error.h"

namespace rt::cpu {

template <class... T>
struct Types {};
template <class... A, class... B>
constexpr Types<A..., B...> operator+(Types<A...>, Types<B...>) {
  return {};
}

inline constexpr Types<bool> kBool{};
inline constexpr Types<uint8_t, int8_t, int16_t, int32_t, int64_t> kIntegers{};
inline constexpr Types<float, double> kFullFloats{};
inline constexpr Types<Half, BFloat16> kHalfFloats{};
inline constexpr Types<Complex64, Complex128> kComplexes{};
inline constexpr auto kFloats = kFullFloats + kHalfFloats;
inline constexpr auto kReals = kFloats + kIntegers;
inline constexpr auto kNumbers = kReals + kComplexes;

// Calls f with a value of the type of `t` if that is one of the list; says whether it was.
template <class... T, class F>
bool try_with_type(Types<T...>, DType t, F&& f) {
  return ((t == DTypeOf<T>::value && (f(T{}), true)) || ...);
}

// The same for an op that has no other types.
template <class... T, class F>
void with_type(Types<T...> types, DType t, const char* op, F&& f) {
  if (!try_with_type(types, t, f)) {
    RT_FAIL(NotImplemented, op, "not implemented for this dtype", name(t));
  }
}

}  // namespace rt::cpu
