// Matrix products over raw memory, row-major, for every dtype. Which library or kernel runs is
// decided behind this header (gemm.cpp holds the measurements).
#pragma once

#include <cstdint>

#include "core/dtype.h"

namespace rt::cpu {

enum class Trans : uint8_t { No, Yes, Conj };  // Conj: the conjugate transpose

// A factor in whatever type the product has. Integer products use the exact int64 value.
struct GemmScalar {
  double re = 0;
  double im = 0;
  int64_t integer = 0;

  constexpr GemmScalar(int v) : re(v), integer(v) {}
  constexpr GemmScalar(int64_t v) : re(static_cast<double>(v)), integer(v) {}
  // For integer dtypes a double loses its fraction.
  constexpr GemmScalar(double v)
      : re(v), integer(v > -0x1p63 && v < 0x1p63 ? static_cast<int64_t>(v) : 0) {}
  constexpr GemmScalar(double real, double imag) : re(real), im(imag) {}
};

// C = alpha * op(A) op(B) + beta * C, where op(A) is m x k, op(B) is k x n and C is m x n.
// lda is the distance between rows of A as it is stored (m x k, or k x m where `a` is
// transposed); the distance between columns is 1. C must not overlap A or B.
//  - k == 0 gives beta * C; beta == 0 overwrites C without reading it (NaN does not survive), and
//    alpha == 0 does not read A and B, as in BLAS. NaN and infinity in A and B propagate.
//  - float16 and bfloat16 accumulate in float32 and round once; integers wrap; bool is the
//    or of ands (alpha and beta count as true where non-zero).
void gemm(DType dtype, Trans ta, Trans tb, int64_t m, int64_t n, int64_t k, GemmScalar alpha,
          const void* a, int64_t lda, const void* b, int64_t ldb, GemmScalar beta, void* c,
          int64_t ldc);

// `batch` independent products; matrix i of A starts at a + i * stride_a elements (0 repeats one).
void gemm_batched(DType dtype, Trans ta, Trans tb, int64_t batch, int64_t m, int64_t n, int64_t k,
                  GemmScalar alpha, const void* a, int64_t lda, int64_t stride_a, const void* b,
                  int64_t ldb, int64_t stride_b, GemmScalar beta, void* c, int64_t ldc,
                  int64_t stride_c);

// y = alpha * op(A) x + beta * y. A is stored as rows x cols, row-major; op(A) = A needs cols
// values of x and rows of y, and the other way round when transposed. incx, incy: element steps,
// any sign (the pointer is the first logical element).
void gemv(DType dtype, Trans ta, int64_t rows, int64_t cols, GemmScalar alpha, const void* a,
          int64_t lda, const void* x, int64_t incx, GemmScalar beta, void* y, int64_t incy);

// *out = sum of x[i] * y[i], or conj(x[i]) * y[i]; out has the dtype of x.
void dot(DType dtype, bool conjugate_x, int64_t n, const void* x, int64_t incx, const void* y,
         int64_t incy, void* out);

}  // namespace rt::cpu
