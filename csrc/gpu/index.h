// How reads and writes at indices are launched.
#pragma once

#include <cstdint>

#include "rt_plans.h"

namespace rt::gpu {

// Operands 0 and 1 of a plan as items of 16 bytes instead of `item`, where one index (operand 2)
// serves whole rows of both; false, with nothing changed, where it does not.
bool widen_rows(ElementwisePlan* plan, int64_t* step, int64_t item);

// Whether a scatter of `serial` elements that may meet, for each of `free` places, is done on the
// sorted index instead of by a thread a place.
bool sorts_scatter(int64_t free, int64_t serial);

}  // namespace rt::gpu
