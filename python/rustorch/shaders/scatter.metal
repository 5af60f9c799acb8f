// Writes at indices. A thread takes the elements that may meet one after the other, in order, so
// that results are repeatable.
#include "rt_pack.h"
#include "rt_walk.h"
//
#include "rt_index_plans.h"
#include "rt_scatter.h"

template <class T, class Op, int Reads>
kernel void rt_scatter(device T* target [[buffer(0)]], device const T* values [[buffer(1)]],
                       device const long* index [[buffer(2)]],
                       constant ScatterPlan& plan [[buffer(3)]],
                       uint i [[thread_position_in_grid]]) {
  if (i >= plan.free.n) return;
  const rt_places<3> p = rt_walk<3>(plan.free, i);
  for (uint s = 0; s < plan.serial; s++) {
    long value_at = p.at[1], index_at = p.at[2];
    uint left = s;
    for (uint d = 0; d < plan.ndim; d++) {
      const uint next = left / plan.sizes[d];
      const long along = long(left - next * plan.sizes[d]);
      value_at += along * plan.value_strides[d];
      index_at += along * plan.index_strides[d];
      left = next;
    }
    device T* to = target + (p.at[0] + plan.step * index[index_at]);
    if (Reads) {
      *to = Op::of(*to, values[value_at]);
    } else {
      *to = values[value_at];
    }
  }
}

#define RT_SCATTER_ASSIGN(name, T) RT_EXPORT_AS(scatter_assign_##name, rt_scatter<T, rt_assign, 0>)
RT_SCATTER_ASSIGN(1, uchar)
RT_SCATTER_ASSIGN(2, ushort)
RT_SCATTER_ASSIGN(4, uint)
RT_SCATTER_ASSIGN(8, ulong)
RT_SCATTER_ASSIGN(16, rt_item16)

#define RT_SCATTER_OP(name, Op)                                  \
  RT_EXPORT_AS(scatter_##name##_uchar, rt_scatter<uchar, Op, 1>) \
  RT_EXPORT_AS(scatter_##name##_char, rt_scatter<char, Op, 1>)   \
  RT_EXPORT_AS(scatter_##name##_short, rt_scatter<short, Op, 1>) \
  RT_EXPORT_AS(scatter_##name##_int, rt_scatter<int, Op, 1>)     \
  RT_EXPORT_AS(scatter_##name##_long, rt_scatter<long, Op, 1>)   \
  RT_EXPORT_AS(scatter_##name##_float, rt_scatter<float, Op, 1>)
RT_SCATTER_OP(add, rt_add)
RT_SCATTER_OP(mul, rt_mul)
RT_SCATTER_OP(max, rt_max)
RT_SCATTER_OP(min, rt_min)
RT_EXPORT_AS(scatter_add_bool, rt_scatter<uchar, rt_or, 1>)
RT_EXPORT_AS(scatter_mul_bool, rt_scatter<uchar, rt_and, 1>)
