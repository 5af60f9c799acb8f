#include "gpu/pool.h"

#include <bit>

namespace rt::gpu {

namespace {
constexpr size_t kAlignment = 256;
constexpr size_t kLarge = size_t{1} << 20;  // from here on in whole pages of 16 KiB, as Apple's are
constexpr size_t kPage = size_t{1} << 14;
}  // namespace

size_t block_bytes(size_t n) {
  n = std::max<size_t>(n, 1);
  const size_t granule = n < kLarge ? kAlignment : kPage;
  const int octave = 63 - std::countl_zero(n);
  const size_t step = std::max(granule, size_t{1} << std::max(octave - 2, 0));
  return (n + step - 1) / step * step;
}

Block Pool::take(size_t nbytes, Device device) {
  const auto fail = [&](const char* why) {
    RT_FAIL(OutOfMemory, "gpu allocator",
            cat_str("cannot allocate ", nbytes, " bytes on '", to_string(device), "': ", why),
            cat_str(stats().allocated, " bytes allocated, ", stats().cached, " cached"),
            "a smaller batch, rustorch.empty_cache(), or a higher memory limit");
  };
  if (nbytes > (size_t{1} << 47)) fail("more than an address space holds");
  const MemoryBlock known = cache_.take(block_bytes(nbytes));
  const size_t size = known.data ? known.size : block_bytes(nbytes);
  if (!reserve(static_cast<int64_t>(size), known.data != nullptr)) {
    if (known.data) release(cache_.put(known));
    fail("over the memory limit");
  }
  if (known.data) return {known.data, known.size, known.handle};
  // What is kept counts against the limit too.
  const MemoryStats now = stats();
  if (now.limit > 0) release(cache_.trim(std::max<int64_t>(now.limit - now.allocated, 0)));
  Block block = device_.allocate(size);
  if (!block.address) {
    device_.synchronize();
    release(cache_.trim(0));
    block = device_.allocate(size);
  }
  if (!block.address) {
    {
      std::lock_guard lock(mutex_);
      stats_.allocated -= static_cast<int64_t>(size);
    }
    fail("the device has no more memory");
  }
  return block;
}

bool Pool::reserve(int64_t bytes, bool cached) {
  std::lock_guard lock(mutex_);
  if (stats_.limit > 0 && stats_.allocated + bytes > stats_.limit) return false;
  stats_.allocated += bytes;
  stats_.peak_allocated = std::max(stats_.peak_allocated, stats_.allocated);
  ++stats_.allocations;
  stats_.cache_hits += cached;
  return true;
}

void Pool::give(const Block& block) {
  {
    std::lock_guard lock(mutex_);
    stats_.allocated -= static_cast<int64_t>(block.bytes);
  }
  release(cache_.put({block.address, block.bytes, block.handle}));
}

void Pool::release(const std::vector<MemoryBlock>& blocks) {
  if (blocks.empty()) return;
  device_.synchronize();  // work that was queued before may still use them
  for (const MemoryBlock& b : blocks) device_.release({b.data, b.size, b.handle});
}

void Pool::empty() { release(cache_.trim(0)); }

MemoryStats Pool::stats() const {
  std::lock_guard lock(mutex_);
  MemoryStats s = stats_;
  s.cached = cache_.cached();
  return s;
}

void Pool::reset_peak() {
  std::lock_guard lock(mutex_);
  stats_.peak_allocated = stats_.allocated;
}

void Pool::set_limit(int64_t bytes) {
  int64_t left = 0;
  {
    std::lock_guard lock(mutex_);
    stats_.limit = bytes;
    left = bytes - stats_.allocated;
  }
  if (bytes > 0) release(cache_.trim(std::max<int64_t>(left, 0)));
}

}  // namespace rt::gpu
