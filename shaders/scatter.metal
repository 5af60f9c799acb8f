// Writes at indices. Elements that meet are taken one after the other, in order, so that results
// are repeatable: by one thread that has all of them, or, where that would leave the device idle,
// by runs of equal indices after a sort.
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

// Each run of equal indices is taken by the thread at its start.
template <class T, class Op, int Reads>
kernel void rt_scatter_runs(device T* target [[buffer(0)]], device const T* values [[buffer(1)]],
                            device const ulong* keys [[buffer(2)]],
                            device const uint* places [[buffer(3)]],
                            constant ScatterRunsPlan& plan [[buffer(4)]],
                            uint i [[thread_position_in_grid]]) {
  const uint part = i / plan.rest.n;
  if (part >= plan.count) return;
  const uint at = plan.first + part, line = at / plan.serial;
  const uint begin = line * plan.serial, end = begin + plan.serial;
  const ulong key = keys[at];
  if (at > begin && keys[at - 1] == key) return;
  const rt_places<2> p = rt_walk<2>(plan.rest, i - part * plan.rest.n);
  // Keys are the indices with the sign turned around.
  long to = p.at[0] + plan.step * long(key ^ 0x8000000000000000ul), from = p.at[1];
  uint left = line;
  for (uint d = 0; d < plan.line_dims; d++) {
    const uint next = left / plan.line_sizes[d];
    const long along = long(left - next * plan.line_sizes[d]);
    to += along * plan.line_target_strides[d];
    from += along * plan.line_value_strides[d];
    left = next;
  }
  T sum = {};
  if (Reads) sum = target[to];
  uint last = at + 1;
  while (last < end && keys[last] == key) last++;
  for (uint k = Reads ? at : last - 1; k < last; k++) {
    long value_at = from;
    left = places[k];
    for (uint d = 0; d < plan.serial_dims; d++) {
      const uint next = left / plan.serial_sizes[d];
      value_at += long(left - next * plan.serial_sizes[d]) * plan.serial_value_strides[d];
      left = next;
    }
    if (Reads) {
      sum = Op::of(sum, values[value_at]);
    } else {
      sum = values[value_at];
    }
  }
  target[to] = sum;
}

#define RT_SCATTER(name, T, Op, Reads)                   \
  RT_EXPORT_AS(scatter_##name, rt_scatter<T, Op, Reads>) \
  RT_EXPORT_AS(scatter_runs_##name, rt_scatter_runs<T, Op, Reads>)
RT_SCATTER(assign_1, uchar, rt_assign, 0)
RT_SCATTER(assign_2, ushort, rt_assign, 0)
RT_SCATTER(assign_4, uint, rt_assign, 0)
RT_SCATTER(assign_8, ulong, rt_assign, 0)
RT_SCATTER(assign_16, rt_item16, rt_assign, 0)

#define RT_SCATTER_OP(name, Op)          \
  RT_SCATTER(name##_uchar, uchar, Op, 1) \
  RT_SCATTER(name##_char, char, Op, 1)   \
  RT_SCATTER(name##_short, short, Op, 1) \
  RT_SCATTER(name##_int, int, Op, 1)     \
  RT_SCATTER(name##_long, long, Op, 1)   \
  RT_SCATTER(name##_float, float, Op, 1)
RT_SCATTER_OP(add, rt_add)
RT_SCATTER_OP(mul, rt_mul)
RT_SCATTER_OP(max, rt_max)
RT_SCATTER_OP(min, rt_min)
RT_SCATTER(add_bool, uchar, rt_or, 1)
RT_SCATTER(mul_bool, uchar, rt_and, 1)
