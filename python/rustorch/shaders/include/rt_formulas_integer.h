// Integer formulas: wrapping arithmetic, division, shifts, powers and divisors. Also the answers
// that do not depend on the value.
#ifndef RT_FORMULAS_INTEGER_H
#define RT_FORMULAS_INTEGER_H
#include "rt_formulas_base.h"

namespace RT_FORMULAS_NAMESPACE {

template <class T>
RT_INLINE bool never_(T) {
  return false;
}
template <class T>
RT_INLINE bool always_(T) {
  return true;
}

// Arithmetic modulo 2^bits, made in an unsigned type at least as wide as int: signed overflow is
// undefined, and uint16 * uint16 would be done in int.
template <int Bytes>
struct Wrap {
  typedef u32 type;
};
template <>
struct Wrap<8> {
  typedef u64 type;
};
template <class I>
RT_INLINE I wrap_add_(I a, I b) {
  typedef typename Wrap<sizeof(I)>::type U;
  return I(U(a) + U(b));
}
template <class I>
RT_INLINE I wrap_sub_(I a, I b) {
  typedef typename Wrap<sizeof(I)>::type U;
  return I(U(a) - U(b));
}
template <class I>
RT_INLINE I wrap_mul_(I a, I b) {
  typedef typename Wrap<sizeof(I)>::type U;
  return I(U(a) * U(b));
}
template <class I>
RT_INLINE I wrap_neg_(I a) {
  typedef typename Wrap<sizeof(I)>::type U;
  return I(U(0) - U(a));
}

template <class I>
RT_INLINE I greater_(I a, I b) {
  return a > b ? a : b;
}
template <class I>
RT_INLINE I lesser_(I a, I b) {
  return a < b ? a : b;
}
template <class I>
RT_INLINE I int_sign_(I x) {
  return I((x > 0 ? 1 : 0) - (x < 0 ? 1 : 0));
}
// |x|; the most negative number wraps to itself
template <class I>
RT_INLINE I int_abs_(I x) {
  return x < 0 ? I(0u - (u64)x) : x;
}

// The divisor must not be zero (the caller reports that); the most negative number over
// -1 wraps.
template <class I>
RT_INLINE I int_floor_divide_(I a, I b) {
  const bool negate = b < I(0) && b == I(-1);
  const I d = negate ? I(1) : b;
  const I q = I(a / d), r = I(a % d);
  const I down = I(q - ((r != I(0) && ((r < I(0)) != (d < I(0)))) ? I(1) : I(0)));
  return negate ? I(0u - (u64)a) : down;
}
template <class I>
RT_INLINE I int_trunc_divide_(I a, I b) {
  const bool negate = b < I(0) && b == I(-1);
  const I q = I(a / (negate ? I(1) : b));
  return negate ? I(0u - (u64)a) : q;
}
template <class I>
RT_INLINE I int_remainder_(I a, I b) {
  const bool negate = b < I(0) && b == I(-1);
  const I d = negate ? I(1) : b;
  const I r = I(a % d);
  return (r != I(0) && ((r < I(0)) != (d < I(0)))) ? I(r + d) : r;
}
template <class I>
RT_INLINE I int_fmod_(I a, I b) {
  const bool negate = b < I(0) && b == I(-1);
  return I(a % (negate ? I(1) : b));
}
// Shifts by any count: too large or negative a count gives 0 (right shift of a negative number:
// -1), as in torch.
template <class I>
RT_INLINE I shift_left_(I a, I n) {
  const int width = (int)sizeof(I) * 8;
  const bool ok = n >= I(0) && (u64)n < (u64)width;
  return ok ? I((u64)a << (ok ? (int)n : 0)) : I(0);
}
template <class I>
RT_INLINE I shift_right_(I a, I n) {
  const bool is_signed = I(0) > I(-1);
  const int last = (int)sizeof(I) * 8 - (is_signed ? 1 : 0);
  const bool ok = n >= I(0) && (u64)n < (u64)last;
  const I all = is_signed ? I(a >> ((int)sizeof(I) * 8 - 1)) : I(0);
  return ok ? I(a >> (ok ? (int)n : 0)) : all;
}
// a^n by squaring, wrapping. Negative n: 1 for a = 1, +-1 for a = -1, else 0.
template <class I>
RT_INLINE I int_pow_(I a, I n) {
  const bool negative = n < I(0);
  u64 result = 1, base = (u64)a, e = negative ? 0 : (u64)n;
  while (e != 0) {
    result = (e & 1) ? result * base : result;
    base *= base;
    e >>= 1;
  }
  const I unit =
      a == I(1) ? I(1) : ((I(0) > I(-1) && a == I(-1)) ? ((n & I(1)) ? I(-1) : I(1)) : I(0));
  return negative ? unit : I(result);
}
template <class I>
RT_INLINE I gcd_(I a, I b) {
  u64 x = a < I(0) ? 0u - (u64)a : (u64)a, y = b < I(0) ? 0u - (u64)b : (u64)b;
  while (y != 0) {
    const u64 t = x % y;
    x = y;
    y = t;
  }
  return I(x);
}

// Without the sign, and wrapping, as the product of the quotient and the other number.
template <class I>
RT_INLINE I lcm_(I a, I b) {
  const I g = gcd_(a, b);
  if (g == 0) return I(0);
  const I r = I((u64)(a / g) * (u64)b);
  return r < 0 ? I(0u - (u64)r) : r;
}

}  // namespace RT_FORMULAS_NAMESPACE

#endif  // RT_FORMULAS_INTEGER_H
