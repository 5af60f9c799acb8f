// The bodies of depthwise_kernels.h, included by one file per instruction set. Everything here has
// internal linkage and calls inline functions of no other header but vector_types.h: the linker
// would otherwise be free to use a copy compiled for AVX-512 everywhere.
#pragma once

#include "cpu/depthwise_kernels.h"
#include "cpu/vector_types.h"

namespace rt::cpu::detail {
namespace {

template <class T>
void correlate(int64_t n, int64_t taps, const int64_t* offset, const T* weight, const T* in,
               T* out) {
  constexpr int V = 4;
  constexpr int64_t step = V * kLanes<T>;
  static_assert(step <= kDepthwiseStep);
  for (int64_t i = 0; i < n; i += step) {
    Vec<T> sum[V] = {};
    for (int64_t t = 0; t < taps; ++t) {
      const T* p = in + offset[t] + i;
      for (int v = 0; v < V; ++v) sum[v] += load(p + v * kLanes<T>) * weight[t];
    }
    __builtin_memcpy(out + i, sum, sizeof sum);
  }
}

template <int K, class T, class Mask>
inline void sums_of(int64_t n, const int64_t* offset, const T* grad, const Mask* mask, const T* in,
                    T* sums) {
  constexpr int L = kLanes<T>;
  Vec<T> sum[K] = {};
  for (int64_t i = 0; i < n; i += L) {
    const Vec<T> g = load(grad + i);
    const Vec<Mask> m = load(mask + i);
    for (int t = 0; t < K; ++t) {
      const Vec<Mask> bits = __builtin_bit_cast(Vec<Mask>, load(in + offset[t] + i)) & m;
      sum[t] += g * __builtin_bit_cast(Vec<T>, bits);
    }
  }
  for (int t = 0; t < K; ++t) {
    T s = 0;
    for (int l = 0; l < L; ++l) s += sum[t][l];
    sums[t] += s;
  }
}

template <class T, class Mask>
void sums(int64_t n, int64_t taps, const int64_t* offset, const T* grad, const Mask* mask,
          const T* in, T* sums) {
  int64_t t = 0;
  for (; t + 8 <= taps; t += 8) sums_of<8>(n, offset + t, grad, mask, in, sums + t);
  for (; t + 3 <= taps; t += 3) sums_of<3>(n, offset + t, grad, mask, in, sums + t);
  for (; t < taps; ++t) sums_of<1>(n, offset + t, grad, mask, in, sums + t);
}

constexpr DepthwiseKernels kKernels{{correlate<float>, sums<float, uint32_t>},
                                    {correlate<double>, sums<double, uint64_t>}};

}  // namespace
}  // namespace rt::cpu::detail
