// Numbers from one type to another, as the CPU engine converts them.
#pragma once

#include "rt_kernel.h"

// A float out of an integer's range becomes the smallest 64-bit integer, then wraps, as on x86.
template <class R>
struct rt_store {
  static R of(long x) { return R(x); }
  static R of(float x) {
    const bool fits = x >= -9223372036854775808.0f && x < 9223372036854775808.0f;
    return R(fits ? long(x) : (-9223372036854775807L - 1));
  }
};
template <>
struct rt_store<float> {
  static float of(long x) { return float(x); }
  static float of(float x) { return x; }
};
template <>
struct rt_store<bool> {
  static bool of(long x) { return x != 0; }
  static bool of(float x) { return x != 0.0f; }
};
