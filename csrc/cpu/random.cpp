// Drives the random loops over tensors of any layout, and the draws that are not one formula.
#include "ops/random.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "cpu/kernels/random_run.h"
#include "cpu/load_kernels.h"
#include "cpu/parallel.h"
#include "rt_formulas.h"
#include "rt_philox.h"

namespace rt::cpu {

namespace {

constexpr int64_t kGrain = 8192;  // elements worth a thread
constexpr int64_t kChunk = 1024;  // elements a buffer holds; a multiple of every block

// Loops of no inputs: their one argument is a RandomRun.
ElementwiseSlot slots[] = {
    {"random_uniform", EwCompute::Promoted, EwResult::Same, 1},
    {"random_normal", EwCompute::Promoted, EwResult::Same, 1},
    {"random_log_normal", EwCompute::Promoted, EwResult::Same, 1},
    {"random_exponential", EwCompute::Promoted, EwResult::Same, 1},
    {"random_cauchy", EwCompute::Promoted, EwResult::Same, 1},
    {"random_geometric", EwCompute::Promoted, EwResult::Same, 1},
    {"random_integer", EwCompute::Promoted, EwResult::Same, 1},
    {"random_bernoulli", EwCompute::Promoted, EwResult::Same, 1},
};

// As many leading bits as the type has, so that rounding cannot reach 1.
uint32_t mask_of(DType t) {
  if (t == DType::Float16) return ~uint32_t{0} << (32 - 11);
  if (t == DType::BFloat16) return ~uint32_t{0} << (32 - 8);
  return ~uint32_t{0};
}

void fill_dense(const Tensor& out, const RandomFill& f) {
  const DType computed = random_compute_type(f.kind, out.dtype());
  const int per_block = elements_per_counter(f.kind, computed);
  const auto loop = slots[static_cast<int>(f.kind)].cpu_loop(computed);
  const auto cast = computed == out.dtype() ? nullptr : cast_loop(out.dtype(), computed);
  const int64_t item = static_cast<int64_t>(out.item_size());
  const int64_t n = out.numel();
  RandomRun whole{f.at.seed, f.at.offset, f.a, f.b, f.base, f.range, mask_of(out.dtype())};
  // Threads take whole chunks, so that no block is shared.
  parallel_for(0, (n + kChunk - 1) / kChunk, kGrain / kChunk, [&](int64_t first, int64_t last) {
    alignas(64) char buffer[kChunk * sizeof(double)];
    RandomRun run = whole;
    for (int64_t c = first; c < last; ++c) {
      const int64_t begin = c * kChunk, count = std::min(kChunk, n - begin);
      char* target = out.data<char>() + begin * item;
      run.block = whole.block + static_cast<uint64_t>(begin / per_block);
      void* p[] = {cast ? buffer : target, &run};
      loop(count, p);
      if (cast) {
        void* q[] = {target, buffer};
        cast(count, q);
      }
    }
  });
}

void fill(const Tensor& out, const RandomFill& f) {
  if (out.numel() == 0) return;
  if (out.is_contiguous()) return fill_dense(out, f);
  const Tensor dense = empty(out.sizes(), out.dtype(), out.device());
  fill_dense(dense, f);
  copy_kernel(out, out, dense);
}

using rt_formulas::philox_at_;

// 64-bit draw i of a stream with two draws a block.
uint64_t draw64(Generator::State at, uint64_t i) {
  const auto w = philox_at_(at.seed, 0, at.offset + i / 2);
  return i % 2 ? uint64_t{w.z} << 32 | w.w : uint64_t{w.x} << 32 | w.y;
}

void randperm(const Tensor& out, Generator::State at) {
  int64_t* p = out.data<int64_t>();
  const int64_t n = out.numel();
  std::iota(p, p + n, int64_t{0});
  for (int64_t i = 0; i + 1 < n; ++i) {
    const auto left = static_cast<unsigned __int128>(n - i);
    const auto j = static_cast<int64_t>(draw64(at, static_cast<uint64_t>(i)) * left >> 64);
    std::swap(p[i], p[i + j]);
  }
}

// ---- Poisson ----

// The uniform numbers of one element, one counter each.
class ElementStream {
 public:
  ElementStream(Generator::State at, int64_t element)
      : seed_(at.seed), index_(at.offset + static_cast<uint64_t>(element)) {}
  rt_formulas::Philox4 next() { return philox_at_(seed_, ++draw_, index_); }

 private:
  uint64_t seed_, index_, draw_ = 0;
};

// Small rates: the number of factors that keep a product of uniform numbers above exp(-rate).
double poisson_by_product(double rate, ElementStream& s) {
  const double limit = rt_formulas::exp_(-rate);
  double product = 1;
  for (double k = 0;; ++k) {
    const auto w = s.next();
    product *= rt_formulas::uniform_open_double_(w.x, w.y);
    if (product <= limit) return k;
  }
}

// Rates of 10 and more: transformed rejection (Hoermann, The transformed rejection method for
// generating Poisson random variables, 1993: algorithm PTRS).
double poisson_by_rejection(double rate, ElementStream& s) {
  const double root = std::sqrt(rate), log_rate = rt_formulas::log_(rate);
  const double b = 0.931 + 2.53 * root, a = -0.059 + 0.02483 * b;
  const double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4), quick = 0.9277 - 3.6224 / (b - 2);
  for (;;) {
    const auto w = s.next();
    const double u = rt_formulas::uniform_double_(w.x, w.y) - 0.5;
    const double v = rt_formulas::uniform_open_double_(w.z, w.w);
    const double us = 0.5 - std::fabs(u);
    const double k = std::floor((2 * a / us + b) * u + rate + 0.43);
    if (us >= 0.07 && v <= quick) return k;
    if (k < 0 || (us < 0.013 && v > us)) continue;
    const double accept = rt_formulas::log_(v) + rt_formulas::log_(inverse_alpha) -
                          rt_formulas::log_(a / (us * us) + b);
    if (accept <= k * log_rate - rate - rt_formulas::lgamma_(k + 1)) return k;
  }
}

void poisson(const Tensor& out, const Tensor& rates, Generator::State at) {
  double* o = out.data<double>();
  const double* r = rates.data<double>();
  parallel_for(0, out.numel(), 512, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      ElementStream s(at, i);
      o[i] = r[i] == 0   ? 0
             : r[i] < 10 ? poisson_by_product(r[i], s)
                         : poisson_by_rejection(r[i], s);
    }
  });
}

// ---- Multinomial ----

void draw_with_replacement(const double* weights, int64_t n, const double* u, int64_t draws,
                           int64_t* out, double* running) {
  double total = 0;
  for (int64_t i = 0; i < n; ++i) running[i] = total += weights[i];
  for (int64_t k = 0; k < draws; ++k) {
    // u in (0, 1]: the first category whose running sum reaches u * total has a weight above 0.
    out[k] =
        std::min<int64_t>(std::lower_bound(running, running + n, u[k] * total) - running, n - 1);
    while (weights[out[k]] == 0) --out[k];
  }
}
// An exponential race (Efraimidis and Spirakis, 2006): the `draws` categories with the smallest
// arrival times -log(u) / weight, in order of arrival.
void draw_without_replacement(const double* weights, int64_t n, const double* u, int64_t draws,
                              int64_t* out, double* times, int64_t* order) {
  for (int64_t i = 0; i < n; ++i) {
    times[i] = weights[i] > 0
                   ? std::max(-rt_formulas::log_(u[i]), 5.551115123125783e-17) / weights[i]
                   : INFINITY;
    order[i] = i;
  }
  std::partial_sort(order, order + draws, order + n, [times](int64_t a, int64_t b) {
    return times[a] < times[b] || (times[a] == times[b] && a < b);
  });
  std::copy(order, order + draws, out);
}

void multinomial(const Tensor& indices, const Tensor& weights, const Tensor& uniform,
                 bool replacement) {
  const int64_t n = weights.sizes().back(), rows = n > 0 ? weights.numel() / n : 0;
  const int64_t draws = indices.sizes().back(), words = uniform.sizes().back();
  parallel_for(0, rows, std::max<int64_t>(1, 4096 / std::max<int64_t>(n, 1)),
               [&](int64_t begin, int64_t end) {
                 std::vector<double> scratch(static_cast<size_t>(n));
                 std::vector<int64_t> order(replacement ? 0 : static_cast<size_t>(n));
                 for (int64_t row = begin; row < end; ++row) {
                   const double* w = weights.data<double>() + row * n;
                   const double* u = uniform.data<double>() + row * words;
                   int64_t* o = indices.data<int64_t>() + row * draws;
                   if (replacement) {
                     draw_with_replacement(w, n, u, draws, o, scratch.data());
                   } else {
                     draw_without_replacement(w, n, u, draws, o, scratch.data(), order.data());
                   }
                 }
               });
}

const RegisterKernel register_random(random_kernel, DeviceType::CPU, &fill);
const RegisterKernel register_randperm(randperm_kernel, DeviceType::CPU, &randperm);
const RegisterKernel register_poisson(poisson_kernel, DeviceType::CPU, &poisson);
const RegisterKernel register_multinomial(multinomial_kernel, DeviceType::CPU, &multinomial);

}  // namespace

}  // namespace rt::cpu
