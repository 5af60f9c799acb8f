// Vectors of the instruction set's width, and reductions of short contiguous runs with them.
#pragma once

#include "cpu/kernels/kernels.h"

namespace rt::cpu::RT_ISA {

#if defined(__AVX512F__)
inline constexpr int kVectorBytes = 64;
#elif defined(__AVX__)
inline constexpr int kVectorBytes = 32;
#else
inline constexpr int kVectorBytes = 16;
#endif

template <class T>
struct VectorOf {
  typedef T type __attribute__((vector_size(kVectorBytes)));
  static constexpr int64_t lanes = kVectorBytes / static_cast<int64_t>(sizeof(T));
};
template <class T>
using Vector = typename VectorOf<T>::type;

template <class T>
RT_INLINE Vector<T> load_vector(const T* p) {
  Vector<T> v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

// Runs of this length are summed in the element type; longer ones are sums of such blocks, so that
// rounding errors grow with the depth and not with the length.
inline constexpr int64_t kBlock = 1024;

// What is done to each value before it is added.
struct Plain {
  template <class V>
  RT_INLINE_MEMBER V apply(V v) {
    return v;
  }
};
struct Magnitude {
  template <class V>
  RT_INLINE_MEMBER V apply(V v) {
    return v < V{} ? -v : v;
  }
};
struct Square {
  template <class V>
  RT_INLINE_MEMBER V apply(V v) {
    return v * v;
  }
};
struct NanToZero {
  template <class V>
  RT_INLINE_MEMBER V apply(V v) {
    return v == v ? v : V{};
  }
};

template <class M, class T>
RT_INLINE Vector<T> sum_lanes(int64_t& i, int64_t n, const T* x) {
  constexpr int64_t W = VectorOf<T>::lanes;
  Vector<T> a{}, b{}, c{}, d{};
  for (; i + 4 * W <= n; i += 4 * W) {
    a += M::apply(load_vector(x + i));
    b += M::apply(load_vector(x + i + W));
    c += M::apply(load_vector(x + i + 2 * W));
    d += M::apply(load_vector(x + i + 3 * W));
  }
  for (; i + W <= n; i += W) a += M::apply(load_vector(x + i));
  return (a + b) + (c + d);
}

// The sum of one block.
template <class M, class T>
RT_INLINE T sum_block(int64_t n, const T* x) {
  T sum{};
  int64_t i = 0;
  if (n >= VectorOf<T>::lanes) {
    const Vector<T> lanes = sum_lanes<M>(i, n, x);
    for (int64_t l = 0; l < VectorOf<T>::lanes; ++l) sum += lanes[l];
  }
  for (; i < n; ++i) sum += M::apply(x[i]);
  return sum;
}

// The sum of any length, blocks added pairwise in S.
template <class M, class S, class T>
S sum_pairwise(int64_t n, const T* x) {
  if (n <= kBlock) return static_cast<S>(sum_block<M>(n, x));
  const int64_t half = (n / kBlock + 1) / 2 * kBlock;
  return sum_pairwise<M, S>(half, x) + sum_pairwise<M, S>(n - half, x + half);
}

// part[j] = the sum of `rows` (a few dozen) rows.
template <class M, class T>
RT_INLINE void sum_rows(int64_t rows, int64_t n, const char* x, int64_t step, T* part) {
  for (int64_t j = 0; j < n; ++j) part[j] = T{};
  int64_t r = 0;
  for (; r + 4 <= rows; r += 4) {
    const T* a = reinterpret_cast<const T*>(x + r * step);
    const T* b = reinterpret_cast<const T*>(x + (r + 1) * step);
    const T* c = reinterpret_cast<const T*>(x + (r + 2) * step);
    const T* d = reinterpret_cast<const T*>(x + (r + 3) * step);
#pragma GCC ivdep
    for (int64_t j = 0; j < n; ++j) {
      part[j] += (M::apply(a[j]) + M::apply(b[j])) + (M::apply(c[j]) + M::apply(d[j]));
    }
  }
  for (; r < rows; ++r) {
    const T* a = reinterpret_cast<const T*>(x + r * step);
#pragma GCC ivdep
    for (int64_t j = 0; j < n; ++j) part[j] += M::apply(a[j]);
  }
}

// The sum of (x - mean)^2, and of x - mean, which corrects the rounding of the mean.
template <class T>
RT_INLINE void deviations(int64_t n, const T* x, T mean, f64& sum, f64& squares) {
  constexpr int64_t W = VectorOf<T>::lanes;
  Vector<T> a{}, b{}, a2{}, b2{};
  int64_t i = 0;
  for (; i + 2 * W <= n; i += 2 * W) {
    const Vector<T> u = load_vector(x + i) - mean, v = load_vector(x + i + W) - mean;
    a += u;
    b += v;
    a2 += u * u;
    b2 += v * v;
  }
  a += b;
  a2 += b2;
  T s = 0, s2 = 0;
  for (int64_t l = 0; l < W; ++l) {
    s += a[l];
    s2 += a2[l];
  }
  for (; i < n; ++i) {
    const T d = x[i] - mean;
    s += d;
    s2 += d * d;
  }
  sum = s;
  squares = s2;
}

RT_INLINE int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

}  // namespace rt::cpu::RT_ISA
