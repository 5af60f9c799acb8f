// Tensor.unfold, and copies of a tensor with one of its windows replaced.
#include "autograd/vjp.h"
#include "ops/ops.h"

namespace rt {

namespace {

// ---- unfold: overlapping windows along a dim ----

Dims unfold_sizes(IntList sizes, int64_t dim, int64_t size, int64_t step) {
  Dims out(sizes);
  if (!out.empty()) out[dim] = (sizes[dim] - size) / step + 1;
  out.push_back(size);
  return out;
}
Dims unfold_strides(IntList strides, int64_t dim, int64_t step) {
  Dims out(strides);
  out.push_back(strides.empty() ? 1 : strides[dim]);
  if (!strides.empty()) out[dim] *= step;
  return out;
}
Tensor unfold_forward(const Tensor& x, int64_t dimension, int64_t size, int64_t step) {
  const int64_t d = wrap_dim(dimension, x.dim(), "unfold");
  const int64_t n = x.dim() == 0 ? 1 : x.sizes()[d];
  RT_CHECK(size >= 0, Runtime, "unfold", cat_str("size is ", size, " but must be >= 0"));
  RT_CHECK(size <= n, Runtime, "unfold",
           cat_str("maximum size for tensor at dimension ", d, " is ", n, " but size is ", size));
  RT_CHECK(step > 0, Runtime, "unfold", cat_str("step is ", step, " but must be > 0"));
  return make_view(x, unfold_sizes(x.sizes(), d, size, step), unfold_strides(x.strides(), d, step),
                   x.offset());
}
void unfold_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const IntList sizes = c.sizes(0);
  const int64_t d = wrap_dim(c.arg<int64_t>(1), sizes.ssize(), "unfold"), step = c.arg<int64_t>(3);
  // As if the input were contiguous: every one of its elements has a gradient of its own.
  const Dims strides = contiguous_strides(sizes);
  c.set(0, ops::as_strided_backward(c.grad(), sizes, strides,
                                    unfold_sizes(sizes, d, c.arg<int64_t>(2), step),
                                    unfold_strides(strides, d, step), 0));
}
const Op unfold_op(
    "unfold(Tensor input, int dimension, int size, int step) -> Tensor", unfold_forward,
    {.vjp = unfold_vjp,
     .in = "Tensor",
     .view = true,
     .doc =
         R"(A view of all windows of `size` along a dim, `step` apart; the window is a new last dim.

Follows `torch.Tensor.unfold`.

>>> rt.arange(4).unfold(0, 2, 1)
tensor([[0, 1],
        [1, 2],
        [2, 3]])
)"});

// ---- A copy with a window replaced ----

Tensor replaced(const char* op, Tensor copy, const Tensor& window, const Tensor& src) {
  RT_CHECK(window.sizes() == src.sizes(), Runtime, op,
           cat_str("expected src to have a size equal to the slice of self. src size = ",
                   src.sizes(), ", slice size = ", window.sizes()));
  ops::copy_(window, src);
  return copy;
}
Tensor select_scatter_forward(const Tensor& x, const Tensor& src, int64_t dim, int64_t index) {
  const Tensor copy = ops::clone(x);
  return replaced("select_scatter", copy, ops::select(copy, dim, index), src);
}
Tensor slice_scatter_forward(const Tensor& x, const Tensor& src, int64_t dim,
                             std::optional<int64_t> start, std::optional<int64_t> end,
                             int64_t step) {
  RT_CHECK(step > 0, Runtime, "slice_scatter", "slice step must be positive",
           cat_str("step ", step));
  const Tensor copy = ops::clone(x);
  return replaced("slice_scatter", copy, ops::slice(copy, dim, start, end, step), src);
}
Tensor diagonal_scatter_forward(const Tensor& x, const Tensor& src, int64_t offset, int64_t dim1,
                                int64_t dim2) {
  const Tensor copy = ops::clone(x);
  return replaced("diagonal_scatter", copy, ops::diagonal(copy, offset, dim1, dim2), src);
}
Tensor as_strided_scatter_forward(const Tensor& x, const Tensor& src, IntList size, IntList stride,
                                  std::optional<int64_t> storage_offset) {
  const Tensor copy = ops::clone(x);
  return replaced("as_strided_scatter", copy, ops::as_strided(copy, size, stride, storage_offset),
                  src);
}
const Op select_scatter_op("select_scatter(Tensor input, Tensor src, int dim, int index) -> Tensor",
                           select_scatter_forward,
                           {.doc = R"(A copy with `src` at one index of a dim.

Follows `torch.select_scatter`.

>>> rt.select_scatter(rt.zeros(2, 2), rt.ones(2), 0, 1)
tensor([[0., 0.],
        [1., 1.]])
)"});
const Op slice_scatter_op(
    "slice_scatter(Tensor input, Tensor src, int dim=0, int? start=None, int? end=None, int "
    "step=1) -> Tensor",
    slice_scatter_forward, {.out = true, .doc = R"(A copy with `src` at a slice of a dim.

Follows `torch.slice_scatter`.

>>> rt.slice_scatter(rt.zeros(3), rt.ones(2), 0, 1)
tensor([0., 1., 1.])
)"});
const Op diagonal_scatter_op(
    "diagonal_scatter(Tensor input, Tensor src, int offset=0, int dim1=0, int dim2=1) -> Tensor",
    diagonal_scatter_forward, {.doc = R"(A copy with `src` on a diagonal.

Follows `torch.diagonal_scatter`.

>>> rt.diagonal_scatter(rt.zeros(2, 2), rt.ones(2))
tensor([[1., 0.],
        [0., 1.]])
)"});
const Op as_strided_scatter_op(
    "as_strided_scatter(Tensor input, Tensor src, int[] size, int[] stride, int? "
    "storage_offset=None) -> Tensor",
    as_strided_scatter_forward,
    {.doc = R"(A copy with `src` in a window given by sizes, strides and offset.

Follows `torch.as_strided_scatter`.

>>> rt.as_strided_scatter(rt.zeros(4), rt.ones(2), (2,), (2,))
tensor([1., 0., 1., 0.])
)"});

Tensor narrow_copy_forward(const Tensor& x, int64_t dim, int64_t start, int64_t length) {
  return ops::clone(ops::contiguous(ops::narrow(x, dim, start, length)));
}
const Op narrow_copy_op("narrow_copy(Tensor input, int dim, int start, int length) -> Tensor",
                        narrow_copy_forward,
                        {.out = true, .doc = R"(A copy of `length` indices from `start` along a dim.

Follows `torch.narrow_copy`.

>>> rt.narrow_copy(rt.arange(5), 0, 1, 3)
tensor([1, 2, 3])
)"});

// narrow with a tensor for its start.
Tensor narrow_tensor_forward(const Tensor& x, int64_t dim, const Tensor& start, int64_t length) {
  RT_CHECK(start.dim() == 0 && is_integral(start.dtype()), Runtime, "narrow",
           "start must be an 0-dim integral Tensor.", describe(start));
  return ops::narrow(x, dim, item(start).to_int(), length);
}
const Op narrow_tensor_op(
    "narrow.tensor(Tensor input, int dim, Tensor start, int length) -> Tensor",
    narrow_tensor_forward, {});

}  // namespace

}  // namespace rt
