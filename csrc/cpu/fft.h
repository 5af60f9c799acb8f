// Discrete Fourier transforms of float and double lines, any length.
#pragma once

#include <cstdint>

#include "core/dtype.h"

namespace rt::cpu {

// Where the lines of a transform lie, in elements: line (o, i), with o < outer and i < inner,
// starts at o * outer_stride + i * inner_stride, and its elements are `step` apart.
struct FftLines {
  int64_t outer = 1;
  int64_t inner = 1;
  int64_t outer_stride = 0;
  int64_t inner_stride = 0;
  int64_t step = 1;
};

// y[k] = scale * sum_j x[j] exp(-2 pi i j k / n), with +2 pi i if `inverse`. Both layouts have the
// same outer and inner. y may be x with the same layout; otherwise they must not overlap.
// Cooley and Tukey's factorisation (Stockham's form) for lengths whose prime factors are at most
// 31, Bluestein's chirp transform for others.
void fft_complex(int64_t n, bool inverse, float scale, const FftLines& in, const Complex64* x,
                 const FftLines& out, Complex64* y);
void fft_complex(int64_t n, bool inverse, double scale, const FftLines& in, const Complex128* x,
                 const FftLines& out, Complex128* y);

// The first n / 2 + 1 values of the transform of n real ones; the others are their conjugates.
void fft_real_to_complex(int64_t n, float scale, const FftLines& in, const float* x,
                         const FftLines& out, Complex64* y);
void fft_real_to_complex(int64_t n, double scale, const FftLines& in, const double* x,
                         const FftLines& out, Complex128* y);

// The inverse: n real values from n / 2 + 1 complex ones. What would make the result complex (the
// imaginary parts of value 0 and, for even n, of value n / 2) is ignored.
void fft_complex_to_real(int64_t n, float scale, const FftLines& in, const Complex64* x,
                         const FftLines& out, float* y);
void fft_complex_to_real(int64_t n, double scale, const FftLines& in, const Complex128* x,
                         const FftLines& out, double* y);

}  // namespace rt::cpu
