// Selection, interpolation and scaled products.
#include "ops/fused.h"

#include "autograd/vjp.h"
#include "ops/elementwise.h"
#include "ops/index_support.h"
#include "ops/ops.h"

namespace rt {

namespace {

ElementwiseSlot where_slot{"where", EwCompute::Promoted, EwResult::Same, 3, true};

Tensor where_forward(Out out, const Tensor& condition, const Tensor& a, const Tensor& b) {
  RT_CHECK(condition.dtype() == DType::Bool || condition.dtype() == DType::UInt8, Runtime, "where",
           cat_str("where expected condition to be a boolean tensor, but got a tensor with dtype ",
                   condition.dtype()),
           describe(condition), "condition != 0");
  const DType type = result_type(a, b);
  // A number is a float32 before it is less.
  const DType held = type == DType::Float16 || type == DType::BFloat16 ? DType::Float32 : type;
  check_operand_fits("where", a, held);
  check_operand_fits("where", b, held);
  const Tensor inputs[] = {condition, a, b};
  return elementwise(where_slot, "where", out, inputs, type);
}
void where_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const Tensor condition = c.input(0);
  if (c.needs(1)) c.set(1, ops::where(condition, c.grad(), Scalar(0)));
  if (c.needs(2)) c.set(2, ops::where(condition, Scalar(0), c.grad()));
}
const Op where_op(
    "where(Tensor condition, Operand input, Operand other) -> Tensor", where_forward,
    {.vjp = where_vjp,
     .saves = "condition",
     .in = "rt",
     .out = true,
     .broadcasts = true,
     .kernels = {&where_slot},
     .doc = R"(`input` where the bool `condition` holds, else `other`, with broadcasting.

`input` and `other` may be numbers; they promote to one dtype. Follows `torch.where`.

>>> rt.where(rt.tensor([True, False]), rt.tensor([1., 2.]), 0)
tensor([1., 0.])
)"});
Tensor where_method(const Tensor& x, const Tensor& condition, const Tensor& other) {
  return where_op(condition, x, other);
}
const Op where_method_op("where.method(Tensor input, Tensor condition, Operand other) -> Tensor",
                         where_method,
                         {.in = "Tensor",
                          .doc = R"(This tensor where the bool `condition` holds, else `other`.

Follows `torch.Tensor.where`.

>>> rt.tensor([1., 2.]).where(rt.tensor([True, False]), 0)
tensor([1., 0.])
)"});

ElementwiseSlot lerp_slot{"lerp", EwCompute::Promoted, EwResult::Same, 3};
Tensor lerp_forward(Out out, const Tensor& start, const Tensor& end, const Tensor& weight) {
  RT_CHECK(start.dtype() == end.dtype(), Runtime, "lerp",
           cat_str("expected dtype ", start.dtype(), " for `end` but got dtype ", end.dtype()));
  RT_CHECK(
      weight.dim() == 0 || weight.dtype() == start.dtype(), Runtime, "lerp",
      cat_str("expected dtype ", start.dtype(), " for `weight` but got dtype ", weight.dtype()));
  check_operand_fits("lerp", weight, start.dtype());
  const Tensor inputs[] = {start, end, weight};
  return elementwise(lerp_slot, "lerp", out, inputs, start.dtype());
}
// 1 - weight; a number stays one, in full precision.
Tensor complement(const Tensor& weight) {
  if (!weight.is_wrapped_number()) return 1 - weight;
  const Scalar w = item(weight);
  if (w.is_complex()) return wrapped_number(Scalar(1.0 - w.to_complex()));
  return wrapped_number(Scalar(1.0 - w.to_double()));
}
void lerp_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const Tensor weight = c.input(2);
  if (c.needs(0)) c.set(0, c.grad() * ops::conj(complement(weight)));
  if (c.needs(1)) c.set(1, c.grad() * ops::conj(weight));
  if (c.needs(2)) c.set(2, c.grad() * ops::conj(c.input(1) - c.input(0)));
}
const Op lerp_op("lerp(Tensor input, Tensor end, Operand weight) -> Tensor", lerp_forward,
                 {.vjp = lerp_vjp,
                  .saves = "input/weight end/weight weight",
                  .inplace = true,
                  .out = true,
                  .broadcasts = true,
                  .kernels = {&lerp_slot},
                  .doc = R"(`input + weight * (end - input)`, exact at weights 0 and 1.

`weight` is a number or a tensor; all tensors have one dtype, floating-point or complex. Follows
`torch.lerp`.

>>> rt.lerp(rt.tensor([0., 10.]), rt.tensor([1., 20.]), 0.5)
tensor([ 0.5000, 15.0000])
)"});

ElementwiseSlot addcmul_slot{"addcmul", EwCompute::Promoted, EwResult::Same, 4};
ElementwiseSlot addcdiv_slot{"addcdiv", EwCompute::Promoted, EwResult::Same, 4};

Tensor add_scaled(const ElementwiseSlot& slot, const char* op, Out out, const Tensor& x,
                  const Tensor& a, const Tensor& b, const Scalar& value) {
  const Tensor operands[] = {x, a, b};
  const DType type = result_type(operands);
  RT_CHECK(is_complex(type) || !value.is_complex(), Runtime, op,
           "value cannot be converted without overflow: it is complex, the tensors are real",
           cat_str("value=", value));
  check_number_fits(op, value, type);
  const Tensor inputs[] = {x, a, b, scalar_tensor(value, compute_type(type))};
  return elementwise(slot, op, out, inputs, type);
}
Scalar conjugate(const Scalar& s) { return s.is_complex() ? Scalar(std::conj(s.to_complex())) : s; }

Tensor addcmul_forward(Out out, const Tensor& x, const Tensor& a, const Tensor& b, Scalar value) {
  return add_scaled(addcmul_slot, "addcmul", out, x, a, b, value);
}
void addcmul_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  if (c.needs(0)) c.set(0, c.grad());
  const Scalar value = conjugate(c.arg<Scalar>(3));
  if (c.needs(1)) c.set(1, c.grad() * ops::conj(c.input(2)) * value);
  if (c.needs(2)) c.set(2, c.grad() * ops::conj(c.input(1)) * value);
}
const Op addcmul_op(
    "addcmul(Tensor input, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor",
    addcmul_forward,
    {.vjp = addcmul_vjp,
     .saves = "tensor1/tensor2 tensor2/tensor1",
     .inplace = true,
     .out = true,
     .broadcasts = true,
     .kernels = {&addcmul_slot},
     .doc = R"(`input + value * tensor1 * tensor2`, with broadcasting and type promotion.

Follows `torch.addcmul`.

>>> rt.addcmul(rt.tensor([1.]), rt.tensor([2.]), rt.tensor([3.]), value=2)
tensor([13.])
)"});

Tensor addcdiv_forward(Out out, const Tensor& x, const Tensor& a, const Tensor& b, Scalar value) {
  RT_CHECK(!(is_integral(a.dtype(), true) && is_integral(b.dtype(), true)), Runtime, "addcdiv",
           "Integer division with addcdiv is no longer supported",
           cat_str(describe(a), " and ", describe(b)), "input + value * trunc(tensor1 / tensor2)");
  return add_scaled(addcdiv_slot, "addcdiv", out, x, a, b, value);
}
void addcdiv_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  if (c.needs(0)) c.set(0, c.grad());
  const Tensor share = c.grad() * conjugate(c.arg<Scalar>(3)) / ops::conj(c.input(2));
  if (c.needs(1)) c.set(1, share);
  if (c.needs(2)) c.set(2, -share * ops::conj(c.input(1) / c.input(2)));
}
const Op addcdiv_op(
    "addcdiv(Tensor input, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor",
    addcdiv_forward,
    {.vjp = addcdiv_vjp,
     .saves = "tensor1/tensor2 tensor2",
     .inplace = true,
     .out = true,
     .broadcasts = true,
     .kernels = {&addcdiv_slot},
     .doc = R"(`input + value * tensor1 / tensor2`, with broadcasting and type promotion.

Errors if both tensors are integers. Follows `torch.addcdiv`.

>>> rt.addcdiv(rt.tensor([1.]), rt.tensor([6.]), rt.tensor([3.]), value=2)
tensor([5.])
)"});

}  // namespace

namespace ops {

Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b) {
  return where_op(condition, a, b);
}
Tensor lerp(const Tensor& start, const Tensor& end, const Tensor& weight) {
  return lerp_op(start, end, weight);
}
Tensor addcmul(const Tensor& x, const Tensor& a, const Tensor& b, Scalar value) {
  return addcmul_op(x, a, b, value);
}
Tensor addcdiv(const Tensor& x, const Tensor& a, const Tensor& b, Scalar value) {
  return addcdiv_op(x, a, b, value);
}

}  // namespace ops
}  // namespace rt
