// Values as unsigned integers whose order is the values' order: NaN last, the two zeros equal.
#pragma once

#include "rt_kernel.h"
//
#include "rt_sort_plans.h"

// Elements that a group sorts in its memory, two a thread.
#define RT_SORT_BLOCK 1024

inline uint rt_float_key(uint bits, uint sign, uint infinity) {
  const uint magnitude = bits & (sign - 1);
  if (magnitude > infinity) return 2 * sign - 1;  // NaN
  if (magnitude == 0) return sign;
  return bits & sign ? 2 * sign - 1 - bits : bits | sign;
}
inline uint rt_key_of(uchar x) { return x; }
inline uint rt_key_of(char x) { return uint(int(x) + 128); }
inline uint rt_key_of(short x) { return uint(int(x) + 32768); }
inline uint rt_key_of(int x) { return uint(x) ^ 0x80000000u; }
inline ulong rt_key_of(long x) { return ulong(x) ^ 0x8000000000000000ul; }
inline uint rt_key_of(half x) { return rt_float_key(as_type<ushort>(x), 0x8000u, 0x7c00u); }
inline uint rt_key_of(bfloat x) { return rt_float_key(as_type<ushort>(x), 0x8000u, 0x7f80u); }
inline uint rt_key_of(float x) { return rt_float_key(as_type<uint>(x), 0x80000000u, 0x7f800000u); }

// How many elements run r of a line has stored.
inline uint rt_run_length(constant SortPlan& plan, uint r) {
  const uint begin = r * plan.width;
  const uint left = begin < plan.n ? plan.n - begin : 0;
  return min(plan.kept, min(plan.width, left));
}
