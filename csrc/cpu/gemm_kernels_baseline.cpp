#include "cpu/gemm_kernels_impl.h"

namespace rt::cpu::detail {
const GemmKernels& gemm_kernels_baseline() { return kKernels; }
}  // namespace rt::cpu::detail
