// Times the numerical layer without Python: GFLOP/s, or nanoseconds where a call is small.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

#include "cpu/gemm.h"
#include "cpu/parallel.h"

using namespace rt;
using namespace rt::cpu;

namespace {

template <class F>
double best_seconds(F&& f) {
  using clock = std::chrono::steady_clock;
  f();
  double best = 1e9, total = 0;
  while (total < 0.03) {
    const auto start = clock::now();
    f();
    const std::chrono::duration<double> time = clock::now() - start;
    best = std::min(best, time.count());
    total += time.count();
  }
  return best;
}

void bench_gemm() {
  const int64_t sizes[][3] = {{4, 4, 4},       {8, 8, 8},        {16, 16, 16},     {32, 32, 32},
                              {64, 64, 64},    {128, 128, 128},  {256, 256, 256},  {512, 512, 512},
                              {1024, 1024, 1024}, {1, 16, 16},   {32, 128, 784},   {32, 10, 128},
                              {1, 4096, 4096}, {4, 4096, 4096},  {4096, 1, 4096},  {4, 1024, 1024}};
  const std::pair<const char*, DType> types[] = {{"f32", DType::Float32}, {"f64", DType::Float64},
                                                 {"bf16", DType::BFloat16}, {"f16", DType::Float16},
                                                 {"c64", DType::Complex64}, {"i32", DType::Int32},
                                                 {"i64", DType::Int64}};
  for (const int threads : {1, 2}) {
    set_num_threads(threads);
    for (const auto& s : sizes) {
      const int64_t m = s[0], n = s[1], k = s[2];
      std::printf("  %d thread %4ld %4ld %4ld:", threads, static_cast<long>(m),
                  static_cast<long>(n), static_cast<long>(k));
      for (const auto& [name, dtype] : types) {
        const size_t size = item_size(dtype);
        std::vector<char> a(static_cast<size_t>(m * k) * size), b(static_cast<size_t>(k * n) * size),
            c(static_cast<size_t>(m * n) * size);
        for (const Trans tb : {Trans::No, Trans::Yes}) {
          const double t = best_seconds([&] {
            gemm(dtype, Trans::No, tb, m, n, k, 1, a.data(), k, b.data(), tb == Trans::No ? n : k,
                 0, c.data(), n);
          });
          const double flops = 2.0 * static_cast<double>(m * n * k);
          if (flops < 1e5) {
            std::printf(" %s%s %.0f ns", name, tb == Trans::No ? "" : "T", t * 1e9);
          } else {
            std::printf(" %s%s %.1f", name, tb == Trans::No ? "" : "T", flops / t * 1e-9);
          }
        }
      }
      std::printf("\n");
    }
    for (const int64_t n : {4, 8, 16, 32, 64}) {
      const int64_t batch = 1024;
      std::vector<float> a(static_cast<size_t>(batch * n * n)), b(a), c(a);
      const double t = best_seconds([&] {
        gemm_batched(DType::Float32, Trans::No, Trans::No, batch, n, n, n, 1, a.data(), n, n * n,
                     b.data(), n, n * n, 0, c.data(), n, n * n);
      });
      std::printf("  %d thread batched %ldx%ld: %.0f ns a matrix\n", threads, static_cast<long>(n),
                  static_cast<long>(n), t / static_cast<double>(batch) * 1e9);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const auto wanted = [&](const char* name) {
    return argc == 1 || std::any_of(argv + 1, argv + argc,
                                    [&](const char* a) { return std::strcmp(a, name) == 0; });
  };
  if (wanted("gemm")) bench_gemm();
}
