// What the host tells scans.
#pragma once

#include "rt_plans.h"

RT_PLANS_BEGIN

// Rows of n values, or columns: n values `inner` apart.
struct ScanPlan {
  uint rows;
  uint n;
  uint inner;
  uint parts;    // of a row, a group for each
  uint chunk;    // values of a part
  uint reverse;  // 1: from the end
};

RT_PLANS_END
