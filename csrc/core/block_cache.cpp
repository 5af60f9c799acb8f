#include "core/block_cache.h"

#include <algorithm>

namespace rt {

MemoryBlock BlockCache::take(size_t size) {
  std::lock_guard lock(mutex_);
  // The best fit, and of equals the one freed last, which the caches of the processor still know.
  const auto best = blocks_.lower_bound(size);
  if (best == blocks_.end() || best->first > size + size / 4) return {};
  const MemoryBlock block = best->second.back().block;
  best->second.pop_back();
  if (best->second.empty()) blocks_.erase(best);
  cached_ -= static_cast<int64_t>(block.size);
  return block;
}

std::vector<MemoryBlock> BlockCache::evict(int64_t bytes) {
  std::vector<MemoryBlock> evicted;
  while (cached_ > bytes) {
    const auto oldest = std::min_element(
        blocks_.begin(), blocks_.end(),
        [](const auto& a, const auto& b) { return a.second.front().when < b.second.front().when; });
    evicted.push_back(oldest->second.front().block);
    cached_ -= static_cast<int64_t>(oldest->first);
    oldest->second.pop_front();
    if (oldest->second.empty()) blocks_.erase(oldest);
  }
  return evicted;
}

std::vector<MemoryBlock> BlockCache::put(MemoryBlock block) {
  std::lock_guard lock(mutex_);
  blocks_[block.size].push_back({block, now_++});
  cached_ += static_cast<int64_t>(block.size);
  return evict(cap_);
}

std::vector<MemoryBlock> BlockCache::trim(int64_t bytes) {
  std::lock_guard lock(mutex_);
  return evict(bytes);
}

int64_t BlockCache::cached() const {
  std::lock_guard lock(mutex_);
  return cached_;
}

}  // namespace rt
