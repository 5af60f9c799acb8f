// Losses of the difference between input and target.
#include "ops/loss_record.h"

namespace rt {

namespace {

Tensor mse_loss_value(const LossArguments& a) { return ops::square(a.x - a.y); }
Tensor mse_loss_derivative(const LossArguments& a) { return (a.x - a.y) * Scalar(2.0); }
RT_POINTWISE_LOSS(mse_loss, "mse_loss", 2, Pair, true)

Tensor l1_loss_value(const LossArguments& a) { return ops::abs(a.x - a.y); }
Tensor l1_loss_derivative(const LossArguments& a) { return ops::sign(a.x - a.y); }
RT_POINTWISE_LOSS(l1_loss, "l1_loss", 2, Pair, true)

Tensor smooth_l1_loss_value(const LossArguments& a) {
  const Tensor d = ops::abs(a.x - a.y);
  const double beta = a.parameter;
  return ops::where(ops::lt(d, Scalar(beta)), d * d * Scalar(0.5 / beta), d - Scalar(0.5 * beta));
}
Tensor smooth_l1_loss_derivative(const LossArguments& a) {
  return ops::clamp((a.x - a.y) / Scalar(a.parameter), Scalar(-1.0), Scalar(1.0));
}
RT_POINTWISE_LOSS(smooth_l1_loss, "smooth_l1_loss", 3, Parameter, true)

Tensor huber_loss_value(const LossArguments& a) {
  const Tensor d = ops::abs(a.x - a.y);
  const double delta = a.parameter;
  return ops::where(ops::le(d, Scalar(delta)), d * d * Scalar(0.5),
                    (d - Scalar(0.5 * delta)) * Scalar(delta));
}
Tensor huber_loss_derivative(const LossArguments& a) {
  return ops::clamp(a.x - a.y, Scalar(-a.parameter), Scalar(a.parameter));
}
RT_POINTWISE_LOSS(huber_loss, "huber_loss", 3, Parameter, true)

using PairLoss = Tensor (*)(const LossArguments& a, Reduction how);

// With weights the mean is over them (or, as Huber's has it in PyTorch, over the elements).
Tensor weighted_loss(const char* op, PairLoss loss, const LossArguments& a, const Tensor& weight,
                     Reduction how, bool over_weights) {
  warn_of_sizes(op, a.x, a.y);
  if (!weight.defined()) return loss(a, how);
  RT_CHECK(weight.sizes() == a.x.sizes(), Value, op, "Weights and input must have the same size.",
           cat_str(describe(weight), " and ", describe(a.x)));
  const Tensor all = loss(a, Reduction::None) * weight;
  if (how == Reduction::Mean && over_weights) return ops::sum(all) / ops::sum(weight);
  return reduced(all, how);
}

Tensor mse(const Tensor& x, const Tensor& y, MaybeBool size_average, MaybeBool reduce,
           std::string_view reduction, const Tensor& weight) {
  return weighted_loss("mse_loss", &mse_loss_of, {x, y, {}, {}}, weight,
                       reduction_of("mse_loss", size_average, reduce, reduction), true);
}
Tensor l1(const Tensor& x, const Tensor& y, MaybeBool size_average, MaybeBool reduce,
          std::string_view reduction, const Tensor& weight) {
  return weighted_loss("l1_loss", &l1_loss_of, {x, y, {}, {}}, weight,
                       reduction_of("l1_loss", size_average, reduce, reduction), true);
}
Tensor smooth_l1(const Tensor& x, const Tensor& y, MaybeBool size_average, MaybeBool reduce,
                 std::string_view reduction, double beta) {
  const Reduction how = reduction_of("smooth_l1_loss", size_average, reduce, reduction);
  RT_CHECK(!(beta < 0), Runtime, "smooth_l1_loss",
           "smooth_l1_loss does not support negative values for beta.", cat_str("beta=", beta));
  return weighted_loss("smooth_l1_loss", beta == 0 ? &l1_loss_of : &smooth_l1_loss_of,
                       {x, y, {}, {}, beta}, {}, how, true);
}
Tensor huber(const Tensor& x, const Tensor& y, std::string_view reduction, double delta,
             const Tensor& weight) {
  const Reduction how = reduction_of("huber_loss", {}, {}, reduction);
  RT_CHECK(delta > 0, Runtime, "huber_loss",
           "huber_loss does not support non-positive values for delta.", cat_str("delta=", delta));
  return weighted_loss("huber_loss", &huber_loss_of, {x, y, {}, {}, delta}, weight, how, false);
}

const Op mse_loss_op(
    "mse_loss(Tensor input, Tensor target, bool? size_average=None, bool? reduce=None, str "
    "reduction='mean', "
    "Tensor? weight=None) -> Tensor",
    mse,
    {.in = "nn.functional",
     .doc =
         R"(The squared difference, `(x - y)^2`; its mean, its sum or, with reduction "none", all of it.

With `weight`, of the input's shape, the mean divides by the sum of the weights. A target of another
shape broadcasts, with a warning. Follows `torch.nn.functional.mse_loss`.

>>> nn.functional.mse_loss(rt.tensor([1., 2.]), rt.tensor([0., 0.]))
tensor(2.5000)
)"});
const Op l1_loss_op(
    "l1_loss(Tensor input, Tensor target, bool? size_average=None, bool? reduce=None, str "
    "reduction='mean', "
    "Tensor? weight=None) -> Tensor",
    l1,
    {.in = "nn.functional",
     .doc =
         R"(The absolute difference, `|x - y|`; its mean, its sum or, with reduction "none", all of it.

With `weight`, of the input's shape, the mean divides by the sum of the weights. A target of another
shape broadcasts, with a warning. Follows `torch.nn.functional.l1_loss`.

>>> nn.functional.l1_loss(rt.tensor([1., -2.]), rt.tensor([0., 0.]))
tensor(1.5000)
)"});
const Op smooth_l1_loss_op(
    "smooth_l1_loss(Tensor input, Tensor target, bool? size_average=None, bool? reduce=None, str "
    "reduction='mean', "
    "float beta=1.0) -> Tensor",
    smooth_l1,
    {.in = "nn.functional",
     .doc = R"(`d^2 / (2 beta)` for differences d below beta, else `d - beta / 2` (Girshick, 2015).

RuntimeError for a negative beta; 0 gives the absolute difference. Follows
`torch.nn.functional.smooth_l1_loss`.

>>> nn.functional.smooth_l1_loss(rt.tensor([0.5, 2.]), rt.tensor([0., 0.]), reduction="none")
tensor([0.1250, 1.5000])
)"});
const Op huber_loss_op(
    "huber_loss(Tensor input, Tensor target, str reduction='mean', float delta=1.0, Tensor? "
    "weight=None) -> Tensor",
    huber,
    {.in = "nn.functional",
     .doc = R"(`d^2 / 2` for differences d up to delta, else `delta (d - delta / 2)` (Huber, 1964).

RuntimeError unless delta > 0. `weight`, of the input's shape, scales the losses. Follows
`torch.nn.functional.huber_loss`.

>>> nn.functional.huber_loss(rt.tensor([0.5, 2.]), rt.tensor([0., 0.]), reduction="none")
tensor([0.1250, 1.5000])
)"});

}  // namespace

}  // namespace rt
