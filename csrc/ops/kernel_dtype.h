#pragma once

#include "core/device.h"
#include "core/dtype.h"

namespace rt {

// The type in which kernels of rows are given values of type t: 16-bit floats as they are on a GPU,
// where kernels compute in float32 as they load and store; in float32 on the CPU.
inline DType kernel_dtype(DType t, Device device) { return device.is_cpu() ? compute_type(t) : t; }

}  // namespace rt
