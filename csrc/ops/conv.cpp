#include "ops/conv.h"

#include <array>

#include "autograd/vjp.h"
#include "ops/index_support.h"
#include "ops/ops.h"

namespace rt {

KernelSlot<void(const Tensor&, const Tensor&, const Tensor&, const Tensor&, const ConvGeometry&)>
    conv_kernel{"convolution"};
KernelSlot<void(const Tensor&, const Tensor&, const Tensor&, const Tensor&, const ConvGeometry&)>
    conv_input_grad_kernel{"convolution_input_grad"};
KernelSlot<void(const Tensor&, const Tensor&, const Tensor&, const ConvGeometry&)>
    conv_weight_grad_kernel{"convolution_weight_grad"};

namespace {

// Positions in the schema of _convolution.
enum Arg {
  kInput,
  kWeight,
  kBias,
  kStride,
  kPadding,
  kDilation,
  kTransposed,
  kOutputPadding,
  kGroups
};

int64_t out_size(int64_t in, int64_t kernel, int64_t stride, int64_t padding, int64_t dilation) {
  return (in + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1;
}

Dims result_shape(const Tensor& x, const Tensor& w, IntList stride, IntList padding,
                  IntList dilation, bool transposed, IntList output_padding, int64_t groups) {
  Dims shape{x.sizes()[0], transposed ? w.sizes()[1] * groups : w.sizes()[0]};
  for (int64_t d = 0; d < x.dim() - 2; ++d) {
    const int64_t in = x.sizes()[d + 2], k = w.sizes()[d + 2];
    shape.push_back(transposed ? (in - 1) * stride[d] - 2 * padding[d] + dilation[d] * (k - 1) +
                                     output_padding[d] + 1
                               : out_size(in, k, stride[d], padding[d], dilation[d]));
  }
  return shape;
}

// x with zeros behind it in the spatial dims, or cut there, to the given sizes.
Tensor fit_spatial(Tensor x, IntList spatial) {
  Dims grown(x.sizes());
  bool grows = false;
  for (int64_t d = 0; d < spatial.ssize(); ++d) {
    if (x.sizes()[d + 2] > spatial[d]) x = ops::narrow(x, d + 2, 0, spatial[d]);
    grows = grows || x.sizes()[d + 2] < spatial[d];
    grown[d + 2] = spatial[d];
  }
  if (!grows) return x;
  Tensor whole = ops::zeros(grown, x.dtype(), x.device());
  Tensor inside = whole;
  for (int64_t d = 0; d < spatial.ssize(); ++d)
    inside = ops::narrow(inside, d + 2, 0, x.sizes()[d + 2]);
  ops::copy_(inside, x);
  return whole;
}

// The spatial sizes that the convolution of something of sizes `large` has. An output padding as
// large as the stride makes them larger than the input of the transposed convolution.
Dims conv_spatial(IntList large, IntList kernel, IntList stride, IntList padding,
                  IntList dilation) {
  Dims sizes;
  for (size_t d = 0; d < stride.size(); ++d) {
    sizes.push_back(out_size(large[d + 2], kernel[d + 2], stride[d], padding[d], dilation[d]));
  }
  return sizes;
}

Tensor convolution_forward(const Tensor& x, const Tensor& w, const Tensor& bias, IntList stride,
                           IntList padding, IntList dilation, bool transposed,
                           IntList output_padding, int64_t groups) {
  common_device("convolution", std::array<Tensor, 3>{x, w, bias});
  Tensor out =
      empty(result_shape(x, w, stride, padding, dilation, transposed, output_padding, groups),
            x.dtype(), x.device(), "convolution");
  const ConvGeometry geometry{stride, padding, dilation, groups};
  const Tensor dense_x = ops::contiguous(x), dense_w = ops::contiguous(w);
  const Tensor dense_b = bias.defined() ? ops::contiguous(bias) : bias;
  if (out.numel() == 0) return out;
  if (transposed) {
    const Dims spatial = conv_spatial(out.sizes(), w.sizes(), stride, padding, dilation);
    conv_input_grad_kernel(out, out, ops::contiguous(fit_spatial(dense_x, spatial)), dense_w,
                           dense_b, geometry);
  } else {
    conv_kernel(out, out, dense_x, dense_w, dense_b, geometry);
  }
  return out;
}

// What output_padding makes a transposed convolution of `small` give exactly `large`.
Dims output_padding_for(IntList large, IntList small, IntList kernel, IntList stride,
                        IntList padding, IntList dilation) {
  Dims extra;
  for (size_t d = 0; d < stride.size(); ++d) {
    extra.push_back(large[d + 2] - ((small[d + 2] - 1) * stride[d] - 2 * padding[d] +
                                    dilation[d] * (kernel[d + 2] - 1) + 1));
  }
  return extra;
}

Tensor weight_grad_forward(const Tensor& large, const Tensor& small, IntList weight_size,
                           IntList stride, IntList padding, IntList dilation, int64_t groups) {
  Tensor out = empty(weight_size, large.dtype(), large.device(), "convolution");
  if (large.numel() == 0 || small.numel() == 0) return ops::zero_(out);
  conv_weight_grad_kernel(out, out, ops::contiguous(large), ops::contiguous(small),
                          {stride, padding, dilation, groups});
  return out;
}
// Bilinear in the two sides of the convolution, so its derivatives are convolutions with the
// gradient as the weight.
void weight_grad_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const IntList stride = c.arg<IntList>(3), padding = c.arg<IntList>(4),
                dilation = c.arg<IntList>(5);
  const int64_t groups = c.arg<int64_t>(6);
  const Dims none(stride.size(), 0);
  if (c.needs(0)) {
    const Dims extra =
        output_padding_for(c.sizes(0), c.sizes(1), c.arg<IntList>(2), stride, padding, dilation);
    c.set(0, ops::convolution(ops::conj(c.input(1)), c.grad(), {}, stride, padding, dilation, true,
                              extra, groups));
  }
  if (c.needs(1)) {
    c.set(1, ops::convolution(ops::conj(c.input(0)), c.grad(), {}, stride, padding, dilation, false,
                              none, groups));
  }
}
const Op weight_grad_op(
    "_convolution_weight_grad(Tensor input, Tensor grad, int[] weight_size, int[] stride, int[] "
    "padding, "
    "int[] dilation, int groups) -> Tensor",
    weight_grad_forward,
    {.vjp = weight_grad_vjp,
     .saves = "input/grad grad/input",
     .in = "",
     .kernels = {&conv_weight_grad_kernel}});

void convolution_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const IntList stride = c.arg<IntList>(kStride), padding = c.arg<IntList>(kPadding),
                dilation = c.arg<IntList>(kDilation);
  const bool transposed = c.arg<bool>(kTransposed);
  const int64_t groups = c.arg<int64_t>(kGroups);
  const Tensor& g = c.grad();
  if (c.needs(kInput)) {
    const Dims extra = transposed ? Dims(stride.size(), 0)
                                  : output_padding_for(c.sizes(kInput), g.sizes(), c.sizes(kWeight),
                                                       stride, padding, dilation);
    const Tensor gx = ops::convolution(g, ops::conj(c.input(kWeight)), {}, stride, padding,
                                       dilation, !transposed, extra, groups);
    c.set(kInput, fit_spatial(gx, c.sizes(kInput).slice(2, stride.size())));
  }
  if (c.needs(kWeight)) {
    const Tensor x = ops::conj(c.input(kInput));
    const Dims spatial = conv_spatial(transposed ? g.sizes() : x.sizes(), c.sizes(kWeight), stride,
                                      padding, dilation);
    c.set(kWeight, transposed
                       ? weight_grad_op(g, fit_spatial(x, spatial), c.sizes(kWeight), stride,
                                        padding, dilation, groups)
                       : weight_grad_op(x, g, c.sizes(kWeight), stride, padding, dilation, groups));
  }
  if (c.needs(kBias)) {
    Dims dims{0};
    for (int64_t d = 2; d < g.dim(); ++d) dims.push_back(d);
    c.set(kBias, ops::sum(g, dims));
  }
}
const Op convolution_op(
    "_convolution(Tensor input, Tensor weight, Tensor? bias, int[] stride, int[] padding, int[] "
    "dilation, "
    "bool transposed, int[] output_padding, int groups) -> Tensor",
    convolution_forward,
    {.vjp = convolution_vjp,
     .saves = "input/weight weight/input",
     .in = "",
     .kernels = {&conv_kernel, &conv_input_grad_kernel}});

// ---- The public ops: checks, defaults, unbatched inputs ----

struct Call {
  const char* op;
  int64_t spatial;
  bool transposed;
};

Dims per_dim(const Call& call, const char* what, IntList given) {
  if (given.size() == 1) return Dims(static_cast<size_t>(call.spatial), given[0]);
  RT_CHECK(given.ssize() == call.spatial, Runtime, call.op,
           cat_str("expected ", what, " to be a single integer value or a list of ", call.spatial,
                   " values to match the convolution dimensions, but got ", what, "=", given));
  return Dims(given);
}

std::string by(IntList sizes) {
  std::string s;
  for (size_t i = 0; i < sizes.size(); ++i) s += (i ? " x " : "") + std::to_string(sizes[i]);
  return s;
}

void check_types(const Call& call, const Tensor& x, const Tensor& w, const Tensor& bias) {
  RT_CHECK(x.dtype() == w.dtype(), Runtime, call.op,
           cat_str("Input type (", torch_type_name(x.dtype()), ") and weight type (",
                   torch_type_name(w.dtype()), ") should be the same"));
  RT_CHECK(!bias.defined() || bias.dtype() == x.dtype(), Runtime, call.op,
           cat_str("Input type (", torch_type_name(x.dtype()), ") and bias type (",
                   bias.defined() ? torch_type_name(bias.dtype()) : "", ") should be the same"));
  RT_CHECK(x.dtype() != DType::Bool, Runtime, call.op,
           cat_str("\"", call.op, "\" not implemented for '", torch_type_name(x.dtype()), "'"),
           describe(x));
}

void check_shapes(const Call& call, const Tensor& x, const Tensor& w, const Tensor& bias,
                  IntList stride, IntList padding, IntList dilation, int64_t groups) {
  for (int64_t s : stride)
    RT_CHECK(s > 0, Runtime, call.op, "non-positive stride is not supported",
             cat_str("stride ", stride));
  for (int64_t p : padding)
    RT_CHECK(p >= 0, Runtime, call.op, "negative padding is not supported",
             cat_str("padding ", padding));
  for (int64_t d : dilation)
    RT_CHECK(d > 0, Runtime, call.op, "dilation should be greater than zero",
             cat_str("dilation ", dilation));
  RT_CHECK(groups > 0, Runtime, call.op, "non-positive groups is not supported",
           cat_str("groups=", groups));
  RT_CHECK(w.dim() == call.spatial + 2, Runtime, call.op,
           cat_str("Expected ", call.spatial + 2, "-dimensional weight, but got weight of size ",
                   w.sizes()));
  const int64_t channels = x.sizes()[1];
  if (call.transposed) {
    RT_CHECK(
        channels == w.sizes()[0], Runtime, call.op,
        cat_str("Given transposed=1, weight of size ", w.sizes(), ", expected input", x.sizes(),
                " to have ", w.sizes()[0], " channels, but got ", channels, " channels instead"));
    RT_CHECK(channels % groups == 0, Runtime, call.op,
             cat_str("the number of input channels (", channels,
                     ") must be divisible by groups=", groups));
    RT_CHECK(
        !bias.defined() || (bias.dim() == 1 && bias.sizes()[0] == w.sizes()[1] * groups), Runtime,
        call.op,
        cat_str("Given transposed=1, weight of size ", w.sizes(),
                ", expected bias to be 1-dimensional with ", w.sizes()[1] * groups, " elements"),
        bias.defined() ? describe(bias) : "");
    return;
  }
  RT_CHECK(w.sizes()[0] % groups == 0, Runtime, call.op,
           cat_str("Given groups=", groups, ", expected weight to be divisible by ", groups,
                   " at dimension 0, but got weight of size ", w.sizes(), " instead"));
  RT_CHECK(channels == w.sizes()[1] * groups, Runtime, call.op,
           cat_str("Given groups=", groups, ", weight of size ", w.sizes(), ", expected input",
                   x.sizes(), " to have ", w.sizes()[1] * groups, " channels, but got ", channels,
                   " channels instead"));
  RT_CHECK(!bias.defined() || (bias.dim() == 1 && bias.sizes()[0] == w.sizes()[0]), Runtime,
           call.op,
           cat_str("Given weight of size ", w.sizes(), ", expected bias to be 1-dimensional with ",
                   w.sizes()[0], " elements"),
           bias.defined() ? describe(bias) : "");
  Dims padded, kernel;
  bool fits = true;
  for (int64_t d = 0; d < call.spatial; ++d) {
    padded.push_back(x.sizes()[d + 2] + 2 * padding[d]);
    kernel.push_back(dilation[d] * (w.sizes()[d + 2] - 1) + 1);
    fits = fits && kernel[d] <= padded[d];
  }
  RT_CHECK(fits, Runtime, call.op,
           cat_str("Calculated padded input size per channel: (", by(padded), "). Kernel size: (",
                   by(kernel), "). Kernel size can't be greater than actual input size"));
}

Tensor run(const Call& call, const Tensor& input, const Tensor& w, const Tensor& bias,
           IntList stride, IntList padding, IntList output_padding, int64_t groups,
           IntList dilation) {
  const int64_t n = call.spatial;
  RT_CHECK(input.dim() == n + 1 || input.dim() == n + 2, Runtime, call.op,
           cat_str("Expected ", n + 1, "D (unbatched) or ", n + 2, "D (batched) input to ", call.op,
                   ", but got input of size: ", input.sizes()));
  check_types(call, input, w, bias);
  const bool batched = input.dim() == n + 2;
  const Tensor x = batched ? input : ops::unsqueeze(input, 0);
  const Dims s = per_dim(call, "stride", stride), p = per_dim(call, "padding", padding),
             d = per_dim(call, "dilation", dilation),
             o = per_dim(call, "output_padding", output_padding);
  check_shapes(call, x, w, bias, s, p, d, groups);
  if (call.transposed) {
    for (int64_t i = 0; i < n; ++i) {
      RT_CHECK(o[i] >= 0 && (o[i] < s[i] || o[i] < d[i]), Runtime, call.op,
               "output padding must be smaller than either stride or dilation",
               cat_str("output_padding ", o, ", stride ", s, ", dilation ", d));
    }
    for (int64_t size : result_shape(x, w, s, p, d, true, o, groups)) {
      RT_CHECK(size >= 0, Runtime, call.op, "the output size is too small",
               cat_str("input ", x.sizes(), ", padding ", p), "a smaller padding");
    }
  }
  Tensor y = convolution_op(x, w, bias, s, p, d, call.transposed, o, groups);
  return batched ? y : ops::squeeze(y, {0});
}

// padding="same" may need one more element at the end than at the start of a dim.
Tensor run_same(const Call& call, const Tensor& input, const Tensor& w, const Tensor& bias,
                IntList stride, std::string_view padding, IntList dilation, int64_t groups) {
  RT_CHECK(padding == "same" || padding == "valid", Runtime, call.op,
           cat_str("Invalid padding string: '", padding, "'"), "", "'same' or 'valid'");
  const int64_t n = call.spatial;
  if (padding == "valid") return run(call, input, w, bias, stride, {0}, {0}, groups, dilation);
  const Dims s = per_dim(call, "stride", stride), d = per_dim(call, "dilation", dilation);
  for (int64_t v : s) {
    RT_CHECK(v == 1, Runtime, call.op, "padding='same' is not supported for strided convolutions",
             cat_str("stride ", stride));
  }
  RT_CHECK(w.dim() == n + 2 && (input.dim() == n + 1 || input.dim() == n + 2), Runtime, call.op,
           cat_str("Expected ", n + 1, "D (unbatched) or ", n + 2, "D (batched) input to ", call.op,
                   ", but got input of size: ", input.sizes()));
  Dims low(static_cast<size_t>(n));
  Dims sizes(input.sizes());
  const int64_t first = input.dim() - n;
  bool uneven = false;
  for (int64_t i = 0; i < n; ++i) {
    const int64_t total = d[i] * (w.sizes()[i + 2] - 1);
    low[i] = total / 2;
    sizes[first + i] += total % 2;
    uneven = uneven || total % 2 != 0;
  }
  if (!uneven) return run(call, input, w, bias, s, low, {0}, groups, d);
  const bool batched = first == 2;
  const Tensor x =
      fit_spatial(batched ? input : ops::unsqueeze(input, 0), IntList(sizes).slice(first, n));
  const Tensor y = run(call, x, w, bias, s, low, {0}, groups, d);
  return batched ? y : ops::squeeze(y, {0});
}

template <int N>
constexpr Call kConv{N == 1   ? "conv1d"
                     : N == 2 ? "conv2d"
                              : "conv3d",
                     N, false};
template <int N>
constexpr Call kConvTranspose{N == 1   ? "conv_transpose1d"
                              : N == 2 ? "conv_transpose2d"
                                       : "conv_transpose3d",
                              N, true};

template <int N>
Tensor conv_forward(const Tensor& x, const Tensor& w, const Tensor& bias, IntList stride,
                    IntList padding, IntList dilation, int64_t groups) {
  return run(kConv<N>, x, w, bias, stride, padding, {0}, groups, dilation);
}
template <int N>
Tensor conv_same_forward(const Tensor& x, const Tensor& w, const Tensor& bias, IntList stride,
                         std::string_view padding, IntList dilation, int64_t groups) {
  return run_same(kConv<N>, x, w, bias, stride, padding, dilation, groups);
}
template <int N>
Tensor conv_transpose_forward(const Tensor& x, const Tensor& w, const Tensor& bias, IntList stride,
                              IntList padding, IntList output_padding, int64_t groups,
                              IntList dilation) {
  return run(kConvTranspose<N>, x, w, bias, stride, padding, output_padding, groups, dilation);
}

#define RT_CONV_OPS(N, doc_conv, doc_transposed)                                                  \
  const Op conv##N##d_op(                                                                         \
      "conv" #N "d(Tensor input, Tensor weight, Tensor? bias=None, int[" #N "] stride=1, int[" #N \
      "] padding=0, int[" #N "] dilation=1, int groups=1) -> Tensor",                             \
      conv_forward<N>, {.in = "nn.functional rt", .lowering = "conv", .doc = doc_conv});          \
  const Op conv##N##d_same_op(                                                                    \
      "conv" #N "d.padding(Tensor input, Tensor weight, Tensor? bias=None, int[" #N               \
      "] stride=1, str padding='valid', int[" #N "] dilation=1, int groups=1) -> Tensor",         \
      conv_same_forward<N>, {.in = "nn.functional rt"});                                          \
  const Op conv_transpose##N##d_op(                                                               \
      "conv_transpose" #N "d(Tensor input, Tensor weight, Tensor? bias=None, int[" #N             \
      "] stride=1, int[" #N "] padding=0, int[" #N "] output_padding=0, int groups=1, int[" #N    \
      "] dilation=1) -> Tensor",                                                                  \
      conv_transpose_forward<N>,                                                                  \
      {.in = "nn.functional rt", .lowering = "conv_transpose", .doc = doc_transposed})

RT_CONV_OPS(1,
            R"(Cross-correlation of a (N, C, L) or (C, L) input with (out, C / groups, K) weights.

`padding` may be "valid" or "same". Follows `torch.nn.functional.conv1d`.

>>> rt.nn.functional.conv1d(rt.ones(1, 1, 4), rt.ones(1, 1, 3))
tensor([[[3., 3.]]])
)",
            R"(The transpose of `conv1d` as a linear map; weights are (C, out / groups, K).

Follows `torch.nn.functional.conv_transpose1d`.

>>> rt.nn.functional.conv_transpose1d(rt.ones(1, 1, 2), rt.ones(1, 1, 3))
tensor([[[1., 2., 2., 1.]]])
)");
RT_CONV_OPS(
    2,
    R"(Cross-correlation of a (N, C, H, W) or (C, H, W) input with (out, C / groups, KH, KW) weights.

`padding` may be "valid" or "same". Follows `torch.nn.functional.conv2d`.

>>> rt.nn.functional.conv2d(rt.ones(1, 1, 3, 3), rt.ones(1, 1, 3, 3))
tensor([[[[9.]]]])
)",
    R"(The transpose of `conv2d` as a linear map; weights are (C, out / groups, KH, KW).

Follows `torch.nn.functional.conv_transpose2d`.

>>> rt.nn.functional.conv_transpose2d(rt.ones(1, 1, 1, 1), rt.ones(1, 1, 2, 2))
tensor([[[[1., 1.],
          [1., 1.]]]])
)");
RT_CONV_OPS(
    3,
    R"(Cross-correlation of a (N, C, D, H, W) or (C, D, H, W) input with (out, C / groups, KD, KH, KW) weights.

`padding` may be "valid" or "same". Follows `torch.nn.functional.conv3d`.

>>> rt.nn.functional.conv3d(rt.ones(1, 1, 2, 2, 2), rt.ones(1, 1, 2, 2, 2))
tensor([[[[[8.]]]]])
)",
    R"(The transpose of `conv3d` as a linear map; weights are (C, out / groups, KD, KH, KW).

Follows `torch.nn.functional.conv_transpose3d`.

>>> rt.nn.functional.conv_transpose3d(rt.ones(1, 1, 1, 1, 1), rt.ones(1, 1, 1, 1, 2))
tensor([[[[[1., 1.]]]]])
)");

}  // namespace

Tensor ops::convolution(const Tensor& input, const Tensor& weight, const Tensor& bias,
                        IntList stride, IntList padding, IntList dilation, bool transposed,
                        IntList output_padding, int64_t groups) {
  return convolution_op(input, weight, bias, stride, padding, dilation, transposed, output_padding,
                        groups);
}

}  // namespace rt
