// Which device of a type its bare name stands for, per thread: "cuda" as set by cuda.set_device().
#pragma once

#include "core/device.h"

namespace rt {

int8_t current_index(DeviceType type);
void set_current_index(DeviceType type, int8_t index);

}  // namespace rt
