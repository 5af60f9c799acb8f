// Formulas of one real argument.
#include "cpu/kernels/kernels.h"

namespace rt::cpu::RT_ISA {

void add_unary(const LoopTable& table) {
  RT_FOR_FLOATS(RT_LOOP1, "exp", exp_(x));
  RT_FOR_FLOATS(RT_LOOP1, "tanh", tanh_(x));
  RT_FOR_FLOATS(RT_LOOP1, "relu", x > 0 || x != x ? x : 0);
  RT_FOR_FLOATS(RT_LOOP1, "conj", x);
  RT_FOR_INTEGERS(RT_LOOP1, "conj", x);
  RT_LOOP1("conj", Bool, u8, u8, x);
  RT_LOOP1("conj", Complex64, c64, c64, (c64{x.re, -x.im}));
  RT_LOOP1("conj", Complex128, c128, c128, (c128{x.re, -x.im}));
  RT_FOR_INTEGERS(RT_LOOP1, "relu", x > 0 ? x : 0);
}

}  // namespace rt::cpu::RT_ISA
