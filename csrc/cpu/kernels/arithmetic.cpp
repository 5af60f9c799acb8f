// Sums, products and quotients, for every type.
#include "cpu/kernels/kernels.h"

namespace rt::cpu::RT_ISA {

namespace {

template <class F>
RT_INLINE Complex<F> c_add(Complex<F> x, Complex<F> y) {
  return {x.re + y.re, x.im + y.im};
}
template <class F>
RT_INLINE Complex<F> c_sub(Complex<F> x, Complex<F> y) {
  return {x.re - y.re, x.im - y.im};
}
template <class F>
RT_INLINE Complex<F> c_mul(Complex<F> x, Complex<F> y) {
  return {x.re * y.re - x.im * y.im, x.re * y.im + x.im * y.re};
}
// Smith's method (CACM 5, 1962): scales by the larger part, so that no square overflows.
template <class F>
RT_INLINE Complex<F> c_div(Complex<F> x, Complex<F> y) {
  const F ar = y.re < 0 ? -y.re : y.re, ai = y.im < 0 ? -y.im : y.im;
  const bool swap = ai > ar;
  const F big = swap ? y.im : y.re, small = swap ? y.re : y.im;
  const F r = big == 0 ? small : small / big;
  const F d = big + small * r;
  const F re = swap ? x.re * r + x.im : x.re + x.im * r;
  const F im = swap ? x.im * r - x.re : x.im - x.re * r;
  return {re / d, im / d};
}

}  // namespace

// Integers wrap: the sums are made in unsigned arithmetic, where that is defined.
#define RT_WRAP_INTEGERS(M, slot, op)                                                    \
  M(slot, UInt8, u8, u8, x op y);                                                        \
  M(slot, Int8, s8, s8, x op y);                                                         \
  M(slot, Int16, s16, s16, x op y);                                                      \
  M(slot, Int32, s32, s32, static_cast<uint32_t>(x) op static_cast<uint32_t>(y));        \
  M(slot, Int64, s64, s64, static_cast<uint64_t>(x) op static_cast<uint64_t>(y))

void add_arithmetic(const LoopTable& table) {
  RT_LOOP2("add", Bool, u8, u8, x | y);
  RT_WRAP_INTEGERS(RT_LOOP2, "add", +);
  RT_FOR_FLOATS(RT_LOOP2, "add", x + y);
  RT_FOR_COMPLEX(RT_LOOP2, "add", c_add(x, y));

  RT_WRAP_INTEGERS(RT_LOOP2, "sub", -);
  RT_FOR_FLOATS(RT_LOOP2, "sub", x - y);
  RT_FOR_COMPLEX(RT_LOOP2, "sub", c_sub(x, y));

  RT_LOOP2("mul", Bool, u8, u8, x & y);
  RT_WRAP_INTEGERS(RT_LOOP2, "mul", *);
  RT_FOR_FLOATS(RT_LOOP2, "mul", x * y);
  RT_FOR_COMPLEX(RT_LOOP2, "mul", c_mul(x, y));

  RT_FOR_FLOATS(RT_LOOP2, "div", x / y);
  RT_FOR_COMPLEX(RT_LOOP2, "div", c_div(x, y));

  // x + z * y: the alpha of add and sub.
  RT_LOOP3("add_scaled", Bool, u8, u8, x | (y & z));
  RT_LOOP3("add_scaled", UInt8, u8, u8, x + z * y);
  RT_LOOP3("add_scaled", Int8, s8, s8, x + z * y);
  RT_LOOP3("add_scaled", Int16, s16, s16, static_cast<uint32_t>(x) + static_cast<uint32_t>(z) * static_cast<uint32_t>(y));
  RT_LOOP3("add_scaled", Int32, s32, s32, static_cast<uint32_t>(x) + static_cast<uint32_t>(z) * static_cast<uint32_t>(y));
  RT_LOOP3("add_scaled", Int64, s64, s64, static_cast<uint64_t>(x) + static_cast<uint64_t>(z) * static_cast<uint64_t>(y));
  RT_FOR_FLOATS(RT_LOOP3, "add_scaled", x + z * y);
  RT_FOR_COMPLEX(RT_LOOP3, "add_scaled", c_add(x, c_mul(z, y)));

  RT_LOOP1("neg", UInt8, u8, u8, -x);
  RT_LOOP1("neg", Int8, s8, s8, -x);
  RT_LOOP1("neg", Int16, s16, s16, -x);
  RT_LOOP1("neg", Int32, s32, s32, 0u - static_cast<uint32_t>(x));
  RT_LOOP1("neg", Int64, s64, s64, uint64_t{0} - static_cast<uint64_t>(x));
  RT_FOR_FLOATS(RT_LOOP1, "neg", -x);
  RT_LOOP1("neg", Complex64, c64, c64, (c64{-x.re, -x.im}));
  RT_LOOP1("neg", Complex128, c128, c128, (c128{-x.re, -x.im}));
}

}  // namespace rt::cpu::RT_ISA
