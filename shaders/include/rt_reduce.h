// Reductions of any dims of any layout. A group of threads is `along` threads for each of several
// results: neighbours in a row where values along the range are neighbours in memory, neighbours in
// a column where results are. Where results are few, a range is cut into parts, whose states a
// second kernel merges.
#pragma once

#include "rt_reduce_ops.h"

// Whether neighbouring threads belong to neighbouring results.
RT_FUNCTION_CONSTANT(bool, rt_by_columns, 0)
// Whether 16 bytes along the range lie together, and aligned.
RT_FUNCTION_CONSTANT(bool, rt_packed, 1)

inline void rt_put(device uchar* out, long at, uint type, float v) {
  if (type == RT_TYPE_FLOAT) ((device float*)out)[at] = v;
  if (type == RT_TYPE_HALF) ((device half*)out)[at] = half(v);
  if (type == RT_TYPE_BFLOAT) ((device bfloat*)out)[at] = bfloat(v);
}
inline void rt_put(device uchar* out, long at, uint type, long v) {
  if (type == RT_TYPE_BOOL) out[at] = uchar(v != 0);
  if (type == RT_TYPE_UCHAR || type == RT_TYPE_CHAR) out[at] = uchar(v);
  if (type == RT_TYPE_SHORT) ((device short*)out)[at] = short(v);
  if (type == RT_TYPE_INT) ((device int*)out)[at] = int(v);
  if (type == RT_TYPE_LONG) ((device long*)out)[at] = v;
}
inline void rt_put(device uchar* out, long at, uint type, int v) { rt_put(out, at, type, long(v)); }

// A stored value as the reduction computes it; Truth: whether it is not zero.
template <class T, class C, bool Truth>
inline C rt_taken(T v) {
  return Truth ? C(v != T(0)) : C(v);
}

template <class Op>
inline void rt_merge_lanes(thread typename Op::State& s, uint lanes) {
  for (uint mask = lanes / 2; mask > 0; mask /= 2) Op::merge(s, Op::other(s, ushort(mask)));
}

// Where a result's part of something with the given steps along the kept dims begins.
inline long rt_of_result(uint result, constant long* steps, constant ReducePlan& plan) {
  uint left = result;
  long at = 0;
  for (uint d = 0; d + 1 < plan.kept_dims; d++) {
    const uint next = left / plan.kept_sizes[d];
    at += long(left - next * plan.kept_sizes[d]) * steps[d];
    left = next;
  }
  return plan.kept_dims > 0 ? at + long(left) * steps[plan.kept_dims - 1] : at;
}

template <class Op>
inline void rt_finish(device uchar* out, device uchar* second, typename Op::State s, uint result,
                      constant ReducePlan& plan) {
  const long at = rt_of_result(result, plan.kept_out, plan);
  rt_put(out, at, plan.type, Op::result(s, plan));
  rt_put(second, at, plan.second_type, Op::second(s, plan));
}

// Where the value at a position of the range lies.
inline long rt_along(ulong position, constant ReducePlan& plan) {
  if (plan.reduced_dims <= 1) return long(position) * plan.reduced_steps[0];
  uint left = uint(position);
  long at = 0;
  for (uint d = 0; d + 1 < plan.reduced_dims; d++) {
    const uint next = left / plan.reduced_sizes[d];
    at += long(left - next * plan.reduced_sizes[d]) * plan.reduced_steps[d];
    left = next;
  }
  return at + long(left) * plan.reduced_steps[plan.reduced_dims - 1];
}

// Takes in what a thread has to: every `along`-th value (or pack) of the n from `begin` on.
template <class Op, class T, bool Truth>
inline void rt_take(thread typename Op::State& s, device const T* x, ulong begin, uint n, uint lane,
                    constant ReducePlan& plan) {
  typedef typename Op::C C;
  if (rt_packed) {
    constexpr int N = 16 / sizeof(T);
    constexpr int several = 4;  // loads under way at once
    const uint stride = plan.along * N;
    uint i = lane * N;
    for (; i + (several - 1) * stride + N <= n; i += several * stride) {
      rt_pack16<T> p[several];
      for (int k = 0; k < several; k++) {
        p[k] = *(device const rt_pack16<T>*)(x + rt_along(begin + i + k * stride, plan));
      }
      for (int k = 0; k < several; k++) {
        C v[N];
        for (int j = 0; j < N; j++) v[j] = rt_taken<T, C, Truth>(p[k].v[j]);
        Op::template add<N>(s, v, long(begin + i + k * stride), 1);
      }
    }
    for (; i + N <= n; i += stride) {
      const rt_pack16<T> p = *(device const rt_pack16<T>*)(x + rt_along(begin + i, plan));
      C v[N];
      for (int j = 0; j < N; j++) v[j] = rt_taken<T, C, Truth>(p.v[j]);
      Op::template add<N>(s, v, long(begin + i), 1);
    }
    for (; i < n; i++) {
      const C v = rt_taken<T, C, Truth>(x[rt_along(begin + i, plan)]);
      Op::template add<1>(s, &v, long(begin + i), 1);
    }
    return;
  }
  constexpr int several = 4;
  const uint stride = plan.along;
  uint i = lane;
  for (; i + (several - 1) * stride < n; i += several * stride) {
    C v[several];
    for (int k = 0; k < several; k++) {
      v[k] = rt_taken<T, C, Truth>(x[rt_along(begin + i + k * stride, plan)]);
    }
    Op::template add<several>(s, v, long(begin + i), stride);
  }
  for (; i < n; i += stride) {
    const C v = rt_taken<T, C, Truth>(x[rt_along(begin + i, plan)]);
    Op::template add<1>(s, &v, long(begin + i), 1);
  }
}

// 256 threads a group; group.y is the part.
template <class Op, class T, bool Truth>
kernel void rt_reduce(device uchar* out [[buffer(0)]], device uchar* second [[buffer(1)]],
                      device typename Op::State* states [[buffer(2)]],
                      device const T* x [[buffer(3)]], constant ReducePlan& plan [[buffer(4)]],
                      uint3 group [[threadgroup_position_in_grid]],
                      uint thread_index [[thread_index_in_threadgroup]],
                      uint lane [[thread_index_in_simdgroup]],
                      uint simdgroup [[simdgroup_index_in_threadgroup]]) {
  typedef typename Op::State State;
  rt_shared State shared[256];
  const uint along = plan.along, across = 256 / along;
  const uint column = rt_by_columns ? thread_index % across : thread_index / along;
  const uint row = rt_by_columns ? thread_index / across : thread_index % along;
  const uint result = group.x * across + column;
  const ulong begin = ulong(group.y) * plan.chunk;
  State s = Op::start();
  if (result < plan.results && begin < plan.total) {
    const long at = rt_of_result(result, plan.kept_steps, plan);
    const ulong rest = plan.total - begin;
    rt_take<Op, T, Truth>(s, x + at, begin, rest < plan.chunk ? uint(rest) : plan.chunk, row, plan);
  }
  if (rt_by_columns) {
    if (along > 1) {
      shared[thread_index] = s;
      threadgroup_barrier(mem_flags::mem_threadgroup);
      for (uint half_way = along / 2; half_way > 0; half_way /= 2) {
        if (row < half_way) {
          Op::merge(s, shared[thread_index + half_way * across]);
          shared[thread_index] = s;
        }
        threadgroup_barrier(mem_flags::mem_threadgroup);
      }
    }
  } else {
    rt_merge_lanes<Op>(s, along < 32 ? along : 32);
    if (along > 32) {  // the whole group
      if (lane == 0) shared[simdgroup] = s;
      threadgroup_barrier(mem_flags::mem_threadgroup);
      s = Op::start();
      if (lane < 8) s = shared[lane];
      rt_merge_lanes<Op>(s, 8);
    }
  }
  if (row != 0 || result >= plan.results) return;
  if (plan.parts > 1) {
    states[ulong(result) * plan.parts + group.y] = s;
  } else {
    rt_finish<Op>(out, second, s, result, plan);
  }
}

// A simdgroup a result.
template <class Op>
kernel void rt_reduce_parts(device uchar* out [[buffer(0)]], device uchar* second [[buffer(1)]],
                            device const typename Op::State* states [[buffer(2)]],
                            constant ReducePlan& plan [[buffer(3)]],
                            uint thread_index [[thread_position_in_grid]],
                            uint lane [[thread_index_in_simdgroup]]) {
  const uint result = thread_index / 32;
  typename Op::State s = Op::start();
  if (result < plan.results) {
    constexpr uint several = 8;  // loads under way at once
    for (uint p = lane; p < plan.parts; p += 32 * several) {
      typename Op::State part[several];
      for (uint k = 0; k < several; k++) {
        part[k] = Op::start();
        if (p + 32 * k < plan.parts) part[k] = states[ulong(result) * plan.parts + p + 32 * k];
      }
      for (uint k = 0; k < several; k++) Op::merge(s, part[k]);
    }
  }
  rt_merge_lanes<Op>(s, 32);
  if (lane == 0 && result < plan.results) rt_finish<Op>(out, second, s, result, plan);
}
