// What the host tells the kernels of resampling.
#pragma once

#include "rt_plans.h"

RT_PLANS_BEGIN

// Three axes. A table has, for each, the elements that its outputs read ([taps][size], -1: none),
// then their weights, as the bits of floats.
struct ResamplePlan {
  uint n;  // elements of the result
  uint in[3], out[3], taps[3];
  uint index[3], weight[3];  // places in the table
  uint in_plane, out_plane;
};

// Points of images (batch, channels, plane).
struct PointsPlan {
  uint n;         // threads
  uint channels;  // of which a thread takes `chunk`
  uint chunk, chunks;
  uint points, dims, taps;
  uint sizes[3];  // of the image
  uint plane;
  uint mode, padding, align_corners;
  uint order[3];  // how often the weights are derived along each dim
};

RT_PLANS_END
