// Connectionist temporal classification (Graves et al., 2006).
#pragma once

#include "ops/kernel.h"

namespace rt {

struct CtcInputs {
  // (steps, batch, classes), float32 or float64, and (batch, longest) of int64; contiguous.
  const Tensor &log_probs, &targets;
  IntList input_lengths, target_lengths;
  int64_t blank;
};

// losses: (batch); log_alpha: (batch, steps, 2 * longest + 1), the logarithms of the probabilities
// to be in each state after each step.
extern KernelSlot<void(const CtcInputs& in, const Tensor& losses, const Tensor& log_alpha)>
    ctc_kernel;
// grad_log_probs comes zeroed; grad: (batch).
extern KernelSlot<void(const CtcInputs& in, const Tensor& losses, const Tensor& log_alpha,
                       const Tensor& grad, const Tensor& grad_log_probs)>
    ctc_backward_kernel;

}  // namespace rt
