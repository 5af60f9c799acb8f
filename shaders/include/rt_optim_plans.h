// What the host tells the kernels of optimizers: each launch has several parameters, whose chunks
// follow one another in the grid.
#pragma once

#include "rt_formulas_optim.h"
//
#include "rt_plans.h"

RT_PLANS_BEGIN

// Parameters of a launch, each of so many tensors: as many as 31 buffers hold beside the plan.
#define RT_STEP_ENTRIES(tensors) (30 / (tensors))

template <class Numbers, int Entries>
struct StepPlan {
  uint n[Entries];           // elements of each parameter
  uint last_group[Entries];  // the group after its last one
  Numbers numbers[Entries];
};

struct RuleNumbers {
  float n[rt_formulas::RT_RULE_NUMBERS];
};

RT_PLANS_END
