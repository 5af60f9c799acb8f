// Kernels that are wrong on purpose; the executor must say so.
#include "rt_kernel.h"

kernel void bad_return_before_barrier(device float* out [[buffer(0)]], constant uint& n [[buffer(1)]],
                                      uint gid [[thread_position_in_grid]]) {
  if (gid >= n) return;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  out[gid] = 1.0f;
}
RT_EXPORT(bad_return_before_barrier)

kernel void bad_divergent_simd(device float* out [[buffer(0)]], uint gid [[thread_position_in_grid]],
                               uint lane [[thread_index_in_simdgroup]]) {
  float v = 1.0f;
  if (lane < 16) v = simd_sum(v);
  out[gid] = v;
}
RT_EXPORT(bad_divergent_simd)

// Neighbours exchange values without a barrier between.
kernel void bad_missing_barrier(device const float* x [[buffer(0)]], device float* out [[buffer(1)]],
                                uint tid [[thread_position_in_threadgroup]],
                                uint width [[threads_per_threadgroup]]) {
  rt_shared float t[1024];
  t[tid] = x[tid];
  out[tid] = t[(tid + 1) % width];
}
RT_EXPORT(bad_missing_barrier)

// As above, but the read comes after the write when lanes run in order.
kernel void bad_lucky_order(device const float* x [[buffer(0)]], device float* out [[buffer(1)]],
                            uint tid [[thread_position_in_threadgroup]]) {
  rt_shared float t[1024];
  t[tid] = x[tid];
  out[tid] = t[tid == 0 ? 0 : tid - 1];
}
RT_EXPORT(bad_lucky_order)

// The barrier orders nothing: mem_none.
kernel void bad_mem_none(device const float* x [[buffer(0)]], device float* out [[buffer(1)]],
                         uint tid [[thread_position_in_threadgroup]],
                         uint width [[threads_per_threadgroup]]) {
  rt_shared float t[1024];
  t[tid] = x[tid];
  threadgroup_barrier(mem_flags::mem_none);
  out[tid] = t[(tid + 1) % width];
}
RT_EXPORT(bad_mem_none)

// Threadgroups write the same element without atomics.
kernel void bad_group_race(device float* out [[buffer(0)]], uint tid [[thread_position_in_threadgroup]]) {
  if (tid == 0) out[0] = out[0] + 1.0f;
}
RT_EXPORT(bad_group_race)

kernel void bad_past_end(device float* out [[buffer(0)]], uint gid [[thread_position_in_grid]]) {
  out[gid] = 1.0f;
}
RT_EXPORT(bad_past_end)

kernel void bad_tg_index(device float* out [[buffer(0)]], uint tid [[thread_position_in_threadgroup]]) {
  rt_shared float t[64];
  t[tid + 1] = 1.0f;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  out[tid] = t[tid];
}
RT_EXPORT(bad_tg_index)

// 40 KB of threadgroup memory; GPUs have 32.
kernel void bad_too_much_memory(device float* out [[buffer(0)]], uint tid [[thread_position_in_threadgroup]]) {
  rt_shared float t[10240];
  t[tid] = 1.0f;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  out[tid] = t[tid];
}
RT_EXPORT(bad_too_much_memory)

// Writes to a buffer that is bound for reading.
kernel void bad_write_to_input(device const float* x [[buffer(0)]], device float* out [[buffer(1)]],
                               uint tid [[thread_position_in_threadgroup]]) {
  ((device float*)x)[tid] = 1.0f;
  out[tid] = x[tid];
}
RT_EXPORT(bad_write_to_input)

// Reads its output before anybody has written it.
kernel void bad_read_of_nothing(device float* out [[buffer(0)]], uint tid [[thread_position_in_threadgroup]]) {
  out[tid] = out[tid] + 1.0f;
}
RT_EXPORT(bad_read_of_nothing)

// An atomic sum, read by another thread as if it were an ordinary number.
kernel void bad_half_atomic(device atomic_uint* total [[buffer(0)]], device uint* out [[buffer(1)]],
                            uint tid [[thread_position_in_threadgroup]]) {
  atomic_fetch_add_explicit(total, 1u, memory_order_relaxed);
  out[tid] = *(device uint*)total;
}
RT_EXPORT(bad_half_atomic)

// A simdgroup barrier orders nothing between simdgroups.
kernel void bad_simdgroup_barrier(device const float* x [[buffer(0)]], device float* out [[buffer(1)]],
                                  uint tid [[thread_position_in_threadgroup]],
                                  uint width [[threads_per_threadgroup]]) {
  rt_shared float t[1024];
  t[tid] = x[tid];
  simdgroup_barrier(mem_flags::mem_threadgroup);
  out[tid] = t[(tid + 32) % width];
}
RT_EXPORT(bad_simdgroup_barrier)

// The right barrier for what is exchanged inside of one simdgroup.
kernel void good_simdgroup_barrier(device const float* x [[buffer(0)]], device float* out [[buffer(1)]],
                                   uint tid [[thread_position_in_threadgroup]]) {
  rt_shared float t[1024];
  t[tid] = x[tid];
  simdgroup_barrier(mem_flags::mem_threadgroup);
  out[tid] = t[tid ^ 1];
}
RT_EXPORT(good_simdgroup_barrier)

// Four floats from an address that only suits one.
kernel void bad_alignment(device const float* x [[buffer(0)]], device float* out [[buffer(1)]],
                          uint tid [[thread_position_in_threadgroup]]) {
  out[tid] = (*(device const ulong*)(x + 1) != 0) ? 1.0f : 0.0f;
}
RT_EXPORT(bad_alignment)
