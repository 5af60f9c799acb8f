// Rounded quotients and remainders.
#include "autograd/vjp.h"
#include "ops/elementwise.h"
#include "ops/ops.h"

namespace rt {

namespace {

ElementwiseSlot floor_divide_slot{"floor_divide", EwCompute::Promoted, EwResult::Same, 2};
ElementwiseSlot trunc_divide_slot{"trunc_divide", EwCompute::Promoted, EwResult::Same, 2};
ElementwiseSlot remainder_slot{"remainder", EwCompute::Promoted, EwResult::Same, 2};
ElementwiseSlot fmod_slot{"fmod", EwCompute::Promoted, EwResult::Same, 2};

// Whether a number is zero once it is of an integral dtype, which keeps the low bits: 256 is 0 in
// int8.
bool is_zero_in(DType type, const Tensor& number) {
  const auto kept = static_cast<uint64_t>(item(number).to_int());
  return (kept << (64 - 8 * item_size(type))) == 0;
}

// Integers have no quotient by zero; the kernels rely on this.
Tensor divide(const ElementwiseSlot& slot, const char* op, Out out, const Tensor& a,
              const Tensor& b) {
  const DType type = result_type(a, b);
  if (is_integral(type) && a.numel() > 0 && b.numel() > 0) {
    const bool zero =
        b.numel() == 1 ? is_zero_in(type, b) : item(ops::any(ops::eq(b, 0))).to_bool();
    RT_CHECK(!zero, Runtime, op, "ZeroDivisionError", cat_str(describe(a), " and ", describe(b)),
             "a floating-point dtype");
  }
  return elementwise(slot, op, out, a, b);
}
template <ElementwiseSlot& S>
Tensor divide_forward(Out out, const Tensor& a, const Tensor& b) {
  return divide(S, S.name(), out, a, b);
}

Tensor div_mode_forward(Out out, const Tensor& a, const Tensor& b,
                        std::optional<std::string_view> mode) {
  if (mode && *mode == "floor") return divide(floor_divide_slot, "div", out, a, b);
  if (mode && *mode == "trunc") return divide(trunc_divide_slot, "div", out, a, b);
  RT_CHECK(!mode, Runtime, "div",
           cat_str("div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '",
                   mode.value_or(""), "'"));
  return elementwise(*ElementwiseSlot::find("div"), "div", out, a, b);
}
void div_mode_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  if (!c.value(2).is_none()) {  // steps
    for (int i : {0, 1}) {
      if (c.needs(i)) c.set(i, ops::zeros_like(c.grad()));
    }
    return;
  }
  const Tensor other = ops::conj(c.input(1));
  if (c.needs(0)) c.set(0, c.grad() / other);
  if (c.needs(1)) c.set(1, -c.grad() * ops::conj(c.input(0)) / (other * other));
}
const Op div_mode_op("div.mode(Operand input, Operand other, *, str? rounding_mode) -> Tensor",
                     div_mode_forward,
                     {.vjp = div_mode_vjp,
                      .saves = "input other",
                      .aliases = "divide",
                      .inplace = true,
                      .out = true,
                      .broadcasts = true,
                      .kernels = {&floor_divide_slot, &trunc_divide_slot}});

// As PyTorch has it: the result is part of the graph, but has no derivative.
void floor_divide_vjp(VjpContext&) {
  RT_FAIL(Runtime, "floor_divide", "derivative for floor_divide is not implemented", "",
          "div(..., rounding_mode='floor')");
}
const Op floor_divide_op("floor_divide(Operand input, Operand other) -> Tensor",
                         divide_forward<floor_divide_slot>,
                         {.vjp = floor_divide_vjp,
                          .inplace = true,
                          .out = true,
                          .broadcasts = true,
                          .kernels = {&floor_divide_slot},
                          .doc = R"(The quotient rounded down, as `//` in Python.

Integers divided by zero raise RuntimeError. Follows `torch.floor_divide`.

>>> rt.floor_divide(rt.tensor([7, -7]), 2)
tensor([ 3, -4])
)"});

void remainder_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  if (c.needs(0)) c.set(0, c.grad());
  if (c.needs(1)) c.set(1, -c.grad() * div_mode_op(c.input(0), c.input(1), "floor"));
}
const Op remainder_op("remainder(Operand input, Operand other) -> Tensor",
                      divide_forward<remainder_slot>,
                      {.vjp = remainder_vjp,
                       .saves = "input other",
                       .inplace = true,
                       .out = true,
                       .broadcasts = true,
                       .kernels = {&remainder_slot},
                       .doc = R"(The remainder with the divisor's sign, as `%` in Python.

Integers divided by zero raise RuntimeError. Follows `torch.remainder`.

>>> rt.remainder(rt.tensor([7, -7]), 3)
tensor([1, 2])
)"});

void fmod_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  if (c.needs(0)) c.set(0, c.grad());
  if (c.needs(1)) c.set(1, -c.grad() * ops::trunc_divide(c.input(0), c.input(1)));
}
const Op fmod_op("fmod(Tensor input, Operand other) -> Tensor", divide_forward<fmod_slot>,
                 {.vjp = fmod_vjp,
                  .saves = "input other",
                  .inplace = true,
                  .out = true,
                  .broadcasts = true,
                  .kernels = {&fmod_slot},
                  .doc = R"(The remainder with the dividend's sign, as C's fmod.

Integers divided by zero raise RuntimeError. Follows `torch.fmod`.

>>> rt.fmod(rt.tensor([7, -7]), 3)
tensor([ 1, -1])
)"});

Tensor rsub_forward(const Tensor& a, const Tensor& b, Scalar alpha) {
  return ops::sub(b, a, alpha);
}
const Op rsub_op("rsub(Tensor input, Operand other, *, Scalar alpha=1) -> Tensor", rsub_forward,
                 {.in = "rt", .doc = R"(`other - alpha * input`.

Errors for bool tensors. Follows `torch.rsub`.

>>> rt.rsub(rt.tensor([1, 2]), 10)
tensor([9, 8])
)"});

}  // namespace

namespace ops {

Tensor floor_divide(const Tensor& a, const Tensor& b) { return floor_divide_op(a, b); }
Tensor trunc_divide(const Tensor& a, const Tensor& b) { return div_mode_op(a, b, "trunc"); }
Tensor remainder(const Tensor& a, const Tensor& b) { return remainder_op(a, b); }
Tensor fmod(const Tensor& a, const Tensor& b) { return fmod_op(a, b); }

}  // namespace ops
}  // namespace rt
