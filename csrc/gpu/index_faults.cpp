#include "gpu/index_faults.h"

#include <algorithm>

namespace rt::gpu {

namespace {
// Checks of one kind share a fault, so that this many last long.
constexpr size_t kFaults = 256;
constexpr size_t kBytes = kFaults * sizeof(IndexFault);
}  // namespace

IndexFaults::~IndexFaults() {
  if (!memory_) return;
  const Block block = static_cast<DeviceStorage&>(*memory_).block();
  try {
    device_.synchronize();
    device_.note_end(block, kBytes);
    if (device_.info().host_visible) {
      device_.release(block);
    } else {
      device_.release_host(block);
    }
  } catch (const Error&) {
    // A device that has failed: its memory is gone.
  }
}

void IndexFaults::open() {
  const Block block =
      device_.info().host_visible ? device_.allocate(kBytes) : device_.allocate_host(kBytes);
  RT_CHECK(block.address, OutOfMemory, "check_index",
           cat_str("no memory for the checks of device '", to_string(name_), "'"));
  device_.note_begin(block, kBytes);
  const std::vector<IndexFault> none(kFaults);
  device_.write(block, 0, none.data(), kBytes);
  device_.synchronize();
  memory_ = make_ref<DeviceStorage>(block, kBytes, name_, Stream{});
  faults_ = static_cast<IndexFault*>(block.address);
  used_.store(true, std::memory_order_release);
}

IndexFaults::Place IndexFaults::place_for(const IndexBounds& bounds) {
  std::lock_guard lock(mutex_);
  if (!memory_) open();
  raise_locked();
  auto at = std::find(bounds_.begin(), bounds_.end(), bounds);
  if (at == bounds_.end()) {
    if (bounds_.size() == kFaults) {
      device_.synchronize();
      raise_locked();
      bounds_.clear();
    }
    at = bounds_.insert(bounds_.end(), bounds);
  }
  return {memory_, static_cast<uint64_t>(at - bounds_.begin()) * sizeof(IndexFault)};
}

void IndexFaults::raise() {
  if (!used_.load(std::memory_order_acquire)) return;
  std::lock_guard lock(mutex_);
  raise_locked();
}

void IndexFaults::raise_locked() {
  const IndexBounds* broken = nullptr;
  int64_t index = 0;
  for (size_t i = 0; i < bounds_.size(); ++i) {
    std::atomic_ref<uint32_t> found(faults_[i].found);
    if (found.load(std::memory_order_acquire) == 0) continue;
    // The device may have said so before it wrote which.
    if (!broken) {
      device_.synchronize();
      broken = &bounds_[i];
      index = faults_[i].index;
    }
    found.store(0, std::memory_order_release);
  }
  if (!broken) return;
  broken->fail(index,
               cat_str("the index of an earlier call on device '", to_string(name_),
                       "', whose results are not valid"),
               "rustorch.set_index_checks('now'), which raises this error in the call itself");
}

}  // namespace rt::gpu
