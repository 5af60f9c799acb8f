// Conversions between every pair of types, for contiguous runs.
#include "cpu/kernels/kernels.h"

namespace rt::cpu::RT_ISA {

namespace {

struct f16 {
  uint16_t bits;
};
struct bf16 {
  uint16_t bits;
};
struct boolean {
  u8 value;
};

// Reads any type as the type it is computed in.
RT_INLINE s64 load(boolean x) { return x.value != 0; }
RT_INLINE s64 load(u8 x) { return x; }
RT_INLINE s64 load(s8 x) { return x; }
RT_INLINE s64 load(s16 x) { return x; }
RT_INLINE s64 load(s32 x) { return x; }
RT_INLINE s64 load(s64 x) { return x; }
RT_INLINE f32 load(f16 x) { return half_to_float_(x.bits); }
RT_INLINE f32 load(bf16 x) { return bfloat16_to_float_(x.bits); }
RT_INLINE f32 load(f32 x) { return x; }
RT_INLINE f64 load(f64 x) { return x; }
template <class F>
RT_INLINE Complex<F> load(Complex<F> x) {
  return x;
}

// A float out of an integer's range becomes the type's smallest 64-bit value, then wraps: no
// undefined behaviour, and what x86 does.
template <class F>
RT_INLINE s64 to_s64(F x) {
  const bool fits = x >= F(-9223372036854775808.0) && x < F(9223372036854775808.0);
  return fits ? static_cast<s64>(x) : (-9223372036854775807LL - 1);
}

template <class To>
struct Store {
  RT_INLINE_MEMBER To from(s64 x) { return static_cast<To>(x); }
  RT_INLINE_MEMBER To from(f32 x) { return static_cast<To>(to_s64(x)); }
  RT_INLINE_MEMBER To from(f64 x) { return static_cast<To>(to_s64(x)); }
  template <class F>
  RT_INLINE_MEMBER To from(Complex<F> x) {
    return from(x.re);
  }
};
template <>
struct Store<boolean> {
  template <class F>
  RT_INLINE_MEMBER boolean from(F x) {
    return {static_cast<u8>(x != 0)};
  }
  template <class F>
  RT_INLINE_MEMBER boolean from(Complex<F> x) {
    return {static_cast<u8>((x.re != 0) | (x.im != 0))};
  }
};
template <class To>
struct StoreFloat {
  template <class F>
  RT_INLINE_MEMBER To from(F x) {
    return static_cast<To>(x);
  }
  template <class F>
  RT_INLINE_MEMBER To from(Complex<F> x) {
    return static_cast<To>(x.re);
  }
};
template <>
struct Store<f32> : StoreFloat<f32> {};
template <>
struct Store<f64> : StoreFloat<f64> {};
template <>
struct Store<f16> {
  template <class F>
  RT_INLINE_MEMBER f16 from(F x) {
    return {float_to_half_(StoreFloat<f32>::from(x))};
  }
};
template <>
struct Store<bf16> {
  template <class F>
  RT_INLINE_MEMBER bf16 from(F x) {
    return {float_to_bfloat16_(StoreFloat<f32>::from(x))};
  }
};
template <class F>
struct Store<Complex<F>> {
  template <class G>
  RT_INLINE_MEMBER Complex<F> from(G x) {
    return {static_cast<F>(x), F(0)};
  }
  template <class G>
  RT_INLINE_MEMBER Complex<F> from(Complex<G> x) {
    return {static_cast<F>(x.re), static_cast<F>(x.im)};
  }
};

template <class To, class From>
void cast(int64_t n, void* const* p) {
  To* out = static_cast<To*>(p[0]);
  const From* in = static_cast<const From*>(p[1]);
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) out[i] = Store<To>::from(load(in[i]));
}

template <class To>
void add_row(const CastTable& table, int to) {
  table.add(to, Bool, &cast<To, boolean>);
  table.add(to, UInt8, &cast<To, u8>);
  table.add(to, Int8, &cast<To, s8>);
  table.add(to, Int16, &cast<To, s16>);
  table.add(to, Int32, &cast<To, s32>);
  table.add(to, Int64, &cast<To, s64>);
  table.add(to, Float16, &cast<To, f16>);
  table.add(to, BFloat16, &cast<To, bf16>);
  table.add(to, Float32, &cast<To, f32>);
  table.add(to, Float64, &cast<To, f64>);
  table.add(to, Complex64, &cast<To, c64>);
  table.add(to, Complex128, &cast<To, c128>);
}

}  // namespace

void add_casts(const CastTable& table) {
  add_row<boolean>(table, Bool);
  add_row<u8>(table, UInt8);
  add_row<s8>(table, Int8);
  add_row<s16>(table, Int16);
  add_row<s32>(table, Int32);
  add_row<s64>(table, Int64);
  add_row<f16>(table, Float16);
  add_row<bf16>(table, BFloat16);
  add_row<f32>(table, Float32);
  add_row<f64>(table, Float64);
  add_row<c64>(table, Complex64);
  add_row<c128>(table, Complex128);
}

}  // namespace rt::cpu::RT_ISA
