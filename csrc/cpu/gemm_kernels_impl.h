// The bodies of gemm_kernels.h, included by one file per instruction set. Everything here has
// internal linkage and calls inline functions of no other header but vector_types.h: the linker
// would otherwise be free to use a copy compiled for AVX-512 everywhere.
#pragma once

#include "cpu/gemm_kernels.h"
#include "cpu/vector_types.h"

#if defined(__F16C__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace rt::cpu::detail {
namespace {

inline float widen(float x) { return x; }
inline double widen(double x) { return x; }
inline float widen(BFloat16 x) {
  return __builtin_bit_cast(float, static_cast<uint32_t>(x.bits) << 16);
}
inline float widen(Half x) {
  const uint32_t sign = static_cast<uint32_t>(x.bits & 0x8000u) << 16;
  const uint32_t magnitude = static_cast<uint32_t>(x.bits & 0x7fffu) << 13;
  // Scaling by 2^112 moves the exponent's bias and makes subnormals normal.
  const float scaled = __builtin_bit_cast(float, magnitude) * 0x1p112f;
  const uint32_t special = magnitude >= 0x0f800000u ? 0x7f800000u : 0u;
  return __builtin_bit_cast(float, __builtin_bit_cast(uint32_t, scaled) | special | sign);
}

inline Vec<float> load_wide(const float* p) { return load(p); }
inline Vec<double> load_wide(const double* p) { return load(p); }
typedef uint16_t HalfBits __attribute__((vector_size(kVecBytes / 2)));
inline Vec<float> load_wide(const BFloat16* p) {
  HalfBits bits;
  __builtin_memcpy(&bits, p, sizeof bits);
  return __builtin_bit_cast(Vec<float>, __builtin_convertvector(bits, Vec<uint32_t>) << 16);
}
inline Vec<float> load_wide(const Half* p) {
#if defined(__AVX512F__)
  // The masked form, because g++ 12 warns about the unmasked one's own header.
  return __builtin_bit_cast(
      Vec<float>,
      _mm512_maskz_cvtph_ps(0xffff, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))));
#elif defined(__F16C__)
  return __builtin_bit_cast(Vec<float>,
                            _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
#elif defined(__aarch64__)
  float16x4_t h;
  __builtin_memcpy(&h, p, sizeof h);
  return __builtin_bit_cast(Vec<float>, vcvt_f32_f16(h));
#else
  HalfBits bits;
  __builtin_memcpy(&bits, p, sizeof bits);
  const Vec<uint32_t> u = __builtin_convertvector(bits, Vec<uint32_t>);
  const Vec<uint32_t> magnitude = (u & 0x7fffu) << 13;
  const Vec<float> scaled = __builtin_bit_cast(Vec<float>, magnitude) * 0x1p112f;
  const Vec<uint32_t> special =
      __builtin_bit_cast(Vec<uint32_t>, magnitude >= 0x0f800000u) & 0x7f800000u;
  return __builtin_bit_cast(
      Vec<float>, __builtin_bit_cast(Vec<uint32_t>, scaled) | special | ((u & 0x8000u) << 16));
#endif
}

// Adds the upper half of B bytes of lanes to the lower until one is left.
template <class S, int B = kVecBytes, class V>
inline S sum_lanes(V v) {
  if constexpr (B == sizeof(S)) {
    return v[0];
  } else {
    typedef S Part __attribute__((vector_size(B / 2)));
    Part halves[2];
    __builtin_memcpy(halves, &v, sizeof halves);
    return sum_lanes<S, B / 2>(halves[0] + halves[1]);
  }
}

// I rows of the matrix against R vectors; U vectors of columns per step keep enough independent
// sums in flight to hide the latency of a fused multiply-add.
template <int I, int R, int U, class T, class S>
inline void dot_rows(int64_t cols, const T* a, int64_t lda, const S* x, int64_t ldx, S* y,
                     int64_t ldy) {
  constexpr int L = kLanes<S>;
  Vec<S> sum[U][I][R] = {};
  int64_t j = 0;
  for (; j + U * L <= cols; j += U * L) {
    for (int u = 0; u < U; ++u) {
      Vec<S> xv[R];
      for (int q = 0; q < R; ++q) xv[q] = load(x + q * ldx + j + u * L);
      for (int i = 0; i < I; ++i) {
        const Vec<S> av = load_wide(a + i * lda + j + u * L);
        for (int q = 0; q < R; ++q) sum[u][i][q] += av * xv[q];
      }
    }
  }
  for (; j + L <= cols; j += L) {
    for (int i = 0; i < I; ++i) {
      const Vec<S> av = load_wide(a + i * lda + j);
      for (int q = 0; q < R; ++q) sum[0][i][q] += av * load(x + q * ldx + j);
    }
  }
  for (int i = 0; i < I; ++i) {
    for (int q = 0; q < R; ++q) {
      Vec<S> v = sum[0][i][q];
      for (int u = 1; u < U; ++u) v += sum[u][i][q];
      S s = sum_lanes<S>(v);
      for (int64_t t = j; t < cols; ++t) s += widen(a[i * lda + t]) * x[q * ldx + t];
      y[q * ldy + i] = s;
    }
  }
}

template <int R, class T, class S>
void rows_for(int64_t rows, int64_t cols, const T* a, int64_t lda, const S* x, int64_t ldx, S* y,
              int64_t ldy) {
  // 16 vector registers hold I * R sums and the operands; AVX-512 and arm64 have 32.
  constexpr int I = R <= 2 ? 4 : 2;
  constexpr int U = R == 1 ? 2 : 1;
  int64_t i = 0;
  for (; i + I <= rows; i += I) dot_rows<I, R, U>(cols, a + i * lda, lda, x, ldx, y + i, ldy);
  for (; i < rows; ++i) dot_rows<1, R, 4 / R>(cols, a + i * lda, lda, x, ldx, y + i, ldy);
}

template <class T, class S>
void rows(int r, int64_t rows, int64_t cols, const T* a, int64_t lda, const S* x, int64_t ldx, S* y,
          int64_t ldy) {
  switch (r) {
    case 1:
      return rows_for<1>(rows, cols, a, lda, x, ldx, y, ldy);
    case 2:
      return rows_for<2>(rows, cols, a, lda, x, ldx, y, ldy);
    case 3:
      return rows_for<3>(rows, cols, a, lda, x, ldx, y, ldy);
    default:
      return rows_for<4>(rows, cols, a, lda, x, ldx, y, ldy);
  }
}

// Adds I rows of the matrix, each times one value per vector, to R result vectors.
template <int I, int R, class T, class S>
inline void add_rows(int64_t cols, const T* a, int64_t lda, const S* x, int64_t ldx, S* y,
                     int64_t ldy) {
  constexpr int L = kLanes<S>;
  int64_t j = 0;
  for (; j + L <= cols; j += L) {
    Vec<S> sum[R];
    for (int q = 0; q < R; ++q) sum[q] = load(y + q * ldy + j);
    for (int i = 0; i < I; ++i) {
      const Vec<S> av = load_wide(a + i * lda + j);
      for (int q = 0; q < R; ++q) sum[q] += av * x[q * ldx + i];
    }
    for (int q = 0; q < R; ++q) store<S>(y + q * ldy + j, sum[q]);
  }
  for (; j < cols; ++j) {
    for (int q = 0; q < R; ++q) {
      S s = y[q * ldy + j];
      for (int i = 0; i < I; ++i) s += widen(a[i * lda + j]) * x[q * ldx + i];
      y[q * ldy + j] = s;
    }
  }
}

template <int R, class T, class S>
void columns_for(int64_t rows, int64_t cols, const T* a, int64_t lda, const S* x, int64_t ldx, S* y,
                 int64_t ldy) {
  constexpr int I = R == 1 ? 8 : 4;
  // The slice of y that is read and written again for every I rows stays in the first-level cache.
  constexpr int64_t slice = 4096 / static_cast<int64_t>(sizeof(S)) * (R == 1 ? 4 : 2);
  for (int64_t j = 0; j < cols; j += slice) {
    const int64_t n = cols - j < slice ? cols - j : slice;
    int64_t i = 0;
    for (; i + I <= rows; i += I) add_rows<I, R>(n, a + i * lda + j, lda, x + i, ldx, y + j, ldy);
    for (; i < rows; ++i) add_rows<1, R>(n, a + i * lda + j, lda, x + i, ldx, y + j, ldy);
  }
}

template <class T, class S>
void columns(int r, int64_t rows, int64_t cols, const T* a, int64_t lda, const S* x, int64_t ldx,
             S* y, int64_t ldy) {
  switch (r) {
    case 1:
      return columns_for<1>(rows, cols, a, lda, x, ldx, y, ldy);
    case 2:
      return columns_for<2>(rows, cols, a, lda, x, ldx, y, ldy);
    case 3:
      return columns_for<3>(rows, cols, a, lda, x, ldx, y, ldy);
    default:
      return columns_for<4>(rows, cols, a, lda, x, ldx, y, ldy);
  }
}

template <class T>
void integer_block(int64_t m, int64_t n, int64_t k, const T* a, const T* b, T* c) {
  constexpr int L = kLanes<T>;
  constexpr int I = kIntTileRows;
  constexpr int V = 2;
  static_assert(kIntTileCols % (V * L) == 0);
  for (int64_t i = 0; i < m; i += I) {
    for (int64_t j = 0; j < n; j += V * L) {
      Vec<T> sum[I][V];
      for (int p = 0; p < I; ++p) {
        for (int v = 0; v < V; ++v) sum[p][v] = load(c + (i + p) * n + j + v * L);
      }
      for (int64_t t = 0; t < k; ++t) {
        Vec<T> bv[V];
        for (int v = 0; v < V; ++v) bv[v] = load(b + t * n + j + v * L);
        for (int p = 0; p < I; ++p) {
          for (int v = 0; v < V; ++v) sum[p][v] += bv[v] * a[(i + p) * k + t];
        }
      }
      for (int p = 0; p < I; ++p) {
        for (int v = 0; v < V; ++v) store<T>(c + (i + p) * n + j + v * L, sum[p][v]);
      }
    }
  }
}

template <class T>
void widen_all(int64_t n, const T* x, float* y) {
  int64_t i = 0;
  for (; i + kLanes<float> <= n; i += kLanes<float>) store<float>(y + i, load_wide(x + i));
  for (; i < n; ++i) y[i] = widen(x[i]);
}

inline uint16_t round_bf16(float x) {
  const uint32_t u = __builtin_bit_cast(uint32_t, x);
  if ((u & 0x7fffffffu) > 0x7f800000u) return static_cast<uint16_t>((u >> 16) | 0x40u);
  return static_cast<uint16_t>((u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
}

inline uint16_t round_f16(float x) {
  const uint32_t u = __builtin_bit_cast(uint32_t, x);
  const uint32_t sign = (u >> 16) & 0x8000u, magnitude = u & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return static_cast<uint16_t>(sign | 0x7e00u);
  if (magnitude >= 0x477ff000u) return static_cast<uint16_t>(sign | 0x7c00u);
  if (magnitude < 0x38800000u) {
    // Subnormal: adding 0.5 aligns the mantissa so that the hardware rounds to nearest even.
    const float shifted = __builtin_bit_cast(float, magnitude) + 0.5f;
    return static_cast<uint16_t>(sign | (__builtin_bit_cast(uint32_t, shifted) - 0x3f000000u));
  }
  const uint32_t rounded = magnitude + 0xfffu + ((magnitude >> 13) & 1u);
  return static_cast<uint16_t>(sign | ((rounded - 0x38000000u) >> 13));
}

void narrow_bf16(int64_t n, const float* x, BFloat16* y) {
  for (int64_t i = 0; i < n; ++i) y[i].bits = round_bf16(x[i]);
}

void narrow_f16(int64_t n, const float* x, Half* y) {
  int64_t i = 0;
#if defined(__AVX512F__)
  for (; i + 16 <= n; i += 16) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(y + i),
                        _mm512_maskz_cvtps_ph(0xffff, _mm512_loadu_ps(x + i), 0));
  }
#elif defined(__F16C__)
  for (; i + 8 <= n; i += 8) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(y + i), _mm256_cvtps_ph(_mm256_loadu_ps(x + i), 0));
  }
#elif defined(__aarch64__)
  for (; i + 4 <= n; i += 4) {
    const float16x4_t h = vcvt_f16_f32(vld1q_f32(x + i));
    __builtin_memcpy(y + i, &h, sizeof h);
  }
#endif
  for (; i < n; ++i) y[i].bits = round_f16(x[i]);
}

// N columns fit a row of C into registers.
template <int N, int I, class T>
inline void tiny_rows(int64_t k, const T* a, int64_t a_row, int64_t a_col, const T* b, int64_t ldb,
                      T* c, int64_t ldc) {
  constexpr int L = N < kLanes<T> ? N : kLanes<T>;
  typedef T Part __attribute__((vector_size(L * sizeof(T))));
  constexpr int V = N / L;
  Part sum[I][V] = {};
  for (int64_t t = 0; t < k; ++t) {
    Part row[V];
    __builtin_memcpy(row, b + t * ldb, sizeof row);
    for (int i = 0; i < I; ++i) {
      for (int v = 0; v < V; ++v) sum[i][v] += row[v] * a[i * a_row + t * a_col];
    }
  }
  for (int i = 0; i < I; ++i) __builtin_memcpy(c + i * ldc, sum[i], sizeof sum[i]);
}

template <int N, class T>
inline void tiny_columns(int64_t m, int64_t k, const T* a, int64_t a_row, int64_t a_col, const T* b,
                         int64_t ldb, T* c, int64_t ldc) {
  int64_t i = 0;
  for (; i + 4 <= m; i += 4) {
    tiny_rows<N, 4>(k, a + i * a_row, a_row, a_col, b, ldb, c + i * ldc, ldc);
  }
  for (; i < m; ++i) tiny_rows<N, 1>(k, a + i * a_row, a_row, a_col, b, ldb, c + i * ldc, ldc);
}

template <class T>
void tiny(int64_t m, int64_t n, int64_t k, const T* a, int64_t a_row, int64_t a_col, const T* b,
          int64_t ldb, T* c, int64_t ldc) {
  switch (n) {
    case 4:
      return tiny_columns<4>(m, k, a, a_row, a_col, b, ldb, c, ldc);
    case 8:
      return tiny_columns<8>(m, k, a, a_row, a_col, b, ldb, c, ldc);
    default:
      return tiny_columns<16>(m, k, a, a_row, a_col, b, ldb, c, ldc);
  }
}

constexpr GemmKernels kKernels{
    {rows<float, float>, columns<float, float>},
    {rows<double, double>, columns<double, double>},
    {rows<Half, float>, columns<Half, float>},
    {rows<BFloat16, float>, columns<BFloat16, float>},
    integer_block<uint32_t>,
    integer_block<uint64_t>,
    widen_all<Half>,
    widen_all<BFloat16>,
    narrow_f16,
    narrow_bf16,
    tiny<float>,
    tiny<double>,
};

}  // namespace
}  // namespace rt::cpu::detail
