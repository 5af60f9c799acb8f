// The Fortran symbols behind lapack.h, by element type: Symbols<float>::getrf is sgetrf. Arrays
// are passed as Pointer, which converts to whatever a library's own header declares.
#pragma once

#include <cstddef>
#include <type_traits>

#include "core/dtype.h"

#if defined(RT_USE_ACCELERATE)
#include <Accelerate/Accelerate.h>
#define RT_SYMBOL(name) name##_
#define RT_LENGTHS_1
#define RT_LENGTHS_2
#define RT_LENGTHS_3
#define RT_LENGTHS_4
#else
// gfortran's calling convention: the lengths of character arguments follow all others.
#define RT_SYMBOL(name) scipy_##name##_
#define RT_LENGTHS_1 \
  , size_t { 1 }
#define RT_LENGTHS_2 RT_LENGTHS_1 RT_LENGTHS_1
#define RT_LENGTHS_3 RT_LENGTHS_2 RT_LENGTHS_1
#define RT_LENGTHS_4 RT_LENGTHS_3 RT_LENGTHS_1

#define RT_DECLARE_REAL(name, ...)      \
  void RT_SYMBOL(s##name)(__VA_ARGS__); \
  void RT_SYMBOL(d##name)(__VA_ARGS__);
#define RT_DECLARE_COMPLEX(name, ...)   \
  void RT_SYMBOL(c##name)(__VA_ARGS__); \
  void RT_SYMBOL(z##name)(__VA_ARGS__);
#define RT_DECLARE(name, ...)        \
  RT_DECLARE_REAL(name, __VA_ARGS__) \
  RT_DECLARE_COMPLEX(name, __VA_ARGS__)

extern "C" {
using RtInt = const int*;
using RtChar = const char*;
RT_DECLARE(getrf, RtInt m, RtInt n, void* a, RtInt lda, int* pivots, int* info)
RT_DECLARE(getrs, RtChar trans, RtInt n, RtInt nrhs, const void* a, RtInt lda, const int* pivots,
           void* b, RtInt ldb, int* info, size_t)
RT_DECLARE(getri, RtInt n, void* a, RtInt lda, const int* pivots, void* work, RtInt lwork,
           int* info)
RT_DECLARE(potrf, RtChar uplo, RtInt n, void* a, RtInt lda, int* info, size_t)
RT_DECLARE(potrs, RtChar uplo, RtInt n, RtInt nrhs, const void* a, RtInt lda, void* b, RtInt ldb,
           int* info, size_t)
RT_DECLARE(potri, RtChar uplo, RtInt n, void* a, RtInt lda, int* info, size_t)
RT_DECLARE(trtrs, RtChar uplo, RtChar trans, RtChar diag, RtInt n, RtInt nrhs, const void* a,
           RtInt lda, void* b, RtInt ldb, int* info, size_t, size_t, size_t)
RT_DECLARE(trsm, RtChar side, RtChar uplo, RtChar trans, RtChar diag, RtInt m, RtInt n,
           const void* alpha, const void* a, RtInt lda, void* b, RtInt ldb, size_t, size_t, size_t,
           size_t)
RT_DECLARE(geqrf, RtInt m, RtInt n, void* a, RtInt lda, void* tau, void* work, RtInt lwork,
           int* info)
RT_DECLARE_REAL(orgqr, RtInt m, RtInt n, RtInt k, void* a, RtInt lda, const void* tau, void* work,
                RtInt lwork, int* info)
RT_DECLARE_COMPLEX(ungqr, RtInt m, RtInt n, RtInt k, void* a, RtInt lda, const void* tau,
                   void* work, RtInt lwork, int* info)
RT_DECLARE_REAL(ormqr, RtChar side, RtChar trans, RtInt m, RtInt n, RtInt k, const void* a,
                RtInt lda, const void* tau, void* c, RtInt ldc, void* work, RtInt lwork, int* info,
                size_t, size_t)
RT_DECLARE_COMPLEX(unmqr, RtChar side, RtChar trans, RtInt m, RtInt n, RtInt k, const void* a,
                   RtInt lda, const void* tau, void* c, RtInt ldc, void* work, RtInt lwork,
                   int* info, size_t, size_t)
RT_DECLARE_REAL(gesdd, RtChar job, RtInt m, RtInt n, void* a, RtInt lda, void* s, void* u,
                RtInt ldu, void* vt, RtInt ldvt, void* work, RtInt lwork, int* iwork, int* info,
                size_t)
RT_DECLARE_COMPLEX(gesdd, RtChar job, RtInt m, RtInt n, void* a, RtInt lda, void* s, void* u,
                   RtInt ldu, void* vt, RtInt ldvt, void* work, RtInt lwork, void* rwork,
                   int* iwork, int* info, size_t)
RT_DECLARE_REAL(gesvd, RtChar jobu, RtChar jobvt, RtInt m, RtInt n, void* a, RtInt lda, void* s,
                void* u, RtInt ldu, void* vt, RtInt ldvt, void* work, RtInt lwork, int* info,
                size_t, size_t)
RT_DECLARE_COMPLEX(gesvd, RtChar jobu, RtChar jobvt, RtInt m, RtInt n, void* a, RtInt lda, void* s,
                   void* u, RtInt ldu, void* vt, RtInt ldvt, void* work, RtInt lwork, void* rwork,
                   int* info, size_t, size_t)
RT_DECLARE_REAL(syevd, RtChar job, RtChar uplo, RtInt n, void* a, RtInt lda, void* w, void* work,
                RtInt lwork, int* iwork, RtInt liwork, int* info, size_t, size_t)
RT_DECLARE_COMPLEX(heevd, RtChar job, RtChar uplo, RtInt n, void* a, RtInt lda, void* w, void* work,
                   RtInt lwork, void* rwork, RtInt lrwork, int* iwork, RtInt liwork, int* info,
                   size_t, size_t)
RT_DECLARE_REAL(geev, RtChar jobvl, RtChar jobvr, RtInt n, void* a, RtInt lda, void* wr, void* wi,
                void* vl, RtInt ldvl, void* vr, RtInt ldvr, void* work, RtInt lwork, int* info,
                size_t, size_t)
RT_DECLARE_COMPLEX(geev, RtChar jobvl, RtChar jobvr, RtInt n, void* a, RtInt lda, void* w, void* vl,
                   RtInt ldvl, void* vr, RtInt ldvr, void* work, RtInt lwork, void* rwork,
                   int* info, size_t, size_t)
RT_DECLARE(gels, RtChar trans, RtInt m, RtInt n, RtInt nrhs, void* a, RtInt lda, void* b, RtInt ldb,
           void* work, RtInt lwork, int* info, size_t)
RT_DECLARE_REAL(gelsy, RtInt m, RtInt n, RtInt nrhs, void* a, RtInt lda, void* b, RtInt ldb,
                int* jpvt, const void* rcond, int* rank, void* work, RtInt lwork, int* info)
RT_DECLARE_COMPLEX(gelsy, RtInt m, RtInt n, RtInt nrhs, void* a, RtInt lda, void* b, RtInt ldb,
                   int* jpvt, const void* rcond, int* rank, void* work, RtInt lwork, void* rwork,
                   int* info)
RT_DECLARE_REAL(gelsd, RtInt m, RtInt n, RtInt nrhs, void* a, RtInt lda, void* b, RtInt ldb,
                void* s, const void* rcond, int* rank, void* work, RtInt lwork, int* iwork,
                int* info)
RT_DECLARE_COMPLEX(gelsd, RtInt m, RtInt n, RtInt nrhs, void* a, RtInt lda, void* b, RtInt ldb,
                   void* s, const void* rcond, int* rank, void* work, RtInt lwork, void* rwork,
                   int* iwork, int* info)
RT_DECLARE_REAL(gelss, RtInt m, RtInt n, RtInt nrhs, void* a, RtInt lda, void* b, RtInt ldb,
                void* s, const void* rcond, int* rank, void* work, RtInt lwork, int* info)
RT_DECLARE_COMPLEX(gelss, RtInt m, RtInt n, RtInt nrhs, void* a, RtInt lda, void* b, RtInt ldb,
                   void* s, const void* rcond, int* rank, void* work, RtInt lwork, void* rwork,
                   int* info)
}
#undef RT_DECLARE
#undef RT_DECLARE_REAL
#undef RT_DECLARE_COMPLEX
#endif

namespace rt::cpu::lapack {

// An array argument: LAPACK has no const, and libraries name complex types differently.
struct Pointer {
  void* p;
  Pointer(const void* q) : p(const_cast<void*>(q)) {}
  template <class T>
  operator T*() const {
    return static_cast<T*>(p);
  }
};

template <class T>
struct Symbols;

#define RT_COMMON(x)                                  \
  static constexpr auto getrf = &RT_SYMBOL(x##getrf); \
  static constexpr auto getrs = &RT_SYMBOL(x##getrs); \
  static constexpr auto getri = &RT_SYMBOL(x##getri); \
  static constexpr auto potrf = &RT_SYMBOL(x##potrf); \
  static constexpr auto potrs = &RT_SYMBOL(x##potrs); \
  static constexpr auto potri = &RT_SYMBOL(x##potri); \
  static constexpr auto trtrs = &RT_SYMBOL(x##trtrs); \
  static constexpr auto trsm = &RT_SYMBOL(x##trsm);   \
  static constexpr auto geqrf = &RT_SYMBOL(x##geqrf); \
  static constexpr auto gesdd = &RT_SYMBOL(x##gesdd); \
  static constexpr auto gesvd = &RT_SYMBOL(x##gesvd); \
  static constexpr auto geev = &RT_SYMBOL(x##geev);   \
  static constexpr auto gels = &RT_SYMBOL(x##gels);   \
  static constexpr auto gelsy = &RT_SYMBOL(x##gelsy); \
  static constexpr auto gelsd = &RT_SYMBOL(x##gelsd); \
  static constexpr auto gelss = &RT_SYMBOL(x##gelss);
#define RT_REAL_SYMBOLS(x)                            \
  RT_COMMON(x)                                        \
  static constexpr auto orgqr = &RT_SYMBOL(x##orgqr); \
  static constexpr auto ormqr = &RT_SYMBOL(x##ormqr); \
  static constexpr auto syevd = &RT_SYMBOL(x##syevd);
#define RT_COMPLEX_SYMBOLS(x)                         \
  RT_COMMON(x)                                        \
  static constexpr auto orgqr = &RT_SYMBOL(x##ungqr); \
  static constexpr auto ormqr = &RT_SYMBOL(x##unmqr); \
  static constexpr auto syevd = &RT_SYMBOL(x##heevd);

template <>
struct Symbols<float> {
  RT_REAL_SYMBOLS(s)
};
template <>
struct Symbols<double> {
  RT_REAL_SYMBOLS(d)
};
template <>
struct Symbols<Complex64> {
  RT_COMPLEX_SYMBOLS(c)
};
template <>
struct Symbols<Complex128> {
  RT_COMPLEX_SYMBOLS(z)
};
#undef RT_COMMON
#undef RT_REAL_SYMBOLS
#undef RT_COMPLEX_SYMBOLS

}  // namespace rt::cpu::lapack
