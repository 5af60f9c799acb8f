// What the host tells the kernels of pooling.
#pragma once

#include "rt_plans.h"

RT_PLANS_BEGIN

// Three axes. A table has, for each, where its windows begin and end, then for each place of the
// input the first window that covers it and the one after the last.
struct PoolPlan {
  uint n;  // elements of the result
  uint in[3], count[3], step[3];
  uint start[3], end[3], first[3], last[3];  // places in the table
  uint in_plane, out_plane;                  // products of the above
};

RT_PLANS_END
