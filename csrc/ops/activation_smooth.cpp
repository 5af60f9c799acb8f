// Smooth activations: sigmoid, tanh, silu, mish, gelu, softplus and their relatives.
#include "ops/activation_record.h"

namespace rt {

namespace {

// ---- second derivatives ----

Tensor sigmoid_second(const Tensor& y) { return 1 - y * 2; }
Tensor tanh_second(const Tensor& y) { return y * -2; }
Tensor logsigmoid_second(const Tensor& x) {
  const Tensor s = ops::sigmoid(x);
  return s * (s - 1);
}
Tensor silu_second(const Tensor& x) {
  const Tensor s = ops::sigmoid(x);
  return s * (1 - s) * (x * (1 - s * 2) + 2);
}
Tensor mish_second(const Tensor& x) {
  const Tensor t = ops::tanh(ops::softplus(x)), s = ops::sigmoid(x);
  return (1 - t * t) * s * (x * (1 - s) - x * t * s * 2 + 2);
}
Tensor gelu_second(const Tensor& x) {
  const Tensor square = x * x;
  return ops::exp(square * -0.5) * 0.39894228040143267794 * (2 - square);
}
Tensor gelu_tanh_second(const Tensor& x) {
  constexpr double k = 0.79788456080286535588, cubic = 0.044715;
  const Tensor square = x * x;
  const Tensor t = ops::tanh(x * (square * cubic + 1) * k), rest = 1 - t * t;
  const Tensor slope = (square * (3 * cubic) + 1) * k;
  return rest * (slope + x * (x * (3 * cubic * k) - t * slope * slope));
}

RT_BACKWARD_OP(sigmoid, sigmoid_second)
RT_BACKWARD_OP(tanh, tanh_second)
RT_BACKWARD_OP(logsigmoid, logsigmoid_second)
RT_BACKWARD_OP(silu, silu_second)
RT_BACKWARD_OP(mish, mish_second)
RT_BACKWARD_OP(gelu, gelu_second)
RT_BACKWARD_OP(gelu_tanh, gelu_tanh_second)

// ---- the activations ----

ElementwiseSlot sigmoid_slot{"sigmoid", EwCompute::Float, EwResult::Same, 1};
void sigmoid_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const Tensor y = c.result();
  c.set(0,
        is_complex(y.dtype()) ? c.grad() * ops::conj(y * (1 - y)) : sigmoid_backward(c.grad(), y));
}
const Op sigmoid_op("sigmoid(Tensor input) -> Tensor", unary_forward<sigmoid_slot>,
                    {.vjp = sigmoid_vjp,
                     .saves = "result",
                     .in = "rt Tensor nn.functional",
                     .inplace = true,
                     .out = true,
                     .kernels = {&sigmoid_slot},
                     .doc = R"(`1 / (1 + exp(-x))` of each element.

Integers are computed in the default float dtype. Follows `torch.sigmoid`.

>>> rt.sigmoid(rt.tensor([0.]))
tensor([0.5000])
)"});
Tensor expit_forward(const Tensor& x) { return sigmoid_op(x); }
const Op expit_op("expit(Tensor input) -> Tensor", expit_forward,
                  {.in = "special", .out = true, .doc = R"(The same as `rustorch.sigmoid`.

Follows `torch.special.expit`.
)"});

ElementwiseSlot tanh_slot{"tanh", EwCompute::Float, EwResult::Same, 1};
void tanh_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const Tensor y = c.result();
  c.set(0, is_complex(y.dtype()) ? c.grad() * ops::conj(1 - y * y) : tanh_backward(c.grad(), y));
}
const Op tanh_op("tanh(Tensor input) -> Tensor", unary_forward<tanh_slot>,
                 {.vjp = tanh_vjp,
                  .saves = "result",
                  .in = "rt Tensor nn.functional",
                  .inplace = true,
                  .out = true,
                  .kernels = {&tanh_slot},
                  .doc = R"(The hyperbolic tangent of each element.

Integers are computed in the default float dtype. Follows `torch.tanh`.

>>> rt.tanh(rt.tensor([0.]))
tensor([0.])
)"});

ElementwiseSlot silu_slot{"silu", EwCompute::Promoted, EwResult::Same, 1};
void silu_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const Tensor x = c.input(0);
  if (!is_complex(x.dtype())) return c.set(0, silu_backward(c.grad(), x));
  const Tensor s = ops::sigmoid(x);
  c.set(0, c.grad() * ops::conj(s * (x * (1 - s) + 1)));
}
const Op silu_kernel_op(
    "_silu(Tensor input) -> Tensor", unary_forward<silu_slot>,
    {.vjp = silu_vjp, .saves = "input", .in = "", .inplace = true, .kernels = {&silu_slot}});
Tensor silu_either(const Tensor& x, bool inplace) {
  return inplace ? silu_kernel_op.inplace(x) : silu_kernel_op(x);
}
const Op silu_op("silu(Tensor input, bool inplace=False) -> Tensor", silu_either,
                 {.in = "nn.functional",
                  .doc = R"(`x * sigmoid(x)`, also called swish (Hendrycks and Gimpel, 2016).

Floating-point and complex tensors only. Follows `torch.nn.functional.silu`.

>>> rt.nn.functional.silu(rt.tensor([0.]))
tensor([0.])
)"});

RT_ACTIVATION_OP(mish, R"(`x * tanh(softplus(x))` (Misra, 2019).

Floating-point tensors only. Follows `torch.nn.functional.mish`.

>>> rt.nn.functional.mish(rt.tensor([0.]))
tensor([0.])
)")

ElementwiseSlot gelu_slot{"gelu", EwCompute::Promoted, EwResult::Same, 1};
ElementwiseSlot gelu_tanh_slot{"gelu_tanh", EwCompute::Promoted, EwResult::Same, 1};
bool by_tanh(std::string_view approximate) {
  RT_CHECK(approximate == "none" || approximate == "tanh", Runtime, "gelu",
           "approximate argument must be either none or tanh.", std::string(approximate));
  return approximate == "tanh";
}
Tensor gelu_forward(Out out, const Tensor& x, std::string_view approximate) {
  return elementwise(by_tanh(approximate) ? gelu_tanh_slot : gelu_slot, "gelu", out, x);
}
void gelu_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const bool tanh = by_tanh(c.arg<std::string_view>(1));
  c.set(0, tanh ? gelu_tanh_backward(c.grad(), c.input(0)) : gelu_backward(c.grad(), c.input(0)));
}
const Op gelu_op(
    "gelu(Tensor input, *, str approximate='none') -> Tensor", gelu_forward,
    {.vjp = gelu_vjp,
     .saves = "input",
     .in = "nn.functional",
     .out = true,
     .kernels = {&gelu_slot, &gelu_tanh_slot},
     .doc = R"(`x * Phi(x)`, Phi the normal distribution function (Hendrycks and Gimpel, 2016).

`approximate="tanh"` takes the formula with tanh instead of erf. Floating-point tensors only. Follows
`torch.nn.functional.gelu`.

>>> rt.nn.functional.gelu(rt.tensor([0., 1.]))
tensor([0.0000, 0.8413])
)"});

ElementwiseSlot logsigmoid_slot{"logsigmoid", EwCompute::Promoted, EwResult::Same, 1};
const Op logsigmoid_op("logsigmoid(Tensor input) -> Tensor", unary_forward<logsigmoid_slot>,
                       {.vjp = RT_GRADIENT(logsigmoid_backward(c.grad(), c.input(0))),
                        .saves = "input",
                        .in = "nn.functional",
                        .out = true,
                        .kernels = {&logsigmoid_slot},
                        .doc = R"(`log(sigmoid(x))` without overflow.

Floating-point tensors only. Follows `torch.nn.functional.logsigmoid`.

>>> rt.nn.functional.logsigmoid(rt.tensor([0.]))
tensor([-0.6931])
)"});

ElementwiseSlot softplus_slot{"softplus", EwCompute::Promoted, EwResult::Same, 3};
ElementwiseSlot softplus_backward_slot{"softplus_backward", EwCompute::Promoted, EwResult::Same, 4};
Tensor softplus_forward(Out out, const Tensor& x, double beta, double threshold) {
  const Tensor inputs[] = {x, parameter(x, beta), parameter(x, threshold)};
  return elementwise(softplus_slot, "softplus", out, inputs, x.dtype());
}
Tensor softplus_backward_forward(Out out, const Tensor& g, const Tensor& x, double beta,
                                 double threshold) {
  const Tensor inputs[] = {g, x, parameter(x, beta), parameter(x, threshold)};
  return elementwise(softplus_backward_slot, "softplus_backward", out, inputs, x.dtype());
}
Tensor softplus_backward(const Tensor& g, const Tensor& x, double beta, double threshold);
void softplus_backward_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const double beta = c.arg<double>(2), threshold = c.arg<double>(3);
  const Tensor x = c.input(1);
  if (c.needs(0)) c.set(0, softplus_backward(c.grad(), x, beta, threshold));
  if (c.needs(1)) {
    const Tensor s = ops::sigmoid(x * beta);
    const Tensor slope = c.grad() * c.input(0) * s * (1 - s) * beta;
    c.set(1, ops::where(ops::gt(x * beta, threshold), Scalar(0), slope));
  }
}
const Op softplus_backward_op(
    "_softplus_backward(Tensor grad, Tensor input, float beta, float threshold) -> Tensor",
    softplus_backward_forward,
    {.vjp = softplus_backward_vjp,
     .saves = "grad input",
     .in = "",
     .kernels = {&softplus_backward_slot}});
Tensor softplus_backward(const Tensor& g, const Tensor& x, double beta, double threshold) {
  return softplus_backward_op(g, x, beta, threshold);
}
void softplus_vjp(VjpContext& c) {
  if (c.has_grad())
    c.set(0, softplus_backward(c.grad(), c.input(0), c.arg<double>(1), c.arg<double>(2)));
}
const Op softplus_op(
    "softplus(Tensor input, float beta=1.0, float threshold=20.0) -> Tensor", softplus_forward,
    {.vjp = softplus_vjp,
     .saves = "input",
     .in = "nn.functional",
     .out = true,
     .kernels = {&softplus_slot},
     .doc = R"(`log(1 + exp(beta * x)) / beta`, and x itself where `beta * x > threshold`.

Floating-point tensors only. Follows `torch.nn.functional.softplus`.

>>> rt.nn.functional.softplus(rt.tensor([0.]))
tensor([0.6931])
)"});

// ---- compositions ----

Tensor softsign_forward(const Tensor& x) { return x / (ops::abs(x) + 1); }
const Op softsign_op("softsign(Tensor input) -> Tensor", softsign_forward,
                     {.in = "nn.functional", .doc = R"(`x / (1 + |x|)` of each element.

Follows `torch.nn.functional.softsign`.

>>> rt.nn.functional.softsign(rt.tensor([1., -3.]))
tensor([ 0.5000, -0.7500])
)"});

Tensor tanhshrink_forward(const Tensor& x) { return x - ops::tanh(x); }
const Op tanhshrink_op("tanhshrink(Tensor input) -> Tensor", tanhshrink_forward,
                       {.in = "nn.functional", .doc = R"(`x - tanh(x)` of each element.

Follows `torch.nn.functional.tanhshrink`.

>>> rt.nn.functional.tanhshrink(rt.tensor([0.]))
tensor([0.])
)"});

Tensor glu_forward(const Tensor& x, int64_t dim) {
  RT_CHECK(x.dim() > 0, Runtime, "glu", "glu does not support 0-dimensional tensors", describe(x));
  dim = wrap_dim(dim, x.dim(), "glu");
  const int64_t half = x.size(dim) / 2;
  RT_CHECK(x.size(dim) % 2 == 0, Runtime, "glu",
           cat_str("Halving dimension must be even, but dimension ", dim, " is size ", x.size(dim)),
           describe(x));
  return ops::narrow(x, dim, 0, half) * ops::sigmoid(ops::narrow(x, dim, half, half));
}
const Op glu_op(
    "glu(Tensor input, int dim=-1) -> Tensor", glu_forward,
    {.in = "nn.functional",
     .doc =
         R"(`a * sigmoid(b)` for the halves a and b of `input` along `dim` (Dauphin et al., 2016).

Errors if that size is odd. Follows `torch.nn.functional.glu`.

>>> rt.nn.functional.glu(rt.tensor([2., 0.]))
tensor([1.])
)"});

}  // namespace

namespace ops {

Tensor sigmoid(const Tensor& x) { return sigmoid_op(x); }
Tensor tanh(const Tensor& x) { return tanh_op(x); }
Tensor silu(const Tensor& x) { return silu_kernel_op(x); }
Tensor gelu(const Tensor& x, std::string_view approximate) { return gelu_op(x, approximate); }
Tensor logsigmoid(const Tensor& x) { return logsigmoid_op(x); }
Tensor softplus(const Tensor& x, double beta, double threshold) {
  return softplus_op(x, beta, threshold);
}

}  // namespace ops
}  // namespace rt
