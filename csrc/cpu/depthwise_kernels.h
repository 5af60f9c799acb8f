// Vector kernels for convolutions with one input channel a group. Compiled once per instruction
// set (depthwise_kernels_*.cpp) and chosen at run time.
#pragma once

#include <cstdint>

namespace rt::cpu::detail {

// Kernels work in steps of this many values: `in` and `out` must have room for n rounded up.
inline constexpr int64_t kDepthwiseStep = 64;

template <class T, class Mask>
struct DepthwiseKernelsOf {
  // out[i] = sum_t weight[t] * in[offset[t] + i] for i < n.
  void (*correlate)(int64_t n, int64_t taps, const int64_t* offset, const T* weight, const T* in,
                    T* out);
  // sums[t] += sum_{i < n} grad[i] * in[offset[t] + i] over the i whose mask has all bits set; the
  // other masks are 0, and what `in` holds there, NaN or infinity too, does not count.
  void (*sums)(int64_t n, int64_t taps, const int64_t* offset, const T* grad, const Mask* mask,
               const T* in, T* sums);
};

struct DepthwiseKernels {
  DepthwiseKernelsOf<float, uint32_t> f32;
  DepthwiseKernelsOf<double, uint64_t> f64;
};

const DepthwiseKernels& depthwise_kernels_baseline();
#if defined(__x86_64__)
const DepthwiseKernels& depthwise_kernels_avx2();
const DepthwiseKernels& depthwise_kernels_avx512();
#endif

}  // namespace rt::cpu::detail
