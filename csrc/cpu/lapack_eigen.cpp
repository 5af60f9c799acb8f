// Singular values, eigenvalues, and least squares.
#include <algorithm>
#include <cstdint>
#include <limits>

#include "cpu/lapack.h"
#include "cpu/lapack_support.h"

namespace rt::cpu::lapack {

namespace {
char letter(Vectors job) { return job == Vectors::None ? 'N' : job == Vectors::Some ? 'S' : 'A'; }
}  // namespace

template <class T>
int gesdd(Vectors job, int64_t m64, int64_t n64, T* a, int64_t lda64, RealOf<T>* s, T* u,
          int64_t ldu64, T* vt, int64_t ldvt64) {
  const int m = to_int(m64), n = to_int(n64), lda = to_ld(lda64), ldu = to_ld(ldu64),
            ldvt = to_ld(ldvt64);
  const char which = letter(job);
  const int64_t k = std::min(m, n), large = std::max(m, n);
  if (k == 0) return 0;
  const Threads threads(m, n);
  const Scratch<int> iwork(8 * k);
  int info = 0;
  if constexpr (kIsComplex<T>) {
    // The larger of the lengths that LAPACK's releases have asked for.
    const int64_t need =
        job == Vectors::None ? 7 * k : std::max(5 * k * k + 7 * k, 2 * large * k + 2 * k * k + k);
    const Scratch<RealOf<T>> rwork(need);
    with_work<T>([&](T* work, int lwork) {
      Symbols<T>::gesdd(&which, &m, &n, Pointer(a), &lda, Pointer(s), Pointer(u), &ldu, Pointer(vt),
                        &ldvt, Pointer(work), &lwork, Pointer(rwork.data()), iwork.data(),
                        &info RT_LENGTHS_1);
    });
  } else {
    with_work<T>([&](T* work, int lwork) {
      Symbols<T>::gesdd(&which, &m, &n, Pointer(a), &lda, Pointer(s), Pointer(u), &ldu, Pointer(vt),
                        &ldvt, Pointer(work), &lwork, iwork.data(), &info RT_LENGTHS_1);
    });
  }
  return info;
}

template <class T>
int gesvd(Vectors job, int64_t m64, int64_t n64, T* a, int64_t lda64, RealOf<T>* s, T* u,
          int64_t ldu64, T* vt, int64_t ldvt64) {
  const int m = to_int(m64), n = to_int(n64), lda = to_ld(lda64), ldu = to_ld(ldu64),
            ldvt = to_ld(ldvt64);
  const char which = letter(job);
  const int64_t k = std::min(m, n);
  if (k == 0) return 0;
  const Threads threads(m, n);
  int info = 0;
  if constexpr (kIsComplex<T>) {
    const Scratch<RealOf<T>> rwork(5 * k);
    with_work<T>([&](T* work, int lwork) {
      Symbols<T>::gesvd(&which, &which, &m, &n, Pointer(a), &lda, Pointer(s), Pointer(u), &ldu,
                        Pointer(vt), &ldvt, Pointer(work), &lwork, Pointer(rwork.data()),
                        &info RT_LENGTHS_2);
    });
  } else {
    with_work<T>([&](T* work, int lwork) {
      Symbols<T>::gesvd(&which, &which, &m, &n, Pointer(a), &lda, Pointer(s), Pointer(u), &ldu,
                        Pointer(vt), &ldvt, Pointer(work), &lwork, &info RT_LENGTHS_2);
    });
  }
  return info;
}

template <class T>
int svd(Vectors job, int64_t m, int64_t n, T* a, int64_t lda, RealOf<T>* s, T* u, int64_t ldu,
        T* vt, int64_t ldvt) {
  const Scratch<T> copy(std::max<int64_t>(m * n, 1));
  for (int64_t j = 0; j < n; ++j) std::copy_n(a + j * lda, m, copy.data() + j * m);
  const int info = gesdd(job, m, n, a, lda, s, u, ldu, vt, ldvt);
  if (info <= 0) return info;
  return gesvd(job, m, n, copy.data(), m, s, u, ldu, vt, ldvt);
}

template <class T>
int syevd(bool vectors, bool upper, int64_t n64, T* a, int64_t lda64, RealOf<T>* w) {
  using R = RealOf<T>;
  const int n = to_int(n64), lda = to_ld(lda64);
  const char job = vectors ? 'V' : 'N', part = uplo(upper);
  const Threads threads(n, n);
  int info = 0, ask = -1, int_length = 0;
  T answer{};
  if constexpr (kIsComplex<T>) {
    R real_answer = 0;
    Symbols<T>::syevd(&job, &part, &n, Pointer(a), &lda, Pointer(w), Pointer(&answer), &ask,
                      Pointer(&real_answer), &ask, &int_length, &ask, &info RT_LENGTHS_2);
    const int lwork = length(answer), lrwork = length(real_answer),
              liwork = std::max(int_length, 1);
    const Scratch<T> work(lwork);
    const Scratch<R> rwork(lrwork);
    const Scratch<int> iwork(liwork);
    Symbols<T>::syevd(&job, &part, &n, Pointer(a), &lda, Pointer(w), Pointer(work.data()), &lwork,
                      Pointer(rwork.data()), &lrwork, iwork.data(), &liwork, &info RT_LENGTHS_2);
  } else {
    Symbols<T>::syevd(&job, &part, &n, Pointer(a), &lda, Pointer(w), Pointer(&answer), &ask,
                      &int_length, &ask, &info RT_LENGTHS_2);
    const int lwork = length(answer), liwork = std::max(int_length, 1);
    const Scratch<T> work(lwork);
    const Scratch<int> iwork(liwork);
    Symbols<T>::syevd(&job, &part, &n, Pointer(a), &lda, Pointer(w), Pointer(work.data()), &lwork,
                      iwork.data(), &liwork, &info RT_LENGTHS_2);
  }
  return info;
}

template <class T>
int geev(int64_t n64, T* a, int64_t lda64, ComplexOf<T>* w, ComplexOf<T>* vr, int64_t ldvr64) {
  using R = RealOf<T>;
  const int n = to_int(n64), lda = to_ld(lda64), ldvr = to_ld(ldvr64), one = 1;
  const char none = 'N', right = vr != nullptr ? 'V' : 'N';
  if (n == 0) return 0;
  const Threads threads(n, n);
  int info = 0;
  if constexpr (kIsComplex<T>) {
    const Scratch<R> rwork(2 * n64);
    with_work<T>([&](T* work, int lwork) {
      Symbols<T>::geev(&none, &right, &n, Pointer(a), &lda, Pointer(w), Pointer(nullptr), &one,
                       Pointer(vr), &ldvr, Pointer(work), &lwork, Pointer(rwork.data()),
                       &info RT_LENGTHS_2);
    });
  } else {
    const Scratch<R> re(n64), im(n64), vectors(vr != nullptr ? n64 * n64 : 1);
    with_work<T>([&](T* work, int lwork) {
      Symbols<T>::geev(&none, &right, &n, Pointer(a), &lda, Pointer(re.data()), Pointer(im.data()),
                       Pointer(nullptr), &one, Pointer(vectors.data()), &n, Pointer(work), &lwork,
                       &info RT_LENGTHS_2);
    });
    for (int64_t i = 0; i < n64; ++i) w[i] = {re.data()[i], im.data()[i]};
    for (int64_t j = 0; vr != nullptr && j < n64; ++j) {
      const R* x = vectors.data() + j * n64;
      ComplexOf<T>* out = vr + j * ldvr64;
      if (im.data()[j] == R{0}) {
        for (int64_t i = 0; i < n64; ++i) out[i] = {x[i], R{0}};
        continue;
      }
      // A conjugate pair is stored as the real and imaginary columns of its first vector.
      for (int64_t i = 0; i < n64; ++i) {
        out[i] = {x[i], x[n64 + i]};
        out[ldvr64 + i] = {x[i], -x[n64 + i]};
      }
      ++j;
    }
  }
  return info;
}

template <class T>
int gels(Trans t, int64_t m64, int64_t n64, int64_t nrhs64, T* a, int64_t lda64, T* b,
         int64_t ldb64) {
  const int m = to_int(m64), n = to_int(n64), nrhs = to_int(nrhs64), lda = to_ld(lda64),
            ldb = to_ld(ldb64);
  const char op = t == Trans::No ? 'N' : kIsComplex<T> ? 'C' : 'T';
  RT_CHECK(!kIsComplex<T> || t != Trans::Yes, Value, "gels",
           "complex matrices have no plain transpose here", {}, "the conjugate transpose");
  const Threads threads(m, n);
  int info = 0;
  with_work<T>([&](T* work, int lwork) {
    Symbols<T>::gels(&op, &m, &n, &nrhs, Pointer(a), &lda, Pointer(b), &ldb, Pointer(work), &lwork,
                     &info RT_LENGTHS_1);
  });
  return info;
}

template <class T>
int gelsy(int64_t m64, int64_t n64, int64_t nrhs64, T* a, int64_t lda64, T* b, int64_t ldb64,
          RealOf<T> rcond, int32_t* rank) {
  using R = RealOf<T>;
  const int m = to_int(m64), n = to_int(n64), nrhs = to_int(nrhs64), lda = to_ld(lda64),
            ldb = to_ld(ldb64);
  if (rcond < 0) rcond = std::numeric_limits<R>::epsilon();  // the other drivers do so themselves
  const Threads threads(m, n);
  const Scratch<int> jpvt(std::max(n, 1));
  std::fill_n(jpvt.data(), n, 0);  // every column may move
  int info = 0;
  if constexpr (kIsComplex<T>) {
    const Scratch<R> rwork(std::max<int64_t>(2 * n64, 1));
    with_work<T>([&](T* work, int lwork) {
      Symbols<T>::gelsy(&m, &n, &nrhs, Pointer(a), &lda, Pointer(b), &ldb, jpvt.data(),
                        Pointer(&rcond), rank, Pointer(work), &lwork, Pointer(rwork.data()), &info);
    });
  } else {
    with_work<T>([&](T* work, int lwork) {
      Symbols<T>::gelsy(&m, &n, &nrhs, Pointer(a), &lda, Pointer(b), &ldb, jpvt.data(),
                        Pointer(&rcond), rank, Pointer(work), &lwork, &info);
    });
  }
  return info;
}

template <class T>
int gelsd(int64_t m64, int64_t n64, int64_t nrhs64, T* a, int64_t lda64, T* b, int64_t ldb64,
          RealOf<T>* s, RealOf<T> rcond, int32_t* rank) {
  using R = RealOf<T>;
  const int m = to_int(m64), n = to_int(n64), nrhs = to_int(nrhs64), lda = to_ld(lda64),
            ldb = to_ld(ldb64);
  const Threads threads(m, n);
  int info = 0, ask = -1, int_length = 0;
  T answer{};
  if constexpr (kIsComplex<T>) {
    R real_length = 0;
    Symbols<T>::gelsd(&m, &n, &nrhs, Pointer(a), &lda, Pointer(b), &ldb, Pointer(s),
                      Pointer(&rcond), rank, Pointer(&answer), &ask, Pointer(&real_length),
                      &int_length, &info);
    const int lwork = length(answer);
    const Scratch<T> work(lwork);
    const Scratch<R> rwork(length(real_length));
    const Scratch<int> iwork(std::max(int_length, 1));
    Symbols<T>::gelsd(&m, &n, &nrhs, Pointer(a), &lda, Pointer(b), &ldb, Pointer(s),
                      Pointer(&rcond), rank, Pointer(work.data()), &lwork, Pointer(rwork.data()),
                      iwork.data(), &info);
  } else {
    Symbols<T>::gelsd(&m, &n, &nrhs, Pointer(a), &lda, Pointer(b), &ldb, Pointer(s),
                      Pointer(&rcond), rank, Pointer(&answer), &ask, &int_length, &info);
    const int lwork = length(answer);
    const Scratch<T> work(lwork);
    const Scratch<int> iwork(std::max(int_length, 1));
    Symbols<T>::gelsd(&m, &n, &nrhs, Pointer(a), &lda, Pointer(b), &ldb, Pointer(s),
                      Pointer(&rcond), rank, Pointer(work.data()), &lwork, iwork.data(), &info);
  }
  return info;
}

template <class T>
int gelss(int64_t m64, int64_t n64, int64_t nrhs64, T* a, int64_t lda64, T* b, int64_t ldb64,
          RealOf<T>* s, RealOf<T> rcond, int32_t* rank) {
  const int m = to_int(m64), n = to_int(n64), nrhs = to_int(nrhs64), lda = to_ld(lda64),
            ldb = to_ld(ldb64);
  const Threads threads(m, n);
  int info = 0;
  if constexpr (kIsComplex<T>) {
    const Scratch<RealOf<T>> rwork(std::max<int64_t>(5 * std::min(m, n), 1));
    with_work<T>([&](T* work, int lwork) {
      Symbols<T>::gelss(&m, &n, &nrhs, Pointer(a), &lda, Pointer(b), &ldb, Pointer(s),
                        Pointer(&rcond), rank, Pointer(work), &lwork, Pointer(rwork.data()), &info);
    });
  } else {
    with_work<T>([&](T* work, int lwork) {
      Symbols<T>::gelss(&m, &n, &nrhs, Pointer(a), &lda, Pointer(b), &ldb, Pointer(s),
                        Pointer(&rcond), rank, Pointer(work), &lwork, &info);
    });
  }
  return info;
}

#define RT_INSTANTIATE(T)                                                                         \
  template int gesdd(Vectors, int64_t, int64_t, T*, int64_t, RealOf<T>*, T*, int64_t, T*,         \
                     int64_t);                                                                    \
  template int gesvd(Vectors, int64_t, int64_t, T*, int64_t, RealOf<T>*, T*, int64_t, T*,         \
                     int64_t);                                                                    \
  template int svd(Vectors, int64_t, int64_t, T*, int64_t, RealOf<T>*, T*, int64_t, T*, int64_t); \
  template int syevd(bool, bool, int64_t, T*, int64_t, RealOf<T>*);                               \
  template int geev(int64_t, T*, int64_t, ComplexOf<T>*, ComplexOf<T>*, int64_t);                 \
  template int gels(Trans, int64_t, int64_t, int64_t, T*, int64_t, T*, int64_t);                  \
  template int gelsy(int64_t, int64_t, int64_t, T*, int64_t, T*, int64_t, RealOf<T>, int32_t*);   \
  template int gelsd(int64_t, int64_t, int64_t, T*, int64_t, T*, int64_t, RealOf<T>*, RealOf<T>,  \
                     int32_t*);                                                                   \
  template int gelss(int64_t, int64_t, int64_t, T*, int64_t, T*, int64_t, RealOf<T>*, RealOf<T>,  \
                     int32_t*);
RT_FOR_LAPACK_TYPES(RT_INSTANTIATE)
#undef RT_INSTANTIATE

}  // namespace rt::cpu::lapack
