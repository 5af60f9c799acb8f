// Vector kernels for the products that libraries do badly: a few rows against a large matrix, and
// integers. Compiled once per instruction set (gemm_kernels_*.cpp) and chosen at run time.
#pragma once

#include <cstdint>

#include "core/dtype.h"

namespace rt::cpu::detail {

inline constexpr int kMaxSkinny = 4;    // right-hand sides handled in one pass over the matrix
inline constexpr int kIntTileRows = 4;  // packed integer blocks are padded to these sizes
inline constexpr int kIntTileCols = 32;

// The matrix `a` has elements of type T (row-major, row step lda); vectors and sums are of type S,
// float for the half types. r = 1..kMaxSkinny vectors are treated at once.
template <class T, class S>
struct SkinnyKernels {
  // y[q * ldy + i] = sum_j a[i][j] * x[q * ldx + j] for i < rows, q < r.
  void (*rows)(int r, int64_t rows, int64_t cols, const T* a, int64_t lda, const S* x, int64_t ldx,
               S* y, int64_t ldy);
  // y[q * ldy + j] += sum_i x[q * ldx + i] * a[i][j] for j < cols, q < r.
  void (*columns)(int r, int64_t rows, int64_t cols, const T* a, int64_t lda, const S* x,
                  int64_t ldx, S* y, int64_t ldy);
};

struct GemmKernels {
  SkinnyKernels<float, float> f32;
  SkinnyKernels<double, double> f64;
  SkinnyKernels<Half, float> f16;
  SkinnyKernels<BFloat16, float> bf16;
  // c += a b modulo the type's range on packed blocks: a is m x k, b is k x n, c is m x n, with m
  // a multiple of kIntTileRows and n of kIntTileCols.
  void (*u32)(int64_t m, int64_t n, int64_t k, const uint32_t* a, const uint32_t* b, uint32_t* c);
  void (*u64)(int64_t m, int64_t n, int64_t k, const uint64_t* a, const uint64_t* b, uint64_t* c);
  // Half-precision values to float and back (rounded to nearest even), contiguous.
  void (*widen_f16)(int64_t n, const Half* x, float* y);
  void (*widen_bf16)(int64_t n, const BFloat16* x, float* y);
  void (*narrow_f16)(int64_t n, const float* x, Half* y);
  void (*narrow_bf16)(int64_t n, const float* x, BFloat16* y);
  // C = A B for matrices with n = 4, 8 or 16 columns, A being m x k with any steps.
  void (*tiny_f32)(int64_t m, int64_t n, int64_t k, const float* a, int64_t a_row, int64_t a_col,
                   const float* b, int64_t ldb, float* c, int64_t ldc);
  void (*tiny_f64)(int64_t m, int64_t n, int64_t k, const double* a, int64_t a_row, int64_t a_col,
                   const double* b, int64_t ldb, double* c, int64_t ldc);
};

const GemmKernels& gemm_kernels_baseline();
#if defined(__x86_64__)
const GemmKernels& gemm_kernels_avx2();
const GemmKernels& gemm_kernels_avx512();
#endif
// The best variant for this processor.
const GemmKernels& gemm_kernels();

}  // namespace rt::cpu::detail
