#include "ops/ctc.h"

#include "autograd/vjp.h"
#include "ops/elementwise.h"
#include "ops/ops.h"
#include "ops/reduction_mode.h"

namespace rt {

KernelSlot<void(const CtcInputs&, const Tensor&, const Tensor&)> ctc_kernel{"ctc_loss"};
KernelSlot<void(const CtcInputs&, const Tensor&, const Tensor&, const Tensor&, const Tensor&)>
    ctc_backward_kernel{"ctc_loss_backward"};

namespace {

constexpr const char* kName = "ctc_loss";

std::tuple<Tensor, Tensor> losses_forward(const Tensor& log_probs, const Tensor& targets,
                                          IntList input_lengths, IntList target_lengths,
                                          int64_t blank) {
  NoGradGuard guard;
  const int64_t steps = log_probs.sizes()[0], batch = log_probs.sizes()[1];
  const Tensor losses = empty({batch}, log_probs.dtype(), log_probs.device(), kName);
  const Tensor log_alpha = empty({batch, steps, 2 * targets.sizes()[1] + 1}, log_probs.dtype(),
                                 log_probs.device(), kName);
  ctc_kernel(
      losses,
      {ops::contiguous(log_probs), ops::contiguous(targets), input_lengths, target_lengths, blank},
      losses, log_alpha);
  return {losses, log_alpha};
}
Tensor backward_forward(const Tensor& grad, const Tensor& log_probs, const Tensor& targets,
                        const Tensor& losses, const Tensor& log_alpha, IntList input_lengths,
                        IntList target_lengths, int64_t blank) {
  const Tensor result = ops::zeros(log_probs.sizes(), log_probs.dtype(), log_probs.device());
  ctc_backward_kernel(
      result,
      {ops::contiguous(log_probs), ops::contiguous(targets), input_lengths, target_lengths, blank},
      losses, log_alpha, ops::contiguous(grad), result);
  return result;
}
const Op backward_op(
    "_ctc_loss_backward(Tensor grad, Tensor log_probs, Tensor targets, Tensor losses, Tensor "
    "log_alpha, "
    "int[] input_lengths, int[] target_lengths, int blank) -> Tensor",
    backward_forward, {.in = "", .kernels = {&ctc_backward_kernel}});
void losses_vjp(VjpContext& c) {
  if (!c.has_grad(0) || !c.needs(0)) return;
  RT_CHECK(!modes().grad, Runtime, kName,
           "the derivative for '_ctc_loss_backward' is not implemented", "create_graph=True");
  c.set(0, backward_op(c.grad(0), c.input(0), c.input(1), c.result(0), c.result(1),
                       c.arg<IntList>(2), c.arg<IntList>(3), c.arg<int64_t>(4)));
}
const Op losses_op(
    "_ctc_loss(Tensor log_probs, Tensor targets, int[] input_lengths, int[] target_lengths, int "
    "blank) -> "
    "(Tensor losses, Tensor log_alpha)",
    losses_forward,
    {.vjp = losses_vjp,
     .saves = "log_probs targets losses log_alpha",
     .in = "",
     .kernels = {&ctc_kernel}});

int64_t largest(IntList lengths) {
  int64_t m = 0;
  for (int64_t n : lengths) m = std::max(m, n);
  return m;
}
void check_lengths(const char* what, IntList lengths, int64_t batch) {
  RT_CHECK(lengths.ssize() == batch, Runtime, kName, cat_str(what, " must be of size batch_size"),
           cat_str(lengths, " for a batch of ", batch));
  for (int64_t n : lengths) {
    RT_CHECK(n >= 0, Runtime, kName,
             cat_str("Expected ", what, " to have value at least 0, but got value ", n));
  }
}

// (batch, longest), whichever of the two forms they came in; in range, also where they do not
// count.
Tensor padded_targets(const Tensor& targets, IntList lengths, int64_t classes) {
  const int64_t longest = largest(lengths), batch = lengths.ssize();
  const Tensor given = ops::contiguous(ops::to(ops::to(targets, DType::Int64), Device{}));
  int64_t total = 0;
  for (int64_t n : lengths) total += n;
  if (given.dim() == 2) {
    RT_CHECK(given.sizes()[0] == batch && given.sizes()[1] >= longest, Runtime, kName,
             cat_str("Expected tensor to have size at least ", longest,
                     " at dimension 1, but got size ", given.sizes()[1], " for argument targets"));
  } else {
    RT_CHECK(given.dim() == 1 && given.numel() == total, Runtime, kName,
             cat_str("Expected tensor to have size ", total, " at dimension 0, but got size ",
                     given.dim() > 0 ? given.sizes()[0] : 0, " for argument targets"));
  }
  const Tensor out = ops::zeros({batch, longest}, DType::Int64);
  int64_t start = 0;
  for (int64_t i = 0; i < batch; ++i) {
    const int64_t n = lengths[static_cast<size_t>(i)];
    const int64_t* from =
        given.host_data<const int64_t>() + (given.dim() == 2 ? i * given.sizes()[1] : start);
    for (int64_t k = 0; k < n; ++k) {
      RT_CHECK(from[k] >= 0 && from[k] < classes, Runtime, kName, "targets must be in label range",
               cat_str(from[k], " for ", classes, " classes"));
      out.host_data<int64_t>()[i * longest + k] = from[k];
    }
    start += n;
  }
  return ops::to(out, targets.device());
}

Tensor ctc_forward(const Tensor& given, const Tensor& targets, IntList input_lengths,
                   IntList target_lengths, int64_t blank, std::string_view reduction,
                   bool zero_infinity) {
  const Reduction how = reduction_of(kName, {}, {}, reduction);
  RT_CHECK(given.dim() == 2 || given.dim() == 3, Runtime, kName, "log_probs must be 2D or 3D",
           describe(given));
  if (given.dtype() != DType::Float32 && given.dtype() != DType::Float64)
    not_implemented_for(kName, given);
  RT_CHECK(is_integral(targets.dtype()), Runtime, kName, "targets must be integers",
           describe(targets));
  const bool batched = given.dim() == 3;
  const Tensor log_probs = batched ? given : ops::unsqueeze(given, 1);
  const int64_t steps = log_probs.sizes()[0], batch = log_probs.sizes()[1],
                classes = log_probs.sizes()[2];
  RT_CHECK(blank >= 0 && blank < classes, Runtime, kName, "blank must be in label range",
           cat_str("blank=", blank, " for ", classes, " classes"));
  check_lengths("input_lengths", input_lengths, batch);
  check_lengths("target_lengths", target_lengths, batch);
  RT_CHECK(largest(input_lengths) <= steps, Runtime, kName,
           cat_str("Expected input_lengths to have value at most ", steps, ", but got value ",
                   largest(input_lengths)));
  const Tensor labels =
      padded_targets(!batched && targets.dim() == 0 ? ops::reshape(targets, {1}) : targets,
                     target_lengths, classes);
  Tensor loss = std::get<0>(losses_op(log_probs, labels, input_lengths, target_lengths, blank));
  if (zero_infinity) loss = ops::masked_fill(loss, ops::isinf(loss), Scalar(0));
  if (how == Reduction::None) return batched ? loss : ops::reshape(loss, {});
  if (how == Reduction::Sum) return ops::sum(loss);
  const Tensor weights = empty({batch}, DType::Float64);
  for (int64_t i = 0; i < batch; ++i) {
    weights.host_data<double>()[i] =
        static_cast<double>(std::max<int64_t>(target_lengths[static_cast<size_t>(i)], 1));
  }
  return ops::mean(loss / ops::to(ops::to(weights, loss.dtype()), loss.device()));
}

Dims lengths_of(const char* what, const Tensor& t) {
  RT_CHECK(is_integral(t.dtype()), Runtime, kName, cat_str(what, " must be integral"), describe(t));
  const Tensor host = ops::contiguous(ops::to(ops::to(t, DType::Int64), Device{}));
  return Dims(IntList(host.host_data<int64_t>(), static_cast<size_t>(host.numel())));
}
Tensor ctc_tensors_forward(const Tensor& log_probs, const Tensor& targets,
                           const Tensor& input_lengths, const Tensor& target_lengths, int64_t blank,
                           std::string_view reduction, bool zero_infinity) {
  return ctc_forward(log_probs, targets, lengths_of("input_lengths", input_lengths),
                     lengths_of("target_lengths", target_lengths), blank, reduction, zero_infinity);
}

const Op ctc_op(
    "ctc_loss(Tensor log_probs, Tensor targets, int[] input_lengths, int[] target_lengths, int "
    "blank=0, "
    "str reduction='mean', bool zero_infinity=False) -> Tensor",
    ctc_forward,
    {.in = "nn.functional",
     .doc =
         R"(The negative log likelihood of a label sequence, summed over all alignments (Graves et al., 2006).

`log_probs` is (T, N, C) or (T, C) of log probabilities, float32 or float64; `targets` is (N, S) or all
targets in one row; lengths are ints or an int tensor. 'mean' divides each loss by its target's length
first. `zero_infinity` makes impossible alignments count zero. There are no second derivatives. Follows
`torch.nn.functional.ctc_loss`, but that the gradient is that of `log_probs` as given: the two agree
behind log_softmax.

>>> p = rt.log_softmax(rt.zeros(2, 1, 2), 2)
>>> nn.functional.ctc_loss(p, rt.tensor([[1]]), [2], [1], reduction="none")
tensor([0.2877])
)"});
const Op ctc_tensors_op(
    "ctc_loss.lengths(Tensor log_probs, Tensor targets, Tensor input_lengths, Tensor "
    "target_lengths, int blank=0, "
    "str reduction='mean', bool zero_infinity=False) -> Tensor",
    ctc_tensors_forward, {.in = "nn.functional"});

}  // namespace

}  // namespace rt
