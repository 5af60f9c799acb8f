// Sequences of numbers: arange and linspace.
#include "rt_formulas_base.h"
//
#include "rt_convert.h"
#include "rt_dense.h"
//
#include "rt_creation_plans.h"

using namespace rt_formulas;

// Two floats that add up to a number of about 48 bits.
struct rt_twofold {
  float high, low;
};
inline rt_twofold rt_sum(float a, float b) {
  const float s = a + b, t = s - a;
  return {s, (a - (s - t)) + (b - t)};
}

// base + i * step, rounded once; i below 2^48.
inline float rt_at(float base_high, float base_low, float step_high, float step_low, ulong i) {
  const float low = float(uint(i & 0xfffffful)), high = float(uint(i >> 24)) * 16777216.0f;
  const float p = low * step_high, q = high * step_high;
  const float rest = fma_(low, step_high, -p) + fma_(high, step_high, -q) + (low + high) * step_low;
  const rt_twofold product = rt_sum(q, p);
  const rt_twofold sum = rt_sum(base_high, product.high);
  return sum.high + (sum.low + (product.low + (rest + base_low)));
}

// R: the type that is stored in, made as C; bool is kept in a byte.
template <class R, class C>
kernel void rt_integers(device R* out [[buffer(0)]], constant SequencePlan& plan [[buffer(1)]],
                        uint thread_index [[thread_position_in_grid]]) {
  constexpr int N = 16 / sizeof(R);
  const uint at = thread_index * N;
  if (at >= plan.n) return;
  rt_pack<R, N> v;
  for (int j = 0; j < N; j++) {
    // Unsigned, because integers wrap around.
    const ulong x = ulong(plan.first) + (plan.begin + at + ulong(j)) * ulong(plan.step);
    v.v[j] = R(rt_store<C>::of(long(x)));
  }
  rt_write_pack<R, N>(out, at, plan.n, v);
}
#define RT_INTEGER_SEQUENCE(name, R, C) RT_EXPORT_AS(sequence_integers_##name, rt_integers<R, C>)
RT_INTEGER_SEQUENCE(bool, uchar, bool)
RT_INTEGER_SEQUENCE(uchar, uchar, uchar)
RT_INTEGER_SEQUENCE(char, char, char)
RT_INTEGER_SEQUENCE(short, short, short)
RT_INTEGER_SEQUENCE(int, int, int)
RT_INTEGER_SEQUENCE(long, long, long)

template <class R>
kernel void rt_reals(device R* out [[buffer(0)]], constant SequencePlan& plan [[buffer(1)]],
                     uint thread_index [[thread_position_in_grid]]) {
  constexpr int N = 16 / sizeof(R);
  const uint at = thread_index * N;
  if (at >= plan.n) return;
  rt_pack<R, N> v;
  for (int j = 0; j < N; j++) {
    const ulong i = plan.begin + at + ulong(j);
    const bool front = i < plan.turn;
    const float x =
        front ? rt_at(plan.start[0], plan.start[1], plan.real_step[0], plan.real_step[1], i)
              : rt_at(plan.end[0], plan.end[1], -plan.real_step[0], -plan.real_step[1],
                      plan.last - i);
    v.v[j] = R(x * plan.scale[0] * plan.scale[1]);
  }
  rt_write_pack<R, N>(out, at, plan.n, v);
}
RT_EXPORT_AS(sequence_reals_half, rt_reals<half>)
RT_EXPORT_AS(sequence_reals_bfloat, rt_reals<bfloat>)
RT_EXPORT_AS(sequence_reals_float, rt_reals<float>)
