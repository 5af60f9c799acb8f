// Largest and smallest values, with and without their positions. NaN is larger and smaller than
// all.
#include "cpu/kernels/vectors.h"
#include "cpu/reduce_loops.h"

namespace rt::cpu::RT_ISA {

namespace {

struct Largest {
  template <class V>
  RT_INLINE_MEMBER auto before(V a, V b) {
    return a > b;
  }
};
struct Smallest {
  template <class V>
  RT_INLINE_MEMBER auto before(V a, V b) {
    return a < b;
  }
};

// The better of the value kept so far and a new one; NaN, once met, stays.
template <class O, class V>
RT_INLINE V pick(V kept, V v) {
  return (O::before(v, kept) | (v != v)) ? v : kept;
}

template <class O, class T>
RT_INLINE T best_of_block(int64_t n, const T* x) {  // n >= 1
  constexpr int64_t W = VectorOf<T>::lanes;
  T best = x[0];
  int64_t i = 1;
  if (n >= W) {
    Vector<T> a = load_vector(x), b = a, c = a, d = a;
    for (i = W; i + 4 * W <= n; i += 4 * W) {
      a = pick<O>(a, load_vector(x + i));
      b = pick<O>(b, load_vector(x + i + W));
      c = pick<O>(c, load_vector(x + i + 2 * W));
      d = pick<O>(d, load_vector(x + i + 3 * W));
    }
    for (; i + W <= n; i += W) a = pick<O>(a, load_vector(x + i));
    a = pick<O>(pick<O>(a, b), pick<O>(c, d));
    best = a[0];
    for (int64_t l = 1; l < W; ++l) best = pick<O, T>(best, a[l]);
  }
  for (; i < n; ++i) best = pick<O>(best, x[i]);
  return best;
}

// The start of every range is the value that every other beats.
template <class T>
struct Limits;
template <>
struct Limits<f32> {
  static constexpr f32 low = -__builtin_inff(), high = __builtin_inff();
};
template <>
struct Limits<f64> {
  static constexpr f64 low = -__builtin_inf(), high = __builtin_inf();
};
template <>
struct Limits<s64> {
  static constexpr s64 low = -9223372036854775807LL - 1, high = 9223372036854775807LL;
};
template <>
struct Limits<s32> {
  static constexpr s32 low = -2147483647 - 1, high = 2147483647;
};
template <>
struct Limits<u8> {
  static constexpr u8 low = 0, high = 255;
};
template <class O, class T>
constexpr T worst() {
  return O::before(T{1}, T{0}) ? Limits<T>::low : Limits<T>::high;
}

template <class O, class T, int kType>
struct Extreme {
  static void init(int64_t n, void* states) {
    T* s = static_cast<T*>(states);
    for (int64_t i = 0; i < n; ++i) s[i] = worst<O, T>();
  }
  static void row(int64_t n, const void* in, int64_t, void* state) {
    T* s = static_cast<T*>(state);
    if (n > 0) *s = pick<O>(*s, best_of_block<O>(n, static_cast<const T*>(in)));
  }
  static void columns(int64_t rows, int64_t n, const void* in, int64_t step, int64_t,
                      void* states) {
    constexpr int64_t kColumns = 1024;
    for (int64_t j = 0; j < n; j += kColumns) {
      T* s = static_cast<T*>(states) + j;
      const int64_t w = least(kColumns, n - j);
      const char* column = static_cast<const char*>(in) + j * static_cast<int64_t>(sizeof(T));
      int64_t r = 0;
      for (; r + 2 <= rows; r += 2) {
        const T* x = reinterpret_cast<const T*>(column + r * step);
        const T* y = reinterpret_cast<const T*>(column + (r + 1) * step);
#pragma GCC ivdep
        for (int64_t k = 0; k < w; ++k) s[k] = pick<O>(s[k], pick<O>(x[k], y[k]));
      }
      for (; r < rows; ++r) {
        const T* x = reinterpret_cast<const T*>(column + r * step);
#pragma GCC ivdep
        for (int64_t k = 0; k < w; ++k) s[k] = pick<O>(s[k], x[k]);
      }
    }
  }
  static void merge(int64_t n, void* states, const void* others) {
    T* s = static_cast<T*>(states);
    const T* o = static_cast<const T*>(others);
    for (int64_t i = 0; i < n; ++i) s[i] = pick<O>(s[i], o[i]);
  }
  static void finish(int64_t n, const void* states, double, void* result, void*) {
    const T* s = static_cast<const T*>(states);
    T* r = static_cast<T*>(result);
    for (int64_t i = 0; i < n; ++i) r[i] = s[i];
  }
  static constexpr ReduceLoops loops{sizeof(T), kType, -1, init, row, columns, merge, finish};
};

// The first position of the extreme, or of the first NaN.
template <class O, class T, int kType>
struct Position {
  struct State {
    T value;
    s64 index;  // -1: nothing seen yet
  };
  RT_INLINE_MEMBER bool better(T v, const State& s) {
    return s.index < 0 || (s.value == s.value && (O::before(v, s.value) || v != v));
  }
  static void init(int64_t n, void* states) {
    State* s = static_cast<State*>(states);
    for (int64_t i = 0; i < n; ++i) s[i] = {T{}, -1};
  }
  static void row(int64_t n, const void* in, int64_t base, void* state) {
    const T* x = static_cast<const T*>(in);
    State& s = *static_cast<State*>(state);
    for (int64_t i = 0; i < n; i += kBlock) {
      const int64_t count = least(kBlock, n - i);
      const T best = best_of_block<O>(count, x + i);
      if (!better(best, s)) continue;
      int64_t k = i;
      while (!(x[k] == best || x[k] != x[k])) ++k;
      s = {x[k], base + k};
      if (s.value != s.value) return;
    }
  }
  static void columns(int64_t rows, int64_t n, const void* in, int64_t step, int64_t base,
                      void* states) {
    constexpr int64_t kColumns = 256, kRows = 1 << 30;
    T value[kColumns];
    s32 index[kColumns];
    for (int64_t r0 = 0; r0 < rows; r0 += kRows) {
      for (int64_t j = 0; j < n; j += kColumns) {
        State* s = static_cast<State*>(states) + j;
        const int64_t w = least(kColumns, n - j);
        const char* column =
            static_cast<const char*>(in) + r0 * step + j * static_cast<int64_t>(sizeof(T));
        const T* first = reinterpret_cast<const T*>(column);
        for (int64_t k = 0; k < w; ++k) {
          const bool take = better(first[k], s[k]);
          value[k] = take ? first[k] : s[k].value;
          index[k] = take ? 0 : -1;
        }
        const s32 count = static_cast<s32>(least(kRows, rows - r0));
        for (s32 r = 1; r < count; ++r) {
          const T* x = reinterpret_cast<const T*>(column + r * step);
#pragma GCC ivdep
          for (int64_t k = 0; k < w; ++k) {
            const bool take = O::before(x[k], value[k]) | ((x[k] != x[k]) & (value[k] == value[k]));
            value[k] = take ? x[k] : value[k];
            index[k] = take ? r : index[k];
          }
        }
        for (int64_t k = 0; k < w; ++k) {
          if (index[k] >= 0) s[k] = {value[k], base + r0 + index[k]};
        }
      }
    }
  }
  static void merge(int64_t n, void* states, const void* others) {
    State* s = static_cast<State*>(states);
    const State* o = static_cast<const State*>(others);
    for (int64_t i = 0; i < n; ++i) {
      if (o[i].index >= 0 && better(o[i].value, s[i])) s[i] = o[i];
    }
  }
  static void finish(int64_t n, const void* states, double, void* result, void* second) {
    const State* s = static_cast<const State*>(states);
    T* r = static_cast<T*>(result);
    s64* i = static_cast<s64*>(second);
    for (int64_t k = 0; k < n; ++k) {
      r[k] = s[k].value;
      i[k] = s[k].index;
    }
  }
  static constexpr ReduceLoops loops{sizeof(State), kType,   Int64, init,
                                     row,           columns, merge, finish};
};

template <class O>
void add(const FunctionTable& table, const char* extreme, const char* position) {
  table.add_reduce(extreme, Bool, Extreme<O, u8, Bool>::loops);
  table.add_reduce(extreme, UInt8, Extreme<O, u8, UInt8>::loops);
  table.add_reduce(extreme, Int32, Extreme<O, s32, Int32>::loops);
  table.add_reduce(extreme, Int64, Extreme<O, s64, Int64>::loops);
  table.add_reduce(extreme, Float32, Extreme<O, f32, Float32>::loops);
  table.add_reduce(extreme, Float64, Extreme<O, f64, Float64>::loops);
  table.add_reduce(position, Bool, Position<O, u8, Bool>::loops);
  table.add_reduce(position, UInt8, Position<O, u8, UInt8>::loops);
  table.add_reduce(position, Int32, Position<O, s32, Int32>::loops);
  table.add_reduce(position, Int64, Position<O, s64, Int64>::loops);
  table.add_reduce(position, Float32, Position<O, f32, Float32>::loops);
  table.add_reduce(position, Float64, Position<O, f64, Float64>::loops);
}

}  // namespace

void add_extremes(const FunctionTable& table) {
  add<Largest>(table, "max", "argmax");
  add<Smallest>(table, "min", "argmin");
  // Of zeros and ones: any is the largest, all the smallest.
  ReduceLoops any = Extreme<Largest, u8, Bool>::loops, all = Extreme<Smallest, u8, Bool>::loops;
  all.init = [](int64_t n, void* states) {
    __builtin_memset(states, 1, static_cast<unsigned long>(n));
  };
  table.add_reduce("any", Bool, any);
  table.add_reduce("all", Bool, all);
}

}  // namespace rt::cpu::RT_ISA
