// Random tensors. Every engine draws the same numbers for the same seed, whatever its number of
// threads or the width of its vectors, because element i of a result (in row-major order) depends
// on the generator's seed, its offset when the op ran, and i alone:
//
//   Philox4x32-10 with the seed as key turns the 128-bit counter {offset + block, 0} into words
//   x, y, z, w (rt_philox.h). With k = 4 elements a block, element i has block i / 4 and the word
//   number i % 4; with k = 2, block i / 2 and the words (x, y) or (z, w), the first one being the
//   high half. An op advances the offset by ceil(n / k).
//
//   distribution     computed in        k   value
//   uniform          float32            4   low + width * uniform_float_(word)
//                    float64            2   low + width * uniform_double_(high, low)
//   normal           float32            4   the pairs of normal_float_(x, y) and normal_float_(z,
//   w)
//                    float64            2   the pair of normal_double_(x, y, z, w)
//   log_normal       as normal              exp_ of it
//   exponential      float32            4   -log_(uniform_open_float_(word)) / rate
//                    float64            2   -log_(uniform_open_double_(high, low)) / rate
//   cauchy           float64            2   median - scale * cot(pi * uniform_open_double_(...))
//   geometric        float64            2   ceil(log_(uniform_open_double_(...)) / log1p(-p))
//   integer          int64              2   base + floor(word64 * range / 2^64)
//   bernoulli        bool               4   word < p * 2^32
//
// float16 and bfloat16 are computed in float32 and rounded; a uniform number keeps only as many of
// its leading bits as the type has, so that it cannot round up to 1. Complex tensors are filled as
// twice as many real numbers. The normal numbers of machines without fused multiply-add may differ
// in the last bit. Ops that draw an unknown count for an element (poisson) read the counters
// {offset + i, 1 + draw} instead. randperm swaps element i with i + integer(n - i) for growing i.
#pragma once

#include "core/generator.h"
#include "ops/kernel.h"

namespace rt {

enum class Distribution : uint8_t {
  Uniform,
  Normal,
  LogNormal,
  Exponential,
  Cauchy,
  Geometric,
  Integer,
  Bernoulli
};

struct RandomFill {
  Distribution kind;
  Generator::State at{};
  double a = 0, b = 0;  // the parameters, as the table lists them
  int64_t base = 0;
  uint64_t range = 0;  // 0: all 2^64 integers
};
// The elements that share one counter, and the type they are computed in.
int elements_per_counter(Distribution kind, DType computed);
DType random_compute_type(Distribution kind, DType result);

// Fills a real tensor of any layout.
extern KernelSlot<void(const Tensor& out, const RandomFill&)> random_kernel;
// int64[n] = a permutation of 0..n-1.
extern KernelSlot<void(const Tensor& out, Generator::State at)> randperm_kernel;
// out[i] is drawn from Poisson(rates[i]); both float64 and contiguous.
extern KernelSlot<void(const Tensor& out, const Tensor& rates, Generator::State at)> poisson_kernel;
// indices[row, k] are drawn from the categories weighted by weights[row, :]; `uniform` holds the
// numbers in (0, 1] that decide: one a draw with replacement, one a category without.
extern KernelSlot<void(const Tensor& indices, const Tensor& weights, const Tensor& uniform,
                       bool replacement)>
    multinomial_kernel;

// Draws from the generator (the device's default one if null) and fills `out`, real or complex.
void fill_random(const Tensor& out, RandomFill fill, Generator* generator);

namespace ops {
Tensor rand(IntList size, Generator* generator = nullptr, std::optional<DType> dtype = {},
            std::optional<Device> device = {});
Tensor randn(IntList size, Generator* generator = nullptr, std::optional<DType> dtype = {},
             std::optional<Device> device = {});
// True with probability p.
Tensor random_mask(IntList size, double p, Device device);
Tensor dropout(const Tensor& x, double p, bool training, bool inplace);
}  // namespace ops
}  // namespace rt
