// Factorisations, solvers and what is made of them. All take (..., m, n) batches of matrices.
#pragma once

#include <tuple>

#include "ops/matmul.h"

namespace rt {

// ---- Kernels. Matrices are column-major (see column_major), batches contiguous; info is int32,
// one number a matrix, as LAPACK gives it (a NaN or infinity where none is allowed gives -1). ----

extern KernelSlot<void(const Tensor& lu, const Tensor& pivots, const Tensor& info)> lu_kernel;
// b = op(A)^-1 b from lu's factors.
extern KernelSlot<void(const Tensor& b, const Tensor& lu, const Tensor& pivots)> lu_solve_kernel;
extern KernelSlot<void(const Tensor& a, const Tensor& info, bool upper)> cholesky_kernel;
extern KernelSlot<void(const Tensor& b, const Tensor& a, bool upper, bool unit)>
    triangular_solve_kernel;
// a becomes R and reflectors; reflectors_kernel turns the leading columns of those into Q.
extern KernelSlot<void(const Tensor& a, const Tensor& tau)> qr_kernel;
extern KernelSlot<void(const Tensor& q, const Tensor& tau)> reflectors_kernel;
// a is destroyed; u and vh are undefined where only s is wanted.
extern KernelSlot<void(const Tensor& a, const Tensor& u, const Tensor& s, const Tensor& vh,
                       const Tensor& info)>
    svd_kernel;
extern KernelSlot<void(const Tensor& a, const Tensor& w, const Tensor& info, bool upper,
                       bool vectors)>
    eigh_kernel;
extern KernelSlot<void(const Tensor& a, const Tensor& w, const Tensor& v, const Tensor& info)>
    eig_kernel;
enum class LeastSquares : uint8_t { Gels, Gelsy, Gelsd, Gelss };
extern KernelSlot<void(const Tensor& a, const Tensor& b, const Tensor& s, const Tensor& rank,
                       const Tensor& info, double rcond, LeastSquares driver)>
    lstsq_kernel;

namespace linalg {

void check_matrix(const char* op, const Tensor& a, const char* name = "A");
void check_square(const char* op, const Tensor& a, const char* name = "A");
void check_float(const char* op, const Tensor& a);
inline void check_input(const char* op, const Tensor& a, bool square) {
  square ? check_square(op, a) : check_matrix(op, a);
  check_float(op, a);
}
// Uninitialised, each matrix stored by columns.
Tensor empty_columns(const char* op, IntList sizes, DType dtype, Device device);
// A copy stored by columns, broadcast to `sizes`.
Tensor column_major(const char* op, const Tensor& a, IntList sizes);
inline Tensor column_major(const char* op, const Tensor& a) {
  return column_major(op, a, a.sizes());
}
// sizes without the last `n`.
Dims batch_of(IntList sizes, size_t n = 2);
Dims with(Dims batch, std::initializer_list<int64_t> tail);
Tensor empty_info(const char* op, const Tensor& a);
// The first element of info that is not zero: (index, value, "(Batch element 3): " or ""); -1 if
// none.
struct Failure {
  int64_t index = -1;
  int32_t value = 0;
  std::string where;
};
Failure first_failure(const Tensor& info);
Tensor identity(int64_t n, DType dtype, Device device);
double epsilon(DType t);

// ---- Differentiable parts of matrices ----
Tensor triangle(const Tensor& x, bool upper, int64_t diagonal = 0);
Tensor diagonal(const Tensor& x);
Tensor from_diagonal(const Tensor& v, int64_t rows, int64_t cols);
inline Tensor from_diagonal(const Tensor& v) {
  return from_diagonal(v, v.sizes().back(), v.sizes().back());
}
// Columns start..start+n, and rows.
inline Tensor columns(const Tensor& x, int64_t start, int64_t n) {
  return ops::narrow(x, -1, start, n);
}
inline Tensor rows(const Tensor& x, int64_t start, int64_t n) {
  return ops::narrow(x, -2, start, n);
}

}  // namespace linalg

namespace ops {

Tensor inv(const Tensor& a);
std::tuple<Tensor, Tensor> inv_ex(const Tensor& a);
Tensor matrix_norm(const Tensor& a, Scalar ord, IntList dim, bool keepdim,
                   std::optional<DType> dtype);
Tensor matrix_norm(const Tensor& a, std::string_view ord, IntList dim, bool keepdim,
                   std::optional<DType> dtype);
Tensor det(const Tensor& a);
std::tuple<Tensor, Tensor> slogdet(const Tensor& a);
Tensor solve(const Tensor& a, const Tensor& b, bool left = true);
Tensor solve_triangular(const Tensor& a, const Tensor& b, bool upper, bool left = true,
                        bool unit = false);
Tensor cholesky(const Tensor& a, bool upper = false);
std::tuple<Tensor, Tensor, Tensor> svd(const Tensor& a, bool full_matrices = true);
Tensor svdvals(const Tensor& a);
std::tuple<Tensor, Tensor> eigh(const Tensor& a, std::string_view uplo = "L");
Tensor eigvalsh(const Tensor& a, std::string_view uplo = "L");
Tensor matrix_power(const Tensor& a, int64_t n);

}  // namespace ops
}  // namespace rt
