// interpolate: weighted sums along each spatial dim, with their adjoint.
#include "ops/resample.h"

#include <cmath>

#include "autograd/vjp.h"
#include "ops/elementwise.h"
#include "ops/ops.h"

namespace rt {

KernelSlot<void(const Tensor&, const Tensor&, const AxisTaps*)> resample_kernel{"resample"};

namespace {

constexpr const char* kName = "interpolate";

// The int that the internal ops carry.
enum Filter : int64_t { Nearest, NearestExact, Linear, Cubic, Lanczos };

// ---- Taps of one dim ----

double cubic(double d, double a) {
  d = std::abs(d);
  if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}
double lanczos(double d) {
  constexpr double pi = 3.14159265358979323846;
  if (d == 0) return 1;
  return std::abs(d) < 3 ? std::sin(pi * d) / (pi * d) * std::sin(pi * d / 3) / (pi * d / 3) : 0;
}
// Of Pillow's antialiasing, as PyTorch has it.
double wide_filter(int64_t filter, double d) {
  if (filter == Linear) return std::max(0.0, 1 - std::abs(d));
  return filter == Cubic ? cubic(d, -0.5) : lanczos(d);
}

AxisTaps empty_taps(int64_t taps, int64_t size) {
  const size_t n = static_cast<size_t>(taps * size);
  return {taps, size, std::vector<int32_t>(n, -1), std::vector<double>(n, 0)};
}

// The filter widened by the step when shrinking, its weights normalised.
AxisTaps antialias_taps(int64_t filter, int64_t in, int64_t out, double step) {
  const double width = std::max(step, 1.0), reach = (filter == Linear  ? 1
                                                     : filter == Cubic ? 2
                                                                       : 3) *
                                                    width;
  AxisTaps t = empty_taps(static_cast<int64_t>(std::ceil(reach)) * 2 + 1, out);
  for (int64_t i = 0; i < out; ++i) {
    const double center = step * (static_cast<double>(i) + 0.5);
    const int64_t low = std::max<int64_t>(static_cast<int64_t>(center - reach + 0.5), 0);
    const int64_t high = std::min<int64_t>(static_cast<int64_t>(center + reach + 0.5), in);
    double total = 0;
    for (int64_t j = low; j < high; ++j)
      total += wide_filter(filter, (static_cast<double>(j) - center + 0.5) / width);
    for (int64_t j = low; j < high && j - low < t.taps; ++j) {
      t.index_at(j - low, i) = static_cast<int32_t>(j);
      const double w = wide_filter(filter, (static_cast<double>(j) - center + 0.5) / width);
      t.weight_at(j - low, i) = total != 0 ? w / total : w;
    }
  }
  return t;
}

// T: the type positions are computed in, whose rounding is part of the behaviour.
template <class T>
AxisTaps taps_of(int64_t filter, int64_t in, int64_t out, double step, bool align_corners) {
  const T scale = static_cast<T>(step);
  if (filter == Nearest || filter == NearestExact) {
    AxisTaps t = empty_taps(1, out);
    for (int64_t i = 0; i < out; ++i) {
      const float at = (static_cast<float>(i) + (filter == NearestExact ? 0.5f : 0.0f)) *
                       static_cast<float>(step);
      int64_t j = static_cast<int64_t>(std::floor(at));
      // Exact ratios, whatever the scale factor that led to them.
      if (filter == Nearest && in == out) j = i;
      if (filter == Nearest && out == 2 * in) j = i / 2;
      t.index_at(0, i) = static_cast<int32_t>(std::min(j, in - 1));
      t.weight_at(0, i) = 1;
    }
    return t;
  }
  if (in == out && (align_corners || step == 1)) return taps_of<T>(Nearest, in, out, 1, false);
  AxisTaps t = empty_taps(filter == Linear ? 2 : 4, out);
  for (int64_t i = 0; i < out; ++i) {
    T at =
        align_corners ? scale * static_cast<T>(i) : scale * (static_cast<T>(i) + T(0.5)) - T(0.5);
    if (filter == Linear) at = std::max(at, T(0));
    const T floor = std::floor(at);
    const int64_t first = static_cast<int64_t>(floor);
    const T f = at - floor;
    for (int64_t k = 0; k < t.taps; ++k) {
      const int64_t j = first + (filter == Linear ? k : k - 1);
      t.index_at(k, i) = static_cast<int32_t>(std::clamp<int64_t>(j, 0, in - 1));
      t.weight_at(k, i) = filter == Linear ? (k == 0 ? T(1) - f : f)
                                           : cubic(static_cast<double>(j - first) - f, -0.75);
    }
  }
  return t;
}

// What each input element is read by, taps without weight left out.
AxisTaps transposed(const AxisTaps& t, int64_t in) {
  std::vector<int64_t> count(static_cast<size_t>(in), 0);
  const auto for_each = [&](auto&& f) {
    for (int64_t k = 0; k < t.taps; ++k) {
      for (int64_t i = 0; i < t.size; ++i) {
        const int64_t j = t.index_at(k, i);
        if (j >= 0 && t.weight_at(k, i) != 0) f(k, i, j, count[static_cast<size_t>(j)]++);
      }
    }
  };
  int64_t most = 0;
  for_each([&](int64_t, int64_t, int64_t, int64_t before) { most = std::max(most, before + 1); });
  AxisTaps r = empty_taps(most, in);
  std::fill(count.begin(), count.end(), 0);
  for_each([&](int64_t k, int64_t i, int64_t j, int64_t slot) {
    r.index_at(slot, j) = static_cast<int32_t>(i);
    r.weight_at(slot, j) = t.weight_at(k, i);
  });
  return r;
}

AxisTaps axis_taps(DType type, int64_t filter, int64_t in, int64_t out, double step,
                   bool align_corners, bool antialias) {
  if (align_corners && filter >= Linear) {
    step = out > 1 ? static_cast<double>(in - 1) / static_cast<double>(out - 1) : 0;
  }
  if (antialias) return antialias_taps(filter, in, out, step);
  return type == DType::Float64 ? taps_of<double>(filter, in, out, step, align_corners)
                                : taps_of<float>(filter, in, out, step, align_corners);
}

// ---- The ops ----

// (planes, d, h, w) of (N, C, spatial...).
Dims planes_of(IntList batch, IntList spatial) {
  Dims s{batch[0] * batch[1]};
  for (size_t d = spatial.size(); d < 3; ++d) s.push_back(1);
  for (int64_t n : spatial) s.push_back(n);
  return s;
}

// From spatial sizes `from` to `to` of x; `adjoint`: the transpose of the map from `to` to `from`.
Tensor blended(const Tensor& x, IntList to, int64_t filter, FloatList steps, bool align_corners,
               bool antialias, bool adjoint) {
  const IntList from = x.sizes().slice(2, x.sizes().size() - 2);
  Dims size{x.sizes()[0], x.sizes()[1]};
  for (int64_t n : to) size.push_back(n);
  const Tensor out = empty(size, x.dtype(), x.device(), kName);
  if (out.numel() == 0) return out;
  AxisTaps axes[3];
  for (size_t d = 0; d < 3; ++d) {
    if (d + to.size() < 3) {
      axes[d] = taps_of<float>(Nearest, 1, 1, 1, false);
      continue;
    }
    const size_t i = d + to.size() - 3;
    RT_CHECK(from[i] < INT32_MAX && to[i] < INT32_MAX, Runtime, kName, "a dim is too long",
             cat_str(x.sizes()));
    axes[d] =
        adjoint ? transposed(axis_taps(x.dtype(), filter, to[i], from[i], steps[i], align_corners,
                                       antialias),
                             to[i])
                : axis_taps(x.dtype(), filter, from[i], to[i], steps[i], align_corners, antialias);
  }
  const IntList batch = x.sizes().slice(0, 2);
  resample_kernel(
      out,
      make_view(out, planes_of(batch, to), contiguous_strides(planes_of(batch, to)), out.offset()),
      ops::reshape(ops::contiguous(x), planes_of(batch, from)), axes);
  return out;
}

Tensor resample(const Tensor& x, IntList size, int64_t filter, FloatList steps, bool align,
                bool antialias);
Tensor resample_adjoint(const Tensor& g, IntList size, int64_t filter, FloatList steps, bool align,
                        bool antialias);

Tensor resample_forward(const Tensor& x, IntList size, int64_t filter, FloatList steps, bool align,
                        bool antialias) {
  NoGradGuard guard;
  return blended(x, size, filter, steps, align, antialias, false);
}
Tensor adjoint_forward(const Tensor& g, IntList size, int64_t filter, FloatList steps, bool align,
                       bool antialias) {
  NoGradGuard guard;
  return blended(g, size, filter, steps, align, antialias, true);
}
void resample_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const IntList sizes = c.sizes(0);
  c.set(0, resample_adjoint(c.grad(), sizes.slice(2, sizes.size() - 2), c.arg<int64_t>(2),
                            c.arg<FloatList>(3), c.arg<bool>(4), c.arg<bool>(5)));
}
void adjoint_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const IntList sizes = c.sizes(0);
  c.set(0, resample(c.grad(), sizes.slice(2, sizes.size() - 2), c.arg<int64_t>(2),
                    c.arg<FloatList>(3), c.arg<bool>(4), c.arg<bool>(5)));
}
const Op resample_op(
    "_resample(Tensor input, int[] size, int filter, float[] steps, bool align_corners, bool "
    "antialias) -> Tensor",
    resample_forward, {.vjp = resample_vjp, .in = "", .kernels = {&resample_kernel}});
const Op adjoint_op(
    "_resample_adjoint(Tensor grad, int[] size, int filter, float[] steps, bool align_corners, "
    "bool antialias) -> Tensor",
    adjoint_forward, {.vjp = adjoint_vjp, .in = "", .kernels = {&resample_kernel}});
Tensor resample(const Tensor& x, IntList size, int64_t filter, FloatList steps, bool align,
                bool antialias) {
  return resample_op(x, size, filter, steps, align, antialias);
}
Tensor resample_adjoint(const Tensor& g, IntList size, int64_t filter, FloatList steps, bool align,
                        bool antialias) {
  return adjoint_op(g, size, filter, steps, align, antialias);
}

// ---- interpolate ----

struct Mode {
  const char* name;
  int64_t dims;  // 0: any
  int64_t filter;
};
constexpr int64_t kArea = -1;
constexpr Mode kModes[] = {{"nearest", 0, Nearest},  {"nearest-exact", 0, NearestExact},
                           {"area", 0, kArea},       {"linear", 1, Linear},
                           {"bilinear", 2, Linear},  {"bicubic", 2, Cubic},
                           {"trilinear", 3, Linear}, {"lanczos", 2, Lanczos}};

Tensor area(const Tensor& x, IntList size) {
  constexpr const char* pools[] = {"adaptive_avg_pool1d", "adaptive_avg_pool2d",
                                   "adaptive_avg_pool3d"};
  const Value args[] = {Value(x), Value(size)};
  Value result[OpRecord::kMaxReturns];
  call_boxed(*find_op(pools[size.size() - 1]), args, result);
  return result[0].tensor();
}

struct Target {
  Dims size;
  std::vector<double> steps;  // input elements an output element
};

Target target_of(const Tensor& x, std::optional<IntList> size,
                 std::optional<FloatList> scale_factor, std::optional<bool> recompute) {
  const IntList in = x.sizes().slice(2, x.sizes().size() - 2);
  const size_t n = in.size();
  const std::string form = " Please provide input tensor in (N, C, d1, d2, ...,dK) format";
  RT_CHECK(!size || !scale_factor, Value, kName,
           "only one of size or scale_factor should be defined");
  RT_CHECK(size || scale_factor, Value, kName, "either size or scale_factor should be defined");
  RT_CHECK(!size || !recompute.value_or(false), Value, kName,
           "recompute_scale_factor is not meaningful with an explicit size.");
  Target t;
  if (size) {
    RT_CHECK(size->size() == 1 || size->size() == n, Value, kName,
             cat_str("Input and output must have the same number of spatial dimensions, but got "
                     "input with spatial "
                     "dimensions of ",
                     in, " and output size of ", *size, ".", form));
    for (size_t d = 0; d < n; ++d) t.size.push_back((*size)[size->size() == 1 ? 0 : d]);
  } else {
    RT_CHECK(scale_factor->size() == 1 || scale_factor->size() == n, Value, kName,
             cat_str("Input and scale_factor must have the same number of spatial dimensions, but "
                     "got input with "
                     "spatial dimensions of ",
                     in, " and ", scale_factor->size(), " scale factors.", form));
    for (size_t d = 0; d < n; ++d) {
      const double factor = (*scale_factor)[scale_factor->size() == 1 ? 0 : d];
      t.size.push_back(static_cast<int64_t>(std::floor(static_cast<double>(in[d]) * factor)));
      if (!recompute.value_or(false)) t.steps.push_back(1 / factor);
    }
  }
  bool filled = true;
  for (size_t d = 0; d < n; ++d) filled = filled && in[d] > 0 && t.size[d] > 0;
  RT_CHECK(filled, Runtime, kName,
           cat_str("Input and output sizes should be greater than 0, but got input ", in,
                   " and output ", t.size));
  if (t.steps.empty()) {
    for (size_t d = 0; d < n; ++d)
      t.steps.push_back(static_cast<double>(in[d]) / static_cast<double>(t.size[d]));
  }
  return t;
}

Tensor interpolate_forward(const Tensor& x, std::optional<IntList> size,
                           std::optional<FloatList> scale_factor, std::string_view mode,
                           std::optional<bool> align_corners, std::optional<bool> recompute,
                           bool antialias) {
  const int64_t n = x.dim() - 2;
  const Mode* m = nullptr;
  for (const Mode& candidate : kModes) {
    if (mode == candidate.name) m = &candidate;
  }
  RT_CHECK(
      m && n >= 1 && n <= 3 && (m->dims == 0 || m->dims == n), NotImplemented, kName,
      cat_str(
          "Input Error: Only 3D, 4D and 5D input Tensors supported (got ", x.dim(),
          "D) for the modes: nearest | linear | bilinear | bicubic | trilinear | lanczos | area | "
          "nearest-exact (got ",
          mode, ")"));
  const bool plain = m->filter <= NearestExact;
  RT_CHECK(!align_corners || !plain, Value, kName,
           "align_corners option can only be set with the interpolating modes: linear | bilinear | "
           "bicubic | trilinear");
  RT_CHECK(!antialias || (n == 2 && m->filter >= Linear), Value, kName,
           "Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires a "
           "4-D tensor as input");
  RT_CHECK(antialias || m->filter != Lanczos, Value, kName, "lanczos mode needs antialias=True");
  const Target t = target_of(x, size, scale_factor, recompute);
  RT_CHECK(x.sizes()[1] > 0, Runtime, kName,
           cat_str("Non-empty ", x.dim(), "D data tensor expected but got a tensor with sizes ",
                   x.sizes()));
  if (m->filter == kArea) return area(x, t.size);
  const bool bytes = x.dtype() == DType::UInt8;
  if (!is_floating(x.dtype()) && !bytes) not_implemented_for(kName, x, "a floating-point input");
  const Tensor wide = ops::to(x, bytes ? DType::Float32 : compute_type(x.dtype()));
  const Tensor r =
      resample_op(wide, t.size, m->filter, t.steps, align_corners.value_or(false), antialias);
  return ops::to(bytes && !plain ? ops::clamp(ops::round(r), Scalar(0), Scalar(255)) : r,
                 x.dtype());
}
const Op interpolate_op(
    "interpolate(Tensor input, int[1]? size=None, float[1]? scale_factor=None, str mode='nearest', "
    "bool? align_corners=None, bool? recompute_scale_factor=None, bool antialias=False) -> Tensor",
    interpolate_forward,
    {.in = "nn.functional",
     .doc = R"(The input (N, C, ...) at another resolution, given by `size` or `scale_factor`.

`mode` is "nearest", "nearest-exact", "linear" (3-D inputs), "bilinear" or "bicubic" (4-D), "trilinear"
(5-D), "area", or "lanczos" (4-D, with `antialias`, which widens the filters when shrinking). Floating
dtypes and uint8. Follows `torch.nn.functional.interpolate`.

>>> nn.functional.interpolate(rt.tensor([[[1., 3.]]]), size=4, mode="linear")
tensor([[[1.0000, 1.5000, 2.5000, 3.0000]]])
)"});

}  // namespace

}  // namespace rt
