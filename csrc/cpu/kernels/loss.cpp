// Losses of single elements and the products of their derivatives with a gradient.
#include "cpu/kernels/lists.h"

namespace rt::cpu::RT_ISA {

namespace {

// bernoulli_loss_ by blocks: with both logarithms in one loop g++ gives up vectors.
template <class T>
void bernoulli_run(int64_t n, void* const* p) {
  constexpr int64_t kBlock = 256;
  T* out = static_cast<T*>(p[0]);
  const T *x = static_cast<const T*>(p[1]), *y = static_cast<const T*>(p[2]),
          *w = static_cast<const T*>(p[3]);
  T miss[kBlock], hit[kBlock];
  for (int64_t i = 0; i < n; i += kBlock) {
    const int64_t count = n - i < kBlock ? n - i : kBlock;
#pragma GCC ivdep
    for (int64_t k = 0; k < count; ++k) miss[k] = log1p_(-x[i + k]);
#pragma GCC ivdep
    for (int64_t k = 0; k < count; ++k) hit[k] = log_(x[i + k]);
#pragma GCC ivdep
    for (int64_t k = 0; k < count; ++k) {
      const T yes = y[i + k], low = T(-100);
      out[i + k] = ((yes - T(1)) * maximum_(miss[k], low) - yes * maximum_(hit[k], low)) * w[i + k];
    }
  }
}

}  // namespace

void add_losses(const LoopTable& table) {
#include "rt_ops_loss.h"
}

}  // namespace rt::cpu::RT_ISA
