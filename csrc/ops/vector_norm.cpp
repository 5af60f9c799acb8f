#include "ops/reduction.h"

namespace rt {

ReduceSlot norm1_slot{"norm1"};
ReduceSlot norm2_slot{"norm2"};

}  // namespace rt
