// The memory of one compute device, kept for the next tensor when one is gone.
//
// A block belongs to the stream it was first taken on, and is handed on in the order of that
// stream. Where other streams used it, it waits until they have passed the point at which it was
// given back.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <span>

#include "core/block_cache.h"
#include "gpu/compute_device.h"

namespace rt::gpu {

class Pool {
 public:
  // Keeps at most `cap` bytes a stream.
  Pool(ComputeDevice& device, int64_t cap) : device_(device), cap_(cap), first_(cap) {}

  // Memory for work of the stream. Errors: OutOfMemory, by the limit or by the device.
  Block take(size_t nbytes, Device device, Stream stream = nullptr);
  // `users`: the other streams that used it.
  void give(const Block& block, Stream stream = nullptr, std::span<const Stream> users = {});
  // Lets go of foreign memory when the streams have done what is queued on them.
  void retire(std::unique_ptr<MemoryOwner> owner, std::span<const Stream> users);
  // Lets go of what waited for streams that have come far enough.
  void collect();
  void empty();

  MemoryStats stats() const;
  // The most bytes that were held at one time, in tensors and for reuse.
  int64_t peak_reserved() const;
  void reset_peak();
  void set_limit(int64_t bytes);

 private:
  // A block or foreign memory whose users may still be at work.
  struct Waiting {
    Block block;
    Stream stream = nullptr;
    std::unique_ptr<MemoryOwner> owner;
    std::vector<std::unique_ptr<Event>> events;
  };
  BlockCache& cache(Stream stream);
  // Counts a block; false if the limit forbids it.
  bool reserve(int64_t bytes, bool cached);
  void release(const std::vector<MemoryBlock>& blocks);
  // The blocks that go until all streams together keep at most `bytes`.
  std::vector<MemoryBlock> trim(int64_t bytes);
  void wait_for(Waiting&& w, std::span<const Stream> users);
  int64_t cached() const;

  ComputeDevice& device_;
  const int64_t cap_;
  BlockCache first_;  // of the first stream
  std::atomic<size_t> waiting_count_{0};
  mutable std::mutex mutex_;  // of everything below
  // Of the other streams that took memory; never erased.
  std::map<Stream, std::unique_ptr<BlockCache>> others_;
  std::vector<Waiting> waiting_;
  int64_t reserved_ = 0, peak_reserved_ = 0;
  MemoryStats stats_;
};

// The size of the block for a tensor of n bytes: four classes an octave, so at most a quarter more.
size_t block_bytes(size_t n);

}  // namespace rt::gpu
