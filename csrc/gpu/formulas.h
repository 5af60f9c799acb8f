// The elementwise formulas and reductions that shaders have.
#pragma once

#include "gpu/compute_device.h"

namespace rt::gpu {

// Enters into every elementwise slot the types that `device` has kernels for.
void register_formulas(DeviceType type, ComputeDevice& device);
// The same of reductions.
void register_reductions(DeviceType type, ComputeDevice& device);

}  // namespace rt::gpu
