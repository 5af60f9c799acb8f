// Random numbers by counters: a thread works out one counter of Philox. csrc/ops/random.h has the
// map from elements to counters.
#include "rt_philox.h"
//
#include "rt_convert.h"
#include "rt_dense.h"
//
#include "rt_creation_plans.h"

using namespace rt_formulas;

// The results of one counter, in the type they are computed in.
template <class C, int N>
struct rt_drawn {
  C v[N];
};

struct rt_uniform {
  static rt_drawn<float, 4> of(Philox4 w, constant RandomPlan& p) {
    return {{uniform_between_float_(w.x & p.mask, p.a, p.width, p.b),
             uniform_between_float_(w.y & p.mask, p.a, p.width, p.b),
             uniform_between_float_(w.z & p.mask, p.a, p.width, p.b),
             uniform_between_float_(w.w & p.mask, p.a, p.width, p.b)}};
  }
};
struct rt_normal {
  static rt_drawn<float, 4> of(Philox4 w, constant RandomPlan& p) {
    const Pair<float> x = normal_float_(w.x, w.y), y = normal_float_(w.z, w.w);
    return {
        {fma_(x.lo, p.b, p.a), fma_(x.hi, p.b, p.a), fma_(y.lo, p.b, p.a), fma_(y.hi, p.b, p.a)}};
  }
};
struct rt_log_normal {
  static rt_drawn<float, 4> of(Philox4 w, constant RandomPlan& p) {
    const rt_drawn<float, 4> d = rt_normal::of(w, p);
    return {{exp_(d.v[0]), exp_(d.v[1]), exp_(d.v[2]), exp_(d.v[3])}};
  }
};
struct rt_exponential {
  static rt_drawn<float, 4> of(Philox4 w, constant RandomPlan& p) {
    return {{exponential_float_(w.x) / p.a, exponential_float_(w.y) / p.a,
             exponential_float_(w.z) / p.a, exponential_float_(w.w) / p.a}};
  }
};
struct rt_integer {
  static rt_drawn<long, 2> of(Philox4 w, constant RandomPlan& p) {
    return {{long(word_share_(word64_(w.x, w.y), p.range) + ulong(p.base)),
             long(word_share_(word64_(w.z, w.w), p.range) + ulong(p.base))}};
  }
};
struct rt_bernoulli {
  static rt_drawn<long, 4> of(Philox4 w, constant RandomPlan& p) {
    return {{long(w.x < p.range), long(w.y < p.range), long(w.z < p.range), long(w.w < p.range)}};
  }
};

// R: the type that is stored in, converted to through S; C and N: what a counter gives.
template <class Draw, class R, class S, class C, int N>
kernel void rt_random(device R* out [[buffer(0)]], constant RandomPlan& plan [[buffer(1)]],
                      uint thread_index [[thread_position_in_grid]]) {
  const uint at = thread_index * N;
  if (at >= plan.n) return;
  const rt_drawn<C, N> d = Draw::of(philox_at_(plan.seed, 0, plan.block + thread_index), plan);
  rt_pack<R, N> v;
  for (int j = 0; j < N; j++) v.v[j] = R(rt_store<S>::of(d.v[j]));
  rt_write_pack<R, N>(out, at, plan.n, v);
}

#define RT_RANDOM_FLOATS(name)                                                        \
  RT_EXPORT_AS(random_##name##_half, rt_random<rt_##name, half, float, float, 4>)     \
  RT_EXPORT_AS(random_##name##_bfloat, rt_random<rt_##name, bfloat, float, float, 4>) \
  RT_EXPORT_AS(random_##name##_float, rt_random<rt_##name, float, float, float, 4>)
RT_RANDOM_FLOATS(uniform)
RT_RANDOM_FLOATS(normal)
RT_RANDOM_FLOATS(log_normal)
RT_RANDOM_FLOATS(exponential)

#define RT_RANDOM_ANY(name, N)                                                       \
  RT_EXPORT_AS(random_##name##_bool, rt_random<rt_##name, uchar, bool, long, N>)     \
  RT_EXPORT_AS(random_##name##_uchar, rt_random<rt_##name, uchar, uchar, long, N>)   \
  RT_EXPORT_AS(random_##name##_char, rt_random<rt_##name, char, char, long, N>)      \
  RT_EXPORT_AS(random_##name##_short, rt_random<rt_##name, short, short, long, N>)   \
  RT_EXPORT_AS(random_##name##_int, rt_random<rt_##name, int, int, long, N>)         \
  RT_EXPORT_AS(random_##name##_long, rt_random<rt_##name, long, long, long, N>)      \
  RT_EXPORT_AS(random_##name##_half, rt_random<rt_##name, half, float, long, N>)     \
  RT_EXPORT_AS(random_##name##_bfloat, rt_random<rt_##name, bfloat, float, long, N>) \
  RT_EXPORT_AS(random_##name##_float, rt_random<rt_##name, float, float, long, N>)
RT_RANDOM_ANY(integer, 2)
RT_RANDOM_ANY(bernoulli, 4)
