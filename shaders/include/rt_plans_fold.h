// What the host tells the kernels of fold and unfold.
#pragma once

#include "rt_plans.h"

RT_PLANS_BEGIN

// Windows over (height, width) planes; two of each.
struct FoldPlan {
  uint n;  // elements of the result
  uint size[2], kernel_size[2], dilation[2], padding[2], stride[2], windows[2];
};

RT_PLANS_END
