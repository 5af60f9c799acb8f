// Rounding, signs and tests of single elements.
#include "cpu/kernels/complex.h"
#include "cpu/kernels/kernels.h"

namespace rt::cpu::RT_ISA {

namespace {

// Python's round(x, decimals): s is a power of ten.
template <class T>
RT_INLINE T round_to(T x, T s, T down) {
  return down != T(0) ? rint_(x / s) * s : rint_(x * s) / s;
}
template <class T>
RT_INLINE T nan_to_num(T x, T nan, T top, T bottom) {
  const T finite = x == inf_(x) ? top : (x == -inf_(x) ? bottom : x);
  return x != x ? nan : finite;
}
template <class I>
RT_INLINE I int_sign(I x) {
  return I((x > 0 ? 1 : 0) - (x < 0 ? 1 : 0));
}
// |x|; the most negative number wraps to itself
template <class I>
RT_INLINE I int_abs(I x) {
  return x < 0 ? I(0u - static_cast<u64>(x)) : x;
}
template <class T>
RT_INLINE bool is_finite(T x) {
  return abs_(x) < inf_(x);
}

}  // namespace

// Integers are whole already.
#define RT_ROUNDING(slot, formula)        \
  RT_FOR_FLOATS(RT_LOOP1, slot, formula); \
  RT_FOR_INTEGERS(RT_LOOP1, slot, x)
#define RT_TEST_ALL(slot, of_bool, of_integer, of_float) \
  RT_LOOP1(slot, Bool, u8, u8, of_bool);                 \
  RT_TEST_INTEGERS(RT_LOOP1, slot, of_integer);          \
  RT_TEST_FLOATS(RT_LOOP1, slot, of_float)
// A formula that uses an argument less than the loop has must still name it.
#define RT_NONE(x) (static_cast<void>(x), 0)
#define RT_EVERY(x) (static_cast<void>(x), 1)

void add_rounding(const LoopTable& table) {
  RT_ROUNDING("floor", floor_(x));
  RT_ROUNDING("ceil", ceil_(x));
  RT_ROUNDING("trunc", trunc_(x));
  RT_ROUNDING("round", rint_(x));
  RT_FOR_FLOATS(RT_LOOP3, "round_decimals", round_to(x, y, z));
  RT_FOR_FLOATS(RT_LOOP1, "frac", frac_(x));

  RT_LOOP1("sign", Bool, u8, u8, x);
  RT_FOR_INTEGERS(RT_LOOP1, "sign", int_sign(x));
  RT_FOR_FLOATS(RT_LOOP1, "sign", sign_(x));
  RT_LOOP1("sgn", Bool, u8, u8, x);
  RT_FOR_INTEGERS(RT_LOOP1, "sgn", int_sign(x));
  RT_FOR_FLOATS(RT_LOOP1, "sgn", sign_(x));
  RT_FOR_INTEGERS(RT_LOOP1, "abs", int_abs(x));
  RT_FOR_FLOATS(RT_LOOP1, "abs", abs_(x));
  RT_FOR_FLOATS(RT_LOOP1, "angle", x < 0 ? half_pi_(x) * 2 : (x != x ? x : 0));
  RT_WRAP_INTEGERS(RT_LOOP1, "square", x, *, x);
  RT_FOR_FLOATS(RT_LOOP1, "square", x * x);

  RT_FOR_INTEGERS(RT_LOOP1, "conj", x);
  RT_LOOP1("conj", Bool, u8, u8, x);
  RT_FOR_FLOATS(RT_LOOP1, "conj", x);
}

void add_tests(const LoopTable& table) {
  RT_TEST_ALL("isnan", RT_NONE(x), RT_NONE(x), x != x);
  RT_TEST_ALL("isinf", RT_NONE(x), RT_NONE(x), abs_(x) == inf_(x));
  RT_TEST_ALL("isfinite", RT_EVERY(x), RT_EVERY(x), is_finite(x));
  RT_TEST_ALL("isposinf", RT_NONE(x), RT_NONE(x), x == inf_(x));
  RT_TEST_ALL("isneginf", RT_NONE(x), RT_NONE(x), x == -inf_(x));
  RT_TEST_ALL("isreal", RT_EVERY(x), RT_EVERY(x), RT_EVERY(x));
  RT_TEST_ALL("signbit", RT_NONE(x), x < 0, sign_bit_(x) != 0);
  RT_TEST_ALL("logical_not", !x, x == 0, x == 0);
  RT_TEST_COMPLEX(RT_LOOP1, "isnan", c_isnan(x));
  RT_TEST_COMPLEX(RT_LOOP1, "isinf", (abs_(x.re) == inf_(x.re)) | (abs_(x.im) == inf_(x.im)));
  RT_TEST_COMPLEX(RT_LOOP1, "isfinite", is_finite(x.re) & is_finite(x.im));
  RT_TEST_COMPLEX(RT_LOOP1, "isreal", x.im == 0);
  RT_TEST_COMPLEX(RT_LOOP1, "logical_not", (x.re == 0) & (x.im == 0));
  RT_FOR_FLOATS(RT_LOOP4, "nan_to_num", nan_to_num(x, y, z, w));
}

}  // namespace rt::cpu::RT_ISA
