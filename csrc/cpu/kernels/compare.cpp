// Comparisons: bool results from any type.
#include "cpu/kernels/lists.h"

namespace rt::cpu::RT_ISA {

void add_compare(const LoopTable& table) {
#include "rt_ops_compare.h"
  RT_TEST_COMPLEX(RT_LOOP2, "eq", (x.re == y.re) & (x.im == y.im));
  RT_TEST_COMPLEX(RT_LOOP2, "ne", (x.re != y.re) | (x.im != y.im));
}

}  // namespace rt::cpu::RT_ISA
