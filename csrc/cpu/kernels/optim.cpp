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

template <class T, class Rule>
void rule(int64_t n, void* const* pointers) {
  T* p = static_cast<T*>(pointers[0]);
  const T* grad = static_cast<const T*>(pointers[1]);
  T* a = static_cast<T*>(pointers[2]);
  T* b = static_cast<T*>(pointers[3]);
  T* c = static_cast<T*>(pointers[4]);
  T numbers[RT_RULE_NUMBERS];
  for (int i = 0; i < RT_RULE_NUMBERS; ++i) {
    numbers[i] = static_cast<T>(static_cast<const double*>(pointers[5])[i]);
  }
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) {
    const RuleState<T> old{p[i], a[i], Rule::states > 1 ? b[i] : T(0),
                           Rule::states > 2 ? c[i] : T(0)};
    const RuleState<T> s = Rule::step(old, grad[i], numbers);
    p[i] = s.p;
    a[i] = s.a;
    if (Rule::states > 1) b[i] = s.b;
    if (Rule::states > 2) c[i] = s.c;
  }
}

}  // namespace

void add_optim(const LoopTable& table) {
  table.add("fused_sgd_", Float32, &sgd<f32>);
  table.add("fused_sgd_", Float64, &sgd<f64>);
  table.add("fused_adam_", Float32, &adam<f32>);
  table.add("fused_adam_", Float64, &adam<f64>);
#define RT_RULE(name, tensors, ...)                                \
  table.add("fused_" #name "_", Float32, &rule<f32, __VA_ARGS__>); \
  table.add("fused_" #name "_", Float64, &rule<f64, __VA_ARGS__>);
  RT_FOR_EACH_RULE(RT_RULE)
#undef RT_RULE
}

}  // namespace rt::cpu::RT_ISA
