#include "gpu/pool.h"

#include <algorithm>
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

BlockCache& Pool::cache(Stream stream) {
  if (!stream) return first_;
  std::lock_guard lock(mutex_);
  auto& cache = others_[stream];
  if (!cache) cache = std::make_unique<BlockCache>(cap_);
  return *cache;
}

Block Pool::take(size_t nbytes, Device device, Stream stream) {
  const auto fail = [&](const char* why) {
    RT_FAIL(OutOfMemory, "gpu allocator",
            cat_str("cannot allocate ", nbytes, " bytes on '", to_string(device), "': ", why),
            cat_str(stats().allocated, " bytes allocated, ", stats().cached, " cached"),
            "a smaller batch, rustorch.empty_cache(), or a higher memory limit");
  };
  if (nbytes > (size_t{1} << 47)) fail("more than an address space holds");
  collect();
  BlockCache& own = cache(stream);
  const MemoryBlock known = own.take(block_bytes(nbytes));
  const size_t size = known.data ? known.size : block_bytes(nbytes);
  if (!reserve(static_cast<int64_t>(size), known.data != nullptr)) {
    if (known.data) release(own.put(known));
    fail("over the memory limit");
  }
  if (known.data) return {known.data, known.size, known.handle};
  // What is kept counts against the limit too.
  const MemoryStats now = stats();
  if (now.limit > 0) release(trim(std::max<int64_t>(now.limit - now.allocated, 0)));
  Block block = device_.allocate(size);
  if (!block.address) {
    device_.synchronize();
    collect();
    release(trim(0));
    block = device_.allocate(size);
  }
  std::unique_lock lock(mutex_);
  if (!block.address) {
    stats_.allocated -= static_cast<int64_t>(size);
    lock.unlock();
    fail("the device has no more memory");
  }
  reserved_ += static_cast<int64_t>(block.bytes);
  peak_reserved_ = std::max(peak_reserved_, reserved_);
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

void Pool::give(const Block& block, Stream stream, std::span<const Stream> users) {
  {
    std::lock_guard lock(mutex_);
    stats_.allocated -= static_cast<int64_t>(block.bytes);
  }
  if (users.empty()) return release(cache(stream).put({block.address, block.bytes, block.handle}));
  wait_for({block, stream, nullptr, {}}, users);
}

void Pool::retire(std::unique_ptr<MemoryOwner> owner, std::span<const Stream> users) {
  wait_for({{}, nullptr, std::move(owner), {}}, users);
}

void Pool::wait_for(Waiting&& w, std::span<const Stream> users) {
  for (const Stream user : users) {
    w.events.push_back(device_.create_event(false));
    w.events.back()->record(user);
  }
  std::lock_guard lock(mutex_);
  waiting_.push_back(std::move(w));
  waiting_count_ = waiting_.size();
}

void Pool::collect() {
  if (waiting_count_ == 0) [[likely]]
    return;
  std::vector<Waiting> done;
  {
    std::lock_guard lock(mutex_);
    for (size_t i = 0; i < waiting_.size();) {
      auto& events = waiting_[i].events;
      std::erase_if(events, [](const auto& event) { return event->query(); });
      if (!events.empty()) {
        ++i;
        continue;
      }
      done.push_back(std::move(waiting_[i]));
      waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(i));
    }
    waiting_count_ = waiting_.size();
  }
  // Without the lock: owners may wait for that of Python.
  for (Waiting& w : done) {
    if (w.owner) continue;
    release(cache(w.stream).put({w.block.address, w.block.bytes, w.block.handle}));
  }
}

void Pool::release(const std::vector<MemoryBlock>& blocks) {
  if (blocks.empty()) return;
  device_.synchronize();  // work that was queued before may still use them
  int64_t bytes = 0;
  for (const MemoryBlock& b : blocks) {
    device_.release({b.data, b.size, b.handle});
    bytes += static_cast<int64_t>(b.size);
  }
  std::lock_guard lock(mutex_);
  reserved_ -= bytes;
}

std::vector<MemoryBlock> Pool::trim(int64_t bytes) {
  std::lock_guard lock(mutex_);
  std::vector<MemoryBlock> all = first_.trim(bytes);
  bytes = std::max<int64_t>(bytes - first_.cached(), 0);
  for (auto& [stream, cache] : others_) {
    const std::vector<MemoryBlock> some = cache->trim(bytes);
    bytes = std::max<int64_t>(bytes - cache->cached(), 0);
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

void Pool::empty() {
  collect();
  release(trim(0));
}

int64_t Pool::cached() const {
  int64_t bytes = first_.cached();
  for (const auto& [stream, cache] : others_) bytes += cache->cached();
  for (const Waiting& w : waiting_) bytes += static_cast<int64_t>(w.block.bytes);
  return bytes;
}

MemoryStats Pool::stats() const {
  std::lock_guard lock(mutex_);
  MemoryStats s = stats_;
  s.cached = cached();
  return s;
}

int64_t Pool::peak_reserved() const {
  std::lock_guard lock(mutex_);
  return peak_reserved_;
}

void Pool::reset_peak() {
  std::lock_guard lock(mutex_);
  stats_.peak_allocated = stats_.allocated;
  peak_reserved_ = reserved_;
}

void Pool::set_limit(int64_t bytes) {
  int64_t left = 0;
  {
    std::lock_guard lock(mutex_);
    stats_.limit = bytes;
    left = bytes - stats_.allocated;
  }
  if (bytes > 0) release(trim(std::max<int64_t>(left, 0)));
}

}  // namespace rt::gpu
