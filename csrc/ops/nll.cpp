// Negative log likelihood and cross entropy over classes in dim 1 (dim 0 of a single sample).
#include "ops/nll.h"

#include "autograd/vjp.h"
#include "ops/index_support.h"
#include "ops/kernel_dtype.h"
#include "ops/ops.h"
#include "ops/reduction_mode.h"
#include "ops/softmax_kernels.h"

namespace rt {

CrossEntropyBackward cross_entropy_backward_kernel{"cross_entropy_backward"};

namespace {

// Target classes with the ignored ones replaced by 0, and each sample's weight, 0 where ignored.
struct Samples {
  Tensor classes, weights;
};

void check_sizes(const char* op, const Tensor& x, const Tensor& target, const Tensor& weight) {
  RT_CHECK(x.dim() > 0, Value, op, cat_str("Expected 1 or more dimensions (got ", x.dim(), ")"),
           describe(x));
  if (x.dim() > 1) {
    RT_CHECK(target.dim() > 0 && x.sizes()[0] == target.sizes()[0], Value, op,
             cat_str("Expected input batch_size (", x.sizes()[0], ") to match target batch_size (",
                     target.dim() > 0 ? target.sizes()[0] : 0, ")."),
             cat_str(describe(x), " and ", describe(target)));
    Dims expected(x.sizes());
    expected.erase(1);
    RT_CHECK(target.sizes() == IntList(expected), Runtime, op,
             cat_str("Expected target size ", expected, ", got ", target.sizes()), describe(x));
  } else {
    RT_CHECK(
        target.numel() == 1 && target.dim() <= 1, Value, op,
        cat_str("Expected input batch_size (1) to match target batch_size (", target.numel(), ")."),
        cat_str(describe(x), " and ", describe(target)));
  }
  RT_CHECK(target.dtype() == DType::Int64 || target.dtype() == DType::UInt8, Runtime, op,
           cat_str("expected target dtype to be Long or Byte, but got ",
                   torch_type_name(target.dtype())),
           describe(target), "target.to(rustorch.int64)");
  RT_CHECK(!weight.defined() || weight.dtype() == x.dtype(), Runtime, op,
           cat_str("expected scalar type ", torch_type_name(x.dtype()), " but found ",
                   torch_type_name(weight.dtype())),
           cat_str(describe(x), " and a weight ", describe(weight)), "weight.to(input.dtype)");
  const int64_t classes = x.sizes()[x.dim() > 1 ? 1 : 0];
  RT_CHECK(
      !weight.defined() || (weight.dim() == 1 && weight.numel() == classes), Runtime, op,
      cat_str("weight tensor should be defined either for all ", classes, " classes or no classes"),
      weight.defined() ? describe(weight) : "");
}

Samples samples_of(const char* op, const Tensor& target, const Tensor& weight, int64_t ignore_index,
                   int64_t classes, DType type) {
  NoGradGuard guard;
  const Tensor y = ops::to(target, DType::Int64);
  const Tensor ignored = ops::eq(y, Scalar(ignore_index));
  Samples s{check_index(ops::masked_fill(y, ignored, Scalar(0)),
                        {op, 1, classes, Negative::Reject, ErrorKind::Index, true}),
            {}};
  if (weight.defined()) {
    Dims spread(y.sizes());
    spread.insert(1, classes);
    Dims shape(static_cast<size_t>(spread.size()), 1);
    shape[1] = classes;
    const Tensor all = ops::expand(ops::reshape(ops::to(weight, type), shape), spread);
    s.weights = ops::masked_fill(ops::take_positions(all, 1, s.classes, false), ignored, Scalar(0));
  } else {
    s.weights = ops::to(ops::ne(y, Scalar(ignore_index)), type);
  }
  return s;
}

// (N, C, L) for any number of dims.
Tensor three_dims(const Tensor& x) {
  int64_t inner = 1;
  for (int64_t d = 2; d < x.dim(); ++d) inner *= x.sizes()[d];
  return ops::reshape(x, {x.sizes()[0], x.sizes()[1], inner});
}

// ---- Fused: -log_softmax(x)[class] * weight for each sample, without the log_softmax ----

std::tuple<Tensor, Tensor> losses_forward(const Tensor& x, const Tensor& classes,
                                          const Tensor& weights) {
  const DType compute = compute_type(x.dtype());
  const Tensor lse = ops::logsumexp(ops::to(x, compute), {1});
  const Tensor chosen = ops::to(ops::take_positions(x, 1, classes, false), compute);
  // Ignored samples are exactly 0, whatever their logits.
  const Tensor loss = ops::masked_fill((lse - chosen) * ops::to(weights, compute),
                                       ops::eq(weights, Scalar(0)), Scalar(0));
  return {ops::to(loss, x.dtype()), lse};
}
void losses_vjp(VjpContext& c) {
  if (!c.has_grad(0)) return;
  const Tensor x = c.input(0), classes = c.input(1);
  const Tensor scale = c.grad(0) * c.input(2);
  if (modes().grad) {
    const Tensor p = ops::softmax(x, 1);
    return c.set(
        0, p * ops::unsqueeze(scale, 1) - ops::put_positions(scale, x.sizes(), 1, classes, false));
  }
  const DType compute = compute_type(x.dtype()), type = kernel_dtype(x.dtype(), x.device());
  const Tensor logits = ops::contiguous(ops::to(x, type));
  const Tensor g = empty(logits.sizes(), type, x.device());
  if (g.numel() > 0) {
    cross_entropy_backward_kernel(g, logits, ops::contiguous(classes), c.result(1),
                                  ops::contiguous(ops::to(scale, compute)), g);
  }
  c.set(0, ops::to(g, x.dtype()));
}
const Op losses_op(
    "_cross_entropy_losses(Tensor input, Tensor classes, Tensor weights) -> (Tensor losses, Tensor "
    "lse)",
    losses_forward,
    {.vjp = losses_vjp,
     .saves = "input classes weights lse",
     .in = "",
     .kernels = {&cross_entropy_backward_kernel}});

// The loss of all samples from those of each, for 'mean' divided by the sum of the weights.
Tensor reduced(const Tensor& losses, const Tensor& weights, Reduction reduction) {
  if (reduction == Reduction::None) return losses;
  const Tensor total = ops::sum(losses);
  return reduction == Reduction::Sum ? total : total / ops::to(ops::sum(weights), losses.dtype());
}

using MaybeBool = std::optional<bool>;

Tensor nll_loss(const Tensor& x, const Tensor& target, const Tensor& weight, MaybeBool size_average,
                int64_t ignore_index, MaybeBool reduce, std::string_view reduction) {
  const Reduction how = reduction_of("nll_loss", size_average, reduce, reduction);
  check_sizes("nll_loss", x, target, weight);
  const bool single = x.dim() == 1;
  const Tensor in = single ? ops::unsqueeze(x, 0) : x;
  const Tensor y = single ? ops::reshape(target, {1}) : target;
  const Samples s =
      samples_of("nll_loss", y, weight, ignore_index, in.sizes()[1], compute_type(x.dtype()));
  const Tensor chosen = ops::take_positions(in, 1, s.classes, false);
  const Tensor losses = ops::masked_fill(-(chosen * ops::to(s.weights, x.dtype())),
                                         ops::eq(s.weights, Scalar(0)), Scalar(0));
  const Tensor r = reduced(losses, s.weights, how);
  return single && how == Reduction::None ? ops::reshape(r, target.sizes()) : r;
}

// Targets that are probabilities of the classes.
Tensor soft_cross_entropy(const Tensor& x, const Tensor& target, const Tensor& weight,
                          Reduction how, double smoothing) {
  const int64_t dim = x.dim() == 1 ? 0 : 1, classes = x.sizes()[dim];
  Tensor y = target;
  if (smoothing > 0)
    y = y * Scalar(1 - smoothing) + Scalar(smoothing / static_cast<double>(classes));
  Tensor terms = ops::log_softmax(x, dim) * y;
  if (weight.defined()) {
    Dims shape(static_cast<size_t>(x.dim()), 1);
    shape[dim] = classes;
    terms = terms * ops::reshape(weight, shape);
  }
  if (how == Reduction::None) return -ops::sum(terms, {dim});
  const Tensor total = -ops::sum(terms);
  return how == Reduction::Sum
             ? total
             : total / Scalar(static_cast<double>(x.numel() / std::max<int64_t>(classes, 1)));
}

// smoothing / C of the losses of all classes, the rest of the target's.
Tensor smoothed(const Tensor& x, const Tensor& target, const Tensor& weight, const Samples& s,
                int64_t ignore_index, Reduction how, double smoothing) {
  const Tensor logp = ops::log_softmax(x, 1);
  const Tensor ignored = ops::eq(target, Scalar(ignore_index));
  const Tensor chosen =
      ops::take_positions(logp, 1, s.classes, false) * ops::to(s.weights, x.dtype());
  Tensor weighted = logp;
  if (weight.defined()) {
    Dims shape(static_cast<size_t>(x.dim()), 1);
    shape[1] = x.sizes()[1];
    weighted = logp * ops::reshape(weight, shape);
  }
  const Tensor all = ops::sum(weighted, {1});
  const double share = smoothing / static_cast<double>(x.sizes()[1]);
  const Tensor losses = -(chosen * Scalar(1 - smoothing) + all * Scalar(share));
  return reduced(ops::masked_fill(losses, ignored, Scalar(0)), s.weights, how);
}

Tensor cross_entropy(const Tensor& x, const Tensor& target, const Tensor& weight,
                     MaybeBool size_average, int64_t ignore_index, MaybeBool reduce,
                     std::string_view reduction, double label_smoothing) {
  const Reduction how = reduction_of("cross_entropy", size_average, reduce, reduction);
  RT_CHECK(label_smoothing >= 0 && label_smoothing <= 1, Runtime, "cross_entropy",
           "label_smoothing must be between 0.0 and 1.0",
           cat_str("label_smoothing = ", label_smoothing));
  RT_CHECK(is_floating(x.dtype()), NotImplemented, "cross_entropy",
           cat_str("\"log_softmax_lastdim_kernel_impl\" not implemented for '",
                   torch_type_name(x.dtype()), "'"),
           describe(x));
  // A target of the input's shape is one of probabilities, as in PyTorch.
  if (x.sizes() == target.sizes()) {
    RT_CHECK(is_floating(target.dtype()), Runtime, "cross_entropy",
             cat_str("Expected floating point type for target with class probabilities, got ",
                     torch_type_name(target.dtype())),
             cat_str(describe(x), " and ", describe(target)),
             "a target without the dim of the classes");
    RT_CHECK(ignore_index < 0, Runtime, "cross_entropy",
             "ignore_index is not supported for floating point target",
             cat_str("ignore_index = ", ignore_index));
    return soft_cross_entropy(x, target, weight, how, label_smoothing);
  }
  check_sizes("cross_entropy", x, target, weight);
  const bool single = x.dim() == 1;
  const Tensor in = single ? ops::unsqueeze(x, 0) : x;
  const Tensor y = single ? ops::reshape(target, {1}) : target;
  const Samples s =
      samples_of("cross_entropy", y, weight, ignore_index, in.sizes()[1], compute_type(x.dtype()));
  Tensor r;
  if (label_smoothing > 0) {
    r = smoothed(in, y, weight, s, ignore_index, how, label_smoothing);
  } else {
    const Tensor logits = three_dims(in);
    const Dims shape{logits.sizes()[0], logits.sizes()[2]};
    const Tensor losses = std::get<0>(
        losses_op(logits, ops::reshape(s.classes, shape), ops::reshape(s.weights, shape)));
    r = reduced(ops::reshape(losses, y.sizes()), s.weights, how);
  }
  return single && how == Reduction::None ? ops::reshape(r, target.sizes()) : r;
}

const Op nll_loss_op(
    "nll_loss(Tensor input, Tensor target, Tensor? weight=None, bool? size_average=None, int "
    "ignore_index=-100, bool? "
    "reduce=None, str reduction='mean') -> Tensor",
    nll_loss,
    {.in = "nn.functional",
     .doc = R"(The negative of each sample's value at its target class, from log probabilities.

`input`: (N, C), (C) or (N, C, d1, ...); `target`: classes as int64, without the dim C. Samples of class
`ignore_index` count nothing; 'mean' divides by the sum of the samples' weights. IndexError for a
class out of range. Follows `torch.nn.functional.nll_loss`.

>>> nn.functional.nll_loss(rt.tensor([[-1., -2.], [-3., -4.]]), rt.tensor([0, 1]))
tensor(2.5000)
)"});
const Op cross_entropy_op(
    "cross_entropy(Tensor input, Tensor target, Tensor? weight=None, bool? size_average=None, int "
    "ignore_index=-100, "
    "bool? reduce=None, str reduction='mean', float label_smoothing=0.0) -> Tensor",
    cross_entropy,
    {.in = "nn.functional",
     .doc = R"(The cross entropy between logits and target classes or class probabilities.

`input`: (N, C), (C) or (N, C, d1, ...); `target`: classes as int64, without the dim C, or probabilities
of the input's shape. Neither the softmax nor its logarithm is stored. Follows
`torch.nn.functional.cross_entropy`.

>>> nn.functional.cross_entropy(rt.tensor([[0., 0.]]), rt.tensor([1]))
tensor(0.6931)
)"});

}  // namespace

namespace ops {

Tensor cross_entropy(const Tensor& x, const Tensor& target) {
  return cross_entropy_op(x, target, {}, {}, -100, {}, "mean", 0.0);
}

}  // namespace ops
}  // namespace rt
