// What `empty` and its relatives, and the part that `resize_` adds, hold: as the memory was left,
// or NaN and the largest integers, so that mistakes show in the same way in every run.
#pragma once

#include "core/tensor.h"

namespace rt::ops {

// For the whole process; off at first.
bool fills_uninitialized();
void set_fills_uninitialized(bool on);
// Fills a new tensor if that is on.
Tensor uninitialized(Tensor made);

}  // namespace rt::ops
