// Error functions, gamma functions, logit and sinc.
#include <limits>

#include "ops/math_record.h"

namespace rt {

namespace {

constexpr double kTwoOverSqrtPi = 1.12837916709551257390;
constexpr double kPi = 3.14159265358979323846;

RT_MATH_OP(erf, "rt Tensor special", "", "input",
           c.grad() * ops::exp(-(c.input(0) * c.input(0))) * kTwoOverSqrtPi,
           R"(The error function of each element.

Integers are computed in the default float dtype. Follows `torch.erf`.

>>> rt.erf(rt.tensor([0., 10.]))
tensor([0., 1.])
)")

RT_MATH_OP(erfc, "rt Tensor special", "", "input",
           c.grad() * ops::exp(-(c.input(0) * c.input(0))) * -kTwoOverSqrtPi,
           R"(The complementary error function `1 - erf(x)`, exact also where it is small.

Integers are computed in the default float dtype. Follows `torch.erfc`.

>>> rt.erfc(rt.tensor([0.]))
tensor([1.])
)")

RT_MATH_OP(erfinv, "rt Tensor special", "", "result",
           c.grad() * ops::exp(c.result() * c.result()) * (1 / kTwoOverSqrtPi),
           R"(The inverse of the error function on (-1, 1); infinite at the ends, NaN outside.

Integers are computed in the default float dtype. Follows `torch.erfinv`.

>>> rt.erfinv(rt.tensor([0.]))
tensor([0.])
)")

RT_MATH_OP(lgamma, "rt Tensor", "", "input", c.grad() * ops::digamma(c.input(0)),
           R"(The logarithm of the absolute value of the gamma function.

Integers are computed in the default float dtype. Follows `torch.lgamma`.

>>> rt.lgamma(rt.tensor([1., 2.]))
tensor([0., 0.])
)")

RT_MATH_OP(digamma, "rt Tensor special", "", "input", c.grad() * ops::polygamma(1, c.input(0)),
           R"(The logarithmic derivative of the gamma function.

Integers are computed in the default float dtype. Follows `torch.digamma`.

>>> rt.digamma(rt.tensor([1.]))
tensor([-0.5772])
)")

// The names that only the special functions have.
const Op gammaln_op("gammaln(Tensor input) -> Tensor", ops::lgamma,
                    {.in = "special", .doc = R"(The same as `rustorch.lgamma`.

Follows `torch.special.gammaln`.
)"});
const Op psi_op("psi(Tensor input) -> Tensor", ops::digamma,
                {.in = "special", .doc = R"(The same as `rustorch.digamma`.

Follows `torch.special.psi`.
)"});

ElementwiseSlot polygamma_slot{"polygamma", EwCompute::Float, EwResult::Same, 2};
Tensor polygamma_forward(Out out, int64_t n, const Tensor& x) {
  RT_CHECK(n >= 0, Runtime, "polygamma", "polygamma(n, x) does not support negative n.",
           cat_str("n=", n));
  if (n == 0) return elementwise(digamma_slot, "polygamma", out, x);
  const DType type = float_type(x.dtype());
  const Tensor inputs[] = {x, scalar_tensor(static_cast<double>(n), compute_type(type))};
  return elementwise(polygamma_slot, "polygamma", out, inputs, type);
}
void polygamma_vjp(VjpContext& c) {
  if (c.has_grad()) c.set(1, c.grad() * ops::polygamma(c.arg<int64_t>(0) + 1, c.input(1)));
}
const Op polygamma_op("polygamma(int n, Tensor input) -> Tensor", polygamma_forward,
                      {.vjp = polygamma_vjp,
                       .saves = "input",
                       .in = "rt special",
                       .out = true,
                       .kernels = {&polygamma_slot},
                       .doc = R"(The n-th derivative of the digamma function, n >= 0.

Integers are computed in the default float dtype. Errors for negative `n`. Follows `torch.polygamma`.

>>> rt.polygamma(1, rt.tensor([1.]))
tensor([1.6449])
)"});
Tensor polygamma_method(const Tensor& x, int64_t n) { return polygamma_op(n, x); }
const Op polygamma_method_op("polygamma.method(Tensor input, int n) -> Tensor", polygamma_method,
                             {.in = "Tensor",
                              .inplace = true,
                              .doc = R"(The n-th derivative of the digamma function at each element.

Integers are computed in the default float dtype. Errors for negative `n`. Follows
`torch.Tensor.polygamma`.

>>> rt.tensor([1.]).polygamma(1)
tensor([1.6449])
)"});

ElementwiseSlot logit_slot{"logit", EwCompute::Float, EwResult::Same, 1};
ElementwiseSlot logit_eps_slot{"logit_eps", EwCompute::Float, EwResult::Same, 3};
Tensor logit_forward(Out out, const Tensor& x, std::optional<double> eps) {
  if (!eps) return elementwise(logit_slot, "logit", out, x);
  const DType type = float_type(x.dtype()), compute = compute_type(type);
  const Tensor inputs[] = {x, scalar_tensor(*eps, compute), scalar_tensor(1 - *eps, compute)};
  return elementwise(logit_eps_slot, "logit", out, inputs, type);
}
void logit_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const Tensor x = c.input(0);
  const std::optional<double> eps = c.arg<std::optional<double>>(1);
  const double low = eps.value_or(0.0), high = 1 - low;
  const Tensor inside = ops::logical_and(ops::ge(x, low), ops::le(x, high));
  const double outside = eps ? 0.0 : std::numeric_limits<double>::quiet_NaN();
  c.set(0, ops::where(inside, c.grad() / (x * (1 - x)), Scalar(outside)));
}
const Op logit_op(
    "logit(Tensor input, float? eps=None) -> Tensor", logit_forward,
    {.vjp = logit_vjp,
     .saves = "input",
     .in = "rt Tensor special",
     .inplace = true,
     .out = true,
     .kernels = {&logit_slot, &logit_eps_slot},
     .doc = R"(`log(x / (1 - x))` of each element, clamped to [eps, 1 - eps] if `eps` is given.

Integers are computed in the default float dtype. Follows `torch.logit`.

>>> rt.logit(rt.tensor([0.5]))
tensor([0.])
)"});

Tensor sinc_slope(const Tensor& x) {
  const Tensor t = x * kPi;
  return ops::where(ops::eq(x, 0), Scalar(0), (t * ops::cos(t) - ops::sin(t)) / (t * x));
}
RT_MATH_OP(sinc, "rt Tensor special", "", "input", c.grad() * ops::conj(sinc_slope(c.input(0))),
           R"(`sin(pi x) / (pi x)` of each element, 1 at zero.

Integers are computed in the default float dtype. Follows `torch.sinc`.

>>> rt.sinc(rt.tensor([0., 0.5]))
tensor([1.0000, 0.6366])
)")

}  // namespace

namespace ops {

Tensor erf(const Tensor& x) { return erf_op(x); }
Tensor erfc(const Tensor& x) { return erfc_op(x); }
Tensor erfinv(const Tensor& x) { return erfinv_op(x); }
Tensor lgamma(const Tensor& x) { return lgamma_op(x); }
Tensor digamma(const Tensor& x) { return digamma_op(x); }
Tensor polygamma(int64_t n, const Tensor& x) { return polygamma_op(n, x); }
Tensor logit(const Tensor& x, std::optional<double> eps) { return logit_op(x, eps); }
Tensor sinc(const Tensor& x) { return sinc_op(x); }

}  // namespace ops
}  // namespace rt
