// What the tensor that an op writes may share memory with.
#pragma once

#include "ops/record.h"

namespace rt {

// Raises for operands that lie in the memory to be written, where the order of writes would show;
// warns of writes to tensors that repeat elements.
void check_write_overlap(const OpRecord& op, const Value* args);
// Raises for operands of an elementwise op that lie in part of the memory of `out`.
void check_out_overlap(const OpRecord& op, const Value* args, const Tensor& out);

}  // namespace rt
