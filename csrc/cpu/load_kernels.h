#pragma once

#include "core/dtype.h"
#include "ops/elementwise.h"

namespace rt::cpu {

// Fills the elementwise slots with the loops of the best instruction set of this machine.
// Called once, when the library is loaded, after every slot exists.
void load_kernels();

// Converts n contiguous elements.
ElementwiseSlot::Loop cast_loop(DType to, DType from);

}  // namespace rt::cpu
