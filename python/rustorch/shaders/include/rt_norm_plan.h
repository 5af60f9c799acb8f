// What the host tells kernels of normalization.
#pragma once

#include "rt_plans.h"

RT_PLANS_BEGIN

#define RT_NORM_WEIGHT 1u
#define RT_NORM_BIAS 2u
#define RT_NORM_GRAD_X 4u

// Rows of n values. A row has the numbers of its values, or of `width` channels of `inner` values
// each, of which there are `groups` rows' worth.
struct NormPlan {
  uint rows, n;
  uint groups, width, inner;
  uint parts;  // that the rows are cut into, where columns are summed
  uint chunk;  // rows of a part
  uint given;  // which of the above there are
  float eps;
};

RT_PLANS_END
