#include "ops/arithmetic.h"

#include "autograd/vjp.h"
#include "ops/elementwise.h"
#include "ops/index_support.h"
#include "ops/ops.h"

namespace rt {

namespace {

ElementwiseSlot add_slot{"add", EwCompute::Promoted, EwResult::Same, 2};
ElementwiseSlot sub_slot{"sub", EwCompute::Promoted, EwResult::Same, 2};
ElementwiseSlot add_scaled_slot{"add_scaled", EwCompute::Promoted, EwResult::Same, 3};
ElementwiseSlot mul_slot{"mul", EwCompute::Promoted, EwResult::Same, 2};
ElementwiseSlot div_slot{"div", EwCompute::Float, EwResult::Same, 2};
ElementwiseSlot neg_slot{"neg", EwCompute::Promoted, EwResult::Same, 1};

bool is_one(const Scalar& s) { return s.is_integral() ? s.to_int() == 1 : s.to_complex() == 1.0; }

// The default; any other way to write one goes through check_alpha.
bool is_plain_one(const Scalar& s) { return s.is_integral() && !s.is_bool() && s.to_int() == 1; }

void check_alpha(const char* op, DType type, const Scalar& alpha) {
  RT_CHECK(type == DType::Bool || !alpha.is_bool(), Runtime, op,
           "Boolean alpha only supported for Boolean results.", cat_str("alpha=", alpha));
  RT_CHECK(is_floating(type) || is_complex(type) || alpha.is_integral(), Runtime, op,
           "For integral input tensors, argument alpha must not be a floating point number.",
           cat_str("alpha=", alpha), "an integer alpha");
  RT_CHECK(is_complex(type) || !alpha.is_complex(), Runtime, op,
           "For non-complex input tensors, argument alpha must not be a complex number.",
           cat_str("alpha=", alpha));
  check_number_fits(op, alpha, type);
}

Tensor add_forward(Out out, const Tensor& a, const Tensor& b, Scalar alpha) {
  if (is_plain_one(alpha)) [[likely]]
    return elementwise(add_slot, "add", out, a, b);
  const DType type = result_type(a, b);
  check_alpha("add", type, alpha);
  const Tensor inputs[] = {a, b, scalar_tensor(alpha, type)};
  return elementwise(add_scaled_slot, "add", out, inputs, type);
}
// alpha * conj(g), for the term that alpha scales.
Tensor scaled(const Tensor& g, const Scalar& alpha) {
  if (is_one(alpha)) return g;
  return g * (alpha.is_complex() ? Scalar(std::conj(alpha.to_complex())) : alpha);
}
void add_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  if (c.needs(0)) c.set(0, c.grad());
  if (c.needs(1)) c.set(1, scaled(c.grad(), c.arg<Scalar>(2)));
}
const Op add_op("add(Operand input, Operand other, *, Scalar alpha=1) -> Tensor", add_forward,
                {.vjp = add_vjp,
                 .inplace = true,
                 .out = true,
                 .broadcasts = true,
                 .kernels = {&add_slot, &add_scaled_slot},
                 .doc = R"(The sum `input + alpha * other`, with broadcasting and type promotion.

`other` is a tensor or a number; bool sums are logical or. Follows `torch.add`.

>>> rt.add(rt.tensor([1, 2]), 10, alpha=2)
tensor([21, 22])
)"});

Tensor sub_forward(Out out, const Tensor& a, const Tensor& b, Scalar alpha) {
  RT_CHECK(a.dtype() != DType::Bool && b.dtype() != DType::Bool, Runtime, "sub",
           a.dtype() == b.dtype()
               ? "Subtraction, the `-` operator, with two bool tensors is not supported."
               : "Subtraction, the `-` operator, with a bool tensor is not supported.",
           cat_str(describe(a), " and ", describe(b)), "`^` or logical_xor()");
  if (is_plain_one(alpha)) [[likely]]
    return elementwise(sub_slot, "sub", out, a, b);
  const DType type = result_type(a, b);
  check_alpha("sub", type, alpha);
  const Scalar minus = alpha.is_complex()    ? Scalar(-alpha.to_complex())
                       : alpha.is_integral() ? Scalar(-alpha.to_int())
                                             : Scalar(-alpha.to_double());
  const Tensor inputs[] = {a, b, scalar_tensor(minus, type)};
  return elementwise(add_scaled_slot, "sub", out, inputs, type);
}
void sub_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  if (c.needs(0)) c.set(0, c.grad());
  if (c.needs(1)) c.set(1, -scaled(c.grad(), c.arg<Scalar>(2)));
}
const Op sub_op(
    "sub(Operand input, Operand other, *, Scalar alpha=1) -> Tensor", sub_forward,
    {.vjp = sub_vjp,
     .aliases = "subtract",
     .inplace = true,
     .out = true,
     .broadcasts = true,
     .kernels = {&sub_slot, &add_scaled_slot},
     .doc = R"(The difference `input - alpha * other`, with broadcasting and type promotion.

Errors for bool tensors. Follows `torch.sub`.

>>> rt.sub(rt.tensor([5, 6]), 1)
tensor([4, 5])
)"});

void mul_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  if (c.needs(0)) c.set(0, c.grad() * ops::conj(c.input(1)));
  if (c.needs(1)) c.set(1, c.grad() * ops::conj(c.input(0)));
}
const Op mul_op("mul(Operand input, Operand other) -> Tensor", binary_forward<mul_slot>,
                {.vjp = mul_vjp,
                 .saves = "input/other other/input",
                 .aliases = "multiply",
                 .inplace = true,
                 .out = true,
                 .broadcasts = true,
                 .kernels = {&mul_slot},
                 .doc = R"(The product `input * other`, with broadcasting and type promotion.

Bool products are logical and. Follows `torch.mul`.

>>> rt.mul(rt.tensor([1., 2.]), 3)
tensor([3., 6.])
)"});

void div_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const Tensor other = ops::conj(c.input(1));
  if (c.needs(0)) c.set(0, c.grad() / other);
  if (c.needs(1))
    c.set(1, -c.grad() * (ops::conj(c.input(0)) / other / other));  // other^2 could overflow
}
const Op div_op("div(Operand input, Operand other) -> Tensor", binary_forward<div_slot>,
                {.vjp = div_vjp,
                 .saves = "input/other other",
                 .aliases = "divide true_divide",
                 .inplace = true,
                 .out = true,
                 .broadcasts = true,
                 .kernels = {&div_slot},
                 .doc = R"(The quotient `input / other`, with broadcasting and type promotion.

Integers divide to the default float dtype. `rounding_mode` "trunc" or "floor" rounds the quotient
and keeps integers. Follows `torch.div`.

>>> rt.div(rt.tensor([1., 2.]), 2)
tensor([0.5000, 1.0000])
)"});

Tensor neg_forward(Out out, const Tensor& x) {
  RT_CHECK(x.dtype() != DType::Bool, Runtime, "neg",
           "Negation, the `-` operator, on a bool tensor is not supported.", describe(x),
           "`~` or logical_not()");
  return elementwise(neg_slot, "neg", out, x);
}
void neg_vjp(VjpContext& c) {
  if (c.has_grad()) c.set(0, -c.grad());
}
const Op neg_op("neg(Tensor input) -> Tensor", neg_forward,
                {.vjp = neg_vjp,
                 .aliases = "negative",
                 .inplace = true,
                 .out = true,
                 .kernels = {&neg_slot},
                 .doc = R"(The negative of each element. Errors for bool tensors.

Follows `torch.neg`.

>>> rt.neg(rt.tensor([1., -2.]))
tensor([-1.,  2.])
)"});

}  // namespace

namespace ops {

Tensor add(const Tensor& a, const Tensor& b, Scalar alpha) { return add_op(a, b, alpha); }
const Tensor& add_(const Tensor& self, const Tensor& other, Scalar alpha) {
  return add_op.inplace(self, other, alpha);
}
Tensor sub(const Tensor& a, const Tensor& b, Scalar alpha) { return sub_op(a, b, alpha); }
Tensor mul(const Tensor& a, const Tensor& b) { return mul_op(a, b); }
const Tensor& mul_(const Tensor& self, const Tensor& other) { return mul_op.inplace(self, other); }
Tensor div(const Tensor& a, const Tensor& b) { return div_op(a, b); }
Tensor neg(const Tensor& x) { return neg_op(x); }

}  // namespace ops
}  // namespace rt
