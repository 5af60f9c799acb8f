// What the activations share: slots that take numbers, backward ops, forms with an `inplace` flag.
#pragma once

#include "autograd/vjp.h"
#include "ops/elementwise.h"
#include "ops/ops.h"

namespace rt {

// A number in the type that the formula for x is computed in.
inline Tensor parameter(const Tensor& x, double v) {
  return scalar_tensor(Scalar(v), compute_type(x.dtype()));
}

// The op _NAME_backward(grad, x): grad times the derivative at x, made by one slot. `second` is the
// second derivative as a function of x; null where it is 0.
#define RT_BACKWARD_OP(name, second)                                                               \
  ElementwiseSlot name##_backward_slot{#name "_backward", EwCompute::Promoted, EwResult::Same, 2}; \
  Tensor name##_backward(const Tensor& g, const Tensor& x);                                        \
  void name##_backward_vjp(VjpContext& c) {                                                        \
    if (!c.has_grad()) return;                                                                     \
    const Tensor x = c.input(1);                                                                   \
    if (c.needs(0)) c.set(0, name##_backward(c.grad(), x));                                        \
    if (c.needs(1)) c.set(1, c.grad() * c.input(0) * second(x));                                   \
  }                                                                                                \
  const Op name##_backward_op("_" #name "_backward(Tensor grad, Tensor input) -> Tensor",          \
                              binary_forward<name##_backward_slot>,                                \
                              {.vjp = name##_backward_vjp,                                         \
                               .saves = "grad input",                                              \
                               .in = "",                                                           \
                               .broadcasts = true,                                                 \
                               .kernels = {&name##_backward_slot}});                               \
  Tensor name##_backward(const Tensor& g, const Tensor& x) { return name##_backward_op(g, x); }

// An activation without parameters: the internal op _NAME with its gradient, and the public
// nn.functional.NAME(input, inplace=False).
#define RT_ACTIVATION_OP(name, text)                                                          \
  ElementwiseSlot name##_slot{#name, EwCompute::Promoted, EwResult::Same, 1};                 \
  const Op name##_kernel_op("_" #name "(Tensor input) -> Tensor", unary_forward<name##_slot>, \
                            {.vjp = RT_GRADIENT(name##_backward(c.grad(), c.input(0))),       \
                             .saves = "input",                                                \
                             .in = "",                                                        \
                             .inplace = true,                                                 \
                             .kernels = {&name##_slot}});                                     \
  Tensor name##_either(const Tensor& x, bool inplace) {                                       \
    return inplace ? name##_kernel_op.inplace(x) : name##_kernel_op(x);                       \
  }                                                                                           \
  const Op name##_op(#name "(Tensor input, bool inplace=False) -> Tensor", name##_either,     \
                     {.in = "nn.functional", .doc = text});

}  // namespace rt
