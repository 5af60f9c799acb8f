// Powers.
#include <cmath>

#include "autograd/vjp.h"
#include "ops/elementwise.h"
#include "ops/index_support.h"
#include "ops/ops.h"

namespace rt {

namespace {

ElementwiseSlot pow_slot{"pow", EwCompute::Promoted, EwResult::Same, 2};
ElementwiseSlot cube_slot{"cube", EwCompute::Promoted, EwResult::Same, 1};
ElementwiseSlot identity_slot{"identity", EwCompute::Promoted, EwResult::Same, 1};

Scalar number(const Tensor& t) { return item(t); }

// Exponents that have a better formula than the general one; null for the others.
const ElementwiseSlot* special_exponent(const Scalar& e, DType type) {
  if (e.is_complex()) return nullptr;
  const double v = e.to_double();
  const char* name = nullptr;
  if (v == 1) name = "identity";
  if (v == 2) name = "square";
  if (v == 3) name = "cube";
  if (!is_integral(type)) {
    if (v == 0.5) name = "sqrt";
    if (v == -0.5) name = "rsqrt";
    if (v == -1) name = "reciprocal";
  }
  return name ? ElementwiseSlot::find(name) : nullptr;
}

Tensor pow_forward(Out out, const Tensor& x, const Tensor& exponent) {
  const DType type = result_type(x, exponent);
  if (exponent.is_wrapped_number()) {
    const Scalar e = number(exponent);
    RT_CHECK(!(is_integral(type) && e.to_int() < 0), Runtime, "pow",
             "Integers to negative integer powers are not allowed.",
             cat_str(describe(x), " and ", e), "a floating-point base");
    if (is_integral(type)) check_number_fits("pow", e, type);
    if (const ElementwiseSlot* slot = special_exponent(e, type);
        slot && slot->supports(x.device().type, type)) {
      return elementwise(*slot, "pow", out, std::span(&x, 1), type);
    }
  }
  return elementwise(pow_slot, "pow", out, x, exponent);
}

// log of the base, which may be a number that carries no dtype of its own. A negative base has one
// in the complex numbers alone, where a complex exponent's power lies.
Tensor log_of_base(const Tensor& x, DType type) {
  if (!x.is_wrapped_number()) {
    return ops::log(is_complex(type) && !is_complex(x.dtype()) ? ops::to(x, type) : x);
  }
  const Scalar s = number(x);
  if (s.is_complex() || is_complex(type)) return wrapped_number(Scalar(std::log(s.to_complex())));
  return wrapped_number(Scalar(std::log(s.to_double())));
}
void pow_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const Tensor g = c.grad(), x = c.input(0), e = c.input(1);
  if (c.needs(0)) {
    if (e.is_wrapped_number()) {
      const Scalar s = number(e);
      if (s.to_complex() == 0.0) {
        c.set(0, ops::zeros_like(g));
      } else {
        const Scalar less = s.is_complex()    ? Scalar(s.to_complex() - 1.0)
                            : s.is_integral() ? Scalar(s.to_int() - 1)
                                              : Scalar(s.to_double() - 1);
        c.set(0, g * ops::conj(ops::pow(x, less) * s));
      }
    } else {
      const Tensor slope = g * ops::conj(e * ops::pow(x, e - 1));
      c.set(0, ops::where(ops::eq(e, 0), Scalar(0), slope));
    }
  }
  if (c.needs(1)) {
    const Tensor real = is_complex(e.dtype()) ? ops::real(e) : e;
    const Tensor flat = ops::logical_and(ops::eq(x, 0), ops::ge(real, 0));
    c.set(1, g * ops::conj(
                     ops::where(flat, Scalar(0), c.result() * log_of_base(x, c.result().dtype()))));
  }
}
const Op pow_op("pow(Operand input, Operand exponent) -> Tensor", pow_forward,
                {.vjp = pow_vjp,
                 .saves = "input exponent result",
                 .inplace = true,
                 .out = true,
                 .broadcasts = true,
                 .kernels = {&pow_slot, &cube_slot, &identity_slot},
                 .doc = R"(`input` to the power `exponent`, with broadcasting and type promotion.

Either may be a number. Integers to a negative number are an error; to a negative integer tensor they
give 0, 1 or -1. Follows `torch.pow`.

>>> rt.pow(rt.tensor([1., 2., 3.]), 2)
tensor([1., 4., 9.])
)"});

DType widest(const Tensor& a, const Tensor& b) {
  return is_complex(a.dtype()) || is_complex(b.dtype()) ? DType::Complex128 : DType::Float64;
}
Tensor float_power_forward(const Tensor& x, const Tensor& exponent) {
  const DType type = widest(x, exponent);
  const auto wide = [&](const Tensor& t) { return t.is_wrapped_number() ? t : ops::to(t, type); };
  // Of a tensor and a number, the tensor alone decides the dtype.
  return pow_op(wide(x), wide(exponent));
}
const Op float_power_op(
    "float_power(Operand input, Operand exponent) -> Tensor", float_power_forward,
    {.out = true,
     .doc =
         R"(`input` to the power `exponent`, computed in float64 (complex128 for complex arguments).

Follows `torch.float_power`.

>>> rt.float_power(rt.tensor([2]), 3)
tensor([8.], dtype=rustorch.float64)
)"});
Tensor float_power_inplace(Out out, const Tensor& x, const Tensor& exponent) {
  RT_CHECK(x.dtype() == widest(x, exponent), Runtime, "float_power_",
           cat_str("the base given to float_power_ has dtype ", x.dtype(),
                   " but the operation's result requires dtype ", widest(x, exponent)),
           describe(x), "float_power()");
  return out ? pow_forward(out, x, exponent) : pow_op(x, exponent);
}
const Op float_power_inplace_op("float_power.inplace(Tensor input, Operand exponent) -> Tensor",
                                float_power_inplace,
                                {.vjp = pow_vjp,
                                 .saves = "input exponent result",
                                 .in = "Tensor.inplace",
                                 .inplace = true,
                                 .broadcasts = true});

Tensor ldexp_forward(const Tensor& x, const Tensor& other) {
  if (!is_floating(x.dtype()) || !is_integral(other.dtype(), false))
    return x * pow_op(wrapped_number(2.0), other);
  // In two steps, so that a power overflows only where the result does.
  const Tensor n = ops::to(other, DType::Float64), half = ops::floor(n * wrapped_number(0.5));
  return ops::to(ops::to(x, DType::Float64) * ops::exp2(half) * ops::exp2(n - half), x.dtype());
}
const Op ldexp_op(
    "ldexp(Tensor input, Tensor other) -> Tensor", ldexp_forward,
    {.inplace = true,
     .out = true,
     .doc =
         R"(`input * 2 ** other`; the dtype is that of a floating `input` where `other` holds integers.

Follows `torch.ldexp`.

>>> rt.ldexp(rt.tensor([1.]), rt.tensor([3]))
tensor([8.])
)"});

}  // namespace

namespace ops {

Tensor pow(const Tensor& x, const Tensor& exponent) { return pow_op(x, exponent); }

}  // namespace ops
}  // namespace rt
