// One element's step of each optimizer; the rules are written out in python/rustorch/optim. What is
// computed from the numbers of a step alone is computed once, in double.
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

// The other rules move a parameter and up to three tensors of state by a row of numbers, n, that
// python/rustorch/optim says for each step of each parameter. Every row but Rprop's begins with the
// gradient's sign and the decay.
enum { RT_RULE_NUMBERS = 10 };
template <class T>
struct RuleState {
  T p, a, b, c;
};
template <class T, class Numbers>
RT_INLINE T rule_gradient_(T p, T grad, Numbers n) {
  return n[0] * grad + n[1] * p;
}

struct AdagradRule {  // n: rate, eps; a: sum of squares
  enum { states = 1 };
  template <class T, class Numbers>
  RT_INLINE RuleState<T> step(RuleState<T> s, T grad, Numbers n) {
    const T g = rule_gradient_(s.p, grad, n);
    s.a += g * g;
    s.p -= n[2] * g / (sqrt_(s.a) + n[3]);
    return s;
  }
};
struct AdadeltaRule {  // n: rho, 1 - rho, eps, lr; means of squares: a gradients', b moves'
  enum { states = 2 };
  template <class T, class Numbers>
  RT_INLINE RuleState<T> step(RuleState<T> s, T grad, Numbers n) {
    const T g = rule_gradient_(s.p, grad, n);
    s.a = n[2] * s.a + n[3] * g * g;
    const T move = sqrt_(s.b + n[4]) / sqrt_(s.a + n[4]) * g;
    s.b = n[2] * s.b + n[3] * move * move;
    s.p -= n[5] * move;
    return s;
  }
};
// n: alpha, 1 - alpha, eps, lr, momentum; a: mean of squares; then the mean, then the momentum.
template <bool Centered, bool Momentum>
struct RmspropRule {
  enum { states = 1 + int(Centered) + int(Momentum) };
  template <class T, class Numbers>
  RT_INLINE RuleState<T> step(RuleState<T> s, T grad, Numbers n) {
    const T g = rule_gradient_(s.p, grad, n);
    s.a = n[2] * s.a + n[3] * g * g;
    T spread = s.a;
    if (Centered) {
      s.b += n[3] * (g - s.b);
      spread -= s.b * s.b;
    }
    T move = g / (sqrt_(spread) + n[4]);
    if (Momentum) {
      const T before = Centered ? s.c : s.b;
      move = n[6] * before + move;
      if (Centered) {
        s.c = move;
      } else {
        s.b = move;
      }
    }
    s.p -= n[5] * move;
    return s;
  }
};
struct AdamaxRule {  // n: 1 - beta1, beta2, eps, rate; a: mean, b: greatest magnitude
  enum { states = 2 };
  template <class T, class Numbers>
  RT_INLINE RuleState<T> step(RuleState<T> s, T grad, Numbers n) {
    const T g = rule_gradient_(s.p, grad, n);
    s.a += n[2] * (g - s.a);
    s.b = maximum_(n[3] * s.b, abs_(g) + n[4]);
    s.p -= n[5] * s.a / s.b;
    return s;
  }
};
// n of both: keep, 1 - beta1, beta2, 1 - beta2, eps; a: mean, b: mean of squares.
struct NAdamRule {  // n: root of the correction, rates of gradient and mean
  enum { states = 2 };
  template <class T, class Numbers>
  RT_INLINE RuleState<T> step(RuleState<T> s, T grad, Numbers n) {
    s.p *= n[2];
    const T g = rule_gradient_(s.p, grad, n);
    s.a += n[3] * (g - s.a);
    s.b = n[4] * s.b + n[5] * g * g;
    const T size = sqrt_(s.b) / n[7] + n[6];
    s.p = s.p - n[8] * g / size - n[9] * s.a / size;
    return s;
  }
};
struct RAdamRule {  // n: rate, whether the squares count
  enum { states = 2 };
  template <class T, class Numbers>
  RT_INLINE RuleState<T> step(RuleState<T> s, T grad, Numbers n) {
    s.p *= n[2];
    const T g = rule_gradient_(s.p, grad, n);
    s.a += n[3] * (g - s.a);
    s.b = n[4] * s.b + n[5] * g * g;
    s.p -= n[7] * (n[8] != T(0) ? s.a / (sqrt_(s.b) + n[6]) : s.a);
    return s;
  }
};
struct ASGDRule {  // n: keep, eta, mu; a: the averaged parameter
  enum { states = 1 };
  template <class T, class Numbers>
  RT_INLINE RuleState<T> step(RuleState<T> s, T grad, Numbers n) {
    const T g = rule_gradient_(s.p, grad, n);
    s.p = n[2] * s.p - n[3] * g;
    s.a = n[4] == T(1) ? s.p : s.a + n[4] * (s.p - s.a);
    return s;
  }
};
struct RpropRule {  // n: sign, shrink, grow, least, most; a: gradient before, b: step size
  enum { states = 2 };
  template <class T, class Numbers>
  RT_INLINE RuleState<T> step(RuleState<T> s, T grad, Numbers n) {
    const T g = n[0] * grad, agreement = g * s.a;
    const T factor = agreement > T(0) ? n[2] : agreement < T(0) ? n[1] : T(1);
    s.b = minimum_(maximum_(s.b * factor, n[3]), n[4]);
    // Where the sign changed, this step is left out, and the next does not compare with it.
    s.a = agreement < T(0) ? T(0) : g;
    s.p -= sign_(s.a) * s.b;
    return s;
  }
};

// Every rule: the name of its kernels, the tensors that a parameter has with its gradient and
// state.
#define RT_FOR_EACH_RULE(X)                                \
  X(adagrad, 3, AdagradRule)                               \
  X(adadelta, 4, AdadeltaRule)                             \
  X(rmsprop, 3, RmspropRule<false, false>)                 \
  X(rmsprop_momentum, 4, RmspropRule<false, true>)         \
  X(rmsprop_centered, 4, RmspropRule<true, false>)         \
  X(rmsprop_centered_momentum, 5, RmspropRule<true, true>) \
  X(adamax, 4, AdamaxRule)                                 \
  X(nadam, 4, NAdamRule)                                   \
  X(radam, 4, RAdamRule)                                   \
  X(asgd, 3, ASGDRule)                                     \
  X(rprop, 4, RpropRule)

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
