// Sums of gradients for the numbers of channels, and channels scaled and shifted by numbers of
// their own.
#include "rt_rows.h"
//
#include "rt_norm_plan.h"

// Whether the mean belongs to the row (and with it a deviation), or to the channel.
RT_FUNCTION_CONSTANT(bool, rt_of_rows, 2)

template <class T>
struct alignas(sizeof(T) * 4) rt_four {
  T v[4];
};
// Four values of a lane, of `n` that are left of a row.
template <class T>
inline void rt_load_four(device const T* row, uint n, rt_place p, thread float* v) {
  if (rt_packed) {
    rt_four<T> pack = {{T(0.0f), T(0.0f), T(0.0f), T(0.0f)}};
    if (p.index * 4 < n) pack = *(device const rt_four<T>*)(row + p.index * 4);
    for (int j = 0; j < 4; j++) v[j] = float(pack.v[j]);
    return;
  }
  for (int j = 0; j < 4; j++) {
    const uint i = rt_position_of<4>(p, 0, j);
    v[j] = 0.0f;
    if (i < n) v[j] = float(row[i]);
  }
}

// For each of n columns of a part of the rows, the sums of grad and of grad * (x - mean) (* rstd):
// (2, parts, n). 256 threads a group, 8 for every four of 128 neighbours.
template <class T>
kernel void norm_column_sums(device float* sums [[buffer(0)]], device const T* grad [[buffer(1)]],
                             device const T* x [[buffer(2)]],
                             device const float* means [[buffer(3)]],
                             device const float* rstds [[buffer(4)]],
                             constant NormPlan& plan [[buffer(5)]],
                             uint3 group [[threadgroup_position_in_grid]],
                             uint lane [[thread_index_in_simdgroup]],
                             uint simdgroup [[simdgroup_index_in_threadgroup]]) {
  constexpr int N = 4;
  rt_shared float shared[2][8][32 * N];
  const uint column0 = group.x * 32 * N, begin = group.y * plan.chunk;
  const uint end = begin + plan.chunk < plan.rows ? begin + plan.chunk : plan.rows;
  // Four columns of a lane: neighbours, or a simdgroup apart.
  const rt_place p = {0, lane, 32, lane, 0, 1};
  float sum[N] = {}, sum_d[N] = {}, mean[N] = {};
  for (int j = 0; j < N; j++) {
    const uint column = column0 + rt_position_of<N>(p, 0, j);
    if (!rt_of_rows && column < plan.n) mean[j] = means[column];
  }
  for (uint row = begin + simdgroup; row < end; row += 8) {
    const ulong at = ulong(row) * plan.n + column0;
    const float row_mean = rt_of_rows && (plan.given & RT_NORM_BIAS) ? means[row] : 0.0f;
    const float rstd = rt_of_rows ? rstds[row] : 1.0f;
    float g[N], d[N];
    rt_load_four(grad + at, plan.n - column0, p, g);
    rt_load_four(x + at, plan.n - column0, p, d);
    for (int j = 0; j < N; j++) {
      sum[j] += g[j];
      sum_d[j] += g[j] * ((d[j] - (rt_of_rows ? row_mean : mean[j])) * rstd);
    }
  }
  for (int j = 0; j < N; j++) {
    const uint i = rt_position_of<N>(p, 0, j);
    shared[0][simdgroup][i] = sum[j];
    shared[1][simdgroup][i] = sum_d[j];
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  const uint which = simdgroup / 4, i = simdgroup % 4 * 32 + lane;
  if (column0 + i >= plan.n) return;
  float total = 0.0f;
  for (int k = 0; k < 8; k++) total += shared[which][k][i];
  sums[(ulong(which) * plan.parts + group.y) * plan.n + column0 + i] = total;
}
RT_EXPORT_AS(norm_column_sums_float, norm_column_sums<float>)
RT_EXPORT_AS(norm_column_sums_half, norm_column_sums<half>)
RT_EXPORT_AS(norm_column_sums_bfloat, norm_column_sums<bfloat>)

// The same for whole rows: row r is a channel of a sample. (2, rows)
kernel void norm_row_sums(
    device float* sums [[buffer(0)]], device float* sums_d [[buffer(1)]],
    device const float* grad [[buffer(2)]], device const float* x [[buffer(3)]],
    device const float* means [[buffer(4)]], device const float* rstds [[buffer(5)]],
    constant NormPlan& plan [[buffer(6)]], uint group [[threadgroup_position_in_grid]],
    uint thread_index [[thread_index_in_threadgroup]], uint lane [[thread_index_in_simdgroup]],
    uint simdgroup [[simdgroup_index_in_threadgroup]],
    uint simdgroups [[simdgroups_per_threadgroup]]) {
  rt_shared float shared[64];
  const rt_place p = rt_place_of(group, thread_index, lane, simdgroup, simdgroups);
  const bool here = p.row < plan.rows;
  const ulong at = here ? ulong(p.row) * plan.n : 0;
  const uint n = here ? plan.n : 0;
  const uint which = rt_of_rows ? p.row / plan.width : p.row % plan.groups;
  const float mean = here ? means[which] : 0.0f;
  float sum = 0.0f, sum_d = 0.0f;
  const uint packs = rt_packs_of<4>(n, p);
  for (uint k = 0; k < packs; k++) {
    float g[4], d[4], part = 0.0f, part_d = 0.0f;
    rt_load_pack<float, 4>(grad + at, n, p, k, 0.0f, g);
    rt_load_pack<float, 4>(x + at, n, p, k, mean, d);
    for (int j = 0; j < 4; j++) {
      part += g[j];
      part_d += g[j] * (d[j] - mean);
    }
    sum += part;
    sum_d += part_d;
  }
  sum = rt_over_row<rt_add>(sum, shared, p);
  sum_d = rt_over_row<rt_add>(sum_d, shared + 32, p);
  if (!here || p.index != 0) return;
  if (plan.given & RT_NORM_BIAS) sums[p.row] = sum;
  if (plan.given & RT_NORM_WEIGHT) sums_d[p.row] = rt_of_rows ? sum_d * rstds[which] : sum_d;
}
RT_EXPORT(norm_row_sums)

// The place of a thread among groups that share rows of n values, 8 a thread.
inline rt_place rt_shared_row(uint group, uint thread_index, uint threads, uint n) {
  const uint chunks = (n + threads * 8 - 1) / (threads * 8), row = group / chunks;
  return {row, (group - row * chunks) * threads + thread_index, chunks * threads, 0, 0, 1};
}
// A number of each channel for a pack: of the row's one, or of neighbours.
inline void rt_load_numbers(device const float* numbers, constant NormPlan& plan, rt_place p,
                            uint k, thread float* v) {
  if (rt_of_rows) {
    const float number = numbers[p.row % plan.groups];
    for (int j = 0; j < 4; j++) v[j] = number;
    return;
  }
  for (int j = 0; j < 4; j++) {
    const uint i = rt_position_of<4>(p, k, j);
    v[j] = i < plan.n ? numbers[i % plan.groups] : 0.0f;
  }
}

// out = (x - mean) * scale + shift. rt_of_rows: a row is a channel's; else it is everything.
kernel void channel_affine(device float* out [[buffer(0)]], device const float* x [[buffer(1)]],
                           device const float* means [[buffer(2)]],
                           device const float* scales [[buffer(3)]],
                           device const float* shifts [[buffer(4)]],
                           constant NormPlan& plan [[buffer(5)]],
                           uint group [[threadgroup_position_in_grid]],
                           uint thread_index [[thread_index_in_threadgroup]],
                           uint simdgroups [[simdgroups_per_threadgroup]]) {
  const rt_place p = rt_shared_row(group, thread_index, simdgroups * 32, plan.n);
  const ulong at = ulong(p.row) * plan.n;
  for (uint k = 0; k < 2; k++) {
    float v[4], mean[4], scale[4], shift[4];
    rt_load_pack<float, 4>(x + at, plan.n, p, k, 0.0f, v);
    rt_load_numbers(means, plan, p, k, mean);
    rt_load_numbers(scales, plan, p, k, scale);
    rt_load_numbers(shifts, plan, p, k, shift);
    for (int j = 0; j < 4; j++) v[j] = (v[j] - mean[j]) * scale[j] + shift[j];
    rt_store_pack<float, 4>(out + at, plan.n, p, k, v);
  }
}
RT_EXPORT(channel_affine)

// out = a * grad + b * (x - mean) + shift.
kernel void channel_combine(
    device float* out [[buffer(0)]], device const float* grad [[buffer(1)]],
    device const float* x [[buffer(2)]], device const float* means [[buffer(3)]],
    device const float* as [[buffer(4)]], device const float* bs [[buffer(5)]],
    device const float* shifts [[buffer(6)]], constant NormPlan& plan [[buffer(7)]],
    uint group [[threadgroup_position_in_grid]], uint thread_index [[thread_index_in_threadgroup]],
    uint simdgroups [[simdgroups_per_threadgroup]]) {
  const rt_place p = rt_shared_row(group, thread_index, simdgroups * 32, plan.n);
  const ulong at = ulong(p.row) * plan.n;
  for (uint k = 0; k < 2; k++) {
    float g[4], v[4], mean[4], a[4], b[4], shift[4];
    rt_load_pack<float, 4>(grad + at, plan.n, p, k, 0.0f, g);
    rt_load_pack<float, 4>(x + at, plan.n, p, k, 0.0f, v);
    rt_load_numbers(means, plan, p, k, mean);
    rt_load_numbers(as, plan, p, k, a);
    rt_load_numbers(bs, plan, p, k, b);
    rt_load_numbers(shifts, plan, p, k, shift);
    for (int j = 0; j < 4; j++) v[j] = a[j] * g[j] + b[j] * (v[j] - mean[j]) + shift[j];
    rt_store_pack<float, 4>(out + at, plan.n, p, k, v);
  }
}
RT_EXPORT(channel_combine)
