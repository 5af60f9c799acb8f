// Error and gamma functions.
#include "cpu/kernels/lists.h"

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
// The n-th derivative of digamma, n >= 1: (-1)^(n+1) n! zeta(n + 1, x). Left of zero the sum runs
// over the integers on both sides of x: two series and the part of the second beyond it.
RT_NOINLINE f64 polygamma(f64 x, f64 n) {
  if (x != x) return x;
  const f64 s = n + 1.0;
  const bool odd = rint_(n * 0.5) * 2.0 != n;
  f64 factorial = 1;
  for (f64 k = 2; k <= n; k += 1.0) factorial *= k;
  f64 zeta;
  if (x > 0) {
    zeta = x == inf_(x) ? 0.0 : hurwitz_zeta(s, x);
  } else {
    const f64 down = floor_(x), f = x - down, m = -down;
    if (f == 0) {
      zeta = x == -inf_(x) ? nan_(x) : inf_(x);
    } else {
      const f64 mirrored = hurwitz_zeta(s, 1.0 - f) - hurwitz_zeta(s, 1.0 - f + m);
      zeta = hurwitz_zeta(s, f) + (odd ? mirrored : -mirrored);
    }
  }
  return (odd ? factorial : -factorial) * zeta;
}

}  // namespace

void add_special(const LoopTable& table) {
#include "rt_ops_special.h"
  // The series needs float64: there is no shader of it.
  RT_FOR_FLOATS(RT_LOOP2, "polygamma", polygamma(x, y));
}

}  // namespace rt::cpu::RT_ISA
