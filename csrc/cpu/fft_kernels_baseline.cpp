#include "cpu/fft_kernels_impl.h"

namespace rt::cpu::detail {
const FftKernelTable& fft_kernels_baseline() { return kKernels; }
}  // namespace rt::cpu::detail
