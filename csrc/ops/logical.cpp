// Bits and truth values.
#include "ops/elementwise.h"
#include "ops/ops.h"

namespace rt {

namespace {

#define RT_BITWISE_OP(name, text)                                             \
  ElementwiseSlot name##_slot{#name, EwCompute::Promoted, EwResult::Same, 2}; \
  const Op name##_op(#name "(Operand input, Operand other) -> Tensor",        \
                     binary_forward<name##_slot>,                             \
                     {.inplace = true,                                        \
                      .out = true,                                            \
                      .integer_result = true,                                 \
                      .kernels = {&name##_slot},                              \
                      .doc = text});

RT_BITWISE_OP(bitwise_and, R"(Bitwise and of integers, logical and of bools.

Follows `torch.bitwise_and`.

>>> rt.bitwise_and(rt.tensor([6, 5]), 3)
tensor([2, 1])
)")
RT_BITWISE_OP(bitwise_or, R"(Bitwise or of integers, logical or of bools.

Follows `torch.bitwise_or`.

>>> rt.bitwise_or(rt.tensor([6, 5]), 3)
tensor([7, 7])
)")
RT_BITWISE_OP(bitwise_xor, R"(Bitwise exclusive or of integers, logical exclusive or of bools.

Follows `torch.bitwise_xor`.

>>> rt.bitwise_xor(rt.tensor([6, 5]), 3)
tensor([5, 6])
)")
RT_BITWISE_OP(bitwise_left_shift,
              R"(`input` shifted left by `other` bits; 0 if that is out of range.

Integers only. Follows `torch.bitwise_left_shift`.

>>> rt.bitwise_left_shift(rt.tensor([1, 3]), 2)
tensor([ 4, 12])
)")
RT_BITWISE_OP(bitwise_right_shift, R"(`input` shifted right by `other` bits, with its sign.

Integers only. Follows `torch.bitwise_right_shift`.

>>> rt.bitwise_right_shift(rt.tensor([8, -8]), 2)
tensor([ 2, -2])
)")

ElementwiseSlot bitwise_not_slot{"bitwise_not", EwCompute::Promoted, EwResult::Same, 1};
const Op bitwise_not_op("bitwise_not(Tensor input) -> Tensor", unary_forward<bitwise_not_slot>,
                        {.inplace = true,
                         .out = true,
                         .integer_result = true,
                         .kernels = {&bitwise_not_slot},
                         .doc = R"(Bitwise not of integers, logical not of bools.

Follows `torch.bitwise_not`.

>>> rt.bitwise_not(rt.tensor([0, -1]))
tensor([-1,  0])
)"});

#define RT_DIVISOR_OP(name, text)                                                                 \
  ElementwiseSlot name##_slot{#name, EwCompute::Promoted, EwResult::Same, 2};                     \
  const Op name##_op(#name "(Tensor input, Tensor other) -> Tensor", binary_forward<name##_slot>, \
                     {.inplace = true,                                                            \
                      .out = true,                                                                \
                      .integer_result = true,                                                     \
                      .kernels = {&name##_slot},                                                  \
                      .doc = text});

RT_DIVISOR_OP(gcd, R"(The greatest common divisor, not negative; gcd(0, 0) is 0.

Integers only. Follows `torch.gcd`.

>>> rt.gcd(rt.tensor([12, 0]), rt.tensor([18, 5]))
tensor([6, 5])
)")
RT_DIVISOR_OP(lcm, R"(The least common multiple, not negative; 0 if either is 0.

Integers only. Follows `torch.lcm`.

>>> rt.lcm(rt.tensor([4, 0]), rt.tensor([6, 5]))
tensor([12,  0])
)")

#define RT_LOGICAL_OP(name, text)                                                                 \
  ElementwiseSlot name##_slot{#name, EwCompute::Promoted, EwResult::Bool, 2};                     \
  const Op name##_op(#name "(Tensor input, Tensor other) -> Tensor", binary_forward<name##_slot>, \
                     {.inplace = true,                                                            \
                      .out = true,                                                                \
                      .integer_result = true,                                                     \
                      .kernels = {&name##_slot},                                                  \
                      .doc = text});

RT_LOGICAL_OP(logical_and, R"(Whether both elements are non-zero, as bool.

Follows `torch.logical_and`.

>>> rt.logical_and(rt.tensor([0, 2]), rt.tensor([1, 1]))
tensor([False,  True])
)")
RT_LOGICAL_OP(logical_or, R"(Whether either element is non-zero, as bool.

Follows `torch.logical_or`.

>>> rt.logical_or(rt.tensor([0, 2]), rt.tensor([0, 0]))
tensor([False,  True])
)")
RT_LOGICAL_OP(logical_xor, R"(Whether exactly one element is non-zero, as bool.

Follows `torch.logical_xor`.

>>> rt.logical_xor(rt.tensor([0, 2]), rt.tensor([1, 1]))
tensor([ True, False])
)")

ElementwiseSlot logical_not_slot{"logical_not", EwCompute::Promoted, EwResult::Bool, 1};
const Op logical_not_op("logical_not(Tensor input) -> Tensor", unary_forward<logical_not_slot>,
                        {.inplace = true,
                         .out = true,
                         .integer_result = true,
                         .kernels = {&logical_not_slot},
                         .doc = R"(Whether elements are zero, as bool.

Follows `torch.logical_not`.

>>> rt.logical_not(rt.tensor([0, 2]))
tensor([ True, False])
)"});

}  // namespace

namespace ops {

Tensor logical_and(const Tensor& a, const Tensor& b) { return logical_and_op(a, b); }
Tensor logical_or(const Tensor& a, const Tensor& b) { return logical_or_op(a, b); }
Tensor logical_xor(const Tensor& a, const Tensor& b) { return logical_xor_op(a, b); }
Tensor logical_not(const Tensor& x) { return logical_not_op(x); }
Tensor bitwise_and(const Tensor& a, const Tensor& b) { return bitwise_and_op(a, b); }
Tensor bitwise_or(const Tensor& a, const Tensor& b) { return bitwise_or_op(a, b); }
Tensor bitwise_xor(const Tensor& a, const Tensor& b) { return bitwise_xor_op(a, b); }
Tensor bitwise_not(const Tensor& x) { return bitwise_not_op(x); }

}  // namespace ops
}  // namespace rt
