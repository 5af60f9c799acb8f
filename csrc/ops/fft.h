// Discrete Fourier transforms of tensors.
#pragma once

#include "ops/kernel.h"
#include "ops/record.h"

namespace rt {

// Along dim `dim`: out[k] = scale * sum x[j] exp(-+2 pi i j k / n). Contiguous; `out` may be `x` in
// the complex form. r2c gives the first n/2 + 1 values, c2r takes those of a result of out's
// length.
extern KernelSlot<void(const Tensor& out, const Tensor& x, int64_t dim, bool inverse, double scale)>
    fft_c2c_kernel;
extern KernelSlot<void(const Tensor& out, const Tensor& x, int64_t dim, double scale)>
    fft_r2c_kernel;
extern KernelSlot<void(const Tensor& out, const Tensor& x, int64_t dim, double scale)>
    fft_c2r_kernel;

namespace ops {

// Differentiable transforms over several dims; real ones have their half-sized dim last in `dims`.
Tensor fft_c2c(const Tensor& x, IntList dims, bool inverse, double scale);
Tensor fft_r2c(const Tensor& x, IntList dims, double scale);
Tensor fft_c2r(const Tensor& x, IntList dims, int64_t last_size, double scale);

}  // namespace ops
}  // namespace rt
