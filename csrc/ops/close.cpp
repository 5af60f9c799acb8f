// Closeness and equality of whole tensors.
#include "ops/elementwise.h"
#include "ops/ops.h"

namespace rt {

namespace {

bool truth(const Tensor& t) { return item(t).to_bool(); }

void check_tolerances(const char* op, const Tensor& a, const Tensor& b, double rtol, double atol) {
  RT_CHECK(a.dtype() == b.dtype(), Runtime, op,
           cat_str("both tensors must have one dtype: ", a.dtype(), " did not match ", b.dtype()));
  RT_CHECK(rtol >= 0, Runtime, op,
           cat_str("rtol must be greater than or equal to zero, but got ", rtol));
  RT_CHECK(atol >= 0, Runtime, op,
           cat_str("atol must be greater than or equal to zero, but got ", atol));
}
Tensor isclose_forward(const Tensor& a, const Tensor& b, double rtol, double atol, bool equal_nan) {
  check_tolerances("isclose", a, b, rtol, atol);
  NoGradGuard guard;
  Tensor close = ops::eq(a, b);
  if (equal_nan && !is_integral(a.dtype(), true)) {
    close = ops::logical_or(close, ops::logical_and(ops::isnan(a), ops::isnan(b)));
  }
  if (rtol == 0 && atol == 0) return close;
  // Integers subtract without wrapping.
  const auto wide = [](const Tensor& t) {
    return is_integral(t.dtype(), true) ? ops::to(t, default_dtype()) : t;
  };
  const Tensor allowed = ops::abs(wide(b) * rtol) + atol, actual = ops::abs(wide(a) - wide(b));
  return ops::logical_or(close, ops::logical_and(ops::isfinite(actual), ops::le(actual, allowed)));
}
const Op isclose_op(
    "isclose(Tensor input, Tensor other, float rtol=1e-05, float atol=1e-08, bool equal_nan=False) "
    "-> Tensor",
    isclose_forward,
    {.integer_result = true,
     .doc = R"(Whether `|input - other| <= atol + rtol * |other|`, elementwise, as bool.

Equal infinities are close; NaN is close to NaN if `equal_nan`. Errors for two dtypes and for negative
tolerances. Follows `torch.isclose`.

>>> rt.isclose(rt.tensor([1., 2.]), rt.tensor([1. + 1e-9, 2.1]))
tensor([ True, False])
)"});

bool all_true(const Tensor& t) { return !truth(ops::any(ops::logical_not(t))); }

bool allclose_forward(const Tensor& a, const Tensor& b, double rtol, double atol, bool equal_nan) {
  check_tolerances("allclose", a, b, rtol, atol);
  return all_true(isclose_forward(a, b, rtol, atol, equal_nan));
}
const Op allclose_op(
    "allclose(Tensor input, Tensor other, float rtol=1e-05, float atol=1e-08, bool "
    "equal_nan=False) -> bool",
    allclose_forward,
    {.integer_result = true, .doc = R"(Whether all elements are close, see `isclose`.

Follows `torch.allclose`.

>>> rt.allclose(rt.tensor([1., 2.]), rt.tensor([1. + 1e-9, 2.]))
True
)"});

bool equal_forward(const Tensor& a, const Tensor& b) {
  if (!(a.sizes() == b.sizes())) return false;
  return a.numel() == 0 || all_true(ops::eq(a, b));
}
const Op equal_op("equal(Tensor input, Tensor other) -> bool", equal_forward,
                  {.integer_result = true,
                   .doc = R"(Whether two tensors have the same shape and values; NaN equals nothing.

Follows `torch.equal`.

>>> rt.equal(rt.tensor([1, 2]), rt.tensor([1, 2]))
True
)"});

}  // namespace

namespace ops {

Tensor isclose(const Tensor& a, const Tensor& b, double rtol, double atol, bool equal_nan) {
  return isclose_op(a, b, rtol, atol, equal_nan);
}
bool allclose(const Tensor& a, const Tensor& b, double rtol, double atol, bool equal_nan) {
  return allclose_op(a, b, rtol, atol, equal_nan);
}
bool equal(const Tensor& a, const Tensor& b) { return equal_op(a, b); }

}  // namespace ops
}  // namespace rt
