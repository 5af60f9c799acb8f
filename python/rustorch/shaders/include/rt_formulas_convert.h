// float16 and bfloat16 as bits, converted with integer arithmetic: round to nearest even, NaN stays
// NaN.
#ifndef RT_FORMULAS_CONVERT_H
#define RT_FORMULAS_CONVERT_H
#include "rt_formulas_base.h"

namespace RT_FORMULAS_NAMESPACE {

RT_INLINE float half_to_float_(u16 h) {
  const i32 sign = (i32)(((u32)h & 0x8000u) << 16);
  const i32 a = (i32)h & 0x7fff;
  const i32 normal = (a << 13) + (112 << 23);
  const i32 denormal = bits_((float)a * 5.9604645e-8f);
  const i32 special = (a << 13) | 0x7f800000;
  return from_bits_(sign | (a < 0x400 ? denormal : (a >= 0x7c00 ? special : normal)));
}
RT_INLINE u16 float_to_half_(float x) {
  const i32 b = bits_(x), a = b & 0x7fffffff;
  const i32 normal = (a + 0xfff + ((a >> 13) & 1) - (112 << 23)) >> 13;
  const i32 denormal =
      bits_(from_bits_(a) + 0.5f) - 0x3f000000;  // the addition rounds to multiples of 2^-24
  const i32 nan = 0x7e00 | ((a >> 13) & 0x3ff);
  const i32 large = a > 0x7f800000 ? nan : 0x7c00;
  const i32 r = a < 0x38800000 ? denormal : (a >= 0x47800000 ? large : normal);
  return (u16)(r | (i32)(((u32)b >> 16) & 0x8000u));
}
RT_INLINE float bfloat16_to_float_(u16 h) { return from_bits_((i32)((u32)h << 16)); }
RT_INLINE u16 float_to_bfloat16_(float x) {
  const u32 b = (u32)bits_(x);
  const u32 rounded = (b + 0x7fffu + ((b >> 16) & 1u)) >> 16;
  const u32 nan = 0x7fc0u | (b >> 16);
  return (u16)((b & 0x7fffffffu) > 0x7f800000u ? nan : rounded);
}

}  // namespace RT_FORMULAS_NAMESPACE

#endif  // RT_FORMULAS_CONVERT_H
