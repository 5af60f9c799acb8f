// Reading and writing one position along a dim for each of the other places: what max, min, median
// and the like need for their gradients.
#include "ops/positions.h"

#include "autograd/vjp.h"
#include "ops/ops.h"

namespace rt {

PositionsKernel positions_kernel{"positions"};

namespace {

Tensor kept(const Tensor& t, int64_t rank, int64_t dim, bool keepdim) {
  return keepdim || rank == 0 ? t : ops::unsqueeze(t, dim);
}

Tensor take_forward(const Tensor& x, int64_t dim, const Tensor& index, bool keepdim) {
  const int64_t d = wrap_dim(dim, x.dim(), "take_positions");
  const Tensor i = kept(index, x.dim(), d, keepdim);
  Tensor r = empty(i.sizes(), x.dtype(), x.device());
  positions_kernel(r, x, d, i, r, false);
  return keepdim || x.dim() == 0 ? r : ops::squeeze(r, {d});
}
Tensor put_forward(const Tensor& values, IntList sizes, int64_t dim, const Tensor& index,
                   bool keepdim) {
  const int64_t rank = sizes.ssize(), d = wrap_dim(dim, rank, "put_positions");
  Tensor r = ops::zeros(sizes, values.dtype(), values.device());
  positions_kernel(r, r, d, kept(index, rank, d, keepdim), kept(values, rank, d, keepdim), true);
  return r;
}
void take_vjp(VjpContext& c) {
  if (c.has_grad()) {
    c.set(0,
          ops::put_positions(c.grad(), c.sizes(0), c.arg<int64_t>(1), c.input(2), c.arg<bool>(3)));
  }
}
void put_vjp(VjpContext& c) {
  if (c.has_grad())
    c.set(0, ops::take_positions(c.grad(), c.arg<int64_t>(2), c.input(3), c.arg<bool>(4)));
}
const Op take_op("_take_positions(Tensor input, int dim, Tensor index, bool keepdim) -> Tensor",
                 take_forward,
                 {.vjp = take_vjp, .saves = "index", .in = "", .kernels = {&positions_kernel}});
const Op put_op(
    "_put_positions(Tensor values, int[] sizes, int dim, Tensor index, bool keepdim) -> Tensor",
    put_forward, {.vjp = put_vjp, .saves = "index", .in = "", .kernels = {&positions_kernel}});

}  // namespace

namespace ops {

Tensor take_positions(const Tensor& x, int64_t dim, const Tensor& index, bool keepdim) {
  return take_op(x, dim, index, keepdim);
}
Tensor put_positions(const Tensor& values, IntList sizes, int64_t dim, const Tensor& index,
                     bool keepdim) {
  return put_op(values, sizes, dim, index, keepdim);
}

}  // namespace ops
}  // namespace rt
