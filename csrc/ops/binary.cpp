// Real functions of two arguments.
#include "ops/binary.h"

#include "autograd/vjp.h"
#include "ops/elementwise.h"
#include "ops/ops.h"

namespace rt {

namespace {

#define RT_BINARY_OP(name, arguments, compute, where, inplaces, text)           \
  ElementwiseSlot name##_slot{#name, EwCompute::compute, EwResult::Same, 2};    \
  const Op name##_op(#name arguments " -> Tensor", binary_forward<name##_slot>, \
                     {.vjp = name##_vjp,                                        \
                      .saves = name##_saves,                                    \
                      .in = where,                                              \
                      .aliases = name##_aliases,                                \
                      .inplace = inplaces,                                      \
                      .out = true,                                              \
                      .broadcasts = true,                                       \
                      .kernels = {&name##_slot},                                \
                      .doc = text});

constexpr const char* atan2_saves = "input other";
constexpr const char* atan2_aliases = "arctan2";
void atan2_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const Tensor y = c.input(0), x = c.input(1), square = y * y + x * x;
  // At the origin there is no direction to turn from.
  const Tensor slope = ops::where(ops::eq(square, 0), Scalar(0), c.grad() / square);
  if (c.needs(0)) c.set(0, slope * x);
  if (c.needs(1)) c.set(1, -slope * y);
}
RT_BINARY_OP(atan2, "(Tensor input, Tensor other)", Float, "rt Tensor", true,
             R"(The angle of the point (other, input), in [-pi, pi].

Integers are computed in the default float dtype. Follows `torch.atan2`.

>>> rt.atan2(rt.tensor([0., 1.]), rt.tensor([1., 1.]))
tensor([0.0000, 0.7854])
)")

constexpr const char* hypot_saves = "input other result";
constexpr const char* hypot_aliases = "";
void hypot_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  if (c.needs(0)) c.set(0, c.grad() * (c.input(0) / c.result()));
  if (c.needs(1)) c.set(1, c.grad() * (c.input(1) / c.result()));
}
RT_BINARY_OP(hypot, "(Tensor input, Tensor other)", Promoted, "rt Tensor", true,
             R"(`sqrt(input**2 + other**2)` without overflow on the way.

Floating-point tensors only. Follows `torch.hypot`.

>>> rt.hypot(rt.tensor([3.]), rt.tensor([4.]))
tensor([5.])
)")

constexpr const char* copysign_saves = "input result";
constexpr const char* copysign_aliases = "";
void copysign_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const Tensor x = c.input(0);
  if (c.needs(0)) {
    c.set(0, ops::where(ops::eq(x, 0), Scalar(0), c.grad() * ops::sign(x) * ops::sign(c.result())));
  }
  if (c.needs(1)) c.set(1, ops::zeros_like(c.grad()));
}
RT_BINARY_OP(copysign, "(Tensor input, Operand other)", Float, "rt Tensor", true,
             R"(The magnitude of `input` with the sign of `other`.

Integers are computed in the default float dtype. Follows `torch.copysign`.

>>> rt.copysign(rt.tensor([1., 2.]), rt.tensor([-3., 3.]))
tensor([-1.,  2.])
)")

constexpr const char* logaddexp_saves = "input other result";
constexpr const char* logaddexp_aliases = "";
void logaddexp_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  for (int i : {0, 1}) {
    const Tensor x = c.input(i), share = ops::exp(x - c.result());
    // Two infinities of one sign leave their difference undefined.
    if (c.needs(i)) c.set(i, c.grad() * ops::conj(ops::where(ops::isnan(share), Scalar(0), share)));
  }
}
RT_BINARY_OP(logaddexp, "(Tensor input, Tensor other)", Promoted, "rt Tensor", false,
             R"(`log(exp(input) + exp(other))` without overflow on the way.

Floating-point and complex tensors only. Follows `torch.logaddexp`.

>>> rt.logaddexp(rt.tensor([0.]), rt.tensor([0.]))
tensor([0.6931])
)")

constexpr const char* logaddexp2_saves = "input other result";
constexpr const char* logaddexp2_aliases = "";
void logaddexp2_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  for (int i : {0, 1}) {
    const Tensor x = c.input(i), share = ops::exp2(x - c.result());
    if (c.needs(i)) c.set(i, c.grad() * ops::where(ops::isnan(share), Scalar(0), share));
  }
}
RT_BINARY_OP(logaddexp2, "(Tensor input, Tensor other)", Promoted, "rt Tensor", false,
             R"(`log2(2**input + 2**other)` without overflow on the way.

Floating-point tensors only. Follows `torch.logaddexp2`.

>>> rt.logaddexp2(rt.tensor([0.]), rt.tensor([0.]))
tensor([1.])
)")

constexpr const char* xlogy_saves = "input other";
constexpr const char* xlogy_aliases = "";
void xlogy_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const Tensor x = c.input(0), y = c.input(1);
  if (c.needs(0)) {
    const Tensor flat = ops::logical_and(ops::eq(x, 0), ops::le(y, 0));
    // A bare number would be computed in the default dtype.
    const Tensor wide =
        y.is_wrapped_number() ? y * ops::ones_like(c.grad()) : ops::to(y, c.grad().dtype());
    c.set(0, ops::where(flat, Scalar(0), c.grad() * ops::log(wide)));
  }
  if (c.needs(1)) c.set(1, c.grad() * x / y);
}
RT_BINARY_OP(xlogy, "(Operand input, Operand other)", Float, "rt Tensor special", true,
             R"(`input * log(other)`, 0 where `input` is 0 (NaN if `other` is).

Integers are computed in the default float dtype. Follows `torch.xlogy`.

>>> rt.xlogy(rt.tensor([0., 2.]), rt.tensor([0., 1.]))
tensor([0., 0.])
)")

ElementwiseSlot nextafter_slot{"nextafter", EwCompute::Promoted, EwResult::Same, 2};
ElementwiseSlot nextafter_bfloat16_slot{"nextafter_bfloat16", EwCompute::Promoted, EwResult::Same,
                                        2};
ElementwiseSlot nextafter_half_slot{"nextafter_half", EwCompute::Promoted, EwResult::Same, 2};
Tensor nextafter_forward(Out out, const Tensor& a, const Tensor& b) {
  const DType type = result_type(a, b);
  const ElementwiseSlot& slot = type == DType::BFloat16  ? nextafter_bfloat16_slot
                                : type == DType::Float16 ? nextafter_half_slot
                                                         : nextafter_slot;
  return elementwise(slot, "nextafter", out, a, b);
}
// A neighbour moves as its number does; where both are equal it is the other one.
void nextafter_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  if (c.needs(0)) c.set(0, ops::where(ops::eq(c.input(0), c.input(1)), Scalar(0), c.grad()));
  if (c.needs(1)) c.set(1, ops::zeros_like(c.grad()));
}
const Op nextafter_op("nextafter(Tensor input, Tensor other) -> Tensor", nextafter_forward,
                      {.vjp = nextafter_vjp,
                       .saves = "input other",
                       .inplace = true,
                       .out = true,
                       .broadcasts = true,
                       // Which says the types of all three: it computes for halves as well.
                       .kernels = {&nextafter_slot},
                       .doc = R"(The next number of the dtype from `input` towards `other`.

Floating-point tensors only. Follows `torch.nextafter`.

>>> rt.nextafter(rt.tensor([1.]), rt.tensor([2.])) > 1
tensor([True])
)"});

ElementwiseSlot heaviside_slot{"heaviside", EwCompute::Promoted, EwResult::Same, 2};
Tensor heaviside_forward(Out out, const Tensor& x, const Tensor& values) {
  RT_CHECK(!is_complex(x.dtype()) && !is_complex(values.dtype()), Runtime, "heaviside",
           "heaviside is not yet implemented for complex tensors.", describe(x));
  RT_CHECK(x.dtype() == values.dtype(), Runtime, "heaviside",
           "heaviside is not yet implemented for tensors with different dtypes.",
           cat_str(describe(x), " and ", describe(values)));
  return elementwise(heaviside_slot, "heaviside", out, x, values);
}
void no_derivative(VjpContext&) {
  RT_FAIL(Runtime, "backward", "the derivative of a function that only steps is not implemented");
}
const Op heaviside_op(
    "heaviside(Tensor input, Tensor values) -> Tensor", heaviside_forward,
    {.vjp = no_derivative,
     .inplace = true,
     .out = true,
     .kernels = {&heaviside_slot},
     .doc = R"(0 for negative elements, 1 for positive ones, `values` where the element is 0.

Errors for complex tensors and for two dtypes. Follows `torch.heaviside`.

>>> rt.heaviside(rt.tensor([-1., 0., 2.]), rt.tensor([0.5]))
tensor([0.0000, 0.5000, 1.0000])
)"});

}  // namespace

namespace ops {

Tensor atan2(const Tensor& a, const Tensor& b) { return atan2_op(a, b); }
Tensor hypot(const Tensor& a, const Tensor& b) { return hypot_op(a, b); }
Tensor copysign(const Tensor& a, const Tensor& b) { return copysign_op(a, b); }
Tensor logaddexp(const Tensor& a, const Tensor& b) { return logaddexp_op(a, b); }
Tensor logaddexp2(const Tensor& a, const Tensor& b) { return logaddexp2_op(a, b); }
Tensor xlogy(const Tensor& a, const Tensor& b) { return xlogy_op(a, b); }

}  // namespace ops
}  // namespace rt
