// Optimizer steps over whole lists of parameters, one pass over memory a parameter.
#pragma once

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

// Loops over contiguous runs of one type: pointers are the tensors of an entry in the order of the
// op's lists, then the scalars.
extern ElementwiseSlot fused_sgd_slot;
extern ElementwiseSlot fused_adam_slot;

inline constexpr size_t kMaxStepTensors = 5;
// Runs the loop of `slot` over tensors that are dense and lie alike: the parameter, its gradient
// (read only), its state. `scalars` comes to the loop as pointer number `slots`.
extern KernelSlot<void(const ElementwiseSlot& slot, TensorList tensors, size_t slots,
                       const void* scalars)>
    fused_step_kernel;

}  // namespace rt
