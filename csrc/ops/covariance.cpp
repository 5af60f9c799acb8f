// Covariances and correlations of variables that are the rows of a matrix.
#include "core/warning.h"
#include "ops/ops.h"

namespace rt {

namespace {

void check_variables(const char* op, const Tensor& x) {
  RT_CHECK(x.dim() <= 2, Runtime, op,
           cat_str("expected input to have two or fewer dimensions but got an input with ", x.dim(),
                   " dimensions"),
           describe(x));
  RT_CHECK(x.dtype() != DType::Bool, Runtime, op, "bool dtype is not supported for input",
           describe(x));
}

void check_weights(const char* which, const Tensor& w, int64_t observations, bool integral) {
  RT_CHECK(w.dim() <= 1, Runtime, "cov",
           cat_str("expected ", which, " to have one or fewer dimensions but got ", which, " with ",
                   w.dim(), " dimensions"));
  RT_CHECK(integral ? is_integral(w.dtype(), false) : is_floating(w.dtype()), Runtime, "cov",
           cat_str("expected ", which, " to have ", integral ? "integral" : "floating point",
                   " dtype but got ", which, " with ", name(w.dtype()), " dtype"));
  RT_CHECK(w.numel() == observations, Runtime, "cov",
           cat_str("expected ", which,
                   " to have the same numel as there are observations in the input but got ",
                   w.numel(), " != ", observations));
  if (w.numel() == 0) return;
  const Tensor least = ops::to(ops::amin(w), Device{});
  RT_CHECK(item(least).to_double() >= 0, Runtime, "cov", cat_str(which, " cannot be negative"));
}

double value_of(const Tensor& t) {
  const Tensor here = ops::to(t, Device{});
  return item(here).to_double();
}

// The sum of the weights, less what the correction takes from it: the divisor of an unbiased
// estimate.
Tensor degrees_of_freedom(const Tensor& weights, const Tensor& total, const Tensor& aweights,
                          int64_t correction) {
  if (!aweights.defined() || correction == 0) return total - Scalar(correction);
  return total - ops::sum(weights * aweights) / total * Scalar(correction);
}

Tensor cov_forward(const Tensor& input, int64_t correction, const Tensor& fweights,
                   const Tensor& aweights) {
  check_variables("cov", input);
  const Tensor x = input.dim() < 2 ? ops::reshape(input, {1, -1}) : input;
  const int64_t n = x.sizes()[1];
  Tensor weights;
  if (fweights.defined()) {
    check_weights("fweights", fweights, n, true);
    weights = fweights;
  }
  if (aweights.defined()) {
    check_weights("aweights", aweights, n, false);
    weights = weights.defined() ? weights * aweights : aweights;
  }
  Tensor total, freedom;
  double degrees = static_cast<double>(n - correction);
  if (weights.defined()) {
    total = ops::sum(weights);
    RT_CHECK(n == 0 || value_of(total) != 0, Runtime, "cov",
             "weights sum to zero, can't be normalized");
    freedom = degrees_of_freedom(weights, total, aweights, correction);
    degrees = value_of(freedom);
  }
  if (!(degrees > 0)) {
    warn("cov",
         "degrees of freedom is <= 0. Correction should be strictly less than the number of "
         "observations.");
    degrees = 0;
    if (freedom.defined()) freedom = ops::zeros(freedom.sizes(), freedom.dtype(), freedom.device());
  }
  const auto weighted = [&](const Tensor& t) { return weights.defined() ? t * weights : t; };
  const Tensor sums = ops::sum(weighted(x), {1}, true);
  const Tensor centred =
      x - (total.defined() ? sums / total : sums / Scalar(static_cast<double>(n)));
  const Tensor other = weighted(centred);
  const Tensor products = ops::matmul(ops::to(centred, other.dtype()), ops::mH(other));
  const Tensor result = freedom.defined() ? products / freedom : products / Scalar(degrees);
  return result.numel() == 1 ? ops::reshape(result, {}) : result;
}
const Op cov_op(
    "cov(Tensor input, *, int correction=1, Tensor? fweights=None, Tensor? aweights=None) -> "
    "Tensor",
    cov_forward,
    {.doc = R"(The covariance matrix of variables (rows) from their observations (columns).

`input` is at most 2-D and not bool. `fweights` says how often each observation was made (integers), `aweights` how
much it counts (floats). The sums are divided by the number of observations less `correction`.

Follows `torch.cov`.

>>> rt.cov(rt.tensor([[0., 1., 2.], [2., 1., 0.]]))
tensor([[ 1., -1.],
        [-1.,  1.]])
)"});

Tensor corrcoef_forward(const Tensor& input) {
  check_variables("corrcoef", input);
  const Tensor c = cov_op(input, 1, Tensor(), Tensor());
  if (c.dim() == 0) return c / c;
  const Tensor variances = ops::diagonal(c);
  const Tensor spread = ops::sqrt(is_complex(c.dtype()) ? ops::real(variances) : variances);
  const Tensor r = c / ops::unsqueeze(spread, 1) / ops::unsqueeze(spread, 0);
  // Rounding may leave the interval.
  if (!is_complex(r.dtype())) return ops::clamp(r, Scalar(-1), Scalar(1));
  return ops::view_as_complex(ops::clamp(ops::view_as_real(r), Scalar(-1), Scalar(1)));
}
const Op corrcoef_op(
    "corrcoef(Tensor input) -> Tensor", corrcoef_forward,
    {.doc =
         R"(Pearson's correlation coefficients of variables (rows) from their observations (columns).

Follows `torch.corrcoef`.

>>> rt.corrcoef(rt.tensor([[0., 1., 2.], [2., 1., 0.]]))
tensor([[ 1., -1.],
        [-1.,  1.]])
)"});

}  // namespace

}  // namespace rt
