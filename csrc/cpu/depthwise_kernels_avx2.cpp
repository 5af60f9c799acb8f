#if defined(__x86_64__)
#include "cpu/depthwise_kernels_impl.h"

namespace rt::cpu::detail {
const DepthwiseKernels& depthwise_kernels_avx2() { return kKernels; }
}  // namespace rt::cpu::detail
#endif
