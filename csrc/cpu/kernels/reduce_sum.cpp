// Sums (plain, of magnitudes, of squares, of what is not NaN) and products.
#include "cpu/kernels/vectors.h"
#include "cpu/reduce_loops.h"

namespace rt::cpu::RT_ISA {

namespace {

constexpr int64_t kColumns = 256;  // columns whose partial sums stay in the first-level cache
constexpr int64_t kRows = 64;      // rows added in the element type

// T: values; S: the type that block sums are added in; R: results.
template <class T, class S, class R, class M, int kResult>
struct Sum {
  static void init(int64_t n, void* states) {
    S* s = static_cast<S*>(states);
    for (int64_t i = 0; i < n; ++i) s[i] = S{};
  }
  static void row(int64_t n, const void* in, int64_t, void* state) {
    *static_cast<S*>(state) += sum_pairwise<M, S>(n, static_cast<const T*>(in));
  }
  static void columns(int64_t rows, int64_t n, const void* in, int64_t step, int64_t,
                      void* states) {
    T part[kColumns];
    const char* x = static_cast<const char*>(in);
    S* s = static_cast<S*>(states);
    for (int64_t r = 0; r < rows; r += kRows) {
      for (int64_t j = 0; j < n; j += kColumns) {
        const int64_t w = least(kColumns, n - j);
        sum_rows<M>(least(kRows, rows - r), w, x + r * step + j * static_cast<int64_t>(sizeof(T)),
                    step, part);
        for (int64_t k = 0; k < w; ++k) s[j + k] += static_cast<S>(part[k]);
      }
    }
  }
  static void merge(int64_t n, void* states, const void* others) {
    S* s = static_cast<S*>(states);
    const S* o = static_cast<const S*>(others);
    for (int64_t i = 0; i < n; ++i) s[i] += o[i];
  }
  // parameter: what the sum is divided by.
  static void finish(int64_t n, const void* states, double parameter, void* result, void*) {
    const S* s = static_cast<const S*>(states);
    R* r = static_cast<R*>(result);
    if (parameter == 1) {
      for (int64_t i = 0; i < n; ++i) r[i] = static_cast<R>(s[i]);
    } else {
      for (int64_t i = 0; i < n; ++i) r[i] = static_cast<R>(static_cast<f64>(s[i]) / parameter);
    }
  }
  static constexpr ReduceLoops loops{sizeof(S), kResult, -1, init, row, columns, merge, finish};
};

// Complex sums are sums of pairs of reals.
template <class F, int kResult>
struct ComplexSum {
  using Real = Sum<F, f64, F, Plain, kResult>;
  static void init(int64_t n, void* states) { Real::init(2 * n, states); }
  static Complex<f64> pairwise(int64_t n, const F* x) {  // n counts reals
    if (n <= kBlock) {
      Complex<f64> sum{};
      int64_t i = 0;
      const Vector<F> lanes = sum_lanes<Plain>(i, n, x);
      for (int64_t l = 0; l + 1 < VectorOf<F>::lanes; l += 2) {
        sum.re += lanes[l];
        sum.im += lanes[l + 1];
      }
      for (; i + 1 < n; i += 2) {
        sum.re += x[i];
        sum.im += x[i + 1];
      }
      return sum;
    }
    const int64_t half = (n / kBlock + 1) / 2 * kBlock;
    const Complex<f64> a = pairwise(half, x), b = pairwise(n - half, x + half);
    return {a.re + b.re, a.im + b.im};
  }
  static void row(int64_t n, const void* in, int64_t, void* state) {
    f64* s = static_cast<f64*>(state);
    const Complex<f64> sum = pairwise(2 * n, static_cast<const F*>(in));
    s[0] += sum.re;
    s[1] += sum.im;
  }
  static void columns(int64_t rows, int64_t n, const void* in, int64_t step, int64_t base,
                      void* states) {
    Real::columns(rows, 2 * n, in, step, base, states);
  }
  static void merge(int64_t n, void* states, const void* others) {
    Real::merge(2 * n, states, others);
  }
  static void finish(int64_t n, const void* states, double parameter, void* result, void* second) {
    Real::finish(2 * n, states, parameter, result, second);
  }
  static constexpr ReduceLoops loops{2 * sizeof(f64), kResult, -1,    init, row,
                                     columns,         merge,   finish};
};

template <class T>
RT_INLINE T times(T a, T b) {
  return a * b;
}
template <class F>
RT_INLINE Complex<F> times(Complex<F> a, Complex<F> b) {
  return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
template <class T>
RT_INLINE T one(T*) {
  return 1;
}
template <class F>
RT_INLINE Complex<F> one(Complex<F>*) {
  return {1, 0};
}

template <class T, int kResult>
struct Product {
  static void init(int64_t n, void* states) {
    T* s = static_cast<T*>(states);
    for (int64_t i = 0; i < n; ++i) s[i] = one(s);
  }
  static void row(int64_t n, const void* in, int64_t, void* state) {
    const T* x = static_cast<const T*>(in);
    T* s = static_cast<T*>(state);
    constexpr int64_t kLanes = 16;
    int64_t i = 0;
    if (n >= 2 * kLanes) {
      T part[kLanes];
      for (int64_t l = 0; l < kLanes; ++l) part[l] = x[l];
      for (i = kLanes; i + kLanes <= n; i += kLanes) {
        for (int64_t l = 0; l < kLanes; ++l) part[l] = times(part[l], x[i + l]);
      }
      for (int64_t l = 0; l < kLanes; ++l) *s = times(*s, part[l]);
    }
    for (; i < n; ++i) *s = times(*s, x[i]);
  }
  static void columns(int64_t rows, int64_t n, const void* in, int64_t step, int64_t,
                      void* states) {
    T* s = static_cast<T*>(states);
    for (int64_t r = 0; r < rows; ++r) {
      const T* x = reinterpret_cast<const T*>(static_cast<const char*>(in) + r * step);
#pragma GCC ivdep
      for (int64_t j = 0; j < n; ++j) s[j] = times(s[j], x[j]);
    }
  }
  static void merge(int64_t n, void* states, const void* others) {
    T* s = static_cast<T*>(states);
    const T* o = static_cast<const T*>(others);
    for (int64_t i = 0; i < n; ++i) s[i] = times(s[i], o[i]);
  }
  static void finish(int64_t n, const void* states, double, void* result, void*) {
    const T* s = static_cast<const T*>(states);
    T* r = static_cast<T*>(result);
    for (int64_t i = 0; i < n; ++i) r[i] = s[i];
  }
  static constexpr ReduceLoops loops{sizeof(T), kResult, -1, init, row, columns, merge, finish};
};

template <class M>
void add_real(const FunctionTable& table, const char* slot) {
  table.add_reduce(slot, Float32, Sum<f32, f64, f32, M, Float32>::loops);
  table.add_reduce(slot, Float64, Sum<f64, f64, f64, M, Float64>::loops);
}

// The Euclidean norm: the root of the sum of squares.
template <class T, int kResult>
void add_norm2(const FunctionTable& table) {
  ReduceLoops loops = Sum<T, f64, T, Square, kResult>::loops;
  loops.finish = [](int64_t n, const void* states, double, void* result, void*) {
    const f64* s = static_cast<const f64*>(states);
    T* r = static_cast<T*>(result);
    for (int64_t i = 0; i < n; ++i) r[i] = static_cast<T>(sqrt_(s[i]));
  };
  table.add_reduce("norm2", kResult, loops);
}

}  // namespace

void add_sums(const FunctionTable& table) {
  add_real<Plain>(table, "sum");
  // Integers wrap, which unsigned arithmetic does by definition.
  table.add_reduce("sum", Int64, Sum<uint64_t, uint64_t, uint64_t, Plain, Int64>::loops);
  table.add_reduce("sum", Complex64, ComplexSum<f32, Complex64>::loops);
  table.add_reduce("sum", Complex128, ComplexSum<f64, Complex128>::loops);
  add_real<NanToZero>(table, "nansum");
  add_real<Magnitude>(table, "norm1");
  add_norm2<f32, Float32>(table);
  add_norm2<f64, Float64>(table);
  table.add_reduce("prod", Float32, Product<f32, Float32>::loops);
  table.add_reduce("prod", Float64, Product<f64, Float64>::loops);
  table.add_reduce("prod", Int64, Product<uint64_t, Int64>::loops);
  table.add_reduce("prod", Complex64, Product<c64, Complex64>::loops);
  table.add_reduce("prod", Complex128, Product<c128, Complex128>::loops);
}

}  // namespace rt::cpu::RT_ISA
