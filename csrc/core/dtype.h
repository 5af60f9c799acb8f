// Element types, their sizes and PyTorch's promotion lattice.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace rt {

enum class DType : uint8_t {
  Bool,
  UInt8,
  Int8,
  Int16,
  Int32,
  Int64,
  Float16,
  BFloat16,
  Float32,
  Float64,
  Complex64,
  Complex128,
};
inline constexpr int kNumDTypes = 12;

struct Half {
  uint16_t bits;
};
struct BFloat16 {
  uint16_t bits;
};
struct Complex64 {
  float re, im;
};
struct Complex128 {
  double re, im;
};

inline float to_float(BFloat16 x) { return std::bit_cast<float>(uint32_t{x.bits} << 16); }
inline BFloat16 to_bfloat16(float f) {
  const uint32_t u = std::bit_cast<uint32_t>(f);
  if ((u & 0x7fffffffu) > 0x7f800000u) return {static_cast<uint16_t>((u >> 16) | 0x40u)};
  return {static_cast<uint16_t>((u + 0x7fffu + ((u >> 16) & 1u)) >> 16)};
}
float to_float(Half x);
Half to_half(float f);

inline constexpr size_t item_size(DType t) {
  constexpr uint8_t sizes[kNumDTypes] = {1, 1, 1, 2, 4, 8, 2, 2, 4, 8, 8, 16};
  return sizes[static_cast<int>(t)];
}

// The name in Python, without a prefix: "float32".
const char* name(DType t);

inline constexpr bool is_complex(DType t) { return t >= DType::Complex64; }
inline constexpr bool is_floating(DType t) { return t >= DType::Float16 && t <= DType::Float64; }
inline constexpr bool is_integral(DType t, bool include_bool = false) {
  return t <= DType::Int64 && (include_bool || t != DType::Bool);
}
inline constexpr bool is_reduced_floating(DType t) {
  return t == DType::Float16 || t == DType::BFloat16;
}
// The types that gradients exist for.
inline constexpr bool is_differentiable(DType t) { return t >= DType::Float16; }

// complex64 -> float32; a real type is its own.
inline constexpr DType real_of(DType t) {
  if (t == DType::Complex64) return DType::Float32;
  if (t == DType::Complex128) return DType::Float64;
  return t;
}
// float16 and float32 -> complex64 (there is no half-precision complex type here).
inline constexpr DType complex_of(DType t) {
  if (is_complex(t)) return t;
  return t == DType::Float64 ? DType::Complex128 : DType::Complex64;
}
// The type a sum or a formula over t is accumulated in.
inline constexpr DType compute_type(DType t) { return is_reduced_floating(t) ? DType::Float32 : t; }

// The smallest type both can be cast to, by PyTorch's lattice.
DType promote(DType a, DType b);
// Whether a result of type `from` may be written to an existing tensor of type `to`
// (a complex value never into a real one, a float never into an integer, a number never into bool).
bool can_cast(DType from, DType to);

// The process-wide default for Python floats; float32 until set. Global because PyTorch's API
// (`set_default_dtype`) is process-wide.
DType default_dtype();
void set_default_dtype(DType t);

template <class T>
struct DTypeOf;
template <>
struct DTypeOf<bool> {
  static constexpr DType value = DType::Bool;
};
template <>
struct DTypeOf<uint8_t> {
  static constexpr DType value = DType::UInt8;
};
template <>
struct DTypeOf<int8_t> {
  static constexpr DType value = DType::Int8;
};
template <>
struct DTypeOf<int16_t> {
  static constexpr DType value = DType::Int16;
};
template <>
struct DTypeOf<int32_t> {
  static constexpr DType value = DType::Int32;
};
template <>
struct DTypeOf<int64_t> {
  static constexpr DType value = DType::Int64;
};
template <>
struct DTypeOf<Half> {
  static constexpr DType value = DType::Float16;
};
template <>
struct DTypeOf<BFloat16> {
  static constexpr DType value = DType::BFloat16;
};
template <>
struct DTypeOf<float> {
  static constexpr DType value = DType::Float32;
};
template <>
struct DTypeOf<double> {
  static constexpr DType value = DType::Float64;
};
template <>
struct DTypeOf<Complex64> {
  static constexpr DType value = DType::Complex64;
};
template <>
struct DTypeOf<Complex128> {
  static constexpr DType value = DType::Complex128;
};

}  // namespace rt
