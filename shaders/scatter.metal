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

// The place after the last one, below end, that has the key of `at`.
inline uint rt_run_end(device const ulong* keys, uint at, uint end) {
  const ulong key = keys[at];
  uint low = at + 1;
  while (low < end) {
    const uint middle = low + (end - low) / 2;
    if (keys[middle] == key) {
      low = middle + 1;
    } else {
      end = middle;
    }
  }
  return low;
}

// The elements at sorted places [begin, end) in order, onto `start` if it counts.
template <class T, class Op, int Reads>
inline T rt_combine(T start, bool counts, uint begin, uint end, long from, device const T* values,
                    device const uint* places, constant ScatterRunsPlan& plan) {
  for (uint k = Reads ? begin : end - 1; k < end; k++) {
    long at = from;
    uint left = places[k];
    for (uint d = 0; d < plan.serial_dims; d++) {
      const uint next = left / plan.serial_sizes[d];
      at += long(left - next * plan.serial_sizes[d]) * plan.serial_value_strides[d];
      left = next;
    }
    const T v = values[at];
    if (counts) {
      start = Op::of(start, v);
    } else {
      start = v;
    }
    counts = Reads;
  }
  return start;
}

struct rt_line_start {
  long target, values;
};
inline rt_line_start rt_line_at(constant ScatterRunsPlan& plan, uint line) {
  rt_line_start s = {0, 0};
  for (uint d = 0; d < plan.line_dims; d++) {
    const uint next = line / plan.line_sizes[d];
    const long along = long(line - next * plan.line_sizes[d]);
    s.target += along * plan.line_target_strides[d];
    s.values += along * plan.line_value_strides[d];
    line = next;
  }
  return s;
}

// partials[c] = the part of a run that began before chunk c and goes on in it.
template <class T, class Op>
kernel void rt_scatter_partials(device T* partials [[buffer(0)]],
                                device const T* values [[buffer(1)]],
                                device const ulong* keys [[buffer(2)]],
                                device const uint* places [[buffer(3)]],
                                constant ScatterRunsPlan& plan [[buffer(4)]],
                                uint i [[thread_position_in_grid]]) {
  const uint chunk = i / plan.rest.n;
  const uint at = chunk * plan.chunk;
  if (at >= plan.count) return;
  const uint line = at / plan.serial, begin = line * plan.serial;
  if (at == begin || keys[at - 1] != keys[at]) return;
  const uint end = rt_run_end(keys, at, min(at + plan.chunk, begin + plan.serial));
  const long from =
      rt_walk<2>(plan.rest, i - chunk * plan.rest.n).at[1] + rt_line_at(plan, line).values;
  partials[i] = rt_combine<T, Op, 1>(T(0), false, at, end, from, values, places, plan);
}

// Each run of equal indices is taken by the thread at its start.
template <class T, class Op, int Reads>
kernel void rt_scatter_runs(device T* target [[buffer(0)]], device const T* values [[buffer(1)]],
                            device const ulong* keys [[buffer(2)]],
                            device const uint* places [[buffer(3)]],
                            device const T* partials [[buffer(4)]],
                            constant ScatterRunsPlan& plan [[buffer(5)]],
                            uint i [[thread_position_in_grid]]) {
  const uint part = i / plan.rest.n;
  if (part >= plan.count) return;
  const uint at = plan.first + part, line = at / plan.serial, begin = line * plan.serial;
  if (at > begin && keys[at - 1] == keys[at]) return;
  const uint rest = i - part * plan.rest.n;
  const rt_places<2> p = rt_walk<2>(plan.rest, rest);
  const rt_line_start line_at = rt_line_at(plan, line);
  // Keys are the indices with the sign turned around.
  const long to = p.at[0] + line_at.target + plan.step * long(keys[at] ^ 0x8000000000000000ul);
  const uint end = rt_run_end(keys, at, begin + plan.serial);
  uint chunk = plan.chunk > 0 ? at / plan.chunk + 1 : 0;
  const uint first_end = plan.chunk > 0 ? min(end, chunk * plan.chunk) : end;
  T sum = {};
  if (Reads) sum = target[to];
  sum = rt_combine<T, Op, Reads>(sum, Reads, at, first_end, p.at[1] + line_at.values, values,
                                 places, plan);
  if (Reads && plan.chunk > 0) {
    for (; chunk * plan.chunk < end; chunk++) {
      sum = Op::of(sum, partials[chunk * plan.rest.n + rest]);
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

#define RT_SCATTER_OF(name, T, Op) \
  RT_SCATTER(name, T, Op, 1)       \
  RT_EXPORT_AS(scatter_partials_##name, rt_scatter_partials<T, Op>)
#define RT_SCATTER_OP(name, Op)          \
  RT_SCATTER_OF(name##_uchar, uchar, Op) \
  RT_SCATTER_OF(name##_char, char, Op)   \
  RT_SCATTER_OF(name##_short, short, Op) \
  RT_SCATTER_OF(name##_int, int, Op)     \
  RT_SCATTER_OF(name##_long, long, Op)   \
  RT_SCATTER_OF(name##_float, float, Op)
RT_SCATTER_OP(add, rt_scatter_add)
RT_SCATTER_OP(mul, rt_mul)
RT_SCATTER_OP(max, rt_max)
RT_SCATTER_OP(min, rt_min)
RT_SCATTER_OF(add_bool, uchar, rt_or)
RT_SCATTER_OF(mul_bool, uchar, rt_and)
