// Signs, magnitudes and angles.
#include "autograd/vjp.h"
#include "ops/elementwise.h"
#include "ops/ops.h"

namespace rt {

namespace {

constexpr double kPi = 3.14159265358979323846;

ElementwiseSlot sign_slot{"sign", EwCompute::Promoted, EwResult::Same, 1};
Tensor sign_forward(Out out, const Tensor& x) {
  RT_CHECK(!is_complex(x.dtype()), NotImplemented, "sign", "complex numbers have no sign",
           describe(x), "rustorch.sgn");
  return elementwise(sign_slot, "sign", out, x);
}
const Op sign_op("sign(Tensor input) -> Tensor", sign_forward,
                 {.vjp = RT_GRADIENT(ops::zeros_like(c.grad())),
                  .inplace = true,
                  .out = true,
                  .kernels = {&sign_slot},
                  .doc = R"(-1, 0 or 1 by the sign of each element; 0 for NaN.

Errors for complex tensors. Follows `torch.sign`.

>>> rt.sign(rt.tensor([-2., 0., 3.]))
tensor([-1.,  0.,  1.])
)"});

ElementwiseSlot sgn_slot{"sgn", EwCompute::Promoted, EwResult::Same, 1};
// A change of x turns x / |x| by its part across x only.
void sgn_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const Tensor g = c.grad(), x = c.input(0);
  if (!is_complex(x.dtype())) return c.set(0, ops::zeros_like(g));
  const Tensor s = c.result();
  const Tensor across = (g - s * ops::real(g * ops::conj(s))) / ops::abs(x);
  c.set(0, ops::where(ops::eq(x, 0), Scalar(0), across));
}
const Op sgn_op("sgn(Tensor input) -> Tensor", unary_forward<sgn_slot>,
                {.vjp = sgn_vjp,
                 .saves = "input result",
                 .inplace = true,
                 .out = true,
                 .kernels = {&sgn_slot},
                 .doc = R"(`x / |x|` of complex elements, 0 at zero; the sign of real ones.

Follows `torch.sgn`.

>>> rt.sgn(rt.tensor([3 + 4j]))
tensor([0.6000+0.8000j])
)"});

ElementwiseSlot abs_slot{"abs", EwCompute::Promoted, EwResult::Real, 1};
Tensor abs_forward(Out out, const Tensor& x) {
  RT_CHECK(!(out && is_complex(x.dtype()) && (*out).is_same(x)), Runtime, "abs",
           "In-place abs is not supported for complex tensors.", describe(x), "rustorch.abs");
  return elementwise(abs_slot, "abs", out, x);
}
const Op abs_op(
    "abs(Tensor input) -> Tensor", abs_forward,
    {.vjp = RT_GRADIENT(c.grad() * ops::sgn(c.input(0))),
     .saves = "input",
     .aliases = "absolute",
     .inplace = true,
     .out = true,
     .kernels = {&abs_slot},
     .doc = R"(The absolute value of each element: a real number, also for complex elements.

Errors for bool tensors. Follows `torch.abs`.

>>> rt.abs(rt.tensor([-1., 2.]))
tensor([1., 2.])
)"});

ElementwiseSlot angle_slot{"angle", EwCompute::Float, EwResult::Real, 1};
void angle_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const Tensor x = c.input(0);
  if (!is_complex(x.dtype())) return c.set(0, ops::zeros_like(c.grad()));
  const Tensor turned = c.grad() * Scalar(std::complex<double>(0, 1)) / ops::conj(x);
  c.set(0, ops::where(ops::eq(x, 0), Scalar(0), turned));
}
const Op angle_op(
    "angle(Tensor input) -> Tensor", unary_forward<angle_slot>,
    {.vjp = angle_vjp,
     .saves = "input",
     .out = true,
     .kernels = {&angle_slot},
     .doc = R"(The angle of each element in radians: pi for negative real numbers, else 0.

Integers are computed in the default float dtype. Follows `torch.angle`.

>>> rt.angle(rt.tensor([-1., 1.]))
tensor([3.1416, 0.0000])
)"});

Tensor positive_forward(const Tensor& x) {
  RT_CHECK(x.dtype() != DType::Bool, Runtime, "positive",
           "The `+` operator, on a bool tensor is not supported.", describe(x));
  return x;
}
const Op positive_op("positive(Tensor input) -> Tensor", positive_forward,
                     {.doc = R"(The tensor itself. Errors for bool tensors.

Follows `torch.positive`.

>>> rt.positive(rt.tensor([-1., 2.]))
tensor([-1.,  2.])
)"});

Tensor scaled_angle(const char* op, const Tensor& x, double factor) {
  RT_CHECK(!is_complex(x.dtype()), Runtime, op,
           cat_str(op, " is not supported for complex tensors."), describe(x));
  return x * factor;
}
Tensor deg2rad_forward(const Tensor& x) { return scaled_angle("deg2rad", x, kPi / 180); }
const Op deg2rad_op("deg2rad(Tensor input) -> Tensor", deg2rad_forward,
                    {.inplace = true, .out = true, .doc = R"(Degrees to radians.

Integers are computed in the default float dtype. Follows `torch.deg2rad`.

>>> rt.deg2rad(rt.tensor([180., 0.]))
tensor([3.1416, 0.0000])
)"});
Tensor rad2deg_forward(const Tensor& x) { return scaled_angle("rad2deg", x, 180 / kPi); }
const Op rad2deg_op("rad2deg(Tensor input) -> Tensor", rad2deg_forward,
                    {.inplace = true, .out = true, .doc = R"(Radians to degrees.

Integers are computed in the default float dtype. Follows `torch.rad2deg`.

>>> rt.rad2deg(rt.tensor([0.]))
tensor([0.])
)"});

}  // namespace

namespace ops {

Tensor sign(const Tensor& x) { return sign_op(x); }
Tensor sgn(const Tensor& x) { return sgn_op(x); }
Tensor abs(const Tensor& x) { return abs_op(x); }
Tensor angle(const Tensor& x) { return angle_op(x); }

}  // namespace ops
}  // namespace rt
