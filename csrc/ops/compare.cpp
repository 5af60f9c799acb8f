#include "ops/compare.h"

#include "ops/elementwise.h"
#include "ops/ops.h"

namespace rt {

namespace {

ElementwiseSlot eq_slot{"eq", EwCompute::Promoted, EwResult::Bool, 2};
ElementwiseSlot ne_slot{"ne", EwCompute::Promoted, EwResult::Bool, 2};
ElementwiseSlot lt_slot{"lt", EwCompute::Promoted, EwResult::Bool, 2};
ElementwiseSlot le_slot{"le", EwCompute::Promoted, EwResult::Bool, 2};
ElementwiseSlot gt_slot{"gt", EwCompute::Promoted, EwResult::Bool, 2};
ElementwiseSlot ge_slot{"ge", EwCompute::Promoted, EwResult::Bool, 2};

const Op eq_op("eq(Tensor input, Operand other) -> Tensor", binary_forward<eq_slot>,
               {.inplace = true,
                .out = true,
                .integer_result = true,
                .kernels = {&eq_slot},
                .doc = R"(Whether elements are equal, as bool; NaN equals nothing.

Follows `torch.eq`.

>>> rt.eq(rt.tensor([1, 2]), 2)
tensor([False,  True])
)"});
const Op ne_op("ne(Tensor input, Operand other) -> Tensor", binary_forward<ne_slot>,
               {.aliases = "not_equal",
                .inplace = true,
                .out = true,
                .integer_result = true,
                .kernels = {&ne_slot},
                .doc = R"(Whether elements differ, as bool.

Follows `torch.ne`.

>>> rt.ne(rt.tensor([1, 2]), 2)
tensor([ True, False])
)"});
const Op lt_op("lt(Tensor input, Operand other) -> Tensor", binary_forward<lt_slot>,
               {.aliases = "less",
                .inplace = true,
                .out = true,
                .integer_result = true,
                .kernels = {&lt_slot},
                .doc = R"(Whether `input < other`, elementwise, as bool.

Follows `torch.lt`; complex numbers have no order and are an error.

>>> rt.lt(rt.tensor([1, 2]), 2)
tensor([ True, False])
)"});
const Op le_op("le(Tensor input, Operand other) -> Tensor", binary_forward<le_slot>,
               {.aliases = "less_equal",
                .inplace = true,
                .out = true,
                .integer_result = true,
                .kernels = {&le_slot},
                .doc = R"(Whether `input <= other`, elementwise, as bool.

Follows `torch.le`.

>>> rt.le(rt.tensor([1, 3]), 2)
tensor([ True, False])
)"});
const Op gt_op("gt(Tensor input, Operand other) -> Tensor", binary_forward<gt_slot>,
               {.aliases = "greater",
                .inplace = true,
                .out = true,
                .integer_result = true,
                .kernels = {&gt_slot},
                .doc = R"(Whether `input > other`, elementwise, as bool.

Follows `torch.gt`.

>>> rt.gt(rt.tensor([1, 3]), 2)
tensor([False,  True])
)"});
const Op ge_op("ge(Tensor input, Operand other) -> Tensor", binary_forward<ge_slot>,
               {.aliases = "greater_equal",
                .inplace = true,
                .out = true,
                .integer_result = true,
                .kernels = {&ge_slot},
                .doc = R"(Whether `input >= other`, elementwise, as bool.

Follows `torch.ge`.

>>> rt.ge(rt.tensor([1, 2]), 2)
tensor([False,  True])
)"});

}  // namespace

namespace ops {

Tensor eq(const Tensor& a, const Tensor& b) { return eq_op(a, b); }
Tensor ne(const Tensor& a, const Tensor& b) { return ne_op(a, b); }
Tensor lt(const Tensor& a, const Tensor& b) { return lt_op(a, b); }
Tensor le(const Tensor& a, const Tensor& b) { return le_op(a, b); }
Tensor gt(const Tensor& a, const Tensor& b) { return gt_op(a, b); }
Tensor ge(const Tensor& a, const Tensor& b) { return ge_op(a, b); }

}  // namespace ops
}  // namespace rt
