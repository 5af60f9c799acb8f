// Dropout: Hinton et al., Improving neural networks by preventing co-adaptation of feature
// detectors, 2012; Tompson et al., 2015, for whole channels; Klambauer et al., 2017, for alpha.
#include <cmath>

#include "autograd/vjp.h"
#include "core/warning.h"
#include "ops/elementwise.h"
#include "ops/ops.h"

namespace rt {

namespace {

ElementwiseSlot masked_scale_slot{"masked_scale", EwCompute::Promoted, EwResult::Same, 3};

Tensor mask_forward(IntList size, double p, Device device) {
  Tensor mask = empty(size, DType::Bool, device, "dropout");
  fill_random(mask,
              {.kind = Distribution::Bernoulli,
               .a = p,
               .range = static_cast<uint64_t>(std::llround(p * 4294967296.0))},
              nullptr);
  return mask;
}
const Op mask_op("_random_mask(int[] size, float p, Device device) -> Tensor", mask_forward,
                 {.in = "", .random = true, .integer_result = true});

// x * mask * scale; the mask's 0 and 1 multiply, so that NaN and infinity go on as in PyTorch.
Tensor masked_scale_forward(const Tensor& x, const Tensor& mask, double scale) {
  const Tensor inputs[] = {x, mask, scalar_tensor(scale, x.dtype())};
  return elementwise(masked_scale_slot, "dropout", Out(), inputs, x.dtype());
}
Tensor masked_scale(const Tensor& x, const Tensor& mask, double scale);
void masked_scale_vjp(VjpContext& c) {
  if (c.has_grad() && c.needs(0)) c.set(0, masked_scale(c.grad(), c.input(1), c.arg<double>(2)));
}
const Op masked_scale_op(
    "_masked_scale(Tensor input, Tensor mask, float scale) -> Tensor", masked_scale_forward,
    {.vjp = masked_scale_vjp, .saves = "mask", .in = "", .kernels = {&masked_scale_slot}});
Tensor masked_scale(const Tensor& x, const Tensor& mask, double scale) {
  return masked_scale_op(x, mask, scale);
}

// As PyTorch has it, a ValueError in nn.functional and a RuntimeError elsewhere.
void check_probability(const char* op, double p, ErrorKind kind = ErrorKind::Value) {
  if (p >= 0 && p <= 1) return;
  throw Error(kind, op, cat_str("dropout probability has to be between 0 and 1, but got ", p));
}
void check_type(const char* op, const Tensor& x) {
  RT_CHECK(!is_integral(x.dtype(), true), Runtime, op,
           cat_str("result type Float can't be cast to the desired output type ", name(x.dtype())),
           describe(x), "a floating-point input");
}

// Keeps elements (or, where `size` is 1, whole slices) with probability 1 - p and scales them up.
Tensor drop(const char* op, const Tensor& x, double p, bool training, bool inplace, IntList size) {
  check_probability(op, p);
  if (!training || p == 0 || x.numel() == 0) return x;
  check_type(op, x);
  const Tensor mask = mask_op(size, 1 - p, x.device());
  const double scale = p == 1 ? 0 : 1 / (1 - p);
  if (!inplace) return masked_scale(x, mask, scale);
  return ops::mul_(x, masked_scale_forward(ops::ones({}, x.dtype(), x.device()), mask, scale));
}

Tensor dropout_forward(const Tensor& x, double p, bool training, bool inplace) {
  return drop("dropout", x, p, training, inplace, x.sizes());
}
const Op dropout_op(
    "dropout(Tensor input, float p=0.5, bool training=True, bool inplace=False) -> Tensor",
    dropout_forward,
    {.in = "nn.functional",
     .doc =
         R"(Zeroes elements with probability p and scales the others by 1 / (1 - p), while training.

Errors if p is not in [0, 1]. Follows `torch.nn.functional.dropout`.

>>> rt.nn.functional.dropout(rt.ones(2), 1.0)
tensor([0., 0.])
)"});
Tensor dropout_function_forward(const Tensor& x, double p, bool train) {
  check_probability("dropout", p, ErrorKind::Runtime);
  return dropout_forward(x, p, train, false);
}
Tensor dropout_inplace_forward(const Tensor& x, double p, bool train) {
  check_probability("dropout_", p, ErrorKind::Runtime);
  return dropout_forward(x, p, train, true);
}
const Op dropout_function_op("dropout.train(Tensor input, float p, bool train) -> Tensor",
                             dropout_function_forward,
                             {.in = "rt", .doc = R"(`nn.functional.dropout` without defaults.

Errors if p is not in [0, 1]. Follows `torch.dropout`.

>>> rt.dropout(rt.ones(2), 1.0, True)
tensor([0., 0.])
)"});
const Op dropout_inplace_op("dropout_(Tensor input, float p, bool train) -> Tensor",
                            dropout_inplace_forward,
                            {.in = "rt",
                             .doc = R"(`nn.functional.dropout` in place, without defaults.

Errors if p is not in [0, 1]. Follows `torch.dropout_`.

>>> rt.dropout_(rt.ones(2), 1.0, True)
tensor([0., 0.])
)"});

// One decision for each channel of each sample.
Dims channels_of(const Tensor& x, int64_t leading) {
  Dims size(static_cast<size_t>(x.dim()), 1);
  for (int64_t d = 0; d < leading && d < x.dim(); ++d) size[d] = x.sizes()[d];
  return size;
}
void check_features(const char* op, const Tensor& x, double p, bool training) {
  RT_CHECK(x.dim() >= 2 || !training || p == 0 || p == 1 || x.numel() == 0, Runtime, op,
           "Feature dropout requires at least 2 dimensions in the input", describe(x));
}
Tensor channel_dropout(const char* op, const Tensor& x, double p, bool training, bool inplace,
                       bool batched) {
  check_probability(op, p);
  if (batched) check_features(op, x, p, training);
  // Without a batch dim the first dim is the channels.
  const int64_t leading = batched ? 2 : 1;
  return drop(op, x, p, training, inplace, channels_of(x, leading));
}
Tensor dropout1d_forward(const Tensor& x, double p, bool training, bool inplace) {
  check_probability("dropout1d", p);
  RT_CHECK(x.dim() == 2 || x.dim() == 3, Runtime, "dropout1d",
           cat_str("Expected 2D or 3D input, but received a ", x.dim(), "D input."), describe(x));
  return channel_dropout("dropout1d", x, p, training, inplace, x.dim() == 3);
}
void warn_of_rank(const char* op, const Tensor& x, int64_t spatial) {
  if (x.dim() == spatial + 1 || x.dim() == spatial + 2) return;
  warn(op,
       cat_str("Received a ", x.dim(), "-D input to ", op,
               ", which is deprecated and will result in an error in a future release. To retain "
               "the behavior and "
               "silence this warning, please use feature_dropout instead. Note that ",
               op, " exists to provide channel-wise dropout on inputs with ", spatial,
               " spatial dimensions, a channel dimension, and an optional batch dimension (i.e. ",
               spatial + 2, "D or ", spatial + 1, "D inputs)."));
}
Tensor dropout2d_forward(const Tensor& x, double p, bool training, bool inplace) {
  check_probability("dropout2d", p);
  warn_of_rank("dropout2d", x, 2);
  // A three-dim input counts as batch, channel and length here, as in PyTorch.
  if (x.dim() == 3) {
    warn(
        "dropout2d",
        "Received a 3-D input to dropout2d and assuming that channel-wise 1D dropout behavior is "
        "desired - input is interpreted as shape (N, C, L), where C is the channel dim. To "
        "maintain the 1D channel-wise dropout behavior, please switch to using dropout1d instead.");
  }
  return channel_dropout("dropout2d", x, p, training, inplace, true);
}
Tensor dropout3d_forward(const Tensor& x, double p, bool training, bool inplace) {
  check_probability("dropout3d", p);
  warn_of_rank("dropout3d", x, 3);
  return channel_dropout("dropout3d", x, p, training, inplace, x.dim() == 5);
}
const Op dropout1d_op(
    "dropout1d(Tensor input, float p=0.5, bool training=True, bool inplace=False) -> Tensor",
    dropout1d_forward,
    {.in = "nn.functional", .doc = R"(Dropout of whole channels of (N, C, L) or (C, L) inputs.

Follows `torch.nn.functional.dropout1d`.

>>> rt.nn.functional.dropout1d(rt.ones(1, 2, 2), 1.0).sum()
tensor(0.)
)"});
const Op dropout2d_op(
    "dropout2d(Tensor input, float p=0.5, bool training=True, bool inplace=False) -> Tensor",
    dropout2d_forward,
    {.in = "nn.functional", .doc = R"(Dropout of whole channels of (N, C, H, W) inputs.

Follows `torch.nn.functional.dropout2d`.

>>> rt.nn.functional.dropout2d(rt.ones(1, 2, 2, 2), 1.0).sum()
tensor(0.)
)"});
const Op dropout3d_op(
    "dropout3d(Tensor input, float p=0.5, bool training=True, bool inplace=False) -> Tensor",
    dropout3d_forward,
    {.in = "nn.functional",
     .doc = R"(Dropout of whole channels of (N, C, D, H, W) or (C, D, H, W) inputs.

Follows `torch.nn.functional.dropout3d`.

>>> rt.nn.functional.dropout3d(rt.ones(1, 2, 2, 2, 2), 1.0).sum()
tensor(0.)
)"});
Tensor feature_dropout_forward(const Tensor& x, double p, bool train) {
  check_probability("feature_dropout", p, ErrorKind::Runtime);
  check_features("feature_dropout", x, p, train);
  return drop("feature_dropout", x, p, train, false, channels_of(x, 2));
}
const Op feature_dropout_op("feature_dropout(Tensor input, float p, bool train) -> Tensor",
                            feature_dropout_forward,
                            {.in = "rt", .doc = R"(Dropout of whole slices of the first two dims.

Follows `torch.feature_dropout`.

>>> rt.feature_dropout(rt.ones(1, 2, 3), 1.0, True).sum()
tensor(0.)
)"});

// Dropped elements take SELU's limit -scale * alpha; an affine map brings mean 0 and variance 1
// back.
Tensor alpha_drop(const char* op, const Tensor& x, double p, bool training, bool inplace,
                  IntList size) {
  check_probability(op, p);
  if (!training || p == 0 || x.numel() == 0) return x;
  check_type(op, x);
  if (p == 1) return inplace ? ops::zero_(x) : ops::mul(x, ops::zeros({}, x.dtype(), x.device()));
  constexpr double limit = 1.7580993408473766;
  const double a = 1 / std::sqrt((limit * limit * p + 1) * (1 - p));
  const Tensor mask = mask_op(size, 1 - p, x.device());
  const Tensor keep = ops::to(mask, x.dtype());
  // x * mask * a + b, with b = a * limit * (p - 1 + mask).
  const Tensor b = ops::mul(keep + Scalar(p - 1), wrapped_number(a * limit));
  if (inplace) return ops::add_(ops::mul_(x, ops::mul(keep, wrapped_number(a))), b);
  return masked_scale(x, mask, a) + b;
}
Tensor alpha_dropout_forward(const Tensor& x, double p, bool training, bool inplace) {
  return alpha_drop("alpha_dropout", x, p, training, inplace, x.sizes());
}
Tensor feature_alpha_dropout_forward(const Tensor& x, double p, bool training, bool inplace) {
  check_probability("feature_alpha_dropout", p);
  check_features("feature_alpha_dropout", x, p, training);
  return alpha_drop("feature_alpha_dropout", x, p, training, inplace, channels_of(x, 2));
}
const Op alpha_dropout_op(
    "alpha_dropout(Tensor input, float p=0.5, bool training=False, bool inplace=False) -> Tensor",
    alpha_dropout_forward,
    {.in = "nn.functional",
     .doc = R"(Dropout that keeps mean and variance of inputs that SELU made, while training.

Follows `torch.nn.functional.alpha_dropout`.

>>> rt.nn.functional.alpha_dropout(rt.ones(2), 0.5, training=False)
tensor([1., 1.])
)"});
const Op feature_alpha_dropout_op(
    "feature_alpha_dropout(Tensor input, float p=0.5, bool training=False, bool inplace=False) -> "
    "Tensor",
    feature_alpha_dropout_forward,
    {.in = "nn.functional", .doc = R"(Alpha dropout of whole channels.

Follows `torch.nn.functional.feature_alpha_dropout`.

>>> rt.nn.functional.feature_alpha_dropout(rt.ones(1, 2), 0.5, training=False)
tensor([[1., 1.]])
)"});
Tensor alpha_dropout_function_forward(const Tensor& x, double p, bool train) {
  check_probability("alpha_dropout", p, ErrorKind::Runtime);
  return alpha_dropout_forward(x, p, train, false);
}
Tensor feature_alpha_dropout_function_forward(const Tensor& x, double p, bool train) {
  check_probability("feature_alpha_dropout", p, ErrorKind::Runtime);
  return feature_alpha_dropout_forward(x, p, train, false);
}
const Op alpha_dropout_function_op(
    "alpha_dropout.train(Tensor input, float p, bool train) -> Tensor",
    alpha_dropout_function_forward,
    {.in = "rt",
     .doc = R"(Dropout that keeps mean and variance of inputs that SELU made, if `train`.

Errors if p is not in [0, 1] (a RuntimeError). Follows `torch.alpha_dropout`.

>>> rt.alpha_dropout(rt.ones(2), 0.5, False)
tensor([1., 1.])
)"});
const Op feature_alpha_dropout_function_op(
    "feature_alpha_dropout.train(Tensor input, float p, bool train) -> Tensor",
    feature_alpha_dropout_function_forward,
    {.in = "rt", .doc = R"(Alpha dropout of whole channels, if `train`.

Errors if p is not in [0, 1] (a RuntimeError) or the input has fewer than two dims. Follows
`torch.feature_alpha_dropout`.

>>> rt.feature_alpha_dropout(rt.ones(1, 2), 0.5, False)
tensor([[1., 1.]])
)"});

}  // namespace

namespace ops {

Tensor random_mask(IntList size, double p, Device device) { return mask_op(size, p, device); }
Tensor dropout(const Tensor& x, double p, bool training, bool inplace) {
  return dropout_op(x, p, training, inplace);
}

}  // namespace ops
}  // namespace rt
