// Ops that read or write where a bool mask is set, and the places where values are not zero.
#include "autograd/vjp.h"
#include "ops/index.h"
#include "ops/index_support.h"
#include "ops/ops.h"

namespace rt {

namespace {

void check_mask(const char* op, const Tensor& mask) {
  RT_CHECK(mask.dtype() == DType::Bool, Runtime, op,
           cat_str(op, " only supports boolean masks: expected BoolTensor for mask"),
           describe(mask), ".bool()");
}

// ---- masked_fill ----

Tensor masked_fill_with(Out out, const Tensor& self, const Tensor& mask, const Tensor& value) {
  check_mask("masked_fill", mask);
  RT_CHECK(mask.device() == self.device(), Runtime, "masked_fill",
           "Expected all tensors to be on the same device",
           cat_str(describe(self), " and ", describe(mask)), "x.to(device) on one of them");
  const Dims shape = broadcast_shapes(self.sizes(), mask.sizes(), "masked_fill");
  RT_CHECK(!out || shape == Dims(self.sizes()), Runtime, "masked_fill",
           cat_str("The expanded size of the mask ", mask.sizes(),
                   " must match the existing size of input ", self.sizes()));
  NoGradGuard guard;
  const Tensor target = shape == Dims(self.sizes()) ? writable(out, self)
                                                    : ops::contiguous(broadcast_view(self, shape));
  masked_fill_kernel(target, target, unshared(broadcast_view(mask, shape), target),
                     ops::to(value, self.dtype()));
  return target;
}

Tensor masked_fill_scalar_forward(Out out, const Tensor& self, const Tensor& mask, Scalar value) {
  check_number_fits("masked_fill", value, self.dtype());
  return masked_fill_with(out, self, mask, scalar_tensor(value, self.dtype(), self.device()));
}
void masked_fill_scalar_vjp(VjpContext& c) {
  if (c.has_grad()) c.set(0, ops::masked_fill(c.grad(), c.input(1), Scalar(0)));
}

Tensor masked_fill_tensor_forward(Out out, const Tensor& self, const Tensor& mask,
                                  const Tensor& value) {
  RT_CHECK(value.dim() == 0, Runtime, "masked_fill",
           cat_str("masked_fill_ only supports a 0-dimensional value tensor, but got tensor with ",
                   value.dim(), " dimension(s)."));
  // On other devices the number is not looked at: reading it would stop the queue.
  if (value.device().is_cpu()) {
    check_number_fits("masked_fill", item(value), self.dtype());
  }
  return masked_fill_with(out, self, mask, value);
}
void masked_fill_tensor_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  if (c.needs(0)) c.set(0, ops::masked_fill(c.grad(), c.input(1), Scalar(0)));
  if (c.needs(2)) {
    c.set(2, ops::sum(ops::mul(c.grad(), ops::to(c.input(1), c.grad().dtype()))));
  }
}

// Tried first: a zero-dim tensor could stand for a number too, but has a gradient.
const Op masked_fill_tensor_op(
    "masked_fill.Tensor(Tensor input, Tensor mask, Tensor value) -> Tensor",
    masked_fill_tensor_forward,
    {.vjp = masked_fill_tensor_vjp,
     .saves = "mask",
     .inplace = true,
     .overlap_ok = true,
     .operands = Operands::SameWindow,
     .broadcasts = true,
     .kernels = {&masked_fill_kernel},
     .doc = R"(`input` with `value` (a number or a zero-dim tensor) where `mask` is True.

`mask` is bool and broadcasts with `input`; the dtype stays input's. Follows `torch.masked_fill`.

>>> rt.tensor([1., 2.]).masked_fill(rt.tensor([True, False]), 0)
tensor([0., 2.])
)"});
const Op masked_fill_scalar_op(
    "masked_fill.Scalar(Tensor input, Tensor mask, Scalar value) -> Tensor",
    masked_fill_scalar_forward,
    {.vjp = masked_fill_scalar_vjp,
     .saves = "mask",
     .inplace = true,
     .overlap_ok = true,
     .operands = Operands::SameWindow,
     .broadcasts = true,
     .kernels = {&masked_fill_kernel}});

// ---- masked_select, masked_scatter ----

Tensor masked_select_forward(const Tensor& self, const Tensor& mask) {
  check_mask("masked_select", mask);
  const Dims shape = broadcast_shapes(self.sizes(), mask.sizes(), "masked_select");
  const Tensor x = self.sizes() == IntList(shape) ? self : ops::expand(self, shape);
  const Tensor m = mask.sizes() == IntList(shape) ? mask : ops::expand(mask, shape);
  const Tensor chosen[] = {ops::reshape(m, {m.numel()})};
  return ops::index(ops::reshape(x, {x.numel()}), chosen);
}
const Op masked_select_op(
    "masked_select(Tensor input, Tensor mask) -> Tensor", masked_select_forward,
    {.out = true, .doc = R"(The elements where `mask` is True, in row-major order, as a 1-d tensor.

`mask` is bool; both broadcast with each other. Follows `torch.masked_select`.

>>> rt.masked_select(rt.tensor([1, 2, 3]), rt.tensor([True, False, True]))
tensor([1, 3])
)"});

Tensor masked_scatter_forward(const Tensor& self, const Tensor& mask, const Tensor& source) {
  check_mask("masked_scatter", mask);
  RT_CHECK(self.dtype() == source.dtype(), Runtime, "masked_scatter",
           cat_str("expected self and source to have same dtypes but got ",
                   torch_type_name(self.dtype()), " and ", torch_type_name(source.dtype())),
           "", "source.to(input.dtype)");
  const Dims shape = broadcast_shapes(self.sizes(), mask.sizes(), "masked_scatter");
  const Tensor x = self.sizes() == IntList(shape) ? self : ops::expand(self, shape);
  const Tensor m =
      ops::reshape(mask.sizes() == IntList(shape) ? mask : ops::expand(mask, shape), {x.numel()});
  const Tensor places = ops::nonzero(m);
  const int64_t count = places.sizes()[0];
  RT_CHECK(count <= source.numel(), Runtime, "masked_scatter",
           "Number of elements of source < number of ones in mask",
           cat_str(source.numel(), " elements for ", count, " places"));
  const Tensor at[] = {ops::reshape(places, {count})};
  const Tensor values = ops::slice(ops::reshape(source, {source.numel()}), 0, 0, count);
  return ops::reshape(ops::index_put(ops::reshape(x, {x.numel()}), at, values), shape);
}
const Op masked_scatter_op(
    "masked_scatter(Tensor input, Tensor mask, Tensor source) -> Tensor", masked_scatter_forward,
    {.inplace = true,
     .operands = Operands::SameWindow,
     .doc = R"(`input` with the elements of `source`, in order, where `mask` is True.

`mask` is bool and broadcasts; `source` has input's dtype and enough elements. Follows
`torch.masked_scatter`.

>>> rt.zeros(3).masked_scatter(rt.tensor([True, False, True]), rt.tensor([1., 2.]))
tensor([1., 0., 2.])
)"});

// ---- Places ----

Tensor nonzero_forward(const Tensor& x) {
  Tensor places;
  nonzero_kernel(x, x, &places);
  return ops::transpose(places, 0, 1);
}
const Op nonzero_op(
    "nonzero(Tensor input) -> Tensor", nonzero_forward,
    {.out = true,
     .integer_result = true,
     .kernels = {&nonzero_kernel},
     .doc = R"(The indices of elements that are not zero: int64 of shape (count, dims), row-major.

With `as_tuple=True` one index vector a dim, ready for `x[...]`. NaN is not zero. Follows `torch.nonzero`.

>>> rt.nonzero(rt.tensor([0, 3, 4]))
tensor([[1],
        [2]])
)"});

std::vector<Tensor> columns(const Tensor& x) {
  NoGradGuard guard;
  // A number has one place, named by an index into its only element.
  const Tensor places = nonzero_forward(at_least_1d(x));
  std::vector<Tensor> list;
  for (int64_t d = 0; d < places.sizes()[1]; ++d) list.push_back(ops::select(places, 1, d));
  return list;
}
Value nonzero_tuple_forward(const Tensor& x, bool as_tuple) {
  if (!as_tuple) return nonzero_forward(x);
  return Value(columns(x));
}
const Op nonzero_tuple_op("nonzero.tuple(Tensor input, *, bool as_tuple) -> Tensor[]",
                          nonzero_tuple_forward, {.out = true, .integer_result = true});
const Op argwhere_op("argwhere(Tensor input) -> Tensor", nonzero_forward,
                     {.integer_result = true,
                      .kernels = {&nonzero_kernel},
                      .doc = R"(The indices of elements that are not zero, one row an element.

Follows `torch.argwhere`.

>>> rt.argwhere(rt.tensor([1, 0, 1]))
tensor([[0],
        [2]])
)"});
const Op where_indices_op("where.indices(Tensor condition) -> Tensor[]", columns,
                          {.in = "rt", .integer_result = true, .doc = ""});

}  // namespace

namespace ops {

Tensor masked_fill(const Tensor& x, const Tensor& mask, Scalar value) {
  return masked_fill_scalar_op(x, mask, value);
}
Tensor masked_fill(const Tensor& x, const Tensor& mask, const Tensor& value) {
  return masked_fill_tensor_op(x, mask, value);
}
const Tensor& masked_fill_(const Tensor& x, const Tensor& mask, const Tensor& value) {
  return masked_fill_tensor_op.inplace(x, mask, value);
}
Tensor masked_select(const Tensor& x, const Tensor& mask) { return masked_select_op(x, mask); }
Tensor masked_scatter(const Tensor& x, const Tensor& mask, const Tensor& source) {
  return masked_scatter_op(x, mask, source);
}
Tensor nonzero(const Tensor& x) { return nonzero_op(x); }

}  // namespace ops
}  // namespace rt
