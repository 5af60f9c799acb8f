// Products through a BLAS: OpenBLAS from the scipy-openblas32 wheel, or Accelerate.
#include <algorithm>
#include <cstdint>
#include <limits>

#include "cpu/blas_threads.h"
#include "cpu/gemm_backends.h"
#include "cpu/parallel.h"

#if defined(RT_USE_ACCELERATE)
#include <Accelerate/Accelerate.h>
#define RT_BLAS(name) cblas_##name
#else
#include <cblas.h>
#define RT_BLAS(name) scipy_cblas_##name
#endif

namespace rt::cpu::detail {

namespace {

CBLAS_TRANSPOSE blas_trans(Trans t) {
  return t == Trans::No ? CblasNoTrans : t == Trans::Yes ? CblasTrans : CblasConjTrans;
}

template <class T>
bool fits_int(const GemmArgs<T>& g) {
  constexpr int64_t limit = std::numeric_limits<int32_t>::max();
  return std::max({g.m, g.n, g.k, g.lda, g.ldb, g.ldc}) <= limit;
}

void call(const GemmArgs<float>& g) {
  RT_BLAS(sgemm)
  (CblasRowMajor, blas_trans(g.ta), blas_trans(g.tb), static_cast<int>(g.m), static_cast<int>(g.n),
   static_cast<int>(g.k), g.alpha, g.a, static_cast<int>(g.lda), g.b, static_cast<int>(g.ldb),
   g.beta, g.c, static_cast<int>(g.ldc));
}
void call(const GemmArgs<double>& g) {
  RT_BLAS(dgemm)
  (CblasRowMajor, blas_trans(g.ta), blas_trans(g.tb), static_cast<int>(g.m), static_cast<int>(g.n),
   static_cast<int>(g.k), g.alpha, g.a, static_cast<int>(g.lda), g.b, static_cast<int>(g.ldb),
   g.beta, g.c, static_cast<int>(g.ldc));
}
void call(const GemmArgs<Complex64>& g) {
  RT_BLAS(cgemm)
  (CblasRowMajor, blas_trans(g.ta), blas_trans(g.tb), static_cast<int>(g.m), static_cast<int>(g.n),
   static_cast<int>(g.k), &g.alpha, g.a, static_cast<int>(g.lda), g.b, static_cast<int>(g.ldb),
   &g.beta, g.c, static_cast<int>(g.ldc));
}
void call(const GemmArgs<Complex128>& g) {
  RT_BLAS(zgemm)
  (CblasRowMajor, blas_trans(g.ta), blas_trans(g.tb), static_cast<int>(g.m), static_cast<int>(g.n),
   static_cast<int>(g.k), &g.alpha, g.a, static_cast<int>(g.lda), g.b, static_cast<int>(g.ldb),
   &g.beta, g.c, static_cast<int>(g.ldc));
}

template <class T>
bool checked_call(const GemmArgs<T>& g) {
  if (!fits_int(g)) return false;
  blas_threads_ready();
  call(g);
  return true;
}

// The block of the product in rows [i0, i1) and columns [j0, j1).
template <class T>
GemmArgs<T> block(const GemmArgs<T>& g, int64_t i0, int64_t i1, int64_t j0, int64_t j1) {
  GemmArgs<T> part = g;
  part.m = i1 - i0;
  part.n = j1 - j0;
  part.a += g.ta == Trans::No ? i0 * g.lda : i0;
  part.b += g.tb == Trans::No ? j0 : j0 * g.ldb;
  part.c += i0 * g.ldc + j0;
  return part;
}

}  // namespace

bool blas_gemm(const GemmArgs<float>& g) { return checked_call(g); }
bool blas_gemm(const GemmArgs<double>& g) { return checked_call(g); }
bool blas_gemm(const GemmArgs<Complex64>& g) { return checked_call(g); }
bool blas_gemm(const GemmArgs<Complex128>& g) { return checked_call(g); }

template <class T>
bool blas_gemm_parallel(const GemmArgs<T>& g) {
  if (!fits_int(g)) return false;
#if defined(RT_USE_ACCELERATE)
  return blas_gemm(g);  // starts its own threads
#else
  // Below this many multiplications a thread costs more than it saves.
  constexpr int64_t min_volume = 80 * 80 * 80 / (sizeof(T) / 4);
  const int64_t volume = g.m * g.n * g.k;
  const int64_t threads =
      volume < 2 * min_volume ? 1 : std::min<int64_t>(library_threads(), volume / min_volume);
  if (threads <= 1) return blas_gemm(g);
  // A grid of `threads` blocks at most, as square as it gets, of whole vector widths.
  constexpr int64_t unit = 16;
  const int64_t units_m = (g.m + unit - 1) / unit, units_n = (g.n + unit - 1) / unit;
  int64_t grid_m = 1, grid_n = 1;
  double best = -1;
  for (int64_t tm = 1; tm <= std::min(threads, units_m); ++tm) {
    const int64_t tn = std::min(threads / tm, units_n);
    // Work of the slowest thread first, then the length of a block's border.
    const int64_t rows = (units_m + tm - 1) / tm, cols = (units_n + tn - 1) / tn;
    const double cost = static_cast<double>(rows * cols) + 0.01 * static_cast<double>(rows + cols);
    if (best < 0 || cost < best) {
      best = cost;
      grid_m = tm;
      grid_n = tn;
    }
  }
  const int64_t step_m = (units_m + grid_m - 1) / grid_m * unit;
  const int64_t step_n = (units_n + grid_n - 1) / grid_n * unit;
  parallel_for(0, grid_m * grid_n, 1, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const int64_t i0 = t / grid_n * step_m, j0 = t % grid_n * step_n;
      if (i0 >= g.m || j0 >= g.n) continue;
      blas_gemm(block(g, i0, std::min(g.m, i0 + step_m), j0, std::min(g.n, j0 + step_n)));
    }
  });
  return true;
#endif
}

template bool blas_gemm_parallel(const GemmArgs<float>&);
template bool blas_gemm_parallel(const GemmArgs<double>&);
template bool blas_gemm_parallel(const GemmArgs<Complex64>&);
template bool blas_gemm_parallel(const GemmArgs<Complex128>&);

}  // namespace rt::cpu::detail
