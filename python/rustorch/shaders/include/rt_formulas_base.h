// The environment of the scalar formulas: the same headers are compiled by g++/clang (CPU kernels,
// once per instruction set), by Apple's Metal compiler and by NVRTC.
//
// Files that include this must be compiled with -ffp-contract=off (Metal: fp-contract off, safe
// maths; NVRTC:
// --fmad=false): every fused multiply-add is written out, so all engines do the same arithmetic.
// CPU kernels add -fno-math-errno -fno-trapping-math, without which g++ will not turn the selects
// into vector blends.
//
// The functions are branch-free (selects, no tables, no libm), so that loops over them vectorise.
// They have internal linkage and live in RT_FORMULAS_NAMESPACE: an instance compiled for AVX-512 is
// never merged into the baseline.
#ifndef RT_FORMULAS_BASE_H
#define RT_FORMULAS_BASE_H

#ifndef RT_FORMULAS_NAMESPACE
#define RT_FORMULAS_NAMESPACE rt_formulas
#endif

#if defined(__METAL_VERSION__)
#include <metal_stdlib>
#define RT_FORMULAS_NO_DOUBLE 1
#define RT_INLINE static inline __attribute__((always_inline))
#define RT_NOINLINE static
#elif defined(__CUDACC_RTC__) || defined(__CUDA_ARCH__)
#define RT_INLINE static __device__ __forceinline__
#define RT_INLINE_MEMBER static __device__ __forceinline__
#define RT_NOINLINE static __device__ __noinline__
#else
#define RT_INLINE static inline __attribute__((always_inline))
#define RT_INLINE_MEMBER static inline __attribute__((always_inline))
#define RT_NOINLINE static inline __attribute__((noinline, unused))
#endif

// Hardware instructions for fma and for rounding to an integral value.
#if defined(__METAL_VERSION__) || defined(__CUDACC_RTC__) || defined(__CUDA_ARCH__) || \
    defined(__aarch64__)
#define RT_HAS_FMA 1
#define RT_HAS_ROUND 1
#else
#if defined(__FMA__)
#define RT_HAS_FMA 1
#endif
#if defined(__SSE4_1__)
#define RT_HAS_ROUND 1
#endif
#endif

namespace RT_FORMULAS_NAMESPACE {

#if defined(__METAL_VERSION__)
typedef int i32;
typedef uint u32;
typedef long i64;
typedef ulong u64;
typedef ushort u16;
RT_INLINE i32 bits_(float x) { return as_type<i32>(x); }
RT_INLINE float from_bits_(i32 x) { return as_type<float>(x); }
RT_INLINE float fma_(float a, float b, float c) { return metal::fma(a, b, c); }
RT_INLINE float sqrt_(float x) { return metal::precise::sqrt(x); }
RT_INLINE float rint_(float x) { return metal::rint(x); }
RT_INLINE float floor_(float x) { return metal::floor(x); }
RT_INLINE float ceil_(float x) { return metal::ceil(x); }
RT_INLINE float trunc_(float x) { return metal::trunc(x); }
#else
typedef int i32;
typedef unsigned int u32;
typedef long long i64;
typedef unsigned long long u64;
typedef unsigned short u16;

#if defined(__CUDACC_RTC__) || defined(__CUDA_ARCH__)
RT_INLINE i32 bits_(float x) { return __float_as_int(x); }
RT_INLINE float from_bits_(i32 x) { return __int_as_float(x); }
RT_INLINE i64 bits_(double x) { return __double_as_longlong(x); }
RT_INLINE double from_bits_(i64 x) { return __longlong_as_double(x); }
RT_INLINE float fma_(float a, float b, float c) { return __fmaf_rn(a, b, c); }
RT_INLINE double fma_(double a, double b, double c) { return __fma_rn(a, b, c); }
RT_INLINE float sqrt_(float x) { return __fsqrt_rn(x); }
RT_INLINE double sqrt_(double x) { return __dsqrt_rn(x); }
#else
RT_INLINE i32 bits_(float x) { return __builtin_bit_cast(i32, x); }
RT_INLINE float from_bits_(i32 x) { return __builtin_bit_cast(float, x); }
RT_INLINE i64 bits_(double x) { return __builtin_bit_cast(i64, x); }
RT_INLINE double from_bits_(i64 x) { return __builtin_bit_cast(double, x); }
RT_INLINE float sqrt_(float x) { return __builtin_sqrtf(x); }
RT_INLINE double sqrt_(double x) { return __builtin_sqrt(x); }
#if defined(RT_HAS_FMA)
RT_INLINE float fma_(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
RT_INLINE double fma_(double a, double b, double c) { return __builtin_fma(a, b, c); }
#else
// Without the instruction: the product is exact in both, the sum is rounded once (float: nearly
// always correctly; double: to the last bit or so). Dekker's splitting overflows for |a|, |b| above
// 2^996.
RT_INLINE float fma_(float a, float b, float c) {
  return (float)((double)a * (double)b + (double)c);
}
RT_INLINE double fma_(double a, double b, double c) {
  const double split = 134217729.0;
  const double a_big = a * split, b_big = b * split;
  const double ah = a_big - (a_big - a), bh = b_big - (b_big - b);
  const double al = a - ah, bl = b - bh;
  const double p = a * b;
  const double p_low = ((ah * bh - p) + ah * bl + al * bh) + al * bl;
  const double s = p + c, t = s - p;
  const double s_low = (p - (s - t)) + (c - t);
  const double r = s + (p_low + s_low);
  return r - r == 0.0 ? r : s;
}
#endif
#endif

#if defined(RT_HAS_ROUND)
RT_INLINE float rint_(float x) { return __builtin_rintf(x); }
RT_INLINE float floor_(float x) { return __builtin_floorf(x); }
RT_INLINE float ceil_(float x) { return __builtin_ceilf(x); }
RT_INLINE float trunc_(float x) { return __builtin_truncf(x); }
RT_INLINE double rint_(double x) { return __builtin_rint(x); }
RT_INLINE double floor_(double x) { return __builtin_floor(x); }
RT_INLINE double ceil_(double x) { return __builtin_ceil(x); }
RT_INLINE double trunc_(double x) { return __builtin_trunc(x); }
#endif
#endif  // __METAL_VERSION__

// a * b + c where the rounding of the product does not matter: a fused operation if the hardware
// has one.
#if defined(RT_HAS_FMA)
RT_INLINE float mad_(float a, float b, float c) { return fma_(a, b, c); }
#else
RT_INLINE float mad_(float a, float b, float c) { return a * b + c; }
#endif

// All bits set if c, as an integer as wide as the second argument. For selects early in a formula:
// a conditional expression there may be split into two copies of what follows.
RT_INLINE i32 mask_(bool c, float) { return c ? -1 : 0; }
RT_INLINE i32 sign_bit_(float x) { return bits_(x) & (i32)0x80000000; }
RT_INLINE float abs_(float x) { return from_bits_(bits_(x) & 0x7fffffff); }
RT_INLINE float copysign_(float x, float s) {
  return from_bits_((bits_(x) & 0x7fffffff) | sign_bit_(s));
}
RT_INLINE bool isnan_(float x) { return x != x; }
RT_INLINE float inf_(float) { return from_bits_(0x7f800000); }
RT_INLINE float nan_(float) { return from_bits_(0x7fc00000); }
// An integer k is carried as the "biased" number magic + k (1.5 * 2^23 or 1.5 * 2^52): adding the
// magic number rounds to an integer and leaves k in the low bits, ready to be shifted into an
// exponent. biased_ works for |k| < 2^22 (float), 2^51 (double).
RT_INLINE float magic_(float) { return 12582912.0f; }
// p * 2^k for biased k, correctly rounded also where the result is denormal or overflows: |k| <=
// 250 (float), 2000.
RT_INLINE float scale_(float p, float biased) {
  const u32 n = (u32)bits_(biased),
            halved = n >> 1;  // n is an even constant plus k: two factors of about 2^(k/2)
  return p * from_bits_((i32)((halved + 127u) << 23)) *
         from_bits_((i32)((n - halved + 127u) << 23));
}
// the same for -190 <= k <= 0
RT_INLINE float scale_down_(float p, float biased) {
  return p * from_bits_((i32)((u32)(bits_(biased) + (127 + 64)) << 23)) * 5.42101086e-20f;
}
// the same for -126 <= k <= 127
RT_INLINE float scale_normal_(float p, float biased) {
  return p * from_bits_((i32)((u32)(bits_(biased) + 127) << 23));
}

#ifndef RT_FORMULAS_NO_DOUBLE
#if defined(RT_HAS_FMA)
RT_INLINE double mad_(double a, double b, double c) { return fma_(a, b, c); }
#else
RT_INLINE double mad_(double a, double b, double c) { return a * b + c; }
#endif
RT_INLINE i64 mask_(bool c, double) { return c ? -1 : 0; }
RT_INLINE i64 sign_bit_(double x) { return bits_(x) & (i64)0x8000000000000000ull; }
RT_INLINE double abs_(double x) { return from_bits_(bits_(x) & (i64)0x7fffffffffffffffll); }
RT_INLINE double copysign_(double x, double s) {
  return from_bits_((bits_(x) & (i64)0x7fffffffffffffffll) | sign_bit_(s));
}
RT_INLINE bool isnan_(double x) { return x != x; }
RT_INLINE double inf_(double) { return from_bits_((i64)0x7ff0000000000000ll); }
RT_INLINE double nan_(double) { return from_bits_((i64)0x7ff8000000000000ll); }
RT_INLINE double magic_(double) { return 6755399441055744.0; }
RT_INLINE double scale_(double p, double biased) {
  const u64 n = (u64)bits_(biased), halved = n >> 1;
  return p * from_bits_((i64)((halved + 1023u) << 52)) *
         from_bits_((i64)((n - halved + 1023u) << 52));
}
RT_INLINE double scale_down_(double p, double biased) {
  return p * from_bits_((i64)((u64)(bits_(biased) + (1023 + 64)) << 52)) * 5.421010862427522e-20;
}
RT_INLINE double scale_normal_(double p, double biased) {
  return p * from_bits_((i64)((u64)(bits_(biased) + 1023) << 52));
}
#endif

#if !defined(RT_HAS_ROUND)
RT_INLINE float rint_(float x) {
  const float a = abs_(x);
  return a < 8388608.0f ? copysign_((a + 8388608.0f) - 8388608.0f, x) : x;
}
RT_INLINE double rint_(double x) {
  const double a = abs_(x);
  return a < 4503599627370496.0 ? copysign_((a + 4503599627370496.0) - 4503599627370496.0, x) : x;
}
RT_INLINE float floor_(float x) {
  const float t = rint_(x);
  return t > x ? t - 1.0f : t;
}
RT_INLINE double floor_(double x) {
  const double t = rint_(x);
  return t > x ? t - 1.0 : t;
}
RT_INLINE float ceil_(float x) {
  const float t = rint_(x);
  return copysign_(t < x ? t + 1.0f : t, x);
}
RT_INLINE double ceil_(double x) {
  const double t = rint_(x);
  return copysign_(t < x ? t + 1.0 : t, x);
}
RT_INLINE float trunc_(float x) { return copysign_(floor_(abs_(x)), x); }
RT_INLINE double trunc_(double x) { return copysign_(floor_(abs_(x)), x); }
#endif

}  // namespace RT_FORMULAS_NAMESPACE

#endif  // RT_FORMULAS_BASE_H
