// Freed blocks of an engine's memory, kept for the next tensor of about their size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <vector>

namespace rt {

struct MemoryBlock {
  void* data = nullptr;
  size_t size = 0;
  void* handle = nullptr;  // the engine's own
};

class BlockCache {
 public:
  // Holds at most `cap` bytes; beyond, what was freed longest ago goes.
  explicit BlockCache(int64_t cap) : cap_(cap) {}

  // A block of `size` bytes or up to a quarter more; {nullptr, 0} if there is none.
  MemoryBlock take(size_t size);
  // What no longer has room, to be freed by the caller.
  [[nodiscard]] std::vector<MemoryBlock> put(MemoryBlock block);
  // The oldest blocks, until at most `bytes` are held; to be freed by the caller.
  [[nodiscard]] std::vector<MemoryBlock> trim(int64_t bytes);
  int64_t cached() const;

  // For fork(): a child must not find the lock held by a thread that it does not have.
  std::mutex& mutex() { return mutex_; }

 private:
  struct Freed {
    MemoryBlock block;
    uint64_t when;
  };
  // Moves the oldest blocks out until the rest fits.
  std::vector<MemoryBlock> evict(int64_t bytes);

  mutable std::mutex mutex_;
  std::map<size_t, std::deque<Freed>> blocks_;  // by size, the oldest first
  uint64_t now_ = 0;                            // blocks freed so far
  int64_t cached_ = 0;
  const int64_t cap_;
};

}  // namespace rt
