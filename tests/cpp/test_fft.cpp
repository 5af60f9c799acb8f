#include <algorithm>
#include <cmath>
#include <complex>
#include <cstdint>
#include <random>
#include <type_traits>
#include <vector>

#include "check.h"
#include "core/error.h"
#include "cpu/fft.h"
#include "cpu/fft_plan.h"
#include "cpu/parallel.h"

using namespace rt;
using namespace rt::cpu;

namespace {

using Long = std::complex<long double>;
std::mt19937_64 g_random(5);

template <class T>
using CplxOf = std::conditional_t<std::is_same_v<T, float>, Complex64, Complex128>;

template <class T>
std::vector<CplxOf<T>> random_complex(int64_t n) {
  std::normal_distribution<double> u;
  std::vector<CplxOf<T>> x(static_cast<size_t>(n));
  for (auto& v : x) v = {static_cast<T>(u(g_random)), static_cast<T>(u(g_random))};
  return x;
}

// The definition, in long double.
std::vector<Long> transform(const std::vector<Long>& x, bool inverse) {
  const size_t n = x.size();
  const long double pi = 3.141592653589793238462643383279503L;
  std::vector<Long> roots(n), y(n);
  for (size_t k = 0; k < n; ++k) {
    const long double angle = 2 * pi * static_cast<long double>(k) / static_cast<long double>(n);
    roots[k] = {std::cos(angle), inverse ? std::sin(angle) : -std::sin(angle)};
  }
  for (size_t k = 0; k < n; ++k) {
    long double re = 0, im = 0;  // std::complex asks each product whether it is NaN
    for (size_t j = 0, at = 0; j < n; ++j, at += at + k < n ? k : k - n) {
      re += x[j].real() * roots[at].real() - x[j].imag() * roots[at].imag();
      im += x[j].real() * roots[at].imag() + x[j].imag() * roots[at].real();
    }
    y[k] = {re, im};
  }
  return y;
}

// Relative error in the 2-norm, in units of T's rounding step; NumPy's is below about log2(n).
template <class T>
void check_error(double error, double norm, int64_t n) {
  const double step = sizeof(T) == 4 ? 6e-8 : 1.2e-16;
  CHECK_NEAR(std::sqrt(error), 0,
             step * (std::log2(static_cast<double>(n)) + 3) * std::sqrt(norm) + 1e-300);
}

template <class T>
void check_length(int64_t n) {
  using C = CplxOf<T>;
  // Lines along the middle axis of outer x n x inner, out of a larger array.
  for (const auto& [outer, inner] : {std::pair<int64_t, int64_t>{1, 1}, {3, 1}, {1, 21}, {2, 5}}) {
    if (n > 150 && outer * inner > 3) continue;
    const FftLines lines{outer, inner, n * inner, 1, inner};
    const std::vector<C> x = random_complex<T>(outer * n * inner);
    std::vector<C> y(x.size()), back(x.size());
    std::vector<T> real(x.size());
    for (size_t i = 0; i < x.size(); ++i) real[i] = x[i].re;
    const int64_t half = n / 2 + 1;
    const FftLines half_lines{outer, inner, half * inner, 1, inner};
    std::vector<C> spectrum(static_cast<size_t>(outer * half * inner));
    fft_real_to_complex(n, T{1}, lines, real.data(), half_lines, spectrum.data());
    std::vector<T> real_back(x.size());
    fft_complex_to_real(n, T{1} / static_cast<T>(n), half_lines, spectrum.data(), lines,
                        real_back.data());
    double real_norm = 0, real_error = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      real_norm += static_cast<double>(real[i]) * static_cast<double>(real[i]);
      real_error += std::pow(static_cast<double>(real_back[i] - real[i]), 2);
    }
    check_error<T>(real_error, 4 * real_norm, n);
    for (const bool inverse : {false, true}) {
      fft_complex(n, inverse, T{1}, lines, x.data(), lines, y.data());
      back = x;
      fft_complex(n, inverse, T{1}, lines, back.data(), lines, back.data());  // in place
      for (int64_t o = 0; o < outer; ++o) {
        for (int64_t i = 0; i < inner; ++i) {
          std::vector<Long> line(static_cast<size_t>(n)), real_line(line);
          for (int64_t k = 0; k < n; ++k) {
            const C v = x[static_cast<size_t>((o * n + k) * inner + i)];
            line[static_cast<size_t>(k)] = {v.re, v.im};
            real_line[static_cast<size_t>(k)] = v.re;
          }
          const std::vector<Long> want = transform(line, inverse);
          double error = 0, norm = 0;
          for (int64_t k = 0; k < n; ++k) {
            const size_t at = static_cast<size_t>((o * n + k) * inner + i);
            const Long w = want[static_cast<size_t>(k)];
            error += static_cast<double>(std::norm(Long(y[at].re, y[at].im) - w));
            norm += static_cast<double>(std::norm(w));
            CHECK(back[at].re == y[at].re && back[at].im == y[at].im);
          }
          check_error<T>(error, norm, n);
          if (inverse) continue;
          const std::vector<Long> want_real = transform(real_line, false);
          error = norm = 0;
          for (int64_t k = 0; k < half; ++k) {
            const C v = spectrum[static_cast<size_t>((o * half + k) * inner + i)];
            error += static_cast<double>(
                std::norm(Long(v.re, v.im) - want_real[static_cast<size_t>(k)]));
            norm += static_cast<double>(std::norm(want_real[static_cast<size_t>(k)]));
          }
          check_error<T>(error, norm, n);
        }
      }
    }
  }
}

// What cannot be part of a real line's spectrum does not matter.
void imaginary_ends_are_ignored() {
  for (const int64_t n : {1, 2, 7, 8}) {
    const int64_t half = n / 2 + 1;
    std::vector<Complex128> x = random_complex<double>(half);
    std::vector<double> a(static_cast<size_t>(n)), b(a);
    const FftLines line;
    fft_complex_to_real(n, 1.0, line, x.data(), line, a.data());
    x[0].im = 99;
    if (n % 2 == 0) x[static_cast<size_t>(n / 2)].im = -99;
    fft_complex_to_real(n, 1.0, line, x.data(), line, b.data());
    CHECK(a == b);
  }
}

void large_and_split() {
  // A known spectrum: one frequency. Large enough to be split over the threads, with a prime too
  // large for a step as the second length.
  for (const int64_t n : {int64_t{1} << 18, int64_t{100003}}) {
    std::vector<Complex128> x(static_cast<size_t>(n));
    for (int64_t k = 0; k < n; ++k) {
      const cpu::detail::UnitRoot r = cpu::detail::unit_root(-k * 5, n);
      x[static_cast<size_t>(k)] = {r.re, r.im};
    }
    const FftLines line;
    fft_complex(n, false, 1.0, line, x.data(), line, x.data());
    for (int64_t k = 0; k < n; ++k) {
      const Complex128 v = x[static_cast<size_t>(k)];
      CHECK_NEAR(v.re, k == 5 ? static_cast<double>(n) : 0, 1e-8);
      CHECK_NEAR(v.im, 0, 1e-8);
    }
  }
}

void unit_roots_are_exact_where_they_can_be() {
  CHECK(cpu::detail::unit_root(0, 7).re == 1 && cpu::detail::unit_root(0, 7).im == 0);
  CHECK(cpu::detail::unit_root(1, 4).re == 0 && cpu::detail::unit_root(1, 4).im == -1);
  CHECK(cpu::detail::unit_root(2, 4).re == -1 && cpu::detail::unit_root(2, 4).im == 0);
  CHECK(cpu::detail::unit_root(3, 4).re == 0 && cpu::detail::unit_root(3, 4).im == 1);
  CHECK_NEAR(cpu::detail::unit_root(1, 8).re, -cpu::detail::unit_root(1, 8).im, 1.2e-16);
  CHECK(cpu::detail::unit_root(-1, 12).im == -cpu::detail::unit_root(13, 12).im);
}

}  // namespace

void test_fft() {
  unit_roots_are_exact_where_they_can_be();
  imaginary_ends_are_ignored();
  for (const int threads : {1, 2}) {
    set_num_threads(threads);
    large_and_split();
    if (threads == 2) {
      check_length<float>(60);
      check_length<double>(1024);
      continue;
    }
    for (int64_t n = 1; n <= 66; ++n) {
      check_length<float>(n);
      check_length<double>(n);
    }
    // Every radix, large primes, and products of both.
    for (const int64_t n : {81,  97,  100, 121, 128,  169,  210,  243,  256,     343,
                            360, 509, 512, 625, 1000, 1009, 1024, 1155, 2 * 521, 2048}) {
      check_length<float>(n);
      check_length<double>(n);
    }
  }
  const FftLines line;
  Complex64 x{1, 2};
  CHECK_THROWS(fft_complex(0, false, 1.0f, line, &x, line, &x), Error);
  const FftLines none{0, 1, 0, 0, 1};
  fft_complex(4, false, 1.0f, none, nullptr, none, static_cast<Complex64*>(nullptr));
}
