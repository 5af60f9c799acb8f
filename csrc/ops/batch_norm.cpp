// Batch normalization: statistics of each channel over the batch and space.
#include "autograd/vjp.h"
#include "ops/norm.h"
#include "ops/norm_kernels.h"
#include "ops/norm_support.h"
#include "ops/ops.h"

namespace rt {

ChannelAffine channel_affine_kernel{"channel_affine"};
ChannelSums channel_sums_kernel{"channel_sums"};
ChannelCombine channel_combine_kernel{"channel_combine"};

namespace {

// Whether the channels are neighbours in memory (channels-last).
bool channels_innermost(const Tensor& x) {
  if (x.dim() < 3 || x.is_contiguous() || x.strides()[1] != 1) return false;
  int64_t step = x.sizes()[1];
  for (int64_t d = x.dim() - 1; d >= 0; --d) {
    if (d == 1) continue;
    if (x.sizes()[d] != 1 && x.strides()[d] != step) return false;
    step *= x.sizes()[d];
  }
  return true;
}
// How the kernels see x: (N, C, L); or (places, C, 1) where the channels are innermost; or, where L
// is short, (N, C * L, 1) with the numbers of each channel repeated.
struct Layout {
  bool innermost;
  int64_t repeat;
};
Layout layout_of(const Tensor& x) {
  constexpr int64_t kShort = 256;  // rows below this cost more to enter than to compute
  if (channels_innermost(x)) return {true, 1};
  const Dims shape = channel_shape(x.sizes());
  return {false, shape[2] > 1 && shape[2] < kShort && shape[0] >= 8 ? shape[2] : 1};
}
Tensor by_channel(const Tensor& x, Layout layout, DType compute) {
  const Tensor t = ops::to(x, compute);
  Dims shape = channel_shape(x.sizes());
  if (layout.innermost) {
    return ops::reshape(ops::contiguous(ops::movedim(t, {1}, {-1})),
                        {shape[0] * shape[2], shape[1], 1});
  }
  if (layout.repeat > 1) shape = Dims{shape[0], shape[1] * shape[2], 1};
  return ops::reshape(ops::contiguous(t), shape);
}
Tensor with_layout(const Tensor& t, IntList sizes, Layout layout, DType type) {
  const Tensor r = ops::to(t, type);
  if (!layout.innermost) return ops::reshape(r, sizes);
  Dims strides(sizes.size(), 1);
  int64_t step = sizes[1];
  for (int64_t d = sizes.ssize() - 1; d >= 0; --d) {
    if (d == 1) continue;
    strides[static_cast<size_t>(d)] = step;
    step *= sizes[static_cast<size_t>(d)];
  }
  return make_view(r, sizes, strides, r.offset());
}
// The numbers of channels as the kernels read them.
Tensor spread(const Tensor& t, Layout layout, DType compute) {
  const Tensor r = ops::contiguous(ops::to(t, compute));
  if (layout.repeat == 1) return r;
  const int64_t channels = r.numel();
  return ops::reshape(ops::expand(ops::reshape(r, {channels, 1}), {channels, layout.repeat}),
                      {channels * layout.repeat});
}
// What belongs to one channel along the last dim, as (..., C, repeat).
Tensor by_repeat(const Tensor& t, Layout layout) {
  Dims shape(t.sizes());
  shape.back() /= layout.repeat;
  shape.push_back(layout.repeat);
  return ops::reshape(t, shape);
}

// The variance of parts of equal size follows from theirs and their means.
std::tuple<Tensor, Tensor> statistics(const Tensor& rows, Layout layout) {
  auto [var, mean] = ops::var_mean(rows, {0, 2}, 0);
  if (layout.repeat == 1) return {var, mean};
  const Tensor vars = by_repeat(var, layout), means = by_repeat(mean, layout);
  const auto [between, center] = ops::var_mean(means, {1}, 0);
  return {ops::mean(vars, {1}) + between, center};
}

// (out, mean, rstd, biased variance); statistics that are given are constants.
using Four = std::tuple<Tensor, Tensor, Tensor, Tensor>;

Four forward(const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& given_mean,
             const Tensor& given_var, bool training, double eps) {
  const DType compute = compute_type(x.dtype());
  const Layout layout = layout_of(x);
  const Tensor rows = by_channel(x, layout, compute);
  const Tensor out = empty(rows.sizes(), compute, x.device(), "batch_norm");
  Tensor mean, var;
  if (training) {
    std::tie(var, mean) = statistics(rows, layout);
  } else {
    const int64_t channels = x.size(1);
    mean = ops::clone(ops::reshape(ops::to(given_mean, compute), {channels}));
    var = ops::reshape(ops::to(given_var, compute), {channels});
  }
  const Tensor rstd = ops::rsqrt(var + Scalar(eps));
  const Tensor scale = weight.defined() ? rstd * ops::to(weight, compute) : rstd;
  const Tensor shift = bias.defined() ? ops::to(bias, compute) : ops::zeros_like(rstd);
  if (out.numel() > 0) {
    channel_affine_kernel(out, rows, spread(mean, layout, compute), spread(scale, layout, compute),
                          spread(shift, layout, compute), out);
  }
  return {with_layout(out, x.sizes(), layout, x.dtype()), mean, rstd, var};
}

// The gradients as compositions of ops, for when they are to be differentiated again.
void composed_vjp(VjpContext& c, bool given, double eps) {
  const DType compute = compute_type(c.meta(0).dtype);
  const Dims shape = channel_shape(c.sizes(0)), per_channel{1, shape[1], 1};
  const Tensor x = ops::reshape(ops::to(c.input(0), compute), shape);
  const Tensor g = ops::reshape(ops::to(c.grad(), compute), shape);
  Tensor d, rstd;
  if (given) {
    d = x - ops::reshape(c.result(1), per_channel);
    rstd = ops::reshape(c.result(2), per_channel);
  } else {
    d = x - ops::mean(x, {0, 2}, true);
    rstd = ops::rsqrt(ops::mean(d * d, {0, 2}, true) + Scalar(eps));
  }
  const Tensor z = d * rstd;
  const Tensor h = c.has_input(1) ? g * ops::reshape(ops::to(c.input(1), compute), per_channel) : g;
  if (c.needs(0)) {
    const Tensor r =
        given ? h : h - ops::mean(h, {0, 2}, true) - z * ops::mean(h * z, {0, 2}, true);
    c.set(0, ops::to(ops::reshape(r * rstd, c.sizes(0)), c.meta(0).dtype));
  }
  if (c.needs(1)) c.set(1, ops::to(ops::sum(g * z, {0, 2}), c.meta(1).dtype));
  if (c.needs(2)) c.set(2, ops::to(ops::sum(g, {0, 2}), c.meta(2).dtype));
}

void batch_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const bool given = !c.arg<bool>(5);
  if (modes().grad) return composed_vjp(c, given, c.arg<double>(6));
  const Tensor input = c.input(0);
  const DType compute = compute_type(c.meta(0).dtype);
  const DType wide = input.device().is_cpu() ? DType::Float64 : compute;
  const Layout layout = layout_of(input);
  const Tensor x = by_channel(input, layout, compute), g = by_channel(c.grad(), layout, compute);
  const auto numbers = [&](const Tensor& t) { return spread(t, layout, compute); };
  const Tensor mean = numbers(c.result(1)), rstd = ops::to(c.result(2), wide);
  Tensor sums = ops::zeros({2, x.size(1)}, wide, x.device());
  if (x.numel() > 0) channel_sums_kernel(x, g, x, mean, sums);
  if (layout.repeat > 1) sums = ops::sum(by_repeat(sums, layout), {-1});
  const Tensor sum = ops::select(sums, 0, 0);
  const Tensor sum_z =
      x.numel() > 0 ? ops::select(sums, 0, 1) * rstd : sum;  // rstd of nothing is NaN
  if (c.needs(0)) {
    const Tensor scale = c.has_input(1) ? rstd * ops::to(c.input(1), wide) : rstd;
    Tensor slope = ops::zeros_like(scale), shift = slope;
    if (!given && x.numel() > 0) {
      const double n = static_cast<double>(x.numel() / sums.size(1));
      slope = -(scale * sum_z * rstd) / Scalar(n);
      shift = -(scale * sum) / Scalar(n);
    }
    const Tensor out = empty(x.sizes(), compute, x.device(), "batch_norm");
    if (out.numel() > 0) {
      channel_combine_kernel(out, g, x, mean, numbers(scale), numbers(slope), numbers(shift), out);
    }
    c.set(0, with_layout(out, c.sizes(0), layout, c.meta(0).dtype));
  }
  if (c.needs(1)) c.set(1, ops::to(sum_z, c.meta(1).dtype));
  if (c.needs(2)) c.set(2, ops::to(sum, c.meta(2).dtype));
}

const Op native_batch_norm_op(
    "_native_batch_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? given_mean, Tensor? "
    "given_var, bool training, float eps) -> (Tensor out, Tensor mean, Tensor rstd, Tensor var)",
    forward,
    {.vjp = batch_vjp,
     .saves = "input weight mean rstd",
     .in = "",
     .kernels = {&channel_affine_kernel, &channel_sums_kernel, &channel_combine_kernel}});

Tensor batch_norm(const Tensor& x, const Tensor& weight, const Tensor& bias,
                  const Tensor& running_mean, const Tensor& running_var, bool training,
                  double momentum, double eps) {
  const char* op = "batch_norm";
  wrap_dim(1, x.dim(), op);
  check_channel_input(op, x, weight, bias);
  const int64_t channels = x.sizes()[1];
  for (const auto& [what, t] :
       {std::pair{"running_mean", &running_mean}, std::pair{"running_var", &running_var}}) {
    check_channel_count(op, what, *t, channels);
    RT_CHECK(training || t->defined(), Runtime, op,
             cat_str(what, " must be defined in evaluation mode"), "None", "training=True");
  }
  RT_CHECK(running_mean.defined() == running_var.defined(), Value, op,
           "running_mean and running_var must either both be None or neither be None");
  const Tensor statistics[] = {running_mean, running_var};
  check_norm_types(op, x, statistics);
  if (!training)
    return std::get<0>(
        native_batch_norm_op(x, weight, bias, running_mean, running_var, false, eps));
  auto [out, mean, rstd, var] = native_batch_norm_op(x, weight, bias, {}, {}, true, eps);
  if (running_mean.defined() && x.numel() > 0) {
    const double n =
        static_cast<double>(x.numel()) / static_cast<double>(std::max<int64_t>(channels, 1));
    mix_running(running_mean, mean, momentum);
    NoGradGuard guard;
    mix_running(running_var, var * Scalar(n / (n - 1)), momentum);
  }
  return out;
}
Tensor batch_norm_layer(const Tensor& x, const Tensor& running_mean, const Tensor& running_var,
                        const Tensor& weight, const Tensor& bias, bool training, double momentum,
                        double eps) {
  if (training && x.dim() > 0) {
    int64_t count = x.sizes()[0];
    for (size_t d = 2; d < x.sizes().size(); ++d) count *= x.sizes()[d];
    RT_CHECK(count != 1, Value, "batch_norm",
             cat_str("Expected more than 1 value per channel when training, got input size ",
                     x.sizes()));
  }
  RT_CHECK(training ? eps > 0 : eps >= 0, Value, "batch_norm",
           cat_str("batch_norm eps must be ",
                   training ? "positive during training" : "non-negative", ", but got ", eps));
  return batch_norm(x, weight, bias, running_mean, running_var, training, momentum, eps);
}
Tensor batch_norm_full(const Tensor& x, const Tensor& weight, const Tensor& bias,
                       const Tensor& running_mean, const Tensor& running_var, bool training,
                       double momentum, double eps, bool) {
  return batch_norm(x, weight, bias, running_mean, running_var, training, momentum, eps);
}
const Op batch_norm_layer_op(
    "batch_norm(Tensor input, Tensor? running_mean, Tensor? running_var, Tensor? weight=None, "
    "Tensor? bias=None, "
    "bool training=False, float momentum=0.1, float eps=1e-5) -> Tensor",
    batch_norm_layer,
    {.in = "nn.functional",
     .doc = R"(Each channel (dim 1) shifted and scaled to mean 0 and variance 1 over the batch and
space, then `* weight + bias`.

In training the batch's statistics are used, and the running ones (the variance unbiased) move towards
them by `momentum`, in place; otherwise the running ones are used. float16 and bfloat16 are computed in
float32. ValueError unless `eps` is positive (in evaluation, non-negative). Follows
`torch.nn.functional.batch_norm` (Ioffe and Szegedy, 2015, arXiv:1502.03167).

>>> nn.functional.batch_norm(rt.tensor([[1.], [3.]]), rt.tensor([1.]), rt.tensor([4.]), eps=0.0)
tensor([[0.],
        [1.]])
)"});
const Op batch_norm_op(
    "batch_norm.full(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, Tensor? "
    "running_var, bool "
    "training, float momentum, float eps, bool cudnn_enabled) -> Tensor",
    batch_norm_full,
    {.in = "rt",
     .doc = R"(Batch normalization with every argument given; see `nn.functional.batch_norm`.

Follows `torch.batch_norm`.

>>> rt.batch_norm(rt.tensor([[1.], [3.]]), None, None, None, None, True, 0.1, 0.0, False)
tensor([[-1.],
        [ 1.]])
)"});

}  // namespace

namespace ops {

Tensor batch_norm(const Tensor& x, const Tensor& weight, const Tensor& bias,
                  const Tensor& running_mean, const Tensor& running_var, bool training,
                  double momentum, double eps) {
  return rt::batch_norm(x, weight, bias, running_mean, running_var, training, momentum, eps);
}

}  // namespace ops
}  // namespace rt
