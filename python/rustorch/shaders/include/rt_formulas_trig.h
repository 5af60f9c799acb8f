// Trigonometric functions and their inverses.
//
// sin, cos and tan come in three forms. X_small_ is branch-free and valid while trig_in_range_;
// X_full_ reduces any argument (Payne and Hanek, 1983) and is not for vector loops; X_ chooses with
// a branch. A loop over a block asks trig_in_range_ of every element first and takes X_small_ for
// the whole block when all agree.
#ifndef RT_FORMULAS_TRIG_H
#define RT_FORMULAS_TRIG_H
#include "rt_formulas_exp.h"

namespace RT_FORMULAS_NAMESPACE {

// An angle less a multiple of pi / 2: hi + lo in [-pi/4, pi/4], quadrant in the two low bits of q.
template <class T, class I>
struct Angle {
  T hi, lo;
  I q;
};

RT_INLINE bool trig_in_range_(float x) { return !(abs_(x) > 32768.0f); }
// pi / 2 in three parts; with fma the first product cancels exactly (Cody and Waite, 1980).
RT_INLINE Angle<float, i32> reduce_small_(float x) {
  const float t = x * 0.636619772f + 12582912.0f;
  const float k = t - 12582912.0f;
  const float a = fma_(k, -1.57079637f, x);
  const float hi = fma_(k, 4.37113883e-8f, a);
  const float lo = mad_(k, 1.71512489e-15f, fma_(k, 4.37113883e-8f, a - hi));
  return {hi, lo, bits_(t)};
}
RT_INLINE float half_pi_low_(float) { return -4.37113883e-8f; }
#ifndef RT_FORMULAS_NO_DOUBLE
RT_INLINE bool trig_in_range_(double x) { return !(abs_(x) > 1073741824.0); }
RT_INLINE Angle<double, i64> reduce_small_(double x) {
  const double t = x * 0.63661977236758134 + 6755399441055744.0;
  const double k = t - 6755399441055744.0;
  const double a = fma_(k, -1.5707963267948966, x);
  const double hi = fma_(k, -6.123233995736766e-17, a);
  const double lo = mad_(k, 1.4973849048591698e-33, fma_(k, -6.123233995736766e-17, a - hi));
  return {hi, lo, bits_(t)};
}
RT_INLINE double half_pi_low_(double) { return 6.123233995736766e-17; }
#endif
template <class T>
RT_INLINE T half_pi_(T) {
  return T(1.57079632679489661923);
}

// 128 bits of the fraction of m * 2^e * 2 / pi, and the quadrant, for m < 2^53 and m * 2^e >= 1.
struct TurnFraction {
  u64 high, low;
  i32 quadrant;
};
RT_NOINLINE TurnFraction turn_fraction_(u64 m, i32 e) {
  // 2 / pi in words of 32 bits, after three zero words for the smallest exponents
  const u32 words[] = {0x00000000u, 0x00000000u, 0x00000000u, 0xa2f9836eu, 0x4e441529u, 0xfc2757d1u,
                       0xf534ddc0u, 0xdb629599u, 0x3c439041u, 0xfe5163abu, 0xdebbc561u, 0xb7246e3au,
                       0x424dd2e0u, 0x06492eeau, 0x09d1921cu, 0xfe1deb1cu, 0xb129a73eu, 0xe88235f5u,
                       0x2ebb4484u, 0xe99c7026u, 0xb45f7e41u, 0x3991d639u, 0x835339f4u, 0x9c845f8bu,
                       0xbdf9283bu, 0x1ff897ffu, 0xde05980fu, 0xef2f118bu, 0x5a0a6d1fu, 0x6d367ecfu,
                       0x27cb09b7u, 0x4f463f66u, 0x9e5fea2du, 0x7527bac7u, 0xebe5f17bu, 0x3d0739f7u,
                       0x8a5292eau, 0x6bfb5fb1u, 0x1f8d5d08u, 0x56033046u, 0xfc7b6babu};
  const i32 shifted = e + 96 - 2;
  const i32 first = shifted >> 5, left = shifted & 31;  // earlier words contribute whole turns
  u32 product[7] = {0, 0, 0, 0, 0, 0, 0};               // most significant first, modulo 2^224
  for (i32 part = 0; part < 2; ++part) {
    const u64 factor = part == 0 ? (m & (u64)0xffffffffu) : (m >> 32);
    u64 carry = 0;
    for (i32 i = 6; i >= part; --i) {
      const u64 t = factor * (u64)words[first + i] + (u64)product[i - part] + carry;
      product[i - part] = (u32)t;
      carry = t >> 32;
    }
  }
  u32 aligned[6];
  for (i32 i = 0; i < 6; ++i)
    aligned[i] = (u32)((((((u64)product[i]) << 32) | (u64)product[i + 1]) << left) >> 32);
  // the two top bits count quadrants; the rest, as a signed number, is the distance from the
  // nearest one
  TurnFraction r;
  const u64 a = ((u64)aligned[0] << 32) | aligned[1], b = ((u64)aligned[2] << 32) | aligned[3];
  const u64 c = ((u64)aligned[4] << 32) | aligned[5];
  r.high = (a << 2) | (b >> 62);
  r.low = (b << 2) | (c >> 62);
  r.quadrant = (i32)(a >> 62) + (i32)(r.high >> 63);
  return r;
}
RT_INLINE Angle<float, i32> reduce_full_(float x) {
  const i32 b = bits_(abs_(x));
  const TurnFraction t = turn_fraction_((u64)((b & 0x7fffff) | 0x800000), (b >> 23) - 150);
  const bool negative = (t.high >> 63) != 0;
  const u64 n = negative ? ~t.high : t.high;
  const float h =
      (float)(i32)(n >> 40) * 5.9604645e-8f;  // the 24 bits that a float holds, and the rest
  const float l = (float)(i64)(n & (((u64)1 << 40) - 1)) * 5.42101086e-20f;
  const float p = h * 1.57079637f;
  const float p_low = mad_(l, 1.57079637f, mad_(h, -4.37113883e-8f, fma_(h, 1.57079637f, -p)));
  const float hi = p + p_low, lo = (p - hi) + p_low;
  const bool flip = negative != (x < 0.0f);
  return {flip ? -hi : hi, flip ? -lo : lo, x < 0.0f ? -t.quadrant : t.quadrant};
}
#ifndef RT_FORMULAS_NO_DOUBLE
RT_INLINE Angle<double, i64> reduce_full_(double x) {
  const i64 b = bits_(abs_(x));
  const TurnFraction t =
      turn_fraction_((u64)((b & 0xfffffffffffffll) | 0x10000000000000ll), (i32)(b >> 52) - 1075);
  const bool negative = (t.high >> 63) != 0;
  const u64 n = negative ? ~t.high : t.high, n_low = negative ? ~t.low : t.low;
  const double h = (double)(i64)(n & 0xfffffffffffff800ull) * 5.421010862427522e-20;
  const double l = (double)(i64)(n & 0x7ffull) * 5.421010862427522e-20 +
                   (double)(i64)(n_low >> 1) * 5.877471754111438e-39;
  const double p = h * 1.5707963267948966;
  const double p_low =
      mad_(l, 1.5707963267948966, mad_(h, 6.123233995736766e-17, fma_(h, 1.5707963267948966, -p)));
  const double hi = p + p_low, lo = (p - hi) + p_low;
  const bool flip = negative != (x < 0.0);
  return {flip ? -hi : hi, flip ? -lo : lo, x < 0.0 ? -t.quadrant : t.quadrant};
}
#endif

template <class T>
RT_INLINE T sin_near_zero_(T r, T lo, T z) {
  return r + mad_(r * z, poly_sin_(z), mad_(T(-0.5) * z, lo, lo));
}
template <class T>
RT_INLINE T cos_near_zero_(T r, T lo, T z) {
  const T halved = T(0.5) * z, w = T(1) - halved;
  return w + (((T(1) - w) - halved) + mad_(z * z, poly_cos_(z), -(r * lo)));
}
RT_INLINE float flip_sign_(float x, i32 q) {
  return from_bits_(bits_(x) ^ (i32)(((u32)q & 2u) << 30));
}
#ifndef RT_FORMULAS_NO_DOUBLE
RT_INLINE double flip_sign_(double x, i64 q) {
  return from_bits_(bits_(x) ^ (i64)(((u64)q & 2u) << 62));
}
#endif
template <class T, class I>
RT_INLINE T sin_of_(Angle<T, I> a) {
  const T z = a.hi * a.hi;
  const T s = sin_near_zero_(a.hi, a.lo, z), c = cos_near_zero_(a.hi, a.lo, z);
  return flip_sign_((a.q & 1) != 0 ? c : s, a.q);
}
template <class T, class I>
RT_INLINE T cos_of_(Angle<T, I> a) {
  const T z = a.hi * a.hi;
  const T s = sin_near_zero_(a.hi, a.lo, z), c = cos_near_zero_(a.hi, a.lo, z);
  return flip_sign_((a.q & 1) != 0 ? s : c, a.q + 1);
}
template <class T, class I>
RT_INLINE T tan_of_(Angle<T, I> a) {
  const T z = a.hi * a.hi;
  const T rest = mad_(a.hi * z, poly_tan_(z), mad_(z, a.lo, a.lo));
  const T t = a.hi + rest, t_low = (a.hi - t) + rest;
  const T q = T(-1) / t;
  const T cot = mad_(q, mad_(q, t_low, fma_(q, t, T(1))), q);
  return (a.q & 1) != 0 ? cot : t;
}

// 1.5 ulp
template <class T>
RT_INLINE T sin_small_(T x) {
  const T r = sin_of_(reduce_small_(x));
  return x == T(0) ? x : r;
}
template <class T>
RT_INLINE T cos_small_(T x) {
  return cos_of_(reduce_small_(x));
}
template <class T>
RT_INLINE T tan_small_(T x) {
  const T r = tan_of_(reduce_small_(x));
  return x == T(0) ? x : r;
}
// |x| >= 1, infinite or NaN
template <class T>
RT_NOINLINE T sin_full_(T x) {
  return abs_(x) < inf_(x) ? sin_of_(reduce_full_(x)) : x - x;
}
template <class T>
RT_NOINLINE T cos_full_(T x) {
  return abs_(x) < inf_(x) ? cos_of_(reduce_full_(x)) : x - x;
}
template <class T>
RT_NOINLINE T tan_full_(T x) {
  return abs_(x) < inf_(x) ? tan_of_(reduce_full_(x)) : x - x;
}
template <class T>
RT_INLINE T sin_(T x) {
  return trig_in_range_(x) ? sin_small_(x) : sin_full_(x);
}
template <class T>
RT_INLINE T cos_(T x) {
  return trig_in_range_(x) ? cos_small_(x) : cos_full_(x);
}
template <class T>
RT_INLINE T tan_(T x) {
  return trig_in_range_(x) ? tan_small_(x) : tan_full_(x);
}
// sin(pi x) in hi and cos(pi x) in lo for finite x, exactly reduced; branch-free: 1.5 ulp
template <class T>
RT_INLINE Pair<T> sincospi_(T x) {
  const T k = rint_(T(2) * x), u = mad_(k, T(-0.5), x);
  const T q = k - T(4) * floor_(k * T(0.25));
  const T pi = T(2) * half_pi_(x);
  const T angle = u * pi, lo = mad_(u, T(2) * half_pi_low_(x), fma_(u, pi, -angle));
  const T z = angle * angle;
  const T s = sin_near_zero_(angle, lo, z), c = cos_near_zero_(angle, lo, z);
  const bool swap = q == T(1) || q == T(3);
  const T sine = swap ? c : s, cosine = swap ? s : c;
  return {q >= T(2) ? -sine : sine, (q == T(1) || q == T(2)) ? -cosine : cosine};
}
template <class T>
RT_INLINE T sinpi_(T x) {
  const T r = sincospi_(x).hi;
  return x == T(0) ? x : r;
}
template <class T>
RT_INLINE T cospi_(T x) {
  return sincospi_(x).lo;
}
// sin(pi x) / (pi x), 1 at 0 (torch.sinc): 2.5 ulp
template <class T>
RT_INLINE T sinc_(T x) {
  const T r = sinpi_(x) / (x * (T(2) * half_pi_(x)));
  return x == T(0) ? T(1) : r;
}

// ---- inverses ----
template <class T>
RT_INLINE T asin_(T x) {  // 1.5 ulp
  const T a = abs_(x);
  const bool small = a <= T(0.5);
  const T z = small ? x * x : T(0.5) - T(0.5) * a;
  const T s = small ? a : sqrt_(z);
  const T p = s * z * poly_asin_(z);
  const T large = half_pi_(x) - (T(2) * s - mad_(T(-2), p, half_pi_low_(x)));
  return copysign_(small ? s + p : large, x);
}
template <class T>
RT_INLINE T acos_(T x) {  // 1.5 ulp
  const T a = abs_(x);
  const bool small = a <= T(0.5);
  const T z = small ? x * x : T(0.5) - T(0.5) * a;
  const T s = small ? x : sqrt_(z);
  const T p = s * z * poly_asin_(z);
  const T centre = half_pi_(x) - (s - (half_pi_low_(x) - p));
  const T right = T(2) * (s + p);
  const T left = T(2) * (half_pi_(x) - (s - (half_pi_low_(x) - p)));
  return small ? centre : (x < T(0) ? left : right);
}
// atan(n / d) for 0 <= n <= d
template <class T>
RT_INLINE T atan_quotient_(T q) {
  const T z = q * q;
  return q * z * poly_atan_(z);
}
template <class T>
RT_INLINE T atan_(T x) {  // 1.5 ulp
  const T a = abs_(x);
  const bool large = a > T(1);
  const T q = large ? T(-1) / a : a;
  const T base = large ? half_pi_(x) : T(0), base_low = large ? half_pi_low_(x) : T(0);
  const T r = base + (q + (atan_quotient_(q) + base_low));
  return copysign_(r, x);
}
template <class T>
RT_INLINE T atan2_(T y, T x) {  // 2 ulp
  const T ay = abs_(y), ax = abs_(x);
  const bool steep = ay > ax, left = sign_bit_(x) != 0;
  const T top = steep ? ax : ay, bottom = steep ? ay : ax;
  const bool both_inf = top == inf_(x), both_zero = bottom == T(0);
  T q = both_inf ? T(1) : (both_zero ? T(0) : top / bottom);
  q = steep != left ? -q : q;  // pi/2 - q, pi - q, or pi/2 + q
  const T turns = steep ? T(1) : (left ? T(2) : T(0));
  const T rest = atan_quotient_(q);
  const T tail = q + mad_(turns, half_pi_low_(x), rest);
  const T r = mad_(turns, half_pi_(x), tail);
  return (x != x || y != y) ? x + y : copysign_(r, y);
}

}  // namespace RT_FORMULAS_NAMESPACE

#endif  // RT_FORMULAS_TRIG_H
