// What the host tells kernels about their operands: the same structs on both sides.
#pragma once

#if defined(__METAL_VERSION__) || defined(RT_SHADER)
#define RT_PLANS_BEGIN
#define RT_PLANS_END
#else
#include <cstdint>
#define RT_PLANS_BEGIN   \
  namespace rt::gpu {    \
  using uint = uint32_t; \
  using ulong = uint64_t;
#define RT_PLANS_END }
#endif

// Elements that a thread moves of contiguous operands, by the bytes of the widest item and of the
// result's: 16 bytes of the widest, or 32 where that leaves at most 16 to write.
#define RT_ELEMENTS_A_THREAD(wide, result) ((2 * (result) <= (wide) ? 32 : 16) / (wide))

RT_PLANS_BEGIN

// Up to six operands of one shape, of which the first is written. Positions are 32-bit (larger work
// is split into several launches), offsets 64-bit.
struct ElementwisePlan {
  uint n;       // elements
  uint ndim;    // dims left after merging, innermost first
  uint single;  // bit i: operand i is one element
  uint number;  // bit i: operand i is the number numbers[i - 1], bound memory is not read
  uint sizes[8];
  long strides[6][8];  // in elements, of each operand
  ulong numbers[5];    // bits of a float for float types; else an integer
};

RT_PLANS_END
