// Formulas of complex arguments, from the real ones. Branches are allowed: these loops are not
// vectorised. Branch cuts and special values follow C99, Annex G.
#pragma once

#include "cpu/kernels/loops.h"

namespace rt::cpu::RT_ISA {

template <class F>
RT_INLINE Complex<F> c_add(Complex<F> x, Complex<F> y) {
  return {x.re + y.re, x.im + y.im};
}
template <class F>
RT_INLINE Complex<F> c_sub(Complex<F> x, Complex<F> y) {
  return {x.re - y.re, x.im - y.im};
}
template <class F>
RT_INLINE Complex<F> c_neg(Complex<F> x) {
  return {-x.re, -x.im};
}
template <class F>
RT_INLINE Complex<F> c_mul(Complex<F> x, Complex<F> y) {
  return {x.re * y.re - x.im * y.im, x.re * y.im + x.im * y.re};
}
template <class F>
RT_INLINE Complex<F> c_scale(Complex<F> x, F s) {
  return {x.re * s, x.im * s};
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
template <class F>
RT_INLINE bool c_isnan(Complex<F> x) {
  return (x.re != x.re) | (x.im != x.im);
}
template <class F>
RT_INLINE F c_abs(Complex<F> x) {
  return hypot_(x.re, x.im);
}
template <class F>
RT_INLINE Complex<F> c_reciprocal(Complex<F> x) {
  return c_div(Complex<F>{F(1), F(0)}, x);
}
// i x and -i x
template <class F>
RT_INLINE Complex<F> c_times_i(Complex<F> x) {
  return {-x.im, x.re};
}
template <class F>
RT_INLINE Complex<F> c_over_i(Complex<F> x) {
  return {x.im, -x.re};
}
template <class F>
RT_INLINE Complex<F> c_sgn(Complex<F> x) {
  const F r = c_abs(x);
  return r == 0 ? Complex<F>{F(0), F(0)} : Complex<F>{x.re / r, x.im / r};
}

// ---- exponential and logarithm ----

template <class F>
RT_NOINLINE Complex<F> c_exp(Complex<F> x) {
  if (x.im == 0) return {exp_(x.re), x.im};
  if (abs_(x.re) == inf_(x.re) && !(abs_(x.im) < inf_(x.im))) {
    // No direction, but a magnitude (C99, G.6.3.1).
    return x.re < 0 ? Complex<F>{F(0), F(0)} : Complex<F>{x.re, nan_(x.re)};
  }
  const F c = cos_(x.im), s = sin_(x.im);
  // beyond the largest exp, half the exponent at a time: the product may still be finite
  if (x.re > exp_high_(x.re) - F(2) && x.re < F(2) * exp_high_(x.re)) {
    const F h = exp_(x.re * F(0.5));
    return {h * c * h, h * s * h};
  }
  const F e = exp_(x.re);
  return {e * c, e * s};
}
template <class F>
RT_NOINLINE Complex<F> c_expm1(Complex<F> x) {
  if (x.im == 0) return {expm1_(x.re), x.im};
  const F half = sin_(F(0.5) * x.im);
  const F e = exp_(x.re);
  return {expm1_(x.re) * cos_(x.im) - F(2) * half * half, e * sin_(x.im)};
}
// log |x|: near 1 from |x|^2 - 1, which keeps the digits that rounding |x| would lose
template <class F>
RT_INLINE F c_log_abs(Complex<F> x) {
  const F r = c_abs(x);
  if (r > F(0.7) && r < F(1.5)) {
    const F a = abs_(x.re), b = abs_(x.im), big = a > b ? a : b, small = a > b ? b : a;
    return F(0.5) * log1p_((big - F(1)) * (big + F(1)) + small * small);
  }
  if (r > F(1e30)) {  // |x| itself may be too large
    return log_(c_abs(Complex<F>{F(0.5) * x.re, F(0.5) * x.im})) + F(0.69314718055994531);
  }
  return log_(r);
}
template <class F>
RT_NOINLINE Complex<F> c_log(Complex<F> x) {
  return {c_log_abs(x), atan2_(x.im, x.re)};
}
template <class F>
RT_NOINLINE Complex<F> c_log1p(Complex<F> x) {
  const F a = F(1) + x.re;
  const F near = abs_(x.re) < F(0.5) && abs_(x.im) < F(0.5)
                     ? F(0.5) * log1p_(x.re * (F(2) + x.re) + x.im * x.im)
                     : c_log_abs(Complex<F>{a, x.im});
  return {near, atan2_(x.im, a)};
}
template <class F>
RT_NOINLINE Complex<F> c_sqrt(Complex<F> x) {
  if (x.re == 0 && x.im == 0) return {F(0), x.im};
  if (abs_(x.im) == inf_(x.im)) return {inf_(x.im), x.im};
  if (x.re == inf_(x.re)) return {x.re, x.im == x.im ? copysign_(F(0), x.im) : x.im};
  if (x.re == -inf_(x.re)) {
    return x.im == x.im ? Complex<F>{F(0), copysign_(inf_(x.re), x.im)}
                        : Complex<F>{x.im, inf_(x.re)};
  }
  // both parts scaled by 1/4, so that the sum does not overflow
  const F a = abs_(x.re) * F(0.25), b = x.im * F(0.25);
  const bool tiny = a < F(1e-30) && abs_(b) < F(1e-30);
  const F up = tiny ? F(1.152921504606847e18) : F(1);     // 2^60
  const F down = tiny ? F(9.313225746154785e-10) : F(1);  // 2^-30
  const F t = F(2) * down * sqrt_(F(0.5) * (a * up + hypot_(a * up, b * up)));
  const F other = x.im / (F(2) * t);
  return x.re >= 0 ? Complex<F>{t, other} : Complex<F>{abs_(other), copysign_(t, x.im)};
}
template <class F>
RT_INLINE Complex<F> c_rsqrt(Complex<F> x) {
  return c_reciprocal(c_sqrt(x));
}
template <class F>
RT_NOINLINE Complex<F> c_pow(Complex<F> x, Complex<F> y) {
  if (y.re == 0 && y.im == 0) return {F(1), F(0)};
  if (x.re == 0 && x.im == 0) {
    if (y.im == 0 && y.re > 0) return {F(0), F(0)};
    if (y.re < 0) return {inf_(x.re), nan_(x.re)};
  }
  const F l = log_(c_abs(x)), angle = atan2_(x.im, x.re);
  return c_exp(Complex<F>{y.re * l - y.im * angle, y.re * angle + y.im * l});
}
template <class F>
RT_INLINE Complex<F> c_sigmoid(Complex<F> x) {
  const Complex<F> e = c_exp(c_neg(x));
  return c_reciprocal(Complex<F>{F(1) + e.re, e.im});
}
// log(exp(x) + exp(y)), the larger real part taken out
template <class F>
RT_NOINLINE Complex<F> c_logaddexp(Complex<F> x, Complex<F> y) {
  if (c_isnan(x) || c_isnan(y)) return {nan_(x.re), nan_(x.re)};
  const bool first = x.re >= y.re;
  const Complex<F> big = first ? x : y, small = first ? y : x;
  if (small.re == -inf_(x.re)) return big;
  if (big.re == inf_(x.re)) return small.re == big.re ? c_log(c_add(c_exp(x), c_exp(y))) : big;
  return c_add(big, c_log1p(c_exp(c_sub(small, big))));
}

// ---- trigonometric and hyperbolic functions ----

template <class F>
RT_NOINLINE Complex<F> c_sinh(Complex<F> x) {
  if (x.im == 0) return {sinh_(x.re), x.im};
  if (x.re == 0) return {x.re, sin_(x.im)};
  if (abs_(x.re) == inf_(x.re) && !(abs_(x.im) < inf_(x.im))) return {x.re, nan_(x.re)};
  return {sinh_(x.re) * cos_(x.im), cosh_(x.re) * sin_(x.im)};
}
template <class F>
RT_NOINLINE Complex<F> c_cosh(Complex<F> x) {
  if (x.im == 0) return {cosh_(x.re), x.re < 0 ? -x.im : x.im};
  if (x.re == 0) return {cos_(x.im), sin_(x.im) < 0 ? -x.re : x.re};
  if (abs_(x.re) == inf_(x.re) && !(abs_(x.im) < inf_(x.im))) return {abs_(x.re), nan_(x.re)};
  return {cosh_(x.re) * cos_(x.im), sinh_(x.re) * sin_(x.im)};
}
template <class F>
RT_NOINLINE Complex<F> c_tanh(Complex<F> x) {
  if (x.im == 0) return {tanh_(x.re), x.im};
  if (x.re == 0 && !(abs_(x.im) < inf_(x.im))) return {x.re, nan_(x.re)};
  const F s = sin_(x.im), c = cos_(x.im);
  if (s != s && abs_(x.re) < inf_(x.re)) return {s, s};
  if (abs_(x.re) > tanh_limit_(x.re) * F(2)) {
    const F e = exp_(-abs_(x.re));
    const F im = abs_(x.im) < inf_(x.im) ? F(4) * s * c * e * e : copysign_(F(0), x.im);
    return {copysign_(F(1), x.re), im};
  }
  const F sh = sinh_(x.re), ch = cosh_(x.re), d = sh * sh + c * c;
  return {sh * ch / d, s * c / d};
}
template <class F>
RT_INLINE Complex<F> c_sin(Complex<F> x) {
  return c_over_i(c_sinh(c_times_i(x)));
}
template <class F>
RT_INLINE Complex<F> c_cos(Complex<F> x) {
  return c_cosh(c_times_i(x));
}
template <class F>
RT_INLINE Complex<F> c_tan(Complex<F> x) {
  return c_over_i(c_tanh(c_times_i(x)));
}

// Inverses, after Kahan, "Branch cuts for complex elementary functions" (1987): products of the
// square roots of 1 - x and 1 + x, which do not cancel. Of huge numbers, infinite ones included,
// the 1 is lost: what is left is log |2 x| and the angle.
template <class F>
RT_INLINE bool c_is_huge(Complex<F> x) {
  return abs_(x.re) > F(1e15) || abs_(x.im) > F(1e15);
}
template <class F>
RT_INLINE F c_log_twice_abs(Complex<F> x) {
  return c_log_abs(Complex<F>{F(0.5) * x.re, F(0.5) * x.im}) + F(1.38629436111989062);
}
template <class F>
RT_NOINLINE Complex<F> c_asin(Complex<F> x) {
  if (c_is_huge(x)) return {atan2_(x.re, abs_(x.im)), copysign_(c_log_twice_abs(x), x.im)};
  const Complex<F> a = c_sqrt(Complex<F>{F(1) - x.re, -x.im});
  const Complex<F> b = c_sqrt(Complex<F>{F(1) + x.re, x.im});
  return {atan2_(x.re, a.re * b.re - a.im * b.im), asinh_(a.re * b.im - a.im * b.re)};
}
template <class F>
RT_NOINLINE Complex<F> c_acos(Complex<F> x) {
  if (c_is_huge(x)) return {atan2_(abs_(x.im), x.re), copysign_(c_log_twice_abs(x), -x.im)};
  const Complex<F> a = c_sqrt(Complex<F>{F(1) - x.re, -x.im});
  const Complex<F> b = c_sqrt(Complex<F>{F(1) + x.re, x.im});
  return {F(2) * atan2_(a.re, b.re), asinh_(b.re * a.im - b.im * a.re)};
}
template <class F>
RT_NOINLINE Complex<F> c_acosh(Complex<F> x) {
  if (c_is_huge(x)) return {c_log_twice_abs(x), atan2_(x.im, x.re)};
  const Complex<F> a = c_sqrt(Complex<F>{x.re - F(1), x.im});
  const Complex<F> b = c_sqrt(Complex<F>{x.re + F(1), x.im});
  return {asinh_(a.re * b.re + a.im * b.im), F(2) * atan2_(a.im, b.re)};
}
template <class F>
RT_NOINLINE Complex<F> c_atanh(Complex<F> x) {
  const F a = F(1) - x.re, b = F(1) + x.re, big = F(1e15);
  if (abs_(x.re) > big || abs_(x.im) > big) {  // 1 / x to the last digit
    const Complex<F> r = c_reciprocal(x);
    return {copysign_(abs_(x.im) == inf_(x.im) ? F(0) : abs_(r.re), x.re),
            copysign_(half_pi_(x.im), x.im)};
  }
  const F re = F(0.25) * log1p_(F(4) * abs_(x.re) /
                                ((F(1) - abs_(x.re)) * (F(1) - abs_(x.re)) + x.im * x.im));
  return {copysign_(re, x.re), F(0.5) * atan2_(F(2) * x.im, a * b - x.im * x.im)};
}
template <class F>
RT_INLINE Complex<F> c_asinh(Complex<F> x) {
  return c_over_i(c_asin(c_times_i(x)));
}
template <class F>
RT_INLINE Complex<F> c_atan(Complex<F> x) {
  return c_over_i(c_atanh(c_times_i(x)));
}

}  // namespace rt::cpu::RT_ISA
