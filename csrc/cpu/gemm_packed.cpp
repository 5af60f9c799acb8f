// Products that no library makes: operands are converted, block by block, to the type the sum is
// made in (uint32 or uint64 for integers, float for the half types) and laid out for the kernel.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "cpu/dtype_dispatch.h"
#include "cpu/gemm_backends.h"
#include "cpu/gemm_kernels.h"
#include "cpu/parallel.h"
#include "cpu/scratch.h"

namespace rt::cpu::detail {

namespace {

// The sum's type: integers wrap, and unsigned arithmetic wraps without undefined behaviour.
template <class T>
struct SumOf {
  using type = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;
};
template <>
struct SumOf<Half> {
  using type = float;
};
template <>
struct SumOf<BFloat16> {
  using type = float;
};
template <>
struct SumOf<float> {
  using type = float;
};
template <>
struct SumOf<double> {
  using type = double;
};
template <>
struct SumOf<Complex64> {
  using type = Complex64;
};
template <>
struct SumOf<Complex128> {
  using type = Complex128;
};

template <class T>
inline typename SumOf<T>::type wide(T x) {
  return static_cast<typename SumOf<T>::type>(x);
}
inline float wide(Half x) { return to_float(x); }
inline float wide(BFloat16 x) { return to_float(x); }
inline Complex64 wide(Complex64 x) { return x; }
inline Complex128 wide(Complex128 x) { return x; }

template <class T>
inline T multiply(T a, T b) {
  return a * b;
}
inline Complex64 multiply(Complex64 a, Complex64 b) {
  return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
inline Complex128 multiply(Complex128 a, Complex128 b) {
  return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
template <class T>
inline T add(T a, T b) {
  return a + b;
}
inline Complex64 add(Complex64 a, Complex64 b) { return {a.re + b.re, a.im + b.im}; }
inline Complex128 add(Complex128 a, Complex128 b) { return {a.re + b.re, a.im + b.im}; }

template <class T>
inline bool is_zero(T x) {
  return x == T{0};
}
inline bool is_zero(Complex64 x) { return x.re == 0 && x.im == 0; }
inline bool is_zero(Complex128 x) { return x.re == 0 && x.im == 0; }

template <class S>
constexpr S one() {
  if constexpr (std::is_arithmetic_v<S>) {
    return S{1};
  } else {
    return S{1, 0};
  }
}

template <class T, class S>
inline T narrow(S x) {
  if constexpr (std::is_same_v<T, bool>) {
    return x != 0;
  } else {
    return static_cast<T>(x);
  }
}

template <class S>
S scalar(GemmScalar v) {
  if constexpr (std::is_same_v<S, Complex64> || std::is_same_v<S, Complex128>) {
    using R = decltype(S::re);
    return {static_cast<R>(v.re), static_cast<R>(v.im)};
  } else if constexpr (std::is_floating_point_v<S>) {
    return static_cast<S>(v.re);
  } else {
    return static_cast<S>(v.integer);
  }
}

template <class T, class S>
inline void widen_row(const T* in, int64_t n, S* out) {
  if constexpr (std::is_same_v<T, Half>) {
    gemm_kernels().widen_f16(n, in, out);
  } else if constexpr (std::is_same_v<T, BFloat16>) {
    gemm_kernels().widen_bf16(n, in, out);
  } else {
    for (int64_t i = 0; i < n; ++i) out[i] = wide(in[i]);
  }
}

template <class T, class S>
inline void narrow_row(const S* in, int64_t n, T* out) {
  if constexpr (std::is_same_v<T, Half>) {
    gemm_kernels().narrow_f16(n, in, out);
  } else if constexpr (std::is_same_v<T, BFloat16>) {
    gemm_kernels().narrow_bf16(n, in, out);
  } else {
    for (int64_t i = 0; i < n; ++i) out[i] = narrow<T>(in[i]);
  }
}

// Copies rows x cols of the stored matrix, starting at (row, col), to `out` without gaps.
template <class T, class S>
void pack_stored(const T* x, int64_t ld, int64_t row, int64_t col, int64_t rows, int64_t cols,
                 S* out) {
  for (int64_t i = 0; i < rows; ++i) widen_row(x + (row + i) * ld + col, cols, out + i * cols);
}

// Writes rows x cols of op(X), starting at (row, col), to `out`, zero-filled up to
// padded_rows x padded_cols.
template <class T, class S>
void pack_padded(const T* x, Trans t, int64_t ld, int64_t row, int64_t col, int64_t rows,
                 int64_t cols, int64_t padded_rows, int64_t padded_cols, S* out) {
  if (padded_rows != rows || padded_cols != cols) {
    std::memset(static_cast<void*>(out), 0,
                static_cast<size_t>(padded_rows * padded_cols) * sizeof(S));
  }
  if (t == Trans::No) {
    for (int64_t i = 0; i < rows; ++i) {
      widen_row(x + (row + i) * ld + col, cols, out + i * padded_cols);
    }
    return;
  }
  // In squares, so that neither side walks through memory in large steps for long.
  constexpr int64_t square = 16;
  for (int64_t i0 = 0; i0 < rows; i0 += square) {
    const int64_t i1 = std::min(rows, i0 + square);
    for (int64_t j0 = 0; j0 < cols; j0 += square) {
      const int64_t j1 = std::min(cols, j0 + square);
      for (int64_t j = j0; j < j1; ++j) {
        const T* in = x + (col + j) * ld + row;
        for (int64_t i = i0; i < i1; ++i) out[i * padded_cols + j] = wide(in[i]);
      }
    }
  }
}

// sum += a b on padded blocks.
inline void integer_product(int64_t m, int64_t n, int64_t k, const uint32_t* a, const uint32_t* b,
                            uint32_t* sum) {
  gemm_kernels().u32(m, n, k, a, b, sum);
}
inline void integer_product(int64_t m, int64_t n, int64_t k, const uint64_t* a, const uint64_t* b,
                            uint64_t* sum) {
  gemm_kernels().u64(m, n, k, a, b, sum);
}

// The same through a library, on blocks as they are stored.
inline void library_product(const GemmArgs<float>& g) { float_gemm(g); }
template <class S>
inline void library_product(const GemmArgs<S>& g) {
  blas_gemm(g);
}

constexpr int64_t round_up(int64_t n, int64_t unit) { return (n + unit - 1) / unit * unit; }

template <class T>
void multiply_blocks(Trans ta, Trans tb, int64_t m, int64_t n, int64_t k, GemmScalar alpha_in,
                     const T* a, int64_t lda, const T* b, int64_t ldb, GemmScalar beta_in, T* c,
                     int64_t ldc) {
  using S = typename SumOf<T>::type;
  constexpr bool integer = std::is_integral_v<S>;
  const S alpha = scalar<S>(alpha_in), beta = scalar<S>(beta_in);
  // Packed blocks of a and b (128 and 256 KiB for four-byte sums) stay in the second-level cache.
  // A library's own kernel wants larger ones.
  constexpr int64_t max_m = integer ? 128 : 256, max_n = integer ? 256 : 512,
                    max_k = integer ? 256 : 512;
  const int64_t unit_m = integer ? kIntTileRows : 1, unit_n = integer ? kIntTileCols : 1;
  const int64_t block_m = std::min(max_m, round_up(m, unit_m));
  const int64_t block_n = std::min(max_n, round_up(n, unit_n));
  const int64_t block_k = std::min(max_k, k);
  const int64_t tiles_m = (m + block_m - 1) / block_m, tiles_n = (n + block_n - 1) / block_n;
  parallel_for(0, tiles_m * tiles_n, 1, [&](int64_t begin, int64_t end) {
    const Scratch<S> packed_a(block_m * block_k), packed_b(block_k * block_n),
        sums(block_m * block_n);
    for (int64_t tile = begin; tile < end; ++tile) {
      const int64_t i0 = tile / tiles_n * block_m, j0 = tile % tiles_n * block_n;
      const int64_t rows = std::min(block_m, m - i0), cols = std::min(block_n, n - j0);
      const int64_t padded_rows = round_up(rows, unit_m), padded_cols = round_up(cols, unit_n);
      S* sum = sums.data();
      std::memset(static_cast<void*>(sum), 0,
                  static_cast<size_t>(padded_rows * padded_cols) * sizeof(S));
      for (int64_t t0 = 0; t0 < k; t0 += block_k) {
        const int64_t depth = std::min(block_k, k - t0);
        S* const pa = packed_a.data();
        S* const pb = packed_b.data();
        if constexpr (integer) {
          pack_padded(a, ta, lda, i0, t0, rows, depth, padded_rows, depth, pa);
          pack_padded(b, tb, ldb, t0, j0, depth, cols, depth, padded_cols, pb);
          integer_product(padded_rows, padded_cols, depth, pa, pb, sum);
        } else {
          const bool plain_a = ta == Trans::No, plain_b = tb == Trans::No;
          if (plain_a) {
            pack_stored(a, lda, i0, t0, rows, depth, pa);
          } else {
            pack_stored(a, lda, t0, i0, depth, rows, pa);
          }
          if (plain_b) {
            pack_stored(b, ldb, t0, j0, depth, cols, pb);
          } else {
            pack_stored(b, ldb, j0, t0, cols, depth, pb);
          }
          library_product(GemmArgs<S>{ta, tb, rows, cols, depth, one<S>(), pa,
                                      plain_a ? depth : rows, pb, plain_b ? cols : depth, one<S>(),
                                      sum, cols});
        }
        if constexpr (std::is_same_v<T, bool>) {
          // Counts become truth values before they can wrap to zero.
          for (int64_t i = 0; i < padded_rows * padded_cols; ++i) sum[i] = sum[i] != 0;
        }
      }
      for (int64_t i = 0; i < rows; ++i) {
        T* out = c + (i0 + i) * ldc + j0;
        S* in = sum + i * padded_cols;
        if (is_zero(beta)) {
          for (int64_t j = 0; j < cols; ++j) in[j] = multiply(alpha, in[j]);
        } else {
          for (int64_t j = 0; j < cols; ++j) {
            in[j] = add(multiply(alpha, in[j]), multiply(beta, wide(out[j])));
          }
        }
        narrow_row(in, cols, out);
      }
    }
  });
}

}  // namespace

void packed_gemm(DType dtype, Trans ta, Trans tb, int64_t m, int64_t n, int64_t k, GemmScalar alpha,
                 const void* a, int64_t lda, const void* b, int64_t ldb, GemmScalar beta, void* c,
                 int64_t ldc) {
  if (dtype == DType::Bool) {  // any non-zero factor counts as true
    const auto truth = [](GemmScalar s) { return GemmScalar(s.integer != 0 || s.re != 0 ? 1 : 0); };
    alpha = truth(alpha);
    beta = truth(beta);
  }
  with_type(kNumbers + kBool, dtype, "matmul", [&]<class T>(T) {
    multiply_blocks<T>(ta, tb, m, n, k, alpha, static_cast<const T*>(a), lda,
                       static_cast<const T*>(b), ldb, beta, static_cast<T*>(c), ldc);
  });
}

}  // namespace rt::cpu::detail
