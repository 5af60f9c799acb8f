// Activations of neural networks and the derivatives that need a formula of their own.
// Written with e = exp(-|x|), so that nothing overflows or cancels on either side.
#ifndef RT_FORMULAS_ACTIVATION_H
#define RT_FORMULAS_ACTIVATION_H
#include "rt_formulas_arith.h"
#include "rt_formulas_special.h"

namespace RT_FORMULAS_NAMESPACE {

template <class T>
RT_INLINE T sigmoid_(T x) {  // 2 ulp
  const T e = exp_negative_(abs_(x));
  return (x < T(0) ? e : T(1)) / (T(1) + e);
}
// log(1 + exp(-a)), a >= 0
template <class T>
RT_INLINE T log1p_exp_negative_(T a) {
  const T e = exp_negative_(a);
  const T r = log1p_sum_(e, T(0), T(0));
  return e < tiny_(a) ? e : (a != a ? a : r);
}
template <class T>
RT_INLINE T logsigmoid_(T x) {  // 2 ulp
  return (x < T(0) ? x : T(0)) - log1p_exp_negative_(abs_(x));
}
// log(1 + exp(beta x)) / beta, x itself where beta x > threshold: 2 ulp for beta = 1
template <class T>
RT_INLINE T softplus_(T x, T beta, T threshold) {
  const T z = x * beta;
  const T r = ((z > T(0) ? z : T(0)) + log1p_exp_negative_(abs_(z))) / beta;
  return z > threshold ? x : r;
}
template <class T>
RT_INLINE T softplus_grad_(T x, T beta, T threshold) {
  const T z = x * beta;
  return z > threshold ? T(1) : sigmoid_(z);
}
template <class T>
RT_INLINE T silu_(T x) {  // x sigmoid(x): 2.5 ulp
  return x * sigmoid_(x);
}
// |x| from which on the activations below equal their asymptotes
RT_INLINE float flat_(float) { return 120.0f; }
#ifndef RT_FORMULAS_NO_DOUBLE
RT_INLINE double flat_(double) { return 800.0; }
#endif
// The derivatives: 2 to 3 ulp of the larger of the result and 1 (they pass through zero).
template <class T>
RT_INLINE T silu_grad_(T x) {
  const T e = exp_negative_(abs_(x)), r = T(1) / (T(1) + e);
  const T s = (x < T(0) ? e : T(1)) * r, rest = (x < T(0) ? T(1) : e) * r;
  return abs_(x) > flat_(x) ? s : mad_(s * x, rest, s);
}

// exp(-x^2 / 2) in parts and exp(x^2 / 2) times the upper tail probability of the normal
// distribution at |x|
template <class T>
struct NormalTail {
  Pair<T> density;  // times sqrt(2 pi), as mantissa and biased exponent
  T ratio;
};
// |x| from which on both are 0
template <class T>
RT_INLINE T normal_limit_(T x) {
  return T(1.4142135623730951) * erfc_limit_(x);
}
template <class T>
RT_INLINE NormalTail<T> normal_tail_(T x) {
  const T a = abs_(x), halved = T(0.5) * a, square = halved * a, low = fma_(halved, a, -square);
  return {exp_parts_(-square, -low), T(0.5) * erfcx_(a * T(0.70710678118654752440))};
}
// x Phi(x), Phi the normal distribution function: 5 ulp (float), 6 ulp (double), also for negative
// x
template <class T>
RT_INLINE T gelu_(T x) {
  const NormalTail<T> n = normal_tail_(x);
  const T r = scale_down_(n.density.hi * n.ratio, n.density.lo);
  const T q = abs_(x) > normal_limit_(x) ? T(0) : r;
  return x * (x < T(0) ? q : T(1) - q);
}
// Phi(x) + x phi(x)
template <class T>
RT_INLINE T gelu_grad_(T x) {
  const NormalTail<T> n = normal_tail_(x);
  const T r =
      scale_down_(n.density.hi * mad_(abs_(x), T(-0.39894228040143267794), n.ratio), n.density.lo);
  const T q = abs_(x) > normal_limit_(x) ? T(0) : r;
  return x < T(0) ? q : T(1) - q;
}
// 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) = x sigmoid(2 sqrt(2 / pi) (x + 0.044715 x^3))
template <class T>
RT_INLINE T gelu_tanh_(T x) {
  const T u = x * mad_(x * x, T(0.071354816272600252), T(1.5957691216057308));
  return x * sigmoid_(u);
}
template <class T>
RT_INLINE T gelu_tanh_grad_(T x) {
  const T z = x * x;
  const T u = x * mad_(z, T(0.071354816272600252), T(1.5957691216057308));
  const T slope = mad_(z, T(0.21406444881780076), T(1.5957691216057308));
  const T e = exp_negative_(abs_(u)), r = T(1) / (T(1) + e);
  const T s = (x < T(0) ? e : T(1)) * r, rest = (x < T(0) ? T(1) : e) * r;
  return abs_(x) > flat_(x) ? s : mad_(s * rest, x * slope, s);
}
// x tanh(log(1 + exp(x))) = x n / (n + 2) with n = exp(x) (exp(x) + 2): 4 ulp
template <class T>
RT_INLINE T mish_(T x) {
  const T e = exp_negative_(abs_(x));
  const bool left = x < T(0);
  const T n = left ? e * (e + T(2)) : T(1) + T(2) * e;
  return x * (n / (n + (left ? T(2) : T(2) * e * e)));
}
template <class T>
RT_INLINE T mish_grad_(T x) {
  const T e = exp_negative_(abs_(x));
  const bool left = x < T(0);
  const T n = left ? e * (e + T(2)) : T(1) + T(2) * e;
  const T m = left ? T(2) : T(2) * e * e;
  const T r = T(1) / (n + m), w = n * r;
  const T sigmoid = (left ? e : T(1)) / (T(1) + e);
  return abs_(x) > flat_(x) ? w : mad_(x * sigmoid, m * r * (T(1) + w), w);
}

// As a clamp, but with the bounds as given: NaN stays NaN.
template <class T>
RT_INLINE T relu_(T x) {
  return x < T(0) ? T(0) : x;
}
template <class T>
RT_INLINE T relu6_(T x) {
  return clamp_(x, T(0), T(6));
}
template <class T>
RT_INLINE T hardtanh_(T x, T low, T high) {
  return clamp_(x, low, high);
}
template <class T>
RT_INLINE T hardsigmoid_(T x) {
  return relu6_(x + T(3)) / T(6);
}
template <class T>
RT_INLINE T hardswish_(T x) {
  return x * relu6_(x + T(3)) / T(6);
}
template <class T>
RT_INLINE T hardsigmoid_backward_(T g, T x) {
  return x > T(-3) && x < T(3) ? g / T(6) : T(0);
}
template <class T>
RT_INLINE T hardswish_backward_(T g, T x) {
  return x <= T(-3) ? T(0) : (x >= T(3) ? g : g * (x / T(3) + T(0.5)));
}
template <class T>
RT_INLINE T leaky_relu_(T x, T slope) {
  return x > T(0) ? x : x * slope;
}
// positive * x above 0, negative * (exp(input_scale * x) - 1) below
template <class T>
RT_INLINE T elu_(T x, T negative, T positive, T input_scale) {
  const T below = expm1_(x * input_scale) * negative;
  return x > T(0) ? x * positive : below;
}
template <class T>
RT_INLINE T elu_backward_(T g, T x, T negative, T positive, T input_scale) {
  const T below = exp_(x * input_scale) * (negative * input_scale);
  return g * (x > T(0) ? positive : below);
}
template <class T>
RT_INLINE T selu_alpha_(T) {
  return T(1.6732632423543772848170429916717);
}
template <class T>
RT_INLINE T selu_scale_(T) {
  return T(1.0507009873554804934193349852946);
}
template <class T>
RT_INLINE T selu_(T x) {
  return elu_(x, selu_alpha_(x) * selu_scale_(x), selu_scale_(x), T(1));
}
template <class T>
RT_INLINE T celu_(T x, T alpha) {
  return elu_(x, alpha, T(1), T(1) / alpha);
}
template <class T>
RT_INLINE T softsign_(T x) {
  return x / (T(1) + abs_(x));
}
template <class T>
RT_INLINE T softshrink_(T x, T lambda) {
  return x > lambda ? x - lambda : (x < -lambda ? x + lambda : (x != x ? x : T(0)));
}
template <class T>
RT_INLINE T hardshrink_(T x, T lambda) {
  return (x >= -lambda && x <= lambda) ? T(0) : x;
}

}  // namespace RT_FORMULAS_NAMESPACE

#endif  // RT_FORMULAS_ACTIVATION_H
