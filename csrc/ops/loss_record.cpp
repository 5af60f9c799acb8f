#include "ops/loss_record.h"

#include "ops/promotion.h"

namespace rt {

size_t PointwiseLoss::inputs(const LossArguments& a, DType type, Tensor* list) const {
  const auto number = [&](double v) { return scalar_tensor(v, compute_type(type)); };
  size_t n = 0;
  list[n++] = a.x;
  list[n++] = a.y;
  if (reads == Reads::Parameter) list[n++] = number(a.parameter);
  if (reads == Reads::Weight || reads == Reads::BothWeights)
    list[n++] = a.weight.defined() ? a.weight : number(1);
  if (reads == Reads::BothWeights) list[n++] = a.pos_weight.defined() ? a.pos_weight : number(1);
  return n;
}

DType PointwiseLoss::type_of(const LossArguments& a) const {
  Tensor given[4] = {a.x, a.y};
  size_t n = 2;
  if (a.weight.defined()) given[n++] = a.weight;
  if (a.pos_weight.defined()) given[n++] = a.pos_weight;
  return result_type(TensorList(given, n));
}

bool PointwiseLoss::fused(const LossArguments& a) const {
  if (is_complex(a.x.dtype()) || is_complex(a.y.dtype())) return false;
  if (!modes().grad) return true;
  const auto wanted = [](const Tensor& t) { return t.defined() && requires_grad(t); };
  return (difference || !wanted(a.y)) && !wanted(a.weight) && !wanted(a.pos_weight);
}

Tensor reduced(const Tensor& losses, Reduction how) {
  if (how == Reduction::None) return losses;
  return how == Reduction::Sum ? ops::sum(losses) : ops::mean(losses);
}

Tensor pointwise_forward(const PointwiseLoss& loss, const LossArguments& a, Reduction how) {
  Tensor list[ElementwiseSlot::kMaxInputs];
  const DType type = loss.type_of(a);
  const size_t n = loss.inputs(a, type, list);
  if (how == Reduction::None)
    return elementwise(loss.forward, loss.op, Out(), TensorList(list, n), type);
  return elementwise_sum(loss.forward, loss.op, TensorList(list, n), type, how == Reduction::Mean);
}

Tensor pointwise_backward(const PointwiseLoss& loss, const Tensor& grad, const LossArguments& a,
                          double scale) {
  Tensor list[ElementwiseSlot::kMaxInputs];
  const DType type = loss.type_of(a);
  // One number unless losses are kept apart: in the compute type nothing of it is lost.
  list[0] = scale == 1 ? grad : ops::to(grad, compute_type(grad.dtype())) * Scalar(scale);
  const size_t n = loss.inputs(a, type, list + 1);
  return elementwise(loss.backward, loss.op, Out(), TensorList(list, n + 1), type);
}

void pointwise_vjp(const PointwiseLoss& loss, VjpContext& c) {
  if (!c.has_grad()) return;
  const LossArguments a{c.input(0), c.input(1), c.has_input(2) ? c.input(2) : Tensor(),
                        c.has_input(3) ? c.input(3) : Tensor(), c.arg<double>(4)};
  double scale = 1;
  if (static_cast<Reduction>(c.arg<int64_t>(5)) == Reduction::Mean) {
    Dims shape = broadcast_shapes(a.x.sizes(), a.y.sizes(), loss.op);
    if (a.weight.defined()) shape = broadcast_shapes(shape, a.weight.sizes(), loss.op);
    if (a.pos_weight.defined()) shape = broadcast_shapes(shape, a.pos_weight.sizes(), loss.op);
    scale = 1 / static_cast<double>(checked_numel(shape, loss.op));
  }
  const Tensor g = modes().grad ? c.grad() * Scalar(scale) * loss.derivative(a)
                                : loss.run_backward(c.grad(), a, scale);
  if (c.needs(0)) c.set(0, g);
  if (loss.difference && c.needs(1)) c.set(1, -g);
}

void warn_of_sizes(const char* op, const Tensor& input, const Tensor& target) {
  if (input.sizes() == target.sizes()) return;
  warn(op, cat_str("Using a target size (", target.sizes(),
                   ") that is different to the input size (", input.sizes(),
                   "). This will likely lead to incorrect results due to broadcasting. Please "
                   "ensure they have the "
                   "same size."));
}

}  // namespace rt
