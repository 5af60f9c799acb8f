// Formulas of three and four arguments: selection, interpolation, scaled products.
#include "cpu/kernels/complex.h"
#include "cpu/kernels/lists.h"

namespace rt::cpu::RT_ISA {

namespace {

template <class F>
RT_INLINE Complex<F> c_lerp(Complex<F> a, Complex<F> b, Complex<F> w) {
  const Complex<F> d = c_sub(b, a), rest = {F(1) - w.re, -w.im};
  return c_abs(w) < F(0.5) ? c_add(a, c_mul(w, d)) : c_sub(b, c_mul(d, rest));
}

}  // namespace

void add_fused(const LoopTable& table) {
#include "rt_ops_fused.h"
  RT_FOR_COMPLEX(RT_LOOP3, "lerp", c_lerp(x, y, z));
  RT_FOR_COMPLEX(RT_LOOP4, "addcmul", c_add(x, c_mul(c_mul(w, y), z)));
  RT_FOR_COMPLEX(RT_LOOP4, "addcdiv", c_add(x, c_div(c_mul(w, y), z)));
}

}  // namespace rt::cpu::RT_ISA
