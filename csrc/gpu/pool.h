// The memory of one compute device, kept for the next tensor when one is gone.
#pragma once

#include <mutex>

#include "core/block_cache.h"
#include "gpu/compute_device.h"

namespace rt::gpu {

class Pool {
 public:
  // Keeps at most `cap` bytes.
  Pool(ComputeDevice& device, int64_t cap) : device_(device), cache_(cap) {}

  // Errors: OutOfMemory, by the limit or by the device.
  Block take(size_t nbytes, Device device);
  void give(const Block& block);
  void empty();
  MemoryStats stats() const;
  void reset_peak();
  void set_limit(int64_t bytes);

 private:
  // Counts a block; false if the limit forbids it.
  bool reserve(int64_t bytes, bool cached);
  void release(const std::vector<MemoryBlock>& blocks);
  ComputeDevice& device_;
  BlockCache cache_;
  mutable std::mutex mutex_;  // of the counters
  MemoryStats stats_;
};

// The size of the block for a tensor of n bytes: four classes an octave, so at most a quarter more.
size_t block_bytes(size_t n);

}  // namespace rt::gpu
