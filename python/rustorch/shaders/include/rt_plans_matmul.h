// What the host tells the kernels of matrix products.
#pragma once

#include "rt_plans.h"

RT_PLANS_BEGIN

// C = alpha * A B + beta * C for a batch of matrices in any strides (in elements). One launch makes
// `splits` partial sums over k, of k_each each; where that is more than one, they go to a buffer of
// their own, and another kernel adds them up.
struct MatmulPlan {
  uint m, n, k;
  uint splits, k_each;
  uint batch, batch_dims;
  uint batch_sizes[4];  // innermost first
  long a_batch[4], b_batch[4], c_batch[4];
  long a_row, a_col, b_row, b_col, c_row, c_col;
  float alpha, beta;
  long whole_alpha, whole_beta;  // of products of integers
};

RT_PLANS_END
