// LAPACK's factorisations and solvers over raw memory. Matrices are column-major, as LAPACK has
// them: `ld` is the distance between columns. T is float, double, Complex64 or Complex128.
//
// Each returns LAPACK's info: 0 for success, i > 0 for what the function's comment says. Arguments
// are the caller's to check; a size that does not fit 32 bits throws Error(Value).
#pragma once

#include <cstdint>

#include "core/dtype.h"
#include "cpu/gemm.h"

namespace rt::cpu::lapack {

template <class T>
struct Real {
  using type = T;
};
template <>
struct Real<Complex64> {
  using type = float;
};
template <>
struct Real<Complex128> {
  using type = double;
};
template <class T>
using RealOf = typename Real<T>::type;

template <class T>
struct Complex {
  using type = T;
};
template <>
struct Complex<float> {
  using type = Complex64;
};
template <>
struct Complex<double> {
  using type = Complex128;
};
template <class T>
using ComplexOf = typename Complex<T>::type;

// A = P L U of an m x n matrix; pivots (1-based) has min(m, n) entries. i > 0: U(i, i) is zero.
template <class T>
int getrf(int64_t m, int64_t n, T* a, int64_t lda, int32_t* pivots);
// Solves op(A) X = B from getrf's factors; B becomes X.
template <class T>
int getrs(Trans t, int64_t n, int64_t nrhs, const T* lu, int64_t lda, const int32_t* pivots, T* b,
          int64_t ldb);
// The inverse from getrf's factors, in place. i > 0: U(i, i) is zero.
template <class T>
int getri(int64_t n, T* lu, int64_t lda, const int32_t* pivots);

// A = L L^H or U^H U; the other triangle is not touched. i > 0: the leading minor of order i is
// not positive definite.
template <class T>
int potrf(bool upper, int64_t n, T* a, int64_t lda);
template <class T>
int potrs(bool upper, int64_t n, int64_t nrhs, const T* factor, int64_t lda, T* b, int64_t ldb);
// The inverse from potrf's factor; writes the same triangle of it.
template <class T>
int potri(bool upper, int64_t n, T* factor, int64_t lda);

// Solves op(A) X = B for a triangular A. i > 0: A(i, i) is zero, and B is unchanged.
template <class T>
int trtrs(bool upper, Trans t, bool unit, int64_t n, int64_t nrhs, const T* a, int64_t lda, T* b,
          int64_t ldb);
// B = alpha op(A)^-1 B (left) or alpha B op(A)^-1, A triangular, B m x n. A zero on the diagonal
// gives infinities.
template <class T>
void trsm(bool left, bool upper, Trans t, bool unit, int64_t m, int64_t n, T alpha, const T* a,
          int64_t lda, T* b, int64_t ldb);

// A = Q R: R above the diagonal, Q as reflectors below it and in tau (min(m, n) entries).
template <class T>
int geqrf(int64_t m, int64_t n, T* a, int64_t lda, T* tau);
// The first n columns of the Q of k reflectors of length m >= n >= k, in place.
template <class T>
int orgqr(int64_t m, int64_t n, int64_t k, T* a, int64_t lda, const T* tau);
// C (m x n) becomes op(Q) C (left) or C op(Q); for real types Conj is the same as Yes, and for
// complex ones Yes is not available.
template <class T>
int ormqr(bool left, Trans t, int64_t m, int64_t n, int64_t k, const T* a, int64_t lda,
          const T* tau, T* c, int64_t ldc);

enum class Vectors : uint8_t { None, Some, All };  // Some: the first min(m, n)

// A = U diag(s) V^H by divide and conquer, s falling, vt holding V^H. A is destroyed. i > 0: it
// did not converge. u and vt are not used with None.
template <class T>
int gesdd(Vectors job, int64_t m, int64_t n, T* a, int64_t lda, RealOf<T>* s, T* u, int64_t ldu,
          T* vt, int64_t ldvt);
// The same by QR iterations: slower, and converges where gesdd may not.
template <class T>
int gesvd(Vectors job, int64_t m, int64_t n, T* a, int64_t lda, RealOf<T>* s, T* u, int64_t ldu,
          T* vt, int64_t ldvt);
// gesdd, and gesvd on a copy of A if that does not converge.
template <class T>
int svd(Vectors job, int64_t m, int64_t n, T* a, int64_t lda, RealOf<T>* s, T* u, int64_t ldu,
        T* vt, int64_t ldvt);

// Eigenvalues (rising) of a symmetric or Hermitian matrix of which one triangle is read; with
// `vectors` A becomes the eigenvectors, else it is destroyed. i > 0: it did not converge.
template <class T>
int syevd(bool vectors, bool upper, int64_t n, T* a, int64_t lda, RealOf<T>* w);
// Eigenvalues of any square matrix and, where vr is not null, right eigenvectors of norm 1, always
// as complex numbers. A is destroyed. i > 0: eigenvalues 1..i did not converge.
template <class T>
int geev(int64_t n, T* a, int64_t lda, ComplexOf<T>* w, ComplexOf<T>* vr, int64_t ldvr);

// Least squares: minimises |op(A) X - B|. B has max(m, n) rows and becomes X in its first ones.
// gels assumes full rank (i > 0: it is not). The others find the rank with singular values or
// pivots below rcond times the largest taken as zero (rcond < 0: the machine's precision) and give
// the X of least norm; gelsd and gelss also give the singular values s. i > 0: no convergence.
template <class T>
int gels(Trans t, int64_t m, int64_t n, int64_t nrhs, T* a, int64_t lda, T* b, int64_t ldb);
template <class T>
int gelsy(int64_t m, int64_t n, int64_t nrhs, T* a, int64_t lda, T* b, int64_t ldb, RealOf<T> rcond,
          int32_t* rank);
template <class T>
int gelsd(int64_t m, int64_t n, int64_t nrhs, T* a, int64_t lda, T* b, int64_t ldb, RealOf<T>* s,
          RealOf<T> rcond, int32_t* rank);
template <class T>
int gelss(int64_t m, int64_t n, int64_t nrhs, T* a, int64_t lda, T* b, int64_t ldb, RealOf<T>* s,
          RealOf<T> rcond, int32_t* rank);

}  // namespace rt::cpu::lapack
