// Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers:
// as easy as 1, 2, 3, SC 2011). The same key and counter give the same bits on every engine; the
// normal numbers agree as far as the compiler keeps to the written fused operations (see
// rt_formulas_base.h).
#ifndef RT_PHILOX_H
#define RT_PHILOX_H
#include "rt_formulas_trig.h"

namespace RT_FORMULAS_NAMESPACE {

struct Philox4 {
  u32 x, y, z, w;
};

RT_INLINE Philox4 philox_(u32 key_low, u32 key_high, Philox4 c) {
#pragma GCC unroll 10
  for (int round = 0; round < 10; ++round) {
    const u64 a = (u64)0xD2511F53u * (u64)c.x, b = (u64)0xCD9E8D57u * (u64)c.z;
    c = Philox4{(u32)(b >> 32) ^ c.y ^ key_low, (u32)b, (u32)(a >> 32) ^ c.w ^ key_high, (u32)a};
    key_low += 0x9E3779B9u;
    key_high += 0xBB67AE85u;
  }
  return c;
}
// The counter that a stream reads at `index`: 64 bits of index, 64 bits of stream.
RT_INLINE Philox4 philox_at_(u64 seed, u64 stream, u64 index) {
  const Philox4 counter = {(u32)index, (u32)(index >> 32), (u32)stream, (u32)(stream >> 32)};
  return philox_((u32)seed, (u32)(seed >> 32), counter);
}

// uniform in [0, 1): multiples of 2^-24
RT_INLINE float uniform_float_(u32 u) { return (float)(i32)(u >> 8) * 5.9604645e-8f; }
// uniform in (0, 1], 32 bits near 0
RT_INLINE float uniform_open_float_(u32 u) {
  return fma_((float)(i32)(u >> 8), 5.9604645e-8f,
              ((float)(i32)(u & 255u) + 0.5f) * 2.3283064e-10f);
}
// two independent standard normal numbers (Box and Muller, 1958)
RT_INLINE Pair<float> normal_float_(u32 a, u32 b) {
  const float radius = sqrt_(-2.0f * log_(uniform_open_float_(a)));
  const Pair<float> turn = sincospi_(2.0f * uniform_float_(b));
  return {radius * turn.lo, radius * turn.hi};
}
// [low, high): a sum that rounds up to high falls back to low, which keeps the interval half open.
RT_INLINE float uniform_between_float_(u32 word, float low, float width, float high) {
  const float u = fma_(uniform_float_(word), width, low);
  return u < high ? u : low;
}
// of rate 1. -log(u) is 0 where u rounds to 1; results stay positive, because users divide by them.
RT_INLINE float exponential_float_(u32 word) {
  const float e = -log_(uniform_open_float_(word));
  return e > 2.9802322e-8f ? e : 2.9802322e-8f;
}
// floor(w * range / 2^64): the word's share of the range; unbiased to 2^-64 of a value's share.
// A range of 0 stands for all 2^64 integers.
RT_INLINE u64 word_share_(u64 w, u64 range) {
  const u64 wl = w & 0xffffffffu, wh = w >> 32, rl = range & 0xffffffffu, rh = range >> 32;
  const u64 mid = wh * rl + (wl * rl >> 32), mid2 = wl * rh + (mid & 0xffffffffu);
  return range == 0 ? w : wh * rh + (mid >> 32) + (mid2 >> 32);
}
RT_INLINE u64 word64_(u32 high, u32 low) { return (u64)high << 32 | low; }
#ifndef RT_FORMULAS_NO_DOUBLE
// uniform in [0, 1): multiples of 2^-53. Two int32 conversions, because AVX2 has none for int64.
RT_INLINE double uniform_double_(u32 high, u32 low) {
  return ((double)(i32)(high >> 5) * 67108864.0 + (double)(i32)(low >> 6)) * 1.1102230246251565e-16;
}
RT_INLINE double uniform_open_double_(u32 high, u32 low) {
  return uniform_double_(high, low) + 1.1102230246251565e-16;
}
RT_INLINE double exponential_double_(u32 high, u32 low) {
  const double e = -log_(uniform_open_double_(high, low));
  return e > 5.551115123125783e-17 ? e : 5.551115123125783e-17;
}
RT_INLINE Pair<double> normal_double_(Philox4 r) {
  const double radius = sqrt_(-2.0 * log_(uniform_open_double_(r.x, r.y)));
  const Pair<double> turn = sincospi_(2.0 * uniform_double_(r.z, r.w));
  return {radius * turn.lo, radius * turn.hi};
}
#endif

}  // namespace RT_FORMULAS_NAMESPACE

#endif  // RT_PHILOX_H
