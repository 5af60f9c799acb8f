// Indices that kernels found out of bounds, which the host hears of when it waits for the device.
#pragma once

#include <atomic>
#include <mutex>
#include <vector>

#include "gpu/compute_device.h"
#include "ops/index_support.h"
#include "rt_index_plans.h"

namespace rt::gpu {

// Of one device. Calls may come from any thread.
class IndexFaults {
 public:
  IndexFaults(ComputeDevice& device, Device name) : device_(device), name_(name) {}
  ~IndexFaults();

  // An IndexFault in memory that both kernels and the host see.
  struct Place {
    Ref<Storage> memory;
    uint64_t offset = 0;
  };
  // Where a kernel reports an index that is not within these bounds. The error of one reported
  // before comes first.
  Place place_for(const IndexBounds& bounds);
  // The error of an index that was reported, if there is one; all that were are forgotten.
  void raise();

 private:
  void open();
  void raise_locked();

  ComputeDevice& device_;
  const Device name_;
  std::mutex mutex_;
  Ref<Storage> memory_;
  IndexFault* faults_ = nullptr;
  std::vector<IndexBounds> bounds_;  // of each fault that is in use
  std::atomic<bool> used_{false};
};

}  // namespace rt::gpu
