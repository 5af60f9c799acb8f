// Scans down `rows` rows of n neighbouring columns; `step` in elements, negative to run backwards.
#include "cpu/kernels/complex.h"
#include "cpu/kernels/vectors.h"
#include "cpu/reduce_loops.h"

namespace rt::cpu::RT_ISA {

namespace {

constexpr int64_t kColumns = 128;

template <class T>
struct Wider {
  using type = T;
};
template <>
struct Wider<f32> {
  using type = f64;
};
template <>
struct Wider<c64> {
  using type = c128;
};

struct Add {
  template <class T>
  RT_INLINE_MEMBER T start() {
    return T{};
  }
  template <class T>
  RT_INLINE_MEMBER T step(T a, T b) {
    return a + b;
  }
  template <class F>
  RT_INLINE_MEMBER Complex<F> step(Complex<F> a, Complex<F> b) {
    return {a.re + b.re, a.im + b.im};
  }
};
template <class T>
RT_INLINE T one(T*) {
  return 1;
}
template <class F>
RT_INLINE Complex<F> one(Complex<F>*) {
  return {1, 0};
}
struct Multiply {
  template <class T>
  RT_INLINE_MEMBER T start() {
    return one(static_cast<T*>(nullptr));
  }
  template <class T>
  RT_INLINE_MEMBER T step(T a, T b) {
    return a * b;
  }
  template <class F>
  RT_INLINE_MEMBER Complex<F> step(Complex<F> a, Complex<F> b) {
    return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
  }
};
template <class T>
RT_INLINE T log_of_zero(T*) {
  return static_cast<T>(-__builtin_inf());
}
template <class F>
RT_INLINE Complex<F> log_of_zero(Complex<F>*) {
  return {static_cast<F>(-__builtin_inf()), 0};
}
// log(exp(a) + exp(b)), also for infinities.
struct LogAdd {
  template <class T>
  RT_INLINE_MEMBER T start() {
    return log_of_zero(static_cast<T*>(nullptr));
  }
  template <class F>
  RT_INLINE_MEMBER Complex<F> step(Complex<F> a, Complex<F> b) {
    return c_logaddexp(a, b);
  }
  template <class T>
  RT_INLINE_MEMBER T step(T a, T b) {
    const T high = a > b || a != a ? a : b, low = a > b || a != a ? b : a;
    const T gap = low - high;
    return gap == gap ? high + log1p_(exp_(gap)) : high;
  }
};

template <class A, class T>
RT_INLINE A widen(T x) {
  return static_cast<A>(x);
}
template <class A, class F>
RT_INLINE A widen(Complex<F> x) {
  return {x.re, x.im};
}
template <class T, class A>
RT_INLINE T narrow(A x) {
  return static_cast<T>(x);
}
template <class T, class F>
RT_INLINE T narrow(Complex<F> x) {
  using R = decltype(T{}.re);
  return {static_cast<R>(x.re), static_cast<R>(x.im)};
}

template <class T, class O>
void scan(int64_t rows, int64_t n, int64_t step, const void* in, void* result) {
  using A = typename Wider<T>::type;
  for (int64_t j = 0; j < n; j += kColumns) {
    const int64_t w = least(kColumns, n - j);
    const T* x = static_cast<const T*>(in) + j;
    T* out = static_cast<T*>(result) + j;
    A sum[kColumns];
    for (int64_t k = 0; k < w; ++k) sum[k] = O::template start<A>();
    for (int64_t r = 0; r < rows; ++r) {
#pragma GCC ivdep
      for (int64_t k = 0; k < w; ++k) {
        sum[k] = O::step(sum[k], widen<A>(x[r * step + k]));
        out[r * step + k] = narrow<T>(sum[k]);
      }
    }
  }
}

// Whether v takes the place of the best so far: of equal ones the last, and NaN, once met, stays.
template <class T, bool kLargest>
RT_INLINE bool takes_over(T v, T best) {
  return (v != v) | ((best == best) & (kLargest ? v >= best : v <= best));
}

// The best so far and its position.
template <class T, bool kLargest>
void best_so_far(int64_t rows, int64_t n, int64_t step, const void* in, void* result,
                 void* positions) {
  for (int64_t j = 0; j < n; j += kColumns) {
    const int64_t w = least(kColumns, n - j);
    const T* x = static_cast<const T*>(in) + j;
    T* out = static_cast<T*>(result) + j;
    s64* index = static_cast<s64*>(positions) + j;
    T best[kColumns];
    s64 at[kColumns];
    for (int64_t k = 0; k < w; ++k) {
      best[k] = x[k];
      at[k] = 0;
    }
    for (int64_t r = 0; r < rows; ++r) {
#pragma GCC ivdep
      for (int64_t k = 0; k < w; ++k) {
        const T v = x[r * step + k];
        const bool take = takes_over<T, kLargest>(v, best[k]);
        best[k] = take ? v : best[k];
        at[k] = take ? r : at[k];
        out[r * step + k] = best[k];
        index[r * step + k] = at[k];
      }
    }
  }
}

// The same for a single column, whose state stays in registers.
template <class T, bool kLargest>
void best_of_column(int64_t rows, const T* x, T* out, s64* index) {
  T best = x[0];
  s64 at = 0;
  for (int64_t r = 0; r < rows; ++r) {
    if (takes_over<T, kLargest>(x[r], best)) {
      best = x[r];
      at = r;
    }
    out[r] = best;
    index[r] = at;
  }
}
template <class T, bool kLargest>
void best(int64_t rows, int64_t n, int64_t step, const void* in, void* result, void* positions) {
  if (n == 1 && step == 1) {
    return best_of_column<T, kLargest>(rows, static_cast<const T*>(in), static_cast<T*>(result),
                                       static_cast<s64*>(positions));
  }
  best_so_far<T, kLargest>(rows, n, step, in, result, positions);
}

template <class F>
void add(const FunctionTable& table, const char* name, int type, F* f) {
  table.add_function(name, type, reinterpret_cast<void (*)()>(f));
}
template <class T>
void add_best(const FunctionTable& table, int type) {
  add(table, "cummax", type, &best<T, true>);
  add(table, "cummin", type, &best<T, false>);
}
template <class O>
void add_scan(const FunctionTable& table, const char* name) {
  add(table, name, Int64, &scan<uint64_t, O>);
  add(table, name, Float32, &scan<f32, O>);
  add(table, name, Float64, &scan<f64, O>);
  add(table, name, Complex64, &scan<c64, O>);
  add(table, name, Complex128, &scan<c128, O>);
}

}  // namespace

void add_scans(const FunctionTable& table) {
  add_scan<Add>(table, "cumsum");
  add_scan<Multiply>(table, "cumprod");
  add(table, "logcumsumexp", Float32, &scan<f32, LogAdd>);
  add(table, "logcumsumexp", Float64, &scan<f64, LogAdd>);
  add(table, "logcumsumexp", Complex64, &scan<c64, LogAdd>);
  add(table, "logcumsumexp", Complex128, &scan<c128, LogAdd>);
  add_best<s64>(table, Int64);
  add_best<f32>(table, Float32);
  add_best<f64>(table, Float64);
}

}  // namespace rt::cpu::RT_ISA
