#include <complex>
#include <cstdint>
#include <limits>
#include <memory>
#include <random>
#include <type_traits>
#include <vector>

#include "check.h"
#include "core/error.h"
#include "cpu/gemm.h"
#include "cpu/parallel.h"

using namespace rt;
using namespace rt::cpu;

namespace {

using Cplx = std::complex<double>;
std::mt19937_64 g_random(7);

// Values as complex doubles, whatever the type.
template <class T>
Cplx value(T x) {
  return static_cast<double>(x);
}
Cplx value(Half x) { return to_float(x); }
Cplx value(BFloat16 x) { return to_float(x); }
Cplx value(Complex64 x) { return {x.re, x.im}; }
Cplx value(Complex128 x) { return {x.re, x.im}; }

template <class T>
T random_value() {
  const double u = std::uniform_real_distribution<double>(-1, 1)(g_random);
  const double v = std::uniform_real_distribution<double>(-1, 1)(g_random);
  if constexpr (std::is_same_v<T, bool>) {
    return u > 0.4;
  } else if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(g_random());
  } else if constexpr (std::is_same_v<T, Half>) {
    return to_half(static_cast<float>(u));
  } else if constexpr (std::is_same_v<T, BFloat16>) {
    return to_bfloat16(static_cast<float>(u));
  } else if constexpr (std::is_same_v<T, Complex64>) {
    return {static_cast<float>(u), static_cast<float>(v)};
  } else if constexpr (std::is_same_v<T, Complex128>) {
    return {u, v};
  } else {
    return static_cast<T>(u);
  }
}

template <class T>
struct Array {
  explicit Array(int64_t n) : data(new T[static_cast<size_t>(n)]), size(n) {
    for (int64_t i = 0; i < n; ++i) data[static_cast<size_t>(i)] = random_value<T>();
  }
  T& operator[](int64_t i) { return data[static_cast<size_t>(i)]; }
  const T& operator[](int64_t i) const { return data[static_cast<size_t>(i)]; }
  std::unique_ptr<T[]> data;
  int64_t size;
};

// The rounding step of T relative to the sum of the magnitudes of what is added up.
template <class T>
double tolerance() {
  if constexpr (std::is_same_v<T, Half>) return 1.0 / 1024;
  if constexpr (std::is_same_v<T, BFloat16>) return 1.0 / 128;
  if constexpr (std::is_same_v<T, float> || std::is_same_v<T, Complex64>) return 2e-6;
  return 4e-15;
}

// Of a number; for complex ones up to sqrt(2) too much, and far cheaper than the modulus.
double size(Cplx x) { return std::fabs(x.real()) + std::fabs(x.imag()); }

template <class T>
void check_product(Trans ta, Trans tb, int64_t m, int64_t n, int64_t k, GemmScalar alpha,
                   GemmScalar beta, int64_t extra) {
  const int64_t lda = (ta == Trans::No ? k : m) + extra, ldb = (tb == Trans::No ? n : k) + extra,
                ldc = n + extra;
  const Array<T> a((ta == Trans::No ? m : k) * lda + 1), b((tb == Trans::No ? k : n) * ldb + 1);
  Array<T> c(m * ldc + 1), before(m * ldc + 1);
  for (int64_t i = 0; i < c.size; ++i) before[i] = c[i];
  gemm(DTypeOf<T>::value, ta, tb, m, n, k, alpha, a.data.get(), lda, b.data.get(), ldb, beta,
       c.data.get(), ldc);
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < ldc; ++j) {
      const int64_t at = i * ldc + j;
      if (j >= n) {  // beyond the row: untouched
        CHECK(value(c[at]) == value(before[at]));
        continue;
      }
      if constexpr (std::is_integral_v<T>) {
        uint64_t sum = 0;
        for (int64_t t = 0; t < k; ++t) {
          const uint64_t x =
              static_cast<uint64_t>(ta == Trans::No ? a[i * lda + t] : a[t * lda + i]);
          const uint64_t y =
              static_cast<uint64_t>(tb == Trans::No ? b[t * ldb + j] : b[j * ldb + t]);
          if constexpr (std::is_same_v<T, bool>) {
            sum |= x & y;
          } else {
            sum += x * y;
          }
        }
        const uint64_t old = static_cast<uint64_t>(before[at]);
        const uint64_t al = static_cast<uint64_t>(alpha.integer),
                       be = static_cast<uint64_t>(beta.integer);
        CHECK(c[at] == static_cast<T>(al * sum + be * old));
      } else {
        Cplx sum = 0;
        double magnitude = 0;
        for (int64_t t = 0; t < k; ++t) {
          Cplx x = value(ta == Trans::No ? a[i * lda + t] : a[t * lda + i]);
          Cplx y = value(tb == Trans::No ? b[t * ldb + j] : b[j * ldb + t]);
          if (ta == Trans::Conj) x = std::conj(x);
          if (tb == Trans::Conj) y = std::conj(y);
          sum += x * y;
          magnitude += size(x) * size(y);
        }
        const Cplx al(alpha.re, alpha.im), be(beta.re, beta.im);
        const Cplx want = al * sum + be * value(before[at]);
        const double bound = tolerance<T>() * (std::abs(al) * magnitude + std::abs(be) + 1e-30);
        CHECK_NEAR(std::abs(value(c[at]) - want), 0, bound);
      }
    }
  }
}

template <class T>
void check_type() {
  constexpr bool complex = std::is_same_v<T, Complex64> || std::is_same_v<T, Complex128>;
  const int64_t sizes[][3] = {{1, 1, 1},    {1, 5, 3},    {3, 1, 5},     {2, 3, 1},
                              {4, 4, 4},    {1, 67, 33},  {67, 1, 33},   {4, 33, 70},
                              {35, 3, 70},  {8, 8, 8},    {17, 31, 9},   {64, 40, 50},
                              {5, 600, 20}, {90, 70, 80}, {1, 3000, 40}, {2, 3, 40000}};
  for (const auto& s : sizes) {
    for (const Trans ta : {Trans::No, Trans::Yes, Trans::Conj}) {
      for (const Trans tb : {Trans::No, Trans::Yes, Trans::Conj}) {
        if (!complex && (ta == Trans::Conj || tb == Trans::Conj) && s[0] != 17) continue;
        if (s[2] > 1000 && (ta != Trans::No || tb == Trans::Conj)) continue;
        const GemmScalar factor = std::is_same_v<T, bool> ? GemmScalar(1) : GemmScalar(3);
        check_product<T>(ta, tb, s[0], s[1], s[2], 1, 0, 0);
        check_product<T>(ta, tb, s[0], s[1], s[2], 1, 1, 3);
        if (!std::is_same_v<T, bool>) check_product<T>(ta, tb, s[0], s[1], s[2], factor, -2, 1);
        if (complex) {
          check_product<T>(ta, tb, s[0], s[1], s[2], GemmScalar(0.5, -2), GemmScalar(1.5, 0.25), 0);
        }
      }
    }
  }
  check_product<T>(Trans::No, Trans::No, 150, 300, 290, 1, 0, 0);
  check_product<T>(Trans::Yes, Trans::Yes, 150, 300, 290, 1, 1, 0);
}

void bool_counts_do_not_wrap() {
  // 65536 true products: more than a byte or two hold.
  const int64_t k = 1 << 16;
  const Array<bool> ones(k);
  for (int64_t i = 0; i < k; ++i) ones.data[static_cast<size_t>(i)] = true;
  bool c = false;
  gemm(DType::Bool, Trans::No, Trans::No, 1, 1, k, 1, ones.data.get(), k, ones.data.get(), 1, 0, &c,
       1);
  CHECK(c);
}

template <class T>
void check_empty_and_nan() {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  constexpr double inf = std::numeric_limits<double>::infinity();
  const auto make = [](double v) {
    T x;
    if constexpr (std::is_same_v<T, Half>) {
      x = to_half(static_cast<float>(v));
    } else if constexpr (std::is_same_v<T, BFloat16>) {
      x = to_bfloat16(static_cast<float>(v));
    } else if constexpr (std::is_same_v<T, Complex64>) {
      x = {static_cast<float>(v), 0};
    } else if constexpr (std::is_same_v<T, Complex128>) {
      x = {v, 0};
    } else {
      x = static_cast<T>(v);
    }
    return x;
  };
  const DType dtype = DTypeOf<T>::value;
  // Every route: the loop, vectors, small and large.
  const int64_t sizes[][3] = {{2, 3, 2}, {1, 50, 60}, {50, 2, 60}, {24, 20, 30}, {100, 120, 90}};
  for (const auto& s : sizes) {
    const int64_t m = s[0], n = s[1], k = s[2];
    std::vector<T> a(static_cast<size_t>(m * k), make(1)), b(static_cast<size_t>(k * n), make(1));
    std::vector<T> c(static_cast<size_t>(m * n), make(nan));
    gemm(dtype, Trans::No, Trans::No, m, n, k, 1, a.data(), k, b.data(), n, 0, c.data(), n);
    for (const T x : c) CHECK(value(x).real() == static_cast<double>(k));
    // NaN in A reaches one row, infinity in B one column; infinity minus infinity is NaN.
    a[static_cast<size_t>(k - 1)] = make(nan);
    b[static_cast<size_t>(n - 1)] = make(inf);
    for (const Trans tb : {Trans::No, Trans::Yes}) {
      std::vector<T> bt = b;
      if (tb == Trans::Yes) {
        for (int64_t i = 0; i < k; ++i) {
          for (int64_t j = 0; j < n; ++j)
            bt[static_cast<size_t>(j * k + i)] = b[static_cast<size_t>(i * n + j)];
        }
      }
      gemm(dtype, Trans::No, tb, m, n, k, 1, a.data(), k, bt.data(), tb == Trans::No ? n : k, 0,
           c.data(), n);
      for (int64_t i = 0; i < m; ++i) {
        for (int64_t j = 0; j < n; ++j) {
          const Cplx v = value(c[static_cast<size_t>(i * n + j)]);
          if (i == 0) {
            CHECK(std::isnan(v.real()));
          } else if (j == n - 1) {
            CHECK(!std::isfinite(v.real()));
          } else {
            CHECK(v.real() == static_cast<double>(k));
          }
        }
      }
    }
    // No terms: beta C; beta 0 clears even NaN; alpha 0 does not read A.
    std::fill(c.begin(), c.end(), make(2));
    gemm(dtype, Trans::No, Trans::No, m, n, 0, 1, a.data(), 0, b.data(), n, 3, c.data(), n);
    for (const T x : c) CHECK(value(x).real() == 6);
    gemm(dtype, Trans::No, Trans::No, m, n, k, 0, a.data(), k, b.data(), n, 1, c.data(), n);
    for (const T x : c) CHECK(value(x).real() == 6);
    std::fill(c.begin(), c.end(), make(nan));
    gemm(dtype, Trans::No, Trans::No, m, n, 0, 1, a.data(), 0, b.data(), n, 0, c.data(), n);
    for (const T x : c) CHECK(value(x) == Cplx(0));
    gemm(dtype, Trans::No, Trans::No, 0, n, k, 1, nullptr, k, b.data(), n, 0, nullptr, n);
  }
}

template <class T>
void check_batched() {
  const int64_t sizes[][3] = {{4, 4, 4}, {1, 20, 30}, {16, 16, 16}, {40, 30, 50}, {100, 90, 80}};
  for (const auto& s : sizes) {
    const int64_t m = s[0], n = s[1], k = s[2], batch = m > 50 ? 3 : 7;
    for (const int64_t step_b : {k * n, int64_t{0}}) {
      for (const Trans ta : {Trans::No, Trans::Yes}) {
        const Array<T> a(batch * m * k), b(batch * k * n);
        Array<T> c(batch * m * n), one(m * n);
        const int64_t lda = ta == Trans::No ? k : m;
        gemm_batched(DTypeOf<T>::value, ta, Trans::No, batch, m, n, k, 1, a.data.get(), lda, m * k,
                     b.data.get(), n, step_b, 0, c.data.get(), n, m * n);
        for (int64_t i = 0; i < batch; ++i) {
          gemm(DTypeOf<T>::value, ta, Trans::No, m, n, k, 1, a.data.get() + i * m * k, lda,
               b.data.get() + i * step_b, n, 0, one.data.get(), n);
          for (int64_t j = 0; j < m * n; ++j) {
            const double scale = tolerance<T>() * static_cast<double>(k);
            CHECK_NEAR(std::abs(value(c[i * m * n + j]) - value(one[j])), 0, scale);
          }
        }
      }
    }
  }
  // One row of A against every matrix: a step of 0 must not be mistaken for stacked rows.
  const Array<T> a(8), b(8 * 3);
  Array<T> c(4 * 3), one(3);
  gemm_batched(DTypeOf<T>::value, Trans::No, Trans::No, 4, 1, 3, 8, 1, a.data.get(), 8, 0,
               b.data.get(), 3, 0, 0, c.data.get(), 3, 3);
  gemm(DTypeOf<T>::value, Trans::No, Trans::No, 1, 3, 8, 1, a.data.get(), 8, b.data.get(), 3, 0,
       one.data.get(), 3);
  for (int64_t i = 0; i < 12; ++i) {
    CHECK_NEAR(std::abs(value(c[i]) - value(one[i % 3])), 0, 8 * tolerance<T>());
  }
}

template <class T>
void check_vectors() {
  for (const int64_t rows : {1, 7, 130}) {
    for (const int64_t cols : {1, 9, 200}) {
      for (const int64_t step : {1, 3, -2}) {
        for (const Trans t : {Trans::No, Trans::Yes}) {
          const int64_t m = t == Trans::No ? rows : cols, k = t == Trans::No ? cols : rows;
          const Array<T> a(rows * cols), x(k * 3);
          Array<T> y(m * 3), plain_x(k), plain_y(m);
          const int64_t first_x = step < 0 ? (k - 1) * 2 : 0, first_y = step < 0 ? (m - 1) * 2 : 0;
          for (int64_t i = 0; i < k; ++i) plain_x[i] = x[first_x + i * step];
          for (int64_t i = 0; i < m; ++i) plain_y[i] = y[first_y + i * step];
          gemv(DTypeOf<T>::value, t, rows, cols, 1, a.data.get(), cols, x.data.get() + first_x,
               step, 1, y.data.get() + first_y, step);
          gemm(DTypeOf<T>::value, t, Trans::No, m, 1, k, 1, a.data.get(), cols, plain_x.data.get(),
               1, 1, plain_y.data.get(), 1);
          for (int64_t i = 0; i < m; ++i) {
            CHECK_NEAR(std::abs(value(y[first_y + i * step]) - value(plain_y[i])), 0,
                       tolerance<T>() * static_cast<double>(k + 1));
          }
        }
      }
    }
  }
  for (const int64_t n : {0, 1, 5, 1000, 100000}) {
    for (const int64_t step : {1, 2}) {
      for (const bool conjugate : {false, true}) {
        const Array<T> x(n * 2 + 1), y(n * 2 + 1);
        T got;
        dot(DTypeOf<T>::value, conjugate, n, x.data.get(), step, y.data.get(), step, &got);
        if constexpr (std::is_integral_v<T>) {
          uint64_t sum = 0;
          for (int64_t i = 0; i < n; ++i) {
            const uint64_t p =
                static_cast<uint64_t>(x[i * step]) * static_cast<uint64_t>(y[i * step]);
            sum = std::is_same_v<T, bool> ? (sum | p) : sum + p;
          }
          CHECK(got == static_cast<T>(sum));
        } else {
          Cplx sum = 0;
          double magnitude = 1e-30;
          for (int64_t i = 0; i < n; ++i) {
            const Cplx u = value(x[i * step]);
            sum += (conjugate ? std::conj(u) : u) * value(y[i * step]);
            magnitude += std::abs(u * value(y[i * step]));
          }
          CHECK_NEAR(std::abs(value(got) - sum), 0, tolerance<T>() * magnitude);
        }
      }
    }
  }
}

void expanded_rows_and_errors() {
  // Row step 0: every row of A is the same.
  const Array<float> a(30), b(30 * 20);
  Array<float> c(40 * 20);
  gemm(DType::Float32, Trans::No, Trans::No, 40, 20, 30, 1, a.data.get(), 0, b.data.get(), 20, 0,
       c.data.get(), 20);
  for (int64_t i = 20; i < 800; ++i) CHECK(c[i] == c[i % 20]);
  CHECK_THROWS(gemm(DType::Float32, Trans::No, Trans::No, -1, 2, 2, 1, a.data.get(), 2,
                    b.data.get(), 2, 0, c.data.get(), 2),
               Error);
  CHECK_THROWS(gemm(DType::Float32, Trans::No, Trans::No, 2, 2, 2, 1, a.data.get(), 2, b.data.get(),
                    2, 0, c.data.get(), 1),
               Error);
}

}  // namespace

void test_gemm() {
  for (const int threads : {1, 2}) {
    set_num_threads(threads);
    check_type<float>();
    check_type<double>();
    check_type<Half>();
    check_type<BFloat16>();
    check_type<Complex64>();
    check_type<Complex128>();
    check_type<bool>();
    check_type<uint8_t>();
    check_type<int8_t>();
    check_type<int16_t>();
    check_type<int32_t>();
    check_type<int64_t>();
    check_empty_and_nan<float>();
    check_empty_and_nan<double>();
    check_empty_and_nan<Half>();
    check_empty_and_nan<BFloat16>();
    check_empty_and_nan<Complex64>();
    check_empty_and_nan<Complex128>();
    check_batched<float>();
    check_batched<double>();
    check_batched<BFloat16>();
    check_batched<Complex64>();
    check_batched<int32_t>();
    check_vectors<float>();
    check_vectors<double>();
    check_vectors<Half>();
    check_vectors<BFloat16>();
    check_vectors<Complex64>();
    check_vectors<Complex128>();
    check_vectors<bool>();
    check_vectors<int8_t>();
    check_vectors<int64_t>();
  }
  bool_counts_do_not_wrap();
  expanded_rows_and_errors();
}
