// Functions of two real arguments.
#include "cpu/kernels/kernels.h"

namespace rt::cpu::RT_ISA {

namespace {

#define RT_CHECKED2(slot, type, T, Op)                                               \
  table.add(slot, type, [](int64_t n, void* const* p) {                              \
    zip_checked_<Op>(static_cast<const T*>(p[1]), 1, static_cast<const T*>(p[2]), 1, \
                     static_cast<T*>(p[0]), n);                                      \
  })

// log(exp(x) + exp(y)); equal infinities are themselves
template <class T>
RT_INLINE T logaddexp(T x, T y) {
  const T big = x > y ? x : y, d = abs_(x - y);
  const T r = big + log1p_exp_negative_(d);
  return x == y && abs_(x) == inf_(x) ? x : (x != x || y != y ? x + y : r);
}
template <class T>
RT_INLINE T logaddexp2(T x, T y) {
  const T big = x > y ? x : y, d = abs_(x - y);
  const T r = big + log1p_(exp2_(-d)) * T(1.4426950408889634074);
  return x == y && abs_(x) == inf_(x) ? x : (x != x || y != y ? x + y : r);
}
// x log(y), 0 where x is 0 and y is a number
template <class T>
RT_INLINE T xlogy(T x, T y) {
  const T r = x * log_(y);
  return y != y ? y : (x == T(0) ? T(0) : r);
}
template <class T>
RT_INLINE T heaviside(T x, T y) {
  return x == T(0) ? y : (x > T(0) ? T(1) : T(0));
}
template <class T>
RT_INLINE T greater(T x, T y) {
  return x > y ? x : y;
}
template <class T>
RT_INLINE T lesser(T x, T y) {
  return x < y ? x : y;
}
// The neighbours of 16-bit floats, whose values come and go as float32: the step is taken on the
// bits that the type keeps.
RT_INLINE f32 next_bfloat16(f32 x, f32 y) {
  const s32 b = bits_(x), step = 0x10000;
  const bool away = (x < y) == (b >= 0);
  const s32 moved = static_cast<s32>(static_cast<uint32_t>(b) + (away ? 0x10000u : 0xffff0000u));
  const f32 r = from_bits_(x == 0 ? (sign_bit_(y) | step) : moved);
  return (x != x || y != y) ? x + y : (x == y ? y : r);
}
RT_INLINE f32 next_half(f32 x, f32 y) {
  const s32 b = float_to_half_(x), magnitude = b & 0x7fff;
  const bool away = (x < y) == (b < 0x8000);
  const s32 moved = away ? magnitude + 1 : magnitude - 1;
  const s32 sign = x == 0 ? (y < 0 ? 0x8000 : 0) : (b & 0x8000);
  const f32 r = half_to_float_(static_cast<u16>(sign | (x == 0 ? 1 : moved)));
  return (x != x || y != y) ? x + y : (x == y ? y : r);
}

}  // namespace

void add_binary(const LoopTable& table) {
  RT_FOR_FLOATS(RT_LOOP2, "pow", pow_(x, y));
  RT_FOR_INTEGERS(RT_LOOP2, "pow", int_pow_(x, y));
  RT_FOR_FLOATS(RT_LOOP1, "cube", x * x * x);
  RT_LOOP1("cube", UInt8, u8, u8, x * x * x);
  RT_LOOP1("cube", Int8, s8, s8, x * x * x);
  RT_LOOP1("cube", Int16, s16, s16,
           static_cast<uint32_t>(x) * static_cast<uint32_t>(x) * static_cast<uint32_t>(x));
  RT_LOOP1("cube", Int32, s32, s32,
           static_cast<uint32_t>(x) * static_cast<uint32_t>(x) * static_cast<uint32_t>(x));
  RT_LOOP1("cube", Int64, s64, s64,
           static_cast<uint64_t>(x) * static_cast<uint64_t>(x) * static_cast<uint64_t>(x));
  RT_FOR_FLOATS(RT_LOOP1, "identity", x);
  RT_LOOP1("identity", Bool, u8, u8, x);
  RT_FOR_INTEGERS(RT_LOOP1, "identity", x);
  RT_FOR_COMPLEX(RT_LOOP1, "identity", x);
  RT_FOR_FLOATS(RT_LOOP2, "hypot", hypot_(x, y));
  RT_FOR_FLOATS(RT_LOOP2, "copysign", copysign_(x, y));
  RT_FOR_FLOATS(RT_LOOP2, "nextafter", nextafter_(x, y));
  RT_LOOP2("nextafter_bfloat16", Float32, f32, f32, next_bfloat16(x, y));
  RT_LOOP2("nextafter_half", Float32, f32, f32, next_half(x, y));
  RT_FOR_FLOATS(RT_LOOP2, "logaddexp", logaddexp(x, y));
  RT_FOR_FLOATS(RT_LOOP2, "logaddexp2", logaddexp2(x, y));
  RT_FOR_FLOATS(RT_LOOP2, "xlogy", xlogy(x, y));
  RT_LOOP2("heaviside", Bool, u8, u8, x ? x : y);
  RT_FOR_INTEGERS(RT_LOOP2, "heaviside", x == 0 ? y : (x > 0 ? 1 : 0));
  RT_FOR_FLOATS(RT_LOOP2, "heaviside", heaviside(x, y));
}

// Largest and smallest of two, with bounds on either side.
void add_extremum(const LoopTable& table) {
  RT_LOOP2("maximum", Bool, u8, u8, x | y);
  RT_LOOP2("minimum", Bool, u8, u8, x & y);
  RT_FOR_INTEGERS(RT_LOOP2, "maximum", greater(x, y));
  RT_FOR_INTEGERS(RT_LOOP2, "minimum", lesser(x, y));
  RT_FOR_FLOATS(RT_LOOP2, "maximum", maximum_(x, y));
  RT_FOR_FLOATS(RT_LOOP2, "minimum", minimum_(x, y));
  RT_LOOP2("fmax", Bool, u8, u8, x | y);
  RT_LOOP2("fmin", Bool, u8, u8, x & y);
  RT_FOR_INTEGERS(RT_LOOP2, "fmax", greater(x, y));
  RT_FOR_INTEGERS(RT_LOOP2, "fmin", lesser(x, y));
  RT_FOR_FLOATS(RT_LOOP2, "fmax", fmax_(x, y));
  RT_FOR_FLOATS(RT_LOOP2, "fmin", fmin_(x, y));
  RT_FOR_INTEGERS(RT_LOOP3, "clamp", lesser(greater(x, y), z));
  RT_FOR_FLOATS(RT_LOOP3, "clamp", clamp_(x, y, z));
}

// Quotients rounded down or towards zero, and their remainders. Integer divisors are not zero: the
// op has looked.
void add_division(const LoopTable& table) {
  RT_CHECKED2("floor_divide", Float32, f32, FloorDivideOp);
  RT_CHECKED2("floor_divide", Float64, f64, FloorDivideOp);
  RT_CHECKED2("remainder", Float32, f32, RemainderOp);
  RT_CHECKED2("remainder", Float64, f64, RemainderOp);
  RT_CHECKED2("fmod", Float32, f32, FmodOp);
  RT_CHECKED2("fmod", Float64, f64, FmodOp);
  RT_FOR_FLOATS(RT_LOOP2, "trunc_divide", trunc_(x / y));
  RT_FOR_INTEGERS(RT_LOOP2, "floor_divide", int_floor_divide_(x, y));
  RT_FOR_INTEGERS(RT_LOOP2, "trunc_divide", int_trunc_divide_(x, y));
  RT_FOR_INTEGERS(RT_LOOP2, "remainder", int_remainder_(x, y));
  RT_FOR_INTEGERS(RT_LOOP2, "fmod", int_fmod_(x, y));
}

}  // namespace rt::cpu::RT_ISA
