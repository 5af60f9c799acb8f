// Losses of single elements, and their derivatives by the input times a gradient g.
// x: input, y: target, w: weight.
#ifndef RT_FORMULAS_LOSS_H
#define RT_FORMULAS_LOSS_H
#include "rt_formulas_activation.h"

namespace RT_FORMULAS_NAMESPACE {

template <class T>
RT_INLINE T square_loss_(T x, T y) {
  const T d = x - y;
  return d * d;
}
template <class T>
RT_INLINE T square_loss_grad_(T g, T x, T y) {
  return g * (T(2) * (x - y));
}
template <class T>
RT_INLINE T absolute_loss_grad_(T g, T x, T y) {
  const T d = x - y;
  return d > T(0) ? g : (d < T(0) ? -g : d * g);
}
// Girshick, 2015; beta > 0
template <class T>
RT_INLINE T smooth_l1_loss_(T x, T y, T beta) {
  const T d = abs_(x - y);
  return d < beta ? T(0.5) * d * d / beta : d - T(0.5) * beta;
}
template <class T>
RT_INLINE T smooth_l1_loss_grad_(T g, T x, T y, T beta) {
  return g * clamp_((x - y) / beta, T(-1), T(1));
}
// Huber, 1964
template <class T>
RT_INLINE T huber_loss_(T x, T y, T delta) {
  const T d = abs_(x - y);
  return d <= delta ? T(0.5) * d * d : delta * (d - T(0.5) * delta);
}
template <class T>
RT_INLINE T huber_loss_grad_(T g, T x, T y, T delta) {
  return g * clamp_(x - y, -delta, delta);
}
// Logarithms are held at -100, so that the loss of a certain miss is finite; NaN outside 0..1.
template <class T>
RT_INLINE T bernoulli_loss_(T x, T y, T w) {
  const T hit = maximum_(log_(x), T(-100)), miss = maximum_(log1p_(-x), T(-100));
  return ((y - T(1)) * miss - y * hit) * w;
}
template <class T>
RT_INLINE T bernoulli_loss_grad_(T g, T x, T y, T w) {
  return g * w * (x - y) / maximum_((T(1) - x) * x, T(1e-12));
}
// The same of sigmoid(x), with the positive part times p.
template <class T>
RT_INLINE T logit_loss_(T x, T y, T w, T p) {
  return ((T(1) - y) * x - ((p - T(1)) * y + T(1)) * logsigmoid_(x)) * w;
}
template <class T>
RT_INLINE T logit_loss_grad_(T g, T x, T y, T w, T p) {
  const T t = p * y;
  return g * w * ((t + T(1) - y) * sigmoid_(x) - t);
}
// y (log y - x), 0 where y is 0
template <class T>
RT_INLINE T divergence_loss_(T x, T y) {
  const T entropy = y == T(0) ? T(0) : y * log_(y);
  return entropy - y * x;
}
template <class T>
RT_INLINE T divergence_loss_grad_(T g, T, T y) {
  return -g * y;
}
template <class T>
RT_INLINE T divergence_log_loss_(T x, T y) {
  return exp_(y) * (y - x);
}
template <class T>
RT_INLINE T divergence_log_loss_grad_(T g, T, T y) {
  return -g * exp_(y);
}
template <class T>
RT_INLINE T poisson_log_loss_(T x, T y) {
  return exp_(x) - y * x;
}
template <class T>
RT_INLINE T poisson_loss_(T x, T y, T eps) {
  return x - y * log_(x + eps);
}
template <class T>
RT_INLINE T poisson_loss_grad_(T g, T x, T y, T eps) {
  return g * (T(1) - y / (x + eps));
}
template <class T>
RT_INLINE T soft_margin_loss_(T x, T y) {
  return -logsigmoid_(y * x);
}
template <class T>
RT_INLINE T soft_margin_loss_grad_(T g, T x, T y) {
  return -g * y * sigmoid_(-y * x);
}

}  // namespace RT_FORMULAS_NAMESPACE

#endif  // RT_FORMULAS_LOSS_H
