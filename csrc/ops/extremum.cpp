// The larger and the smaller of two, and bounds.
#include <limits>

#include "autograd/vjp.h"
#include "ops/elementwise.h"
#include "ops/index_support.h"
#include "ops/ops.h"

namespace rt {

namespace {

template <ElementwiseSlot& S>
Tensor extremum_forward(Out out, const Tensor& a, const Tensor& b) {
  RT_CHECK(!is_complex(a.dtype()) && !is_complex(b.dtype()), Runtime, S.name(),
           cat_str(S.name(), " not implemented for complex tensors."),
           cat_str(describe(a), " and ", describe(b)));
  return elementwise(S, S.name(), out, a, b);
}
// Equal elements share the gradient.
void shared_vjp(VjpContext& c, Tensor (*loses)(const Tensor&, const Tensor&)) {
  if (!c.has_grad()) return;
  const Tensor a = c.input(0), b = c.input(1);
  const Tensor g = ops::where(ops::eq(a, b), c.grad() * 0.5, c.grad());
  if (c.needs(0)) c.set(0, ops::where(loses(a, b), Scalar(0), g));
  if (c.needs(1)) c.set(1, ops::where(loses(b, a), Scalar(0), g));
}
void maximum_vjp(VjpContext& c) { shared_vjp(c, ops::lt); }
void minimum_vjp(VjpContext& c) { shared_vjp(c, ops::gt); }
// Of equal elements the first has it; a number has it before NaN.
void first_vjp(VjpContext& c, Tensor (*wins)(const Tensor&, const Tensor&)) {
  if (!c.has_grad()) return;
  const Tensor a = c.input(0), b = c.input(1);
  const Tensor first = ops::logical_or(wins(a, b), ops::isnan(b));
  if (c.needs(0)) c.set(0, ops::where(first, c.grad(), Scalar(0)));
  if (c.needs(1)) c.set(1, ops::where(first, Scalar(0), c.grad()));
}
void fmax_vjp(VjpContext& c) { first_vjp(c, ops::ge); }
void fmin_vjp(VjpContext& c) { first_vjp(c, ops::le); }

#define RT_EXTREMUM_OP(name, text)                                            \
  ElementwiseSlot name##_slot{#name, EwCompute::Promoted, EwResult::Same, 2}; \
  const Op name##_op(#name "(Tensor input, Tensor other) -> Tensor",          \
                     extremum_forward<name##_slot>,                           \
                     {.vjp = name##_vjp,                                      \
                      .saves = "input other",                                 \
                      .out = true,                                            \
                      .broadcasts = true,                                     \
                      .kernels = {&name##_slot},                              \
                      .doc = text});

RT_EXTREMUM_OP(maximum, R"(The larger of two elements, with broadcasting; NaN if either is NaN.

Errors for complex tensors. Follows `torch.maximum`.

>>> rt.maximum(rt.tensor([1, 5]), rt.tensor([3, 2]))
tensor([3, 5])
)")
RT_EXTREMUM_OP(minimum, R"(The smaller of two elements, with broadcasting; NaN if either is NaN.

Errors for complex tensors. Follows `torch.minimum`.

>>> rt.minimum(rt.tensor([1, 5]), rt.tensor([3, 2]))
tensor([1, 2])
)")
RT_EXTREMUM_OP(fmax, R"(The larger of two elements; NaN only if both are NaN.

Errors for complex tensors. Follows `torch.fmax`.

>>> rt.fmax(rt.tensor([1., float('nan')]), rt.tensor([3., 2.]))
tensor([3., 2.])
)")
RT_EXTREMUM_OP(fmin, R"(The smaller of two elements; NaN only if both are NaN.

Errors for complex tensors. Follows `torch.fmin`.

>>> rt.fmin(rt.tensor([1., float('nan')]), rt.tensor([3., 2.]))
tensor([1., 2.])
)")

// max and min of two tensors are the same functions.
const Op max_other_op("max.other(Tensor input, Tensor other) -> Tensor", ops::maximum,
                      {.out = true});
const Op min_other_op("min.other(Tensor input, Tensor other) -> Tensor", ops::minimum,
                      {.out = true});

// ---- bounds ----

ElementwiseSlot clamp_slot{"clamp", EwCompute::Promoted, EwResult::Same, 3};
ElementwiseSlot clamp_backward_slot{"interval_backward", EwCompute::Promoted, EwResult::Same, 4};

Tensor clamp_forward(Out out, const Tensor& x, const Tensor& min, const Tensor& max) {
  RT_CHECK(min.defined() || max.defined(), Runtime, "clamp",
           "At least one of 'min' or 'max' must not be None", "", "clamp(input, min=0)");
  for (const Tensor& t : {x, min, max}) {
    RT_CHECK(!t.defined() || !is_complex(t.dtype()), NotImplemented, "clamp",
             "clamp is not supported for complex types", describe(t));
  }
  const Tensor operands[] = {x, min, max};
  const bool number =
      (min.defined() && min.is_wrapped_number()) || (max.defined() && max.is_wrapped_number());
  if (number) {
    const DType type = result_type(operands);
    if (type == DType::Bool) not_implemented_for("clamp", x, "an integer dtype");
    check_operand_fits("clamp", min, type);
    check_operand_fits("clamp", max, type);
  }
  if (!min.defined()) return elementwise(minimum_slot, "clamp", out, x, max);
  if (!max.defined()) return elementwise(maximum_slot, "clamp", out, x, min);
  return elementwise(clamp_slot, "clamp", out, operands);
}
Tensor bound_or(const Tensor& bound, double infinity) {
  return bound.defined() ? bound : wrapped_number(infinity);
}
void clamp_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  constexpr double inf = std::numeric_limits<double>::infinity();
  const Tensor g = c.grad(), x = c.input(0), min = c.input(1), max = c.input(2);
  if (c.needs(0)) c.set(0, ops::clamp_backward(g, x, bound_or(min, -inf), bound_or(max, inf)));
  if (c.needs(1)) {
    const Tensor below = ops::lt(x, min);
    const Tensor mine = max.defined() ? ops::logical_and(below, ops::lt(min, max)) : below;
    c.set(1, ops::where(mine, g, Scalar(0)));
  }
  if (c.needs(2)) {
    const Tensor above = ops::gt(x, max);
    const Tensor mine = min.defined() ? ops::logical_or(above, ops::lt(max, min)) : above;
    c.set(2, ops::where(mine, g, Scalar(0)));
  }
}
const Op clamp_op(
    "clamp(Tensor input, Operand? min=None, Operand? max=None) -> Tensor", clamp_forward,
    {.vjp = clamp_vjp,
     .saves = "input min max",
     .aliases = "clip",
     .inplace = true,
     .out = true,
     .broadcasts = true,
     .kernels = {&clamp_slot},
     .doc = R"(Each element brought into [min, max]; `max` wins where it is below `min`.

Bounds are numbers or tensors that broadcast; either may be absent, and both take part in type
promotion. NaN stays NaN. Errors for complex tensors. Follows `torch.clamp`.

>>> rt.clamp(rt.tensor([-2., 0.5, 3.]), -1, 1)
tensor([-1.0000,  0.5000,  1.0000])
)"});

Tensor clamp_min_forward(Out out, const Tensor& x, const Tensor& min) {
  return clamp_forward(out, x, min, Tensor());
}
void clamp_min_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const Tensor kept = ops::ge(c.input(0), c.input(1));
  if (c.needs(0)) c.set(0, ops::where(kept, c.grad(), Scalar(0)));
  if (c.needs(1)) c.set(1, ops::where(kept, Scalar(0), c.grad()));
}
const Op clamp_min_op("clamp_min(Tensor input, Operand min) -> Tensor", clamp_min_forward,
                      {.vjp = clamp_min_vjp,
                       .saves = "input min",
                       .inplace = true,
                       .out = true,
                       .broadcasts = true,
                       .kernels = {&maximum_slot},
                       .doc = R"(Each element, or `min` where that is larger.

Follows `torch.clamp_min`.

>>> rt.clamp_min(rt.tensor([-2., 3.]), 0)
tensor([0., 3.])
)"});

Tensor clamp_max_forward(Out out, const Tensor& x, const Tensor& max) {
  return clamp_forward(out, x, Tensor(), max);
}
void clamp_max_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const Tensor kept = ops::le(c.input(0), c.input(1));
  if (c.needs(0)) c.set(0, ops::where(kept, c.grad(), Scalar(0)));
  if (c.needs(1)) c.set(1, ops::where(kept, Scalar(0), c.grad()));
}
const Op clamp_max_op("clamp_max(Tensor input, Operand max) -> Tensor", clamp_max_forward,
                      {.vjp = clamp_max_vjp,
                       .saves = "input max",
                       .inplace = true,
                       .out = true,
                       .broadcasts = true,
                       .kernels = {&minimum_slot},
                       .doc = R"(Each element, or `max` where that is smaller.

Follows `torch.clamp_max`.

>>> rt.clamp_max(rt.tensor([-2., 3.]), 0)
tensor([-2.,  0.])
)"});

Tensor clamp_backward_forward(Out out, const Tensor& g, const Tensor& x, const Tensor& low,
                              const Tensor& high) {
  const Tensor inputs[] = {g, x, low, high};
  return elementwise(clamp_backward_slot, "clamp_backward", out, inputs);
}
void clamp_backward_vjp(VjpContext& c) {
  if (c.has_grad() && c.needs(0)) {
    c.set(0, ops::clamp_backward(c.grad(), c.input(1), c.input(2), c.input(3)));
  }
}
const Op clamp_backward_op(
    "_clamp_backward(Tensor grad, Tensor input, Tensor min, Tensor max) -> Tensor",
    clamp_backward_forward,
    {.vjp = clamp_backward_vjp,
     .saves = "input min max",
     .in = "",
     .broadcasts = true,
     .kernels = {&clamp_backward_slot}});

}  // namespace

namespace ops {

Tensor maximum(const Tensor& a, const Tensor& b) { return maximum_op(a, b); }
Tensor minimum(const Tensor& a, const Tensor& b) { return minimum_op(a, b); }
Tensor fmax(const Tensor& a, const Tensor& b) { return fmax_op(a, b); }
Tensor fmin(const Tensor& a, const Tensor& b) { return fmin_op(a, b); }
Tensor clamp(const Tensor& x, const Tensor& min, const Tensor& max) {
  return clamp_op(x, min, max);
}
Tensor clamp(const Tensor& x, std::optional<Scalar> min, std::optional<Scalar> max) {
  return clamp_op(x, min ? wrapped_number(*min) : Tensor(), max ? wrapped_number(*max) : Tensor());
}
Tensor clamp_min(const Tensor& x, const Tensor& min) { return clamp_min_op(x, min); }
Tensor clamp_max(const Tensor& x, const Tensor& max) { return clamp_max_op(x, max); }
Tensor clamp_backward(const Tensor& g, const Tensor& x, const Tensor& low, const Tensor& high) {
  return clamp_backward_op(g, x, low, high);
}

}  // namespace ops
}  // namespace rt
