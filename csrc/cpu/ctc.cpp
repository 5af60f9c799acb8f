// Forward and backward recursions over the states blank, label, blank, label, ..., blank.
#include "ops/ctc.h"

#include <cmath>
#include <limits>

#include "cpu/parallel.h"
#include "cpu/scratch.h"

namespace rt::cpu {

namespace {

template <class T>
constexpr T kNever = -std::numeric_limits<T>::infinity();

template <class T>
T log_sum(T a, T b, T c) {
  const T max = std::max(a, std::max(b, c));
  if (max == kNever<T>) return max;
  return max + std::log(std::exp(a - max) + std::exp(b - max) + std::exp(c - max));
}

// One sample.
template <class T>
struct Sample {
  Sample(const CtcInputs& in, int64_t n)
      : batch(in.log_probs.sizes()[1]),
        classes(in.log_probs.sizes()[2]),
        steps(in.input_lengths[static_cast<size_t>(n)]),
        states(2 * in.target_lengths[static_cast<size_t>(n)] + 1),
        blank(in.blank),
        labels(in.targets.data<const int64_t>() + n * in.targets.sizes()[1]),
        log_probs(in.log_probs.data<const T>() + n * classes) {}

  int64_t label(int64_t s) const { return s % 2 == 0 ? blank : labels[s / 2]; }
  // A label may follow the one before it without a blank between, unless they are the same.
  bool skips(int64_t s) const { return s % 2 == 1 && s > 1 && labels[s / 2] != labels[s / 2 - 1]; }
  T emit(int64_t t, int64_t s) const { return log_probs[t * batch * classes + label(s)]; }

  int64_t batch, classes, steps, states, blank;
  const int64_t* labels;
  const T* log_probs;
};

template <class T>
void losses_of(const CtcInputs& in, const Tensor& losses, const Tensor& log_alpha) {
  const int64_t width = log_alpha.sizes()[2];
  parallel_for(0, losses.numel(), 1, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      const Sample<T> s(in, n);
      T* alpha = log_alpha.data<T>() + n * log_alpha.sizes()[1] * width;
      std::fill(alpha, alpha + log_alpha.sizes()[1] * width, kNever<T>);
      T& loss = losses.data<T>()[n];
      if (s.steps == 0) {
        loss = s.states == 1 ? T(0) : -kNever<T>;
        continue;
      }
      for (int64_t i = 0; i < std::min<int64_t>(2, s.states); ++i) alpha[i] = s.emit(0, i);
      for (int64_t t = 1; t < s.steps; ++t) {
        const T* before = alpha + (t - 1) * width;
        for (int64_t i = 0; i < s.states; ++i) {
          alpha[t * width + i] =
              s.emit(t, i) + log_sum(before[i], i > 0 ? before[i - 1] : kNever<T>,
                                     s.skips(i) ? before[i - 2] : kNever<T>);
        }
      }
      const T* last = alpha + (s.steps - 1) * width;
      loss = -log_sum(last[s.states - 1], s.states > 1 ? last[s.states - 2] : kNever<T>, kNever<T>);
    }
  });
}

template <class T>
void gradients_of(const CtcInputs& in, const Tensor& losses, const Tensor& log_alpha,
                  const Tensor& grad, const Tensor& result) {
  const int64_t width = log_alpha.sizes()[2];
  parallel_for(0, losses.numel(), 1, [&](int64_t begin, int64_t end) {
    std::vector<T> beta(static_cast<size_t>(width)), later(beta);
    for (int64_t n = begin; n < end; ++n) {
      const Sample<T> s(in, n);
      const T g = grad.data<const T>()[n], loss = losses.data<const T>()[n];
      // What zero_infinity leaves out has the gradient zero, whatever the loss.
      if (g == T(0)) continue;
      const T* alpha = log_alpha.data<const T>() + n * log_alpha.sizes()[1] * width;
      T* out = result.data<T>() + n * s.classes;
      for (int64_t t = s.steps - 1; t >= 0; --t) {
        // beta[i]: of the steps after t, from state i at t.
        for (int64_t i = 0; i < s.states; ++i) {
          const auto next = [&](int64_t j) {
            return later[static_cast<size_t>(j)] + s.emit(t + 1, j);
          };
          T& b = beta[static_cast<size_t>(i)];
          if (t == s.steps - 1) {
            b = i >= s.states - 2 ? T(0) : kNever<T>;
          } else {
            b = log_sum(next(i), i + 1 < s.states ? next(i + 1) : kNever<T>,
                        i + 2 < s.states && s.skips(i + 2) ? next(i + 2) : kNever<T>);
          }
          // Minus the probability that the path is in this state.
          out[t * s.batch * s.classes + s.label(i)] -=
              g * std::exp(alpha[t * width + i] + b + loss);
        }
        std::swap(beta, later);
      }
    }
  });
}

void ctc(const CtcInputs& in, const Tensor& losses, const Tensor& log_alpha) {
  if (losses.dtype() == DType::Float64) return losses_of<double>(in, losses, log_alpha);
  losses_of<float>(in, losses, log_alpha);
}
void ctc_backward(const CtcInputs& in, const Tensor& losses, const Tensor& log_alpha,
                  const Tensor& grad, const Tensor& result) {
  if (losses.dtype() == DType::Float64)
    return gradients_of<double>(in, losses, log_alpha, grad, result);
  gradients_of<float>(in, losses, log_alpha, grad, result);
}

const RegisterKernel register_ctc(ctc_kernel, DeviceType::CPU, &ctc);
const RegisterKernel register_backward(ctc_backward_kernel, DeviceType::CPU, &ctc_backward);

}  // namespace

}  // namespace rt::cpu
