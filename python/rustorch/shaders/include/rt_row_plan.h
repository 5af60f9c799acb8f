// What the host tells kernels that work row by row.
#pragma once

#include "rt_plans.h"

RT_PLANS_BEGIN

// Rows of n values; or columns: n values `inner` apart.
struct RowPlan {
  uint rows;  // or columns
  uint n;
  uint inner;   // columns side by side
  uint along;   // threads of a group that share a column
  uint chunks;  // groups that share a row
};

RT_PLANS_END
