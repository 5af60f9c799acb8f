// Losses that are a formula of each element of input and target: one fused op and its backward op a
// loss, with the sum or mean taken on the way.
#pragma once

#include "autograd/vjp.h"
#include "ops/elementwise_sum.h"
#include "ops/ops.h"
#include "ops/reduction_mode.h"

namespace rt {

using MaybeBool = std::optional<bool>;

// The tensors and the number that a loss may read; weights may be undefined.
struct LossArguments {
  Tensor x, y, weight, pos_weight;
  double parameter = 0;

  Tensor weighted(const Tensor& loss) const { return weight.defined() ? loss * weight : loss; }
};

struct PointwiseLoss {
  enum class Reads : uint8_t { Pair, Parameter, Weight, BothWeights };

  const char* op;
  const ElementwiseSlot& forward;
  const ElementwiseSlot& backward;
  Reads reads;
  // A function of x - y: the target's gradient is minus the input's.
  bool difference;
  // The loss and its derivative by the input, in ops: for gradients that the kernels do not have.
  Tensor (*value)(const LossArguments& a);
  Tensor (*derivative)(const LossArguments& a);
  Tensor (*run_backward)(const Tensor& grad, const LossArguments& a, double scale);

  // What the slots read; at most four tensors.
  size_t inputs(const LossArguments& a, DType type, Tensor* list) const;
  DType type_of(const LossArguments& a) const;
  // Whether the kernels give every gradient that is wanted.
  bool fused(const LossArguments& a) const;
};

Tensor reduced(const Tensor& losses, Reduction how);

Tensor pointwise_forward(const PointwiseLoss& loss, const LossArguments& a, Reduction how);
Tensor pointwise_backward(const PointwiseLoss& loss, const Tensor& grad, const LossArguments& a,
                          double scale);
void pointwise_vjp(const PointwiseLoss& loss, VjpContext& c);

// A target of another shape broadcasts, which is rarely meant.
void warn_of_sizes(const char* op, const Tensor& input, const Tensor& target);

// Defines the loss of slots NAME and NAME_backward: the internal ops _NAME and _NAME_backward, and
// name##_of(arguments, reduction), which runs them, or the composition where they do not do.
#define RT_POINTWISE_LOSS(name, speaks_as, count, reads, difference)                               \
  ElementwiseSlot name##_slot{#name, EwCompute::Promoted, EwResult::Same, count};                  \
  ElementwiseSlot name##_backward_slot{#name "_backward", EwCompute::Promoted, EwResult::Same,     \
                                       count + 1};                                                 \
  Tensor name##_backward(const Tensor& grad, const LossArguments& a, double scale);                \
  const PointwiseLoss name##_rule{                                                                 \
      speaks_as,  name##_slot,   name##_backward_slot, PointwiseLoss::Reads::reads,                \
      difference, &name##_value, &name##_derivative,   &name##_backward};                          \
  Tensor name##_forward(const Tensor& x, const Tensor& y, const Tensor& weight,                    \
                        const Tensor& pos_weight, double parameter, int64_t how) {                 \
    return pointwise_forward(name##_rule, {x, y, weight, pos_weight, parameter},                   \
                             static_cast<Reduction>(how));                                         \
  }                                                                                                \
  Tensor name##_backward_forward(const Tensor& g, const Tensor& x, const Tensor& y,                \
                                 const Tensor& weight, const Tensor& pos_weight, double parameter, \
                                 double scale) {                                                   \
    return pointwise_backward(name##_rule, g, {x, y, weight, pos_weight, parameter}, scale);       \
  }                                                                                                \
  const Op name##_backward_op(                                                                     \
      "_" #name                                                                                    \
      "_backward(Tensor grad, Tensor input, Tensor target, Tensor? weight, "                       \
      "Tensor? pos_weight, float parameter, float scale) -> Tensor",                               \
      name##_backward_forward, {.in = "", .kernels = {&name##_backward_slot}});                    \
  Tensor name##_backward(const Tensor& g, const LossArguments& a, double scale) {                  \
    return name##_backward_op(g, a.x, a.y, a.weight, a.pos_weight, a.parameter, scale);            \
  }                                                                                                \
  const Op name##_kernel_op(                                                                       \
      "_" #name                                                                                    \
      "(Tensor input, Tensor target, Tensor? weight, Tensor? pos_weight, float parameter, "        \
      "int reduction) -> Tensor",                                                                  \
      name##_forward,                                                                              \
      {.vjp = [](VjpContext& c) { pointwise_vjp(name##_rule, c); },                                \
       .saves = "input target weight pos_weight",                                                  \
       .in = "",                                                                                   \
       .broadcasts = true,                                                                         \
       .kernels = {&name##_slot, &elementwise_sum_kernel}});                                       \
  Tensor name##_of(const LossArguments& a, Reduction how) {                                        \
    if (!name##_rule.fused(a)) return reduced(name##_value(a), how);                               \
    return name##_kernel_op(a.x, a.y, a.weight, a.pos_weight, a.parameter,                         \
                            static_cast<int64_t>(how));                                            \
  }

}  // namespace rt
