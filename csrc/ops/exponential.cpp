// Exponentials, logarithms and roots.
#include "ops/math_record.h"

namespace rt {

namespace {

constexpr double kLn2 = 0.693147180559945309417;
constexpr double kLn10 = 2.302585092994045684018;

using ops::conj;

RT_MATH_OP(exp, "rt Tensor", "", "result", c.grad() * conj(c.result()),
           R"(e to the power of each element.

Integers are computed in the default float dtype. Follows `torch.exp`.

>>> rt.exp(rt.tensor([0.]))
tensor([1.])
)")

RT_MATH_OP(exp2, "rt Tensor special", "", "result", c.grad() * conj(c.result() * kLn2),
           R"(2 to the power of each element.

Integers are computed in the default float dtype. Follows `torch.exp2`.

>>> rt.exp2(rt.tensor([0., 3.]))
tensor([1., 8.])
)")

RT_MATH_OP(expm1, "rt Tensor special", "", "result", c.grad() * conj(c.result() + 1),
           R"(`exp(x) - 1` of each element, exact also near zero.

Integers are computed in the default float dtype. Follows `torch.expm1`.

>>> rt.expm1(rt.tensor([0.]))
tensor([0.])
)")

RT_MATH_OP(log, "rt Tensor", "", "input", c.grad() / conj(c.input(0)),
           R"(The natural logarithm of each element; NaN for negative real numbers.

Integers are computed in the default float dtype. Follows `torch.log`.

>>> rt.log(rt.tensor([1., 0.]))
tensor([0., -inf])
)")

RT_MATH_OP(log2, "rt Tensor", "", "input", c.grad() / conj(c.input(0) * kLn2),
           R"(The logarithm to base 2 of each element.

Integers are computed in the default float dtype. Follows `torch.log2`.

>>> rt.log2(rt.tensor([1., 8.]))
tensor([0., 3.])
)")

RT_MATH_OP(log10, "rt Tensor", "", "input", c.grad() / conj(c.input(0) * kLn10),
           R"(The logarithm to base 10 of each element.

Integers are computed in the default float dtype. Follows `torch.log10`.

>>> rt.log10(rt.tensor([1., 1000.]))
tensor([0., 3.])
)")

RT_MATH_OP(log1p, "rt Tensor special", "", "input", c.grad() / conj(c.input(0) + 1),
           R"(`log(1 + x)` of each element, exact also near zero.

Integers are computed in the default float dtype. Follows `torch.log1p`.

>>> rt.log1p(rt.tensor([0.]))
tensor([0.])
)")

RT_MATH_OP(sqrt, "rt Tensor", "", "result", c.grad() / conj(c.result() * 2),
           R"(The square root of each element; NaN for negative real numbers.

Integers are computed in the default float dtype. Follows `torch.sqrt`.

>>> rt.sqrt(rt.tensor([4., 9.]))
tensor([2., 3.])
)")

RT_MATH_OP(rsqrt, "rt Tensor", "", "result",
           c.grad() * conj(c.result() * c.result() * c.result()) * -0.5,
           R"(`1 / sqrt(x)` of each element.

Integers are computed in the default float dtype. Follows `torch.rsqrt`.

>>> rt.rsqrt(rt.tensor([4., 1.]))
tensor([0.5000, 1.0000])
)")

RT_MATH_OP(reciprocal, "rt Tensor", "", "result", -c.grad() * conj(c.result() * c.result()),
           R"(`1 / x` of each element.

Integers are computed in the default float dtype. Follows `torch.reciprocal`.

>>> rt.reciprocal(rt.tensor([4., 1.]))
tensor([0.2500, 1.0000])
)")

ElementwiseSlot square_slot{"square", EwCompute::Promoted, EwResult::Same, 1};
Tensor square_forward(Out out, const Tensor& x) {
  // A power with an integer exponent, so bools become integers.
  const DType type = x.dtype() == DType::Bool ? DType::Int64 : x.dtype();
  return elementwise(square_slot, "square", out, std::span(&x, 1), type);
}
const Op square_op("square(Tensor input) -> Tensor", square_forward,
                   {.vjp = RT_GRADIENT(c.grad() * conj(c.input(0) * 2)),
                    .saves = "input",
                    .inplace = true,
                    .out = true,
                    .kernels = {&square_slot},
                    .doc = R"(The square of each element. Integers wrap; bools become int64.

Follows `torch.square`.

>>> rt.square(rt.tensor([3., -2.]))
tensor([9., 4.])
)"});

}  // namespace

namespace ops {

Tensor exp(const Tensor& x) { return exp_op(x); }
Tensor exp2(const Tensor& x) { return exp2_op(x); }
Tensor expm1(const Tensor& x) { return expm1_op(x); }
Tensor log(const Tensor& x) { return log_op(x); }
Tensor log2(const Tensor& x) { return log2_op(x); }
Tensor log10(const Tensor& x) { return log10_op(x); }
Tensor log1p(const Tensor& x) { return log1p_op(x); }
Tensor sqrt(const Tensor& x) { return sqrt_op(x); }
Tensor rsqrt(const Tensor& x) { return rsqrt_op(x); }
Tensor square(const Tensor& x) { return square_op(x); }
Tensor reciprocal(const Tensor& x) { return reciprocal_op(x); }

}  // namespace ops
}  // namespace rt
