// What the host tells the kernels of attention.
#pragma once

#include "rt_plans.h"

RT_PLANS_BEGIN

// Query heads by blocks of rows; `group` of them share a key head. Steps are in elements; the
// batch's dims are innermost first, the heads being the first of them.
struct AttentionPlan {
  uint queries, keys, depth, values, heads, group;
  uint causal, mask;  // mask: 0 none, 1 bool, 2 numbers to add
  float scale;
  uint batch_dims;
  uint batch_sizes[6];
  long q_batch[6], k_batch[6], v_batch[6], mask_batch[6];
  long q_row, k_row, v_row, mask_row, mask_col;
};

RT_PLANS_END
