// Reads at indices, and fills where a mask is set. Items are moved as they are, whatever they mean.
#include "rt_pack.h"
#include "rt_walk.h"
//
#include "rt_index_plans.h"

// out[e] = src[e + step * index[e]]
template <class T>
kernel void rt_gather(device T* out [[buffer(0)]], device const T* src [[buffer(1)]],
                      device const long* index [[buffer(2)]],
                      constant ElementwisePlan& plan [[buffer(3)]],
                      constant long& step [[buffer(4)]], uint i [[thread_position_in_grid]]) {
  if (i >= plan.n) return;
  const rt_places<3> p = rt_walk<3>(plan, i);
  out[p.at[0]] = src[p.at[1] + step * index[p.at[2]]];
}
RT_EXPORT_AS(gather_1, rt_gather<uchar>)
RT_EXPORT_AS(gather_2, rt_gather<ushort>)
RT_EXPORT_AS(gather_4, rt_gather<uint>)
RT_EXPORT_AS(gather_8, rt_gather<ulong>)
RT_EXPORT_AS(gather_16, rt_gather<rt_item16>)

template <class T>
struct rt_item_of {
  static T of(constant ItemValue& v) { return T(v.bits[0]); }
};
template <>
struct rt_item_of<rt_item16> {
  static rt_item16 of(constant ItemValue& v) { return {v.bits[0], v.bits[1]}; }
};

template <class T>
kernel void rt_masked_fill(device T* target [[buffer(0)]], device const uchar* mask [[buffer(1)]],
                           device const T* value [[buffer(2)]],
                           constant ItemValue& number [[buffer(3)]],
                           constant ElementwisePlan& plan [[buffer(4)]],
                           uint i [[thread_position_in_grid]]) {
  if (i >= plan.n) return;
  const rt_places<2> p = rt_walk<2>(plan, i);
  if (!mask[p.at[1]]) return;
  if (number.is_number) {
    target[p.at[0]] = rt_item_of<T>::of(number);
  } else {
    target[p.at[0]] = value[0];
  }
}
RT_EXPORT_AS(masked_fill_1, rt_masked_fill<uchar>)
RT_EXPORT_AS(masked_fill_2, rt_masked_fill<ushort>)
RT_EXPORT_AS(masked_fill_4, rt_masked_fill<uint>)
RT_EXPORT_AS(masked_fill_8, rt_masked_fill<ulong>)
RT_EXPORT_AS(masked_fill_16, rt_masked_fill<rt_item16>)

// Indices within bounds, wrapped; the first that is not leaves itself in `fault`, and 0 here.
kernel void guard_index(device long* safe [[buffer(0)]], device const long* index [[buffer(1)]],
                        device IndexFault* fault [[buffer(2)]],
                        constant IndexGuard& plan [[buffer(3)]],
                        uint i [[thread_position_in_grid]]) {
  if (i >= plan.n) return;
  const long given = index[i];
  const long at = plan.wraps && given < 0 ? given + plan.size : given;
  const bool within = at >= 0 && at < plan.size;
  safe[i] = within ? at : 0;
  if (within) return;
  device atomic_uint* found = (device atomic_uint*)&fault->found;
  if (atomic_exchange_explicit(found, 1u, memory_order_relaxed) == 0) fault->index = given;
}
RT_EXPORT(guard_index)

// The smallest and largest of each group's share; the host takes it from there.
kernel void index_range(device long* ends [[buffer(0)]], device const long* index [[buffer(1)]],
                        constant uint& n [[buffer(2)]], uint i [[thread_position_in_grid]],
                        uint threads [[threads_per_grid]],
                        uint lane [[thread_position_in_threadgroup]],
                        uint width [[threads_per_threadgroup]],
                        uint group [[threadgroup_position_in_grid]]) {
  rt_shared long low[256];
  rt_shared long high[256];
  // Threads beyond the end repeat the first number.
  long lo = index[0], hi = lo;
  for (uint k = i; k < n; k += threads) {
    lo = min(lo, index[k]);
    hi = max(hi, index[k]);
  }
  low[lane] = lo;
  high[lane] = hi;
  for (uint half_width = width / 2; half_width > 0; half_width /= 2) {
    threadgroup_barrier(mem_flags::mem_threadgroup);
    if (lane < half_width) {
      low[lane] = min(low[lane], low[lane + half_width]);
      high[lane] = max(high[lane], high[lane + half_width]);
    }
  }
  if (lane == 0) {
    ends[2 * group] = low[0];
    ends[2 * group + 1] = high[0];
  }
}
RT_EXPORT(index_range)
