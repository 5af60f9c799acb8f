// Times the numerical layer without Python: GFLOP/s, or nanoseconds where a call is small.
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

#include "cpu/conv.h"
#include "cpu/fft.h"
#include "cpu/gemm.h"
#include "cpu/parallel.h"

using namespace rt;
using namespace rt::cpu;

namespace {

// On one thread the time this thread was running, which a busy machine disturbs less.
double now() {
  timespec t;
  clock_gettime(get_num_threads() == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

template <class F>
double best_seconds(F&& f) {
  f();
  double best = 1e9, total = 0;
  while (total < 0.03) {
    const double start = now();
    f();
    const double time = now() - start;
    best = std::min(best, time);
    total += time;
  }
  return best;
}

void bench_gemm() {
  const int64_t sizes[][3] = {
      {4, 4, 4},          {8, 8, 8},       {16, 16, 16},    {32, 32, 32},
      {64, 64, 64},       {128, 128, 128}, {256, 256, 256}, {512, 512, 512},
      {1024, 1024, 1024}, {1, 16, 16},     {32, 128, 784},  {32, 10, 128},
      {1, 4096, 4096},    {4, 4096, 4096}, {4096, 1, 4096}, {4, 1024, 1024}};
  const std::pair<const char*, DType> types[] = {{"f32", DType::Float32},   {"f64", DType::Float64},
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
        std::vector<char> a(static_cast<size_t>(m * k) * size),
            b(static_cast<size_t>(k * n) * size), c(static_cast<size_t>(m * n) * size);
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

void bench_conv() {
  struct Problem {
    int64_t batch, in, out, groups, size, kernel, stride;
  };
  const Problem problems[] = {
      {1, 64, 64, 1, 56, 3, 1},  {8, 128, 128, 1, 28, 3, 1},  {1, 3, 64, 1, 224, 7, 2},
      {8, 256, 64, 1, 28, 1, 1}, {32, 1, 16, 1, 8, 3, 1},     {32, 16, 32, 1, 8, 3, 1},
      {4, 96, 96, 96, 56, 3, 1}, {1, 128, 128, 32, 28, 3, 1}, {1, 1, 1, 1, 4, 3, 1}};
  for (const int threads : {1, 2}) {
    set_num_threads(threads);
    for (const DType dtype : {DType::Float32, DType::Float64}) {
      for (const Problem& p : problems) {
        ConvShape s;
        s.batch = p.batch;
        s.in_channels = p.in;
        s.out_channels = p.out;
        s.groups = p.groups;
        s.in_size = {p.size, p.size, 1};
        s.kernel = {p.kernel, p.kernel, 1};
        s.stride = {p.stride, p.stride, 1};
        s.padding = {p.kernel / 2, p.kernel / 2, 0};
        const int64_t out = s.out_size(0) * s.out_size(1), taps = p.kernel * p.kernel;
        const size_t size = item_size(dtype);
        std::vector<char> input(static_cast<size_t>(p.batch * p.in * p.size * p.size) * size),
            weight(static_cast<size_t>(p.out * p.in / p.groups * taps) * size),
            bias(static_cast<size_t>(p.out) * size),
            output(static_cast<size_t>(p.batch * p.out * out) * size);
        const double flops =
            2.0 * static_cast<double>(p.batch * p.out * (p.in / p.groups) * taps * out);
        const auto report = [&](double t) {
          std::printf(" %8.1f us %6.1f GFLOP/s", t * 1e6, flops / t * 1e-9);
        };
        std::printf("  %d thread %s n%ld c%ld>%ld g%ld h%ld k%ld s%ld:", threads, name(dtype),
                    static_cast<long>(p.batch), static_cast<long>(p.in), static_cast<long>(p.out),
                    static_cast<long>(p.groups), static_cast<long>(p.size),
                    static_cast<long>(p.kernel), static_cast<long>(p.stride));
        report(best_seconds([&] {
          conv_forward(dtype, s, input.data(), weight.data(), bias.data(), output.data());
        }));
        report(best_seconds([&] {
          conv_backward_data(dtype, s, output.data(), weight.data(), nullptr, input.data());
        }));
        report(best_seconds([&] {
          conv_backward_weight(dtype, s, input.data(), output.data(), weight.data(), bias.data());
        }));
        std::printf("\n");
      }
    }
  }
}

void bench_fft() {
  const int64_t shapes[][2] = {{1, 64},      {1, 1024},  {1, 1000},  {1, 1009},   {1, 65536},
                               {1, 1 << 20}, {1000, 64}, {256, 256}, {256, 1000}, {256, 1009}};
  for (const int threads : {1, 2}) {
    set_num_threads(threads);
    for (const auto& [batch, n] : shapes) {
      const FftLines lines{batch, 1, n, 0, 1}, half{batch, 1, n / 2 + 1, 0, 1};
      std::vector<Complex64> x(static_cast<size_t>(batch * n)), y(x);
      std::vector<Complex128> xd(x.size()), yd(x.size());
      std::vector<double> real(x.size());
      const double single =
          best_seconds([&] { fft_complex(n, false, 1.0f, lines, x.data(), lines, y.data()); });
      const double dual =
          best_seconds([&] { fft_complex(n, false, 1.0, lines, xd.data(), lines, yd.data()); });
      const double from_real =
          best_seconds([&] { fft_real_to_complex(n, 1.0, lines, real.data(), half, yd.data()); });
      std::printf(
          "  %d thread fft %ld x %ld: complex64 %.2f us, complex128 %.2f us, "
          "float64 to complex128 %.2f us\n",
          threads, static_cast<long>(batch), static_cast<long>(n), single * 1e6, dual * 1e6,
          from_real * 1e6);
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
  if (wanted("conv")) bench_conv();
  if (wanted("fft")) bench_fft();
}
