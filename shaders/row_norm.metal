// Rows brought to mean 0 and variance 1 (or to a mean square of 1), and the gradient: layer, RMS
// and group normalization.
#include "rt_reduce_ops.h"
#include "rt_rows.h"
//
#include "rt_norm_plan.h"

// Whether rows are centred.
RT_FUNCTION_CONSTANT(bool, rt_center, 2)
// Whether weight and bias have a number for each channel, not for each value of a row.
RT_FUNCTION_CONSTANT(bool, rt_by_channel, 3)
// Whether weight and bias are float where the values are of a smaller type.
RT_FUNCTION_CONSTANT(bool, rt_float_weights, 4)

template <class T>
inline float rt_weight_at(device const T* w, uint i) {
  return rt_float_weights ? ((device const float*)w)[i] : float(w[i]);
}
// The numbers of weight or bias for the k-th pack of a thread.
template <class T, int N>
inline void rt_load_weights(device const T* w, constant NormPlan& plan, rt_place p, uint k,
                            thread float* v) {
  if (rt_packed && !rt_by_channel && rt_float_weights) {
    const uint i = rt_position_of<N>(p, k, 0);
    for (int half_pack = 0; half_pack < N / 4; half_pack++) {
      rt_pack16<float> pack = {{0.0f, 0.0f, 0.0f, 0.0f}};
      if (i < plan.n)
        pack = *(device const rt_pack16<float>*)((device const float*)w + i + half_pack * 4);
      for (int j = 0; j < 4; j++) v[half_pack * 4 + j] = pack.v[j];
    }
    return;
  }
  if (!rt_by_channel && !rt_float_weights) return rt_load_pack<T, N>(w, plan.n, p, k, 0.0f, v);
  const uint first = rt_by_channel ? p.row % plan.groups * plan.width : 0;
  for (int j = 0; j < N; j++) {
    const uint i = rt_position_of<N>(p, k, j);
    v[j] = 0.0f;
    if (i < plan.n) v[j] = rt_weight_at(w, rt_by_channel ? first + i / plan.inner : i);
  }
}

template <class T, int N>
inline void rt_normalize(thread float* v, device T* out, device const T* weight,
                         device const T* bias, constant NormPlan& plan, uint n, rt_place p, uint k,
                         float mean, float rstd) {
  float w[N], b[N];
  for (int j = 0; j < N; j++) v[j] = (v[j] - mean) * rstd;
  if (plan.given & RT_NORM_WEIGHT) {
    rt_load_weights<T, N>(weight, plan, p, k, w);
    for (int j = 0; j < N; j++) v[j] *= w[j];
  }
  if (plan.given & RT_NORM_BIAS) {
    rt_load_weights<T, N>(bias, plan, p, k, b);
    for (int j = 0; j < N; j++) v[j] += b[j];
  }
  rt_store_pack<T, N>(out, n, p, k, v);
}

inline float rt_rstd_of(float squares, constant NormPlan& plan) {
  return 1.0f / sqrt_(squares / float(plan.n) + plan.eps);
}

template <class T, int E>
kernel void row_norm(device T* out [[buffer(0)]], device float* mean_out [[buffer(1)]],
                     device float* rstd_out [[buffer(2)]], device const T* x [[buffer(3)]],
                     device const T* weight [[buffer(4)]], device const T* bias [[buffer(5)]],
                     constant NormPlan& plan [[buffer(6)]],
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
  float v[V][N], mean = 0.0f, squares = 0.0f;
  for (int k = 0; k < V; k++) rt_load_pack<T, N>(x + at, n, p, k, 0.0f, v[k]);
  if (rt_center) {
    for (int k = 0; k < V; k++) {
      for (int j = 0; j < N; j++) mean += v[k][j];
    }
    mean = rt_over_row<rt_add>(mean, shared, p) / float(plan.n);
  }
  for (int k = 0; k < V; k++) {
    for (int j = 0; j < N; j++) {
      const float d = rt_position_of<N>(p, k, j) < n ? v[k][j] - mean : 0.0f;
      squares += d * d;
    }
  }
  const float rstd = rt_rstd_of(rt_over_row<rt_add>(squares, shared + 32, p), plan);
  if (!here) return;
  if (p.index == 0) {
    if (rt_center) mean_out[p.row] = mean;
    rstd_out[p.row] = rstd;
  }
  for (int k = 0; k < V; k++) {
    rt_normalize<T, N>(v[k], out + at, weight, bias, plan, n, p, k, mean, rstd);
  }
}

// Adds what the k-th pack of a thread has of the row.
template <int N>
inline void rt_add_moments(thread rt_moments::State& s, thread const float* v, uint n, rt_place p,
                           uint k) {
  if (!rt_center) {
    for (int j = 0; j < N; j++) s.squares += v[j] * v[j];
  } else if (rt_position_of<N>(p, k, N - 1) < n) {
    rt_moments::add<N>(s, v, 0, 0);
  } else if (!rt_packed) {
    for (int j = 0; j < N; j++) {
      if (rt_position_of<N>(p, k, j) < n) rt_moments::add<1>(s, v + j, 0, 0);
    }
  }
}

// A thread keeps the first packs of its part of a row; what is beyond is read twice.
template <class T>
kernel void row_norm_long(device T* out [[buffer(0)]], device float* mean_out [[buffer(1)]],
                          device float* rstd_out [[buffer(2)]], device const T* x [[buffer(3)]],
                          device const T* weight [[buffer(4)]], device const T* bias [[buffer(5)]],
                          constant NormPlan& plan [[buffer(6)]],
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
  rt_moments::State s = rt_moments::start();
  float v[N];
#pragma unroll
  for (int k = 0; k < V; k++) kept[k] = rt_keep_pack<T, N>(x + at, plan.n, p, k, 0.0f);
#pragma unroll
  for (int k = 0; k < V; k++) {
    for (int j = 0; j < N; j++) v[j] = kept[k].get(j);
    rt_add_moments<N>(s, v, plan.n, p, k);
  }
  for (uint k = V; k < packs; k++) {
    rt_load_pack<T, N>(x + at, plan.n, p, k, 0.0f, v);
    rt_add_moments<N>(s, v, plan.n, p, k);
  }
  float mean = 0.0f;
  if (rt_center) {
    mean = rt_over_row<rt_add>(s.mean * s.count, shared, p) / float(plan.n);
    const float d = s.mean - mean;
    if (s.count > 0.0f) s.squares += d * d * s.count;
  }
  const float rstd = rt_rstd_of(rt_over_row<rt_add>(s.squares, shared + 32, p), plan);
  if (p.index == 0) {
    if (rt_center) mean_out[p.row] = mean;
    rstd_out[p.row] = rstd;
  }
#pragma unroll
  for (int k = 0; k < V; k++) {
    for (int j = 0; j < N; j++) v[j] = kept[k].get(j);
    rt_normalize<T, N>(v, out + at, weight, bias, plan, plan.n, p, k, mean, rstd);
  }
  for (uint k = V; k < packs; k++) {
    rt_load_pack<T, N>(x + at, plan.n, p, k, 0.0f, v);
    rt_normalize<T, N>(v, out + at, weight, bias, plan, plan.n, p, k, mean, rstd);
  }
}

// From packs of grad and x: h = grad * weight and d = x - mean.
template <class T, int N>
inline void rt_gradient_terms(device const T* weight, constant NormPlan& plan, rt_place p, uint k,
                              float mean, thread float* h, thread float* d) {
  for (int j = 0; j < N; j++) d[j] -= mean;
  if (plan.given & RT_NORM_WEIGHT) {
    float w[N];
    rt_load_weights<T, N>(weight, plan, p, k, w);
    for (int j = 0; j < N; j++) h[j] *= w[j];
  }
}
// The same of a row in memory; what is outside of it is zero.
template <class T, int N>
inline void rt_load_gradient(device const T* grad, device const T* x, device const T* weight,
                             constant NormPlan& plan, uint n, rt_place p, uint k, float mean,
                             thread float* h, thread float* d) {
  rt_load_pack<T, N>(grad, n, p, k, 0.0f, h);
  rt_load_pack<T, N>(x, n, p, k, mean, d);
  rt_gradient_terms<T, N>(weight, plan, p, k, mean, h, d);
}

template <int N>
inline void rt_add_gradient(thread const float* h, thread const float* d, thread float& sum,
                            thread float& sum_d) {
  float part = 0.0f, part_d = 0.0f;
  for (int j = 0; j < N; j++) {
    part += h[j];
    part_d += h[j] * d[j];
  }
  sum += part;
  sum_d += part_d;
}

// grad_x = rstd * (h - mean(h) - y * mean(h y)) with y = d * rstd.
template <class T, int E>
kernel void row_norm_backward(device T* grad_x [[buffer(0)]], device const T* grad [[buffer(1)]],
                              device const T* x [[buffer(2)]], device const T* weight [[buffer(3)]],
                              device const float* means [[buffer(4)]],
                              device const float* rstds [[buffer(5)]],
                              constant NormPlan& plan [[buffer(6)]],
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
  float mean = 0.0f, rstd = 0.0f;
  if (here) {
    if (rt_center) mean = means[p.row];
    rstd = rstds[p.row];
  }
  float h[V][N], d[V][N], sum = 0.0f, sum_d = 0.0f;
  for (int k = 0; k < V; k++) {
    rt_load_gradient<T, N>(grad + at, x + at, weight, plan, n, p, k, mean, h[k], d[k]);
  }
  for (int k = 0; k < V; k++) {
    for (int j = 0; j < N; j++) {
      sum += h[k][j];
      sum_d += h[k][j] * d[k][j];
    }
  }
  if (rt_center) sum = rt_over_row<rt_add>(sum, shared, p) / float(plan.n);
  sum_d = rt_over_row<rt_add>(sum_d, shared + 32, p) * rstd * rstd / float(plan.n);
  for (int k = 0; k < V; k++) {
    for (int j = 0; j < N; j++) {
      h[k][j] = rstd * (h[k][j] - (rt_center ? sum : 0.0f) - d[k][j] * sum_d);
    }
    rt_store_pack<T, N>(grad_x + at, n, p, k, h[k]);
  }
}

// A thread keeps the first packs of its part of both rows; what is beyond is read twice.
template <class T>
kernel void row_norm_backward_long(
    device T* grad_x [[buffer(0)]], device const T* grad [[buffer(1)]],
    device const T* x [[buffer(2)]], device const T* weight [[buffer(3)]],
    device const float* means [[buffer(4)]], device const float* rstds [[buffer(5)]],
    constant NormPlan& plan [[buffer(6)]], uint group [[threadgroup_position_in_grid]],
    uint thread_index [[thread_index_in_threadgroup]], uint lane [[thread_index_in_simdgroup]],
    uint simdgroup [[simdgroup_index_in_threadgroup]],
    uint simdgroups [[simdgroups_per_threadgroup]]) {
  rt_shared float shared[64];
  constexpr int N = 16 / sizeof(T), V = 4;
  const rt_place p = rt_place_of(group, thread_index, lane, simdgroup, simdgroups);
  const ulong at = ulong(p.row) * plan.n;
  const uint packs = rt_packs_of<N>(plan.n, p);
  const float mean = rt_center ? means[p.row] : 0.0f, rstd = rstds[p.row];
  rt_kept_pack<T> kept_grad[V], kept_x[V];
  float h[N], d[N], sum = 0.0f, sum_d = 0.0f;
#pragma unroll
  for (int k = 0; k < V; k++) {
    kept_grad[k] = rt_keep_pack<T, N>(grad + at, plan.n, p, k, 0.0f);
    kept_x[k] = rt_keep_pack<T, N>(x + at, plan.n, p, k, 0.0f);
  }
#pragma unroll
  for (int k = 0; k < V; k++) {
    for (int j = 0; j < N; j++) h[j] = kept_grad[k].get(j), d[j] = kept_x[k].get(j);
    rt_gradient_terms<T, N>(weight, plan, p, k, mean, h, d);
    rt_add_gradient<N>(h, d, sum, sum_d);
  }
  for (uint k = V; k < packs; k++) {
    rt_load_gradient<T, N>(grad + at, x + at, weight, plan, plan.n, p, k, mean, h, d);
    rt_add_gradient<N>(h, d, sum, sum_d);
  }
  if (rt_center) sum = rt_over_row<rt_add>(sum, shared, p) / float(plan.n);
  sum_d = rt_over_row<rt_add>(sum_d, shared + 32, p) * rstd * rstd / float(plan.n);
#pragma unroll
  for (int k = 0; k < V; k++) {
    for (int j = 0; j < N; j++) h[j] = kept_grad[k].get(j), d[j] = kept_x[k].get(j);
    rt_gradient_terms<T, N>(weight, plan, p, k, mean, h, d);
    for (int j = 0; j < N; j++) h[j] = rstd * (h[j] - (rt_center ? sum : 0.0f) - d[j] * sum_d);
    rt_store_pack<T, N>(grad_x + at, plan.n, p, k, h);
  }
  for (uint k = V; k < packs; k++) {
    rt_load_gradient<T, N>(grad + at, x + at, weight, plan, plan.n, p, k, mean, h, d);
    for (int j = 0; j < N; j++) h[j] = rstd * (h[j] - (rt_center ? sum : 0.0f) - d[j] * sum_d);
    rt_store_pack<T, N>(grad_x + at, plan.n, p, k, h);
  }
}

#define RT_ROW_NORM(type)                                                       \
  RT_EXPORT_FOR(1024, row_norm_8_##type, row_norm<type, 8>)                     \
  RT_EXPORT_FOR(1024, row_norm_16_##type, row_norm<type, 16>)                   \
  RT_EXPORT_FOR(1024, row_norm_32_##type, row_norm<type, 32>)                   \
  RT_EXPORT_FOR(1024, row_norm_long_##type, row_norm_long<type>)                \
  RT_EXPORT_FOR(1024, row_norm_backward_8_##type, row_norm_backward<type, 8>)   \
  RT_EXPORT_FOR(1024, row_norm_backward_16_##type, row_norm_backward<type, 16>) \
  RT_EXPORT_FOR(1024, row_norm_backward_long_##type, row_norm_backward_long<type>)
RT_ROW_NORM(float)
RT_ROW_NORM(half)
RT_ROW_NORM(bfloat)
