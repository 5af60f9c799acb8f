// What the wrappers of lapack.h share.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <type_traits>

#include "core/error.h"
#include "cpu/blas_threads.h"
#include "cpu/lapack.h"
#include "cpu/lapack_symbols.h"
#include "cpu/scratch.h"

namespace rt::cpu::lapack {

template <class T>
inline constexpr bool kIsComplex = std::is_same_v<T, Complex64> || std::is_same_v<T, Complex128>;

// A size as LAPACK's integer.
inline int to_int(int64_t n) {
  RT_CHECK(n >= 0 && n <= INT32_MAX, Value, "linalg", "a size does not fit LAPACK's integers",
           cat_str(n));
  return static_cast<int>(n);
}
// A leading dimension, which LAPACK wants positive.
inline int to_ld(int64_t n) { return std::max(to_int(n), 1); }

inline char uplo(bool upper) { return upper ? 'U' : 'L'; }
inline char trans(Trans t) { return t == Trans::No ? 'N' : t == Trans::Yes ? 'T' : 'C'; }

// The length LAPACK answers to a query, which comes as a value of T.
template <class T>
int length(T answer) {
  if constexpr (kIsComplex<T>) {
    return std::max(static_cast<int>(answer.re), 1);
  } else {
    return std::max(static_cast<int>(answer), 1);
  }
}

// Calls f(work, lwork): once to ask for the length, once to work.
template <class T, class F>
void with_work(F&& f) {
  T answer{};
  f(&answer, -1);
  const int lwork = length(answer);
  const Scratch<T> work(lwork);
  f(work.data(), lwork);
}

// Gives OpenBLAS its threads for matrices that are worth it.
class Threads {
 public:
  explicit Threads(int64_t m, int64_t n) {
    blas_threads_ready();
    if (std::min(m, n) >= 128) scope_.emplace();
  }

 private:
  std::optional<BlasThreadScope> scope_;
};

}  // namespace rt::cpu::lapack

// Instantiates what f(T) expands to for the four element types.
#define RT_FOR_LAPACK_TYPES(f) f(float) f(double) f(Complex64) f(Complex128)
