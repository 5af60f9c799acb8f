// One element's step of each optimizer; the rules are written out in
// python/rustorch/optim/_fused.py. What is computed from the numbers of a step alone is computed
// once, in double.
#ifndef RT_FORMULAS_OPTIM_H
#define RT_FORMULAS_OPTIM_H
#include "rt_formulas_arith.h"

namespace RT_FORMULAS_NAMESPACE {

template <class T>
struct SgdNumbers {
  T sign, lr, decay, momentum, share, look;
  i32 has_momentum, nesterov, first;
};
template <class T>
struct SgdState {
  T p, buffer;
};
// Numbers is a pointer to them, in any address space.
// A first buffer is uninitialised: `momentum` is 0 then, and buffer must be.
template <class T, class Numbers>
RT_INLINE SgdState<T> sgd_step_(SgdState<T> s, T grad, Numbers n) {
  const T g = n->sign * grad + n->decay * s.p;
  const T b = n->momentum * s.buffer + n->share * g;
  const T move = n->nesterov ? g + n->look * b : b;
  return {s.p - n->lr * (n->has_momentum ? move : g), b};
}

template <class T>
struct AdamNumbers {
  T sign, keep, decay, share1, beta2, share2, step, root, eps;
  i32 amsgrad;
};
template <class T>
struct AdamState {
  T p, mean, square, top;
};
template <class T, class Numbers>
RT_INLINE AdamState<T> adam_step_(AdamState<T> s, T grad, Numbers n) {
  const T x = s.p * n->keep;
  const T g = n->sign * grad + n->decay * x;
  const T m = s.mean + n->share1 * (g - s.mean);
  const T v = n->beta2 * s.square + n->share2 * g * g;
  const T top = n->amsgrad ? maximum_(s.top, v) : v;
  return {x - n->step * m / (sqrt_(top) / n->root + n->eps), m, v, top};
}

#ifndef RT_FORMULAS_NO_DOUBLE
template <class T, class Scalars>
RT_INLINE SgdNumbers<T> sgd_numbers_(Scalars s) {
  return {s.maximize ? T(-1) : T(1),
          T(s.lr),
          T(s.weight_decay),
          s.first ? T(0) : T(s.momentum),
          s.first ? T(1) : T(1 - s.dampening),
          T(s.momentum),
          s.has_momentum,
          s.nesterov,
          s.first};
}
template <class T, class Scalars>
RT_INLINE AdamNumbers<T> adam_numbers_(Scalars s) {
  return {s.maximize ? T(-1) : T(1),
          T(s.decoupled ? 1 - s.lr * s.weight_decay : 1.0),
          T(s.decoupled ? 0.0 : s.weight_decay),
          T(1 - s.beta1),
          T(s.beta2),
          T(1 - s.beta2),
          T(s.step_size),
          T(s.root_correction),
          T(s.eps),
          s.amsgrad};
}
#endif

}  // namespace RT_FORMULAS_NAMESPACE

#endif  // RT_FORMULAS_OPTIM_H
