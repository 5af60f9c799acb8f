// Rounding to whole numbers.
#include "autograd/vjp.h"
#include "ops/elementwise.h"
#include "ops/ops.h"

namespace rt {

namespace {

// Steps: flat wherever they have a derivative.
void flat_vjp(VjpContext& c) {
  if (c.has_grad()) c.set(0, ops::zeros_like(c.grad()));
}

template <ElementwiseSlot& S>
Tensor rounding_forward(Out out, const Tensor& x) {
  RT_CHECK(!is_complex(x.dtype()), NotImplemented, S.name(),
           cat_str(S.name(), " is not supported for complex inputs"), describe(x));
  return elementwise(S, S.name(), out, x);
}

#define RT_ROUNDING_OP(name, other_names, text)                                       \
  ElementwiseSlot name##_slot{#name, EwCompute::Promoted, EwResult::Same, 1};         \
  const Op name##_op(#name "(Tensor input) -> Tensor", rounding_forward<name##_slot>, \
                     {.vjp = flat_vjp,                                                \
                      .aliases = other_names,                                         \
                      .inplace = true,                                                \
                      .out = true,                                                    \
                      .kernels = {&name##_slot},                                      \
                      .doc = text});

RT_ROUNDING_OP(floor, "",
               R"(The largest whole number not above each element; integers stay as they are.

Errors for bool and complex tensors. Follows `torch.floor`.

>>> rt.floor(rt.tensor([1.5, -1.5]))
tensor([ 1., -2.])
)")

RT_ROUNDING_OP(ceil, "",
               R"(The smallest whole number not below each element; integers stay as they are.

Errors for bool and complex tensors. Follows `torch.ceil`.

>>> rt.ceil(rt.tensor([1.5, -1.5]))
tensor([ 2., -1.])
)")

RT_ROUNDING_OP(trunc, "fix", R"(Each element without its fraction; integers stay as they are.

Errors for bool and complex tensors. Follows `torch.trunc`.

>>> rt.trunc(rt.tensor([1.5, -1.5]))
tensor([ 1., -1.])
)")

ElementwiseSlot round_slot{"round", EwCompute::Promoted, EwResult::Same, 1};
ElementwiseSlot round_decimals_slot{"round_decimals", EwCompute::Promoted, EwResult::Same, 3};
Tensor round_forward(Out out, const Tensor& x, int64_t decimals) {
  RT_CHECK(!is_complex(x.dtype()), NotImplemented, "round",
           "round is not supported for complex inputs", describe(x));
  if (decimals == 0) return elementwise(round_slot, "round", out, x);
  double scale = 1;
  for (int64_t i = std::min<int64_t>(std::abs(decimals), 400); i > 0; --i) scale *= 10;
  const DType compute = compute_type(x.dtype());
  const Tensor inputs[] = {x, scalar_tensor(scale, compute),
                           scalar_tensor(decimals < 0 ? 1 : 0, compute)};
  return elementwise(round_decimals_slot, "round", out, inputs, x.dtype());
}
const Op round_op("round(Tensor input, *, int decimals=0) -> Tensor", round_forward,
                  {.vjp = flat_vjp,
                   .in = "rt Tensor special",
                   .inplace = true,
                   .out = true,
                   .kernels = {&round_slot, &round_decimals_slot},
                   .doc = R"(Each element rounded to a whole number, halves to the even one.

With `decimals`, floats are rounded to that many decimal digits (negative: to tens, hundreds, ...).
Integers stay as they are. Errors for bool and complex tensors. Follows `torch.round`.

>>> rt.round(rt.tensor([0.5, 1.5, 2.6]))
tensor([0., 2., 3.])
)"});

ElementwiseSlot frac_slot{"frac", EwCompute::Promoted, EwResult::Same, 1};
const Op frac_op("frac(Tensor input) -> Tensor", unary_forward<frac_slot>,
                 {.vjp = RT_GRADIENT(c.grad()),
                  .inplace = true,
                  .out = true,
                  .kernels = {&frac_slot},
                  .doc = R"(The fraction `x - trunc(x)` of each element, with the sign of x.

Floating-point tensors only. Follows `torch.frac`.

>>> rt.frac(rt.tensor([1.5, -2.25]))
tensor([ 0.5000, -0.2500])
)"});

}  // namespace

namespace ops {

Tensor floor(const Tensor& x) { return floor_op(x); }
Tensor ceil(const Tensor& x) { return ceil_op(x); }
Tensor trunc(const Tensor& x) { return trunc_op(x); }
Tensor round(const Tensor& x, int64_t decimals) { return round_op(x, decimals); }
Tensor frac(const Tensor& x) { return frac_op(x); }

}  // namespace ops
}  // namespace rt
