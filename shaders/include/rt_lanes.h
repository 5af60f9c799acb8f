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
