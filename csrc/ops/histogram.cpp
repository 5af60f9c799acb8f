// Histograms with given or equal bins.
#include <cmath>

#include "ops/index_support.h"
#include "ops/ops.h"

namespace rt {

namespace {

using Histogram = std::tuple<Tensor, Tensor>;

// Bins are open on the right, but for the last; what lies outside is not counted, nor is NaN.
Histogram count(const Tensor& input, const Tensor& edges, const Tensor& weight, bool density) {
  RT_CHECK(!weight.defined() || weight.sizes() == input.sizes(), Runtime, "histogram",
           "if weight tensor is provided it should have the same shape as the input tensor",
           cat_str(describe(input), " and ", describe(weight)));
  RT_CHECK(
      !weight.defined() || weight.dtype() == input.dtype(), Runtime, "histogram",
      "if weight tensor is provided, input tensor and weight tensor should have the same dtype",
      cat_str(describe(input), " and ", describe(weight)));
  const int64_t bins = edges.size(0) - 1;
  const Tensor x = ops::reshape(input, {input.numel()});
  const Tensor last = ops::select(edges, 0, bins);
  const Tensor inside = ops::logical_and(ops::ge(x, ops::select(edges, 0, 0)), ops::le(x, last));
  Tensor bin = ops::searchsorted(edges, x, true) - Scalar(1);
  bin = ops::clamp(bin, Scalar(0), Scalar(bins - 1));
  // What is outside goes to a bin of its own, which is dropped.
  bin = ops::where(inside, bin, Scalar(bins));
  const Tensor one = weight.defined() ? ops::reshape(weight, {input.numel()}) : ops::ones_like(x);
  const Tensor none = ops::zeros({bins + 1}, input.dtype(), input.device());
  Tensor counts = ops::narrow(ops::index_add(none, 0, bin, one), 0, 0, bins);
  if (density) {
    const Tensor widths = ops::narrow(edges, 0, 1, bins) - ops::narrow(edges, 0, 0, bins);
    counts = counts / ops::sum(counts) / widths;
  }
  return {ops::clone(counts), edges};
}

void check_input(const Tensor& x) {
  RT_CHECK(is_floating(x.dtype()), NotImplemented, "histogram",
           cat_str("\"histogramdd\" not implemented for '", torch_type_name(x.dtype()), "'"),
           describe(x), "a float tensor");
}

Histogram equal_bins(const Tensor& x, int64_t bins, std::optional<FloatList> range,
                     const Tensor& weight, bool density) {
  NoGradGuard guard;
  check_input(x);
  RT_CHECK(bins > 0, Runtime, "histogram", "bins must be > 0", cat_str(bins));
  double low = 0, high = 1;
  if (range) {
    RT_CHECK(range->size() == 2, Runtime, "histogram",
             "range should have 2 elements, the lowest and the highest value",
             cat_str(range->size(), " elements"));
    low = (*range)[0], high = (*range)[1];
  } else if (x.numel() > 0) {
    low = item(ops::amin(x)).to_double(), high = item(ops::amax(x)).to_double();
  }
  RT_CHECK(std::isfinite(low) && std::isfinite(high), Runtime, "histogram",
           cat_str("the range [", low, ", ", high, "] is not finite"));
  RT_CHECK(low <= high, Runtime, "histogram", "min should not exceed max",
           cat_str("min ", low, " max ", high));
  if (low == high) low -= 0.5, high += 0.5;
  return count(x, ops::linspace(low, high, bins + 1, x.dtype(), x.device()), weight, density);
}
Histogram given_bins(const Tensor& x, const Tensor& edges, const Tensor& weight, bool density) {
  NoGradGuard guard;
  check_input(x);
  RT_CHECK(edges.dtype() == x.dtype(), Runtime, "histogram",
           "input tensor and bins tensors should have the same dtype",
           cat_str(describe(x), " and ", describe(edges)));
  RT_CHECK(edges.dim() == 1, Runtime, "histogram", "bins tensor should have one dimension",
           describe(edges));
  RT_CHECK(edges.numel() > 0, Runtime, "histogram", "bins tensor should have at least 1 element",
           describe(edges));
  RT_CHECK(edges.numel() > 1, Runtime, "histogram", "bins must be > 0: one more edge than bins",
           describe(edges));
  return count(x, ops::clone(edges), weight, density);
}

const Op given_op(
    "histogram(Tensor input, Tensor bins, *, Tensor? weight=None, bool density=False) -> (Tensor "
    "hist, Tensor bin_edges)",
    given_bins,
    {.out = true,
     .integer_result = true,
     .doc = R"(How many elements of a float tensor lie in each bin, or the sum of their weights.

`bins` is the number of equal bins of `range` (from the smallest to the largest element), or a tensor
of their rising edges. A bin holds its left edge, the last one its right edge too. `density` divides
by the total and by the widths. Errors for integers and for a range that is not finite. Follows
`torch.histogram`.

>>> rt.histogram(rt.tensor([1., 2., 1.]), bins=4, range=(0., 3.)).hist
tensor([0., 2., 1., 0.])
)"});
const Op equal_op(
    "histogram.bin_ct(Tensor input, int bins=100, *, float[]? range=None, Tensor? weight=None, "
    "bool "
    "density=False) -> (Tensor hist, Tensor bin_edges)",
    equal_bins, {.out = true, .integer_result = true});

// ---- nonzero of a known size ----

Tensor nonzero_static_forward(const Tensor& x, int64_t size, int64_t fill_value) {
  RT_CHECK(size >= 0, Runtime, "nonzero_static", "size must be a non-negative number",
           cat_str(size));
  NoGradGuard guard;
  const Tensor found = ops::nonzero(x);
  const int64_t n = std::min(size, found.size(0));
  const Tensor out = ops::full({size, x.dim()}, Scalar(fill_value), DType::Int64, x.device());
  ops::copy_(ops::narrow(out, 0, 0, n), ops::narrow(found, 0, 0, n));
  return out;
}
const Op nonzero_static_op("nonzero_static(Tensor input, *, int size, int fill_value=-1) -> Tensor",
                           nonzero_static_forward,
                           {.out = true,
                            .integer_result = true,
                            .doc = R"(The first `size` rows of `nonzero`; missing ones are filled.

Follows `torch.nonzero_static`.

>>> rt.nonzero_static(rt.tensor([0, 5]), size=2)
tensor([[ 1],
        [-1]])
)"});

}  // namespace

}  // namespace rt
