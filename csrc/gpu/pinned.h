// Page-locked host memory, kept for the next tensor. A block is handed on when the copies that were
// in flight as it was given back are done.
#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "core/block_cache.h"
#include "gpu/compute_device.h"

namespace rt::gpu {

class PinnedPool;

// A tensor's on the CPU, in memory of a PinnedPool.
class PinnedStorage final : public Storage {
 public:
  PinnedStorage(const Block& block, size_t nbytes, Device pinned_for, PinnedPool& pool)
      : Storage(block.address, nbytes, Device{}),
        pinned_for_(pinned_for.type),
        block_(block),
        pool_(pool) {}
  ~PinnedStorage() override;

  DeviceType pinned_for() const { return pinned_for_; }
  // A copy of it is queued on the stream.
  void note_copy(ComputeDevice& device, Stream stream) const;

 private:
  using User = std::pair<ComputeDevice*, Stream>;
  const DeviceType pinned_for_;
  const Block block_;
  PinnedPool& pool_;
  mutable std::mutex mutex_;
  mutable std::vector<User> users_;
};

class PinnedPool {
 public:
  // All devices of an engine copy from what one of them allocates.
  explicit PinnedPool(ComputeDevice& device) : device_(device) {}

  Ref<Storage> take(size_t nbytes, Device device);
  void give(const Block& block, std::vector<std::unique_ptr<Event>> in_flight);
  // Returns what is kept to the system.
  void empty();
  // Bytes in tensors, and kept or still in flight.
  std::pair<int64_t, int64_t> stats() const;

 private:
  struct Waiting {
    Block block;
    std::vector<std::unique_ptr<Event>> events;
  };
  void collect();
  void release(const std::vector<MemoryBlock>& blocks);

  static constexpr int64_t kKept = int64_t{1} << 32;  // bytes
  ComputeDevice& device_;
  BlockCache cache_{kKept};
  mutable std::mutex mutex_;  // of everything below
  std::vector<Waiting> waiting_;
  int64_t allocated_ = 0;
};

}  // namespace rt::gpu
