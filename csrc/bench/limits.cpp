#include "bench/limits.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <system_error>
#include <thread>
#include <vector>

#include "core/error.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace rt::bench {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Makes the compiler believe that memory behind p changed and that the value of p is used.
inline void keep(const void* p) { asm volatile("" : : "r"(p) : "memory"); }

// ---- vectors -------------------------------------------------------------------------------
// One struct per instruction set. The functions that use it carry the same target attribute, so
// that one binary holds them all and runs what the CPU has.

enum class Isa : uint8_t { Portable, Avx2, Avx512, Neon };

Isa detect_isa() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f")) return Isa::Avx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return Isa::Avx2;
  return Isa::Portable;
#elif defined(__aarch64__)
  return Isa::Neon;
#else
  return Isa::Portable;
#endif
}

// ---- bandwidth -----------------------------------------------------------------------------

// A slice of the arrays: read takes only b, copy a and b.
struct Slice {
  float* a;
  const float* b;
  const float* c;
  size_t count;  // floats; a multiple of kBlock
};

constexpr size_t kBlock = 64;  // floats: whole cache lines, so that slices share none
constexpr float kScale = 0.5f;

void copy_plain(const Slice& s) {
  for (size_t i = 0; i < s.count; ++i) s.a[i] = s.b[i];
}
void triad_plain(const Slice& s) {
  for (size_t i = 0; i < s.count; ++i) s.a[i] = s.b[i] + kScale * s.c[i];
}

#if defined(__x86_64__)
// V: vector width in floats. STREAM: stores that bypass the cache.
#define RT_DEFINE_LOOPS(SUFFIX, TARGET, VEC, V, LOAD, STORE, FMA, SET)     \
  __attribute__((target(TARGET))) void copy_##SUFFIX(const Slice& s) {     \
    for (size_t i = 0; i < s.count; i += V) STORE(s.a + i, LOAD(s.b + i)); \
    _mm_sfence();                                                          \
  }                                                                        \
  __attribute__((target(TARGET))) void triad_##SUFFIX(const Slice& s) {    \
    const VEC scale = SET(kScale);                                         \
    for (size_t i = 0; i < s.count; i += V)                                \
      STORE(s.a + i, FMA(LOAD(s.c + i), scale, LOAD(s.b + i)));            \
    _mm_sfence();                                                          \
  }
RT_DEFINE_LOOPS(avx2, "avx2,fma", __m256, 8, _mm256_load_ps, _mm256_store_ps, _mm256_fmadd_ps,
                _mm256_set1_ps)
RT_DEFINE_LOOPS(avx2_stream, "avx2,fma", __m256, 8, _mm256_load_ps, _mm256_stream_ps,
                _mm256_fmadd_ps, _mm256_set1_ps)
RT_DEFINE_LOOPS(avx512, "avx512f", __m512, 16, _mm512_load_ps, _mm512_store_ps, _mm512_fmadd_ps,
                _mm512_set1_ps)
RT_DEFINE_LOOPS(avx512_stream, "avx512f", __m512, 16, _mm512_load_ps, _mm512_stream_ps,
                _mm512_fmadd_ps, _mm512_set1_ps)
#undef RT_DEFINE_LOOPS
#endif

typedef float PortableF32 __attribute__((vector_size(16), may_alias));
typedef double PortableF64 __attribute__((vector_size(16)));
inline PortableF32 load_portable(const float* p) {
  return *reinterpret_cast<const PortableF32*>(p);
}

// Four sums: one alone would wait for the latency of the addition.
#define RT_DEFINE_READ(SUFFIX, ATTRIBUTE, VEC, V, LOAD)         \
  ATTRIBUTE void read_##SUFFIX(const Slice& s) {                \
    VEC x0 = LOAD(s.b), x1 = x0, x2 = x0, x3 = x0;              \
    for (size_t i = 0; i < s.count; i += 4 * V) {               \
      x0 += LOAD(s.b + i), x1 += LOAD(s.b + i + V);             \
      x2 += LOAD(s.b + i + 2 * V), x3 += LOAD(s.b + i + 3 * V); \
    }                                                           \
    const VEC sum = x0 + x1 + x2 + x3;                          \
    keep(&sum);                                                 \
  }
RT_DEFINE_READ(plain, , PortableF32, 4, load_portable)
#if defined(__x86_64__)
RT_DEFINE_READ(avx2, __attribute__((target("avx2"))), __m256, 8, _mm256_load_ps)
RT_DEFINE_READ(avx512, __attribute__((target("avx512f"))), __m512, 16, _mm512_load_ps)
#endif
#undef RT_DEFINE_READ

using Loop = void (*)(const Slice&);

struct LoopSet {
  Loop read;
  Loop copy;
  Loop triad;
};

std::vector<LoopSet> loops_for(Isa isa) {
  std::vector<LoopSet> loops{{read_plain, copy_plain, triad_plain}};
#if defined(__x86_64__)
  if (isa == Isa::Avx2) {
    loops.push_back({read_avx2, copy_avx2, triad_avx2});
    loops.push_back({nullptr, copy_avx2_stream, triad_avx2_stream});
  } else if (isa == Isa::Avx512) {
    loops.push_back({read_avx512, copy_avx512, triad_avx512});
    loops.push_back({nullptr, copy_avx512_stream, triad_avx512_stream});
  }
#else
  (void)isa;
#endif
  return loops;
}

// Runs body(thread) on `threads` threads that start together; the seconds until the last is done.
// Threads of our own rather than parallel_for: a probe must not depend on what it is a yardstick
// for.
template <class Body>
double run_together(int threads, Body&& body) {
  std::atomic<int> waiting{threads};
  std::atomic<bool> go{false};
  std::vector<Clock::time_point> ends(static_cast<size_t>(threads));
  const auto work = [&](int t) {
    waiting.fetch_sub(1);
    while (!go.load(std::memory_order_acquire)) std::this_thread::yield();
    body(t);
    ends[static_cast<size_t>(t)] = Clock::now();
  };
  std::vector<std::thread> pool;
  pool.reserve(static_cast<size_t>(threads) - 1);
  try {
    for (int t = 1; t < threads; ++t) pool.emplace_back(work, t);
  } catch (const std::system_error&) {
    go.store(true, std::memory_order_release);
    for (std::thread& thread : pool) thread.join();
    throw_error(ErrorKind::Runtime, "measure", "the system gives no more threads",
                cat_str(threads, " threads"), "try fewer threads");
  }
  while (waiting.load() > 1) std::this_thread::yield();
  const Clock::time_point start = Clock::now();
  go.store(true, std::memory_order_release);
  work(0);
  for (std::thread& thread : pool) thread.join();
  const Clock::time_point last = *std::max_element(ends.begin(), ends.end());
  return std::chrono::duration<double>(last - start).count();
}

struct Free {
  void operator()(void* p) const { std::free(p); }
};
using Buffer = std::unique_ptr<float[], Free>;

Buffer make_buffer(size_t count) {
  void* p = std::aligned_alloc(4096, (count * sizeof(float) + 4095) / 4096 * 4096);
  RT_CHECK(p != nullptr, OutOfMemory, "measure_bandwidth", "no memory for the arrays",
           cat_str(count * sizeof(float), " bytes"), "try a smaller size");
  return Buffer(static_cast<float*>(p));
}

// Bytes per second of one loop over `arrays` arrays of `count` floats each.
double bandwidth_of(Loop loop, int arrays, int64_t nbytes, int threads) {
  const size_t count = std::max<size_t>(
      static_cast<size_t>(nbytes) / static_cast<size_t>(arrays) / sizeof(float) / kBlock * kBlock,
      kBlock * static_cast<size_t>(threads));
  const Buffer b = make_buffer(count);
  const Buffer a = arrays >= 2 ? make_buffer(count) : nullptr;
  const Buffer c = arrays == 3 ? make_buffer(count) : nullptr;

  const auto slice_of = [&](int t) {
    const size_t blocks = count / kBlock;
    const size_t n = static_cast<size_t>(threads);
    const size_t begin = blocks * static_cast<size_t>(t) / n * kBlock;
    const size_t end = blocks * (static_cast<size_t>(t) + 1) / n * kBlock;
    return Slice{a ? a.get() + begin : nullptr, b.get() + begin, c ? c.get() + begin : nullptr,
                 end - begin};
  };
  // Each thread writes its part first, so that pages lie near it. Zeros would do, but ones keep
  // the arithmetic free of special values.
  run_together(threads, [&](int t) {
    const Slice s = slice_of(t);
    if (s.a) std::fill_n(s.a, s.count, 1.0f);
    std::fill_n(const_cast<float*>(s.b), s.count, 1.0f);
    if (s.c) std::fill_n(const_cast<float*>(s.c), s.count, 1.0f);
  });

  const double moved = static_cast<double>(count) * sizeof(float) * arrays;
  int64_t passes = 1;
  const auto timed = [&] {
    return run_together(threads, [&](int t) {
      const Slice s = slice_of(t);
      for (int64_t pass = 0; pass < passes; ++pass) {
        loop(s);
        keep(s.a);
      }
    });
  };
  // Enough passes that a run takes 2 ms or more: starting together is then well under one percent.
  double seconds = timed();
  while (seconds < 2e-3 && passes < (int64_t{1} << 30)) {
    passes *= seconds < 2e-4 ? 8 : 2;
    seconds = timed();
  }
  double best = seconds;
  const Clock::time_point start = Clock::now();
  for (int run = 0; run < 12 && (run < 4 || seconds_since(start) < 0.05); ++run)
    best = std::min(best, timed());
  return moved * static_cast<double>(passes) / best;
}

// ---- peak arithmetic -----------------------------------------------------------------------

// Chains of x = x * m + d: 12 of them hide the latency of two units of up to 5 cycles, and with
// m and d they fit 16 registers. Values stay near 1: no denormals, no infinities.
constexpr int kChains = 12;
constexpr int kStepsPerCall = 4096;

#define RT_DEFINE_PEAK(SUFFIX, ATTRIBUTE, SCALAR, VEC, FMA, SET)                 \
  ATTRIBUTE void peak_##SUFFIX(SCALAR* sink) {                                   \
    const VEC m = SET(SCALAR(0.999));                                            \
    const VEC d = SET(SCALAR(0.001));                                            \
    VEC x0 = m, x1 = d, x2 = m, x3 = d, x4 = m, x5 = d;                          \
    VEC x6 = m, x7 = d, x8 = m, x9 = d, x10 = m, x11 = d;                        \
    for (int i = 0; i < kStepsPerCall; ++i) {                                    \
      x0 = FMA(x0, m, d), x1 = FMA(x1, m, d), x2 = FMA(x2, m, d);                \
      x3 = FMA(x3, m, d), x4 = FMA(x4, m, d), x5 = FMA(x5, m, d);                \
      x6 = FMA(x6, m, d), x7 = FMA(x7, m, d), x8 = FMA(x8, m, d);                \
      x9 = FMA(x9, m, d), x10 = FMA(x10, m, d), x11 = FMA(x11, m, d);            \
    }                                                                            \
    const VEC sum = x0 + x1 + x2 + x3 + x4 + x5 + x6 + x7 + x8 + x9 + x10 + x11; \
    *sink += sum[0];                                                             \
  }

#if defined(__x86_64__)
#define RT_AVX512 __attribute__((target("avx512f")))
#define RT_AVX2 __attribute__((target("avx2,fma")))
RT_DEFINE_PEAK(f32_avx512, RT_AVX512, float, __m512, _mm512_fmadd_ps, _mm512_set1_ps)
RT_DEFINE_PEAK(f64_avx512, RT_AVX512, double, __m512d, _mm512_fmadd_pd, _mm512_set1_pd)
RT_DEFINE_PEAK(f32_avx2, RT_AVX2, float, __m256, _mm256_fmadd_ps, _mm256_set1_ps)
RT_DEFINE_PEAK(f64_avx2, RT_AVX2, double, __m256d, _mm256_fmadd_pd, _mm256_set1_pd)
#undef RT_AVX512
#undef RT_AVX2
#elif defined(__aarch64__)
inline float32x4_t fma_f32(float32x4_t x, float32x4_t m, float32x4_t d) {
  return vfmaq_f32(d, x, m);
}
inline float64x2_t fma_f64(float64x2_t x, float64x2_t m, float64x2_t d) {
  return vfmaq_f64(d, x, m);
}
RT_DEFINE_PEAK(f32_neon, , float, float32x4_t, fma_f32, vdupq_n_f32)
RT_DEFINE_PEAK(f64_neon, , double, float64x2_t, fma_f64, vdupq_n_f64)
#endif

// The compiler's own vectors of 16 bytes, multiplied and added: what a CPU without the above does.
inline PortableF32 set_f32(float v) { return PortableF32{v, v, v, v}; }
inline PortableF64 set_f64(double v) { return PortableF64{v, v}; }
#define RT_MUL_ADD(X, M, D) ((X) * (M) + (D))
RT_DEFINE_PEAK(f32_portable, , float, PortableF32, RT_MUL_ADD, set_f32)
RT_DEFINE_PEAK(f64_portable, , double, PortableF64, RT_MUL_ADD, set_f64)
#undef RT_MUL_ADD
#undef RT_DEFINE_PEAK

template <class Scalar>
double peak_of(void (*kernel)(Scalar*), int lanes, int threads) {
  constexpr int kCalls = 100;
  const double work = 2.0 * lanes * kChains * kStepsPerCall * kCalls * threads;
  double best = 0;
  const Clock::time_point start = Clock::now();
  // The first runs bring the clock up; the best of 0.2 s is what the core does undisturbed.
  for (int run = 0; run < 200 && (run < 5 || seconds_since(start) < 0.2); ++run) {
    const double seconds = run_together(threads, [&](int) {
      Scalar sink = 0;
      for (int call = 0; call < kCalls; ++call) kernel(&sink);
      keep(&sink);
    });
    best = std::max(best, work / seconds);
  }
  return best;
}

}  // namespace

Bandwidth measure_bandwidth(int64_t nbytes, int threads) {
  RT_CHECK(nbytes >= 4096, Value, "measure_bandwidth", "the size is too small to time",
           cat_str(nbytes, " bytes"), "try 4096 or more");
  RT_CHECK(threads >= 1, Value, "measure_bandwidth", "needs at least one thread",
           cat_str(threads, " threads"));
  Bandwidth best;
  for (const LoopSet& loop : loops_for(detect_isa())) {
    // Streaming stores make no difference to a loop that stores nothing.
    if (loop.read) best.read = std::max(best.read, bandwidth_of(loop.read, 1, nbytes, threads));
    best.copy = std::max(best.copy, bandwidth_of(loop.copy, 2, nbytes, threads));
    best.triad = std::max(best.triad, bandwidth_of(loop.triad, 3, nbytes, threads));
  }
  return best;
}

double measure_peak_flops(PeakType type, int threads) {
  RT_CHECK(threads >= 1, Value, "measure_peak_flops", "needs at least one thread",
           cat_str(threads, " threads"));
  const bool is_f32 = type == PeakType::Float32;
  switch (detect_isa()) {
#if defined(__x86_64__)
    case Isa::Avx512:
      return is_f32 ? peak_of(peak_f32_avx512, 16, threads) : peak_of(peak_f64_avx512, 8, threads);
    case Isa::Avx2:
      return is_f32 ? peak_of(peak_f32_avx2, 8, threads) : peak_of(peak_f64_avx2, 4, threads);
#elif defined(__aarch64__)
    case Isa::Neon:
      return is_f32 ? peak_of(peak_f32_neon, 4, threads) : peak_of(peak_f64_neon, 2, threads);
#endif
    default:
      return is_f32 ? peak_of(peak_f32_portable, 4, threads)
                    : peak_of(peak_f64_portable, 2, threads);
  }
}

const char* probe_instruction_set() {
  switch (detect_isa()) {
    case Isa::Avx512:
      return "AVX-512";
    case Isa::Avx2:
      return "AVX2";
    case Isa::Neon:
      return "NEON";
    default:
      return "portable";
  }
}

}  // namespace rt::bench
