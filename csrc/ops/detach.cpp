// detach() as an op, for recordings: elsewhere it is a plain alias, which costs less.
#include "autograd/node.h"
#include "ops/record.h"

namespace rt {

namespace {

Tensor detach_forward(const Tensor& x) { return detach(x); }
const Op detach_op("detach(Tensor input) -> Tensor", detach_forward, {.in = ""});

}  // namespace

}  // namespace rt
