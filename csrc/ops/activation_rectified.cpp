// Activations in pieces: relu, leaky relu, elu and their relatives.
#include "ops/activation_record.h"
#include "ops/index_support.h"

namespace rt {

namespace {

// ---- threshold and relu ----

ElementwiseSlot threshold_slot{"threshold", EwCompute::Promoted, EwResult::Same, 3};
ElementwiseSlot threshold_backward_slot{"threshold_backward", EwCompute::Promoted, EwResult::Same,
                                        3};

Tensor threshold_backward_forward(Out out, const Tensor& g, const Tensor& x, double threshold) {
  const Tensor inputs[] = {g, x, parameter(x, threshold)};
  return elementwise(threshold_backward_slot, "threshold_backward", out, inputs, g.dtype());
}
void threshold_backward_vjp(VjpContext& c) {
  if (c.has_grad()) c.set(0, ops::threshold_backward(c.grad(), c.input(1), c.arg<double>(2)));
}
const Op threshold_backward_op(
    "_threshold_backward(Tensor grad, Tensor input, float threshold) -> Tensor",
    threshold_backward_forward,
    {.vjp = threshold_backward_vjp,
     .saves = "input",
     .in = "",
     .kernels = {&threshold_backward_slot}});

Tensor threshold_forward(Out out, const Tensor& x, Scalar threshold, Scalar value) {
  check_number_fits("threshold", threshold, x.dtype());
  check_number_fits("threshold", value, x.dtype());
  const DType compute = compute_type(x.dtype());
  const Tensor inputs[] = {x, scalar_tensor(threshold, compute), scalar_tensor(value, compute)};
  return elementwise(threshold_slot, "threshold", out, inputs, x.dtype());
}
void threshold_vjp(VjpContext& c) {
  if (c.has_grad()) {
    c.set(0, ops::threshold_backward(c.grad(), c.input(0), c.arg<Scalar>(1).to_double()));
  }
}
const Op threshold_op("threshold(Tensor input, Scalar threshold, Scalar value) -> Tensor",
                      threshold_forward,
                      {.vjp = threshold_vjp,
                       .saves = "input",
                       .in = "rt nn.functional.inplace",
                       .inplace = true,
                       .out = true,
                       .kernels = {&threshold_slot},
                       .doc = R"(x where x > threshold (or x is NaN), else `value`.

Follows `torch.threshold`.

>>> rt.threshold(rt.tensor([-1., 2.]), 0.5, 9.)
tensor([9., 2.])
)"});
Tensor threshold_either(const Tensor& x, Scalar threshold, Scalar value, bool inplace) {
  return inplace ? threshold_op.inplace(x, threshold, value) : threshold_op(x, threshold, value);
}
const Op threshold_functional_op(
    "threshold.functional(Tensor input, Scalar threshold, Scalar value, bool inplace=False) -> "
    "Tensor",
    threshold_either,
    {.in = "nn.functional", .doc = R"(x where x > threshold (or x is NaN), else `value`.

Follows `torch.nn.functional.threshold`.

>>> rt.nn.functional.threshold(rt.tensor([-1., 2.]), 0.5, 9.)
tensor([9., 2.])
)"});

ElementwiseSlot relu_slot{"relu", EwCompute::Promoted, EwResult::Same, 1};
Tensor relu_forward(Out out, const Tensor& x) {
  RT_CHECK(x.dtype() != DType::Bool, Runtime, "relu", "Boolean inputs not supported for relu",
           describe(x));
  return elementwise(relu_slot, "relu", out, x);
}
const Op relu_op("relu(Tensor input) -> Tensor", relu_forward,
                 {.vjp = RT_GRADIENT(ops::threshold_backward(c.grad(), c.result(), 0)),
                  .saves = "result",
                  .in = "rt Tensor nn.functional.inplace",
                  .inplace = true,
                  .kernels = {&relu_slot},
                  .doc = R"(The larger of each element and zero; NaN stays NaN.

Errors for bool and complex tensors. Follows `torch.relu`.

>>> rt.relu(rt.tensor([-1., 2.]))
tensor([0., 2.])
)"});
Tensor relu_either(const Tensor& x, bool inplace) {
  return inplace ? relu_op.inplace(x) : relu_op(x);
}
const Op relu_functional_op("relu.functional(Tensor input, bool inplace=False) -> Tensor",
                            relu_either,
                            {.in = "nn.functional",
                             .doc = R"(The larger of each element and zero; NaN stays NaN.

Follows `torch.nn.functional.relu`.

>>> rt.nn.functional.relu(rt.tensor([-1., 2.]))
tensor([0., 2.])
)"});

// ---- clamps ----

ElementwiseSlot hardtanh_backward_slot{"open_interval_backward", EwCompute::Promoted,
                                       EwResult::Same, 4};

Tensor hardtanh_backward_forward(Out out, const Tensor& g, const Tensor& x, double low,
                                 double high) {
  const Tensor inputs[] = {g, x, parameter(x, low), parameter(x, high)};
  return elementwise(hardtanh_backward_slot, "hardtanh_backward", out, inputs, g.dtype());
}
Tensor hardtanh_backward(const Tensor& g, const Tensor& x, double low, double high);
void hardtanh_backward_vjp(VjpContext& c) {
  if (c.has_grad())
    c.set(0, hardtanh_backward(c.grad(), c.input(1), c.arg<double>(2), c.arg<double>(3)));
}
const Op hardtanh_backward_op(
    "_hardtanh_backward(Tensor grad, Tensor input, float min_val, float max_val) -> Tensor",
    hardtanh_backward_forward,
    {.vjp = hardtanh_backward_vjp,
     .saves = "input",
     .in = "",
     .kernels = {&hardtanh_backward_slot}});
Tensor hardtanh_backward(const Tensor& g, const Tensor& x, double low, double high) {
  return hardtanh_backward_op(g, x, low, high);
}

Tensor hardtanh_forward(Out out, const Tensor& x, Scalar low, Scalar high) {
  RT_CHECK(low.to_double() <= high.to_double(), Value, "hardtanh",
           "min_val cannot be greater than max_val", cat_str("min_val=", low, ", max_val=", high));
  RT_CHECK(x.dtype() != DType::Bool, Runtime, "hardtanh", "Bool inputs not supported for hardtanh",
           describe(x));
  RT_CHECK(x.dtype() != DType::UInt8 || low.to_double() >= 0, Runtime, "hardtanh",
           "cannot do hardtanh on an unsigned type with negative limits", describe(x));
  // Unlike a clamp's, the bounds take the dtype of the tensor.
  check_number_fits("hardtanh", low, x.dtype());
  check_number_fits("hardtanh", high, x.dtype());
  const DType compute = compute_type(x.dtype());
  const Tensor inputs[] = {x, scalar_tensor(low, compute), scalar_tensor(high, compute)};
  return elementwise(*ElementwiseSlot::find("clamp"), "hardtanh", out, inputs, x.dtype());
}
void hardtanh_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  c.set(0, hardtanh_backward(c.grad(), c.input(0), c.arg<Scalar>(1).to_double(),
                             c.arg<Scalar>(2).to_double()));
}
const Op hardtanh_op(
    "hardtanh(Tensor input, Scalar min_val=-1, Scalar max_val=1) -> Tensor", hardtanh_forward,
    {.vjp = hardtanh_vjp, .saves = "input", .in = "nn.functional.inplace", .inplace = true});
Tensor hardtanh_either(const Tensor& x, Scalar low, Scalar high, bool inplace) {
  return inplace ? hardtanh_op.inplace(x, low, high) : hardtanh_op(x, low, high);
}
const Op hardtanh_functional_op(
    "hardtanh.functional(Tensor input, Scalar min_val=-1.0, Scalar max_val=1.0, bool "
    "inplace=False) -> Tensor",
    hardtanh_either, {.in = "nn.functional", .doc = R"(Each element brought into [min_val, max_val].

ValueError if `min_val > max_val`. Follows `torch.nn.functional.hardtanh`.

>>> rt.nn.functional.hardtanh(rt.tensor([-2., 0.5, 3.]))
tensor([-1.0000,  0.5000,  1.0000])
)"});
Tensor relu6_either(const Tensor& x, bool inplace) { return hardtanh_either(x, 0, 6, inplace); }
const Op relu6_op("relu6(Tensor input, bool inplace=False) -> Tensor", relu6_either,
                  {.in = "nn.functional", .doc = R"(Each element brought into [0, 6].

Follows `torch.nn.functional.relu6`.

>>> rt.nn.functional.relu6(rt.tensor([-1., 3., 8.]))
tensor([0., 3., 6.])
)"});

Tensor no_curvature(const Tensor& x) { return ops::zeros_like(x); }
Tensor hardswish_second(const Tensor& x) {
  return ops::where(ops::lt(ops::abs(x), 3), ops::full_like(x, 1.0 / 3), Scalar(0));
}
RT_BACKWARD_OP(hardsigmoid, no_curvature)
RT_BACKWARD_OP(hardswish, hardswish_second)

RT_ACTIVATION_OP(hardsigmoid, R"(`relu6(x + 3) / 6` of each element.

Floating-point tensors only. Follows `torch.nn.functional.hardsigmoid`.

>>> rt.nn.functional.hardsigmoid(rt.tensor([-4., 0., 4.]))
tensor([0.0000, 0.5000, 1.0000])
)")
RT_ACTIVATION_OP(hardswish, R"(`x * relu6(x + 3) / 6` of each element (Howard et al., 2019).

Floating-point tensors only. Follows `torch.nn.functional.hardswish`.

>>> rt.nn.functional.hardswish(rt.tensor([-4., 0., 4.]))
tensor([-0., 0., 4.])
)")

// ---- shrinking ----

ElementwiseSlot hardshrink_slot{"hardshrink", EwCompute::Promoted, EwResult::Same, 2};
ElementwiseSlot softshrink_slot{"softshrink", EwCompute::Promoted, EwResult::Same, 2};
ElementwiseSlot shrink_backward_slot{"outside_backward", EwCompute::Promoted, EwResult::Same, 4};

Tensor shrink_backward_forward(Out out, const Tensor& g, const Tensor& x, double lambd) {
  const Tensor inputs[] = {g, x, parameter(x, -lambd), parameter(x, lambd)};
  return elementwise(shrink_backward_slot, "shrink_backward", out, inputs, g.dtype());
}
Tensor shrink_backward(const Tensor& g, const Tensor& x, double lambd);
void shrink_backward_vjp(VjpContext& c) {
  if (c.has_grad()) c.set(0, shrink_backward(c.grad(), c.input(1), c.arg<double>(2)));
}
const Op shrink_backward_op(
    "_shrink_backward(Tensor grad, Tensor input, float lambd) -> Tensor", shrink_backward_forward,
    {.vjp = shrink_backward_vjp, .saves = "input", .in = "", .kernels = {&shrink_backward_slot}});
Tensor shrink_backward(const Tensor& g, const Tensor& x, double lambd) {
  return shrink_backward_op(g, x, lambd);
}
void shrink_vjp(VjpContext& c) {
  if (c.has_grad()) c.set(0, shrink_backward(c.grad(), c.input(0), c.arg<double>(1)));
}
Tensor hardshrink_forward(Out out, const Tensor& x, double lambd) {
  const Tensor inputs[] = {x, parameter(x, lambd)};
  return elementwise(hardshrink_slot, "hardshrink", out, inputs, x.dtype());
}
const Op hardshrink_op("hardshrink(Tensor input, float lambd=0.5) -> Tensor", hardshrink_forward,
                       {.vjp = shrink_vjp,
                        .saves = "input",
                        .in = "rt Tensor nn.functional",
                        .out = true,
                        .kernels = {&hardshrink_slot},
                        .doc = R"(x where |x| > lambd (or x is NaN), else 0.

Floating-point tensors only. Follows `torch.nn.functional.hardshrink`.

>>> rt.hardshrink(rt.tensor([-1., 0.3]))
tensor([-1.,  0.])
)"});
Tensor softshrink_forward(Out out, const Tensor& x, double lambd) {
  RT_CHECK(lambd >= 0, Runtime, "softshrink",
           cat_str("lambda must be greater or equal to 0, but found to be ", lambd));
  const Tensor inputs[] = {x, parameter(x, lambd)};
  return elementwise(softshrink_slot, "softshrink", out, inputs, x.dtype());
}
const Op softshrink_op("softshrink(Tensor input, float lambd=0.5) -> Tensor", softshrink_forward,
                       {.vjp = shrink_vjp,
                        .saves = "input",
                        .in = "nn.functional",
                        .out = true,
                        .kernels = {&softshrink_slot},
                        .doc = R"(x drawn towards zero by `lambd`, and 0 within it; NaN stays NaN.

Floating-point tensors only. Follows `torch.nn.functional.softshrink`.

>>> rt.nn.functional.softshrink(rt.tensor([-1., 0.3]))
tensor([-0.5000,  0.0000])
)"});

}  // namespace

namespace ops {

Tensor relu(const Tensor& x) { return relu_op(x); }
Tensor threshold_backward(const Tensor& g, const Tensor& x, double threshold) {
  return threshold_backward_op(g, x, threshold);
}

}  // namespace ops
}  // namespace rt
