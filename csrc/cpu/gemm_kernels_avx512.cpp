#if defined(__x86_64__)
#include "cpu/gemm_kernels_impl.h"

namespace rt::cpu::detail {
const GemmKernels& gemm_kernels_avx512() { return kKernels; }
}  // namespace rt::cpu::detail
#endif
