// Trigonometric and hyperbolic functions.
#include "ops/math_record.h"

namespace rt {

namespace {

using ops::conj;

// The product of two roots keeps to the branch of acosh left of zero, the root of x^2 - 1 does not.
Tensor acosh_slope(const Tensor& x) {
  if (is_complex(x.dtype())) return ops::rsqrt(x - 1) * ops::rsqrt(x + 1);
  return ops::rsqrt(x * x - 1);
}

RT_MATH_OP(sin, "rt Tensor", "", "input", c.grad() * conj(ops::cos(c.input(0))),
           R"(The sine of each element, an angle in radians.

Integers are computed in the default float dtype. Follows `torch.sin`.

>>> rt.sin(rt.tensor([0.]))
tensor([0.])
)")

RT_MATH_OP(cos, "rt Tensor", "", "input", -c.grad() * conj(ops::sin(c.input(0))),
           R"(The cosine of each element, an angle in radians.

Integers are computed in the default float dtype. Follows `torch.cos`.

>>> rt.cos(rt.tensor([0.]))
tensor([1.])
)")

RT_MATH_OP(tan, "rt Tensor", "", "result", c.grad() * conj(c.result() * c.result() + 1),
           R"(The tangent of each element, an angle in radians.

Integers are computed in the default float dtype. Follows `torch.tan`.

>>> rt.tan(rt.tensor([0.]))
tensor([0.])
)")

RT_MATH_OP(asin, "rt Tensor", "arcsin", "input",
           c.grad() * conj(ops::rsqrt(1 - c.input(0) * c.input(0))),
           R"(The inverse sine of each element, in [-pi/2, pi/2]; NaN outside [-1, 1].

Integers are computed in the default float dtype. Follows `torch.asin`.

>>> rt.asin(rt.tensor([0., 1.]))
tensor([0.0000, 1.5708])
)")

RT_MATH_OP(acos, "rt Tensor", "arccos", "input",
           -c.grad() * conj(ops::rsqrt(1 - c.input(0) * c.input(0))),
           R"(The inverse cosine of each element, in [0, pi]; NaN outside [-1, 1].

Integers are computed in the default float dtype. Follows `torch.acos`.

>>> rt.acos(rt.tensor([1., 0.]))
tensor([0.0000, 1.5708])
)")

RT_MATH_OP(atan, "rt Tensor", "arctan", "input", c.grad() / conj(c.input(0) * c.input(0) + 1),
           R"(The inverse tangent of each element, in [-pi/2, pi/2].

Integers are computed in the default float dtype. Follows `torch.atan`.

>>> rt.atan(rt.tensor([0., 1.]))
tensor([0.0000, 0.7854])
)")

RT_MATH_OP(sinh, "rt Tensor", "", "input", c.grad() * conj(ops::cosh(c.input(0))),
           R"(The hyperbolic sine of each element.

Integers are computed in the default float dtype. Follows `torch.sinh`.

>>> rt.sinh(rt.tensor([0.]))
tensor([0.])
)")

RT_MATH_OP(cosh, "rt Tensor", "", "input", c.grad() * conj(ops::sinh(c.input(0))),
           R"(The hyperbolic cosine of each element.

Integers are computed in the default float dtype. Follows `torch.cosh`.

>>> rt.cosh(rt.tensor([0.]))
tensor([1.])
)")

RT_MATH_OP(asinh, "rt Tensor", "arcsinh", "input",
           c.grad() * conj(ops::rsqrt(c.input(0) * c.input(0) + 1)),
           R"(The inverse hyperbolic sine of each element.

Integers are computed in the default float dtype. Follows `torch.asinh`.

>>> rt.asinh(rt.tensor([0.]))
tensor([0.])
)")

RT_MATH_OP(acosh, "rt Tensor", "arccosh", "input", c.grad() * conj(acosh_slope(c.input(0))),
           R"(The inverse hyperbolic cosine of each element; NaN below 1.

Integers are computed in the default float dtype. Follows `torch.acosh`.

>>> rt.acosh(rt.tensor([1.]))
tensor([0.])
)")

RT_MATH_OP(atanh, "rt Tensor", "arctanh", "input", c.grad() / conj(1 - c.input(0) * c.input(0)),
           R"(The inverse hyperbolic tangent of each element; NaN outside [-1, 1].

Integers are computed in the default float dtype. Follows `torch.atanh`.

>>> rt.atanh(rt.tensor([0.]))
tensor([0.])
)")

}  // namespace

namespace ops {

Tensor sin(const Tensor& x) { return sin_op(x); }
Tensor cos(const Tensor& x) { return cos_op(x); }
Tensor tan(const Tensor& x) { return tan_op(x); }
Tensor asin(const Tensor& x) { return asin_op(x); }
Tensor acos(const Tensor& x) { return acos_op(x); }
Tensor atan(const Tensor& x) { return atan_op(x); }
Tensor sinh(const Tensor& x) { return sinh_op(x); }
Tensor cosh(const Tensor& x) { return cosh_op(x); }
Tensor asinh(const Tensor& x) { return asinh_op(x); }
Tensor acosh(const Tensor& x) { return acosh_op(x); }
Tensor atanh(const Tensor& x) { return atanh_op(x); }

}  // namespace ops
}  // namespace rt
