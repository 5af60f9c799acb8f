// Products of matrices and vectors.
#pragma once

#include "core/tensor.h"
#include "ops/kernel.h"
#include "ops/record.h"

namespace rt {

// out = alpha * a @ b + beta * out. `out` is a vector, a matrix or a batch of matrices in any
// layout; `a` and `b` are matrices with any batch dims that broadcast to out's (a lone vector
// counts as a row of `a` or a column of `b`). All of one dtype; `out` must not overlap them.
extern KernelSlot<void(const Tensor& out, const Tensor& a, const Tensor& b, const Scalar& beta,
                       const Scalar& alpha)>
    matmul_kernel;
// out = a @ b + bias, a number for each column, of one dtype. Only of matrices, contiguous `out`
// and `bias`; engines may leave it out.
extern KernelSlot<void(const Tensor& out, const Tensor& a, const Tensor& b, const Tensor& bias)>
    matmul_bias_kernel;
// out (zero-dim) = sum of a[i] * b[i], or of conj(a[i]) * b[i].
extern KernelSlot<void(const Tensor& out, const Tensor& a, const Tensor& b, bool conjugate)>
    dot_kernel;

namespace detail {
// "2x3", as the messages about matrices have it.
std::string by_by(const Tensor& t);
// A result `shape` to compute in, given out= or in-place target: the target itself, unless writing
// it would change `a` or `b`.
Tensor product_target(const char* op, Out out, IntList shape, DType dtype, const Tensor& a,
                      const Tensor& b);
// Whether matmul_bias_kernel does: out = a @ b + x.
bool adds_bias(const Tensor& out, const Tensor& a, const Tensor& b, const Tensor& x);
// No products of truth values, as in PyTorch.
void check_product_dtype(const char* op, DType dtype);
}  // namespace detail

namespace ops {

Tensor mm(const Tensor& a, const Tensor& b);
Tensor bmm(const Tensor& a, const Tensor& b);
Tensor mv(const Tensor& a, const Tensor& x);
Tensor dot(const Tensor& a, const Tensor& b);
Tensor vdot(const Tensor& a, const Tensor& b);
Tensor outer(const Tensor& a, const Tensor& b);
Tensor inner(const Tensor& a, const Tensor& b);
// Any ranks, with broadcast batch dims.
Tensor matmul(const Tensor& a, const Tensor& b);
Tensor addmm(const Tensor& x, const Tensor& a, const Tensor& b, Scalar beta = 1, Scalar alpha = 1);
Tensor baddbmm(const Tensor& x, const Tensor& a, const Tensor& b, Scalar beta = 1,
               Scalar alpha = 1);
Tensor addmv(const Tensor& x, const Tensor& a, const Tensor& b, Scalar beta = 1, Scalar alpha = 1);
// x @ weight.T + bias over the last dim of x; bias may be undefined.
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias = {});
// The last two dims swapped.
inline Tensor mT(const Tensor& x);
// conj(x) with the last two dims swapped.
inline Tensor mH(const Tensor& x);

}  // namespace ops
}  // namespace rt

#include "ops/complex.h"
#include "ops/view.h"

namespace rt::ops {
inline Tensor mT(const Tensor& x) { return transpose(x, -2, -1); }
inline Tensor mH(const Tensor& x) { return transpose(conj(x), -2, -1); }
}  // namespace rt::ops
