// What the host tells the kernels of ctc_loss.
#pragma once

#include "rt_plans.h"

RT_PLANS_BEGIN

struct CtcPlan {
  uint steps, batch, classes;
  uint longest;  // of the targets
  uint width;    // 2 * longest + 1 states
  uint blank;
};

RT_PLANS_END
