#pragma once

namespace metal {

// One argument, any type that has it; vectors too.
#define RT_MATH_1(name) \
  template <class T>    \
  T name(T);
RT_MATH_1(sqrt)
RT_MATH_1(rsqrt)
RT_MATH_1(floor)
RT_MATH_1(ceil)
RT_MATH_1(rint)
RT_MATH_1(round)
RT_MATH_1(trunc)
RT_MATH_1(fabs)
RT_MATH_1(exp2)
RT_MATH_1(abs)
RT_MATH_1(popcount)
RT_MATH_1(clz)
RT_MATH_1(ctz)
RT_MATH_1(reverse_bits)
namespace precise {
RT_MATH_1(sqrt)
RT_MATH_1(rsqrt)
}  // namespace precise
namespace fast {
RT_MATH_1(exp2)
}  // namespace fast
#undef RT_MATH_1

// Overloads for floating types alone: the first argument decides.
template <class T>
T fma(T, __metal_same_t<T>, __metal_same_t<T>);
template <class T>
T fmax(T, __metal_same_t<T>);
template <class T>
T fmin(T, __metal_same_t<T>);
// Overloads for all types: max(float, int) is ambiguous.
template <class T>
T max(T, T);
template <class T>
T min(T, T);
template <class T>
T clamp(T, T, T);
template <class T>
enable_if_t<is_integral_v<T>, T> mulhi(T, T);

template <class T>
T select(T no, T yes, bool which);
template <class T, int N>
vec<T, N> select(vec<T, N> no, vec<T, N> yes, vec<bool, N> which);
template <class T>
bool isnan(T);
template <class T>
bool isinf(T);
template <class T, int N>
vec<bool, N> isnan(vec<T, N>);
template <class T, int N>
vec<bool, N> isinf(vec<T, N>);
template <int N>
bool all(vec<bool, N>);
template <int N>
bool any(vec<bool, N>);
template <class T, int N>
T dot(vec<T, N>, vec<T, N>);

}  // namespace metal

template <class To, class From>
To as_type(From) {
  static_assert(sizeof(To) == sizeof(From), "as_type keeps the size");
}
