// What the host tells the kernels of optimizers: each launch has several parameters, whose chunks
// follow one another in the grid.
#pragma once

#include "rt_formulas_optim.h"
//
#include "rt_plans.h"

RT_PLANS_BEGIN

#define RT_SGD_ENTRIES 3
struct SgdPlan {
  uint n[RT_SGD_ENTRIES];           // elements of each parameter
  uint last_group[RT_SGD_ENTRIES];  // the group after its last one
  rt_formulas::SgdNumbers<float> numbers[RT_SGD_ENTRIES];
};

#define RT_ADAM_ENTRIES 2
struct AdamPlan {
  uint n[RT_ADAM_ENTRIES];
  uint last_group[RT_ADAM_ENTRIES];
  rt_formulas::AdamNumbers<float> numbers[RT_ADAM_ENTRIES];
};

#define RT_RULE_ENTRIES 2
struct RulePlan {
  uint n[RT_RULE_ENTRIES];
  uint last_group[RT_RULE_ENTRIES];
  float numbers[RT_RULE_ENTRIES][rt_formulas::RT_RULE_NUMBERS];
};

RT_PLANS_END
