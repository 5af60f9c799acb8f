// The windows of pooling, as the kernels read them.
#pragma once

#include "ops/pool.h"
#include "rt_plans_pool.h"

namespace rt::gpu {

struct PoolTable {
  PoolPlan plan{};
  Tensor table;  // int32, on the device
};

// For windows over places of the given sizes (three of them). Tables of the last few geometries are
// kept, for writing one waits for the device.
PoolTable pool_table(const PoolWindows& w, IntList in, Device device);

}  // namespace rt::gpu
