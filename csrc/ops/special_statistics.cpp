// Modified Bessel functions and special functions of statistics; frexp.
#include "ops/special_statistics.h"

#include <cmath>

#include "ops/math_record.h"

namespace rt {

namespace {

constexpr double kSqrtTwoPi = 2.50662827463100050242;
constexpr double kTwoOverSqrtPi = 1.12837916709551257390;
constexpr double kInverseSqrtTwo = 0.70710678118654752440;

// As RT_MATH_OP, for functions of rustorch.special alone, which have no in-place forms.
#define RT_SPECIAL_OP(name, saved, gradient, text)                                 \
  ElementwiseSlot name##_slot{#name, EwCompute::Float, EwResult::Same, 1};         \
  const Op name##_op(#name "(Tensor input) -> Tensor", unary_forward<name##_slot>, \
                     {.vjp = RT_GRADIENT(gradient),                                \
                      .saves = saved,                                              \
                      .in = "special",                                             \
                      .out = true,                                                 \
                      .kernels = {&name##_slot},                                   \
                      .doc = text});

// ---- Bessel ----

Tensor i1_of(const Tensor& x);
Tensor i1e_of(const Tensor& x);

RT_MATH_OP(i0, "rt Tensor special", "", "input", c.grad() * i1_of(c.input(0)),
           R"(The modified Bessel function of the first kind, of order 0.

Integers are computed in the default float dtype. Follows `torch.i0`.

>>> rt.i0(rt.tensor([0., 1.]))
tensor([1.0000, 1.2661])
)")
RT_SPECIAL_OP(i0e, "input result",
              c.grad() * (i1e_of(c.input(0)) - ops::sgn(c.input(0)) * c.result()),
              R"(`exp(-|x|) i0(x)` of each element, which does not overflow.

Integers are computed in the default float dtype. Follows `torch.special.i0e`.

>>> rt.special.i0e(rt.tensor([0., 1.]))
tensor([1.0000, 0.4658])
)")
// i1(x) / x, 1/2 at 0
Tensor over_x(const Tensor& r, const Tensor& x) {
  const Tensor zero = ops::eq(x, 0);
  return ops::where(zero, Scalar(0.5), r / ops::where(zero, Scalar(1.0), x));
}
RT_SPECIAL_OP(i1, "input result", c.grad() * (ops::i0(c.input(0)) - over_x(c.result(), c.input(0))),
              R"(The modified Bessel function of the first kind, of order 1.

Integers are computed in the default float dtype. Follows `torch.special.i1`.

>>> rt.special.i1(rt.tensor([0., 1.]))
tensor([0.0000, 0.5652])
)")
RT_SPECIAL_OP(i1e, "input result",
              c.grad() * (i0e_op(c.input(0)) - ops::sgn(c.input(0)) * c.result() -
                          over_x(c.result(), c.input(0))),
              R"(`exp(-|x|) i1(x)` of each element, which does not overflow.

Integers are computed in the default float dtype. Follows `torch.special.i1e`.

>>> rt.special.i1e(rt.tensor([0., 1.]))
tensor([0.0000, 0.2079])
)")
Tensor i1_of(const Tensor& x) { return i1_op(x); }
Tensor i1e_of(const Tensor& x) { return i1e_op(x); }

// ---- The normal distribution ----

RT_SPECIAL_OP(
    erfcx, "input result", c.grad() * (2 * c.input(0) * c.result() - kTwoOverSqrtPi),
    R"(The scaled complementary error function `exp(x^2) erfc(x)`, which does not underflow.

Integers are computed in the default float dtype. Follows `torch.special.erfcx`.

>>> rt.special.erfcx(rt.tensor([0., 100.]))
tensor([1.0000, 0.0056])
)")
Tensor ndtr_forward(const Tensor& x) {
  const Tensor wide = is_floating(x.dtype()) ? x : ops::to(x, float_type(x.dtype()));
  return ops::erfc(wide * Scalar(-kInverseSqrtTwo)) * Scalar(0.5);
}
const Op ndtr_op("ndtr(Tensor input) -> Tensor", ndtr_forward,
                 {.in = "special",
                  .out = true,
                  .doc = R"(The distribution function of the standard normal distribution.

Integers are computed in the default float dtype. Follows `torch.special.ndtr`.

>>> rt.special.ndtr(rt.tensor([0., 10.]))
tensor([0.5000, 1.0000])
)"});
RT_SPECIAL_OP(log_ndtr, "input",
              c.grad() * kTwoOverSqrtPi * kInverseSqrtTwo / erfcx_op(c.input(0) * -kInverseSqrtTwo),
              R"(The logarithm of `ndtr`, exact also far to the left.

Integers are computed in the default float dtype. Follows `torch.special.log_ndtr`.

>>> rt.special.log_ndtr(rt.tensor([0., -100.]))
tensor([-6.9315e-01, -5.0055e+03])
)")
RT_SPECIAL_OP(ndtri, "result", c.grad() * ops::exp(c.result() * c.result() * 0.5) * kSqrtTwoPi,
              R"(The inverse of `ndtr`: quantiles of the standard normal distribution.

Infinite at 0 and 1, NaN outside. Integers are computed in the default float dtype. Follows
`torch.special.ndtri`.

>>> rt.special.ndtri(rt.tensor([0.5, 0.975]))
tensor([0.0000, 1.9600])
)")

// ---- Entropies ----

RT_SPECIAL_OP(entr, "input", -c.grad() * (ops::log(c.input(0)) + 1),
              R"(`-x log(x)` of each element: 0 at 0, minus infinity below.

Integers are computed in the default float dtype. Follows `torch.special.entr`.

>>> rt.special.entr(rt.tensor([0., 1., -1.]))
tensor([0., -0., -inf])
)")

ElementwiseSlot xlog1py_slot{"xlog1py", EwCompute::Float, EwResult::Same, 2};
void xlog1py_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const Tensor x = c.input(0), y = c.input(1);
  if (c.needs(0)) {
    const Tensor flat = ops::logical_and(ops::eq(x, 0), ops::le(y, -1));
    const Tensor wide =
        y.is_wrapped_number() ? y * ops::ones_like(c.grad()) : ops::to(y, c.grad().dtype());
    c.set(0, ops::where(flat, Scalar(0), c.grad() * ops::log1p(wide)));
  }
  if (c.needs(1)) c.set(1, c.grad() * x / (y + 1));
}
const Op xlog1py_op("xlog1py(Operand input, Operand other) -> Tensor", binary_forward<xlog1py_slot>,
                    {.vjp = xlog1py_vjp,
                     .saves = "input other",
                     .in = "special",
                     .out = true,
                     .broadcasts = true,
                     .kernels = {&xlog1py_slot},
                     .doc = R"(`input * log1p(other)`, 0 where `input` is 0 (NaN if `other` is).

Integers are computed in the default float dtype. Follows `torch.special.xlog1py`.

>>> rt.special.xlog1py(rt.tensor([0., 2.]), rt.tensor([-1., 0.]))
tensor([0., 0.])
)"});

// ---- Gamma functions ----

[[noreturn]] void not_derived(const char* op, const char* argument) {
  RT_FAIL(NotImplemented, op,
          cat_str("the derivative with respect to '", argument, "' is not implemented"), "",
          "detach() on it");
}

ElementwiseSlot zeta_slot{"zeta", EwCompute::Float, EwResult::Same, 2};
void zeta_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  if (c.needs(0)) not_derived("zeta", "input");
  const Tensor x = c.input(0);
  if (c.needs(1)) c.set(1, -c.grad() * x * ops::zeta(x + 1, c.input(1)));
}
const Op zeta_op(
    "zeta(Operand input, Operand other) -> Tensor", binary_forward<zeta_slot>,
    {.vjp = zeta_vjp,
     .saves = "input other",
     .in = "special",
     .out = true,
     .broadcasts = true,
     .kernels = {&zeta_slot},
     .doc = R"(The Hurwitz zeta function, the sum of `(other + k) ** -input` over k >= 0.

Infinite at `input` 1 and at `other` 0, -1, -2 and so on; NaN below `input` 1. Only `other` has a
gradient. Integers are computed in the default float dtype. Follows `torch.special.zeta`.

>>> rt.special.zeta(rt.tensor([2.]), rt.tensor([1.]))
tensor([1.6449])
)"});

// exp(-x) x^(a-1) / gamma(a)
Tensor gamma_density(const Tensor& a, const Tensor& x) {
  return ops::exp((a - 1) * ops::log(x) - x - ops::lgamma(a));
}
ElementwiseSlot igamma_slot{"igamma", EwCompute::Promoted, EwResult::Same, 2};
ElementwiseSlot igammac_slot{"igammac", EwCompute::Promoted, EwResult::Same, 2};
template <bool kLower>
void igamma_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  if (c.needs(0)) not_derived(kLower ? "igamma" : "igammac", "input");
  if (!c.needs(1)) return;
  const Tensor slope = c.grad() * gamma_density(c.input(0), c.input(1));
  c.set(1, kLower ? slope : -slope);
}
const Op igamma_op("igamma(Tensor input, Tensor other) -> Tensor", binary_forward<igamma_slot>,
                   {.vjp = igamma_vjp<true>,
                    .saves = "input other",
                    .inplace = true,
                    .out = true,
                    .broadcasts = true,
                    .kernels = {&igamma_slot},
                    .doc = R"(The regularized lower incomplete gamma function of order `input`.

Both are floats, not negative (NaN where they are). Only `other` has a gradient. Follows
`torch.igamma`.

>>> rt.igamma(rt.tensor([4.]), rt.tensor([3.]))
tensor([0.3528])
)"});
const Op igammac_op("igammac(Tensor input, Tensor other) -> Tensor", binary_forward<igammac_slot>,
                    {.vjp = igamma_vjp<false>,
                     .saves = "input other",
                     .inplace = true,
                     .out = true,
                     .broadcasts = true,
                     .kernels = {&igammac_slot},
                     .doc = R"(The regularized upper incomplete gamma function, 1 - `igamma`.

Follows `torch.igammac`.

>>> rt.igammac(rt.tensor([4.]), rt.tensor([3.]))
tensor([0.6472])
)"});
Tensor gammainc_forward(const Tensor& a, const Tensor& x) { return igamma_op(a, x); }
Tensor gammaincc_forward(const Tensor& a, const Tensor& x) { return igammac_op(a, x); }
const Op gammainc_op("gammainc(Tensor input, Tensor other) -> Tensor", gammainc_forward,
                     {.in = "special", .out = true, .doc = R"(The same as `rustorch.igamma`.

Follows `torch.special.gammainc`.
)"});
const Op gammaincc_op("gammaincc(Tensor input, Tensor other) -> Tensor", gammaincc_forward,
                      {.in = "special", .out = true, .doc = R"(The same as `rustorch.igammac`.

Follows `torch.special.gammaincc`.
)"});

Tensor mvlgamma_forward(const Tensor& x, int64_t p) {
  RT_CHECK(p >= 1, Runtime, "mvlgamma", "p has to be greater than or equal to 1", cat_str(p));
  const DType type = float_type(x.dtype());
  const Tensor shifts = ops::to(ops::arange(0, p, 1, DType::Float64), type) * Scalar(-0.5);
  const Tensor terms =
      ops::lgamma(ops::unsqueeze(ops::to(x, type), -1) + ops::to(shifts, x.device()));
  const double constant = 0.25 * static_cast<double>(p) * static_cast<double>(p - 1);
  return ops::sum(terms, {-1}) + Scalar(constant * std::log(3.14159265358979323846));
}
const Op mvlgamma_op("mvlgamma(Tensor input, int p) -> Tensor", mvlgamma_forward,
                     {.inplace = true,
                      .out = true,
                      .doc = R"(The logarithm of the multivariate gamma function of dimension `p`.

Elements have to be above (p - 1) / 2. Integers are computed in the default float dtype. Follows
`torch.mvlgamma`.

>>> rt.mvlgamma(rt.tensor([2.]), 2)
tensor([0.4516])
)"});
Tensor multigammaln_forward(const Tensor& x, int64_t p) { return mvlgamma_op(x, p); }
const Op multigammaln_op("multigammaln(Tensor input, int p) -> Tensor", multigammaln_forward,
                         {.in = "special", .out = true, .doc = R"(The same as `rustorch.mvlgamma`.

Follows `torch.special.multigammaln`.
)"});

// ---- Parts of floats ----

ElementwiseSlot frexp_mantissa_slot{"frexp_mantissa", EwCompute::Float, EwResult::Same, 1};
ElementwiseSlot frexp_exponent_slot{"frexp_exponent", EwCompute::Float, EwResult::Same, 1};
std::tuple<Tensor, Tensor> frexp_forward(const Tensor& x) {
  RT_CHECK(is_floating(x.dtype()), Runtime, "frexp",
           "torch.frexp() only supports floating-point dtypes", describe(x), "x.float()");
  return {elementwise(frexp_mantissa_slot, "frexp", {}, x),
          ops::to(elementwise(frexp_exponent_slot, "frexp", {}, x), DType::Int32)};
}
void frexp_vjp(VjpContext& c) {
  // On either side of a power of two the exponent stands still.
  if (c.has_grad()) c.set(0, c.grad() / ops::exp2(ops::to(c.result(1), c.grad().dtype())));
}
const Op frexp_op("frexp(Tensor input) -> (Tensor mantissa, Tensor exponent)", frexp_forward,
                  {.vjp = frexp_vjp,
                   .saves = "exponent",
                   .out = true,
                   .kernels = {&frexp_mantissa_slot, &frexp_exponent_slot},
                   .doc = R"(Mantissa and exponent of floats, `input = mantissa * 2 ** exponent`.

The mantissa lies in [1/2, 1) in magnitude, or is the input itself where that is 0, infinite or NaN;
the exponent is int32. Follows `torch.frexp`.

>>> rt.frexp(rt.tensor([8.])).exponent
tensor([4], dtype=rustorch.int32)
)"});

}  // namespace

namespace ops {

Tensor i0(const Tensor& x) { return i0_op(x); }
Tensor i1(const Tensor& x) { return i1_op(x); }
Tensor zeta(const Tensor& s, const Tensor& q) { return zeta_op(s, q); }

}  // namespace ops

}  // namespace rt
