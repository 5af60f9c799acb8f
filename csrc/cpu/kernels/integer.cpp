// Bits, shifts, divisors and truth values.
#include "cpu/kernels/kernels.h"

namespace rt::cpu::RT_ISA {

namespace {

// Without the sign, and wrapping, as the product of the quotient and the other number.
template <class I>
RT_INLINE I lcm(I a, I b) {
  const I g = gcd_(a, b);
  if (g == 0) return I(0);
  const u64 product = static_cast<u64>(a / g) * static_cast<u64>(b);
  const I r = static_cast<I>(product);
  return r < 0 ? I(0u - static_cast<u64>(r)) : r;
}

}  // namespace

#define RT_BITWISE(slot, op)            \
  RT_LOOP2(slot, Bool, u8, u8, x op y); \
  RT_FOR_INTEGERS(RT_LOOP2, slot, x op y)
#define RT_LOGICAL(slot, op)                             \
  RT_LOOP2(slot, Bool, u8, u8, x op y);                  \
  RT_TEST_INTEGERS(RT_LOOP2, slot, (x != 0) op(y != 0)); \
  RT_TEST_FLOATS(RT_LOOP2, slot, (x != 0) op(y != 0));   \
  RT_TEST_COMPLEX(RT_LOOP2, slot, ((x.re != 0) | (x.im != 0)) op((y.re != 0) | (y.im != 0)))

void add_integer(const LoopTable& table) {
  RT_BITWISE("bitwise_and", &);
  RT_BITWISE("bitwise_or", |);
  RT_BITWISE("bitwise_xor", ^);
  RT_LOOP1("bitwise_not", Bool, u8, u8, x ^ 1);
  RT_FOR_INTEGERS(RT_LOOP1, "bitwise_not", ~x);
  RT_FOR_INTEGERS(RT_LOOP2, "bitwise_left_shift", shift_left_(x, y));
  RT_FOR_INTEGERS(RT_LOOP2, "bitwise_right_shift", shift_right_(x, y));
  RT_FOR_INTEGERS(RT_LOOP2, "gcd", gcd_(x, y));
  RT_FOR_INTEGERS(RT_LOOP2, "lcm", lcm(x, y));
  RT_LOGICAL("logical_and", &);
  RT_LOGICAL("logical_or", |);
  RT_LOGICAL("logical_xor", ^);
}

}  // namespace rt::cpu::RT_ISA
