// What recordings need of autograd as ops. Elsewhere both are done without one, which costs less.
#include "autograd/vjp.h"
#include "ops/record.h"

namespace rt {

namespace {

Tensor detach_forward(const Tensor& x) { return detach(x); }
const Op detach_op("detach(Tensor input) -> Tensor", detach_forward, {.in = ""});

// The values of one tensor with the history of another: what a write under no_grad() leaves.
Tensor with_values_forward(const Tensor& x, const Tensor& values) {
  RT_CHECK(x.sizes() == values.sizes() && x.dtype() == values.dtype(), Runtime, "_with_values",
           "values of another shape or dtype", cat_str(describe(x), " and ", describe(values)));
  return detach(values);
}
void with_values_vjp(VjpContext& c) {
  if (c.has_grad() && c.needs(0)) c.set(0, c.grad());
}
const Op with_values_op("_with_values(Tensor input, Tensor values) -> Tensor", with_values_forward,
                        {.vjp = with_values_vjp, .in = ""});

}  // namespace

}  // namespace rt
