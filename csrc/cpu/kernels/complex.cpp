// Functions of one complex argument.
#include "cpu/kernels/complex.h"

#include "cpu/kernels/kernels.h"

namespace rt::cpu::RT_ISA {

namespace {

template <class F>
RT_INLINE Complex<F> c_sinc(Complex<F> x) {
  const Complex<F> t = c_scale(x, F(3.14159265358979323846));
  return x.re == 0 && x.im == 0 ? Complex<F>{F(1), F(0)} : c_div(c_sin(t), t);
}

}  // namespace

#define RT_REAL_OF_COMPLEX(slot, formula)       \
  RT_LOOP1(slot, Complex64, f32, c64, formula); \
  RT_LOOP1(slot, Complex128, f64, c128, formula)

void add_complex(const LoopTable& table) {
  RT_FOR_COMPLEX(RT_LOOP1, "exp", c_exp(x));
  RT_LOOP1("exp2", Complex64, c64, c64, c_exp(c_scale(x, 0.69314718055994530942f)));
  RT_LOOP1("exp2", Complex128, c128, c128, c_exp(c_scale(x, 0.69314718055994530942)));
  RT_FOR_COMPLEX(RT_LOOP1, "expm1", c_expm1(x));
  RT_FOR_COMPLEX(RT_LOOP1, "log", c_log(x));
  RT_LOOP1("log2", Complex64, c64, c64, c_scale(c_log(x), 1.44269504088896340736f));
  RT_LOOP1("log2", Complex128, c128, c128, c_scale(c_log(x), 1.44269504088896340736));
  RT_LOOP1("log10", Complex64, c64, c64, c_scale(c_log(x), 0.43429448190325182765f));
  RT_LOOP1("log10", Complex128, c128, c128, c_scale(c_log(x), 0.43429448190325182765));
  RT_FOR_COMPLEX(RT_LOOP1, "log1p", c_log1p(x));
  RT_FOR_COMPLEX(RT_LOOP1, "sqrt", c_sqrt(x));
  RT_FOR_COMPLEX(RT_LOOP1, "rsqrt", c_rsqrt(x));
  RT_FOR_COMPLEX(RT_LOOP1, "reciprocal", c_reciprocal(x));
  RT_FOR_COMPLEX(RT_LOOP1, "sigmoid", c_sigmoid(x));
  RT_FOR_COMPLEX(RT_LOOP1, "silu", c_mul(x, c_sigmoid(x)));
  RT_FOR_COMPLEX(RT_LOOP1, "square", c_mul(x, x));
  RT_FOR_COMPLEX(RT_LOOP1, "cube", c_mul(c_mul(x, x), x));

  RT_FOR_COMPLEX(RT_LOOP1, "sin", c_sin(x));
  RT_FOR_COMPLEX(RT_LOOP1, "cos", c_cos(x));
  RT_FOR_COMPLEX(RT_LOOP1, "tan", c_tan(x));
  RT_FOR_COMPLEX(RT_LOOP1, "sinc", c_sinc(x));
  RT_FOR_COMPLEX(RT_LOOP1, "asin", c_asin(x));
  RT_FOR_COMPLEX(RT_LOOP1, "acos", c_acos(x));
  RT_FOR_COMPLEX(RT_LOOP1, "atan", c_atan(x));
  RT_FOR_COMPLEX(RT_LOOP1, "sinh", c_sinh(x));
  RT_FOR_COMPLEX(RT_LOOP1, "cosh", c_cosh(x));
  RT_FOR_COMPLEX(RT_LOOP1, "tanh", c_tanh(x));
  RT_FOR_COMPLEX(RT_LOOP1, "asinh", c_asinh(x));
  RT_FOR_COMPLEX(RT_LOOP1, "acosh", c_acosh(x));
  RT_FOR_COMPLEX(RT_LOOP1, "atanh", c_atanh(x));

  RT_REAL_OF_COMPLEX("abs", c_abs(x));
  RT_REAL_OF_COMPLEX("angle", atan2_(x.im, x.re));
  RT_FOR_COMPLEX(RT_LOOP1, "sgn", c_sgn(x));
  RT_LOOP1("conj", Complex64, c64, c64, (c64{x.re, -x.im}));
  RT_LOOP1("conj", Complex128, c128, c128, (c128{x.re, -x.im}));

  RT_FOR_COMPLEX(RT_LOOP2, "pow", c_pow(x, y));
  RT_FOR_COMPLEX(RT_LOOP2, "logaddexp", c_logaddexp(x, y));
}

}  // namespace rt::cpu::RT_ISA
