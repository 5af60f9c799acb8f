// Tables of numbers that the host works out for kernels.
#pragma once

#include <vector>

#include "core/tensor.h"

namespace rt::gpu {

// The numbers as int32 on the device. The last few tables are kept, for writing one waits for the
// device.
Tensor kept_numbers(std::vector<int32_t> numbers, Device device);

}  // namespace rt::gpu
