// What the host tells the kernel that counts in bins.
#pragma once

#include "rt_plans.h"

RT_PLANS_BEGIN

struct HistogramPlan {
  uint n, bins;
  float low, high;
};

RT_PLANS_END
