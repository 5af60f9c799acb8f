// Optimizer steps over several parameters a launch, in one pass over memory. A thread moves 16
// bytes of each tensor where all are aligned (rt_strided is false then).
#include "rt_formulas_optim.h"
//
#include "rt_dense.h"
//
#include "rt_optim_plans.h"
#include "rt_step_lists.h"

using namespace rt_formulas;

// Steps: `states` tensors of state, whether they are to be read, and one element.

template <bool Momentum>
struct SgdStep {
  typedef SgdNumbers<float> Numbers;
  enum { states = int(Momentum) };
  static bool reads_state(constant Numbers& n) { return !n.first; }
  static RuleState<float> step(RuleState<float> s, float g, constant Numbers& numbers) {
    Numbers n = numbers;
    n.has_momentum = Momentum;
    const SgdState<float> next = sgd_step_(SgdState<float>{s.p, s.a}, g, &n);
    return {next.p, next.buffer, 0.0f, 0.0f};
  }
};

template <bool Amsgrad>
struct AdamStep {
  typedef AdamNumbers<float> Numbers;
  enum { states = 2 + int(Amsgrad) };
  static bool reads_state(constant Numbers&) { return true; }
  static RuleState<float> step(RuleState<float> s, float g, constant Numbers& numbers) {
    Numbers n = numbers;
    n.amsgrad = Amsgrad;
    const AdamState<float> next = adam_step_(AdamState<float>{s.p, s.a, s.b, s.c}, g, &n);
    return {next.p, next.mean, next.square, next.top};
  }
};

template <int Tensors, class Rule>
struct RuleStep {
  static_assert(int(Rule::states) == Tensors - 2, "as RT_FOR_EACH_RULE says");
  typedef RuleNumbers Numbers;
  enum { states = Rule::states };
  static bool reads_state(constant Numbers&) { return true; }
  static RuleState<float> step(RuleState<float> s, float g, constant Numbers& numbers) {
    return Rule::step(s, g, numbers.n);
  }
};

// Elements [at, at + N) of a parameter of n.
template <class T, class Step>
inline void rt_step(rt_step_tensors<T> x, constant typename Step::Numbers& numbers, uint at,
                    uint n) {
  constexpr int N = 16 / sizeof(T);
  if (at >= n) return;
  const bool whole = !rt_strided && at + N <= n, reads = Step::reads_state(numbers);
  rt_pack<T, N> p = {}, g = {}, a = {}, b = {}, c = {};
  if (whole) {
    p = *(device const rt_pack<T, N>*)(x.p + at);
    g = *(device const rt_pack<T, N>*)(x.g + at);
    if (Step::states > 0 && reads) a = *(device const rt_pack<T, N>*)(x.a + at);
    if (Step::states > 1 && reads) b = *(device const rt_pack<T, N>*)(x.b + at);
    if (Step::states > 2 && reads) c = *(device const rt_pack<T, N>*)(x.c + at);
  } else {
    for (int j = 0; j < N; j++) {
      if (at + j >= n) continue;
      p.v[j] = x.p[at + j];
      g.v[j] = x.g[at + j];
      if (Step::states > 0 && reads) a.v[j] = x.a[at + j];
      if (Step::states > 1 && reads) b.v[j] = x.b[at + j];
      if (Step::states > 2 && reads) c.v[j] = x.c[at + j];
    }
  }
  for (int j = 0; j < N; j++) {
    const RuleState<float> old = {float(p.v[j]), float(a.v[j]), float(b.v[j]), float(c.v[j])};
    const RuleState<float> s = Step::step(old, float(g.v[j]), numbers);
    p.v[j] = T(s.p);
    a.v[j] = T(s.a);
    b.v[j] = T(s.b);
    c.v[j] = T(s.c);
  }
  rt_write_pack<T, N>(x.p, at, n, p);
  if (Step::states > 0) rt_write_pack<T, N>(x.a, at, n, a);
  if (Step::states > 1) rt_write_pack<T, N>(x.b, at, n, b);
  if (Step::states > 2) rt_write_pack<T, N>(x.c, at, n, c);
}

// rt_steps_<tensors>: groups find their parameter, and their place in it.
#define RT_STEPS(tensors, plan_index)                                                             \
  template <class T, class Step>                                                                  \
  kernel void rt_steps_##tensors(                                                                 \
      RT_ALL_TENSORS_##tensors,                                                                   \
      constant StepPlan<typename Step::Numbers, RT_STEP_ENTRIES(tensors)>& plan                   \
      [[buffer(plan_index)]],                                                                     \
      uint group [[threadgroup_position_in_grid]], uint lane [[thread_index_in_threadgroup]],     \
      uint width [[threads_per_threadgroup]]) {                                                   \
    rt_step_tensors<T> x = {};                                                                    \
    uint entry = 0;                                                                               \
    RT_CHOOSE_##tensors;                                                                          \
    const uint first = entry > 0 ? plan.last_group[entry - 1] : 0;                                \
    rt_step<T, Step>(x, plan.numbers[entry], ((group - first) * width + lane) * (16 / sizeof(T)), \
                     plan.n[entry]);                                                              \
  }
RT_STEPS(2, 30)
RT_STEPS(3, 30)
RT_STEPS(4, 28)
RT_STEPS(5, 30)

#define RT_STEP(name, tensors, ...)                                            \
  RT_EXPORT_WIDE(fused_##name##_float, rt_steps_##tensors<float, __VA_ARGS__>) \
  RT_EXPORT_WIDE(fused_##name##_half, rt_steps_##tensors<half, __VA_ARGS__>)   \
  RT_EXPORT_WIDE(fused_##name##_bfloat, rt_steps_##tensors<bfloat, __VA_ARGS__>)
RT_STEP(sgd, 2, SgdStep<false>)
RT_STEP(sgd_momentum, 3, SgdStep<true>)
RT_STEP(adam, 4, AdamStep<false>)
RT_STEP(adam_amsgrad, 5, AdamStep<true>)
#define RT_RULE(name, tensors, ...) RT_STEP(name, tensors, RuleStep<tensors, __VA_ARGS__>)
RT_FOR_EACH_RULE(RT_RULE)
