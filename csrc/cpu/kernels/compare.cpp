// Comparisons: bool results from any type.
#include "cpu/kernels/kernels.h"

namespace rt::cpu::RT_ISA {

#define RT_COMPARE(slot, op)                \
  RT_LOOP2(slot, Bool, u8, u8, x op y);     \
  RT_TEST_INTEGERS(RT_LOOP2, slot, x op y); \
  RT_TEST_FLOATS(RT_LOOP2, slot, x op y)

void add_compare(const LoopTable& table) {
  RT_COMPARE("eq", ==);
  RT_COMPARE("ne", !=);
  RT_COMPARE("lt", <);
  RT_COMPARE("le", <=);
  RT_COMPARE("gt", >);
  RT_COMPARE("ge", >=);
  RT_TEST_COMPLEX(RT_LOOP2, "eq", (x.re == y.re) & (x.im == y.im));
  RT_TEST_COMPLEX(RT_LOOP2, "ne", (x.re != y.re) | (x.im != y.im));
}

}  // namespace rt::cpu::RT_ISA
