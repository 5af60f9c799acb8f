#include "ops/reduce.h"

#include "autograd/vjp.h"
#include "ops/elementwise.h"
#include "ops/ops.h"

namespace rt {

namespace {

// Inserts the reduced dims back as size 1.
Dims keepdim_shape(IntList sizes, const Dims& dims) {
  Dims s(sizes);
  for (int64_t d : dims) s[d] = 1;
  return s;
}

Tensor sum_forward(const Tensor& x, IntList dim, bool keepdim, std::optional<DType> dtype) {
  const Dims dims = wrap_dims(dim, x.dim(), "sum");
  const DType type = dtype.value_or(is_integral(x.dtype(), true) ? DType::Int64 : x.dtype());
  const DType acc = compute_type(type);
  Tensor total = ops::zeros(keepdim_shape(x.sizes(), dims), acc, x.device());
  Dims strides(total.strides());
  for (int64_t d : dims) strides[d] = 0;
  ops::accumulate_window(total, x.sizes(), strides, 0, ops::to(x, acc));
  Tensor r = ops::to(total, type);
  return keepdim ? r : ops::squeeze(r, dims);
}
void sum_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const IntList sizes = c.sizes(0);
  const Dims dims = wrap_dims(c.arg<IntList>(1), sizes.ssize(), "sum");
  Tensor g = c.arg<bool>(2) ? c.grad() : ops::reshape(c.grad(), keepdim_shape(sizes, dims));
  c.set(0, ops::expand(g, sizes));
}
const Op sum_op("sum(Tensor input, int[1] dim=[], bool keepdim=False, *, DType? dtype=None) -> Tensor",
                sum_forward, {.vjp = sum_vjp, .out = true, .doc = R"(The sum over some dims, or over all.

Integers and bool sum to int64. Follows `torch.sum`.

>>> rt.sum(rt.tensor([[1, 2], [3, 4]]), 0)
tensor([4, 6])
)"});

Tensor any_forward(const Tensor& x) {
  return ops::ne(ops::sum(ops::ne(x, Scalar(0))), Scalar(0));
}
const Op any_op("any(Tensor input) -> Tensor", any_forward, {.integer_result = true, .doc = ""});

}  // namespace

namespace ops {

Tensor sum(const Tensor& x, IntList dim, bool keepdim, std::optional<DType> dtype) {
  return sum_op(x, dim, keepdim, dtype);
}

Tensor sum_to_size(const Tensor& x, IntList size) {
  if (x.sizes() == size) return x;
  const int64_t lead = x.dim() - size.ssize();
  Dims dims;
  for (int64_t d = 0; d < x.dim(); ++d) {
    if (d < lead || (size[d - lead] == 1 && x.sizes()[d] != 1)) dims.push_back(d);
  }
  Tensor s = dims.empty() ? x : sum(x, dims, true);
  return lead > 0 ? reshape(s, size) : s;
}

Tensor any(const Tensor& x) { return any_op(x); }

}  // namespace ops
}  // namespace rt
