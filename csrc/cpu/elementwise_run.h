// What the strided walks over elementwise operands share.
#pragma once

#include "cpu/strided.h"
#include "ops/elementwise.h"

namespace rt::cpu {

inline constexpr int64_t kElementwiseGrain = 32768;  // elements worth a thread
inline constexpr int64_t kElementwiseChunk = 1024;   // elements a buffer holds
inline constexpr size_t kElementwiseOperands = ElementwiseSlot::kMaxInputs + 1;

using ElementwiseLoop = ElementwiseSlot::Loop;

struct ElementwiseOperand {
  DType dtype;   // as stored
  DType needed;  // as the loop wants it
  ElementwiseLoop cast = nullptr;
  bool linear = false;  // contiguous over the whole iteration
  bool single = false;  // the same element everywhere
};

// The dim of the plan along which an operand that steps far along the innermost one is contiguous:
// such operands are read (or written) in square tiles. 0 where no operand gains from it.
int64_t tiled_dim(const StridedPlan& plan, const ElementwiseOperand* operands);

// Runs the loop over tiles of dims 0 and `across`; operand 0 is the output.
void run_tiled(const StridedPlan& plan, const ElementwiseOperand* operands, ElementwiseLoop loop,
               int64_t across);

// plan holds (to, from), both of items of one size, and from is contiguous along dim `across` where
// to is along dim 0.
void copy_tiled(const StridedPlan& plan, size_t item, int64_t across);

}  // namespace rt::cpu
