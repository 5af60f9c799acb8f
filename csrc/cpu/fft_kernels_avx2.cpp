#if defined(__x86_64__)
#include "cpu/fft_kernels_impl.h"

namespace rt::cpu::detail {
const FftKernelTable& fft_kernels_avx2() { return kKernels; }
}  // namespace rt::cpu::detail
#endif
