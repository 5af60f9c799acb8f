#include "cpu/depthwise_kernels_impl.h"

namespace rt::cpu::detail {
const DepthwiseKernels& depthwise_kernels_baseline() { return kKernels; }
}  // namespace rt::cpu::detail
