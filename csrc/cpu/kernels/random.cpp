// Random numbers by counters; ops/random.h has the map from elements to counters.
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/random_run.h"
#include "rt_philox.h"

namespace rt::cpu::RT_ISA {

namespace {

// pointers[0]: n results; pointers[1]: the RandomRun. Each block of four words gives PerBlock
// results through f(words, results).
template <int PerBlock, class T, class F>
inline void fill_blocks(int64_t n, void* const* p, F f) {
  T* out = static_cast<T*>(p[0]);
  const RandomRun r = *static_cast<const RandomRun*>(p[1]);
  const int64_t blocks = n / PerBlock;
#pragma GCC ivdep
  for (int64_t b = 0; b < blocks; ++b) {
    T v[PerBlock];
    f(philox_at_(r.seed, 0, r.block + static_cast<u64>(b)), r, v);
    for (int k = 0; k < PerBlock; ++k) out[b * PerBlock + k] = v[k];
  }
  if (blocks * PerBlock < n) {
    T v[PerBlock];
    f(philox_at_(r.seed, 0, r.block + static_cast<u64>(blocks)), r, v);
    for (int64_t k = 0; k < n - blocks * PerBlock; ++k) out[blocks * PerBlock + k] = v[k];
  }
}

RT_INLINE s64 integer(u32 high, u32 low, const RandomRun& r) {
  return (s64)(word_share_(word64_(high, low), r.range) + (u64)r.base);
}

#define RT_RANDOM(slot, type, T, per_block, ...)                                       \
  table.add(slot, type, [](int64_t n, void* const* p) {                                \
    fill_blocks<per_block, T>(                                                         \
        n, p, [](Philox4 w, const RandomRun& r, T* v) __attribute__((always_inline)) { \
          (void)r;                                                                     \
          __VA_ARGS__;                                                                 \
        });                                                                            \
  })

}  // namespace

void add_random(const LoopTable& table) {
  RT_RANDOM("random_uniform", Float32, f32, 4, {
    const f32 low = (f32)r.a, width = (f32)(r.b - r.a), high = (f32)r.b;
    const u32 words[4] = {w.x & r.mask, w.y & r.mask, w.z & r.mask, w.w & r.mask};
    for (int k = 0; k < 4; ++k) v[k] = uniform_between_float_(words[k], low, width, high);
  });
  RT_RANDOM("random_uniform", Float64, f64, 2, {
    const f64 width = r.b - r.a;
    const f64 u = fma_(uniform_double_(w.x, w.y), width, r.a),
              t = fma_(uniform_double_(w.z, w.w), width, r.a);
    v[0] = u < r.b ? u : r.a;
    v[1] = t < r.b ? t : r.a;
  });
  RT_RANDOM("random_normal", Float32, f32, 4, {
    const f32 mean = (f32)r.a, std = (f32)r.b;
    const Pair<float> p = normal_float_(w.x, w.y), q = normal_float_(w.z, w.w);
    v[0] = fma_(p.lo, std, mean);
    v[1] = fma_(p.hi, std, mean);
    v[2] = fma_(q.lo, std, mean);
    v[3] = fma_(q.hi, std, mean);
  });
  RT_RANDOM("random_normal", Float64, f64, 2, {
    const Pair<double> p = normal_double_(w);
    v[0] = fma_(p.lo, r.b, r.a);
    v[1] = fma_(p.hi, r.b, r.a);
  });
  RT_RANDOM("random_log_normal", Float32, f32, 4, {
    const f32 mean = (f32)r.a, std = (f32)r.b;
    const Pair<float> p = normal_float_(w.x, w.y), q = normal_float_(w.z, w.w);
    v[0] = exp_(fma_(p.lo, std, mean));
    v[1] = exp_(fma_(p.hi, std, mean));
    v[2] = exp_(fma_(q.lo, std, mean));
    v[3] = exp_(fma_(q.hi, std, mean));
  });
  RT_RANDOM("random_log_normal", Float64, f64, 2, {
    const Pair<double> p = normal_double_(w);
    v[0] = exp_(fma_(p.lo, r.b, r.a));
    v[1] = exp_(fma_(p.hi, r.b, r.a));
  });
  // a: the rate.
  RT_RANDOM("random_exponential", Float32, f32, 4, {
    const f32 rate = (f32)r.a;
    v[0] = exponential_float_(w.x) / rate;
    v[1] = exponential_float_(w.y) / rate;
    v[2] = exponential_float_(w.z) / rate;
    v[3] = exponential_float_(w.w) / rate;
  });
  RT_RANDOM("random_exponential", Float64, f64, 2, {
    v[0] = exponential_double_(w.x, w.y) / r.a;
    v[1] = exponential_double_(w.z, w.w) / r.a;
  });
  // a: the median, b: the scale. tan(pi (u - 1/2)) by sine and cosine of the same angle.
  RT_RANDOM("random_cauchy", Float64, f64, 2, {
    const Pair<double> p = sincospi_(uniform_open_double_(w.x, w.y)),
                       q = sincospi_(uniform_open_double_(w.z, w.w));
    v[0] = fma_(-p.hi / p.lo, r.b, r.a);
    v[1] = fma_(-q.hi / q.lo, r.b, r.a);
  });
  // a: log(1 - p). The trials up to and with the first success.
  RT_RANDOM("random_geometric", Float64, f64, 2, {
    const f64 s = ceil_(log_(uniform_open_double_(w.x, w.y)) / r.a),
              t = ceil_(log_(uniform_open_double_(w.z, w.w)) / r.a);
    v[0] = s >= 1.0 ? s : 1.0;
    v[1] = t >= 1.0 ? t : 1.0;
  });
  RT_RANDOM("random_integer", Int64, s64, 2, {
    v[0] = integer(w.x, w.y, r);
    v[1] = integer(w.z, w.w, r);
  });
  // Dropout: the mask's 0 or 1 multiplies, so that NaN stays NaN.
  RT_LOOP3("masked_scale", Complex64, c64, c64, (c64{x.re * y.re * z.re, x.im * y.re * z.re}));
  RT_LOOP3("masked_scale", Complex128, c128, c128, (c128{x.re * y.re * z.re, x.im * y.re * z.re}));
  // range: the probability times 2^32.
  RT_RANDOM("random_bernoulli", Bool, u8, 4, {
    v[0] = w.x < r.range;
    v[1] = w.y < r.range;
    v[2] = w.z < r.range;
    v[3] = w.w < r.range;
  });
}

}  // namespace rt::cpu::RT_ISA
