// Sums, products and quotients, for every type.
#include "cpu/kernels/complex.h"
#include "cpu/kernels/lists.h"

namespace rt::cpu::RT_ISA {

void add_arithmetic(const LoopTable& table) {
#include "rt_ops_arithmetic.h"
  RT_FOR_COMPLEX(RT_LOOP2, "add", c_add(x, y));
  RT_FOR_COMPLEX(RT_LOOP2, "sub", c_sub(x, y));
  RT_FOR_COMPLEX(RT_LOOP2, "mul", c_mul(x, y));
  RT_FOR_COMPLEX(RT_LOOP2, "div", c_div(x, y));
  RT_FOR_COMPLEX(RT_LOOP3, "add_scaled", c_add(x, c_mul(z, y)));
  RT_FOR_COMPLEX(RT_LOOP1, "neg", c_neg(x));
}

}  // namespace rt::cpu::RT_ISA
