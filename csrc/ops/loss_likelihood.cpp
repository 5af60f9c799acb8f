// Negative log likelihoods of single elements: Bernoulli, Poisson, Gaussian; divergences.
#include <cmath>

#include "ops/loss_record.h"
#include "ops/promotion.h"

namespace rt {

namespace {

Tensor binary_cross_entropy_value(const LossArguments& a) {
  const Tensor hit = ops::clamp(ops::log(a.x), Scalar(-100.0), {});
  const Tensor miss = ops::clamp(ops::log1p(-a.x), Scalar(-100.0), {});
  return a.weighted((a.y - Scalar(1.0)) * miss - a.y * hit);
}
Tensor binary_cross_entropy_derivative(const LossArguments& a) {
  return a.weighted((a.x - a.y) / ops::clamp(a.x * (1 - a.x), Scalar(1e-12), {}));
}
RT_POINTWISE_LOSS(binary_cross_entropy, "binary_cross_entropy", 3, Weight, false)

// The weight of the negative log likelihood: 1 + (p - 1) y.
Tensor logit_share(const LossArguments& a) {
  return (a.pos_weight - Scalar(1.0)) * a.y + Scalar(1.0);
}
Tensor binary_cross_entropy_with_logits_value(const LossArguments& a) {
  Tensor log = ops::logsigmoid(a.x);
  if (a.pos_weight.defined()) log = logit_share(a) * log;
  return a.weighted((1 - a.y) * a.x - log);
}
Tensor binary_cross_entropy_with_logits_derivative(const LossArguments& a) {
  const Tensor s = ops::sigmoid(a.x);
  if (!a.pos_weight.defined()) return a.weighted(s - a.y);
  return a.weighted(logit_share(a) * s - a.pos_weight * a.y);
}
RT_POINTWISE_LOSS(binary_cross_entropy_with_logits, "binary_cross_entropy_with_logits", 4,
                  BothWeights, false)

Tensor kl_div_value(const LossArguments& a) { return ops::xlogy(a.y, a.y) - a.y * a.x; }
Tensor kl_div_derivative(const LossArguments& a) { return -a.y; }
RT_POINTWISE_LOSS(kl_div, "kl_div", 2, Pair, false)
Tensor kl_div_log_value(const LossArguments& a) { return ops::exp(a.y) * (a.y - a.x); }
Tensor kl_div_log_derivative(const LossArguments& a) { return -ops::exp(a.y); }
RT_POINTWISE_LOSS(kl_div_log, "kl_div", 2, Pair, false)

Tensor poisson_nll_loss_log_value(const LossArguments& a) { return ops::exp(a.x) - a.y * a.x; }
Tensor poisson_nll_loss_log_derivative(const LossArguments& a) { return ops::exp(a.x) - a.y; }
RT_POINTWISE_LOSS(poisson_nll_loss_log, "poisson_nll_loss", 2, Pair, false)
Tensor poisson_nll_loss_value(const LossArguments& a) {
  return a.x - a.y * ops::log(a.x + Scalar(a.parameter));
}
Tensor poisson_nll_loss_derivative(const LossArguments& a) {
  return 1 - a.y / (a.x + Scalar(a.parameter));
}
RT_POINTWISE_LOSS(poisson_nll_loss, "poisson_nll_loss", 3, Parameter, false)

Tensor soft_margin_loss_value(const LossArguments& a) { return -ops::logsigmoid(a.y * a.x); }
Tensor soft_margin_loss_derivative(const LossArguments& a) {
  return -a.y * ops::sigmoid(-a.y * a.x);
}
RT_POINTWISE_LOSS(soft_margin_loss, "soft_margin_loss", 2, Pair, false)

// Whether all are between 0 and 1, as a tensor where they are; NaN is outside.
Tensor in_unit_range(const Tensor& t) {
  return ops::logical_and(ops::ge(ops::amin(t, {}, false), Scalar(0)),
                          ops::le(ops::amax(t, {}, false), Scalar(1)));
}

// The formula gives NaN where the input is outside 0..1. One number tells of that and of targets
// outside, so that the device is waited for once.
void check_probabilities(const Tensor& x, const Tensor& y, const Tensor& loss) {
  NoGradGuard guard;
  const Tensor total = loss.dim() == 0 ? loss : ops::sum(loss);
  const Tensor outside = ops::logical_not(in_unit_range(y));
  if (!std::isnan(item(ops::masked_fill(total, outside, Scalar(NAN))).to_double())) return;
  RT_CHECK(item(in_unit_range(x)).to_bool(), Runtime, "binary_cross_entropy",
           "all elements of input should be between 0 and 1", describe(x),
           "binary_cross_entropy_with_logits");
  RT_CHECK(!item(outside).to_bool(), Runtime, "binary_cross_entropy",
           "all elements of target should be between 0 and 1", describe(y));
}

Tensor bce(const Tensor& x, const Tensor& y, const Tensor& weight, MaybeBool size_average,
           MaybeBool reduce, std::string_view reduction) {
  const char* op = "binary_cross_entropy";
  const Reduction how = reduction_of(op, size_average, reduce, reduction);
  RT_CHECK(x.sizes() == y.sizes(), Value, op,
           cat_str("Using a target size (", y.sizes(), ") that is different to the input size (",
                   x.sizes(), ") is deprecated. Please ensure they have the same size."));
  const Tensor loss = binary_cross_entropy_of({x, y, weight, {}}, how);
  if (x.numel() > 0) check_probabilities(x, y, loss);
  return loss;
}

Tensor bce_with_logits(const Tensor& x, const Tensor& y, const Tensor& weight,
                       MaybeBool size_average, MaybeBool reduce, std::string_view reduction,
                       const Tensor& pos_weight) {
  const char* op = "binary_cross_entropy_with_logits";
  const Reduction how = reduction_of(op, size_average, reduce, reduction);
  RT_CHECK(
      x.sizes() == y.sizes(), Value, op,
      cat_str("Target size (", y.sizes(), ") must be the same as input size (", x.sizes(), ")"));
  return binary_cross_entropy_with_logits_of({x, y, weight, pos_weight}, how);
}

Tensor divergence(const Tensor& x, const Tensor& y, MaybeBool size_average, MaybeBool reduce,
                  std::string_view reduction, bool log_target) {
  const bool older = size_average || reduce, batch = !older && reduction == "batchmean";
  if (!older && reduction == "mean") {
    warn("kl_div",
         "reduction: 'mean' divides the total loss by both the batch size and the support "
         "size.'batchmean' divides "
         "only by the batch size, and aligns with the KL div math definition.'mean' will be "
         "changed to behave the "
         "same as 'batchmean' in the next major release.");
  }
  const Reduction how =
      batch ? Reduction::Sum : reduction_of("kl_div", size_average, reduce, reduction);
  const Tensor loss = (log_target ? &kl_div_log_of : &kl_div_of)({x, y, {}, {}}, how);
  return batch && x.dim() > 0 ? loss / Scalar(x.sizes()[0]) : loss;
}

Tensor poisson(const Tensor& x, const Tensor& y, bool log_input, bool full, MaybeBool size_average,
               double eps, MaybeBool reduce, std::string_view reduction) {
  const Reduction how = reduction_of("poisson_nll_loss", size_average, reduce, reduction);
  // Counts come as integers too.
  const DType type = float_type(result_type(x, y));
  const LossArguments a{is_integral(x.dtype(), true) ? ops::to(x, type) : x, y, {}, {}, eps};
  const auto loss = log_input ? &poisson_nll_loss_log_of : &poisson_nll_loss_of;
  if (!full) return loss(a, how);
  // Stirling's approximation of log(y!).
  const Tensor factorial =
      y * ops::log(y) - y + ops::log(y * Scalar(6.283185307179586477)) * Scalar(0.5);
  return reduced(
      loss(a, Reduction::None) + ops::masked_fill(factorial, ops::le(y, Scalar(1)), Scalar(0)),
      how);
}

Tensor soft_margin(const Tensor& x, const Tensor& y, MaybeBool size_average, MaybeBool reduce,
                   std::string_view reduction) {
  return soft_margin_loss_of({x, y, {}, {}},
                             reduction_of("soft_margin_loss", size_average, reduce, reduction));
}

Tensor gaussian(const Tensor& x, const Tensor& y, const Tensor& given, bool full, double eps,
                std::string_view reduction) {
  const char* op = "gaussian_nll_loss";
  {
    NoGradGuard guard;
    const Tensor negative = ops::to(ops::any(ops::lt(given, Scalar(0))), Device{});
    RT_CHECK(!item(negative).to_bool(), Value, op, "var has negative entry/entries");
  }
  Tensor var = given;
  const IntList size = x.sizes(), own = given.sizes();
  if (given.is_wrapped_number()) {
    var = ops::to(given, x.dtype());
  } else if (!(own == size)) {
    if (x.dim() > 0 && own == size.slice(0, size.size() - 1)) {
      var = ops::unsqueeze(given, -1);
    } else {
      int64_t other = 0;
      for (int64_t d = 0; own.size() == size.size() && d < x.dim(); ++d)
        other += own[d] != size[d] ? own[d] : 0;
      RT_CHECK(own.size() == size.size() && other == 1, Value, op, "var is of incorrect size",
               cat_str(describe(given), " for ", describe(x)));
    }
  }
  const Reduction how = reduction_of(op, {}, {}, reduction);
  // The floor is there for stability only and leaves the gradient alone.
  Tensor lift;
  {
    NoGradGuard guard;
    lift = ops::clamp(var, Scalar(eps), {}) - var;
  }
  const Tensor held = var + lift;
  Tensor loss = (ops::log(held) + ops::square(x - y) / held) * Scalar(0.5);
  if (full) loss = loss + Scalar(0.91893853320467274178);  // log(2 pi) / 2
  return reduced(loss, how);
}

const Op binary_cross_entropy_op(
    "binary_cross_entropy(Tensor input, Tensor target, Tensor? weight=None, bool? "
    "size_average=None, "
    "bool? reduce=None, str reduction='mean') -> Tensor",
    bce,
    {.in = "nn.functional",
     .doc = R"(`-(y log x + (1 - y) log(1 - x))` for probabilities x; logarithms are held at -100.

`weight` broadcasts to the input. ValueError for sizes that differ, RuntimeError for inputs outside
0..1. Follows `torch.nn.functional.binary_cross_entropy`.

>>> nn.functional.binary_cross_entropy(rt.tensor([0.5]), rt.tensor([1.]))
tensor(0.6931)
)"});
const Op binary_cross_entropy_with_logits_op(
    "binary_cross_entropy_with_logits(Tensor input, Tensor target, Tensor? weight=None, bool? "
    "size_average=None, "
    "bool? reduce=None, str reduction='mean', Tensor? pos_weight=None) -> Tensor",
    bce_with_logits,
    {.in = "nn.functional",
     .doc =
         R"(Binary cross entropy of `sigmoid(x)`, without overflow; `pos_weight` scales the positive part.

`weight` and `pos_weight` broadcast to the input. ValueError for sizes that differ. Follows
`torch.nn.functional.binary_cross_entropy_with_logits`.

>>> nn.functional.binary_cross_entropy_with_logits(rt.tensor([0.]), rt.tensor([1.]))
tensor(0.6931)
)"});
const Op kl_div_op(
    "kl_div(Tensor input, Tensor target, bool? size_average=None, bool? reduce=None, str "
    "reduction='mean', "
    "bool log_target=False) -> Tensor",
    divergence,
    {.in = "nn.functional",
     .doc = R"(The Kullback-Leibler divergence `y (log y - x)` for log probabilities x.

With `log_target` the target holds logarithms too. Reduction "batchmean" divides the sum by the batch
size. Follows `torch.nn.functional.kl_div`.

>>> nn.functional.kl_div(rt.tensor([0.]), rt.tensor([1.]), reduction="sum")
tensor(0.)
)"});
const Op poisson_nll_loss_op(
    "poisson_nll_loss(Tensor input, Tensor target, bool log_input=True, bool full=False, bool? "
    "size_average=None, "
    "float eps=1e-08, bool? reduce=None, str reduction='mean') -> Tensor",
    poisson,
    {.in = "nn.functional",
     .doc = R"(`exp(x) - y x`, or `x - y log(x + eps)`; `full` adds Stirling's term for y above 1.

Follows `torch.nn.functional.poisson_nll_loss`.

>>> nn.functional.poisson_nll_loss(rt.tensor([0.]), rt.tensor([2.]))
tensor(1.)
)"});
const Op soft_margin_loss_op(
    "soft_margin_loss(Tensor input, Tensor target, bool? size_average=None, bool? reduce=None, "
    "str reduction='mean') -> Tensor",
    soft_margin, {.in = "nn.functional", .doc = R"(`log(1 + exp(-y x))` for targets y of 1 and -1.

Follows `torch.nn.functional.soft_margin_loss`.

>>> nn.functional.soft_margin_loss(rt.zeros(2), rt.ones(2))
tensor(0.6931)
)"});
const Op gaussian_nll_loss_op(
    "gaussian_nll_loss(Tensor input, Tensor target, Operand var, bool full=False, float eps=1e-06, "
    "str reduction='mean') -> Tensor",
    gaussian,
    {.in = "nn.functional",
     .doc =
         R"(`(log v + (x - y)^2 / v) / 2`, with variances v held at eps; `full` adds `log(2 pi) / 2`.

`var` is a number or a tensor of the input's shape, or one that lacks its last dim or has size 1 in one
dim. ValueError for negative variances and other shapes. Follows
`torch.nn.functional.gaussian_nll_loss`.

>>> nn.functional.gaussian_nll_loss(rt.tensor([1.]), rt.tensor([3.]), rt.tensor([1.]))
tensor(2.)
)"});

}  // namespace

}  // namespace rt
