// Sums of bags of rows of a table, and rows that are shortened to a norm.
#include "rt_formulas.h"
//
#include "rt_pack.h"
//
#include "rt_index_plans.h"

using namespace rt_formulas;

// out[b] = the sum or mean of scale[i] * table[rows[i]] over the i whose bags[i] is b; bags do not
// decrease. A thread has one column of one bag.
template <class T>
kernel void rt_bag_rows(device float* out [[buffer(0)]], device const T* table [[buffer(1)]],
                        device const long* rows [[buffer(2)]],
                        device const long* bags [[buffer(3)]],
                        device const float* scale [[buffer(4)]],
                        constant BagPlan& plan [[buffer(5)]],
                        uint thread_index [[thread_position_in_grid]]) {
  const uint bag = thread_index / plan.width, column = thread_index - bag * plan.width;
  if (bag >= plan.bags) return;
  uint first = 0, last = plan.count;
  while (first < last) {
    const uint middle = first + (last - first) / 2;
    if (bags[middle] < long(bag)) {
      first = middle + 1;
    } else {
      last = middle;
    }
  }
  float sum = 0.0f;
  uint i = first;
  for (; i < plan.count && bags[i] == long(bag); i++) {
    const float x = float(table[rows[i] * long(plan.width) + long(column)]);
    sum += plan.scaled ? scale[i] * x : x;
  }
  if (plan.mean && i > first + 1) sum /= float(i - first);
  out[thread_index] = sum;
}
RT_EXPORT_AS(bag_rows_float, rt_bag_rows<float>)
RT_EXPORT_AS(bag_rows_half, rt_bag_rows<half>)
RT_EXPORT_AS(bag_rows_bfloat, rt_bag_rows<bfloat>)

// A group has one row; of groups that have the same one, the first to claim it does the work.
kernel void renorm_rows(device float* table [[buffer(0)]], device const long* rows [[buffer(1)]],
                        device atomic_uint* claimed [[buffer(2)]],
                        constant RenormPlan& plan [[buffer(3)]],
                        uint group [[threadgroup_position_in_grid]],
                        uint thread_index [[thread_index_in_threadgroup]],
                        uint width [[threads_per_threadgroup]],
                        uint lane [[thread_index_in_simdgroup]],
                        uint simdgroup [[simdgroup_index_in_threadgroup]],
                        uint simdgroups [[simdgroups_per_threadgroup]]) {
  rt_shared float parts[32];
  rt_shared uint taken;
  const long row = rows[group];
  if (thread_index == 0) taken = atomic_exchange_explicit(claimed + row, 1u, memory_order_relaxed);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  const bool mine = taken == 0;
  device float* v = table + row * long(plan.width);
  float norm = 0.0f;
  if (mine) {
    for (uint k = thread_index; k < plan.width; k += width) {
      const float a = fabs(v[k]);
      if (plan.is_max) {
        norm = a > norm ? a : norm;
      } else {
        norm += plan.p == 2.0f ? a * a : plan.p == 1.0f ? a : pow_(a, plan.p);
      }
    }
  }
  const float part = plan.is_max ? simd_max(norm) : simd_sum(norm);
  if (lane == 0) parts[simdgroup] = part;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  norm = 0.0f;
  for (uint s = 0; s < simdgroups; s++) {
    norm = plan.is_max ? max(norm, parts[s]) : norm + parts[s];
  }
  if (!plan.is_max && plan.p != 1.0f)
    norm = plan.p == 2.0f ? sqrt_(norm) : pow_(norm, 1.0f / plan.p);
  if (!mine || norm <= plan.max_norm) return;
  const float factor = plan.max_norm / (norm + 1e-7f);  // PyTorch's guard
  for (uint k = thread_index; k < plan.width; k += width) v[k] *= factor;
}
RT_EXPORT(renorm_rows)
