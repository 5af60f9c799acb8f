// Counts of numbers in equal bins, and the range of numbers.
#include "rt_kernel.h"
//
#include "rt_histogram_plans.h"

#define RT_LOCAL_BINS 4096

// Where they fit, bins are counted in threadgroup memory first. Whole numbers add up alike in any
// order.
kernel void histogram_float(device atomic_uint* counts [[buffer(0)]],
                            device const float* x [[buffer(1)]],
                            constant HistogramPlan& plan [[buffer(2)]],
                            uint i [[thread_position_in_grid]], uint threads [[threads_per_grid]],
                            uint lane [[thread_index_in_threadgroup]],
                            uint width [[threads_per_threadgroup]]) {
  rt_shared atomic_uint local[RT_LOCAL_BINS];
  const bool is_local = plan.bins <= RT_LOCAL_BINS;
  if (is_local) {
    for (uint b = lane; b < plan.bins; b += width) {
      atomic_store_explicit(local + b, 0u, memory_order_relaxed);
    }
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  for (uint k = i; k < plan.n; k += threads) {
    const float v = x[k];
    if (!(v >= plan.low && v <= plan.high)) continue;
    const uint at = uint((v - plan.low) * float(plan.bins) / (plan.high - plan.low));
    const uint bin = at < plan.bins ? at : plan.bins - 1;
    if (is_local) {
      atomic_fetch_add_explicit(local + bin, 1u, memory_order_relaxed);
    } else {
      atomic_fetch_add_explicit(counts + bin, 1u, memory_order_relaxed);
    }
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  if (!is_local) return;
  for (uint b = lane; b < plan.bins; b += width) {
    const uint mine = atomic_load_explicit(local + b, memory_order_relaxed);
    if (mine > 0) atomic_fetch_add_explicit(counts + b, mine, memory_order_relaxed);
  }
}
RT_EXPORT(histogram_float)

// The smallest and largest of each group's share, NaN if one is; the host takes it from there.
kernel void float_range(device float* ends [[buffer(0)]], device const float* x [[buffer(1)]],
                        constant uint& n [[buffer(2)]], uint i [[thread_position_in_grid]],
                        uint threads [[threads_per_grid]],
                        uint lane [[thread_position_in_threadgroup]],
                        uint width [[threads_per_threadgroup]],
                        uint group [[threadgroup_position_in_grid]]) {
  rt_shared float low[256];
  rt_shared float high[256];
  float lo = x[0], hi = lo;
  for (uint k = i; k < n; k += threads) {
    const float v = x[k];
    lo = v < lo || v != v ? v : lo;
    hi = v > hi || v != v ? v : hi;
  }
  low[lane] = lo;
  high[lane] = hi;
  for (uint part = width / 2; part > 0; part /= 2) {
    threadgroup_barrier(mem_flags::mem_threadgroup);
    if (lane < part) {
      const float a = low[lane + part], b = high[lane + part];
      if (a < low[lane] || a != a) low[lane] = a;
      if (b > high[lane] || b != b) high[lane] = b;
    }
  }
  if (lane == 0) {
    ends[2 * group] = low[0];
    ends[2 * group + 1] = high[0];
  }
}
RT_EXPORT(float_range)
