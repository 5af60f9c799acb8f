// Working memory of a kernel, taken from the CPU engine's cache so that it is counted, capped and
// already paged in.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/device.h"
#include "core/storage.h"

namespace rt::cpu {

// Room for `count` values of T, not initialised, 64-byte aligned.
template <class T>
class Scratch {
 public:
  explicit Scratch(int64_t count)
      : storage_(engine_for(Device{}, "scratch")
                     .allocate(static_cast<size_t>(count) * sizeof(T), Device{})) {}

  T* data() const { return static_cast<T*>(storage_->data()); }

 private:
  Ref<Storage> storage_;
};

}  // namespace rt::cpu
