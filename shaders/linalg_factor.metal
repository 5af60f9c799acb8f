// LU and Cholesky factors, and what triangles solve. A threadgroup has a matrix, or some columns of
// one; everything lies in device memory.
#include "rt_group.h"
//
#include "rt_plans_linalg.h"

// The largest of all threads' values, the lowest place where there are several.
struct rt_pivot {
  float size;
  uint at;
};
inline rt_pivot rt_larger(rt_pivot a, rt_pivot b) {
  const bool take = b.size > a.size || (b.size == a.size && b.at < a.at);
  if (take) return b;
  return a;
}
inline rt_pivot rt_over_lanes(rt_pivot p) {
  for (ushort mask = 16; mask > 0; mask /= 2) {
    const rt_pivot other = {rt_lane_xor(p.size, mask), rt_lane_xor(p.at, mask)};
    p = rt_larger(p, other);
  }
  return p;
}

// Columns first to last - 1 of a matrix with partial pivoting; other columns stay as they are.
// `info` is the first pivot that is zero, counted from one.
kernel void lu_panel_float(device float* all [[buffer(0)]], device int* all_pivots [[buffer(1)]],
                           device int* info [[buffer(2)]], constant MatrixPlan& p [[buffer(3)]],
                           uint group [[threadgroup_position_in_grid]],
                           uint thread_index [[thread_index_in_threadgroup]],
                           uint lane [[thread_index_in_simdgroup]],
                           uint simdgroup [[simdgroup_index_in_threadgroup]],
                           uint simdgroups [[simdgroups_per_threadgroup]]) {
  rt_shared float sizes[32];
  rt_shared uint places[32];
  const uint threads = simdgroups * 32;
  device float* a = all + group * p.step;
  device int* pivots = all_pivots + ulong(group) * min(p.rows, p.cols);
  int zero = 0;
  for (uint k = p.first; k < p.last; k++) {
    device float* column = a + k * p.lead;
    rt_pivot best = {-1.0f, k};
    for (uint i = k + thread_index; i < p.rows; i += threads) {
      const float size = abs_(column[i]);
      if (size > best.size) best = {size, i};
    }
    best = rt_over_lanes(best);
    if (lane == 0) {
      sizes[simdgroup] = best.size;
      places[simdgroup] = best.at;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    rt_pivot other = {-1.0f, k};
    if (lane < simdgroups) other = {sizes[lane], places[lane]};
    best = rt_over_lanes(other);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    const float pivot = column[best.at];
    if (pivot == 0.0f && zero == 0) zero = int(k) + 1;
    rt_device_barrier();
    if (thread_index == 0) pivots[k] = int(best.at) + 1;
    for (uint j = p.first + thread_index; j < p.last && best.at != k; j += threads) {
      const float upper = a[j * p.lead + k];
      a[j * p.lead + k] = a[j * p.lead + best.at];
      a[j * p.lead + best.at] = upper;
    }
    rt_device_barrier();
    if (pivot != 0.0f) {
      for (uint i = k + 1 + thread_index; i < p.rows; i += threads) column[i] /= pivot;
    }
    rt_device_barrier();
    for (uint j = k + 1 + simdgroup; j < p.last; j += simdgroups) {
      device float* target = a + j * p.lead;
      const float factor = target[k];
      for (uint i = k + 1 + lane; i < p.rows; i += 32) target[i] -= column[i] * factor;
    }
    rt_device_barrier();
  }
  if (thread_index == 0 && (p.first == 0 || info[group] == 0)) info[group] = zero;
}
RT_EXPORT(lu_panel_float)

kernel void row_swaps_float(device float* all [[buffer(0)]],
                            device const int* all_pivots [[buffer(1)]],
                            constant SwapPlan& p [[buffer(2)]],
                            uint index [[thread_position_in_grid]]) {
  if (index >= p.n) return;
  const uint matrix = index / p.columns;
  device float* column = all + matrix * p.step + (index - matrix * p.columns) * p.lead;
  device const int* pivots = all_pivots + ulong(matrix) * p.pivots;
  for (uint k = p.first; k < p.last; k++) {
    const uint other = uint(pivots[k] - 1);
    const float kept = column[k];
    column[k] = column[other];
    column[other] = kept;
  }
}
RT_EXPORT(row_swaps_float)

// The square block on the diagonal from first to last - 1, column by column. `info` is the order of
// the first minor that is not positive; what follows is left as it is.
kernel void cholesky_panel_float(device float* all [[buffer(0)]], device int* info [[buffer(1)]],
                                 constant CholeskyPlan& p [[buffer(2)]],
                                 uint group [[threadgroup_position_in_grid]],
                                 uint thread_index [[thread_index_in_threadgroup]],
                                 uint simdgroups [[simdgroups_per_threadgroup]]) {
  device float* a = all + group * p.step;
  int status = 0;
  if (p.first > 0) status = info[group];
  rt_device_barrier();
  for (uint k = p.first; k < p.last && status == 0; k++) {
    for (uint i = k + thread_index; i < p.last; i += simdgroups * 32) {
      float sum = a[i * p.along + k * p.across];
      for (uint j = p.first; j < k; j++) {
        sum -= a[i * p.along + j * p.across] * a[k * p.along + j * p.across];
      }
      a[i * p.along + k * p.across] = sum;
    }
    rt_device_barrier();
    const float square = a[k * p.along + k * p.across];
    if (!(square > 0.0f)) status = int(k) + 1;
    rt_device_barrier();
    const float root = sqrt_(square);
    for (uint i = k + thread_index; i < p.last && status == 0; i += simdgroups * 32) {
      const ulong at = i * p.along + k * p.across;
      a[at] = i == k ? root : a[at] / root;
    }
    rt_device_barrier();
  }
  if (thread_index == 0) info[group] = status;
}
RT_EXPORT(cholesky_panel_float)

// Zeros in the other triangle.
kernel void one_triangle_float(device float* a [[buffer(0)]],
                               constant CholeskyPlan& p [[buffer(1)]],
                               uint row [[thread_position_in_grid]]) {
  if (row >= p.last) return;
  const uint i = row % p.n;
  device float* matrix = a + (row / p.n) * p.step;
  for (uint j = i + 1; j < p.n; j++) matrix[i * p.along + j * p.across] = 0.0f;
}
RT_EXPORT(one_triangle_float)

kernel void triangular_solve_float(device float* all [[buffer(0)]],
                                   device const float* triangles [[buffer(1)]],
                                   constant TriangularSolvePlan& p [[buffer(2)]],
                                   uint group [[threadgroup_position_in_grid]],
                                   uint lane [[thread_index_in_simdgroup]],
                                   uint simdgroup [[simdgroup_index_in_threadgroup]],
                                   uint simdgroups [[simdgroups_per_threadgroup]]) {
  const uint index = group * simdgroups + simdgroup;
  if (index >= p.count) return;
  const uint matrix = index / p.columns;
  device const float* a = triangles + matrix * p.a_step;
  device float* b = all + matrix * p.b_step + (index - matrix * p.columns) * p.b_across;
  for (uint step = 0; step < p.n; step++) {
    const uint k = p.upper ? p.n - 1 - step : step;
    device const float* column = a + k * p.a_lead;
    // Each lane has rows of its own, so that what it reads it has written itself, but this one.
    float x = 0.0f;
    if (lane == k % 32) {
      x = b[k * p.b_along];
      if (!p.unit) x /= column[k];
      b[k * p.b_along] = x;
    }
    x = simd_broadcast(x, ushort(k % 32));
    const uint first = p.upper ? 0 : k + 1, last = p.upper ? k : p.n;
    for (uint i = first + ((lane - first) & 31); i < last; i += 32) {
      b[i * p.b_along] -= column[i] * x;
    }
  }
}
RT_EXPORT(triangular_solve_float)
