// Moving 16 bytes at a time, and values between the lanes of a simdgroup, for types of any width.
#pragma once

#include "rt_kernel.h"

// What a thread moves at once.
template <class T>
struct alignas(16) rt_pack16 {
  static constexpr constant int size = 16 / sizeof(T);
  T v[16 / sizeof(T)];
};

// The value of the lane whose number differs by `mask`. Metal's shuffles have no 64-bit types.
inline float rt_lane_xor(float v, ushort mask) { return simd_shuffle_xor(v, mask); }
inline int rt_lane_xor(int v, ushort mask) { return simd_shuffle_xor(v, mask); }
inline uint rt_lane_xor(uint v, ushort mask) { return simd_shuffle_xor(v, mask); }
inline long rt_lane_xor(long v, ushort mask) {
  const uint low = simd_shuffle_xor(uint(ulong(v)), mask);
  const uint high = simd_shuffle_xor(uint(ulong(v) >> 32), mask);
  return long(ulong(high) << 32 | ulong(low));
}

// The value of the lane `delta` below; a lane that has none below keeps its own.
inline float rt_lane_up(float v, ushort delta) { return simd_shuffle_up(v, delta); }
inline int rt_lane_up(int v, ushort delta) { return simd_shuffle_up(v, delta); }
inline uint rt_lane_up(uint v, ushort delta) { return simd_shuffle_up(v, delta); }
inline long rt_lane_up(long v, ushort delta) {
  const uint low = simd_shuffle_up(uint(ulong(v)), delta);
  const uint high = simd_shuffle_up(uint(ulong(v) >> 32), delta);
  return long(ulong(high) << 32 | ulong(low));
}

// The last lane's value.
inline float rt_last_lane(float v) { return simd_broadcast(v, 31); }
inline uint rt_last_lane(uint v) { return simd_broadcast(v, 31); }
inline long rt_last_lane(long v) {
  const uint low = simd_broadcast(uint(ulong(v)), 31);
  const uint high = simd_broadcast(uint(ulong(v) >> 32), 31);
  return long(ulong(high) << 32 | ulong(low));
}
