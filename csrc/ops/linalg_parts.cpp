// What the matrix ops share: checks, working copies, triangles and diagonals.
#include <limits>

#include "autograd/vjp.h"
#include "ops/elementwise.h"
#include "ops/linalg.h"
#include "ops/ops.h"

namespace rt {

namespace linalg {

void check_matrix(const char* op, const Tensor& a, const char* name) {
  RT_CHECK(a.dim() >= 2, Runtime, op,
           cat_str("The input tensor ", name, " must have at least 2 dimensions."), describe(a));
}
void check_square(const char* op, const Tensor& a, const char* name) {
  check_matrix(op, a, name);
  const int64_t m = a.sizes()[a.dim() - 2], n = a.sizes()[a.dim() - 1];
  RT_CHECK(m == n, Runtime, op,
           cat_str(name, " must be batches of square matrices, but they are ", m, " by ", n,
                   " matrices"),
           describe(a));
}
void check_float(const char* op, const Tensor& a) {
  RT_CHECK(is_floating(a.dtype()) || is_complex(a.dtype()), Runtime, op,
           cat_str("Expected a floating point or complex tensor as input. Got ", name(a.dtype())),
           describe(a), ".to() a float dtype");
  RT_CHECK(!is_reduced_floating(a.dtype()), NotImplemented, op,
           cat_str("Low precision dtypes not supported. Got ", name(a.dtype())), describe(a),
           "float32");
}

Tensor empty_columns(const char* op, IntList sizes, DType dtype, Device device) {
  Dims strides = contiguous_strides(sizes);
  strides[sizes.size() - 2] = 1;
  strides[sizes.size() - 1] = std::max<int64_t>(sizes[sizes.size() - 2], 1);
  return empty_strided(sizes, strides, dtype, device, op);
}
Tensor column_major(const char* op, const Tensor& a, IntList sizes) {
  Tensor t = empty_columns(op, sizes, a.dtype(), a.device());
  copy_kernel(t, t, a);
  return t;
}
Dims batch_of(IntList sizes, size_t n) { return Dims(sizes.slice(0, sizes.size() - n)); }
Dims with(Dims batch, std::initializer_list<int64_t> tail) {
  for (int64_t n : tail) batch.push_back(n);
  return batch;
}
Tensor empty_info(const char* op, const Tensor& a) {
  return empty(batch_of(a.sizes()), DType::Int32, a.device(), op);
}
Failure first_failure(const Tensor& info) {
  const Tensor host = ops::to(info, Device{});
  const int32_t* p = host.host_data<int32_t>();
  for (int64_t i = 0; i < host.numel(); ++i) {
    if (p[i] != 0)
      return {i, p[i], host.dim() > 0 ? cat_str("(Batch element ", i, "): ") : std::string()};
  }
  return {};
}
Tensor identity(int64_t n, DType dtype, Device device) {
  Tensor t = ops::zeros({n, n}, dtype, device);
  const Tensor d = make_view(t, {n}, {n + 1}, 0);
  if (n > 0) copy_kernel(d, d, scalar_tensor(1, dtype, device));
  return t;
}
double epsilon(DType t) {
  return real_of(t) == DType::Float64 ? std::numeric_limits<double>::epsilon()
                                      : std::numeric_limits<float>::epsilon();
}

}  // namespace linalg

namespace {

// The window of the diagonal of the last two dims.
Tensor diagonal_window(const Tensor& x) {
  const size_t n = x.sizes().size();
  Dims sizes = linalg::batch_of(x.sizes()), strides(x.strides().slice(0, n - 2));
  sizes.push_back(std::min(x.sizes()[n - 2], x.sizes()[n - 1]));
  strides.push_back(x.strides()[n - 2] + x.strides()[n - 1]);
  return make_view(x, sizes, strides, x.offset());
}

Tensor triangle_forward(const Tensor& x, bool upper, int64_t diagonal) {
  Tensor t = ops::zeros(x.sizes(), x.dtype(), x.device());
  const int64_t n = x.dim(), m = x.sizes()[n - 2], cols = x.sizes()[n - 1];
  for (int64_t i = 0; i < m; ++i) {
    const int64_t first = upper ? std::clamp<int64_t>(i + diagonal, 0, cols) : 0;
    const int64_t last = upper ? cols : std::clamp<int64_t>(i + diagonal + 1, 0, cols);
    if (first >= last) continue;
    const auto part = [&](const Tensor& a) {
      Dims sizes = linalg::batch_of(a.sizes()), strides(a.strides().slice(0, n - 2));
      sizes.push_back(last - first);
      strides.push_back(a.strides()[n - 1]);
      return make_view(a, sizes, strides,
                       a.offset() + i * a.strides()[n - 2] + first * a.strides()[n - 1]);
    };
    copy_kernel(t, part(t), part(x));
  }
  return t;
}
void triangle_vjp(VjpContext& c) {
  if (c.has_grad()) c.set(0, linalg::triangle(c.grad(), c.arg<bool>(1), c.arg<int64_t>(2)));
}
const Op triangle_op("_triangle(Tensor input, bool upper, int diagonal) -> Tensor",
                     triangle_forward, {.vjp = triangle_vjp, .in = ""});

Tensor diagonal_forward(const Tensor& x) {
  const Tensor d = diagonal_window(x);
  Tensor t = empty(d.sizes(), d.dtype(), d.device());
  copy_kernel(t, t, d);
  return t;
}
void diagonal_vjp(VjpContext& c) {
  const IntList s = c.sizes(0);
  if (c.has_grad()) c.set(0, linalg::from_diagonal(c.grad(), s[s.size() - 2], s[s.size() - 1]));
}
const Op diagonal_op("_matrix_diagonal(Tensor input) -> Tensor", diagonal_forward,
                     {.vjp = diagonal_vjp, .in = ""});

Tensor from_diagonal_forward(const Tensor& v, int64_t rows, int64_t cols) {
  Tensor t =
      ops::zeros(linalg::with(linalg::batch_of(v.sizes(), 1), {rows, cols}), v.dtype(), v.device());
  copy_kernel(t, diagonal_window(t), v);
  return t;
}
void from_diagonal_vjp(VjpContext& c) {
  if (c.has_grad()) c.set(0, linalg::diagonal(c.grad()));
}
const Op from_diagonal_op("_matrix_from_diagonal(Tensor input, int rows, int cols) -> Tensor",
                          from_diagonal_forward, {.vjp = from_diagonal_vjp, .in = ""});

}  // namespace

namespace linalg {

Tensor triangle(const Tensor& x, bool upper, int64_t diagonal) {
  return triangle_op(x, upper, diagonal);
}
Tensor diagonal(const Tensor& x) { return diagonal_op(x); }
Tensor from_diagonal(const Tensor& v, int64_t rows, int64_t cols) {
  return from_diagonal_op(v, rows, cols);
}

}  // namespace linalg
}  // namespace rt
