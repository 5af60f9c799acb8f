// Rounding, signs and tests of single elements.
#include "cpu/kernels/complex.h"
#include "cpu/kernels/lists.h"

namespace rt::cpu::RT_ISA {

void add_rounding(const LoopTable& table) {
#include "rt_ops_rounding.h"
  RT_FOR_COMPLEX(RT_LOOP1, "identity", x);
}

void add_tests(const LoopTable& table) {
#include "rt_ops_tests.h"
  RT_TEST_COMPLEX(RT_LOOP1, "isnan", c_isnan(x));
  RT_TEST_COMPLEX(RT_LOOP1, "isinf", (abs_(x.re) == inf_(x.re)) | (abs_(x.im) == inf_(x.im)));
  RT_TEST_COMPLEX(RT_LOOP1, "isfinite", is_finite_(x.re) & is_finite_(x.im));
  RT_TEST_COMPLEX(RT_LOOP1, "isreal", x.im == 0);
  RT_TEST_COMPLEX(RT_LOOP1, "logical_not", (x.re == 0) & (x.im == 0));
}

}  // namespace rt::cpu::RT_ISA
