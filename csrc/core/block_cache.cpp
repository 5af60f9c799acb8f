#include "core/block_cache.h"

namespace rt {

MemoryBlock BlockCache::take(size_t size) {
  std::lock_guard lock(mutex_);
  // The best fit, and of equals the one freed last, which the caches of the processor still know.
  size_t best = blocks_.size();
  for (size_t i = blocks_.size(); i-- > 0;) {
    const size_t s = blocks_[i].size;
    if (s < size || s > size + size / 4) continue;
    if (best == blocks_.size() || s < blocks_[best].size) best = i;
    if (s == size) break;
  }
  if (best == blocks_.size()) return {};
  const MemoryBlock block = blocks_[best];
  blocks_.erase(blocks_.begin() + static_cast<std::ptrdiff_t>(best));
  cached_ -= static_cast<int64_t>(block.size);
  return block;
}

std::vector<MemoryBlock> BlockCache::evict(int64_t bytes) {
  size_t n = 0;
  while (n < blocks_.size() && (cached_ > bytes || blocks_.size() - n > kMaxBlocks)) {
    cached_ -= static_cast<int64_t>(blocks_[n++].size);
  }
  const auto end = blocks_.begin() + static_cast<std::ptrdiff_t>(n);
  std::vector<MemoryBlock> evicted(blocks_.begin(), end);
  blocks_.erase(blocks_.begin(), end);
  return evicted;
}

std::vector<MemoryBlock> BlockCache::put(MemoryBlock block) {
  std::lock_guard lock(mutex_);
  blocks_.push_back(block);
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
