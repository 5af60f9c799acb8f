#include "ops/pool.h"

#include <cmath>

#include "autograd/vjp.h"
#include "ops/index_support.h"
#include "ops/ops.h"

namespace rt {

KernelSlot<void(const Tensor&, const Tensor&, const Tensor&, const PoolWindows&)> pool_max_kernel{
    "max_pool"};
KernelSlot<void(const Tensor&, const Tensor&, const PoolWindows&, const Tensor&)> pool_mean_kernel{
    "avg_pool"};
KernelSlot<void(const Tensor&, const Tensor&, const PoolWindows&, const Tensor&)>
    pool_mean_grad_kernel{"avg_pool_grad"};
KernelSlot<void(const Tensor&, const Tensor&, const Tensor&, const PoolWindows&)>
    plane_scatter_kernel{"plane_scatter"};
KernelSlot<void(const Tensor&, const Tensor&, const Tensor&)> plane_gather_kernel{"plane_gather"};

namespace {

// ---- Windows as boxed arguments: three axes one after the other in flat lists ----

PoolWindows windows_of(IntList counts, IntList starts, IntList ends, IntList steps) {
  PoolWindows w;
  size_t at = 0;
  for (size_t d = 0; d < 3; ++d) {
    const size_t n = static_cast<size_t>(counts[d]);
    w[d] = {starts.slice(at, n), ends.slice(at, n), steps[d]};
    at += n;
  }
  return w;
}

// (planes, d, h, w) of a tensor whose last `spatial` dims are pooled.
Dims planes_shape(IntList sizes, int64_t spatial) {
  Dims s{1};
  for (int64_t i = 0; i < sizes.ssize() - spatial; ++i) s[0] *= sizes[i];
  for (int64_t i = spatial; i < 3; ++i) s.push_back(1);
  for (int64_t i = sizes.ssize() - spatial; i < sizes.ssize(); ++i) s.push_back(sizes[i]);
  return s;
}

// The windows that an index was found in come along: arguments 3 to 6 here, 2 to 5 of the gather.
Tensor scatter_forward(const Tensor& values, const Tensor& index, IntList size, IntList counts,
                       IntList starts, IntList ends, IntList steps) {
  Tensor out = ops::zeros(size, values.dtype(), values.device());
  if (values.numel() > 0) {
    plane_scatter_kernel(out, out, ops::contiguous(values), index,
                         windows_of(counts, starts, ends, steps));
  }
  return out;
}
Tensor gather_forward(const Tensor& values, const Tensor& index, IntList, IntList, IntList,
                      IntList) {
  Tensor out = empty(index.sizes(), values.dtype(), values.device(), "max_pool");
  if (out.numel() > 0) plane_gather_kernel(out, out, ops::contiguous(values), index);
  return out;
}
// The gradient of values that were put at the indices, or taken from there; `first`: the first
// argument of `c` about windows.
Tensor gather_planes(VjpContext& c, const Tensor& index, size_t first);
Tensor scatter_planes(VjpContext& c, const Tensor& index, size_t first);

void scatter_vjp(VjpContext& c) {
  if (c.has_grad()) c.set(0, gather_planes(c, c.input(1), 3));
}
void gather_vjp(VjpContext& c) {
  if (c.has_grad()) c.set(0, scatter_planes(c, c.input(1), 2));
}
const Op scatter_op(
    "_plane_scatter(Tensor values, Tensor index, int[] size, int[] counts, int[] starts, int[] "
    "ends, int[] steps) -> Tensor",
    scatter_forward,
    {.vjp = scatter_vjp, .saves = "index", .in = "", .kernels = {&plane_scatter_kernel}});
const Op gather_op(
    "_plane_gather(Tensor values, Tensor index, int[] counts, int[] starts, int[] ends, int[] "
    "steps) -> Tensor",
    gather_forward,
    {.vjp = gather_vjp, .saves = "index", .in = "", .kernels = {&plane_gather_kernel}});
Tensor gather_planes(VjpContext& c, const Tensor& index, size_t first) {
  return gather_op(c.grad(), index, c.arg<IntList>(first), c.arg<IntList>(first + 1),
                   c.arg<IntList>(first + 2), c.arg<IntList>(first + 3));
}
Tensor scatter_planes(VjpContext& c, const Tensor& index, size_t first) {
  return scatter_op(c.grad(), index, c.sizes(0), c.arg<IntList>(first), c.arg<IntList>(first + 1),
                    c.arg<IntList>(first + 2), c.arg<IntList>(first + 3));
}

std::tuple<Tensor, Tensor> max_forward(const Tensor& x, IntList counts, IntList starts,
                                       IntList ends, IntList steps) {
  const Dims size{x.sizes()[0], counts[0], counts[1], counts[2]};
  Tensor out = empty(size, x.dtype(), x.device(), "max_pool");
  Tensor index = empty(size, DType::Int64, x.device(), "max_pool");
  if (out.numel() > 0)
    pool_max_kernel(out, out, index, ops::contiguous(x), windows_of(counts, starts, ends, steps));
  return {out, index};
}
void max_vjp(VjpContext& c) {
  if (c.has_grad()) c.set(0, scatter_planes(c, c.result(1), 1));
}
const Op max_op(
    "_window_max(Tensor input, int[] counts, int[] starts, int[] ends, int[] steps) -> (Tensor "
    "values, "
    "Tensor index)",
    max_forward, {.vjp = max_vjp, .saves = "index", .in = "", .kernels = {&pool_max_kernel}});

Tensor mean_grad(const Tensor& g, const Tensor& divisor, IntList size, IntList counts,
                 IntList starts, IntList ends);
Tensor mean_forward(const Tensor& x, const Tensor& divisor, IntList counts, IntList starts,
                    IntList ends) {
  Tensor out =
      empty({x.sizes()[0], counts[0], counts[1], counts[2]}, x.dtype(), x.device(), "avg_pool");
  if (out.numel() > 0) {
    pool_mean_kernel(out, out, ops::contiguous(x), windows_of(counts, starts, ends, {1, 1, 1}),
                     divisor);
  }
  return out;
}
void mean_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  c.set(0, mean_grad(c.grad(), c.input(1), c.sizes(0), c.arg<IntList>(2), c.arg<IntList>(3),
                     c.arg<IntList>(4)));
}
const Op mean_op(
    "_window_mean(Tensor input, Tensor divisor, int[] counts, int[] starts, int[] ends) -> Tensor",
    mean_forward, {.vjp = mean_vjp, .saves = "divisor", .in = "", .kernels = {&pool_mean_kernel}});

Tensor mean_grad_forward(const Tensor& g, const Tensor& divisor, IntList size, IntList counts,
                         IntList starts, IntList ends) {
  Tensor out = ops::zeros(size, g.dtype(), g.device());
  if (g.numel() > 0) {
    pool_mean_grad_kernel(out, out, ops::contiguous(g), windows_of(counts, starts, ends, {1, 1, 1}),
                          divisor);
  }
  return out;
}
void mean_grad_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  c.set(0, mean_op(c.grad(), c.input(1), c.arg<IntList>(3), c.arg<IntList>(4), c.arg<IntList>(5)));
}
const Op mean_grad_op(
    "_window_mean_grad(Tensor grad, Tensor divisor, int[] size, int[] counts, int[] starts, int[] "
    "ends) -> Tensor",
    mean_grad_forward,
    {.vjp = mean_grad_vjp, .saves = "divisor", .in = "", .kernels = {&pool_mean_grad_kernel}});
Tensor mean_grad(const Tensor& g, const Tensor& divisor, IntList size, IntList counts,
                 IntList starts, IntList ends) {
  return mean_grad_op(g, divisor, size, counts, starts, ends);
}

// ---- Geometry of the public ops ----

struct Call {
  const char* op;
  int64_t spatial;
};

// What an input should have been, as PyTorch says it of this op.
std::string wanted_input(const Call& call, bool empty) {
  const std::string dims = cat_str(call.spatial + 1, "D or ", call.spatial + 2, "D");
  const std::string_view op = call.op;
  if (op.starts_with("adaptive")) {
    return empty ? "Expected input with non-zero size for non-batch dimensions"
                 : cat_str("Expected ", dims, " tensor (the last dims are pooled)");
  }
  if (!empty && call.spatial > 1 && op.starts_with("max")) {
    return cat_str("non-empty ", dims, " (batch mode) tensor expected for input, whose last ",
                   call.spatial, " dims are pooled");
  }
  return cat_str("Expected ", dims,
                 " (batch mode) tensor with optional 0 dim batch size for input");
}

void check_input(const Call& call, const Tensor& x) {
  RT_CHECK(x.dim() == call.spatial + 1 || x.dim() == call.spatial + 2, Runtime, call.op,
           wanted_input(call, false), describe(x));
  // Only batches may be empty; the means of adaptive pooling pass channels over, as PyTorch's do.
  const std::string_view op = call.op;
  const bool any_channels = op == "adaptive_avg_pool1d" || op == "adaptive_avg_pool2d";
  const bool leading = x.dim() == call.spatial + 2 || op.starts_with("adaptive");
  for (int64_t d = any_channels ? x.dim() - call.spatial : leading; d < x.dim(); ++d) {
    RT_CHECK(x.sizes()[d] > 0, Runtime, call.op, wanted_input(call, true), describe(x));
  }
  RT_CHECK(!is_complex(x.dtype()) && x.dtype() != DType::Bool, Runtime, call.op,
           cat_str("\"", call.op, "\" not implemented for '", torch_type_name(x.dtype()), "'"),
           describe(x));
}

Dims per_dim(const Call& call, const char* what, IntList given) {
  if (given.size() == 1) return Dims(static_cast<size_t>(call.spatial), given[0]);
  RT_CHECK(given.ssize() == call.spatial, Runtime, call.op,
           cat_str(what, " must either be a single int, or a tuple of ", call.spatial, " ints"),
           cat_str(given));
  return Dims(given);
}

// Windows of all three axes, flat; `divisors` is used by means only.
struct Windows {
  Dims counts, starts, ends, steps;
  std::vector<std::vector<double>> extents;  // elements a window counts for, by axis
};

struct Axis {
  int64_t size, kernel, stride, padding, dilation;
};

void add_axis(Windows* w, const Axis& a, int64_t count, bool count_padding) {
  w->counts.push_back(count);
  w->steps.push_back(a.dilation);
  std::vector<double> extent;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t first = i * a.stride - a.padding;
    const int64_t last = first + a.dilation * (a.kernel - 1) + 1;
    // The first element inside the input, on the window's own grid.
    const int64_t skipped = first < 0 ? (-first + a.dilation - 1) / a.dilation : 0;
    const int64_t start = first + skipped * a.dilation;
    const int64_t end = std::min(last, a.size);
    w->starts.push_back(start);
    w->ends.push_back(end);
    extent.push_back(static_cast<double>(count_padding ? std::min(last, a.size + a.padding) - first
                                                       : std::max<int64_t>(end - start, 0)));
  }
  w->extents.push_back(std::move(extent));
}

Windows sliding(const Call& call, const Tensor& x, IntList kernel_size,
                std::optional<IntList> stride_size, IntList padding_size, IntList dilation_size,
                bool ceil_mode, bool count_padding) {
  const Dims kernel = per_dim(call, "kernel_size", kernel_size);
  const Dims stride =
      stride_size && !stride_size->empty() ? per_dim(call, "stride", *stride_size) : kernel;
  const Dims padding = per_dim(call, "padding", padding_size),
             dilation = per_dim(call, "dilation", dilation_size);
  Windows w;
  for (int64_t i = call.spatial; i < 3; ++i) add_axis(&w, {1, 1, 1, 0, 1}, 1, false);
  for (int64_t d = 0; d < call.spatial; ++d) {
    const Axis a{x.sizes()[x.dim() - call.spatial + d], kernel[d], stride[d], padding[d],
                 dilation[d]};
    RT_CHECK(a.kernel > 0, Runtime, call.op, "kernel size should be greater than zero",
             cat_str(kernel));
    RT_CHECK(a.stride > 0, Runtime, call.op, "stride should not be zero", cat_str(stride));
    RT_CHECK(a.dilation > 0, Runtime, call.op, "dilation should be greater than zero",
             cat_str(dilation));
    RT_CHECK(a.padding >= 0, Runtime, call.op, "pad must be non-negative", cat_str(padding));
    RT_CHECK(a.padding <= ((a.kernel - 1) * a.dilation + 1) / 2, Runtime, call.op,
             "pad should be at most half of effective kernel size",
             cat_str("pad=", a.padding, ", kernel_size=", a.kernel, " and dilation=", a.dilation));
    const int64_t room = a.size + 2 * a.padding - a.dilation * (a.kernel - 1) - 1;
    int64_t count = room < 0 ? 0 : (room + (ceil_mode ? a.stride - 1 : 0)) / a.stride + 1;
    if (room < 0 && ceil_mode && room + a.stride - 1 >= 0) count = 1;
    // A window that ceil_mode added must still start inside the input or its left padding.
    if (ceil_mode && count > 0 && (count - 1) * a.stride >= a.size + a.padding) --count;
    RT_CHECK(count > 0, Runtime, call.op, "Output size is too small",
             cat_str(describe(x), ", kernel size ", kernel, ", padding ", padding),
             "a smaller kernel or more padding");
    add_axis(&w, a, count, count_padding);
  }
  return w;
}

// Adaptive pooling: window i covers floor(i * in / out) to ceil((i + 1) * in / out).
Windows adaptive(const Call& call, const Tensor& x, IntList output_size) {
  Windows w;
  const auto add = [&](int64_t size, int64_t count) {
    w.counts.push_back(count);
    w.steps.push_back(1);
    std::vector<double> extent;
    for (int64_t i = 0; i < count; ++i) {
      w.starts.push_back(i * size / count);
      w.ends.push_back(((i + 1) * size + count - 1) / count);
      extent.push_back(static_cast<double>(w.ends.back() - w.starts.back()));
    }
    w.extents.push_back(std::move(extent));
  };
  for (int64_t i = call.spatial; i < 3; ++i) add(1, 1);
  const Dims out = per_dim(call, "output_size", output_size);
  // Windows take memory of their own: there are more than the input has places only where there is
  // room for such a result.
  Dims shape(x.sizes());
  bool grows = false;
  for (int64_t d = 0; d < call.spatial; ++d) {
    int64_t& size = shape[x.dim() - call.spatial + d];
    grows = grows || out[d] > size;
    if (out[d] >= 0) size = out[d];
  }
  if (grows) empty(shape, x.dtype(), x.device(), call.op);
  for (int64_t d = 0; d < call.spatial; ++d) {
    const int64_t size = x.sizes()[x.dim() - call.spatial + d];
    RT_CHECK(out[d] >= -1, Runtime, call.op,
             "elements of output_size must be greater than or equal to 0", cat_str(out));
    add(size, out[d] < 0 ? size : out[d]);
  }
  return w;
}

Dims result_shape(const Call& call, const Tensor& x, const Windows& w) {
  Dims s(x.sizes());
  for (int64_t d = 0; d < call.spatial; ++d) {
    s[x.dim() - call.spatial + d] = w.counts[static_cast<size_t>(3 - call.spatial + d)];
  }
  return s;
}

Tensor mean(const Call& call, const Tensor& x, const Windows& w, double divisor_override) {
  // Divisors are kept in the accumulation type: window sizes are products of the axes' extents.
  const DType type = x.dtype() == DType::Float64 ? DType::Float64 : DType::Float32;
  Tensor divisor = empty({w.counts[0], w.counts[1], w.counts[2]}, DType::Float64);
  double* d = divisor.host_data<double>();
  for (double a : w.extents[0]) {
    for (double b : w.extents[1]) {
      for (double c : w.extents[2]) *d++ = divisor_override != 0 ? divisor_override : a * b * c;
    }
  }
  divisor = ops::to(ops::to(divisor, type), x.device());
  const Tensor y = mean_op(ops::reshape(x, planes_shape(x.sizes(), call.spatial)), divisor,
                           w.counts, w.starts, w.ends);
  return ops::reshape(y, result_shape(call, x, w));
}

Value max(const Call& call, const Tensor& x, const Windows& w, bool return_indices) {
  const auto [values, index] = max_op(ops::reshape(x, planes_shape(x.sizes(), call.spatial)),
                                      w.counts, w.starts, w.ends, w.steps);
  const Dims shape = result_shape(call, x, w);
  if (!return_indices) return ops::reshape(values, shape);
  return std::vector<Tensor>{ops::reshape(values, shape), ops::reshape(index, shape)};
}

template <int N>
constexpr Call kMax{N == 1   ? "max_pool1d"
                    : N == 2 ? "max_pool2d"
                             : "max_pool3d",
                    N};
template <int N>
constexpr Call kAvg{N == 1   ? "avg_pool1d"
                    : N == 2 ? "avg_pool2d"
                             : "avg_pool3d",
                    N};
template <int N>
constexpr Call kAdaptiveAvg{N == 1   ? "adaptive_avg_pool1d"
                            : N == 2 ? "adaptive_avg_pool2d"
                                     : "adaptive_avg_pool3d",
                            N};
template <int N>
constexpr Call kAdaptiveMax{N == 1   ? "adaptive_max_pool1d"
                            : N == 2 ? "adaptive_max_pool2d"
                                     : "adaptive_max_pool3d",
                            N};

void check_no_empty_plane(const Call& call, const Tensor& x) {
  const bool batched = x.dim() == call.spatial + 2;
  RT_CHECK(x.sizes()[batched ? 1 : 0] > 0, Runtime, call.op,
           "Expected input with non-zero size for non-batch dimensions", describe(x));
}
template <int N>
Value max_pool_forward(const Tensor& x, IntList kernel, std::optional<IntList> stride,
                       IntList padding, IntList dilation, bool ceil_mode, bool return_indices) {
  check_input(kMax<N>, x);
  check_no_empty_plane(kMax<N>, x);
  return max(kMax<N>, x, sliding(kMax<N>, x, kernel, stride, padding, dilation, ceil_mode, false),
             return_indices);
}
void check_float(const Call& call, const Tensor& x) {
  check_input(call, x);
  RT_CHECK(is_floating(x.dtype()), Runtime, call.op,
           cat_str("\"", call.op, "\" not implemented for '", torch_type_name(x.dtype()), "'"),
           describe(x), "x.float()");
}
template <int N>
Tensor avg_pool_forward(const Tensor& x, IntList kernel, std::optional<IntList> stride,
                        IntList padding, bool ceil_mode, bool count_include_pad,
                        std::optional<int64_t> divisor) {
  if (x.dtype() == DType::Int64) {
    // Whole numbers, cut as integer division cuts.
    const Tensor exact = avg_pool_forward<N>(ops::to(x, DType::Float64), kernel, stride, padding,
                                             ceil_mode, count_include_pad, divisor);
    return ops::to(exact, DType::Int64);
  }
  check_float(kAvg<N>, x);
  RT_CHECK(!divisor || *divisor != 0, Runtime, kAvg<N>.op, "divisor must be not zero");
  return mean(kAvg<N>, x,
              sliding(kAvg<N>, x, kernel, stride, padding, {1}, ceil_mode, count_include_pad),
              static_cast<double>(divisor.value_or(0)));
}
Tensor avg_pool1d_forward(const Tensor& x, IntList kernel, std::optional<IntList> stride,
                          IntList padding, bool ceil_mode, bool count_include_pad) {
  return avg_pool_forward<1>(x, kernel, stride, padding, ceil_mode, count_include_pad, {});
}
template <int N>
Tensor adaptive_avg_forward(const Tensor& x, IntList output_size) {
  check_float(kAdaptiveAvg<N>, x);
  return mean(kAdaptiveAvg<N>, x, adaptive(kAdaptiveAvg<N>, x, output_size), 0);
}
template <int N>
Value adaptive_max_forward(const Tensor& x, IntList output_size, bool return_indices) {
  check_input(kAdaptiveMax<N>, x);
  return max(kAdaptiveMax<N>, x, adaptive(kAdaptiveMax<N>, x, output_size), return_indices);
}

#define RT_MAX_POOL(N, doc_text)                                                                 \
  const Op max_pool##N##d_op(                                                                    \
      "max_pool" #N "d(Tensor input, int[" #N "] kernel_size, int[" #N "]? stride=None, int[" #N \
      "] padding=0, int[" #N                                                                     \
      "] dilation=1, bool ceil_mode=False, bool return_indices=False) -> Tensor",                \
      max_pool_forward<N>, {.in = "nn.functional", .lowering = "max_pool", .doc = doc_text})
RT_MAX_POOL(
    1,
    R"(The maximum of each window of a (N, C, L) or (C, L) tensor; with `return_indices` also where it was.

`stride` defaults to the window. NaN wins. Follows `torch.nn.functional.max_pool1d`.

>>> rt.nn.functional.max_pool1d(rt.tensor([[1., 3., 2., 0.]]), 2)
tensor([[3., 2.]])
)");
RT_MAX_POOL(
    2,
    R"(The maximum of each window of a (N, C, H, W) or (C, H, W) tensor; with `return_indices` also where it was.

Follows `torch.nn.functional.max_pool2d`.

>>> rt.nn.functional.max_pool2d(rt.arange(4.).reshape(1, 2, 2), 2)
tensor([[[3.]]])
)");
RT_MAX_POOL(
    3,
    R"(The maximum of each window of a (N, C, D, H, W) or (C, D, H, W) tensor; with `return_indices` also where it was.

Follows `torch.nn.functional.max_pool3d`.

>>> rt.nn.functional.max_pool3d(rt.ones(1, 2, 2, 2), 2).shape
rustorch.Size([1, 1, 1, 1])
)");

const Op avg_pool1d_op(
    "avg_pool1d(Tensor input, int[1] kernel_size, int[1]? stride=None, int[1] padding=0, bool "
    "ceil_mode=False, bool "
    "count_include_pad=True) -> Tensor",
    avg_pool1d_forward,
    {.in = "nn.functional",
     .lowering = "avg_pool",
     .doc = R"(The mean of each window of a (N, C, L) or (C, L) tensor.

`count_include_pad` counts padding as zeros. Follows `torch.nn.functional.avg_pool1d`.

>>> rt.nn.functional.avg_pool1d(rt.tensor([[1., 3., 2., 0.]]), 2)
tensor([[2., 1.]])
)"});
#define RT_AVG_POOL(N, doc_text)                                                                 \
  const Op avg_pool##N##d_op(                                                                    \
      "avg_pool" #N "d(Tensor input, int[" #N "] kernel_size, int[" #N "]? stride=None, int[" #N \
      "] padding=0, bool ceil_mode=False, bool "                                                 \
      "count_include_pad=True, int? divisor_override=None) -> Tensor",                           \
      avg_pool_forward<N>,                                                                       \
      {.in = "nn.functional", .out = true, .lowering = "avg_pool", .doc = doc_text})
RT_AVG_POOL(2, R"(The mean of each window of a (N, C, H, W) or (C, H, W) tensor.

`divisor_override` replaces the number of elements. Follows `torch.nn.functional.avg_pool2d`.

>>> rt.nn.functional.avg_pool2d(rt.arange(4.).reshape(1, 2, 2), 2)
tensor([[[1.5000]]])
)");
RT_AVG_POOL(3, R"(The mean of each window of a (N, C, D, H, W) or (C, D, H, W) tensor.

Follows `torch.nn.functional.avg_pool3d`.

>>> rt.nn.functional.avg_pool3d(rt.ones(1, 2, 2, 2), 2)
tensor([[[[1.]]]])
)");

#define RT_ADAPTIVE(N, doc_avg, doc_max)                                                     \
  const Op adaptive_avg_pool##N##d_op(                                                       \
      "adaptive_avg_pool" #N "d(Tensor input, int?[" #N "] output_size) -> Tensor",          \
      adaptive_avg_forward<N>, {.in = "nn.functional", .doc = doc_avg});                     \
  const Op adaptive_max_pool##N##d_op("adaptive_max_pool" #N "d(Tensor input, int?[" #N      \
                                      "] output_size, bool return_indices=False) -> Tensor", \
                                      adaptive_max_forward<N>,                               \
                                      {.in = "nn.functional", .doc = doc_max})
RT_ADAPTIVE(1, R"(Means over windows chosen so that the result has `output_size` elements along L.

Follows `torch.nn.functional.adaptive_avg_pool1d`.

>>> rt.nn.functional.adaptive_avg_pool1d(rt.tensor([[1., 3., 2., 0.]]), 2)
tensor([[2., 1.]])
)",
            R"(Maxima over windows chosen so that the result has `output_size` elements along L.

Follows `torch.nn.functional.adaptive_max_pool1d`.

>>> rt.nn.functional.adaptive_max_pool1d(rt.tensor([[1., 3., 2., 0.]]), 2)
tensor([[3., 2.]])
)");
RT_ADAPTIVE(2, R"(Means over windows chosen so that the result has the given height and width.

A size of None (-1) keeps the input's. Follows `torch.nn.functional.adaptive_avg_pool2d`.

>>> rt.nn.functional.adaptive_avg_pool2d(rt.arange(4.).reshape(1, 2, 2), 1)
tensor([[[1.5000]]])
)",
            R"(Maxima over windows chosen so that the result has the given height and width.

Follows `torch.nn.functional.adaptive_max_pool2d`.

>>> rt.nn.functional.adaptive_max_pool2d(rt.arange(4.).reshape(1, 2, 2), 1)
tensor([[[3.]]])
)");
RT_ADAPTIVE(3,
            R"(Means over windows chosen so that the result has the given depth, height and width.

Follows `torch.nn.functional.adaptive_avg_pool3d`.

>>> rt.nn.functional.adaptive_avg_pool3d(rt.ones(1, 2, 2, 2), 1)
tensor([[[[1.]]]])
)",
            R"(Maxima over windows chosen so that the result has the given depth, height and width.

Follows `torch.nn.functional.adaptive_max_pool3d`.

>>> rt.nn.functional.adaptive_max_pool3d(rt.ones(1, 2, 2, 2), 1)
tensor([[[[1.]]]])
)");

}  // namespace

}  // namespace rt
