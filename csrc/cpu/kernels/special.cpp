// Error, gamma and Bessel functions.
#include "cpu/kernels/lists.h"
#include "rt_formulas_statistics.h"

namespace rt::cpu::RT_ISA {

namespace {

// Hurwitz zeta of s > 1 and q > 0 by Euler and Maclaurin's summation from q + 10 on.
RT_NOINLINE f64 hurwitz_zeta(f64 s, f64 q) {
  f64 sum = 0, a = q;
  for (int k = 0; k < 10; ++k, a += 1.0) sum += pow_(a, -s);
  const f64 tail = pow_(a, -s);
  sum += tail * (a / (s - 1.0) + 0.5);
  // Bernoulli numbers B(2j) / (2j)!
  const f64 bernoulli[] = {8.333333333333333e-2,   -1.388888888888889e-3,  3.306878306878307e-5,
                           -8.267195767195767e-7,  2.08767569878681e-8,    -5.284190138687493e-10,
                           1.3382536530684679e-11, -3.3896802963225827e-13};
  f64 rising = s, power = tail / a;
  for (int j = 0; j < 8; ++j) {
    sum += bernoulli[j] * rising * power;
    rising *= (s + 2 * j + 1) * (s + 2 * j + 2);
    power /= a * a;
  }
  return sum;
}
// Left of zero the sum runs over the integers on both sides of q: two series, and the part of the
// second beyond it. `even`: whether (-1)^s is 1.
RT_NOINLINE f64 zeta_from(f64 s, f64 q, bool even) {
  if (q > 0) return q == inf_(q) ? 0.0 : hurwitz_zeta(s, q);
  const f64 down = floor_(q), f = q - down, m = -down;
  if (f == 0) return q == -inf_(q) ? nan_(q) : inf_(q);
  const f64 mirrored = hurwitz_zeta(s, 1.0 - f) - hurwitz_zeta(s, 1.0 - f + m);
  return hurwitz_zeta(s, f) + (even ? mirrored : -mirrored);
}
RT_INLINE bool is_even(f64 n) { return rint_(n * 0.5) * 2.0 == n; }
// The n-th derivative of digamma, n >= 1: (-1)^(n+1) n! zeta(n + 1, x).
RT_NOINLINE f64 polygamma(f64 x, f64 n) {
  if (x != x) return x;
  f64 factorial = 1;
  for (f64 k = 2; k <= n; k += 1.0) factorial *= k;
  return (is_even(n) ? -factorial : factorial) * zeta_from(n + 1.0, x, !is_even(n));
}
// Of negative q only integer powers are real.
RT_NOINLINE f64 zeta(f64 s, f64 q) {
  if (s != s || q != q) return nan_(s);
  if (s == 1) return inf_(s);
  if (s < 1) return nan_(s);
  if (q <= 0 && rint_(q) != q && rint_(s) != s) return nan_(s);
  if (s > 1e3 || s == inf_(s)) {  // the first term is all there is
    return q > 1 ? 0.0 : (q == 1 ? 1.0 : (q > 0 ? inf_(s) : zeta_from(1e3, q, is_even(s))));
  }
  return zeta_from(s, q, is_even(s));
}

// x^a exp(-x) / gamma(a + 1); for large a about its peak, where the logarithms would cancel.
RT_NOINLINE f64 gamma_term(f64 a, f64 x) {
  if (a < 100) return exp_(a * log_(x) - x - lgamma_(a + 1.0));
  const f64 mu = (x - a) / a, r = 1.0 / a;
  const f64 stirling = r * (8.333333333333333e-2 - r * r * 2.777777777777778e-3);
  return exp_(a * (log1p_(mu) - mu) - stirling) * 0.39894228040143267794 * sqrt_(r);
}
// The regularized incomplete gamma functions P (lower) and Q: the power series left of a + 1, the
// continued fraction (Lentz) right of it, each for the one that is not the difference from 1. Above
// 1e10, where both need too many terms, the cube root of x / a is normal (Wilson and Hilferty).
RT_NOINLINE f64 incomplete_gamma(f64 a, f64 x, bool lower) {
  if (a != a || x != x || a < 0 || x < 0) return nan_(x);
  const f64 all = lower ? 1.0 : 0.0, none = lower ? 0.0 : 1.0;
  if (a == 0) return x > 0 ? all : nan_(x);
  if (x == 0) return none;
  if (a == inf_(a)) return x == inf_(x) ? nan_(x) : none;
  if (x == inf_(x)) return all;
  if (a > 1e10) {
    const f64 r = 1.0 / (9.0 * a), z = (exp_(log_(x / a) / 3.0) - 1.0 + r) / sqrt_(r);
    return 0.5 * erfc_((lower ? -z : z) * 0.70710678118654752440);
  }
  const f64 term = gamma_term(a, x);
  if (x < a + 1) {
    f64 sum = 1, part = 1;
    for (f64 k = 1; k < 1e7 && part > sum * 1e-17; k += 1.0) {
      part *= x / (a + k);
      sum += part;
    }
    const f64 p = term * sum;
    return lower ? p : 1.0 - p;
  }
  f64 b = x + 1.0 - a, c = 1e300, d = 1.0 / b, h = d;
  for (f64 k = 1; k < 1e7; k += 1.0) {
    const f64 n = -k * (k - a);
    b += 2.0;
    d = 1.0 / (n * d + b);
    c = b + n / c;
    const f64 step = d * c;
    h *= step;
    if (abs_(step - 1.0) < 1e-16) break;
  }
  const f64 q = term * a * h;
  return lower ? 1.0 - q : q;
}

}  // namespace

void add_special(const LoopTable& table) {
#include "rt_ops_special.h"
#include "rt_ops_statistics.h"
  // Series that need float64: there are no shaders of them.
  RT_FOR_FLOATS(RT_LOOP2, "polygamma", polygamma(x, y));
  RT_FOR_FLOATS(RT_LOOP2, "zeta", zeta(x, y));
  RT_FOR_FLOATS(RT_LOOP2, "igamma", incomplete_gamma(x, y, true));
  RT_FOR_FLOATS(RT_LOOP2, "igammac", incomplete_gamma(x, y, false));
}

}  // namespace rt::cpu::RT_ISA
