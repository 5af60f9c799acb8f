// The libraries and kernels behind gemm.h. Arguments are checked and no size is zero here.
#pragma once

#include <cstdint>

#include "core/dtype.h"
#include "cpu/gemm.h"

namespace rt::cpu::detail {

template <class T>
struct GemmArgs {
  Trans ta, tb;
  int64_t m, n, k;
  T alpha;
  const T* a;
  int64_t lda;
  const T* b;
  int64_t ldb;
  T beta;
  T* c;
  int64_t ldc;
};

// BLAS, on the calling thread. False, with nothing done, if a size does not fit its 32-bit ints.
bool blas_gemm(const GemmArgs<float>& g);
bool blas_gemm(const GemmArgs<double>& g);
bool blas_gemm(const GemmArgs<Complex64>& g);
bool blas_gemm(const GemmArgs<Complex128>& g);
// The same, split over the threads where that pays.
template <class T>
bool blas_gemm_parallel(const GemmArgs<T>& g);

#ifdef RT_USE_ONEDNN
// Both use library_threads() threads.
void onednn_gemm(const GemmArgs<float>& g);
// False, with nothing done, unless the processor multiplies bfloat16 itself; alpha must be 1.
bool onednn_gemm_bfloat16(Trans ta, Trans tb, int64_t m, int64_t n, int64_t k, const BFloat16* a,
                          int64_t lda, const BFloat16* b, int64_t ldb, float beta, BFloat16* c,
                          int64_t ldc);
#endif

// A product of at most kMaxSkinny vectors with a matrix: vector q holds x[q * x_vector +
// j * x_step], result i of vector q goes to y[q * y_vector + i * y_step]. The matrix is stored
// outputs x inner (by rows), or inner x outputs (by columns).
template <class T, class S>
struct SkinnyArgs {
  int vectors;
  int64_t outputs, inner;
  bool by_rows;
  const T* matrix;
  int64_t ld;
  const T* x;
  int64_t x_vector, x_step;
  S alpha, beta;
  T* y;
  int64_t y_vector, y_step;
};
void skinny_gemm(const SkinnyArgs<float, float>& s);
void skinny_gemm(const SkinnyArgs<double, double>& s);
void skinny_gemm(const SkinnyArgs<Half, float>& s);
void skinny_gemm(const SkinnyArgs<BFloat16, float>& s);

// Converts blocks to the type the sum is made in and multiplies those: for integers, bool, the
// half types, and sizes that no library takes. The scalars come in that type.
void packed_gemm(DType dtype, Trans ta, Trans tb, int64_t m, int64_t n, int64_t k, GemmScalar alpha,
                 const void* a, int64_t lda, const void* b, int64_t ldb, GemmScalar beta, void* c,
                 int64_t ldc);

// The best way for a product of real numbers whose arguments are checked.
void float_gemm(const GemmArgs<float>& g);

}  // namespace rt::cpu::detail
