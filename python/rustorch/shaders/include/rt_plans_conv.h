// What the host tells the kernels of convolutions.
#pragma once

#include "rt_plans.h"

RT_PLANS_BEGIN

// A convolution with three spatial dims, the leading ones trivial. Channels are those of one group.
struct ConvPlan {
  uint batch, groups, in_channels, out_channels;
  uint in[3], out[3], kernel_size[3], stride[3], padding[3], dilation[3];
  uint in_plane, out_plane, taps;  // products of the above
  uint m, n, k;                    // of the product that the pass is
  uint splits, k_each;             // partial sums over k (gradients of the weight)
  uint has_bias;
};

RT_PLANS_END
