// Convolutions and their gradients on every compute device.
#include "ops/conv.h"

#include <algorithm>

#include "gpu/conv_library.h"
#include "gpu/launch.h"
#include "gpu/matmul_plan.h"
#include "ops/elementwise.h"
#include "rt_plans_conv.h"

namespace rt::gpu {

namespace {

using Pass = ConvPass;
constexpr const char* kPassNames[] = {"output_", "input_", "weight_"};
constexpr const char* kOp = "convolution";
// Channels of a group on both sides below which a tile would be mostly empty.
constexpr uint32_t kFewChannels = 8;

uint32_t u32(int64_t n) {
  RT_CHECK(n >= 0 && n < kMaxElements, Value, kOp, cat_str("a size of ", n, " is too large"));
  return static_cast<uint32_t>(n);
}

// Shapes as (batch, channels, spatial...), with leading spatial dims of one.
ConvPlan plan_of(IntList image, IntList weight, IntList result, const ConvGeometry& g) {
  ConvPlan p{};
  p.batch = u32(image[0]);
  p.groups = u32(g.groups);
  p.in_channels = u32(image[1] / g.groups);
  p.out_channels = u32(result[1] / g.groups);
  p.in_plane = p.out_plane = p.taps = 1;
  for (size_t d = 0; d < 3; ++d) {
    p.in[d] = p.out[d] = p.kernel_size[d] = p.stride[d] = p.dilation[d] = 1;
    const size_t missing = 5 - image.size();
    if (d >= missing) {
      const size_t from = d - missing;
      p.in[d] = u32(image[from + 2]);
      p.out[d] = u32(result[from + 2]);
      p.kernel_size[d] = u32(weight[from + 2]);
      p.stride[d] = u32(g.stride[from]);
      p.padding[d] = u32(g.padding[from]);
      p.dilation[d] = u32(g.dilation[from]);
    }
    p.in_plane = u32(int64_t{p.in_plane} * p.in[d]);
    p.out_plane = u32(int64_t{p.out_plane} * p.out[d]);
    p.taps = u32(int64_t{p.taps} * p.kernel_size[d]);
  }
  return p;
}

// The rows, columns and depth of the product that a pass is.
void size_product(ConvPlan& p, Pass pass) {
  const int64_t out = p.out_channels, in = p.in_channels, taps = p.taps;
  switch (pass) {
    case Pass::Output:
      p.m = p.out_channels, p.n = u32(int64_t{p.batch} * p.out_plane), p.k = u32(in * taps);
      return;
    case Pass::Input:
      p.m = p.in_channels, p.n = u32(int64_t{p.batch} * p.in_plane), p.k = u32(out * taps);
      return;
    case Pass::Weight:
      p.m = p.out_channels, p.n = u32(in * taps), p.k = u32(int64_t{p.batch} * p.out_plane);
      return;
  }
}

bool runs_directly(const ConvPlan& p, DType type) {
  if (!is_floating(type)) return true;
  return p.groups > 1 && p.in_channels < kFewChannels && p.out_channels < kFewChannels;
}

// What is not read may be of no memory: out's is bound instead.
const Tensor& or_else(const Tensor& t, const Tensor& out) {
  return t.defined() && t.numel() > 0 ? t : out;
}

void add_parts(const ConvPlan& p, const Tensor& out, const Tensor& parts) {
  MatmulPlan sum{};
  sum.m = p.m, sum.n = p.n, sum.splits = p.splits;
  sum.batch = p.groups, sum.batch_dims = 1, sum.batch_sizes[0] = p.groups;
  sum.c_batch[0] = int64_t{p.m} * p.n, sum.c_row = p.n, sum.c_col = 1;
  sum.alpha = 1;
  ComputeDevice& device = device_of(out);
  launch_items(device, kernel(device, cat_str("matmul_finish_", shader_type(out.dtype()))),
               int64_t{p.groups} * p.m * p.n, arguments(out, parts, sum));
}

void run_tiles(ConvPlan& p, Pass pass, const Tensor& out, const Tensor& a, const Tensor& b,
               const Tensor& bias) {
  ComputeDevice& device = device_of(out);
  const int64_t cores = device.info().cores;
  const auto tiles = [&](int64_t side) {
    return ((p.m + side - 1) / side) * ((p.n + side - 1) / side) * p.groups;
  };
  const int64_t side = p.m > 32 && p.n > 32 && tiles(64) >= cores ? 64 : 32;
  Splits splits{1, std::max(p.k, 1u)};
  if (pass == Pass::Weight) splits = split_k(p.k, tiles(side), 2 * cores, 256);
  p.splits = splits.count, p.k_each = splits.each;
  const std::string name =
      cat_str("conv_", kPassNames[static_cast<int>(pass)], side, "_", shader_type(out.dtype()));
  Tensor parts = out;
  if (p.splits > 1) {
    parts = empty({int64_t{p.splits} * p.groups * p.m * p.n}, DType::Float32, out.device(), kOp);
  }
  device.launch(kernel(device, name), {u32(tiles(side) * p.splits)}, {128},
                arguments(or_else(a, out), or_else(b, out), out, or_else(bias, out), parts, p));
  if (p.splits > 1) add_parts(p, out, parts);
}

void run_directly(const ConvPlan& p, Pass pass, const Tensor& out, const Tensor& a, const Tensor& b,
                  const Tensor& bias) {
  ComputeDevice& device = device_of(out);
  const Kernel& k = kernel(device, cat_str("conv_direct_", kPassNames[static_cast<int>(pass)],
                                           shader_type(out.dtype())));
  if (pass == Pass::Weight) {
    device.launch(k, {u32(out.numel())}, {kThreads}, arguments(a, b, out, p));
    return;
  }
  launch_items(device, k, u32(out.numel()),
               arguments(or_else(a, out), or_else(b, out), out, or_else(bias, out), p));
}

// By the library of the device, if it takes that; a bias is added to what it wrote.
bool run_by_library(Pass pass, const ConvPlan& p, const Tensor& out, const Tensor& a,
                    const Tensor& b, const Tensor& bias) {
  const Tensor& x = pass == Pass::Input ? out : b;
  const Tensor& w = pass == Pass::Weight ? out : a;
  const Tensor& y = pass == Pass::Output ? out : pass == Pass::Weight ? a : b;
  if (!convolve_by_library(device_of(out), p, pass, x, w, y)) return false;
  if (bias.defined()) {
    static const ElementwiseSlot& add = *ElementwiseSlot::find("add");
    Dims sizes(static_cast<size_t>(out.dim()), 1), strides(static_cast<size_t>(out.dim()), 0);
    sizes[1] = bias.numel(), strides[1] = 1;
    (void)elementwise(add, kOp, Out(out), out, make_view(bias, sizes, strides, bias.offset()));
  }
  return true;
}

// a, b: as the kernels have them.
void run(Pass pass, ConvPlan p, const Tensor& out, const Tensor& a, const Tensor& b,
         const Tensor& bias) {
  if (out.numel() == 0) return;
  if (!shader_type(out.dtype())) {
    const Tensor tensors[] = {b, a};
    kernel_for(device_of(out), cat_str("conv_", name(out.dtype())), kOp, tensors);
  }
  p.has_bias = bias.defined();
  size_product(p, pass);
  if (runs_directly(p, out.dtype())) return run_directly(p, pass, out, a, b, bias);
  if (run_by_library(pass, p, out, a, b, bias)) return;
  run_tiles(p, pass, out, a, b, bias);
}

// Calls f with images of out and of b that are few enough for one launch.
template <class F>
void for_images(const Tensor& out, const Tensor& b, F&& f) {
  const int64_t batch = out.sizes()[0];
  const int64_t each = std::max<int64_t>(out.numel(), b.numel()) / std::max<int64_t>(batch, 1);
  const int64_t step = std::max<int64_t>(1, (kMaxElements - 1) / std::max<int64_t>(each, 1));
  if (step >= batch) return f(out, b);
  const auto some = [](const Tensor& t, int64_t first, int64_t count) {
    Dims sizes(t.sizes());
    sizes[0] = count;
    return make_view(t, sizes, t.strides(), t.offset() + first * t.strides()[0]);
  };
  for (int64_t i = 0; i < batch; i += step) {
    const int64_t count = std::min(step, batch - i);
    f(some(out, i, count), some(b, i, count));
  }
}

void conv(const Tensor& out, const Tensor& input, const Tensor& weight, const Tensor& bias,
          const ConvGeometry& g) {
  for_images(out, input, [&](const Tensor& y, const Tensor& x) {
    run(Pass::Output, plan_of(x.sizes(), weight.sizes(), y.sizes(), g), y, weight, x, bias);
  });
}
void conv_input_grad(const Tensor& grad_input, const Tensor& grad, const Tensor& weight,
                     const Tensor& bias, const ConvGeometry& g) {
  for_images(grad_input, grad, [&](const Tensor& x, const Tensor& y) {
    run(Pass::Input, plan_of(x.sizes(), weight.sizes(), y.sizes(), g), x, weight, y, bias);
  });
}
void conv_weight_grad(const Tensor& grad_weight, const Tensor& input, const Tensor& grad,
                      const ConvGeometry& g) {
  run(Pass::Weight, plan_of(input.sizes(), grad_weight.sizes(), grad.sizes(), g), grad_weight, grad,
      input, {});
}

const RegisterGpuKernel register_conv(conv_kernel, &conv);
const RegisterGpuKernel register_input_grad(conv_input_grad_kernel, &conv_input_grad);
const RegisterGpuKernel register_weight_grad(conv_weight_grad_kernel, &conv_weight_grad);

}  // namespace

}  // namespace rt::gpu
