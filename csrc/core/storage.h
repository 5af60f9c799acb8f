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

// Counts in-place writes, so that backward can tell that a saved tensor has changed.
class VersionCounter : public RefCounted {
 public:
  explicit VersionCounter(uint32_t start = 0) : count_(start) {}
  uint32_t value() const { return count_.load(std::memory_order_relaxed); }
  void bump() { count_.fetch_add(1, std::memory_order_relaxed); }

 private:
  std::atomic<uint32_t> count_;
};

class Storage : public RefCounted {
 public:
  Storage(void* data, size_t nbytes, Device device)
      : data_(data), nbytes_(nbytes), device_(device) {}

  // An address of the host where the engine's memory has one; else whatever its kernels go by.
  void* data() const { return data_; }
  size_t nbytes() const { return nbytes_; }
  Device device() const { return device_; }

  // The counter of all tensors on this storage that have none of their own.
  uint32_t version() const { return version_.load(std::memory_order_relaxed); }
  void bump_version() { version_.fetch_add(1, std::memory_order_relaxed); }

  // Memory handed in from outside that must not be written (a read-only NumPy array).
  bool read_only() const { return read_only_; }
  void set_read_only(bool v) { read_only_ = v; }

  // Whether a tensor on it may grow into other memory: not while somebody outside is shown this
  // one.
  bool resizable() const { return resizable_ && exports_.load(std::memory_order_relaxed) == 0; }
  void set_resizable(bool v) { resizable_ = v; }
  void add_export() { exports_.fetch_add(1, std::memory_order_relaxed); }
  void drop_export() { exports_.fetch_sub(1, std::memory_order_relaxed); }

 protected:
  void* data_;
  size_t nbytes_;
  Device device_;
  bool read_only_ = false;
  bool resizable_ = true;
  std::atomic<int32_t> exports_{0};
  std::atomic<uint32_t> version_{0};
};

// Wraps memory that `owner` keeps alive; the owner is destroyed with the storage. Not resizable.
Ref<Storage> wrap_memory(void* data, size_t nbytes, Device device,
                         std::unique_ptr<MemoryOwner> owner);

}  // namespace rt
