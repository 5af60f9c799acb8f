// Bessel functions and the Airy function, as sums of elementwise ops, so that every device has
// them.
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <span>

#include "autograd/node.h"
#include "ops/index_support.h"
#include "ops/ops.h"
#include "ops/promotion.h"
#include "ops/record.h"
#include "ops/special_statistics.h"

namespace rt {

namespace {

using ops::where;
using std::numbers::egamma;
using std::numbers::pi;

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

Tensor floats(const char* op, const Tensor& input) {
  const DType type = float_type(input.dtype());
  RT_CHECK(type == DType::Float32 || type == DType::Float64, NotImplemented, op,
           cat_str("\"", op, "\" not implemented for '", torch_type_name(type), "'"), "",
           "float32 or float64");
  return ops::to(input, type);
}
Tensor at_most(const Tensor& x, double end) { return ops::clamp(x, std::nullopt, Scalar(end)); }
Tensor at_least(const Tensor& x, double end) { return ops::clamp(x, Scalar(end), std::nullopt); }

// The sum of c[k] z^k.
Tensor series(const Tensor& z, std::span<const double> c) {
  Tensor sum = ops::full(z.sizes(), Scalar(c.back()), z.dtype(), z.device());
  for (size_t k = c.size() - 1; k-- > 0;) sum = sum * z + Scalar(c[k]);
  return sum;
}

// ---- J and Y of order 0 and 1 ----

// Below kFar they are mean values of cos(x sin t) and sin(x sin t), weighted, over half a turn: the
// midpoint rule with 64 points is exact to rounding, since what it adds are J of order 64 and more.
// Y takes its sum over J of even (odd) orders (Abramowitz and Stegun 9.1.88), whose weights add up
// to one more weight of each point. Beyond kFar the asymptotic expansion (9.2.5) is exact.
constexpr double kFar = 25;
constexpr int kPoints = 64;

struct Near {
  Tensor first, sum;  // J, and the sum that Y takes
};
Near near(const Tensor& x, int order, bool second) {
  Near r;
  for (int j = 0; j < kPoints / 2; ++j) {
    const double t = (j + 0.5) * pi / kPoints, s = std::sin(t);
    const Tensor wave = order == 0 ? ops::cos(x * Scalar(s)) : ops::sin(x * Scalar(s));
    const Tensor part = wave * Scalar((order == 0 ? 1 : s) * 2 / kPoints);
    r.first = j == 0 ? part : r.first + part;
    if (!second) continue;
    double weight = 0;
    for (int k = 1; k <= kPoints / 2; ++k) {
      const double sign = k % 2 ? -2.0 / kPoints : 2.0 / kPoints;
      weight += order == 0 ? sign * std::cos(2 * k * t) / k
                           : sign * (2 * k + 1) / (k * (k + 1.0)) * std::sin((2 * k + 1) * t);
    }
    const Tensor more = wave * Scalar(weight);
    r.sum = j == 0 ? more : r.sum + more;
  }
  return r;
}

// The coefficients of Hankel's expansion: the ratio of neighbours is (4 n^2 - (2 k - 1)^2) / (8 k).
std::array<double, 20> hankel(int order) {
  std::array<double, 20> c{1};
  for (int k = 1; k < 20; ++k) {
    const double odd = 2 * k - 1;
    c[static_cast<size_t>(k)] =
        c[static_cast<size_t>(k) - 1] * (4.0 * order * order - odd * odd) / (8.0 * k);
  }
  return c;
}
Tensor far(const Tensor& x, int order, bool second) {
  const auto c = hankel(order);
  std::array<double, 10> even, odd;
  for (size_t k = 0; k < 10; ++k) {
    even[k] = (k % 2 ? -1 : 1) * c[2 * k];
    odd[k] = (k % 2 ? -1 : 1) * c[2 * k + 1];
  }
  const Tensor r = Scalar(1.0) / x, z = r * r;
  const Tensor p = series(z, even), q = series(z, odd) * r;
  // The angle is x - pi/4, or x - 3 pi/4.
  const Tensor a = ops::sin(x) + ops::cos(x), b = ops::sin(x) - ops::cos(x);
  const Tensor cosine = order == 0 ? a : b, sine = order == 0 ? b : -a;
  const Tensor wave = second ? p * sine + q * cosine : p * cosine - q * sine;
  const Tensor result = wave * ops::sqrt(r) * Scalar(1 / std::sqrt(pi));
  return where(ops::isinf(x), Scalar(0.0), result);
}

Tensor bessel_j(const char* op, const Tensor& input, int order) {
  const Tensor x = floats(op, input), a = ops::abs(x);
  const Tensor small = near(at_most(a, kFar), order, false).first;
  const Tensor size = where(ops::gt(a, kFar), far(at_least(a, kFar), order, false), small);
  const Tensor signed_size = order == 0 ? size : where(ops::lt(x, 0), -size, size);
  return where(ops::isnan(x), x, signed_size);
}
Tensor bessel_y(const char* op, const Tensor& input, int order) {
  const Tensor x = floats(op, input);
  const Tensor b = where(ops::gt(x, 0), at_most(x, kFar), Scalar(1.0) * ops::ones_like(x));
  const Near j = near(b, order, true);
  const Tensor log = ops::log(b * Scalar(0.5)) + Scalar(order == 0 ? egamma : egamma - 1);
  Tensor small;
  if (order == 0) {
    small = (log * j.first - j.sum * Scalar(2.0)) * Scalar(2 / pi);
  } else {
    const Tensor zeroth = near(b, 0, false).first;
    small = (log * j.first - j.sum - zeroth / b) * Scalar(2 / pi);
  }
  const Tensor y = where(ops::gt(x, kFar), far(at_least(x, kFar), order, true), small);
  const Tensor from_zero = where(ops::eq(x, 0), Scalar(-kInf), y);
  return where(ops::isnan(x), x, where(ops::lt(x, 0), Scalar(kNan), from_zero));
}

#define RT_BESSEL(name, forward, text)                                 \
  Tensor name##_forward(const Tensor& x) { return forward; }           \
  const Op name##_op(#name "(Tensor input) -> Tensor", name##_forward, \
                     {.in = "special", .out = true, .doc = text})

RT_BESSEL(bessel_j0, bessel_j("bessel_j0", x, 0),
          R"(The Bessel function of the first kind, of order 0.

Float32 and float64; integers are computed in the default float dtype. Follows
`torch.special.bessel_j0`.

>>> rt.special.bessel_j0(rt.tensor([0., 1.]))
tensor([1.0000, 0.7652])
)");
RT_BESSEL(bessel_j1, bessel_j("bessel_j1", x, 1),
          R"(The Bessel function of the first kind, of order 1.

Follows `torch.special.bessel_j1`.

>>> rt.special.bessel_j1(rt.tensor([0., 1.]))
tensor([0.0000, 0.4401])
)");
RT_BESSEL(bessel_y0, bessel_y("bessel_y0", x, 0),
          R"(The Bessel function of the second kind, of order 0; NaN below 0.

Follows `torch.special.bessel_y0`.

>>> rt.special.bessel_y0(rt.tensor([0., 1.]))
tensor([  -inf, 0.0883])
)");
RT_BESSEL(bessel_y1, bessel_y("bessel_y1", x, 1),
          R"(The Bessel function of the second kind, of order 1; NaN below 0.

Follows `torch.special.bessel_y1`.

>>> rt.special.bessel_y1(rt.tensor([0., 1.]))
tensor([   -inf, -0.7812])
)");

// sin(x) / x, which keeps its digits near 0
Tensor spherical_j0(const Tensor& input) {
  const Tensor x = floats("spherical_bessel_j0", input), zero = ops::eq(x, 0);
  const Tensor safe = where(zero, Scalar(1.0), x);
  return where(ops::isinf(x), Scalar(0.0), where(zero, Scalar(1.0), ops::sin(safe) / safe));
}
RT_BESSEL(spherical_bessel_j0, spherical_j0(x),
          R"(The spherical Bessel function of the first kind, of order 0: `sin(x) / x`.

Follows `torch.special.spherical_bessel_j0`.

>>> rt.special.spherical_bessel_j0(rt.tensor([0., 1.]))
tensor([1.0000, 0.8415])
)");

// ---- Modified ----

RT_BESSEL(modified_bessel_i0, ops::i0(floats("modified_bessel_i0", x)),
          R"(The modified Bessel function of the first kind, of order 0: `i0`.

Follows `torch.special.modified_bessel_i0`.

>>> rt.special.modified_bessel_i0(rt.tensor([0., 1.]))
tensor([1.0000, 1.2661])
)");
RT_BESSEL(modified_bessel_i1, ops::i1(floats("modified_bessel_i1", x)),
          R"(The modified Bessel function of the first kind, of order 1: `i1`.

Follows `torch.special.modified_bessel_i1`.

>>> rt.special.modified_bessel_i1(rt.tensor([0., 1.]))
tensor([0.0000, 0.5652])
)");

// exp(x) K(x). Up to 2 by its series (Abramowitz and Stegun 9.6.11), up to kFar by the trapezoidal
// rule for the integral of exp(-x (cosh t - 1)) cosh(n t), exact to rounding at that step since the
// integrand falls so fast, then by the asymptotic expansion (9.7.2).
Tensor scaled_k(const char* op, const Tensor& input, int order) {
  const Tensor x = floats(op, input);
  const Tensor b = where(ops::gt(x, 0), at_most(x, 2), Scalar(1.0) * ops::ones_like(x));
  std::array<double, 16> c;
  double factor = 1, harmonic = 0;  // 1 / (k! (k + n)!), 1 + 1/2 + ... + 1/k
  for (int k = 0; k < 16; ++k) {
    if (k > 0) factor /= static_cast<double>(k) * (k + order), harmonic += 1.0 / k;
    c[static_cast<size_t>(k)] =
        factor * (order == 0 ? harmonic : 2 * harmonic + 1.0 / (k + 1) - 2 * egamma);
  }
  const Tensor sum = series(b * b * Scalar(0.25), c), log = ops::log(b * Scalar(0.5));
  const Tensor k = order == 0 ? sum - (log + Scalar(egamma)) * ops::i0(b)
                              : Scalar(1.0) / b + log * ops::i1(b) - b * Scalar(0.25) * sum;
  const Tensor small = k * ops::exp(b);

  const Tensor m = ops::clamp(x, Scalar(2.0), Scalar(kFar));
  constexpr double kStep = 0.15;
  Tensor middle = ops::full(m.sizes(), Scalar(kStep / 2), m.dtype(), m.device());
  for (int j = 1; j < 26; ++j) {
    const double cosh = std::cosh(j * kStep);
    middle = middle + ops::exp(m * Scalar(1 - cosh)) * Scalar(kStep * (order == 0 ? 1 : cosh));
  }
  const Tensor r = Scalar(1.0) / at_least(x, kFar);
  const auto expansion = hankel(order);
  const Tensor large = series(r, std::span(expansion).first(16)) * ops::sqrt(r * Scalar(pi / 2));
  const Tensor above = where(ops::gt(x, kFar), large, where(ops::gt(x, 2), middle, small));
  const Tensor from_zero = where(ops::eq(x, 0), Scalar(kInf), above);
  return where(ops::isnan(x), x, where(ops::lt(x, 0), Scalar(kNan), from_zero));
}
Tensor unscaled_k(const char* op, const Tensor& input, int order) {
  const Tensor x = floats(op, input), scaled = scaled_k(op, x, order);
  return where(ops::eq(x, kInf), Scalar(0.0), scaled * ops::exp(-x));
}
RT_BESSEL(modified_bessel_k0, unscaled_k("modified_bessel_k0", x, 0),
          R"(The modified Bessel function of the second kind, of order 0; NaN below 0.

Follows `torch.special.modified_bessel_k0`.

>>> rt.special.modified_bessel_k0(rt.tensor([0., 1.]))
tensor([   inf, 0.4210])
)");
RT_BESSEL(modified_bessel_k1, unscaled_k("modified_bessel_k1", x, 1),
          R"(The modified Bessel function of the second kind, of order 1; NaN below 0.

Follows `torch.special.modified_bessel_k1`.

>>> rt.special.modified_bessel_k1(rt.tensor([0., 1.]))
tensor([   inf, 0.6019])
)");
RT_BESSEL(scaled_modified_bessel_k0, scaled_k("scaled_modified_bessel_k0", x, 0),
          R"(`exp(x) modified_bessel_k0(x)` of each element, which does not underflow.

Follows `torch.special.scaled_modified_bessel_k0`.

>>> rt.special.scaled_modified_bessel_k0(rt.tensor([1., 1000.]))
tensor([1.1445, 0.0396])
)");
RT_BESSEL(scaled_modified_bessel_k1, scaled_k("scaled_modified_bessel_k1", x, 1),
          R"(`exp(x) modified_bessel_k1(x)` of each element, which does not underflow.

Follows `torch.special.scaled_modified_bessel_k1`.

>>> rt.special.scaled_modified_bessel_k1(rt.tensor([1., 1000.]))
tensor([1.6362, 0.0396])
)");

// ---- Airy ----

// Ai and its derivative at -12, -11, ..., 12
constexpr int kAiryEnd = 12;
// clang-format off
constexpr double kAiry[][2] = {
    {-0.066555175054372639, 1.0231104533679707},
    {-0.0087595892557028338, -1.027327873664579},
    {0.040241238486441955, 0.99626504413279049},
    {-0.022133721547341126, -0.97566398092633155},
    {-0.052705050356386431, 0.93556093819830644},
    {0.1842808352505062, -0.77100816841012565},
    {-0.3291451736298231, 0.34593548728134282},
    {0.35076100902411422, 0.3271928185544436},
    {-0.070265532949289639, -0.79062857536858144},
    {-0.37881429367765806, 0.31458376921659897},
    {0.22740742820168564, 0.61825902074169103},
    {0.53556088329235219, -0.010160567116645175},
    {0.35502805388781722, -0.25881940379280682},
    {0.13529241631288147, -0.15914744129679328},
    {0.034924130423274358, -0.053090384433653881},
    {0.0065911393574607166, -0.011912976705951313},
    {0.00095156385120480239, -0.0019586409502041799},
    {0.00010834442813607433, -0.00024741389086846232},
    {9.9476943602528973e-06, -2.4765200397034972e-05},
    {7.492128863997157e-07, -2.0081508947387894e-06},
    {4.6922076160992236e-08, -1.3414392979067844e-07},
    {2.4711684308724904e-09, -7.4806413896589461e-09},
    {1.1047532552898654e-10, -3.5206336767389118e-10},
    {4.226275864960366e-12, -1.411144124662854e-11},
    {1.393184688875363e-13, -4.854736554985317e-13}
};
// clang-format on

// Between -12.5 and 12.5 the Taylor series about the nearest integer, whose coefficients follow
// from the equation f'' = x f; beyond, the asymptotic expansions (Abramowitz and
// Stegun 10.4.59, 10.4.60).
Tensor airy(const Tensor& input) {
  const Tensor x = floats("airy_ai", input);
  const double end = kAiryEnd + 0.5;
  const Tensor safe = where(ops::isnan(x), Scalar(0.0), x);
  const Tensor b = ops::clamp(safe, Scalar(-end), Scalar(end));
  const Tensor node =
      detach(ops::clamp(ops::round(b), Scalar(-1.0 * kAiryEnd), Scalar(1.0 * kAiryEnd)));
  Tensor values = ops::zeros_like(node), slopes = values;
  for (int k = -kAiryEnd; k <= kAiryEnd; ++k) {
    const Tensor here = ops::eq(node, k);
    values = where(here, Scalar(kAiry[k + kAiryEnd][0]), values);
    slopes = where(here, Scalar(kAiry[k + kAiryEnd][1]), slopes);
  }
  std::vector<Tensor> c{values, slopes, node * values * Scalar(0.5)};
  for (size_t n = 1; n < 27; ++n) {
    c.push_back((node * c[n] + c[n - 1]) / Scalar(static_cast<double>((n + 1) * (n + 2))));
  }
  const Tensor h = b - node;
  Tensor inside = c.back();
  for (size_t k = c.size() - 1; k-- > 0;) inside = inside * h + c[k];

  std::array<double, 14> u{1};
  for (size_t k = 1; k < 14; ++k) {
    const double m = 6.0 * static_cast<double>(k);
    u[k] = u[k - 1] * (m - 5) * (m - 3) * (m - 1) / (36 * m * (2 * static_cast<double>(k) - 1));
  }
  std::array<double, 14> alternating;
  std::array<double, 7> even, odd;
  for (size_t k = 0; k < 14; ++k) alternating[k] = (k % 2 ? -1 : 1) * u[k];
  for (size_t k = 0; k < 7; ++k) {
    even[k] = (k % 2 ? -1 : 1) * u[2 * k];
    odd[k] = (k % 2 ? -1 : 1) * u[2 * k + 1];
  }
  const Tensor a = at_least(ops::abs(safe), end), root = ops::sqrt(a);
  const Tensor zeta = a * root * Scalar(2.0 / 3), r = Scalar(1.0) / zeta;
  const Tensor scale = Scalar(1 / std::sqrt(pi)) / ops::sqrt(root);
  const Tensor right = scale * ops::exp(-zeta) * series(r, alternating) * Scalar(0.5);
  const Tensor p = series(r * r, even), q = series(r * r, odd) * r;
  const Tensor sine = ops::sin(zeta), cosine = ops::cos(zeta);
  const Tensor left =
      scale * ((sine + cosine) * p - (cosine - sine) * q) * Scalar(1 / std::numbers::sqrt2);
  const Tensor outside = where(ops::gt(x, 0), right, left);
  const Tensor any = where(ops::gt(ops::abs(safe), end), outside, inside);
  return where(ops::isnan(x), x, where(ops::isinf(x), Scalar(0.0), any));
}
RT_BESSEL(airy_ai, airy(x),
          R"(The Airy function Ai.

Float32 and float64; integers are computed in the default float dtype. Follows
`torch.special.airy_ai`.

>>> rt.special.airy_ai(rt.tensor([0., 1.]))
tensor([0.3550, 0.1353])
)");

}  // namespace

}  // namespace rt
