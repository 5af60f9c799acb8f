// Optimizer steps over whole lists of parameters, one pass over memory a parameter.
#pragma once

#include <span>

#include "ops/elementwise.h"

namespace rt {

// The scalars of a step in double, as the loops read them.
struct SgdScalars {
  double lr, momentum, dampening, weight_decay;
  bool nesterov, maximize, first, has_momentum;
};
struct AdamScalars {
  double step_size;        // lr / (1 - beta1^t)
  double root_correction;  // sqrt(1 - beta2^t)
  double beta1, beta2, eps, weight_decay, lr;
  bool amsgrad, maximize, decoupled;
};

// Of the rules that go by a row of numbers (rt_formulas_optim.h).
constexpr size_t kRuleNumbers = 10;

// Loops over contiguous runs of one type: pointers are the tensors of an entry in the order of the
// op's lists, then the scalars.
extern ElementwiseSlot fused_sgd_slot;
extern ElementwiseSlot fused_adam_slot;

// One parameter's step. The tensors are dense and lie alike: the parameter, its gradient (read
// only), its state.
struct StepEntry {
  static constexpr size_t kMaxTensors = 5;
  Tensor tensors[kMaxTensors];
  size_t count = 0;
  union {
    SgdScalars sgd;
    AdamScalars adam;
    double rule[kRuleNumbers];
  };
};
// Runs the loop of `slot` over entries of one dtype. The scalars come to the loop as pointer number
// `slots`.
extern KernelSlot<void(const ElementwiseSlot& slot, std::span<const StepEntry> entries,
                       size_t slots)>
    fused_step_kernel;

}  // namespace rt
