// Which kernel or library makes a product. GFLOP/s on Cascade Lake (AVX-512, 2.5 GHz, one thread,
// the better of several runs) that the choices below rest on, by transposition of A and B:
//
//   m x n x k         NN: sgemm matmul OpenBLAS   NT: sgemm matmul OpenBLAS   TN: sgemm  OpenBLAS
//   16 16 16                  9      7       45           7      5       13           9        55
//   32 32 32                 55     38      109          24     34       33          54        96
//   64 64 64                105    107      141          47     75       57          91       132
//   96 96 96                129    112      105          66    116       86         127       111
//   128 128 128             122    112       96         120    126       89         114        94
//   256 256 256             127    117      108         129    133      103         122       112
//   1024 1024 1024          121     90      114         122    116      113         102       106
//   32 128 784              124    108       79         102    100       64         117        78
//   1024 1024 16             81     64       38          81     55       38          80        38
//   16 1024 1024             67     62       44          42     59       34          63        44
//   1 4096 4096             5.8    0.6      1.8         5.8     27*     ...        (memory-bound)
//
// (sgemm and matmul are oneDNN 3.2's; * 8 rows.) So: single vectors and up to four are made by
// gemm_skinny.cpp, products of a few elements by the loop below, small ones by OpenBLAS, whose
// small-matrix kernels need no set-up, and the rest of float32 by oneDNN, which chooses between
// its two entries in gemm_onednn.cpp. float64 and complex go to OpenBLAS in blocks that
// parallel_for spreads (dgemm 1024: 58 on one thread, 108 on two).
#include "cpu/gemm.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <type_traits>

#include "cpu/dtype_dispatch.h"
#include "cpu/gemm_backends.h"
#include "cpu/gemm_kernels.h"
#include "cpu/parallel.h"
#include "cpu/scratch.h"

namespace rt::cpu {

namespace detail {
namespace {

// Multiplications below which the plain loop beats a library call, and those below which
// OpenBLAS's small-matrix kernels beat oneDNN.
constexpr int64_t kTinyVolume = 16;
constexpr int64_t kSmallVolume = 72 * 72 * 72;
// A transposed B of up to this many elements is copied the other way round on the stack, since
// OpenBLAS has no small-matrix kernel worth the name for A times B transposed.
constexpr int64_t kTurnedSize = 2048;
// Two matrices not worth a thread each are multiplied one after the other.
constexpr int64_t kBatchGrain = 32 * 32 * 32;

template <class T>
void tiny_gemm(const GemmArgs<T>& g) {
  const int64_t a_row = g.ta == Trans::No ? g.lda : 1, a_col = g.ta == Trans::No ? 1 : g.lda;
  const int64_t b_row = g.tb == Trans::No ? g.ldb : 1, b_col = g.tb == Trans::No ? 1 : g.ldb;
  for (int64_t i = 0; i < g.m; ++i) {
    for (int64_t j = 0; j < g.n; ++j) {
      const T* a = g.a + i * a_row;
      const T* b = g.b + j * b_col;
      T sum = 0;
      for (int64_t t = 0; t < g.k; ++t) sum += a[t * a_col] * b[t * b_row];
      T& out = g.c[i * g.ldc + j];
      out = g.beta == T{0} ? g.alpha * sum : g.alpha * sum + g.beta * out;
    }
  }
}

inline void tiny_kernel(const GemmArgs<float>& g) {
  gemm_kernels().tiny_f32(g.m, g.n, g.k, g.a, g.ta == Trans::No ? g.lda : 1,
                          g.ta == Trans::No ? 1 : g.lda, g.b, g.ldb, g.c, g.ldc);
}
inline void tiny_kernel(const GemmArgs<double>& g) {
  gemm_kernels().tiny_f64(g.m, g.n, g.k, g.a, g.ta == Trans::No ? g.lda : 1,
                          g.ta == Trans::No ? 1 : g.lda, g.b, g.ldb, g.c, g.ldc);
}

// Products that fit the first-level cache; false if this one does not.
template <class T>
bool small_gemm(const GemmArgs<T>& g) {
  const int64_t volume = g.m * g.n * g.k;
  if (volume > kSmallVolume) return false;
  if (g.tb != Trans::No) {
    // With long sums OpenBLAS does well, and with few rows the copy costs more than it saves.
    if (g.n * g.k > kTurnedSize || g.m < 4 || g.k > 2 * g.n) return false;
    alignas(64) T turned[kTurnedSize];
    for (int64_t j = 0; j < g.n; ++j) {
      for (int64_t t = 0; t < g.k; ++t) turned[t * g.n + j] = g.b[j * g.ldb + t];
    }
    GemmArgs<T> plain = g;
    plain.tb = Trans::No;
    plain.b = turned;
    plain.ldb = g.n;
    return small_gemm(plain) || blas_gemm(plain);
  }
  if ((g.n == 4 || g.n == 8 || g.n == 16) && volume <= 4096 && g.alpha == T{1} && g.beta == T{0}) {
    tiny_kernel(g);
    return true;
  }
  return false;
}

// Fills s with the skinny form of a product, if it has one.
template <class T, class S>
bool as_skinny(Trans ta, Trans tb, int64_t m, int64_t n, int64_t k, S alpha, const T* a,
               int64_t lda, const T* b, int64_t ldb, S beta, T* c, int64_t ldc,
               SkinnyArgs<T, S>& s) {
  const bool plain_a = ta == Trans::No, plain_b = tb == Trans::No;
  if (m <= kMaxSkinny && m <= n) {
    s = {static_cast<int>(m), n,     k,    !plain_b, b,   ldb, a, plain_a ? lda : 1,
         plain_a ? 1 : lda,   alpha, beta, c,        ldc, 1};
  } else if (n <= kMaxSkinny) {
    s = {static_cast<int>(n), m,     k,    plain_a, a, lda, b, plain_b ? 1 : ldb,
         plain_b ? ldb : 1,   alpha, beta, c,       1, ldc};
  } else {
    return false;
  }
  // Sums shorter than a vector or two are better off in a blocked product.
  return !s.by_rows || s.inner >= 16;
}

void library_gemm(const GemmArgs<float>& g) {
#ifdef RT_USE_ONEDNN
  if (g.m * g.n * g.k > kSmallVolume ||
      (g.ta == Trans::No && g.tb != Trans::No && g.m * g.n * g.k > 40 * 40 * 40)) {
    onednn_gemm(g);
    return;
  }
#endif
  if (!blas_gemm_parallel(g)) {
    packed_gemm(DType::Float32, g.ta, g.tb, g.m, g.n, g.k, static_cast<double>(g.alpha), g.a, g.lda,
                g.b, g.ldb, static_cast<double>(g.beta), g.c, g.ldc);
  }
}
void library_gemm(const GemmArgs<double>& g) {
  if (!blas_gemm_parallel(g)) {
    packed_gemm(DType::Float64, g.ta, g.tb, g.m, g.n, g.k, g.alpha, g.a, g.lda, g.b, g.ldb, g.beta,
                g.c, g.ldc);
  }
}

template <class T>
void real_gemm(const GemmArgs<T>& g) {
  if (g.m * g.n * g.k <= kTinyVolume) return tiny_gemm(g);
  if (small_gemm(g)) return;
  SkinnyArgs<T, T> s;
  if (as_skinny(g.ta, g.tb, g.m, g.n, g.k, g.alpha, g.a, g.lda, g.b, g.ldb, g.beta, g.c, g.ldc,
                s)) {
    return skinny_gemm(s);
  }
  library_gemm(g);
}

template <class T>
void complex_gemm(const GemmArgs<T>& g) {
  if (!blas_gemm_parallel(g)) {
    packed_gemm(DTypeOf<T>::value, g.ta, g.tb, g.m, g.n, g.k,
                GemmScalar(static_cast<double>(g.alpha.re), static_cast<double>(g.alpha.im)), g.a,
                g.lda, g.b, g.ldb,
                GemmScalar(static_cast<double>(g.beta.re), static_cast<double>(g.beta.im)), g.c,
                g.ldc);
  }
}

template <class T>
void half_gemm(DType dtype, Trans ta, Trans tb, int64_t m, int64_t n, int64_t k, GemmScalar alpha,
               const T* a, int64_t lda, const T* b, int64_t ldb, GemmScalar beta, T* c,
               int64_t ldc) {
  const float falpha = static_cast<float>(alpha.re), fbeta = static_cast<float>(beta.re);
  SkinnyArgs<T, float> s;
  if (as_skinny(ta, tb, m, n, k, falpha, a, lda, b, ldb, fbeta, c, ldc, s)) {
    return skinny_gemm(s);
  }
#ifdef RT_USE_ONEDNN
  if constexpr (std::is_same_v<T, BFloat16>) {
    if (falpha == 1.0f && m * n * k > kSmallVolume &&
        onednn_gemm_bfloat16(ta, tb, m, n, k, a, lda, b, ldb, fbeta, c, ldc)) {
      return;
    }
  }
#endif
  packed_gemm(dtype, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

template <class T>
GemmArgs<T> typed(Trans ta, Trans tb, int64_t m, int64_t n, int64_t k, GemmScalar alpha,
                  const void* a, int64_t lda, const void* b, int64_t ldb, GemmScalar beta, void* c,
                  int64_t ldc) {
  const auto scalar = [](GemmScalar s) -> T {
    if constexpr (std::is_floating_point_v<T>) {
      return static_cast<T>(s.re);
    } else {
      using R = decltype(T::re);
      return {static_cast<R>(s.re), static_cast<R>(s.im)};
    }
  };
  return {ta,
          tb,
          m,
          n,
          k,
          scalar(alpha),
          static_cast<const T*>(a),
          lda,
          static_cast<const T*>(b),
          ldb,
          scalar(beta),
          static_cast<T*>(c),
          ldc};
}

bool is_zero(DType dtype, GemmScalar s) {
  return is_integral(dtype, false) ? s.integer == 0 : s.re == 0 && s.im == 0 && s.integer == 0;
}

template <class T>
T scaled(GemmScalar by, T x) {
  if constexpr (std::is_same_v<T, bool>) {
    return x;  // true and x is x
  } else if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(static_cast<uint64_t>(by.integer) * static_cast<uint64_t>(x));
  } else if constexpr (std::is_same_v<T, Half>) {
    return to_half(static_cast<float>(by.re) * to_float(x));
  } else if constexpr (std::is_same_v<T, BFloat16>) {
    return to_bfloat16(static_cast<float>(by.re) * to_float(x));
  } else if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(by.re) * x;
  } else {
    using R = decltype(T::re);
    const R re = static_cast<R>(by.re), im = static_cast<R>(by.im);
    return {re * x.re - im * x.im, re * x.im + im * x.re};
  }
}

// C = beta C, without reading it where beta is zero.
void scale_matrix(DType dtype, int64_t m, int64_t n, GemmScalar beta, void* c, int64_t ldc) {
  if (is_zero(dtype, beta)) {
    const size_t size = item_size(dtype);
    char* row = static_cast<char*>(c);
    for (int64_t i = 0; i < m; ++i, row += static_cast<size_t>(ldc) * size) {
      std::memset(row, 0, static_cast<size_t>(n) * size);
    }
    return;
  }
  with_type(kNumbers + kBool, dtype, "matmul", [&]<class T>(T) {
    for (int64_t i = 0; i < m; ++i) {
      T* const row = static_cast<T*>(c) + i * ldc;
      for (int64_t j = 0; j < n; ++j) row[j] = scaled(beta, row[j]);
    }
  });
}

}  // namespace

void float_gemm(const GemmArgs<float>& g) { real_gemm(g); }

}  // namespace detail

void gemm(DType dtype, Trans ta, Trans tb, int64_t m, int64_t n, int64_t k, GemmScalar alpha,
          const void* a, int64_t lda, const void* b, int64_t ldb, GemmScalar beta, void* c,
          int64_t ldc) {
  RT_CHECK(m >= 0 && n >= 0 && k >= 0, Value, "matmul", "sizes must not be negative",
           cat_str("m = ", m, ", n = ", n, ", k = ", k));
  if (m == 0 || n == 0) return;
  if (k == 0 || detail::is_zero(dtype, alpha)) {
    detail::scale_matrix(dtype, m, n, beta, c, ldc);
    return;
  }
  // Row steps are of no account where there is one row, but libraries check them.
  const int64_t rows_a = ta == Trans::No ? m : k, cols_a = ta == Trans::No ? k : m;
  const int64_t rows_b = tb == Trans::No ? k : n, cols_b = tb == Trans::No ? n : k;
  if (rows_a == 1) lda = std::max(lda, cols_a);
  if (rows_b == 1) ldb = std::max(ldb, cols_b);
  if (m == 1) ldc = std::max(ldc, n);
  RT_CHECK(ldc >= n, Value, "matmul", "the rows of the result overlap",
           cat_str("a row step of ", ldc, " for ", n, " columns"));
  if (lda < cols_a || ldb < cols_b) {  // overlapping rows, as of an expanded matrix
    return detail::packed_gemm(dtype, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
  }
  const bool done = try_with_type(kFloats + kComplexes, dtype, [&]<class T>(T) {
    if constexpr (std::is_floating_point_v<T>) {
      detail::real_gemm(detail::typed<T>(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc));
    } else if constexpr (is_complex(DTypeOf<T>::value)) {
      detail::complex_gemm(detail::typed<T>(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc));
    } else {
      detail::half_gemm(dtype, ta, tb, m, n, k, alpha, static_cast<const T*>(a), lda,
                        static_cast<const T*>(b), ldb, beta, static_cast<T*>(c), ldc);
    }
  });
  if (!done) detail::packed_gemm(dtype, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

void gemm_batched(DType dtype, Trans ta, Trans tb, int64_t batch, int64_t m, int64_t n, int64_t k,
                  GemmScalar alpha, const void* a, int64_t lda, int64_t stride_a, const void* b,
                  int64_t ldb, int64_t stride_b, GemmScalar beta, void* c, int64_t ldc,
                  int64_t stride_c) {
  if (batch <= 0 || m == 0 || n == 0) return;
  // One matrix B for all, and rows that follow each other: a single product of batch * m rows.
  const bool stacked =
      ta == Trans::No && stride_b == 0 &&
      (m == 1 ? stride_a >= k && stride_c >= n : lda * m == stride_a && ldc * m == stride_c);
  if (batch > 1 && stacked) {
    gemm(dtype, ta, tb, batch * m, n, k, alpha, a, m == 1 ? stride_a : lda, b, ldb, beta, c,
         m == 1 ? stride_c : ldc);
    return;
  }
  const int64_t size = static_cast<int64_t>(item_size(dtype));
  const auto product = [&](int64_t i) {
    gemm(dtype, ta, tb, m, n, k, alpha, static_cast<const char*>(a) + i * stride_a * size, lda,
         static_cast<const char*>(b) + i * stride_b * size, ldb, beta,
         static_cast<char*>(c) + i * stride_c * size, ldc);
  };
  // A batch that cannot occupy all threads leaves them to each product in turn, if it is large.
  const int64_t volume = m * n * std::max<int64_t>(k, 1);
  if (batch < get_num_threads() && volume > detail::kSmallVolume) {
    for (int64_t i = 0; i < batch; ++i) product(i);
    return;
  }
  const int64_t grain = std::max<int64_t>(detail::kBatchGrain / volume, 1);
  parallel_for(0, batch, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) product(i);
  });
}

void gemv(DType dtype, Trans ta, int64_t rows, int64_t cols, GemmScalar alpha, const void* a,
          int64_t lda, const void* x, int64_t incx, GemmScalar beta, void* y, int64_t incy) {
  const int64_t m = ta == Trans::No ? rows : cols, k = ta == Trans::No ? cols : rows;
  if (m == 0) return;
  // A vector with a step is a matrix of one column with that row distance. A negative or small
  // step is not one that a product takes, so those are copied.
  const int64_t size = static_cast<int64_t>(item_size(dtype));
  const auto copy = [size](int64_t n, const char* in, int64_t step_in, char* out,
                           int64_t step_out) {
    for (int64_t i = 0; i < n; ++i) {
      std::memcpy(out + i * step_out * size, in + i * step_in * size, static_cast<size_t>(size));
    }
  };
  std::optional<Scratch<char>> copied_x, copied_y;
  if (incx < 1) {
    copied_x.emplace(k * size);
    copy(k, static_cast<const char*>(x), incx, copied_x->data(), 1);
    x = copied_x->data();
    incx = 1;
  }
  char* const result = static_cast<char*>(y);
  const int64_t result_step = incy;
  if (incy < 1) {
    copied_y.emplace(m * size);
    copy(m, result, incy, copied_y->data(), 1);
    y = copied_y->data();
    incy = 1;
  }
  gemm(dtype, ta, Trans::No, m, 1, k, alpha, a, lda, x, incx, beta, y, incy);
  if (copied_y) copy(m, copied_y->data(), 1, result, result_step);
}

}  // namespace rt::cpu
