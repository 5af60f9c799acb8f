// Convolutions as the library of a device's maker takes them.
#pragma once

#include <optional>

#include "core/tensor.h"
#include "gpu/dense_library.h"
#include "rt_plans_conv.h"

namespace rt::gpu {

// Without alignments; none for what no library is asked: integers, what it would take as something
// else. Leading dims of one are dropped as long as two are left.
std::optional<ConvKey> conv_key(const ConvPlan& plan, ConvPass pass, DType type);

// One of x, w and y from the two others, all contiguous. False if the library of the device does
// not take it, or the device has none: nothing was queued then.
bool convolve_by_library(ComputeDevice& device, const ConvPlan& plan, ConvPass pass,
                         const Tensor& x, const Tensor& w, const Tensor& y);

}  // namespace rt::gpu
