// One step of a Fourier transform on several lines at once. Compiled once per instruction set
// (fft_kernels_*.cpp) and chosen at run time.
#pragma once

#include <cstdint>

namespace rt::cpu::detail {

inline constexpr int kMaxFftRadix = 31;

// Step of radix p in Stockham's form: with m = remaining length / p, for j < m and q < s,
//   out[q + s (p j + k)] = w^(j k) sum_i in[q + s (j + m i)] exp(-2 pi i k i / p),
// where w = exp(-2 pi i / (p m)). Real and imaginary parts are in separate arrays.
template <class T>
struct FftStep {
  int radix;
  int64_t m;
  int64_t s;          // without the lines treated at once
  const T* twiddles;  // w^(j k) as (re, im), k = 1 .. p - 1 within j = 0 .. m - 1
  const T* roots;     // exp(-2 pi i k / p) as (re, im), k = 0 .. p - 1; odd radices use them
};

template <class T>
struct FftKernels {
  int lanes;  // lines that one vector holds
  // Does the part j0 <= j < j1, q0 <= q < q1 of a step on `lines` interleaved lines, which count
  // as positions of q: it goes up to step.s * lines.
  void (*step)(const FftStep<T>& step, int64_t lines, int64_t j0, int64_t j1, int64_t q0,
               int64_t q1, const T* in_re, const T* in_im, T* out_re, T* out_im);
};

struct FftKernelTable {
  FftKernels<float> f32;
  FftKernels<double> f64;
};

const FftKernelTable& fft_kernels_baseline();
#if defined(__x86_64__)
const FftKernelTable& fft_kernels_avx2();
const FftKernelTable& fft_kernels_avx512();
#endif

}  // namespace rt::cpu::detail
