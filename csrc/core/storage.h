// A block of memory on one device, shared by the tensors that view it.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>

#include "core/device.h"
#include "core/intrusive.h"

namespace rt {

// Where foreign memory goes back to: a NumPy array, a DLPack capsule, a mapped file.
class MemoryOwner {
 public:
  virtual ~MemoryOwner() = default;
};

class Storage : public RefCounted {
 public:
  Storage(void* data, size_t nbytes, Device device)
      : data_(data), nbytes_(nbytes), device_(device) {}

  void* data() const { return data_; }
  size_t nbytes() const { return nbytes_; }
  Device device() const { return device_; }

  // Counts in-place writes, so that backward can tell that a saved tensor has changed.
  uint32_t version() const { return version_.load(std::memory_order_relaxed); }
  void bump_version() { version_.fetch_add(1, std::memory_order_relaxed); }

  // Memory handed in from outside that must not be written (a read-only NumPy array).
  bool read_only() const { return read_only_; }
  void set_read_only(bool v) { read_only_ = v; }

 protected:
  void* data_;
  size_t nbytes_;
  Device device_;
  bool read_only_ = false;
  std::atomic<uint32_t> version_{0};
};

// Wraps memory that `owner` keeps alive; the owner is destroyed with the storage.
Ref<Storage> wrap_memory(void* data, size_t nbytes, Device device,
                         std::unique_ptr<MemoryOwner> owner);

}  // namespace rt
