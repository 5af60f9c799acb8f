// Orthogonal polynomials whose degree is a tensor too: Chebyshev, Hermite, Laguerre, Legendre.
#include <cmath>

#include "autograd/node.h"
#include "ops/index_support.h"
#include "ops/ops.h"
#include "ops/promotion.h"
#include "ops/record.h"

namespace rt {

namespace {

using ops::where;

// The arguments in the dtype of the result, of one shape; degrees without their fraction.
struct Arguments {
  Tensor x, n;
  bool empty() const { return x.numel() == 0; }
};
Arguments arguments(const char* op, const Tensor& x, const Tensor& n) {
  RT_CHECK(!x.is_wrapped_number() || !n.is_wrapped_number(), Type, op,
           "one of input and n must be a Tensor", "two numbers", "rustorch.tensor(input)");
  const DType type = float_type(result_type(x, n));
  RT_CHECK(type == DType::Float32 || type == DType::Float64, NotImplemented, op,
           cat_str("\"", op, "\" not implemented for '", torch_type_name(type), "'"), "",
           "float32 or float64");
  const Tensor degree = detach(ops::trunc(ops::to(n, type)));
  const Tensor both = ops::to(x, type) + degree * Scalar(0.0);
  return {ops::where(ops::isnan(both), both, ops::to(x, type)),
          degree + detach(ops::zeros_like(both))};
}

bool any(const Tensor& condition) { return item(ops::any(condition)).to_bool(); }

// Degree 0 is 1, degree 1 is `first`, and next(k, p, q) is degree k + 1 by those of k - 1 and k.
// Elements stop at their own degree.
template <class Next>
Tensor recur(const Arguments& a, const Tensor& first, Next&& next) {
  Tensor p = ops::ones_like(first), q = where(ops::ge(a.n, 1), first, p);
  // All that is asked every time is whether some element still goes on; one that is no longer
  // finite does not change.
  for (int64_t k = 1;; ++k) {
    const Tensor active = ops::gt(a.n, k);
    const bool look = k < 8 || k % 16 == 0;
    if (look && !any(ops::logical_and(active, ops::isfinite(q)))) break;
    const Tensor r =
        where(ops::logical_and(active, ops::isfinite(q)), next(static_cast<double>(k), p, q), q);
    p = where(active, q, p);
    q = r;
  }
  return where(ops::lt(a.n, 0), Scalar(0.0), q);
}

Tensor is_even(const Tensor& n) {
  return ops::eq(ops::remainder(n, wrapped_number(Scalar(2.0))), 0);
}

// Where |x| < 1 and the degree is above `least`, trigonometric functions say it at once; at x = 1
// and x = -1 values are known.
enum class Kind { T, U, V, W };
Tensor chebyshev(const char* op, Kind kind, const Tensor& input, const Tensor& degree,
                 bool shifted) {
  Arguments a = arguments(op, input, degree);
  if (a.empty()) return a.x;
  if (shifted) a.x = a.x * Scalar(2.0) - Scalar(1.0);
  const Tensor size = ops::abs(a.x), closed = ops::logical_and(ops::lt(size, 1), ops::gt(a.n, 8));
  const Tensor even = is_even(a.n),
               sign = where(even, Scalar(1.0), Scalar(-1.0) * ops::ones_like(a.n));
  const Tensor inside = where(closed, a.x, ops::zeros_like(a.x));
  const Tensor t = ops::acos(inside), n = a.n, twice = n * Scalar(2.0) + Scalar(1.0);
  Tensor trigonometric, first, one, minus_one;
  const Tensor x = a.x;
  const Tensor all = ops::ones_like(n);
  switch (kind) {
    case Kind::T:
      trigonometric = ops::cos(n * t);
      first = x, one = all, minus_one = sign;
      break;
    case Kind::U:
      trigonometric = ops::sin((n + Scalar(1.0)) * t) / ops::sin(t);
      first = x * Scalar(2.0), one = n + Scalar(1.0), minus_one = sign * one;
      break;
    case Kind::V:
      trigonometric = ops::cos((n + Scalar(0.5)) * t) / ops::cos(t * Scalar(0.5));
      first = x * Scalar(2.0) - Scalar(1.0), one = all, minus_one = sign * twice;
      break;
    case Kind::W:
      trigonometric = ops::sin((n + Scalar(0.5)) * t) / ops::sin(t * Scalar(0.5));
      first = x * Scalar(2.0) + Scalar(1.0), one = twice, minus_one = sign;
      break;
  }
  // What another formula gives needs no steps here.
  const Tensor known = ops::logical_or(closed, ops::eq(size, 1));
  const Arguments rest{x, where(ops::logical_and(known, ops::ge(n, 0)), Scalar(0.0), n)};
  const Tensor stepped = recur(rest, first, [&](double, const Tensor& p, const Tensor& q) {
    return x * Scalar(2.0) * q - p;
  });
  const Tensor ends = where(ops::gt(x, 0), one, minus_one);
  const Tensor found = where(closed, trigonometric, where(ops::eq(size, 1), ends, stepped));
  return where(ops::lt(n, 0), Scalar(0.0), found);
}

#define RT_POLYNOMIAL(name, forward, text)                                         \
  Tensor name##_forward(const Tensor& x, const Tensor& n) { forward; }             \
  const Op name##_op(#name "(Operand input, Operand n) -> Tensor", name##_forward, \
                     {.in = "special", .out = true, .doc = text})

RT_POLYNOMIAL(chebyshev_polynomial_t,
              return chebyshev("chebyshev_polynomial_t", Kind::T, x, n, false),
              R"(The Chebyshev polynomial of the first kind, of degree `n`, of each element.

0 for a degree below 0. Float32 and float64; integers are computed in the default float dtype. Follows
`torch.special.chebyshev_polynomial_t`.

>>> rt.special.chebyshev_polynomial_t(rt.tensor([0.5, 2.]), rt.tensor([2, 3]))
tensor([-0.5000, 26.0000])
)");
RT_POLYNOMIAL(chebyshev_polynomial_u,
              return chebyshev("chebyshev_polynomial_u", Kind::U, x, n, false),
              R"(The Chebyshev polynomial of the second kind, of degree `n`, of each element.

0 for a degree below 0. Follows `torch.special.chebyshev_polynomial_u`.

>>> rt.special.chebyshev_polynomial_u(rt.tensor([0.5, 2.]), 2)
tensor([ 0., 15.])
)");
RT_POLYNOMIAL(chebyshev_polynomial_v,
              return chebyshev("chebyshev_polynomial_v", Kind::V, x, n, false),
              R"(The Chebyshev polynomial of the third kind, of degree `n`, of each element.

0 for a degree below 0. Follows `torch.special.chebyshev_polynomial_v`.

>>> rt.special.chebyshev_polynomial_v(rt.tensor([0.5, 2.]), 2)
tensor([-1., 11.])
)");
RT_POLYNOMIAL(chebyshev_polynomial_w,
              return chebyshev("chebyshev_polynomial_w", Kind::W, x, n, false),
              R"(The Chebyshev polynomial of the fourth kind, of degree `n`, of each element.

0 for a degree below 0. Follows `torch.special.chebyshev_polynomial_w`.

>>> rt.special.chebyshev_polynomial_w(rt.tensor([0.5, 2.]), 2)
tensor([ 1., 19.])
)");
RT_POLYNOMIAL(shifted_chebyshev_polynomial_t,
              return chebyshev("shifted_chebyshev_polynomial_t", Kind::T, x, n, true),
              R"(`chebyshev_polynomial_t` of `2 * input - 1`.

Follows `torch.special.shifted_chebyshev_polynomial_t`.

>>> rt.special.shifted_chebyshev_polynomial_t(rt.tensor([0.5, 1.5]), 2)
tensor([-1.,  7.])
)");
RT_POLYNOMIAL(shifted_chebyshev_polynomial_u,
              return chebyshev("shifted_chebyshev_polynomial_u", Kind::U, x, n, true),
              R"(`chebyshev_polynomial_u` of `2 * input - 1`.

Follows `torch.special.shifted_chebyshev_polynomial_u`.

>>> rt.special.shifted_chebyshev_polynomial_u(rt.tensor([0.5, 1.5]), 2)
tensor([-1., 15.])
)");
RT_POLYNOMIAL(shifted_chebyshev_polynomial_v,
              return chebyshev("shifted_chebyshev_polynomial_v", Kind::V, x, n, true),
              R"(`chebyshev_polynomial_v` of `2 * input - 1`.

Follows `torch.special.shifted_chebyshev_polynomial_v`.

>>> rt.special.shifted_chebyshev_polynomial_v(rt.tensor([0.5, 1.5]), 2)
tensor([-1., 11.])
)");
RT_POLYNOMIAL(shifted_chebyshev_polynomial_w,
              return chebyshev("shifted_chebyshev_polynomial_w", Kind::W, x, n, true),
              R"(`chebyshev_polynomial_w` of `2 * input - 1`.

Follows `torch.special.shifted_chebyshev_polynomial_w`.

>>> rt.special.shifted_chebyshev_polynomial_w(rt.tensor([0.5, 1.5]), 2)
tensor([-1., 19.])
)");

Tensor hermite_h(const Tensor& input, const Tensor& degree) {
  const Arguments a = arguments("hermite_polynomial_h", input, degree);
  if (a.empty()) return a.x;
  return recur(a, a.x * Scalar(2.0), [&](double k, const Tensor& p, const Tensor& q) {
    return (a.x * q - p * Scalar(k)) * Scalar(2.0);
  });
}
RT_POLYNOMIAL(hermite_polynomial_h, return hermite_h(x, n),
              R"(The physicist's Hermite polynomial of degree `n` of each element.

0 for a degree below 0. Follows `torch.special.hermite_polynomial_h`.

>>> rt.special.hermite_polynomial_h(rt.tensor([0.5, 2.]), 2)
tensor([-1., 14.])
)");
Tensor hermite_he(const Tensor& input, const Tensor& degree) {
  const Arguments a = arguments("hermite_polynomial_he", input, degree);
  if (a.empty()) return a.x;
  return recur(a, a.x,
               [&](double k, const Tensor& p, const Tensor& q) { return a.x * q - p * Scalar(k); });
}
RT_POLYNOMIAL(hermite_polynomial_he, return hermite_he(x, n),
              R"(The probabilist's Hermite polynomial of degree `n` of each element.

0 for a degree below 0. Follows `torch.special.hermite_polynomial_he`.

>>> rt.special.hermite_polynomial_he(rt.tensor([0.5, 2.]), 2)
tensor([-0.7500,  3.0000])
)");
Tensor laguerre(const Tensor& input, const Tensor& degree) {
  const Arguments a = arguments("laguerre_polynomial_l", input, degree);
  if (a.empty()) return a.x;
  return recur(a, Scalar(1.0) - a.x, [&](double k, const Tensor& p, const Tensor& q) {
    return ((Scalar(2 * k + 1) - a.x) * q - p * Scalar(k)) / Scalar(k + 1);
  });
}
RT_POLYNOMIAL(laguerre_polynomial_l, return laguerre(x, n),
              R"(The Laguerre polynomial of degree `n` of each element.

0 for a degree below 0. Follows `torch.special.laguerre_polynomial_l`.

>>> rt.special.laguerre_polynomial_l(rt.tensor([0., 2.]), 2)
tensor([ 1., -1.])
)");
Tensor legendre(const Tensor& input, const Tensor& degree) {
  const Arguments a = arguments("legendre_polynomial_p", input, degree);
  if (a.empty()) return a.x;
  return recur(a, a.x, [&](double k, const Tensor& p, const Tensor& q) {
    return (a.x * q * Scalar(2 * k + 1) - p * Scalar(k)) / Scalar(k + 1);
  });
}
RT_POLYNOMIAL(legendre_polynomial_p, return legendre(x, n),
              R"(The Legendre polynomial of degree `n` of each element.

0 for a degree below 0. Follows `torch.special.legendre_polynomial_p`.

>>> rt.special.legendre_polynomial_p(rt.tensor([0.5, 2.]), 2)
tensor([-0.1250,  5.5000])
)");

}  // namespace

}  // namespace rt
