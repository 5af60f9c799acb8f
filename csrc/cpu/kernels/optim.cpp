// One optimizer step over a run of elements; the rules are written out in optim/_fused.py.
#include "cpu/kernels/kernels.h"

namespace rt::cpu::RT_ISA {

namespace {

// As rt::SgdScalars and rt::AdamScalars, which this folder does not include.
struct Sgd {
  double lr, momentum, dampening, weight_decay;
  bool nesterov, maximize, first, has_momentum;
};
struct Adam {
  double step_size, root_correction;
  double beta1, beta2, eps, weight_decay, lr;
  bool amsgrad, maximize, decoupled;
};

template <class T>
void sgd(int64_t n, void* const* pointers) {
  T* p = static_cast<T*>(pointers[0]);
  const T* grad = static_cast<const T*>(pointers[1]);
  T* buffer = static_cast<T*>(pointers[2]);
  const Sgd s = *static_cast<const Sgd*>(pointers[3]);
  const T sign = s.maximize ? T(-1) : T(1);
  const T lr = static_cast<T>(s.lr), decay = static_cast<T>(s.weight_decay);
  if (!s.has_momentum) {
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) p[i] -= lr * (sign * grad[i] + decay * p[i]);
    return;
  }
  const T momentum = s.first ? T(0) : static_cast<T>(s.momentum);
  const T share = s.first ? T(1) : static_cast<T>(1 - s.dampening);
  const T look = static_cast<T>(s.momentum);
  const bool nesterov = s.nesterov, first = s.first;
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) {
    const T g = sign * grad[i] + decay * p[i];
    // A first buffer is uninitialised: selected away, not multiplied by zero.
    const T old = first ? T(0) : buffer[i];
    const T b = momentum * old + share * g;
    buffer[i] = b;
    p[i] -= lr * (nesterov ? g + look * b : b);
  }
}

template <class T>
void adam(int64_t n, void* const* pointers) {
  T* p = static_cast<T*>(pointers[0]);
  const T* grad = static_cast<const T*>(pointers[1]);
  T* mean = static_cast<T*>(pointers[2]);
  T* square = static_cast<T*>(pointers[3]);
  T* top = static_cast<T*>(pointers[4]);
  const Adam s = *static_cast<const Adam*>(pointers[5]);
  const T sign = s.maximize ? T(-1) : T(1);
  const T keep = static_cast<T>(s.decoupled ? 1 - s.lr * s.weight_decay : 1.0);
  const T decay = static_cast<T>(s.decoupled ? 0.0 : s.weight_decay);
  const T share1 = static_cast<T>(1 - s.beta1), beta2 = static_cast<T>(s.beta2),
          share2 = static_cast<T>(1 - s.beta2);
  const T step = static_cast<T>(s.step_size), root = static_cast<T>(s.root_correction),
          eps = static_cast<T>(s.eps);
  const bool amsgrad = s.amsgrad;
  const auto update = [&](int64_t i) __attribute__((always_inline)) {
    const T x = p[i] * keep;
    const T g = sign * grad[i] + decay * x;
    const T m = mean[i] + share1 * (g - mean[i]);
    const T v = beta2 * square[i] + share2 * g * g;
    mean[i] = m;
    square[i] = v;
    T scale = v;
    if (amsgrad) {
      scale = maximum_(top[i], v);
      top[i] = scale;
    }
    p[i] = x - step * m / (sqrt_(scale) / root + eps);
  };
  if (amsgrad) {
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) update(i);
  } else {
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) update(i);
  }
}

}  // namespace

void add_optim(const LoopTable& table) {
  table.add("fused_sgd_", Float32, &sgd<f32>);
  table.add("fused_sgd_", Float64, &sgd<f64>);
  table.add("fused_adam_", Float32, &adam<f32>);
  table.add("fused_adam_", Float64, &adam<f64>);
}

}  // namespace rt::cpu::RT_ISA
