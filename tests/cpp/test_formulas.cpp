// Loops over the scalar formulas, exported for tests/core/test_formulas.py, which builds this file
// once per instruction set and compares every function with a higher precision reference.
#include <cstdint>

#include "rt_formulas.h"
#include "rt_philox.h"

namespace f = RT_FORMULAS_NAMESPACE;

#define UNARY_FLOAT(name)                                                          \
  extern "C" void name##f32(const float* a, const float*, float* out, int64_t n) { \
    for (int64_t i = 0; i < n; ++i) out[i] = f::name(a[i]);                        \
  }
#define BINARY_FLOAT(name)                                                           \
  extern "C" void name##f32(const float* a, const float* b, float* out, int64_t n) { \
    for (int64_t i = 0; i < n; ++i) out[i] = f::name(a[i], b[i]);                    \
  }
#define MAP_FLOAT(name, op)                                                        \
  extern "C" void name##f32(const float* a, const float*, float* out, int64_t n) { \
    f::map_checked_<f::op>(a, out, n);                                             \
  }
#define ZIP_FLOAT(name, op)                                                          \
  extern "C" void name##f32(const float* a, const float* b, float* out, int64_t n) { \
    f::zip_checked_<f::op>(a, 1, b, 1, out, n);                                      \
  }
#define EXPRESSION_FLOAT(name, expression)                                         \
  extern "C" void name##f32(const float* a, const float*, float* out, int64_t n) { \
    for (int64_t i = 0; i < n; ++i) {                                              \
      using T = float;                                                             \
      const T x = a[i];                                                            \
      out[i] = f::expression;                                                      \
    }                                                                              \
  }
#ifdef RT_FORMULAS_NO_DOUBLE
#define UNARY(name) UNARY_FLOAT(name)
#define BINARY(name) BINARY_FLOAT(name)
#define MAP(name, op) MAP_FLOAT(name, op)
#define ZIP(name, op) ZIP_FLOAT(name, op)
#define EXPRESSION(name, expression) EXPRESSION_FLOAT(name, expression)
#else
#define UNARY(name)                                                                   \
  UNARY_FLOAT(name)                                                                   \
  extern "C" void name##f64(const double* a, const double*, double* out, int64_t n) { \
    for (int64_t i = 0; i < n; ++i) out[i] = f::name(a[i]);                           \
  }
#define BINARY(name)                                                                    \
  BINARY_FLOAT(name)                                                                    \
  extern "C" void name##f64(const double* a, const double* b, double* out, int64_t n) { \
    for (int64_t i = 0; i < n; ++i) out[i] = f::name(a[i], b[i]);                       \
  }
#define MAP(name, op)                                                                 \
  MAP_FLOAT(name, op)                                                                 \
  extern "C" void name##f64(const double* a, const double*, double* out, int64_t n) { \
    f::map_checked_<f::op>(a, out, n);                                                \
  }
#define ZIP(name, op)                                                                   \
  ZIP_FLOAT(name, op)                                                                   \
  extern "C" void name##f64(const double* a, const double* b, double* out, int64_t n) { \
    f::zip_checked_<f::op>(a, 1, b, 1, out, n);                                         \
  }
#define EXPRESSION(name, expression)                                                  \
  EXPRESSION_FLOAT(name, expression)                                                  \
  extern "C" void name##f64(const double* a, const double*, double* out, int64_t n) { \
    for (int64_t i = 0; i < n; ++i) {                                                 \
      using T = double;                                                               \
      const T x = a[i];                                                               \
      out[i] = f::expression;                                                         \
    }                                                                                 \
  }
#endif

UNARY(exp_)
UNARY(exp2_)
UNARY(expm1_)
UNARY(log_)
UNARY(log2_)
UNARY(log10_)
UNARY(log1p_)
UNARY(sinh_)
UNARY(cosh_)
UNARY(tanh_)
UNARY(asinh_)
UNARY(acosh_)
UNARY(atanh_)
UNARY(cbrt_)
BINARY(pow_)
MAP(sin_, SinOp)
MAP(cos_, CosOp)
MAP(tan_, TanOp)
UNARY(sinpi_)
UNARY(cospi_)
UNARY(sinc_)
UNARY(asin_)
UNARY(acos_)
UNARY(atan_)
BINARY(atan2_)
UNARY(erf_)
UNARY(erfc_)
UNARY(erfinv_)
UNARY(lgamma_)
UNARY(digamma_)
UNARY(i0_)
UNARY(i0e_)
UNARY(sigmoid_)
UNARY(logsigmoid_)
UNARY(silu_)
UNARY(silu_grad_)
UNARY(gelu_)
UNARY(gelu_grad_)
UNARY(gelu_tanh_)
UNARY(gelu_tanh_grad_)
UNARY(mish_)
UNARY(mish_grad_)
UNARY(selu_)
UNARY(relu_)
UNARY(relu6_)
UNARY(hardsigmoid_)
UNARY(hardswish_)
UNARY(softsign_)
EXPRESSION(softplus_, softplus_(x, T(1), T(20)))
EXPRESSION(softplus_grad_, softplus_grad_(x, T(1), T(20)))
EXPRESSION(leaky_relu_, leaky_relu_(x, T(0.01)))
EXPRESSION(hardtanh_, hardtanh_(x, T(-1), T(1)))
EXPRESSION(elu_, elu_(x, T(1), T(1), T(1)))
EXPRESSION(celu_, celu_(x, T(2)))
EXPRESSION(softshrink_, softshrink_(x, T(0.5)))
EXPRESSION(hardshrink_, hardshrink_(x, T(0.5)))
UNARY(round_)
UNARY(floor_)
UNARY(ceil_)
UNARY(trunc_)
UNARY(frac_)
UNARY(sign_)
UNARY(reciprocal_)
UNARY(rsqrt_)
UNARY(sqrt_)
UNARY(abs_)
BINARY(maximum_)
BINARY(minimum_)
BINARY(fmax_)
BINARY(fmin_)
BINARY(copysign_)
BINARY(nextafter_)
BINARY(hypot_)
ZIP(fmod_, FmodOp)
ZIP(remainder_, RemainderOp)
ZIP(floor_divide_, FloorDivideOp)

#define INTEGER(name)                                                                      \
  extern "C" void name##i64(const int64_t* a, const int64_t* b, int64_t* out, int64_t n) { \
    for (int64_t i = 0; i < n; ++i) out[i] = f::name<int64_t>(a[i], b[i]);                 \
  }                                                                                        \
  extern "C" void name##i8(const int8_t* a, const int8_t* b, int8_t* out, int64_t n) {     \
    for (int64_t i = 0; i < n; ++i) out[i] = f::name<int8_t>(a[i], b[i]);                  \
  }                                                                                        \
  extern "C" void name##u8(const uint8_t* a, const uint8_t* b, uint8_t* out, int64_t n) {  \
    for (int64_t i = 0; i < n; ++i) out[i] = f::name<uint8_t>(a[i], b[i]);                 \
  }
INTEGER(int_floor_divide_)
INTEGER(int_trunc_divide_)
INTEGER(int_remainder_)
INTEGER(int_fmod_)
INTEGER(shift_left_)
INTEGER(shift_right_)
INTEGER(int_pow_)
INTEGER(gcd_)

extern "C" void half_to_float_(const uint16_t* a, float* out, int64_t n) {
  for (int64_t i = 0; i < n; ++i) out[i] = f::half_to_float_(a[i]);
}
extern "C" void float_to_half_(const float* a, uint16_t* out, int64_t n) {
  for (int64_t i = 0; i < n; ++i) out[i] = f::float_to_half_(a[i]);
}
extern "C" void bfloat16_to_float_(const uint16_t* a, float* out, int64_t n) {
  for (int64_t i = 0; i < n; ++i) out[i] = f::bfloat16_to_float_(a[i]);
}
extern "C" void float_to_bfloat16_(const float* a, uint16_t* out, int64_t n) {
  for (int64_t i = 0; i < n; ++i) out[i] = f::float_to_bfloat16_(a[i]);
}

// Four words for each counter (given as four words) under one key.
extern "C" void philox_(uint32_t key_low, uint32_t key_high, const uint32_t* counters,
                        uint32_t* out, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    const uint32_t* c = counters + 4 * i;
    const f::Philox4 r = f::philox_(key_low, key_high, f::Philox4{c[0], c[1], c[2], c[3]});
    out[4 * i] = r.x;
    out[4 * i + 1] = r.y;
    out[4 * i + 2] = r.z;
    out[4 * i + 3] = r.w;
  }
}
extern "C" void uniform_float_(uint64_t seed, float* out, int64_t n) {
  for (int64_t i = 0; i < n; ++i) out[i] = f::uniform_float_(f::philox_at_(seed, 0, (uint64_t)i).x);
}
extern "C" void normal_float_(uint64_t seed, float* out, int64_t n) {
  for (int64_t i = 0; i < n / 4; ++i) {
    const f::Philox4 r = f::philox_at_(seed, 0, (uint64_t)i);
    const f::Pair<float> p = f::normal_float_(r.x, r.y), q = f::normal_float_(r.z, r.w);
    out[4 * i] = p.hi;
    out[4 * i + 1] = p.lo;
    out[4 * i + 2] = q.hi;
    out[4 * i + 3] = q.lo;
  }
}
#ifndef RT_FORMULAS_NO_DOUBLE
extern "C" void uniform_double_(uint64_t seed, double* out, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    const f::Philox4 r = f::philox_at_(seed, 0, (uint64_t)i);
    out[i] = f::uniform_double_(r.x, r.y);
  }
}
extern "C" void normal_double_(uint64_t seed, double* out, int64_t n) {
  for (int64_t i = 0; i < n / 2; ++i) {
    const f::Pair<double> p = f::normal_double_(f::philox_at_(seed, 0, (uint64_t)i));
    out[2 * i] = p.hi;
    out[2 * i + 1] = p.lo;
  }
}
#endif
