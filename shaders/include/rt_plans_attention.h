// What the host tells the kernels of attention.
#pragma once

#include "rt_plans.h"

RT_PLANS_BEGIN

// How the rows of an operand's matrices lie: steps in elements, of the batch's dims and of a row.
// The elements of a row are side by side, but the mask's.
struct AttentionRows {
  long batch[6];
  long row;
};

// Query heads by blocks of rows; `group` of them share a key head. The batch's dims are innermost
// first, the heads being the first of them.
struct AttentionPlan {
  uint queries, keys, depth, values, heads, group;
  uint causal, mask;  // mask: 0 none, 1 bool, 2 numbers to add
  float scale;
  uint batch_dims;
  uint batch_sizes[6];
  AttentionRows q, k, v, bias, out, slope;  // bias: the mask; slope: the result's gradient
  AttentionRows grad_q, grad_k, grad_v;
  long bias_col;
};

// Of all heads' queries, one after another: where a launch begins and how many it takes.
struct AttentionSpan {
  uint head, query, count;
};

RT_PLANS_END
