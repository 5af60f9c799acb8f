// The record of a function of one argument that goes to the floats, with one slot and one formula
// for its gradient.
#pragma once

#include "autograd/vjp.h"
#include "ops/elementwise.h"
#include "ops/ops.h"

// name; namespaces; aliases; what the gradient reads; the gradient, with `c` the VjpContext; docs.
#define RT_MATH_OP(name, where, other_names, saved, gradient, text)                \
  ElementwiseSlot name##_slot{#name, EwCompute::Float, EwResult::Same, 1};         \
  const Op name##_op(#name "(Tensor input) -> Tensor", unary_forward<name##_slot>, \
                     {.vjp = RT_GRADIENT(gradient),                                \
                      .saves = saved,                                              \
                      .in = where,                                                 \
                      .aliases = other_names,                                      \
                      .inplace = true,                                             \
                      .out = true,                                                 \
                      .kernels = {&name##_slot},                                   \
                      .doc = text});
