// Optimizer steps over several parameters a launch, in one pass over memory. A thread moves 16
// bytes of each tensor where all are aligned (rt_strided is false then).
#include "rt_formulas_optim.h"
//
#include "rt_dense.h"
//
#include "rt_optim_plans.h"

using namespace rt_formulas;

// n elements of x from `at` on, of a run that may end early.
template <class T, int N>
inline rt_pack<T, N> rt_read_pack(device const T* x, uint at, uint n) {
  rt_pack<T, N> v = {};
  if (!rt_strided && at + N <= n) {
    v = *(device const rt_pack<T, N>*)(x + at);
  } else {
    for (int j = 0; j < N; j++) {
      if (at + j < n) v.v[j] = x[at + j];
    }
  }
  return v;
}

template <class T>
inline void rt_sgd(device T* p, device const T* grad, device T* buffer,
                   constant SgdNumbers<float>* numbers, uint at, uint n) {
  constexpr int N = 16 / sizeof(T);
  if (at >= n) return;
  rt_pack<T, N> x = rt_read_pack<T, N>(p, at, n), b = {};
  const rt_pack<T, N> g = rt_read_pack<T, N>(grad, at, n);
  if (numbers->has_momentum && !numbers->first) b = rt_read_pack<T, N>(buffer, at, n);
  for (int j = 0; j < N; j++) {
    const SgdState<float> old = {float(x.v[j]), float(b.v[j])};
    const SgdState<float> s = sgd_step_(old, float(g.v[j]), numbers);
    x.v[j] = T(s.p);
    b.v[j] = T(s.buffer);
  }
  rt_write_pack<T, N>(p, at, n, x);
  if (numbers->has_momentum) rt_write_pack<T, N>(buffer, at, n, b);
}

template <class T>
kernel void rt_sgd_steps(device T* p0 [[buffer(0)]], device const T* g0 [[buffer(1)]],
                         device T* b0 [[buffer(2)]], device T* p1 [[buffer(3)]],
                         device const T* g1 [[buffer(4)]], device T* b1 [[buffer(5)]],
                         device T* p2 [[buffer(6)]], device const T* g2 [[buffer(7)]],
                         device T* b2 [[buffer(8)]], constant SgdPlan& plan [[buffer(9)]],
                         uint group [[threadgroup_position_in_grid]],
                         uint lane [[thread_index_in_threadgroup]],
                         uint width [[threads_per_threadgroup]]) {
  constexpr uint N = 16 / sizeof(T);
  if (group < plan.last_group[0]) {
    rt_sgd<T>(p0, g0, b0, &plan.numbers[0], (group * width + lane) * N, plan.n[0]);
  } else if (group < plan.last_group[1]) {
    const uint first = plan.last_group[0];
    rt_sgd<T>(p1, g1, b1, &plan.numbers[1], ((group - first) * width + lane) * N, plan.n[1]);
  } else {
    const uint first = plan.last_group[1];
    rt_sgd<T>(p2, g2, b2, &plan.numbers[2], ((group - first) * width + lane) * N, plan.n[2]);
  }
}
RT_EXPORT_AS(fused_sgd_float, rt_sgd_steps<float>)
RT_EXPORT_AS(fused_sgd_half, rt_sgd_steps<half>)
RT_EXPORT_AS(fused_sgd_bfloat, rt_sgd_steps<bfloat>)

template <class T>
inline void rt_adam(device T* p, device const T* grad, device T* mean, device T* square,
                    device T* top, constant AdamNumbers<float>* numbers, uint at, uint n) {
  constexpr int N = 16 / sizeof(T);
  if (at >= n) return;
  rt_pack<T, N> x = rt_read_pack<T, N>(p, at, n), m = rt_read_pack<T, N>(mean, at, n);
  rt_pack<T, N> v = rt_read_pack<T, N>(square, at, n), t = {};
  const rt_pack<T, N> g = rt_read_pack<T, N>(grad, at, n);
  if (numbers->amsgrad) t = rt_read_pack<T, N>(top, at, n);
  for (int j = 0; j < N; j++) {
    const AdamState<float> old = {float(x.v[j]), float(m.v[j]), float(v.v[j]), float(t.v[j])};
    const AdamState<float> s = adam_step_(old, float(g.v[j]), numbers);
    x.v[j] = T(s.p);
    m.v[j] = T(s.mean);
    v.v[j] = T(s.square);
    t.v[j] = T(s.top);
  }
  rt_write_pack<T, N>(p, at, n, x);
  rt_write_pack<T, N>(mean, at, n, m);
  rt_write_pack<T, N>(square, at, n, v);
  if (numbers->amsgrad) rt_write_pack<T, N>(top, at, n, t);
}

template <class T>
kernel void rt_adam_steps(device T* p0 [[buffer(0)]], device const T* g0 [[buffer(1)]],
                          device T* m0 [[buffer(2)]], device T* v0 [[buffer(3)]],
                          device T* t0 [[buffer(4)]], device T* p1 [[buffer(5)]],
                          device const T* g1 [[buffer(6)]], device T* m1 [[buffer(7)]],
                          device T* v1 [[buffer(8)]], device T* t1 [[buffer(9)]],
                          constant AdamPlan& plan [[buffer(10)]],
                          uint group [[threadgroup_position_in_grid]],
                          uint lane [[thread_index_in_threadgroup]],
                          uint width [[threads_per_threadgroup]]) {
  constexpr uint N = 16 / sizeof(T);
  if (group < plan.last_group[0]) {
    rt_adam<T>(p0, g0, m0, v0, t0, &plan.numbers[0], (group * width + lane) * N, plan.n[0]);
  } else {
    const uint first = plan.last_group[0];
    rt_adam<T>(p1, g1, m1, v1, t1, &plan.numbers[1], ((group - first) * width + lane) * N,
               plan.n[1]);
  }
}
RT_EXPORT_AS(fused_adam_float, rt_adam_steps<float>)
RT_EXPORT_AS(fused_adam_half, rt_adam_steps<half>)
RT_EXPORT_AS(fused_adam_bfloat, rt_adam_steps<bfloat>)

template <class T, class Rule>
inline void rt_rule(device T* p, device const T* grad, device T* a, device T* b, device T* c,
                    constant float* numbers, uint at, uint n) {
  constexpr int N = 16 / sizeof(T);
  if (at >= n) return;
  rt_pack<T, N> x = rt_read_pack<T, N>(p, at, n), u = rt_read_pack<T, N>(a, at, n), v = {}, w = {};
  const rt_pack<T, N> g = rt_read_pack<T, N>(grad, at, n);
  if (Rule::states > 1) v = rt_read_pack<T, N>(b, at, n);
  if (Rule::states > 2) w = rt_read_pack<T, N>(c, at, n);
  for (int j = 0; j < N; j++) {
    const RuleState<float> old = {float(x.v[j]), float(u.v[j]), float(v.v[j]), float(w.v[j])};
    const RuleState<float> s = Rule::step(old, float(g.v[j]), numbers);
    x.v[j] = T(s.p);
    u.v[j] = T(s.a);
    v.v[j] = T(s.b);
    w.v[j] = T(s.c);
  }
  rt_write_pack<T, N>(p, at, n, x);
  rt_write_pack<T, N>(a, at, n, u);
  if (Rule::states > 1) rt_write_pack<T, N>(b, at, n, v);
  if (Rule::states > 2) rt_write_pack<T, N>(c, at, n, w);
}

template <class T, class Rule>
kernel void rt_rule_steps(device T* p0 [[buffer(0)]], device const T* g0 [[buffer(1)]],
                          device T* a0 [[buffer(2)]], device T* b0 [[buffer(3)]],
                          device T* c0 [[buffer(4)]], device T* p1 [[buffer(5)]],
                          device const T* g1 [[buffer(6)]], device T* a1 [[buffer(7)]],
                          device T* b1 [[buffer(8)]], device T* c1 [[buffer(9)]],
                          constant RulePlan& plan [[buffer(10)]],
                          uint group [[threadgroup_position_in_grid]],
                          uint lane [[thread_index_in_threadgroup]],
                          uint width [[threads_per_threadgroup]]) {
  constexpr uint N = 16 / sizeof(T);
  if (group < plan.last_group[0]) {
    rt_rule<T, Rule>(p0, g0, a0, b0, c0, plan.numbers[0], (group * width + lane) * N, plan.n[0]);
  } else {
    const uint first = plan.last_group[0];
    rt_rule<T, Rule>(p1, g1, a1, b1, c1, plan.numbers[1], ((group - first) * width + lane) * N,
                     plan.n[1]);
  }
}
#define RT_RULE(name, ...)                                              \
  RT_EXPORT_AS(fused_##name##_float, rt_rule_steps<float, __VA_ARGS__>) \
  RT_EXPORT_AS(fused_##name##_half, rt_rule_steps<half, __VA_ARGS__>)   \
  RT_EXPORT_AS(fused_##name##_bfloat, rt_rule_steps<bfloat, __VA_ARGS__>)
RT_FOR_EACH_RULE(RT_RULE)
