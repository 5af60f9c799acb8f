// Means with sums of squared deviations (merged by Chan, Golub and LeVeque's formula, 1979), and
// logarithms of sums of exponentials.
#include "cpu/kernels/vectors.h"
#include "cpu/reduce_loops.h"

namespace rt::cpu::RT_ISA {

namespace {

struct Moments {
  f64 mean, squares;
  s64 count;
};

RT_INLINE void add_part(Moments& s, f64 mean, f64 squares, s64 count) {
  if (count == 0) return;
  const f64 total = static_cast<f64>(s.count + count), delta = mean - s.mean;
  s.mean += delta * (static_cast<f64>(count) / total);
  s.squares +=
      squares + delta * delta * (static_cast<f64>(s.count) * static_cast<f64>(count) / total);
  s.count += count;
}

template <class T, bool kRoot, int kType>
struct Spread {
  static void init(int64_t n, void* states) {
    Moments* s = static_cast<Moments*>(states);
    for (int64_t i = 0; i < n; ++i) s[i] = {0, 0, 0};
  }
  static void row(int64_t n, const void* in, int64_t, void* state) {
    const T* x = static_cast<const T*>(in);
    for (int64_t i = 0; i < n; i += kBlock) {
      const int64_t count = least(kBlock, n - i);
      const T mean = sum_block<Plain>(count, x + i) / static_cast<T>(count);
      f64 sum, squares;
      deviations(count, x + i, mean, sum, squares);
      const f64 shift = sum / static_cast<f64>(count);
      add_part(*static_cast<Moments*>(state), mean + shift, squares - sum * shift, count);
    }
  }
  static void columns(int64_t rows, int64_t n, const void* in, int64_t step, int64_t,
                      void* states) {
    constexpr int64_t kColumns = 256, kRows = 64;
    T mean[kColumns], sum[kColumns], squares[kColumns];
    for (int64_t j = 0; j < n; j += kColumns) {
      Moments* s = static_cast<Moments*>(states) + j;
      const int64_t w = least(kColumns, n - j);
      for (int64_t r = 0; r < rows; r += kRows) {
        const char* x =
            static_cast<const char*>(in) + r * step + j * static_cast<int64_t>(sizeof(T));
        const int64_t count = least(kRows, rows - r);
        sum_rows<Plain>(count, w, x, step, mean);
        for (int64_t k = 0; k < w; ++k) {
          mean[k] /= static_cast<T>(count);
          sum[k] = squares[k] = 0;
        }
        for (int64_t i = 0; i < count; ++i) {
          const T* v = reinterpret_cast<const T*>(x + i * step);
#pragma GCC ivdep
          for (int64_t k = 0; k < w; ++k) {
            const T d = v[k] - mean[k];
            sum[k] += d;
            squares[k] += d * d;
          }
        }
        for (int64_t k = 0; k < w; ++k) {
          const f64 shift = static_cast<f64>(sum[k]) / static_cast<f64>(count);
          add_part(s[k], mean[k] + shift, squares[k] - sum[k] * shift, count);
        }
      }
    }
  }
  static void merge(int64_t n, void* states, const void* others) {
    Moments* s = static_cast<Moments*>(states);
    const Moments* o = static_cast<const Moments*>(others);
    for (int64_t i = 0; i < n; ++i) add_part(s[i], o[i].mean, o[i].squares, o[i].count);
  }
  // parameter: the correction of the count; second: the means.
  static void finish(int64_t n, const void* states, double parameter, void* result, void* second) {
    const Moments* s = static_cast<const Moments*>(states);
    T* r = static_cast<T*>(result);
    T* m = static_cast<T*>(second);
    for (int64_t i = 0; i < n; ++i) {
      const f64 degrees = static_cast<f64>(s[i].count) - parameter;
      const f64 variance = s[i].squares / (degrees > 0 ? degrees : 0);
      r[i] = static_cast<T>(kRoot ? sqrt_(variance) : variance);
      m[i] = static_cast<T>(s[i].count > 0 ? s[i].mean : __builtin_nan(""));
    }
  }
  static constexpr ReduceLoops loops{sizeof(Moments), kType, kType, init, row,
                                     columns,         merge, finish};
};

template <class T, int kType>
struct LogSumExp {
  struct State {
    T max;    // -inf at first
    f64 sum;  // of exp(x - max)
  };
  static constexpr T kLow = static_cast<T>(-__builtin_inf());
  static void init(int64_t n, void* states) {
    State* s = static_cast<State*>(states);
    for (int64_t i = 0; i < n; ++i) s[i] = {kLow, 0};
  }
  RT_INLINE_MEMBER T higher(T a, T b) { return b > a || b != b ? b : a; }
  // Infinite and NaN maxima are not subtracted: they decide the result by themselves.
  RT_INLINE_MEMBER T base_of(T max) { return max - max == 0 ? max : 0; }
  RT_INLINE_MEMBER void add(State& s, T max, f64 sum) {
    const T top = higher(s.max, max);
    const T base = base_of(top);
    s.sum = (s.sum > 0 ? s.sum * exp_(static_cast<f64>(base_of(s.max)) - base) : s.sum) +
            (sum > 0 ? sum * exp_(static_cast<f64>(base_of(max)) - base) : sum);
    s.max = top;
  }
  static void row(int64_t n, const void* in, int64_t, void* state) {
    T e[kBlock];
    for (int64_t i = 0; i < n; i += kBlock) {
      const T* x = static_cast<const T*>(in) + i;
      const int64_t count = least(kBlock, n - i);
      T max = x[0];
      for (int64_t k = 1; k < count; ++k) max = higher(max, x[k]);
      const T base = base_of(max);
#pragma GCC ivdep
      for (int64_t k = 0; k < count; ++k) e[k] = exp_(x[k] - base);
      add(*static_cast<State*>(state), max, sum_block<Plain>(count, e));
    }
  }
  static void columns(int64_t rows, int64_t n, const void* in, int64_t step, int64_t,
                      void* states) {
    constexpr int64_t kColumns = 256, kRows = 64;
    T max[kColumns], sum[kColumns];
    for (int64_t j = 0; j < n; j += kColumns) {
      const int64_t w = least(kColumns, n - j);
      for (int64_t r = 0; r < rows; r += kRows) {
        const char* x =
            static_cast<const char*>(in) + r * step + j * static_cast<int64_t>(sizeof(T));
        const int64_t count = least(kRows, rows - r);
        for (int64_t k = 0; k < w; ++k) {
          max[k] = kLow;
          sum[k] = 0;
        }
        for (int64_t i = 0; i < count; ++i) {
          const T* v = reinterpret_cast<const T*>(x + i * step);
#pragma GCC ivdep
          for (int64_t k = 0; k < w; ++k) max[k] = higher(max[k], v[k]);
        }
        for (int64_t i = 0; i < count; ++i) {
          const T* v = reinterpret_cast<const T*>(x + i * step);
#pragma GCC ivdep
          for (int64_t k = 0; k < w; ++k) sum[k] += exp_(v[k] - base_of(max[k]));
        }
        for (int64_t k = 0; k < w; ++k) add(static_cast<State*>(states)[j + k], max[k], sum[k]);
      }
    }
  }
  static void merge(int64_t n, void* states, const void* others) {
    const State* o = static_cast<const State*>(others);
    for (int64_t i = 0; i < n; ++i) add(static_cast<State*>(states)[i], o[i].max, o[i].sum);
  }
  static void finish(int64_t n, const void* states, double, void* result, void*) {
    const State* s = static_cast<const State*>(states);
    T* r = static_cast<T*>(result);
    for (int64_t i = 0; i < n; ++i) r[i] = static_cast<T>(log_(s[i].sum) + base_of(s[i].max));
  }
  static constexpr ReduceLoops loops{sizeof(State), kType, -1, init, row, columns, merge, finish};
};

}  // namespace

void add_moments(const FunctionTable& table) {
  table.add_reduce("var", Float32, Spread<f32, false, Float32>::loops);
  table.add_reduce("var", Float64, Spread<f64, false, Float64>::loops);
  table.add_reduce("std", Float32, Spread<f32, true, Float32>::loops);
  table.add_reduce("std", Float64, Spread<f64, true, Float64>::loops);
  table.add_reduce("logsumexp", Float32, LogSumExp<f32, Float32>::loops);
  table.add_reduce("logsumexp", Float64, LogSumExp<f64, Float64>::loops);
}

}  // namespace rt::cpu::RT_ISA
