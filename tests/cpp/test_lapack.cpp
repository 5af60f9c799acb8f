#include <algorithm>
#include <complex>
#include <cstdint>
#include <random>
#include <type_traits>
#include <vector>

#include "check.h"
#include "core/error.h"
#include "cpu/lapack.h"
#include "cpu/parallel.h"

using namespace rt;
using namespace rt::cpu;

namespace {

using Cplx = std::complex<double>;
std::mt19937_64 g_random(3);

template <class T>
Cplx value(T x) {
  return static_cast<double>(x);
}
Cplx value(Complex64 x) { return {x.re, x.im}; }
Cplx value(Complex128 x) { return {x.re, x.im}; }
template <class T>
T from(Cplx v) {
  if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(v.real());
  } else {
    using R = decltype(T::re);
    return {static_cast<R>(v.real()), static_cast<R>(v.imag())};
  }
}

// A column-major matrix; `extra` rows of padding between columns must stay as they are.
template <class T>
struct Matrix {
  Matrix(int64_t r, int64_t c, int64_t extra = 0)
      : rows(r),
        cols(c),
        ld(std::max<int64_t>(r + extra, 1)),
        data(static_cast<size_t>(ld * std::max<int64_t>(c, 1)), from<T>(77)) {}
  Cplx operator()(int64_t i, int64_t j) const {
    return value(data[static_cast<size_t>(j * ld + i)]);
  }
  void set(int64_t i, int64_t j, Cplx v) { data[static_cast<size_t>(j * ld + i)] = from<T>(v); }
  T* get() { return data.data(); }
  int64_t rows, cols, ld;
  std::vector<T> data;
};

template <class T>
Matrix<T> random_matrix(int64_t rows, int64_t cols, int64_t extra = 2) {
  std::uniform_real_distribution<double> u(-1, 1);
  Matrix<T> m(rows, cols, extra);
  for (int64_t j = 0; j < cols; ++j) {
    for (int64_t i = 0; i < rows; ++i) {
      const double re = u(g_random);
      m.set(i, j, {re, std::is_floating_point_v<T> ? 0 : u(g_random)});
    }
  }
  return m;
}

template <class A, class B>
Matrix<Complex128> multiply(const A& a, const B& b) {
  Matrix<Complex128> c(a.rows, b.cols);
  for (int64_t i = 0; i < a.rows; ++i) {
    for (int64_t j = 0; j < b.cols; ++j) {
      Cplx sum = 0;
      for (int64_t k = 0; k < a.cols; ++k) sum += a(i, k) * b(k, j);
      c.set(i, j, sum);
    }
  }
  return c;
}

template <class A>
Matrix<Complex128> transpose(const A& a, Trans t = Trans::Conj) {
  if (t == Trans::No) {
    Matrix<Complex128> b(a.rows, a.cols);
    for (int64_t i = 0; i < a.rows; ++i)
      for (int64_t j = 0; j < a.cols; ++j) b.set(i, j, a(i, j));
    return b;
  }
  Matrix<Complex128> b(a.cols, a.rows);
  for (int64_t i = 0; i < a.rows; ++i) {
    for (int64_t j = 0; j < a.cols; ++j) {
      b.set(j, i, t == Trans::Conj ? std::conj(a(i, j)) : a(i, j));
    }
  }
  return b;
}

template <class T>
double tolerance() {
  return sizeof(lapack::RealOf<T>) == 4 ? 3e-4 : 1e-11;
}

template <class T, class A, class B>
void near(const A& a, const B& b, int64_t rows = -1) {
  for (int64_t i = 0; i < (rows < 0 ? a.rows : rows); ++i) {
    for (int64_t j = 0; j < a.cols; ++j) CHECK_NEAR(std::abs(a(i, j) - b(i, j)), 0, tolerance<T>());
  }
}

template <class T>
Matrix<Complex128> identity(int64_t n) {
  Matrix<Complex128> e(n, n);
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j) e.set(i, j, i == j);
  return e;
}

template <class T>
void check_lu(int64_t n) {
  // A dominant diagonal keeps errors small.
  Matrix<T> a = random_matrix<T>(n, n);
  for (int64_t i = 0; i < n; ++i) a.set(i, i, a(i, i) + Cplx(static_cast<double>(n)));
  Matrix<T> lu = a;
  std::vector<int32_t> pivots(static_cast<size_t>(n));
  CHECK(lapack::getrf(n, n, lu.get(), lu.ld, pivots.data()) == 0);
  for (const Trans t : {Trans::No, Trans::Yes, Trans::Conj}) {
    const Matrix<T> b = random_matrix<T>(n, 3);
    Matrix<T> x = b;
    CHECK(lapack::getrs(t, n, 3, lu.get(), lu.ld, pivots.data(), x.get(), x.ld) == 0);
    near<T>(multiply(transpose(a, t), x), b);
  }
  Matrix<T> inverse = lu;
  CHECK(lapack::getri(n, inverse.get(), inverse.ld, pivots.data()) == 0);
  near<T>(multiply(a, inverse), identity<T>(n));
  Matrix<T> zero(n, n);
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j) zero.set(i, j, 0);
  if (n > 0) CHECK(lapack::getrf(n, n, zero.get(), zero.ld, pivots.data()) == 1);
}

template <class T>
void check_cholesky(int64_t n) {
  const Matrix<T> g = random_matrix<T>(n, n);
  Matrix<T> a(n, n, 1);
  const Matrix<Complex128> gg = multiply(g, transpose(g));
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < n; ++j) a.set(i, j, gg(i, j) + (i == j ? Cplx(1) : Cplx(0)));
  }
  for (const bool upper : {false, true}) {
    Matrix<T> factor = a;
    CHECK(lapack::potrf(upper, n, factor.get(), factor.ld) == 0);
    const Matrix<T> b = random_matrix<T>(n, 2);
    Matrix<T> x = b;
    CHECK(lapack::potrs(upper, n, 2, factor.get(), factor.ld, x.get(), x.ld) == 0);
    near<T>(multiply(a, x), b);
    Matrix<T> inverse = factor;
    CHECK(lapack::potri(upper, n, inverse.get(), inverse.ld) == 0);
    for (int64_t j = 0; j < n; ++j) {  // one triangle of it
      for (int64_t i = j + 1; i < n; ++i) {
        if (upper) inverse.set(i, j, std::conj(inverse(j, i)));
        if (!upper) inverse.set(j, i, std::conj(inverse(i, j)));
      }
    }
    near<T>(multiply(a, inverse), identity<T>(n));
    if (n > 1) {
      Matrix<T> bad = a;
      bad.set(1, 1, -1);
      CHECK(lapack::potrf(upper, n, bad.get(), bad.ld) == 2);
    }
    // Triangular solves with the factor.
    for (const Trans t : {Trans::No, Trans::Yes, Trans::Conj}) {
      for (const bool unit : {false, true}) {
        Matrix<T> tri(n, n);
        for (int64_t i = 0; i < n; ++i) {
          for (int64_t j = 0; j < n; ++j) {
            const bool in = upper ? i < j : i > j;
            tri.set(i, j, i == j ? (unit ? Cplx(1) : factor(i, j)) : in ? factor(i, j) * 0.1 : 0);
          }
        }
        Matrix<T> right = random_matrix<T>(n, 2), y = right, z = right;
        CHECK(lapack::trtrs(upper, t, unit, n, 2, tri.get(), tri.ld, y.get(), y.ld) == 0);
        near<T>(multiply(transpose(tri, t), y), right);
        lapack::trsm(true, upper, t, unit, n, 2, from<T>(2), tri.get(), tri.ld, z.get(), z.ld);
        for (int64_t i = 0; i < n; ++i) {
          for (int64_t j = 0; j < 2; ++j)
            CHECK_NEAR(std::abs(z(i, j) - 2.0 * y(i, j)), 0, tolerance<T>());
        }
        Matrix<T> wide = random_matrix<T>(2, n), w = wide;
        lapack::trsm(false, upper, t, unit, 2, n, from<T>(1), tri.get(), tri.ld, w.get(), w.ld);
        near<T>(multiply(w, transpose(tri, t)), wide);
        if (n > 0 && !unit) {
          tri.set(n - 1, n - 1, 0);
          CHECK(lapack::trtrs(upper, t, unit, n, 2, tri.get(), tri.ld, y.get(), y.ld) == n);
        }
      }
    }
  }
}

template <class T>
void check_qr(int64_t m, int64_t n) {
  const Matrix<T> a = random_matrix<T>(m, n);
  const int64_t k = std::min(m, n);
  Matrix<T> qr = a;
  std::vector<T> tau(static_cast<size_t>(std::max<int64_t>(k, 1)));
  CHECK(lapack::geqrf(m, n, qr.get(), qr.ld, tau.data()) == 0);
  Matrix<T> r(k, n), q(m, k);
  for (int64_t j = 0; j < n; ++j)
    for (int64_t i = 0; i < k; ++i) r.set(i, j, i <= j ? qr(i, j) : 0);
  for (int64_t j = 0; j < k; ++j)
    for (int64_t i = 0; i < m; ++i) q.set(i, j, qr(i, j));
  CHECK(lapack::orgqr(m, k, k, q.get(), q.ld, tau.data()) == 0);
  near<T>(multiply(q, r), a);
  near<T>(multiply(transpose(q), q), identity<T>(k));
  // Q^H A = R.
  Matrix<T> c = a;
  CHECK(lapack::ormqr(true, Trans::Conj, m, n, k, qr.get(), qr.ld, tau.data(), c.get(), c.ld) == 0);
  near<T>(r, c);
}

template <class T>
void check_svd(int64_t m, int64_t n) {
  using R = lapack::RealOf<T>;
  const int64_t k = std::min(m, n);
  const auto check = [&](auto&& f) {
    for (const lapack::Vectors job :
         {lapack::Vectors::None, lapack::Vectors::Some, lapack::Vectors::All}) {
      const Matrix<T> a = random_matrix<T>(m, n);
      const bool all = job == lapack::Vectors::All;
      Matrix<T> copy = a, u(m, all ? m : k, 1), vt(all ? n : k, n, 1);
      std::vector<R> s(static_cast<size_t>(k));
      CHECK(f(job, m, n, copy.get(), copy.ld, s.data(), u.get(), u.ld, vt.get(), vt.ld) == 0);
      CHECK(std::is_sorted(s.rbegin(), s.rend()));
      double sum = 0, norm = 0;
      for (const R v : s) sum += static_cast<double>(v) * static_cast<double>(v);
      for (int64_t i = 0; i < m; ++i)
        for (int64_t j = 0; j < n; ++j) norm += std::norm(a(i, j));
      CHECK_NEAR(sum, norm, tolerance<T>() * (norm + 1));
      if (job == lapack::Vectors::None) continue;
      Matrix<T> us(m, k);
      for (int64_t i = 0; i < m; ++i) {
        for (int64_t j = 0; j < k; ++j)
          us.set(i, j, u(i, j) * static_cast<double>(s[static_cast<size_t>(j)]));
      }
      Matrix<T> first(k, n);
      for (int64_t i = 0; i < k; ++i)
        for (int64_t j = 0; j < n; ++j) first.set(i, j, vt(i, j));
      near<T>(multiply(us, first), a);
      near<T>(multiply(transpose(u), u), identity<T>(u.cols));
    }
  };
  check([](auto... x) { return lapack::gesdd(x...); });
  check([](auto... x) { return lapack::gesvd(x...); });
  check([](auto... x) { return lapack::svd(x...); });
}

template <class T>
void check_eigen(int64_t n) {
  using R = lapack::RealOf<T>;
  Matrix<T> a = random_matrix<T>(n, n);
  Matrix<T> h(n, n);
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j) h.set(i, j, a(i, j) + std::conj(a(j, i)));
  for (const bool upper : {false, true}) {
    Matrix<T> v = h, only = h;
    // The other triangle must not be read.
    for (int64_t i = 0; i < n; ++i) {
      for (int64_t j = 0; j < n; ++j) {
        if (upper ? i > j : i < j) v.set(i, j, 1e6);
      }
    }
    std::vector<R> w(static_cast<size_t>(n)), w2(w);
    CHECK(lapack::syevd(true, upper, n, v.get(), v.ld, w.data()) == 0);
    CHECK(lapack::syevd(false, upper, n, only.get(), only.ld, w2.data()) == 0);
    CHECK(std::is_sorted(w.begin(), w.end()));
    Matrix<T> vw(n, n);
    for (int64_t i = 0; i < n; ++i) {
      CHECK_NEAR(w[static_cast<size_t>(i)], w2[static_cast<size_t>(i)], tolerance<T>());
      for (int64_t j = 0; j < n; ++j)
        vw.set(i, j, v(i, j) * static_cast<double>(w[static_cast<size_t>(j)]));
    }
    near<T>(multiply(h, v), vw);
  }
  Matrix<T> copy = a, copy2 = a;
  using C = lapack::ComplexOf<T>;
  Matrix<C> vr(n, n, 1);
  std::vector<C> w(static_cast<size_t>(n)), w2(w);
  CHECK(lapack::geev(n, copy.get(), copy.ld, w.data(), vr.get(), vr.ld) == 0);
  CHECK(lapack::geev<T>(n, copy2.get(), copy2.ld, w2.data(), nullptr, 1) == 0);
  Matrix<C> vw(n, n);
  for (int64_t j = 0; j < n; ++j) {
    double norm = 0;
    for (int64_t i = 0; i < n; ++i) {
      vw.set(i, j, vr(i, j) * value(w[static_cast<size_t>(j)]));
      norm += std::norm(vr(i, j));
    }
    CHECK_NEAR(norm, 1, tolerance<T>());
  }
  near<T>(multiply(a, vr), vw);
}

template <class T>
void check_least_squares(int64_t m, int64_t n) {
  using R = lapack::RealOf<T>;
  const Matrix<T> a = random_matrix<T>(m, n);
  const Matrix<T> b = random_matrix<T>(std::max(m, n), 2);
  // The normal equations: A^H (A x - b) = 0, for any full-rank shape.
  const auto check = [&](auto&& solve) {
    Matrix<T> ac = a, x = b;
    CHECK(solve(ac, x) == 0);
    Matrix<T> top(n, 2), rhs(m, 2);
    for (int64_t j = 0; j < 2; ++j) {
      for (int64_t i = 0; i < n; ++i) top.set(i, j, x(i, j));
      for (int64_t i = 0; i < m; ++i) rhs.set(i, j, b(i, j));
    }
    near<T>(multiply(transpose(a), multiply(a, top)), multiply(transpose(a), rhs));
  };
  check([&](auto& ac, auto& x) {
    return lapack::gels(Trans::No, m, n, 2, ac.get(), ac.ld, x.get(), x.ld);
  });
  int32_t rank = -1;
  const int64_t k = std::min(m, n);
  std::vector<R> s(static_cast<size_t>(k));
  check([&](auto& ac, auto& x) {
    return lapack::gelsy(m, n, 2, ac.get(), ac.ld, x.get(), x.ld, R{-1}, &rank);
  });
  CHECK(rank == k);
  check([&](auto& ac, auto& x) {
    return lapack::gelsd(m, n, 2, ac.get(), ac.ld, x.get(), x.ld, s.data(), R{-1}, &rank);
  });
  CHECK(rank == k);
  check([&](auto& ac, auto& x) {
    return lapack::gelss(m, n, 2, ac.get(), ac.ld, x.get(), x.ld, s.data(), R{-1}, &rank);
  });
  CHECK(rank == k && std::is_sorted(s.rbegin(), s.rend()));
  if (n > 1 && m > 1) {  // two equal columns lower the rank
    Matrix<T> low = a, x = b;
    for (int64_t i = 0; i < m; ++i) low.set(i, 1, low(i, 0));
    CHECK(lapack::gelsd(m, n, 2, low.get(), low.ld, x.get(), x.ld, s.data(), static_cast<R>(1e-4),
                        &rank) == 0);
    CHECK(rank == std::min(m, n - 1));
  }
}

template <class T>
void check_type(bool large) {
  for (const int64_t n : {0, 1, 2, 5, 40, 140}) {
    if (n > 100 && !large) continue;
    check_lu<T>(n);
    check_cholesky<T>(n);
    check_eigen<T>(n);
  }
  const int64_t shapes[][2] = {{1, 1}, {5, 3}, {3, 5}, {30, 30}, {150, 40}, {40, 150}};
  for (const auto& s : shapes) {
    check_qr<T>(s[0], s[1]);
    check_svd<T>(s[0], s[1]);
    check_least_squares<T>(s[0], s[1]);
  }
}

}  // namespace

void test_lapack() {
  for (const int threads : {1, 2}) {
    set_num_threads(threads);
    check_type<float>(threads == 2);
    check_type<double>(threads == 2);
    check_type<Complex64>(threads == 2);
    check_type<Complex128>(threads == 2);
  }
  float a = 0;
  CHECK_THROWS(lapack::potrf(true, int64_t{1} << 40, &a, int64_t{1} << 40), Error);
}
