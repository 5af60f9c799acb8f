// Factorisations on compute devices: float32, matrices by columns.
#pragma once

#include "gpu/launch.h"
#include "ops/linalg.h"
#include "rt_plans_linalg.h"

namespace rt::gpu {

constexpr int64_t kPanel = 64;      // columns that one threadgroup factors at a time
constexpr int64_t kOneGroup = 128;  // matrices up to this have one for the whole

// The columns of one panel of n.
inline int64_t panel_width(int64_t n) { return n <= kOneGroup ? n : kPanel; }
// Of what by_matrices() has checked.
inline uint32_t narrow(int64_t n) { return static_cast<uint32_t>(n); }

inline int64_t rows_of(const Tensor& t) { return t.sizes()[t.sizes().size() - 2]; }
inline int64_t cols_of(const Tensor& t) { return t.sizes().back(); }
inline int64_t batch_of(const Tensor& t) {
  int64_t n = 1;
  for (size_t d = 0; d + 2 < t.sizes().size(); ++d) n *= t.sizes()[d];
  return n;
}

// The kernel of t's type, for threadgroups that have a matrix each.
const Kernel& matrix_kernel(const Tensor& t, const char* base, const char* op);
// Threads for matrices of n rows or columns.
uint32_t matrix_threads(int64_t n);
// f(first, count) for as many matrices at a time as a launch takes, of `each` simdgroups.
template <class F>
void by_matrices(const char* op, const Tensor& t, int64_t each, F&& f) {
  constexpr int64_t most = kMaxElements / 32;
  RT_CHECK(each < most && t.numel() / std::max<int64_t>(batch_of(t), 1) < kMaxElements,
           NotImplemented, op, "a matrix is too large", describe(t));
  const int64_t step = std::max<int64_t>(1, most / std::max<int64_t>(each, 1));
  for (int64_t first = 0; first < batch_of(t); first += step) {
    f(first, std::min(step, batch_of(t) - first));
  }
}
// t's memory from an element of matrix `first` on; a matrix has `each`.
inline Tensor from_matrix(const Tensor& t, int64_t each, int64_t first, int64_t element = 0) {
  return make_view(t, {1}, {1}, t.offset() + first * each + element);
}

// Columns [first, last) of each of a's matrices, to be factored by one threadgroup.
inline MatrixPlan panel_plan(const Tensor& a, int64_t first, int64_t last) {
  MatrixPlan p{};
  p.rows = narrow(rows_of(a));
  p.cols = narrow(cols_of(a));
  p.first = narrow(first);
  p.last = narrow(last);
  p.lead = static_cast<uint64_t>(rows_of(a));
  p.step = static_cast<uint64_t>(rows_of(a) * cols_of(a));
  return p;
}

// The block of rows [r, r + m) and columns [c, c + n) of each matrix stored by columns, or its
// transpose.
Tensor block(const Tensor& t, int64_t r, int64_t m, int64_t c, int64_t n, bool transposed = false);
// c -= a b
void subtract_product(const Tensor& c, const Tensor& a, const Tensor& b);

void qr(const Tensor& a, const Tensor& tau);
void reflectors(const Tensor& q, const Tensor& tau);
void svd(const Tensor& a, const Tensor& u, const Tensor& s, const Tensor& vh, const Tensor& info);

}  // namespace rt::gpu
