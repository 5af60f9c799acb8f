// What the host tells reductions.
#pragma once

#include "rt_plans.h"

RT_PLANS_BEGIN

// Types of results, in the order of the host's dtypes.
#define RT_TYPE_BOOL 0u
#define RT_TYPE_UCHAR 1u
#define RT_TYPE_CHAR 2u
#define RT_TYPE_SHORT 3u
#define RT_TYPE_INT 4u
#define RT_TYPE_LONG 5u
#define RT_TYPE_HALF 6u
#define RT_TYPE_BFLOAT 7u
#define RT_TYPE_FLOAT 8u
#define RT_TYPE_NONE 255u

// A result is made of `total` values at the positions of the reduced dims; results are numbered by
// the kept dims. Dims are innermost first, steps in elements.
struct ReducePlan {
  ulong total;
  uint results;  // of this launch
  uint chunk;    // values of one part of a range
  uint parts;    // more than one: states go to memory, to be merged by the next launch
  uint along;    // threads of a group that share a result
  uint kept_dims, reduced_dims;
  uint type, second_type;  // of what is written
  uint root;               // 1: the square root of the result is wanted
  float parameter;         // what a sum is divided by, or a variance's degrees of freedom
  uint kept_sizes[8], reduced_sizes[8];
  long kept_steps[8], kept_out[8], reduced_steps[8];
};

RT_PLANS_END
