// LAPACK over batches of column-major matrices.
#include "ops/linalg.h"

#include <cmath>
#include <cstring>

#include "cpu/dtype_dispatch.h"
#include "cpu/lapack.h"
#include "cpu/parallel.h"
#include "cpu/scratch.h"

namespace rt::cpu {

namespace {

template <class F>
void with_lapack_type(DType t, F&& f) {
  RT_CHECK(try_with_type(kFullFloats + kComplexes, t, f), Runtime, "linalg",
           "only float32, float64 and their complex types have LAPACK", name(t));
}

int64_t rows(const Tensor& t) { return t.sizes()[t.sizes().size() - 2]; }
int64_t cols(const Tensor& t) { return t.sizes().back(); }
int64_t leading(const Tensor& t) { return std::max<int64_t>(rows(t), 1); }
int64_t batch(const Tensor& t) {
  int64_t n = 1;
  for (size_t d = 0; d + 2 < t.sizes().size(); ++d) n *= t.sizes()[d];
  return n;
}
template <class T>
T* matrix(const Tensor& t, int64_t i) {
  return t.data<T>() + i * rows(t) * cols(t);
}

// Small matrices share a thread; a large one has the library's threads to itself.
template <class F>
void for_each(const Tensor& t, F&& f) {
  const int64_t n = std::max<int64_t>(std::max(rows(t), cols(t)), 1);
  const int64_t count = batch(t);
  if (count < get_num_threads() || n > 512) {
    for (int64_t i = 0; i < count; ++i) f(i);
    return;
  }
  parallel_for(0, count, std::max<int64_t>(1, 30000 / (n * n * n)),
               [&](int64_t begin, int64_t end) {
                 for (int64_t i = begin; i < end; ++i) f(i);
               });
}

void zero(const Tensor& t) { std::memset(t.data(), 0, t.nbytes()); }

bool finite(float v) { return std::isfinite(v); }
bool finite(double v) { return std::isfinite(v); }
template <class T>
bool finite(const T& v) {
  return std::isfinite(v.re) && std::isfinite(v.im);
}
template <class T>
bool all_finite(const T* a, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    if (!finite(a[i])) return false;
  }
  return true;
}

void lu(const Tensor& a, const Tensor& pivots, const Tensor& info) {
  zero(info);
  if (a.numel() == 0) return;
  const int64_t k = std::min(rows(a), cols(a));
  with_lapack_type(a.dtype(), [&]<class T>(T) {
    for_each(a, [&](int64_t i) {
      info.data<int32_t>()[i] = lapack::getrf<T>(rows(a), cols(a), matrix<T>(a, i), leading(a),
                                                 pivots.data<int32_t>() + i * k);
    });
  });
}

void lu_solve(const Tensor& b, const Tensor& lu, const Tensor& pivots) {
  if (b.numel() == 0) return;
  with_lapack_type(b.dtype(), [&]<class T>(T) {
    for_each(b, [&](int64_t i) {
      lapack::getrs<T>(Trans::No, rows(b), cols(b), matrix<T>(lu, i), leading(lu),
                       pivots.data<int32_t>() + i * rows(b), matrix<T>(b, i), leading(b));
    });
  });
}

void cholesky(const Tensor& a, const Tensor& info, bool upper) {
  zero(info);
  if (a.numel() == 0) return;
  with_lapack_type(a.dtype(), [&]<class T>(T) {
    const int64_t n = rows(a);
    for_each(a, [&](int64_t i) {
      T* m = matrix<T>(a, i);
      info.data<int32_t>()[i] = lapack::potrf<T>(upper, n, m, n);
      for (int64_t c = 0; c < n; ++c) {
        const int64_t first = upper ? c + 1 : 0, last = upper ? n : c;
        std::fill(m + c * n + first, m + c * n + last, T{});
      }
    });
  });
}

void triangular_solve(const Tensor& b, const Tensor& a, bool upper, bool unit) {
  if (b.numel() == 0) return;
  with_lapack_type(b.dtype(), [&]<class T>(T) {
    T one{};
    if constexpr (std::is_floating_point_v<T>) {
      one = 1;
    } else {
      one.re = 1;
    }
    for_each(b, [&](int64_t i) {
      lapack::trsm<T>(true, upper, Trans::No, unit, rows(b), cols(b), one, matrix<T>(a, i),
                      leading(a), matrix<T>(b, i), leading(b));
    });
  });
}

void qr(const Tensor& a, const Tensor& tau) {
  if (a.numel() == 0) return;
  const int64_t k = std::min(rows(a), cols(a));
  with_lapack_type(a.dtype(), [&]<class T>(T) {
    for_each(a, [&](int64_t i) {
      lapack::geqrf<T>(rows(a), cols(a), matrix<T>(a, i), leading(a), tau.data<T>() + i * k);
    });
  });
}

void reflectors(const Tensor& q, const Tensor& tau) {
  if (q.numel() == 0) return;
  const int64_t k = tau.sizes().back();
  with_lapack_type(q.dtype(), [&]<class T>(T) {
    for_each(q, [&](int64_t i) {
      lapack::orgqr<T>(rows(q), cols(q), k, matrix<T>(q, i), leading(q), tau.data<T>() + i * k);
    });
  });
}

void set_identity(const Tensor& t) {
  zero(t);
  with_lapack_type(t.dtype(), [&]<class T>(T) {
    for (int64_t i = 0; i < batch(t); ++i) {
      for (int64_t d = 0; d < std::min(rows(t), cols(t)); ++d) {
        T& v = matrix<T>(t, i)[d * (rows(t) + 1)];
        if constexpr (std::is_floating_point_v<T>) {
          v = 1;
        } else {
          v.re = 1;
        }
      }
    }
  });
}

void svd(const Tensor& a, const Tensor& u, const Tensor& s, const Tensor& vh, const Tensor& info) {
  zero(info);
  const int64_t m = rows(a), n = cols(a), k = std::min(m, n);
  const bool vectors = u.defined();
  if (k == 0) {
    if (vectors) set_identity(u), set_identity(vh);
    return;
  }
  const bool full = vectors && (cols(u) > k || rows(vh) > k);
  const lapack::Vectors job = !vectors ? lapack::Vectors::None
                              : full   ? lapack::Vectors::All
                                       : lapack::Vectors::Some;
  with_lapack_type(a.dtype(), [&]<class T>(T) {
    using R = lapack::RealOf<T>;
    for_each(a, [&](int64_t i) {
      T* x = matrix<T>(a, i);
      int32_t& status = info.data<int32_t>()[i];
      if (!all_finite(x, m * n)) {
        status = -1;
        return;
      }
      status =
          lapack::svd<T>(job, m, n, x, m, s.data<R>() + i * k, vectors ? matrix<T>(u, i) : nullptr,
                         m, vectors ? matrix<T>(vh, i) : nullptr, vectors ? leading(vh) : 1);
    });
  });
}

void eigh(const Tensor& a, const Tensor& w, const Tensor& info, bool upper, bool vectors) {
  zero(info);
  if (a.numel() == 0) return;
  with_lapack_type(a.dtype(), [&]<class T>(T) {
    using R = lapack::RealOf<T>;
    const int64_t n = rows(a);
    for_each(a, [&](int64_t i) {
      T* x = matrix<T>(a, i);
      int32_t& status = info.data<int32_t>()[i];
      status = all_finite(x, n * n) ? lapack::syevd<T>(vectors, upper, n, x, n, w.data<R>() + i * n)
                                    : -1;
    });
  });
}

void eig(const Tensor& a, const Tensor& w, const Tensor& v, const Tensor& info) {
  zero(info);
  if (a.numel() == 0) return;
  with_lapack_type(a.dtype(), [&]<class T>(T) {
    using C = lapack::ComplexOf<T>;
    const int64_t n = rows(a);
    for_each(a, [&](int64_t i) {
      T* x = matrix<T>(a, i);
      int32_t& status = info.data<int32_t>()[i];
      status = all_finite(x, n * n) ? lapack::geev<T>(n, x, n, w.data<C>() + i * n,
                                                      v.defined() ? matrix<C>(v, i) : nullptr, n)
                                    : -1;
    });
  });
}

void lstsq(const Tensor& a, const Tensor& b, const Tensor& s, const Tensor& rank,
           const Tensor& info, double rcond, LeastSquares driver) {
  zero(info);
  if (a.numel() == 0 || b.numel() == 0) return;
  const int64_t m = rows(a), n = cols(a), nrhs = cols(b), k = std::min(m, n);
  with_lapack_type(a.dtype(), [&]<class T>(T) {
    using R = lapack::RealOf<T>;
    for_each(a, [&](int64_t i) {
      T* x = matrix<T>(a, i);
      T* y = matrix<T>(b, i);
      int32_t own_rank = static_cast<int32_t>(k);
      int32_t& status = info.data<int32_t>()[i];
      const R r = static_cast<R>(rcond);
      const int64_t ldb = leading(b);
      switch (driver) {
        case LeastSquares::Gels:
          status = lapack::gels<T>(Trans::No, m, n, nrhs, x, m, y, ldb);
          break;
        case LeastSquares::Gelsy:
          status = lapack::gelsy<T>(m, n, nrhs, x, m, y, ldb, r, &own_rank);
          break;
        case LeastSquares::Gelsd:
          status = lapack::gelsd<T>(m, n, nrhs, x, m, y, ldb, s.data<R>() + i * k, r, &own_rank);
          break;
        case LeastSquares::Gelss:
          status = lapack::gelss<T>(m, n, nrhs, x, m, y, ldb, s.data<R>() + i * k, r, &own_rank);
          break;
      }
      rank.data<int64_t>()[i] = own_rank;
    });
  });
}

const RegisterKernel r_lu(lu_kernel, DeviceType::CPU, &lu);
const RegisterKernel r_lu_solve(lu_solve_kernel, DeviceType::CPU, &lu_solve);
const RegisterKernel r_cholesky(cholesky_kernel, DeviceType::CPU, &cholesky);
const RegisterKernel r_triangular(triangular_solve_kernel, DeviceType::CPU, &triangular_solve);
const RegisterKernel r_qr(qr_kernel, DeviceType::CPU, &qr);
const RegisterKernel r_reflectors(reflectors_kernel, DeviceType::CPU, &reflectors);
const RegisterKernel r_svd(svd_kernel, DeviceType::CPU, &svd);
const RegisterKernel r_eigh(eigh_kernel, DeviceType::CPU, &eigh);
const RegisterKernel r_eig(eig_kernel, DeviceType::CPU, &eig);
const RegisterKernel r_lstsq(lstsq_kernel, DeviceType::CPU, &lstsq);

}  // namespace

}  // namespace rt::cpu
