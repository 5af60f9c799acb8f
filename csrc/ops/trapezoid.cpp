// Integrals of samples by the trapezoidal rule.
#include "ops/ops.h"

namespace rt {

namespace {

struct Samples {
  int64_t dim, count;
};
Samples check(const char* op, const Tensor& y, int64_t dim, bool is_bool, const char* what) {
  RT_CHECK(y.dim() > 0, Index, op, "the samples have no dimensions", describe(y));
  RT_CHECK(!is_bool, Runtime, op,
           cat_str("received a bool input for ", what, ", but bool is not supported"), describe(y));
  const int64_t d = wrap_dim(dim, y.dim(), op);
  return {d, y.size(d)};
}
// The sums of neighbours along dim.
Tensor pairs(const Tensor& y, Samples s) {
  const int64_t left = std::max<int64_t>(s.count - 1, 0);
  return ops::narrow(y, s.dim, 0, left) +
         ops::narrow(y, s.dim, std::min<int64_t>(s.count, 1), left);
}
// Twice the areas between neighbours.
Tensor areas(const char* op, const Tensor& y, const Tensor& x, int64_t dim, int64_t* at) {
  const bool is_bool = y.dtype() == DType::Bool || x.dtype() == DType::Bool;
  const Samples s = check(op, y, dim, is_bool, "`x` or `y`");
  Tensor grid = x;
  if (x.dim() == 1) {
    RT_CHECK(x.size(0) == s.count, Runtime, op, "There must be one `x` value for each sample point",
             cat_str(describe(x), " for ", describe(y)));
    Dims shape(static_cast<size_t>(y.dim()), 1);
    shape[static_cast<size_t>(s.dim)] = s.count;
    grid = ops::reshape(x, shape);
  } else if (x.dim() < y.dim()) {
    Dims shape(static_cast<size_t>(y.dim() - x.dim()), 1);
    for (int64_t n : x.sizes()) shape.push_back(n);
    grid = ops::reshape(x, shape);
  }
  const int64_t d = grid.dim() - y.dim() + s.dim, n = grid.size(d),
                left = std::max<int64_t>(n - 1, 0);
  const Tensor steps =
      ops::narrow(grid, d, std::min<int64_t>(n, 1), left) - ops::narrow(grid, d, 0, left);
  const Tensor r = steps * pairs(y, s);
  *at = s.dim - y.dim();
  return r;
}
double step_of(const char* op, const Scalar& dx) {
  RT_CHECK(!dx.is_complex(), Runtime, op, "Currently, we only support dx as a real number.");
  return dx.to_double() / 2;
}

Tensor trapezoid_x(const Tensor& y, const Tensor& x, int64_t dim) {
  int64_t d = 0;
  const Tensor twice = areas("trapezoid", y, x, dim, &d);
  return ops::sum(twice, {d}) / Scalar(2.0);
}
Tensor trapezoid_dx(const Tensor& y, Scalar dx, int64_t dim) {
  const double half = step_of("trapezoid", dx);
  const Samples s = check("trapezoid", y, dim, y.dtype() == DType::Bool, "`y`");
  return ops::sum(pairs(y, s), {s.dim}) * Scalar(half);
}
Tensor cumulative_x(const Tensor& y, const Tensor& x, int64_t dim) {
  int64_t d = 0;
  const Tensor twice = areas("cumulative_trapezoid", y, x, dim, &d);
  return ops::cumsum(twice, d) / Scalar(2.0);
}
Tensor cumulative_dx(const Tensor& y, Scalar dx, int64_t dim) {
  const double half = step_of("cumulative_trapezoid", dx);
  const Samples s = check("cumulative_trapezoid", y, dim, y.dtype() == DType::Bool, "`y`");
  return ops::cumsum(pairs(y, s), s.dim) * Scalar(half);
}
const Op trapezoid_x_op("trapezoid.x(Tensor y, Tensor x, *, int dim=-1) -> Tensor", trapezoid_x,
                        {.in = "rt",
                         .aliases = "trapz",
                         .doc = R"(The integral of samples `y` along `dim` by the trapezoidal rule.

The samples are `dx` (1) apart, or at the places `x`: a row for all, or a tensor that broadcasts with
`y`. Integers give the default float dtype; errors for bool. Follows `torch.trapezoid`.

>>> rt.trapezoid(rt.tensor([1., 2., 4.]))
tensor(4.5000)
)"});
const Op trapezoid_dx_op("trapezoid.dx(Tensor y, *, Scalar dx=1, int dim=-1) -> Tensor",
                         trapezoid_dx, {.in = "rt", .aliases = "trapz"});
const Op cumulative_x_op(
    "cumulative_trapezoid.x(Tensor y, Tensor x, *, int dim=-1) -> Tensor", cumulative_x,
    {.in = "rt",
     .doc = R"(The integrals of samples `y` from the first up to each later one along `dim`, by the
trapezoidal rule.

`x` and `dx` as for `trapezoid`; one element less than `y` along `dim`. Follows
`torch.cumulative_trapezoid`.

>>> rt.cumulative_trapezoid(rt.tensor([1., 2., 4.]))
tensor([1.5000, 4.5000])
)"});
const Op cumulative_dx_op("cumulative_trapezoid.dx(Tensor y, *, Scalar dx=1, int dim=-1) -> Tensor",
                          cumulative_dx, {.in = "rt"});

}  // namespace

}  // namespace rt
