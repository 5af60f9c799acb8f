// Attention without the matrix of its weights in memory.
#pragma once

#include "ops/kernel.h"

namespace rt {

struct AttentionInputs {
  // (*, L, E), (*, S, E), (*, S, Ev): the same dims *, but that the last of them may be a divisor
  // of the query's in key and value, which then serve groups of heads. One float type: on the CPU
  // one that is computed in as it is. The last stride is 1 and rows do not overlap.
  const Tensor &query, &key, &value;
  // Undefined, or (*, L, S) in any strides: bool (true: attends) or numbers of the type that
  // the computation is in.
  const Tensor& mask;
  bool causal;  // row i attends to columns 0..i
  double scale;
};

// out: (*, L, Ev), of the inputs' type, its rows apart and their elements side by side, in any
// order of the other dims; log_sum: (*, L), of the computation's, infinite where a row attends to
// nothing, contiguous. Every element is written.
extern KernelSlot<void(const AttentionInputs& in, const Tensor& out, const Tensor& log_sum)>
    attention_kernel;
// Gradients of query, key and value, from out and its gradient: all of the inputs' type, and rows
// as those of out. Every element is written.
extern KernelSlot<void(const AttentionInputs& in, const Tensor& out, const Tensor& log_sum,
                       const Tensor& grad, const Tensor& grad_query, const Tensor& grad_key,
                       const Tensor& grad_value)>
    attention_backward_kernel;

}  // namespace rt
