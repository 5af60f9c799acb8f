// Losses of single elements (x, y) and the products of their derivatives with a gradient (g, x, y).
#include "cpu/kernels/kernels.h"

namespace rt::cpu::RT_ISA {

namespace {

template <class T>
void logit_loss_backward(int64_t n, void* const* p) {
  T* out = static_cast<T*>(p[0]);
  const T *g = static_cast<const T*>(p[1]), *x = static_cast<const T*>(p[2]),
          *y = static_cast<const T*>(p[3]);
  const T *w = static_cast<const T*>(p[4]), *positive = static_cast<const T*>(p[5]);
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) out[i] = logit_loss_grad_(g[i], x[i], y[i], w[i], positive[i]);
}

// bernoulli_loss_ by blocks: with both logarithms in one loop g++ gives up vectors.
template <class T>
void bernoulli_loss(int64_t n, void* const* p) {
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
  RT_FOR_FLOATS(RT_LOOP2, "mse_loss", square_loss_(x, y));
  RT_FOR_FLOATS(RT_LOOP3, "mse_loss_backward", square_loss_grad_(x, y, z));
  RT_FOR_FLOATS(RT_LOOP2, "l1_loss", abs_(x - y));
  RT_FOR_FLOATS(RT_LOOP3, "l1_loss_backward", absolute_loss_grad_(x, y, z));
  RT_FOR_FLOATS(RT_LOOP3, "smooth_l1_loss", smooth_l1_loss_(x, y, z));
  RT_FOR_FLOATS(RT_LOOP4, "smooth_l1_loss_backward", smooth_l1_loss_grad_(x, y, z, w));
  RT_FOR_FLOATS(RT_LOOP3, "huber_loss", huber_loss_(x, y, z));
  RT_FOR_FLOATS(RT_LOOP4, "huber_loss_backward", huber_loss_grad_(x, y, z, w));
  table.add("binary_cross_entropy", Float32, &bernoulli_loss<f32>);
  table.add("binary_cross_entropy", Float64, &bernoulli_loss<f64>);
  RT_FOR_FLOATS(RT_LOOP4, "binary_cross_entropy_backward", bernoulli_loss_grad_(x, y, z, w));
  RT_FOR_FLOATS(RT_LOOP4, "binary_cross_entropy_with_logits", logit_loss_(x, y, z, w));
  table.add("binary_cross_entropy_with_logits_backward", Float32, &logit_loss_backward<f32>);
  table.add("binary_cross_entropy_with_logits_backward", Float64, &logit_loss_backward<f64>);
  RT_FOR_FLOATS(RT_LOOP2, "kl_div", divergence_loss_(x, y));
  RT_FOR_FLOATS(RT_LOOP3, "kl_div_backward", (static_cast<void>(y), -x * z));
  RT_FOR_FLOATS(RT_LOOP2, "kl_div_log", divergence_log_loss_(x, y));
  RT_FOR_FLOATS(RT_LOOP3, "kl_div_log_backward", (static_cast<void>(y), -x * exp_(z)));
  RT_FOR_FLOATS(RT_LOOP2, "poisson_nll_loss_log", poisson_log_loss_(x, y));
  RT_FOR_FLOATS(RT_LOOP3, "poisson_nll_loss_log_backward", x * (exp_(y) - z));
  RT_FOR_FLOATS(RT_LOOP3, "poisson_nll_loss", poisson_loss_(x, y, z));
  RT_FOR_FLOATS(RT_LOOP4, "poisson_nll_loss_backward", x * (decltype(x)(1) - z / (y + w)));
  RT_FOR_FLOATS(RT_LOOP2, "soft_margin_loss", soft_margin_loss_(x, y));
  RT_FOR_FLOATS(RT_LOOP3, "soft_margin_loss_backward", soft_margin_loss_grad_(x, y, z));
}

}  // namespace rt::cpu::RT_ISA
