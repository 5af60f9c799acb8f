#pragma once

#include "ops/kernel.h"

namespace rt {

enum class SoftmaxStep : uint8_t { Forward, LogForward, Backward, LogBackward };
// All contiguous, of one floating type. Backward: a is the gradient, b the result.
using SoftmaxKernel = KernelSlot<void(SoftmaxStep step, const Tensor& a, const Tensor& b,
                                      int64_t dim, const Tensor& out)>;
extern SoftmaxKernel softmax_kernel;

// logits (N, C, L) contiguous, of one floating type; target (N, L) valid classes; lse and scale (N,
// L) of its compute type: out = softmax(logits) * scale, minus scale at the target.
using CrossEntropyBackward =
    KernelSlot<void(const Tensor& logits, const Tensor& target, const Tensor& lse,
                    const Tensor& scale, const Tensor& out)>;
extern CrossEntropyBackward cross_entropy_backward_kernel;

}  // namespace rt
