// Quantiles: elements by fractional rank.
#include "ops/ops.h"
#include "ops/order_statistics.h"

namespace rt {

namespace {

using MaybeInt = std::optional<int64_t>;

void check(const char* op, const Tensor& x, const Tensor& q, std::string_view how) {
  RT_CHECK(x.dtype() == DType::Float32 || x.dtype() == DType::Float64, Runtime, op,
           "quantile() input tensor must be either float or double dtype", describe(x));
  RT_CHECK(x.numel() > 0, Runtime, op, "quantile() input tensor must be non-empty", describe(x));
  RT_CHECK(q.dim() <= 1, Runtime, op, "quantile() q must be a scalar or 1D tensor", describe(q));
  RT_CHECK(q.dtype() == x.dtype(), Runtime, op,
           "quantile() q tensor must be same dtype as the input tensor", describe(q));
  RT_CHECK(
      how == "linear" || how == "lower" || how == "higher" || how == "midpoint" || how == "nearest",
      Runtime, op,
      cat_str("quantile() interpolation must be one of linear, lower, higher, midpoint or nearest, "
              "but got ",
              how));
  NoGradGuard guard;
  const Tensor inside =
      ops::to(ops::logical_and(ops::ge(q, Scalar(0)), ops::le(q, Scalar(1))), Device{});
  RT_CHECK(ops::all(inside).data<bool>()[0], Runtime, op,
           "quantile() q values must be in the range [0, 1]", describe(q));
}

Tensor quantile_of(const char* op, const Tensor& x, const Tensor& q, MaybeInt dim, bool keepdim,
                   std::string_view how, bool ignore_nan) {
  check(op, x, q, how);
  const bool all = !dim || x.dim() == 0;
  const int64_t d = wrap_dim(dim.value_or(0), x.dim(), op), count = q.numel();
  // The dim goes last and leaves one of size 1 in its place.
  const Tensor lines =
      all ? ops::reshape(x, {x.numel()}) : ops::transpose(ops::unsqueeze(x, -1), d, -1);
  const int64_t n = lines.sizes().back();

  // Ranks are computed in x's type, as PyTorch does: which element is the lower one hangs on it.
  const Tensor isnan = ops::isnan(lines), row = ops::reshape(q, {count});
  Tensor place;
  if (ignore_nan) {
    const Tensor valid = Scalar(n) - ops::sum(isnan, {-1}, true);
    place = row * ops::to(ops::clamp(valid - Scalar(1), Scalar(0), {}), x.dtype());
  } else {
    // A line with NaN points at its last element, which is NaN.
    place = ops::where(ops::any(isnan, {-1}, true), Scalar(n - 1), row * Scalar(n - 1));
  }
  if (how == "lower") place = ops::floor(place);
  if (how == "higher") place = ops::ceil(place);
  if (how == "nearest") place = ops::round(place);
  const Tensor below = ops::floor(place);
  const bool between = how == "linear" || how == "midpoint";
  const Tensor both[] = {below, ops::ceil(place)};
  const Tensor ranks = ops::to(between ? ops::cat(both, -1) : below, DType::Int64);
  Tensor r = std::get<0>(ops::select_ranks(lines, -1, ranks));
  if (between) {
    const Tensor weight = how == "linear" ? place - below : ops::full_like(below, Scalar(0.5));
    r = ops::lerp(ops::narrow(r, -1, 0, count), ops::narrow(r, -1, count, count), weight);
  }

  if (all && keepdim) {
    Dims shape(static_cast<size_t>(x.dim()) + 1, 1);
    shape.back() = count;
    r = ops::reshape(r, shape);
  }
  if (!all && !keepdim) r = ops::squeeze(r, {d});
  return q.dim() == 0 ? ops::squeeze(r, {-1}) : ops::movedim(r, {-1}, {0});
}
Tensor quantile(const Tensor& x, const Tensor& q, MaybeInt dim, bool keepdim,
                std::string_view interpolation) {
  return quantile_of("quantile", x, q, dim, keepdim, interpolation, false);
}
Tensor nanquantile(const Tensor& x, const Tensor& q, MaybeInt dim, bool keepdim,
                   std::string_view interpolation) {
  return quantile_of("nanquantile", x, q, dim, keepdim, interpolation, true);
}
Tensor number(const char* op, const Tensor& x, double q) {
  RT_CHECK(q >= 0 && q <= 1, Runtime, op,
           cat_str("quantile() q must be in the range [0, 1] but got ", q));
  return scalar_tensor(q, x.dtype(), x.device());
}
Tensor quantile_number(const Tensor& x, double q, MaybeInt dim, bool keepdim,
                       std::string_view interpolation) {
  return quantile(x, number("quantile", x, q), dim, keepdim, interpolation);
}
Tensor nanquantile_number(const Tensor& x, double q, MaybeInt dim, bool keepdim,
                          std::string_view interpolation) {
  return nanquantile(x, number("nanquantile", x, q), dim, keepdim, interpolation);
}
#define RT_QUANTILE_ARGS \
  ", int? dim=None, bool keepdim=False, *, str interpolation='linear') -> Tensor"
const Op quantile_op("quantile(Tensor input, Tensor q" RT_QUANTILE_ARGS, quantile,
                     {.out = true, .doc = R"(The q-th quantiles of all elements, or along `dim`.

`q` from 0 to 1: a number, or a row of them (of the input's dtype), which become the first dim.
`interpolation` between neighbours: linear, lower, higher, midpoint or nearest. A line with NaN gives NaN.
Errors for tensors that are empty or neither float32 nor float64. Follows `torch.quantile`.

>>> rt.quantile(rt.tensor([1., 2., 3., 4.]), 0.5)
tensor(2.5000)
)"});
const Op quantile_number_op("quantile.scalar(Tensor input, float q" RT_QUANTILE_ARGS,
                            quantile_number, {.out = true});
const Op nanquantile_op(
    "nanquantile(Tensor input, Tensor q" RT_QUANTILE_ARGS, nanquantile,
    {.out = true, .doc = R"(The q-th quantiles of the elements that are not NaN; see `quantile`.

NaN for a line that has no other elements. Follows `torch.nanquantile`.

>>> rt.nanquantile(rt.tensor([1., float('nan'), 3.]), 0.5)
tensor(2.)
)"});
const Op nanquantile_number_op("nanquantile.scalar(Tensor input, float q" RT_QUANTILE_ARGS,
                               nanquantile_number, {.out = true});
#undef RT_QUANTILE_ARGS

}  // namespace

}  // namespace rt
