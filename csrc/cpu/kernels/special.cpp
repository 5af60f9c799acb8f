// Error, gamma and Bessel functions.
#include "cpu/kernels/lists.h"
#include "rt_formulas_gamma.h"
#include "rt_formulas_statistics.h"

namespace rt::cpu::RT_ISA {

void add_special(const LoopTable& table) {
#include "rt_ops_special.h"
#include "rt_ops_statistics.h"
  // Series that lose digits: in float64 for float32 too (shaders/elementwise_gamma.metal has not
  // the choice).
  RT_FOR_FLOATS(RT_LOOP2, "polygamma", polygamma_(f64(x), f64(y)));
  RT_FOR_FLOATS(RT_LOOP2, "zeta", zeta_(f64(x), f64(y)));
  RT_FOR_FLOATS(RT_LOOP2, "igamma", incomplete_gamma_(f64(x), f64(y), true));
  RT_FOR_FLOATS(RT_LOOP2, "igammac", incomplete_gamma_(f64(x), f64(y), false));
}

}  // namespace rt::cpu::RT_ISA
