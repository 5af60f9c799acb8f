// Group and instance normalization: statistics of groups of channels of each sample.
#include "autograd/vjp.h"
#include "ops/norm.h"
#include "ops/norm_kernels.h"
#include "ops/norm_support.h"
#include "ops/ops.h"

namespace rt {

GroupNormKernel group_norm_kernel{"group_norm"};
GroupNormBackward group_norm_backward_kernel{"group_norm_backward"};

namespace {

Tensor by_channel(const Tensor& t, IntList shape, DType compute) {
  return ops::reshape(ops::contiguous(ops::to(t, compute)), shape);
}
// A weight or bias in the compute type; undefined stays undefined.
Tensor parameter(const Tensor& t, DType compute) {
  return t.defined() ? ops::reshape(ops::contiguous(ops::to(t, compute)), {t.numel()}) : t;
}

std::tuple<Tensor, Tensor, Tensor> forward(const Tensor& x, const Tensor& weight,
                                           const Tensor& bias, int64_t groups, double eps) {
  const DType compute = compute_type(x.dtype());
  const Dims shape = channel_shape(x.sizes());
  const Tensor out = empty(shape, compute, x.device(), "group_norm");
  const Tensor mean = ops::zeros({shape[0], groups}, compute, x.device()),
               rstd = ops::zeros_like(mean);
  if (out.numel() > 0) {
    group_norm_kernel(out, by_channel(x, shape, compute), parameter(weight, compute),
                      parameter(bias, compute), eps, out, mean, rstd);
  }
  return {ops::reshape(ops::to(out, x.dtype()), x.sizes()), mean, rstd};
}

// The gradients as compositions of ops, for when they are to be differentiated again.
void composed_vjp(VjpContext& c, int64_t groups, double eps) {
  const DType compute = compute_type(c.meta(0).dtype);
  const Dims shape = channel_shape(c.sizes(0));
  const int64_t width = shape[1] / groups;
  const Dims grouped{shape[0], groups, width, shape[2]}, per_channel{1, groups, width, 1};
  const Tensor x = ops::reshape(ops::to(c.input(0), compute), grouped);
  const Tensor g = ops::reshape(ops::to(c.grad(), compute), grouped);
  const Tensor d = x - ops::mean(x, {2, 3}, true);
  const Tensor rstd = ops::rsqrt(ops::mean(d * d, {2, 3}, true) + Scalar(eps));
  const Tensor z = d * rstd;
  const Tensor h = c.has_input(1) ? g * ops::reshape(ops::to(c.input(1), compute), per_channel) : g;
  if (c.needs(0)) {
    const Tensor r = h - ops::mean(h, {2, 3}, true) - z * ops::mean(h * z, {2, 3}, true);
    c.set(0, ops::to(ops::reshape(r * rstd, c.sizes(0)), c.meta(0).dtype));
  }
  const auto set = [&](int arg, const Tensor& t) {
    if (c.needs(arg))
      c.set(arg, ops::to(ops::reshape(ops::sum(t, {0, 3}), c.sizes(arg)), c.meta(arg).dtype));
  };
  set(1, g * z);
  set(2, g);
}

void group_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const int64_t groups = c.arg<int64_t>(3);
  if (modes().grad && checked_numel(c.sizes(0), "group_norm") > 0)
    return composed_vjp(c, groups, c.arg<double>(4));
  const DType compute = compute_type(c.meta(0).dtype);
  const Dims shape = channel_shape(c.sizes(0));
  const Tensor x = by_channel(c.input(0), shape, compute), g = by_channel(c.grad(), shape, compute);
  const auto of_samples = [&](int arg) {
    return c.needs(arg) ? ops::zeros({shape[0], shape[1]}, compute, x.device()) : Tensor();
  };
  const Tensor gx = c.needs(0) ? empty(shape, compute, x.device(), "group_norm") : Tensor();
  const Tensor gw = of_samples(1), gb = of_samples(2);
  if (x.numel() > 0) {
    const Tensor weight = c.has_input(1) ? parameter(c.input(1), compute) : Tensor();
    group_norm_backward_kernel(x, g, x, weight, c.result(1), c.result(2), gx, gw, gb);
  }
  if (gx.defined()) c.set(0, ops::reshape(ops::to(gx, c.meta(0).dtype), c.sizes(0)));
  if (gw.defined()) c.set(1, ops::reshape(ops::to(ops::sum(gw, {0}), c.meta(1).dtype), c.sizes(1)));
  if (gb.defined()) c.set(2, ops::reshape(ops::to(ops::sum(gb, {0}), c.meta(2).dtype), c.sizes(2)));
}

const Op native_group_norm_op(
    "_native_group_norm(Tensor input, Tensor? weight, Tensor? bias, int groups, float eps) -> "
    "(Tensor out, Tensor "
    "mean, Tensor rstd)",
    forward,
    {.vjp = group_vjp,
     .saves = "input weight mean rstd",
     .in = "",
     .kernels = {&group_norm_kernel, &group_norm_backward_kernel}});

Tensor group_norm(const Tensor& x, int64_t groups, const Tensor& weight, const Tensor& bias,
                  double eps) {
  RT_CHECK(groups > 0, Runtime, "group_norm", "Expected num groups to be greater than 0",
           cat_str("num_groups=", groups));
  check_channel_input("group_norm", x, weight, bias);
  RT_CHECK(x.sizes()[1] % groups == 0, Runtime, "group_norm",
           "Expected number of channels in input to be divisible by num_groups",
           cat_str("input of shape ", x.sizes(), " and num_groups=", groups));
  return std::get<0>(native_group_norm_op(x, weight, bias, groups, eps));
}
Tensor group_norm_layer(const Tensor& x, int64_t groups, const Tensor& weight, const Tensor& bias,
                        double eps) {
  if (x.dim() >= 2 && groups > 0) {
    const Dims s = channel_shape(x.sizes());
    RT_CHECK(s[0] * (s[1] / groups) * s[2] != 1, Value, "group_norm",
             cat_str("Expected more than 1 value per channel when training, got input size ",
                     x.sizes()));
  }
  return group_norm(x, groups, weight, bias, eps);
}
Tensor group_norm_full(const Tensor& x, int64_t groups, const Tensor& weight, const Tensor& bias,
                       double eps, bool) {
  return group_norm(x, groups, weight, bias, eps);
}
const Op group_norm_layer_op(
    "group_norm(Tensor input, int num_groups, Tensor? weight=None, Tensor? bias=None, float "
    "eps=1e-5) -> Tensor",
    group_norm_layer,
    {.in = "nn.functional",
     .doc =
         R"(Each group of channels (dim 1) of each sample shifted and scaled to mean 0 and variance 1,
then `* weight + bias` by channel.

(N, C, *), C divisible by `num_groups`; float16 and bfloat16 are computed in float32. Follows
`torch.nn.functional.group_norm` (Wu and He, 2018, arXiv:1803.08494).

>>> nn.functional.group_norm(rt.tensor([[1., 3.]]), 1, eps=0.0)
tensor([[-1.,  1.]])
)"});
const Op group_norm_op(
    "group_norm.full(Tensor input, int num_groups, Tensor? weight=None, Tensor? bias=None, float "
    "eps=1e-5, bool "
    "cudnn_enabled=True) -> Tensor",
    group_norm_full, {.in = "rt", .doc = R"(Group normalization; see `nn.functional.group_norm`.

Follows `torch.group_norm`.

>>> rt.group_norm(rt.tensor([[1., 3.]]), 1, eps=0.0)
tensor([[-1.,  1.]])
)"});

// Every channel of every sample is a group of its own.
Tensor instance_norm(const Tensor& x, const Tensor& weight, const Tensor& bias,
                     const Tensor& running_mean, const Tensor& running_var, bool use_input_stats,
                     double momentum, double eps) {
  const char* op = "instance_norm";
  check_channel_input(op, x, weight, bias);
  RT_CHECK(use_input_stats || (running_mean.defined() && running_var.defined()), Runtime, op,
           "Expected running_mean and running_var to be defined when use_input_stats is false");
  if (!use_input_stats)
    return ops::batch_norm(x, weight, bias, running_mean, running_var, false, momentum, eps);
  RT_CHECK(running_mean.defined() == running_var.defined(), Value, op,
           "running_mean and running_var must either both be None or neither be None");
  const Dims shape = channel_shape(x.sizes());
  check_channel_count(op, "running_mean", running_mean, shape[1]);
  check_channel_count(op, "running_var", running_var, shape[1]);
  const Tensor statistics[] = {running_mean, running_var};
  check_norm_types(op, x, statistics);
  const Tensor out =
      std::get<0>(native_group_norm_op(x, weight, bias, std::max<int64_t>(shape[1], 1), eps));
  if (running_mean.defined() && x.numel() > 0) {
    NoGradGuard guard;
    const auto [var, mean] =
        ops::var_mean(ops::reshape(ops::to(x, compute_type(x.dtype())), shape), {2}, 1);
    mix_running(running_mean, ops::mean(mean, {0}), momentum);
    mix_running(running_var, ops::mean(var, {0}), momentum);
  }
  return out;
}
Tensor instance_norm_layer(const Tensor& x, const Tensor& running_mean, const Tensor& running_var,
                           const Tensor& weight, const Tensor& bias, bool use_input_stats,
                           double momentum, double eps) {
  int64_t inner = 1;
  for (size_t d = 2; d < x.sizes().size(); ++d) inner *= x.sizes()[d];
  RT_CHECK(
      !use_input_stats || inner != 1, Value, "instance_norm",
      cat_str("Expected more than 1 spatial element when training, got input size ", x.sizes()));
  return instance_norm(x, weight, bias, running_mean, running_var, use_input_stats, momentum, eps);
}
Tensor instance_norm_full(const Tensor& x, const Tensor& weight, const Tensor& bias,
                          const Tensor& running_mean, const Tensor& running_var,
                          bool use_input_stats, double momentum, double eps, bool) {
  return instance_norm(x, weight, bias, running_mean, running_var, use_input_stats, momentum, eps);
}
const Op instance_norm_layer_op(
    "instance_norm(Tensor input, Tensor? running_mean=None, Tensor? running_var=None, Tensor? "
    "weight=None, Tensor? "
    "bias=None, bool use_input_stats=True, float momentum=0.1, float eps=1e-5) -> Tensor",
    instance_norm_layer,
    {.in = "nn.functional",
     .doc = R"(Each channel of each sample shifted and scaled to mean 0 and variance 1, then
`* weight + bias` by channel.

(N, C, *) with more than one place. Running statistics move towards the batch's averages by `momentum`, in
place; without `use_input_stats` they are used instead. Follows `torch.nn.functional.instance_norm`
(Ulyanov, Vedaldi and Lempitsky, 2016, arXiv:1607.08022).

>>> nn.functional.instance_norm(rt.tensor([[[1., 3.]]]), eps=0.0)
tensor([[[-1.,  1.]]])
)"});
const Op instance_norm_op(
    "instance_norm.full(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, Tensor? "
    "running_var, bool "
    "use_input_stats, float momentum, float eps, bool cudnn_enabled) -> Tensor",
    instance_norm_full, {.in = "rt", .doc = R"(Instance normalization with every argument given; see
`nn.functional.instance_norm`.

Follows `torch.instance_norm`.

>>> rt.instance_norm(rt.tensor([[[1., 3.]]]), None, None, None, None, True, 0.1, 0.0, False)
tensor([[[-1.,  1.]]])
)"});

}  // namespace

}  // namespace rt
