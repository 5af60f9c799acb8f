// One optimizer step over a run of elements.
#include "cpu/kernels/kernels.h"
#include "rt_formulas_optim.h"

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
  SgdNumbers<T> s = sgd_numbers_<T>(*static_cast<const Sgd*>(pointers[3]));
  if (!s.has_momentum) {
    s.has_momentum = 0;  // known to the compiler
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) p[i] = sgd_step_(SgdState<T>{p[i], T(0)}, grad[i], &s).p;
    return;
  }
  s.has_momentum = 1;
  const bool first = s.first;
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) {
    const T old = first ? T(0) : buffer[i];
    const SgdState<T> r = sgd_step_(SgdState<T>{p[i], old}, grad[i], &s);
    p[i] = r.p;
    buffer[i] = r.buffer;
  }
}

template <class T>
void adam(int64_t n, void* const* pointers) {
  T* p = static_cast<T*>(pointers[0]);
  const T* grad = static_cast<const T*>(pointers[1]);
  T* mean = static_cast<T*>(pointers[2]);
  T* square = static_cast<T*>(pointers[3]);
  T* top = static_cast<T*>(pointers[4]);
  AdamNumbers<T> s = adam_numbers_<T>(*static_cast<const Adam*>(pointers[5]));
  if (s.amsgrad) {
    s.amsgrad = 1;  // known to the compiler
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) {
      const AdamState<T> r =
          adam_step_(AdamState<T>{p[i], mean[i], square[i], top[i]}, grad[i], &s);
      p[i] = r.p;
      mean[i] = r.mean;
      square[i] = r.square;
      top[i] = r.top;
    }
    return;
  }
  s.amsgrad = 0;
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) {
    const AdamState<T> r = adam_step_(AdamState<T>{p[i], mean[i], square[i], T(0)}, grad[i], &s);
    p[i] = r.p;
    mean[i] = r.mean;
    square[i] = r.square;
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
