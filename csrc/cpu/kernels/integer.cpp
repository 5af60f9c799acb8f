// Bits, shifts, divisors and truth values.
#include "cpu/kernels/lists.h"

namespace rt::cpu::RT_ISA {

#define RT_LOGICAL_COMPLEX(slot, op) \
  RT_TEST_COMPLEX(RT_LOOP2, slot, ((x.re != 0) | (x.im != 0)) op((y.re != 0) | (y.im != 0)))

void add_integer(const LoopTable& table) {
#include "rt_ops_integer.h"
  RT_LOGICAL_COMPLEX("logical_and", &);
  RT_LOGICAL_COMPLEX("logical_or", |);
  RT_LOGICAL_COMPLEX("logical_xor", ^);
}

}  // namespace rt::cpu::RT_ISA
