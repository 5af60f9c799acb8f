// Softmax, its logarithm, and their gradients: over rows, whose values a thread keeps in registers
// where they fit, and over columns.
#include "rt_reduce_ops.h"
#include "rt_rows.h"

RT_FUNCTION_CONSTANT(bool, rt_log, 2)

inline float rt_softmax_value(float x, float max, float factor) {
  // factor: 1 / sum, or log(sum)
  return rt_log ? (x - max) - factor : exp_(x - max) * factor;
}
inline float rt_softmax_factor(float sum) { return rt_log ? log_(sum) : 1.0f / sum; }
// An infinite or NaN maximum leaves no number.
inline float rt_softmax_factor(rt_log_sum::State s) {
  return s.max - s.max == 0.0f ? rt_softmax_factor(s.sum) : NAN;
}

// e^(x - max) for x <= max: to an ulp or two in float, and as the hardware has it where the result
// is rounded to 16 bits. NaN where x is NaN, or both are infinite with one sign.
template <class T>
inline float rt_exp_below(float x, float max) {
  if (sizeof(T) == 4) return exp_negative_(max - x);
  return fast::exp2((x - max) * 1.44269504f);
}

template <class T, int E>
kernel void softmax_rows(device T* out [[buffer(0)]], device const T* x [[buffer(1)]],
                         constant RowPlan& plan [[buffer(2)]],
                         uint group [[threadgroup_position_in_grid]],
                         uint thread_index [[thread_index_in_threadgroup]],
                         uint lane [[thread_index_in_simdgroup]],
                         uint simdgroup [[simdgroup_index_in_threadgroup]],
                         uint simdgroups [[simdgroups_per_threadgroup]]) {
  rt_shared float shared[64];
  constexpr int N = 16 / sizeof(T), V = E / N;
  const rt_place p = rt_place_of(group, thread_index, lane, simdgroup, simdgroups);
  const bool here = p.row < plan.rows;
  const ulong at = here ? ulong(p.row) * plan.n : 0;
  const uint n = here ? plan.n : 0;
  float v[V][N], max = -INFINITY, sum = 0.0f;
  for (int k = 0; k < V; k++) rt_load_pack<T, N>(x + at, n, p, k, -INFINITY, v[k]);
  for (int k = 0; k < V; k++) {
    for (int j = 0; j < N; j++) max = fmax(max, v[k][j]);
  }
  max = rt_over_row<rt_highest>(max, shared, p);
  for (int k = 0; k < V; k++) {
    for (int j = 0; j < N; j++) {
      const float e = rt_exp_below<T>(v[k][j], max);
      sum += e;
      v[k][j] = rt_log ? v[k][j] - max : e;
    }
  }
  const float factor = rt_softmax_factor(rt_over_row<rt_add>(sum, shared + 32, p));
  for (int k = 0; k < V; k++) {
    for (int j = 0; j < N; j++) v[k][j] = rt_log ? v[k][j] - factor : v[k][j] * factor;
    rt_store_pack<T, N>(out + at, n, p, k, v[k]);
  }
}

// The highest of some values and the sum of e^(x - highest); NaN is in the sum alone.
struct rt_softmax_sum {
  float max, sum;
  template <class T, int N>
  void add(thread const float* v) thread {
    float top = max;
    for (int j = 0; j < N; j++) top = fmax(top, v[j]);
    const float base = top == -INFINITY ? 0.0f : top;
    float part = 0.0f;
    for (int j = 0; j < N; j++) part += rt_exp_below<T>(v[j], base);
    sum = (top > max ? sum * rt_exp_below<T>(max, base) : sum) + part;
    max = top;
  }
};

// A thread keeps the first packs of its part of a row; what is beyond is read twice.
template <class T>
kernel void softmax_long_rows(device T* out [[buffer(0)]], device const T* x [[buffer(1)]],
                              constant RowPlan& plan [[buffer(2)]],
                              uint group [[threadgroup_position_in_grid]],
                              uint thread_index [[thread_index_in_threadgroup]],
                              uint lane [[thread_index_in_simdgroup]],
                              uint simdgroup [[simdgroup_index_in_threadgroup]],
                              uint simdgroups [[simdgroups_per_threadgroup]]) {
  rt_shared float shared[64];
  constexpr int N = 16 / sizeof(T), V = 8;
  const rt_place p = rt_place_of(group, thread_index, lane, simdgroup, simdgroups);
  const ulong at = ulong(p.row) * plan.n;
  const uint packs = rt_packs_of<N>(plan.n, p);
  rt_kept_pack<T> kept[V];
  rt_softmax_sum s = {-INFINITY, 0.0f};
  float v[N];
#pragma unroll
  for (int k = 0; k < V; k++) kept[k] = rt_keep_pack<T, N>(x + at, plan.n, p, k, -INFINITY);
#pragma unroll
  for (int k = 0; k < V; k++) {
    for (int j = 0; j < N; j++) v[j] = kept[k].get(j);
    s.add<T, N>(v);
  }
  for (uint k = V; k < packs; k++) {
    rt_load_pack<T, N>(x + at, plan.n, p, k, -INFINITY, v);
    s.add<T, N>(v);
  }
  const float max = rt_over_row<rt_highest>(s.max, shared, p);
  // A thread that has seen nothing higher than -inf adds nothing, or NaN.
  const float own = s.max == -INFINITY ? s.sum : s.sum * rt_exp_below<T>(s.max, max);
  const float factor = rt_softmax_factor(rt_over_row<rt_add>(own, shared + 32, p));
#pragma unroll
  for (int k = 0; k < V; k++) {
    for (int j = 0; j < N; j++) {
      const float d = kept[k].get(j);
      v[j] = rt_log ? (d - max) - factor : rt_exp_below<T>(d, max) * factor;
    }
    rt_store_pack<T, N>(out + at, plan.n, p, k, v);
  }
  for (uint k = V; k < packs; k++) {
    rt_load_pack<T, N>(x + at, plan.n, p, k, 0.0f, v);
    for (int j = 0; j < N; j++) {
      v[j] = rt_log ? (v[j] - max) - factor : rt_exp_below<T>(v[j], max) * factor;
    }
    rt_store_pack<T, N>(out + at, plan.n, p, k, v);
  }
}

// What a gradient adds up, and the gradient with that sum.
inline float rt_softmax_term(float g, float y) { return rt_log ? g : g * y; }
template <class T>
inline float rt_softmax_gradient(float g, float y, float sum) {
  return rt_log ? g - rt_exp_below<T>(y, 0.0f) * sum : y * (g - sum);
}
// The k-th packs of a thread.
template <class T>
inline float rt_softmax_part(rt_kept_pack<T> g, rt_kept_pack<T> y, uint n, rt_place p, uint k) {
  constexpr int N = 16 / sizeof(T);
  float part = 0.0f;
  for (int j = 0; j < N; j++) part += rt_softmax_term(g.get(j), y.get(j));
  return rt_has_pack<N>(n, p, k) ? part : 0.0f;
}
template <class T>
inline void rt_store_gradient(device T* out, rt_kept_pack<T> g, rt_kept_pack<T> y, float sum,
                              uint n, rt_place p, uint k) {
  constexpr int N = 16 / sizeof(T);
  float d[N];
  for (int j = 0; j < N; j++) d[j] = rt_softmax_gradient<T>(g.get(j), y.get(j), sum);
  rt_store_pack<T, N>(out, n, p, k, d);
}

template <class T, int E>
kernel void softmax_backward_rows(device T* out [[buffer(0)]], device const T* grad [[buffer(1)]],
                                  device const T* y [[buffer(2)]],
                                  constant RowPlan& plan [[buffer(3)]],
                                  uint group [[threadgroup_position_in_grid]],
                                  uint thread_index [[thread_index_in_threadgroup]],
                                  uint lane [[thread_index_in_simdgroup]],
                                  uint simdgroup [[simdgroup_index_in_threadgroup]],
                                  uint simdgroups [[simdgroups_per_threadgroup]]) {
  rt_shared float shared[32];
  constexpr int N = 16 / sizeof(T), V = E / N;
  const rt_place p = rt_place_of(group, thread_index, lane, simdgroup, simdgroups);
  const bool here = p.row < plan.rows;
  const ulong at = here ? ulong(p.row) * plan.n : 0;
  const uint n = here ? plan.n : 0;
  rt_kept_pack<T> g[V], v[V];
  float sum = 0.0f;
#pragma unroll
  for (int k = 0; k < V; k++) {
    g[k] = rt_fetch_pack<T, N>(grad + at, n, p, k);
    v[k] = rt_fetch_pack<T, N>(y + at, n, p, k);
  }
#pragma unroll
  for (int k = 0; k < V; k++) sum += rt_softmax_part<T>(g[k], v[k], n, p, k);
  sum = rt_over_row<rt_add>(sum, shared, p);
#pragma unroll
  for (int k = 0; k < V; k++) rt_store_gradient<T>(out + at, g[k], v[k], sum, n, p, k);
}

// Packs [k, k + 4) of a thread.
template <class T>
struct rt_four_packs {
  rt_kept_pack<T> pack[4];

  void fetch(device const T* row, uint n, rt_place p, uint k) thread {
#pragma unroll
    for (int i = 0; i < 4; i++) pack[i] = rt_fetch_pack<T, 16 / sizeof(T)>(row, n, p, k + i);
  }
  // Compilers would keep the floats that they have made of 16-bit values for the next time, which
  // are twice the registers. `zero` is one that they do not know.
  void unpack_anew(uint zero) thread {
    if (sizeof(T) == 4) return;
#pragma unroll
    for (int i = 0; i < 16; i++) pack[i / 4].words[i % 4] ^= zero;
  }
};
template <class T>
inline float rt_softmax_parts(thread const rt_four_packs<T>& g, thread const rt_four_packs<T>& y,
                              uint n, rt_place p, uint k) {
  float sum = 0.0f;
#pragma unroll
  for (int i = 0; i < 4; i++) sum += rt_softmax_part<T>(g.pack[i], y.pack[i], n, p, k + i);
  return sum;
}
template <class T>
inline void rt_store_gradients(device T* out, thread const rt_four_packs<T>& g,
                               thread const rt_four_packs<T>& y, float sum, uint n, rt_place p,
                               uint k) {
#pragma unroll
  for (int i = 0; i < 4; i++) rt_store_gradient<T>(out, g.pack[i], y.pack[i], sum, n, p, k + i);
}

// A thread keeps the first packs of its part of a row; what is beyond is read twice. The
// logarithm's gradient adds up `grad` alone, so twice as much of it is kept.
template <class T>
kernel void softmax_backward_long_rows(
    device T* out [[buffer(0)]], device const T* grad [[buffer(1)]],
    device const T* y [[buffer(2)]], constant RowPlan& plan [[buffer(3)]],
    uint group [[threadgroup_position_in_grid]], uint thread_index [[thread_index_in_threadgroup]],
    uint lane [[thread_index_in_simdgroup]], uint simdgroup [[simdgroup_index_in_threadgroup]],
    uint simdgroups [[simdgroups_per_threadgroup]]) {
  rt_shared float shared[32];
  const rt_place p = rt_place_of(group, thread_index, lane, simdgroup, simdgroups);
  const ulong at = ulong(p.row) * plan.n;
  const uint n = plan.n, packs = rt_packs_of<16 / sizeof(T)>(n, p);
  rt_four_packs<T> first, second, v;
  first.fetch(grad + at, n, p, 0);
  if (rt_log) second.fetch(grad + at, n, p, 4);
  v.fetch(y + at, n, p, 0);
  float sum = rt_softmax_parts<T>(first, v, n, p, 0);
  if (rt_log) sum += rt_softmax_parts<T>(second, v, n, p, 4);
  const uint kept = rt_log ? 8 : 4;
  for (uint k = kept; k < packs; k += 4) {
    rt_four_packs<T> g, w;
    g.fetch(grad + at, n, p, k);
    w = g;
    if (!rt_log) w.fetch(y + at, n, p, k);
    sum += rt_softmax_parts<T>(g, w, n, p, k);
  }
  sum = rt_over_row<rt_add>(sum, shared, p);
  const uint zero = plan.along - 1;
  first.unpack_anew(zero);
  if (!rt_log) v.unpack_anew(zero);
  rt_store_gradients<T>(out + at, first, v, sum, n, p, 0);
  if (rt_log) {
    second.unpack_anew(zero);
    v.fetch(y + at, n, p, 4);
    rt_store_gradients<T>(out + at, second, v, sum, n, p, 4);
  }
  for (uint k = kept; k < packs; k += 4) {
    first.fetch(grad + at, n, p, k);
    v.fetch(y + at, n, p, k);
    rt_store_gradients<T>(out + at, first, v, sum, n, p, k);
  }
}

// ---- Columns: 256 threads a group, neighbours beside each other, `along` threads a column ----

template <class T>
kernel void softmax_columns(device T* out [[buffer(0)]], device const T* x [[buffer(1)]],
                            constant RowPlan& plan [[buffer(2)]],
                            uint group [[threadgroup_position_in_grid]],
                            uint thread_index [[thread_index_in_threadgroup]]) {
  rt_shared rt_log_sum::State shared[256];
  const uint across = 256 / plan.along, row = thread_index / across;
  const uint column = group * across + thread_index % across;
  const uint n = column < plan.rows ? plan.n : 0, outer = column / plan.inner;
  const ulong step = plan.inner;
  const ulong at = ulong(outer) * plan.n * step + (column - outer * plan.inner);
  rt_log_sum::State s = rt_log_sum::start();
  uint i = row;
  for (; i + 3 * plan.along < n; i += 4 * plan.along) {
    float v[4];
    for (int k = 0; k < 4; k++) v[k] = float(x[at + (i + k * plan.along) * step]);
    rt_log_sum::add<4>(s, v, 0, 0);
  }
  for (; i < n; i += plan.along) {
    const float v = float(x[at + i * step]);
    rt_log_sum::add<1>(s, &v, 0, 0);
  }
  if (plan.along > 1) {
    shared[thread_index] = s;
    threadgroup_barrier(mem_flags::mem_threadgroup);
    s = shared[thread_index % across];
    for (uint r = 1; r < plan.along; r++) {
      rt_log_sum::merge(s, shared[r * across + thread_index % across]);
    }
  }
  const float factor = rt_softmax_factor(s);
  for (i = row; i < n; i += plan.along) {
    out[at + i * step] = T(rt_softmax_value(float(x[at + i * step]), s.max, factor));
  }
}

template <class T>
kernel void softmax_backward_columns(device T* out [[buffer(0)]],
                                     device const T* grad [[buffer(1)]],
                                     device const T* y [[buffer(2)]],
                                     constant RowPlan& plan [[buffer(3)]],
                                     uint group [[threadgroup_position_in_grid]],
                                     uint thread_index [[thread_index_in_threadgroup]]) {
  rt_shared float shared[256];
  const uint across = 256 / plan.along, row = thread_index / across;
  const uint column = group * across + thread_index % across;
  const uint n = column < plan.rows ? plan.n : 0, outer = column / plan.inner;
  const ulong step = plan.inner;
  const ulong at = ulong(outer) * plan.n * step + (column - outer * plan.inner);
  float sum = 0.0f;
  for (uint i = row; i < n; i += plan.along) {
    sum += rt_softmax_term(float(grad[at + i * step]), float(y[at + i * step]));
  }
  if (plan.along > 1) {
    shared[thread_index] = sum;
    threadgroup_barrier(mem_flags::mem_threadgroup);
    sum = 0.0f;
    for (uint r = 0; r < plan.along; r++) sum += shared[r * across + thread_index % across];
  }
  for (uint i = row; i < n; i += plan.along) {
    const ulong here = at + i * step;
    out[here] = T(rt_softmax_gradient<T>(float(grad[here]), float(y[here]), sum));
  }
}

#define RT_SOFTMAX(type)                                                              \
  RT_EXPORT_FOR(1024, softmax_8_##type, softmax_rows<type, 8>)                        \
  RT_EXPORT_FOR(1024, softmax_16_##type, softmax_rows<type, 16>)                      \
  RT_EXPORT_FOR(1024, softmax_32_##type, softmax_rows<type, 32>)                      \
  RT_EXPORT_FOR(1024, softmax_long_##type, softmax_long_rows<type>)                   \
  RT_EXPORT_AS(softmax_columns_##type, softmax_columns<type>)                         \
  RT_EXPORT_FOR(1024, softmax_backward_8_##type, softmax_backward_rows<type, 8>)      \
  RT_EXPORT_FOR(1024, softmax_backward_16_##type, softmax_backward_rows<type, 16>)    \
  RT_EXPORT_FOR(1024, softmax_backward_long_##type, softmax_backward_long_rows<type>) \
  RT_EXPORT_AS(softmax_backward_columns_##type, softmax_backward_columns<type>)
RT_SOFTMAX(float)
RT_SOFTMAX(half)
RT_SOFTMAX(bfloat)
// For the gradient of the logarithm alone: that of softmax would need more registers.
RT_EXPORT_FOR(1024, softmax_backward_32_half, softmax_backward_rows<half, 32>)
RT_EXPORT_FOR(1024, softmax_backward_32_bfloat, softmax_backward_rows<bfloat, 32>)
