// Factorisations and the solvers that use them.
#include "cpu/lapack.h"

#include <cstdint>

#include "cpu/lapack_support.h"

namespace rt::cpu::lapack {

template <class T>
int getrf(int64_t m64, int64_t n64, T* a, int64_t lda64, int32_t* pivots) {
  const int m = to_int(m64), n = to_int(n64), lda = to_ld(lda64);
  const Threads threads(m, n);
  int info = 0;
  Symbols<T>::getrf(&m, &n, Pointer(a), &lda, pivots, &info);
  return info;
}

template <class T>
int getrs(Trans t, int64_t n64, int64_t nrhs64, const T* lu, int64_t lda64, const int32_t* pivots,
          T* b, int64_t ldb64) {
  const int n = to_int(n64), nrhs = to_int(nrhs64), lda = to_ld(lda64), ldb = to_ld(ldb64);
  const char op = trans(t);
  const Threads threads(n, nrhs);
  int info = 0;
  Symbols<T>::getrs(&op, &n, &nrhs, Pointer(lu), &lda, Pointer(pivots), Pointer(b), &ldb,
                    &info RT_LENGTHS_1);
  return info;
}

template <class T>
int getri(int64_t n64, T* lu, int64_t lda64, const int32_t* pivots) {
  const int n = to_int(n64), lda = to_ld(lda64);
  const Threads threads(n, n);
  int info = 0;
  with_work<T>([&](T* work, int lwork) {
    Symbols<T>::getri(&n, Pointer(lu), &lda, Pointer(pivots), Pointer(work), &lwork, &info);
  });
  return info;
}

template <class T>
int potrf(bool upper, int64_t n64, T* a, int64_t lda64) {
  const int n = to_int(n64), lda = to_ld(lda64);
  const char part = uplo(upper);
  const Threads threads(n, n);
  int info = 0;
  Symbols<T>::potrf(&part, &n, Pointer(a), &lda, &info RT_LENGTHS_1);
  return info;
}

template <class T>
int potrs(bool upper, int64_t n64, int64_t nrhs64, const T* factor, int64_t lda64, T* b,
          int64_t ldb64) {
  const int n = to_int(n64), nrhs = to_int(nrhs64), lda = to_ld(lda64), ldb = to_ld(ldb64);
  const char part = uplo(upper);
  const Threads threads(n, nrhs);
  int info = 0;
  Symbols<T>::potrs(&part, &n, &nrhs, Pointer(factor), &lda, Pointer(b), &ldb, &info RT_LENGTHS_1);
  return info;
}

template <class T>
int potri(bool upper, int64_t n64, T* factor, int64_t lda64) {
  const int n = to_int(n64), lda = to_ld(lda64);
  const char part = uplo(upper);
  const Threads threads(n, n);
  int info = 0;
  Symbols<T>::potri(&part, &n, Pointer(factor), &lda, &info RT_LENGTHS_1);
  return info;
}

template <class T>
int trtrs(bool upper, Trans t, bool unit, int64_t n64, int64_t nrhs64, const T* a, int64_t lda64,
          T* b, int64_t ldb64) {
  const int n = to_int(n64), nrhs = to_int(nrhs64), lda = to_ld(lda64), ldb = to_ld(ldb64);
  const char part = uplo(upper), op = trans(t), diagonal = unit ? 'U' : 'N';
  const Threads threads(n, nrhs);
  int info = 0;
  Symbols<T>::trtrs(&part, &op, &diagonal, &n, &nrhs, Pointer(a), &lda, Pointer(b), &ldb,
                    &info RT_LENGTHS_3);
  return info;
}

template <class T>
void trsm(bool left, bool upper, Trans t, bool unit, int64_t m64, int64_t n64, T alpha, const T* a,
          int64_t lda64, T* b, int64_t ldb64) {
  const int m = to_int(m64), n = to_int(n64), lda = to_ld(lda64), ldb = to_ld(ldb64);
  if (m == 0 || n == 0) return;
  const char side = left ? 'L' : 'R', part = uplo(upper), op = trans(t),
             diagonal = unit ? 'U' : 'N';
  const Threads threads(m, n);
  Symbols<T>::trsm(&side, &part, &op, &diagonal, &m, &n, Pointer(&alpha), Pointer(a), &lda,
                   Pointer(b), &ldb RT_LENGTHS_4);
}

template <class T>
int geqrf(int64_t m64, int64_t n64, T* a, int64_t lda64, T* tau) {
  const int m = to_int(m64), n = to_int(n64), lda = to_ld(lda64);
  const Threads threads(m, n);
  int info = 0;
  with_work<T>([&](T* work, int lwork) {
    Symbols<T>::geqrf(&m, &n, Pointer(a), &lda, Pointer(tau), Pointer(work), &lwork, &info);
  });
  return info;
}

template <class T>
int orgqr(int64_t m64, int64_t n64, int64_t k64, T* a, int64_t lda64, const T* tau) {
  const int m = to_int(m64), n = to_int(n64), k = to_int(k64), lda = to_ld(lda64);
  const Threads threads(m, n);
  int info = 0;
  with_work<T>([&](T* work, int lwork) {
    Symbols<T>::orgqr(&m, &n, &k, Pointer(a), &lda, Pointer(tau), Pointer(work), &lwork, &info);
  });
  return info;
}

template <class T>
int ormqr(bool left, Trans t, int64_t m64, int64_t n64, int64_t k64, const T* a, int64_t lda64,
          const T* tau, T* c, int64_t ldc64) {
  const int m = to_int(m64), n = to_int(n64), k = to_int(k64), lda = to_ld(lda64),
            ldc = to_ld(ldc64);
  // Real matrices have a transpose only, complex ones a conjugate transpose only.
  const char side = left ? 'L' : 'R', op = t == Trans::No ? 'N' : kIsComplex<T> ? 'C' : 'T';
  RT_CHECK(!kIsComplex<T> || t != Trans::Yes, Value, "ormqr",
           "complex matrices have no plain transpose here", {}, "the conjugate transpose");
  const Threads threads(m, n);
  int info = 0;
  with_work<T>([&](T* work, int lwork) {
    Symbols<T>::ormqr(&side, &op, &m, &n, &k, Pointer(a), &lda, Pointer(tau), Pointer(c), &ldc,
                      Pointer(work), &lwork, &info RT_LENGTHS_2);
  });
  return info;
}

#define RT_INSTANTIATE(T)                                                                      \
  template int getrf(int64_t, int64_t, T*, int64_t, int32_t*);                                 \
  template int getrs(Trans, int64_t, int64_t, const T*, int64_t, const int32_t*, T*, int64_t); \
  template int getri(int64_t, T*, int64_t, const int32_t*);                                    \
  template int potrf(bool, int64_t, T*, int64_t);                                              \
  template int potrs(bool, int64_t, int64_t, const T*, int64_t, T*, int64_t);                  \
  template int potri(bool, int64_t, T*, int64_t);                                              \
  template int trtrs(bool, Trans, bool, int64_t, int64_t, const T*, int64_t, T*, int64_t);     \
  template void trsm(bool, bool, Trans, bool, int64_t, int64_t, T, const T*, int64_t, T*,      \
                     int64_t);                                                                 \
  template int geqrf(int64_t, int64_t, T*, int64_t, T*);                                       \
  template int orgqr(int64_t, int64_t, int64_t, T*, int64_t, const T*);                        \
  template int ormqr(bool, Trans, int64_t, int64_t, int64_t, const T*, int64_t, const T*, T*,  \
                     int64_t);
RT_FOR_LAPACK_TYPES(RT_INSTANTIATE)
#undef RT_INSTANTIATE

}  // namespace rt::cpu::lapack
