#include "ops/unary.h"

#include "autograd/vjp.h"
#include "ops/elementwise.h"
#include "ops/ops.h"

namespace rt {

namespace {

ElementwiseSlot exp_slot{"exp", EwCompute::Float, EwResult::Same, 1};
ElementwiseSlot tanh_slot{"tanh", EwCompute::Float, EwResult::Same, 1};
ElementwiseSlot relu_slot{"relu", EwCompute::Promoted, EwResult::Same, 1};

void exp_vjp(VjpContext& c) {
  if (c.has_grad()) c.set(0, c.grad() * ops::conj(c.result()));
}
const Op exp_op("exp(Tensor input) -> Tensor", unary_forward<exp_slot>,
                {.vjp = exp_vjp, .saves = "result", .inplace = true, .out = true, .kernels = {&exp_slot},
                 .doc = R"(e to the power of each element.

Integers are computed in the default float dtype. Follows `torch.exp`.

>>> rt.exp(rt.tensor([0.]))
tensor([1.])
)"});

void tanh_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const Tensor y = ops::conj(c.result());
  c.set(0, c.grad() * (1 - y * y));
}
const Op tanh_op("tanh(Tensor input) -> Tensor", unary_forward<tanh_slot>,
                 {.vjp = tanh_vjp, .saves = "result", .inplace = true, .out = true,
                  .kernels = {&tanh_slot}, .doc = R"(The hyperbolic tangent of each element.

Follows `torch.tanh`.

>>> rt.tanh(rt.tensor([0.]))
tensor([0.])
)"});

void relu_vjp(VjpContext& c) {
  if (c.has_grad()) c.set(0, c.grad() * ops::gt(c.result(), 0));
}
const Op relu_op("relu(Tensor input) -> Tensor", unary_forward<relu_slot>,
                 {.vjp = relu_vjp, .saves = "result", .inplace = true, .kernels = {&relu_slot},
                  .doc = R"(The larger of each element and zero; NaN stays NaN.

Follows `torch.relu`.

>>> rt.relu(rt.tensor([-1., 2.]))
tensor([0., 2.])
)"});

}  // namespace

namespace ops {

Tensor exp(const Tensor& x) { return exp_op(x); }
Tensor tanh(const Tensor& x) { return tanh_op(x); }
Tensor relu(const Tensor& x) { return relu_op(x); }

}  // namespace ops
}  // namespace rt
