// What kernels need whose threadgroup works on one thing in device memory, in steps.
#pragma once

#include "rt_rows.h"

// All threads have written what they had to.
inline void rt_device_barrier() { threadgroup_barrier(mem_flags::mem_device); }

// NaN, once met, stays.
struct rt_highest_or_nan {
  static float of(float a, float b) { return b > a || b != b ? b : a; }
  static float start() { return -INFINITY; }
};

// rt_over_row of a whole threadgroup, whose `shared` may be used again.
template <class Op>
inline float rt_over_group(float v, threadgroup float* shared, rt_place p) {
  v = rt_over_row<Op>(v, shared, p);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  return v;
}
