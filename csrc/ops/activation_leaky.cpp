// Activations with a slope or an exponential below zero.
#include "ops/activation_record.h"

namespace rt {

namespace {

// ---- leaky relu and prelu: the slope is a tensor, of one element or one per channel ----

ElementwiseSlot leaky_relu_slot{"leaky_relu", EwCompute::Promoted, EwResult::Same, 2};
ElementwiseSlot leaky_relu_backward_slot{"leaky_relu_backward", EwCompute::Promoted, EwResult::Same,
                                         3};

Tensor leaky_relu_backward_forward(Out out, const Tensor& g, const Tensor& x, const Tensor& slope) {
  const Tensor inputs[] = {g, x, slope};
  return elementwise(leaky_relu_backward_slot, "leaky_relu_backward", out, inputs);
}
// The gradient that reaches the slope through values below zero.
Tensor below_zero(const Tensor& g, const Tensor& x, const Tensor& factor) {
  return ops::where(ops::gt(x, 0), Scalar(0), g * factor);
}
void leaky_relu_backward_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  if (c.needs(0)) c.set(0, ops::leaky_relu_backward(c.grad(), c.input(1), c.input(2)));
  if (c.needs(2)) c.set(2, below_zero(c.grad(), c.input(1), c.input(0)));
}
const Op leaky_relu_backward_op(
    "_leaky_relu_backward(Tensor grad, Tensor input, Tensor slope) -> Tensor",
    leaky_relu_backward_forward,
    {.vjp = leaky_relu_backward_vjp,
     .saves = "grad input slope",
     .in = "",
     .broadcasts = true,
     .kernels = {&leaky_relu_backward_slot}});

Tensor leaky_relu_forward(Out out, const Tensor& x, Scalar slope) {
  const Tensor inputs[] = {x, parameter(x, slope.to_double())};
  return elementwise(leaky_relu_slot, "leaky_relu", out, inputs, x.dtype());
}
void leaky_relu_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  c.set(0, ops::leaky_relu_backward(c.grad(), c.input(0),
                                    wrapped_number(c.arg<Scalar>(1).to_double())));
}
const Op leaky_relu_op("leaky_relu(Tensor input, Scalar negative_slope=0.01) -> Tensor",
                       leaky_relu_forward,
                       {.vjp = leaky_relu_vjp,
                        .saves = "input",
                        .in = "nn.functional.inplace",
                        .inplace = true,
                        .kernels = {&leaky_relu_slot}});
Tensor leaky_relu_either(const Tensor& x, Scalar slope, bool inplace) {
  return inplace ? leaky_relu_op.inplace(x, slope) : leaky_relu_op(x, slope);
}
const Op leaky_relu_functional_op(
    "leaky_relu.functional(Tensor input, Scalar negative_slope=0.01, bool inplace=False) -> Tensor",
    leaky_relu_either,
    {.in = "nn.functional", .doc = R"(x above zero, `negative_slope * x` below (Maas et al., 2013).

Floating-point tensors only. Follows `torch.nn.functional.leaky_relu`.

>>> rt.nn.functional.leaky_relu(rt.tensor([-100., 2.]))
tensor([-1.,  2.])
)"});

void prelu_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  if (c.needs(0)) c.set(0, ops::leaky_relu_backward(c.grad(), c.input(0), c.input(1)));
  if (c.needs(1)) c.set(1, below_zero(c.grad(), c.input(0), c.input(0)));
}
const Op prelu_kernel_op("_prelu(Tensor input, Tensor weight) -> Tensor",
                         binary_forward<leaky_relu_slot>,
                         {.vjp = prelu_vjp,
                          .saves = "input weight",
                          .in = "",
                          .broadcasts = true,
                          .kernels = {&leaky_relu_slot}});
Tensor prelu_forward(const Tensor& x, const Tensor& weight) {
  RT_CHECK(x.dtype() == weight.dtype(), Runtime, "prelu",
           cat_str("Type promoting not supported. Got ", x.dtype(), " and ", weight.dtype()));
  RT_CHECK(weight.dim() <= 1, Runtime, "prelu",
           cat_str("Expected `weight` to be a scalar or 1D tensor, but got: ndim = ", weight.dim()),
           describe(weight));
  if (weight.numel() == 1) return prelu_kernel_op(x, ops::reshape(weight, {}));
  RT_CHECK(x.dim() > 0, Runtime, "prelu", "Not allow zero-dim input tensor.", describe(x));
  const int64_t channels = x.dim() > 1 ? x.size(1) : 1;
  RT_CHECK(
      channels == weight.numel(), Runtime, "prelu",
      cat_str("Mismatch of parameter numbers and input channel size. Found parameter numbers = ",
              weight.numel(), " and channel size = ", channels, "."),
      cat_str(describe(x), " and ", describe(weight)));
  Dims shape(static_cast<size_t>(x.dim()), 1);
  shape[1] = channels;
  return prelu_kernel_op(x, ops::reshape(weight, shape));
}
const Op prelu_op(
    "prelu(Tensor input, Tensor weight) -> Tensor", prelu_forward,
    {.in = "rt Tensor nn.functional",
     .doc =
         R"(x above zero, `weight * x` below; one weight for all or one a channel (He et al., 2015).

Channels are dim 1. Errors if their number is not the number of weights. Follows
`torch.nn.functional.prelu`.

>>> rt.prelu(rt.tensor([-2., 2.]), rt.tensor([0.25]))
tensor([-0.5000,  2.0000])
)"});

// ---- elu, selu, celu: negative * (exp(scale * x) - 1) below zero, positive * x above ----

ElementwiseSlot elu_slot{"elu", EwCompute::Promoted, EwResult::Same, 4};
ElementwiseSlot elu_backward_slot{"elu_backward", EwCompute::Promoted, EwResult::Same, 5};

// Klambauer et al., 2017: the constants that make zero mean and unit variance a fixed point.
constexpr double kSeluAlpha = 1.6732632423543772848170429916717;
constexpr double kSeluScale = 1.0507009873554804934193349852946;

Tensor elu_backward_forward(Out out, const Tensor& g, const Tensor& x, double negative,
                            double positive, double scale) {
  const Tensor inputs[] = {g, x, parameter(x, negative), parameter(x, positive),
                           parameter(x, scale)};
  return elementwise(elu_backward_slot, "elu_backward", out, inputs, g.dtype());
}
Tensor elu_backward(const Tensor& g, const Tensor& x, double negative, double positive,
                    double scale);
void elu_backward_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const double negative = c.arg<double>(2), positive = c.arg<double>(3), scale = c.arg<double>(4);
  const Tensor x = c.input(1);
  if (c.needs(0)) c.set(0, elu_backward(c.grad(), x, negative, positive, scale));
  // From zero on the slope is constant.
  if (c.needs(1)) {
    const Tensor bent = elu_backward(c.grad() * c.input(0), x, negative * scale, 0, scale);
    c.set(1, ops::where(ops::lt(x, 0), bent, Scalar(0)));
  }
}
const Op elu_backward_op(
    "_elu_backward(Tensor grad, Tensor input, float negative, float positive, "
    "float input_scale) -> Tensor",
    elu_backward_forward,
    {.vjp = elu_backward_vjp, .saves = "grad input", .in = "", .kernels = {&elu_backward_slot}});
Tensor elu_backward(const Tensor& g, const Tensor& x, double negative, double positive,
                    double scale) {
  return elu_backward_op(g, x, negative, positive, scale);
}
Tensor run_elu(const char* op, Out out, const Tensor& x, double negative, double positive,
               double scale) {
  const Tensor inputs[] = {x, parameter(x, negative), parameter(x, positive), parameter(x, scale)};
  return elementwise(elu_slot, op, out, inputs, x.dtype());
}

Tensor elu_forward(Out out, const Tensor& x, Scalar alpha) {
  return run_elu("elu", out, x, alpha.to_double(), 1, 1);
}
void elu_vjp(VjpContext& c) {
  if (c.has_grad())
    c.set(0, elu_backward(c.grad(), c.input(0), c.arg<Scalar>(1).to_double(), 1, 1));
}
const Op elu_op("elu(Tensor input, Scalar alpha=1.0) -> Tensor", elu_forward,
                {.vjp = elu_vjp,
                 .saves = "input",
                 .in = "nn.functional.inplace",
                 .inplace = true,
                 .kernels = {&elu_slot}});
Tensor elu_either(const Tensor& x, Scalar alpha, bool inplace) {
  return inplace ? elu_op.inplace(x, alpha) : elu_op(x, alpha);
}
const Op elu_functional_op(
    "elu.functional(Tensor input, Scalar alpha=1.0, bool inplace=False) -> Tensor", elu_either,
    {.in = "nn.functional",
     .doc = R"(x above zero, `alpha * (exp(x) - 1)` below (Clevert et al., 2015).

Floating-point tensors only. Follows `torch.nn.functional.elu`.

>>> rt.nn.functional.elu(rt.tensor([-100., 2.]))
tensor([-1.,  2.])
)"});

Tensor selu_forward(Out out, const Tensor& x) {
  return run_elu("selu", out, x, kSeluAlpha * kSeluScale, kSeluScale, 1);
}
const Op selu_op(
    "selu(Tensor input) -> Tensor", selu_forward,
    {.vjp = RT_GRADIENT(elu_backward(c.grad(), c.input(0), kSeluAlpha* kSeluScale, kSeluScale, 1)),
     .saves = "input",
     .in = "rt nn.functional.inplace",
     .inplace = true,
     .kernels = {&elu_slot},
     .doc = R"(elu scaled so that activations keep mean 0 and variance 1 (Klambauer et al., 2017).

Floating-point tensors only. Follows `torch.selu`.

>>> rt.selu(rt.tensor([0., 1.]))
tensor([0.0000, 1.0507])
)"});
Tensor selu_either(const Tensor& x, bool inplace) {
  return inplace ? selu_op.inplace(x) : selu_op(x);
}
const Op selu_functional_op(
    "selu.functional(Tensor input, bool inplace=False) -> Tensor", selu_either,
    {.in = "nn.functional",
     .doc = R"(elu scaled so that activations keep mean 0 and variance 1 (Klambauer et al., 2017).

Follows `torch.nn.functional.selu`.

>>> rt.nn.functional.selu(rt.tensor([0., 1.]))
tensor([0.0000, 1.0507])
)"});

Tensor celu_forward(Out out, const Tensor& x, Scalar alpha) {
  RT_CHECK(alpha.to_double() != 0, Runtime, "celu",
           "ZeroDivisionError: alpha cannot be 0 for CELU");
  return run_elu("celu", out, x, alpha.to_double(), 1, 1 / alpha.to_double());
}
void celu_vjp(VjpContext& c) {
  const double alpha = c.arg<Scalar>(1).to_double();
  if (c.has_grad()) c.set(0, elu_backward(c.grad(), c.input(0), alpha, 1, 1 / alpha));
}
const Op celu_op("celu(Tensor input, Scalar alpha=1.0) -> Tensor", celu_forward,
                 {.vjp = celu_vjp,
                  .saves = "input",
                  .in = "rt nn.functional.inplace",
                  .inplace = true,
                  .kernels = {&elu_slot},
                  .doc = R"(x above zero, `alpha * (exp(x / alpha) - 1)` below (Barron, 2017).

Floating-point tensors only; errors for `alpha=0`. Follows `torch.celu`.

>>> rt.celu(rt.tensor([0., 2.]))
tensor([0., 2.])
)"});
Tensor celu_either(const Tensor& x, Scalar alpha, bool inplace) {
  return inplace ? celu_op.inplace(x, alpha) : celu_op(x, alpha);
}
const Op celu_functional_op(
    "celu.functional(Tensor input, Scalar alpha=1.0, bool inplace=False) -> Tensor", celu_either,
    {.in = "nn.functional",
     .doc = R"(x above zero, `alpha * (exp(x / alpha) - 1)` below (Barron, 2017).

Follows `torch.nn.functional.celu`.

>>> rt.nn.functional.celu(rt.tensor([0., 2.]))
tensor([0., 2.])
)"});

}  // namespace

namespace ops {

Tensor leaky_relu(const Tensor& x, double negative_slope) {
  return leaky_relu_op(x, negative_slope);
}
Tensor leaky_relu_backward(const Tensor& g, const Tensor& x, const Tensor& slope) {
  return leaky_relu_backward_op(g, x, slope);
}

}  // namespace ops
}  // namespace rt
