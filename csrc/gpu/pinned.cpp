#include "gpu/pinned.h"

#include <algorithm>

#include "gpu/engine.h"

namespace rt {

PinnedCopies* pinned_copies(DeviceType type) {
  return dynamic_cast<PinnedCopies*>(find_engine(type));
}

bool is_pinned(const Storage& s, DeviceType type) {
  const auto* pinned = dynamic_cast<const gpu::PinnedStorage*>(&s);
  return pinned && pinned->pinned_for() == type;
}

}  // namespace rt

namespace rt::gpu {

PinnedStorage::~PinnedStorage() {
  std::vector<std::unique_ptr<Event>> in_flight;
  try {
    for (const auto& [device, stream] : users_) {
      in_flight.push_back(device->create_event(false));
      in_flight.back()->record(stream);
    }
    pool_.give(block_, std::move(in_flight));
  } catch (const Error&) {
    // A device that has failed may still write here: the block is given up.
  }
}

void PinnedStorage::note_copy(ComputeDevice& device, Stream stream) const {
  const User user{&device, stream};
  std::lock_guard lock(mutex_);
  if (std::find(users_.begin(), users_.end(), user) == users_.end()) users_.push_back(user);
}

Ref<Storage> PinnedPool::take(size_t nbytes, Device device) {
  collect();
  const size_t size = block_bytes(nbytes);
  const MemoryBlock known = cache_.take(size);
  Block block{known.data, known.size, known.handle};
  if (!block.address) block = device_.allocate_host(size);
  if (!block.address) {
    empty();
    block = device_.allocate_host(size);
  }
  RT_CHECK(
      block.address != nullptr, OutOfMemory, "pin_memory",
      cat_str("cannot page-lock ", size, " bytes of host memory for '", to_string(device), "'"),
      cat_str(stats().first, " bytes are pinned"), "a tensor that is not pinned");
  {
    std::lock_guard lock(mutex_);
    allocated_ += static_cast<int64_t>(block.bytes);
  }
  return make_ref<PinnedStorage>(block, nbytes, device, *this);
}

void PinnedPool::give(const Block& block, std::vector<std::unique_ptr<Event>> in_flight) {
  {
    std::lock_guard lock(mutex_);
    allocated_ -= static_cast<int64_t>(block.bytes);
    if (!in_flight.empty()) {
      waiting_.push_back({block, std::move(in_flight)});
      return;
    }
  }
  release(cache_.put({block.address, block.bytes, block.handle}));
}

void PinnedPool::collect() {
  std::vector<Block> done;
  {
    std::lock_guard lock(mutex_);
    std::erase_if(waiting_, [&](Waiting& w) {
      std::erase_if(w.events, [](const auto& event) { return event->query(); });
      if (w.events.empty()) done.push_back(w.block);
      return w.events.empty();
    });
  }
  for (const Block& b : done) release(cache_.put({b.address, b.bytes, b.handle}));
}

void PinnedPool::release(const std::vector<MemoryBlock>& blocks) {
  for (const MemoryBlock& b : blocks) device_.release_host({b.data, b.size, b.handle});
}

void PinnedPool::empty() {
  collect();
  release(cache_.trim(0));
}

std::pair<int64_t, int64_t> PinnedPool::stats() const {
  std::lock_guard lock(mutex_);
  int64_t kept = cache_.cached();
  for (const Waiting& w : waiting_) kept += static_cast<int64_t>(w.block.bytes);
  return {allocated_, kept};
}

}  // namespace rt::gpu
