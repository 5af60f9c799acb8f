// Tests of single elements, and their replacement.
#include <limits>

#include "autograd/vjp.h"
#include "ops/elementwise.h"
#include "ops/ops.h"

namespace rt {

namespace {

template <ElementwiseSlot& S>
Tensor test_forward(const Tensor& x) {
  return elementwise(S, S.name(), Out(), x);
}
template <ElementwiseSlot& S>
Tensor real_test_forward(Out out, const Tensor& x) {
  RT_CHECK(!is_complex(x.dtype()), NotImplemented, S.name(),
           cat_str(S.name(), " does not support complex inputs."), describe(x),
           "its real and imag parts");
  return elementwise(S, S.name(), out, x);
}

#define RT_TEST_OP(name, text)                                                    \
  ElementwiseSlot name##_slot{#name, EwCompute::Promoted, EwResult::Bool, 1};     \
  const Op name##_op(#name "(Tensor input) -> Tensor", test_forward<name##_slot>, \
                     {.integer_result = true, .kernels = {&name##_slot}, .doc = text});
#define RT_REAL_TEST_OP(name, text)                                           \
  ElementwiseSlot name##_slot{#name, EwCompute::Promoted, EwResult::Bool, 1}; \
  const Op name##_op(                                                         \
      #name "(Tensor input) -> Tensor", real_test_forward<name##_slot>,       \
      {.out = true, .integer_result = true, .kernels = {&name##_slot}, .doc = text});

RT_TEST_OP(isnan, R"(Whether elements are NaN, as bool; a complex number is if either part is.

Follows `torch.isnan`.

>>> rt.isnan(rt.tensor([1., float('nan')]))
tensor([False,  True])
)")
RT_TEST_OP(isinf, R"(Whether elements are infinite, as bool; a complex number is if either part is.

Follows `torch.isinf`.

>>> rt.isinf(rt.tensor([1., float('inf')]))
tensor([False,  True])
)")
RT_TEST_OP(isfinite, R"(Whether elements are neither infinite nor NaN, as bool.

Follows `torch.isfinite`.

>>> rt.isfinite(rt.tensor([1., float('inf')]))
tensor([ True, False])
)")
RT_TEST_OP(isreal, R"(Whether elements have no imaginary part, as bool; real elements never do.

Follows `torch.isreal`.

>>> rt.isreal(rt.tensor([1 + 0j, 1j]))
tensor([ True, False])
)")
RT_REAL_TEST_OP(isposinf, R"(Whether elements are positive infinity, as bool.

Errors for complex tensors. Follows `torch.isposinf`.

>>> rt.isposinf(rt.tensor([float('-inf'), float('inf')]))
tensor([False,  True])
)")
RT_REAL_TEST_OP(isneginf, R"(Whether elements are negative infinity, as bool.

Errors for complex tensors. Follows `torch.isneginf`.

>>> rt.isneginf(rt.tensor([float('-inf'), float('inf')]))
tensor([ True, False])
)")
RT_REAL_TEST_OP(signbit,
                R"(Whether elements have a minus sign, as bool; -0.0 and negative NaN have one.

Errors for complex tensors. Follows `torch.signbit`.

>>> rt.signbit(rt.tensor([-0., 1.]))
tensor([ True, False])
)")

ElementwiseSlot nan_to_num_slot{"nan_to_num", EwCompute::Promoted, EwResult::Same, 4};

double largest(DType t) {
  switch (t) {
    case DType::Float16:
      return 65504;
    case DType::BFloat16:
      return 3.3895313892515355e38;
    case DType::Float64:
      return std::numeric_limits<double>::max();
    default:
      return std::numeric_limits<float>::max();
  }
}
Tensor nan_to_num_forward(Out out, const Tensor& x, std::optional<double> nan,
                          std::optional<double> posinf, std::optional<double> neginf) {
  if (is_integral(x.dtype(), true)) {
    if (!out) return ops::clone(x);
    RT_CHECK(can_cast(x.dtype(), (*out).dtype()), Runtime, "nan_to_num",
             cat_str("result type ", name(x.dtype()), " can't be cast to the desired output type ",
                     name((*out).dtype())));
    return ops::copy_(*out, x);
  }
  if (is_complex(x.dtype())) {
    const Tensor parts = ops::view_as_real(x);
    if (out)
      return nan_to_num_forward(Out(ops::view_as_real(*out)), parts, nan, posinf, neginf), *out;
    return ops::view_as_complex(
        ops::contiguous(nan_to_num_forward(Out(), parts, nan, posinf, neginf)));
  }
  const DType compute = compute_type(x.dtype());
  const double top = largest(x.dtype());
  const auto number = [&](double v) { return scalar_tensor(v, compute); };
  const Tensor inputs[] = {x, number(nan.value_or(0)), number(posinf.value_or(top)),
                           number(neginf.value_or(-top))};
  return elementwise(nan_to_num_slot, "nan_to_num", out, inputs, x.dtype());
}
const Op nan_to_num_op(
    "nan_to_num(Tensor input, float? nan=None, float? posinf=None, float? neginf=None) -> Tensor",
    nan_to_num_forward,
    {.vjp = RT_GRADIENT(c.grad() * ops::isfinite(c.input(0))),
     .saves = "input",
     .inplace = true,
     .out = true,
     .kernels = {&nan_to_num_slot},
     .doc =
         R"(NaN replaced by `nan` (0), infinities by `posinf` and `neginf` (the dtype's largest values).

Follows `torch.nan_to_num`.

>>> rt.nan_to_num(rt.tensor([float('nan'), float('inf'), 1.]), posinf=9.)
tensor([0., 9., 1.])
)"});

}  // namespace

namespace ops {

Tensor isnan(const Tensor& x) { return isnan_op(x); }
Tensor isinf(const Tensor& x) { return isinf_op(x); }
Tensor isfinite(const Tensor& x) { return isfinite_op(x); }
Tensor nan_to_num(const Tensor& x, std::optional<double> nan, std::optional<double> posinf,
                  std::optional<double> neginf) {
  return nan_to_num_op(x, nan, posinf, neginf);
}

}  // namespace ops
}  // namespace rt
