// NVIDIA GPUs as compute devices.
#pragma once

#include <memory>

#include "gpu/compute_device.h"
#include "gpu/cuda/compiler.h"

namespace rt::gpu::cuda {

// Its context is made when it is first used. The tables outlive it; `folder` is that of the
// shaders.
std::unique_ptr<ComputeDevice> make_device(const Driver& driver, const Compiler& compiler,
                                           int index, const std::string& folder);

}  // namespace rt::gpu::cuda
