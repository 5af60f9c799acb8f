#include "ops/diagonal.h"

#include <algorithm>
#include <limits>

#include "autograd/vjp.h"
#include "ops/elementwise.h"
#include "ops/index_support.h"
#include "ops/ops.h"

namespace rt {

KernelSlot<void(const Tensor& out, const Tensor& x, int64_t k, bool upper)> triangle_kernel{
    "triangle"};

namespace {

// ---- diagonal: a view ----

Tensor diagonal_forward(const Tensor& x, int64_t offset, int64_t dim1, int64_t dim2) {
  const int64_t a = wrap_dim(dim1, x.dim(), "diagonal"), b = wrap_dim(dim2, x.dim(), "diagonal");
  RT_CHECK(a != b, Runtime, "diagonal",
           cat_str("diagonal dimensions cannot be identical ", dim1, ", ", dim2));
  const int64_t rows = x.sizes()[a], columns = x.sizes()[b];
  const int64_t length = offset >= 0 ? std::clamp<int64_t>(columns - offset, 0, rows)
                                     : std::clamp<int64_t>(rows + offset, 0, columns);
  Dims sizes, strides;
  for (int64_t d = 0; d < x.dim(); ++d) {
    if (d == a || d == b) continue;
    sizes.push_back(x.sizes()[d]);
    strides.push_back(x.strides()[d]);
  }
  sizes.push_back(length);
  strides.push_back(x.strides()[a] + x.strides()[b]);
  // An empty diagonal starts where the tensor does: its offset could lie outside of the memory.
  const int64_t start = length == 0   ? 0
                        : offset >= 0 ? offset * x.strides()[b]
                                      : -offset * x.strides()[a];
  return make_view(x, sizes, strides, x.offset() + start);
}
void diagonal_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const int64_t offset = c.arg<int64_t>(1), dim1 = c.arg<int64_t>(2), dim2 = c.arg<int64_t>(3);
  if (const Tensor sum = c.sum_for(0, c.grad())) {
    ops::add_(ops::diagonal(sum, offset, dim1, dim2), c.grad());
  } else {
    c.set(0, ops::diagonal_backward(c.grad(), c.sizes(0), offset, dim1, dim2));
  }
}
const Op diagonal_op("diagonal(Tensor input, int offset=0, int dim1=0, int dim2=1) -> Tensor",
                     diagonal_forward,
                     {.vjp = diagonal_vjp,
                      .view = true,
                      .doc = R"(A view of a diagonal of two dims, as a new last dim.

`offset` counts from the main diagonal, upwards if positive. Follows `torch.diagonal`.

>>> rt.diagonal(rt.tensor([[1, 2], [3, 4]]))
tensor([1, 4])
)"});

Tensor diagonal_backward_forward(const Tensor& g, IntList sizes, int64_t offset, int64_t dim1,
                                 int64_t dim2) {
  Tensor t = ops::zeros(sizes, g.dtype(), g.device());
  if (g.numel() > 0) copy_kernel(t, diagonal_forward(t, offset, dim1, dim2), g);
  return t;
}
void diagonal_backward_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  c.set(0, ops::diagonal(c.grad(), c.arg<int64_t>(2), c.arg<int64_t>(3), c.arg<int64_t>(4)));
}
const Op diagonal_backward_op(
    "_diagonal_backward(Tensor grad, int[] sizes, int offset, int dim1, int dim2) -> Tensor",
    diagonal_backward_forward, {.vjp = diagonal_backward_vjp, .in = ""});

// ---- Matrices from diagonals ----

Tensor diag_embed_forward(const Tensor& x, int64_t offset, int64_t dim1, int64_t dim2) {
  const int64_t rank = x.dim() + 1;
  const int64_t a = wrap_dim(dim1, rank, "diag_embed"), b = wrap_dim(dim2, rank, "diag_embed");
  RT_CHECK(a != b, Runtime, "diag_embed",
           cat_str("diagonal dimensions cannot be identical ", dim1, ", ", dim2));
  RT_CHECK(x.dim() > 0, Index, "diag_embed",
           "Dimension specified as -1 but tensor has no dimensions", describe(x));
  const int64_t side = x.sizes().back() + std::abs(offset);
  Dims sizes;
  for (int64_t d = 0, from = 0; d < rank; ++d)
    sizes.push_back(d == a || d == b ? side : x.sizes()[from++]);
  return ops::diagonal_backward(x, sizes, offset, a, b);
}
const Op diag_embed_op(
    "diag_embed(Tensor input, int offset=0, int dim1=-2, int dim2=-1) -> Tensor",
    diag_embed_forward,
    {.doc = R"(Square matrices with the last dim of the input on a diagonal and zeros elsewhere.

Follows `torch.diag_embed`.

>>> rt.diag_embed(rt.tensor([1, 2]))
tensor([[1, 0],
        [0, 2]])
)"});
Tensor diag_forward(const Tensor& x, int64_t diagonal) {
  RT_CHECK(x.dim() == 1 || x.dim() == 2, Runtime, "diag",
           cat_str("diag(): Supports 1D or 2D tensors. Got ", x.dim(), "D"), describe(x));
  return x.dim() == 1 ? ops::diag_embed(x, diagonal) : ops::clone(ops::diagonal(x, diagonal));
}
const Op diag_op(
    "diag(Tensor input, int diagonal=0) -> Tensor", diag_forward,
    {.out = true,
     .doc = R"(The diagonal of a matrix, as a copy, or the matrix with a vector on its diagonal.

Follows `torch.diag`.

>>> rt.diag(rt.tensor([1, 2]))
tensor([[1, 0],
        [0, 2]])
)"});
Tensor diagflat_forward(const Tensor& x, int64_t offset) {
  return ops::diag_embed(ops::reshape(ops::contiguous(x), {-1}), offset);
}
const Op diagflat_op("diagflat(Tensor input, int offset=0) -> Tensor", diagflat_forward,
                     {.doc = R"(A matrix with all elements of the input on a diagonal.

Follows `torch.diagflat`.

>>> rt.diagflat(rt.tensor([[1], [2]]))
tensor([[1, 0],
        [0, 2]])
)"});

// ---- Triangles ----

Tensor triangle(const char* op, Out out, const Tensor& x, int64_t k, bool upper) {
  RT_CHECK(x.dim() >= 2, Runtime, op, cat_str(op, ": input tensor must have at least 2 dimensions"),
           describe(x));
  // Diagonals beyond the corners are all alike; closer ones cannot overflow in sums with rows.
  k = std::clamp(k, -x.size(-2), x.size(-1));
  const bool dense = out && (*out).is_contiguous() && (*out).dtype() == x.dtype() &&
                     (*out).sizes() == x.sizes() &&
                     ((*out).is_same(x) || !partially_overlaps(*out, x));
  const Tensor result = dense ? *out : empty(x.sizes(), x.dtype(), x.device(), op);
  if (result.numel() > 0) triangle_kernel(result, result, ops::contiguous(x), k, upper);
  if (!out || dense) return result;
  ops::copy_(*out, result);
  return *out;
}
Tensor tril_forward(Out out, const Tensor& x, int64_t k) {
  return triangle("tril", out, x, k, false);
}
Tensor triu_forward(Out out, const Tensor& x, int64_t k) {
  return triangle("triu", out, x, k, true);
}
void tril_vjp(VjpContext& c) {
  if (c.has_grad()) c.set(0, ops::tril(c.grad(), c.arg<int64_t>(1)));
}
void triu_vjp(VjpContext& c) {
  if (c.has_grad()) c.set(0, ops::triu(c.grad(), c.arg<int64_t>(1)));
}
const Op tril_op("tril(Tensor input, int diagonal=0) -> Tensor", tril_forward,
                 {.vjp = tril_vjp,
                  .inplace = true,
                  .out = true,
                  .kernels = {&triangle_kernel},
                  .doc = R"(The lower triangle of matrices, up to a diagonal; zeros above.

Follows `torch.tril`.

>>> rt.tril(rt.tensor([[1, 2], [3, 4]]))
tensor([[1, 0],
        [3, 4]])
)"});
const Op triu_op("triu(Tensor input, int diagonal=0) -> Tensor", triu_forward,
                 {.vjp = triu_vjp,
                  .inplace = true,
                  .out = true,
                  .kernels = {&triangle_kernel},
                  .doc = R"(The upper triangle of matrices, from a diagonal on; zeros below.

Follows `torch.triu`.

>>> rt.triu(rt.tensor([[1, 2], [3, 4]]))
tensor([[1, 2],
        [0, 4]])
)"});

using Wide = __int128;

// How many places a lower triangle has; `offset` is at most `columns`.
Wide lower_triangle_size(int64_t rows, int64_t columns, int64_t offset) {
  if (offset <= -rows) return 0;
  // Rows from `begin` on have places, from `full` on all columns.
  const int64_t begin = std::max<int64_t>(0, -offset),
                full = std::clamp(columns - 1 - offset, begin, rows);
  const Wide partial = full - begin;
  return partial * (Wide{begin} + offset + 1) + partial * (partial - 1) / 2 +
         Wide{rows - full} * columns;
}

Tensor triangle_indices(const char* op, int64_t rows, int64_t columns, int64_t offset,
                        std::optional<DType> dtype, std::optional<Device> device, bool upper) {
  RT_CHECK(rows >= 0, Runtime, op, cat_str("row must be non-negative, got", rows));
  RT_CHECK(columns >= 0, Runtime, op, cat_str("col must be non-negative, got", columns));
  const DType type = dtype.value_or(DType::Int64);
  RT_CHECK(type == DType::Int64 || type == DType::Int32, NotImplemented, op,
           cat_str("\"", op, "\" not implemented for '", torch_type_name(type), "'"), "",
           "int32 or int64");
  offset = std::clamp(offset, -rows, columns);
  const auto first = [&](int64_t r) {
    return upper ? std::clamp<int64_t>(r + offset, 0, columns) : 0;
  };
  const auto last = [&](int64_t r) {
    return upper ? columns : std::clamp<int64_t>(r + offset + 1, 0, columns);
  };
  const Wide size = upper ? Wide{rows} * columns - lower_triangle_size(rows, columns, offset - 1)
                          : lower_triangle_size(rows, columns, offset);
  constexpr Wide kMost = std::numeric_limits<int64_t>::max();
  const auto count = static_cast<int64_t>(std::min(size, kMost));
  Tensor t = empty({2, count}, DType::Int64, {}, op);
  int64_t *row = t.host_data<int64_t>(), *column = row + count;
  // Only rows that have places, of which there are no more than places.
  const int64_t begin = upper ? 0 : std::max<int64_t>(0, -offset);
  const auto end =
      static_cast<int64_t>(upper ? std::min<Wide>(rows, Wide{columns} - offset) : rows);
  for (int64_t r = begin; count > 0 && r < end; ++r) {
    for (int64_t c = first(r); c < last(r); ++c) {
      *row++ = r;
      *column++ = c;
    }
  }
  return ops::to(ops::to(t, type), device.value_or(Device{}));
}
Tensor tril_indices_forward(int64_t row, int64_t col, int64_t offset, std::optional<DType> dtype,
                            std::optional<Device> device) {
  return triangle_indices("tril_indices", row, col, offset, dtype, device, false);
}
Tensor triu_indices_forward(int64_t row, int64_t col, int64_t offset, std::optional<DType> dtype,
                            std::optional<Device> device) {
  return triangle_indices("triu_indices", row, col, offset, dtype, device, true);
}
const Op tril_indices_op(
    "tril_indices(int row, int col, int offset=0, *, DType? dtype=None, Device? device=None) -> "
    "Tensor",
    tril_indices_forward,
    {.in = "rt",
     .integer_result = true,
     .doc = R"(The rows and columns of a matrix's lower triangle, in row-major order.

Follows `torch.tril_indices`.

>>> rt.tril_indices(2, 2)
tensor([[0, 1, 1],
        [0, 0, 1]])
)"});
const Op triu_indices_op(
    "triu_indices(int row, int col, int offset=0, *, DType? dtype=None, Device? device=None) -> "
    "Tensor",
    triu_indices_forward,
    {.in = "rt",
     .integer_result = true,
     .doc = R"(The rows and columns of a matrix's upper triangle, in row-major order.

Follows `torch.triu_indices`.

>>> rt.triu_indices(2, 2)
tensor([[0, 0, 1],
        [0, 1, 1]])
)"});

// Writes a number along the main diagonal; with `wrap`, tall matrices start again below.
Tensor fill_diagonal_forward(const Tensor& self, Scalar value, bool wrap) {
  RT_CHECK(self.dim() >= 2, Runtime, "fill_diagonal_", "dimensions must larger than 1",
           describe(self));
  const int64_t height = self.sizes()[0], width = self.sizes()[1];
  int64_t side = height;
  for (int64_t s : self.sizes()) {
    RT_CHECK(self.dim() == 2 || s == height, Runtime, "fill_diagonal_",
             "all dimensions of input must be of equal length", describe(self));
    side = std::min(side, s);
  }
  check_number_fits("fill_diagonal_", value, self.dtype());
  Tensor t = ops::clone(self);
  const Tensor number = scalar_tensor(value, t.dtype(), t.device());
  const auto fill = [&](int64_t start, int64_t length) {
    int64_t step = 0;
    for (int64_t s : t.strides()) step += s;
    if (length > 0) copy_kernel(t, make_view(t, {length}, {step}, start), number);
  };
  fill(0, side);
  if (wrap && t.dim() == 2 && height > width + 1) {
    // A row stays empty between two runs, as numpy does it.
    for (int64_t row = width + 1; row < height; row += width + 1) {
      fill(row * t.strides()[0], std::min(width, height - row));
    }
  }
  return t;
}
Tensor without_diagonal(const Tensor& x, bool wrap);
void fill_diagonal_vjp(VjpContext& c) {
  if (c.has_grad()) c.set(0, without_diagonal(c.grad(), c.arg<bool>(2)));
}
const Op fill_diagonal_op(
    "fill_diagonal(Tensor input, Scalar fill_value, bool wrap=False) -> Tensor",
    fill_diagonal_forward,
    {.vjp = fill_diagonal_vjp,
     .in = "Tensor.inplace",
     .inplace = true,
     .doc = R"(Writes a number along the main diagonal.

Follows `torch.Tensor.fill_diagonal_`.

>>> rt.zeros(2, 2).fill_diagonal_(1)
tensor([[1., 0.],
        [0., 1.]])
)"});
Tensor without_diagonal(const Tensor& x, bool wrap) { return fill_diagonal_op(x, 0, wrap); }

}  // namespace

namespace ops {

Tensor diagonal(const Tensor& x, int64_t offset, int64_t dim1, int64_t dim2) {
  return diagonal_op(x, offset, dim1, dim2);
}
Tensor diag_embed(const Tensor& x, int64_t offset, int64_t dim1, int64_t dim2) {
  return diag_embed_forward(x, offset, dim1, dim2);
}
Tensor diagonal_backward(const Tensor& g, IntList sizes, int64_t offset, int64_t dim1,
                         int64_t dim2) {
  return diagonal_backward_op(g, sizes, offset, dim1, dim2);
}
Tensor tril(const Tensor& x, int64_t diagonal) { return tril_op(x, diagonal); }
Tensor triu(const Tensor& x, int64_t diagonal) { return triu_op(x, diagonal); }

}  // namespace ops
}  // namespace rt
