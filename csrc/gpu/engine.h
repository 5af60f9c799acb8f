// The rt::Engine of every compute device: allocation, copies, and who the device of a tensor is.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "core/pinned.h"
#include "core/tensor.h"
#include "gpu/index_faults.h"
#include "gpu/pinned.h"
#include "gpu/pool.h"

namespace rt::gpu {

// The device types that run our shaders.
inline constexpr DeviceType kDeviceTypes[] = {DeviceType::Metal, DeviceType::CUDA,
                                              DeviceType::Emulator};

class GpuEngine : public Engine, public PinnedCopies {
 public:
  explicit GpuEngine(DeviceType type) : type_(type) { register_engine(type, this); }

  bool available(std::string* why_not) override;
  int device_count() override;
  Ref<Storage> allocate(size_t nbytes, Device device) override;
  bool host_visible(Device device) override;
  void copy_to_host(void* dst, const Storage& src, size_t offset, size_t nbytes) override;
  void copy_from_host(Storage& dst, size_t offset, const void* src, size_t nbytes) override;
  void copy(Storage& dst, size_t to, const Storage& src, size_t from, size_t nbytes) override;
  void synchronize(Device device) override;
  MemoryStats memory_stats(Device device) override;
  void reset_peak_memory(Device device) override;
  void empty_cache(Device device) override;
  void set_memory_limit(Device device, int64_t bytes) override;

  bool pins(Device device) override { return compute(device).info().pins; }
  // Page-locked host memory as a tensor's on the CPU. Errors: OutOfMemory, MissingKernel.
  Ref<Storage> allocate_pinned(size_t nbytes, Device device) override;
  void copy_to_host_later(Storage& dst, size_t to, const Storage& src, size_t from,
                          size_t nbytes) override;
  void copy_from_host_later(Storage& dst, size_t to, const Storage& src, size_t from,
                            size_t nbytes) override;

  // Memory of the device that is somebody else's, as a tensor's. The owner is let go of when our
  // work on it is done.
  Ref<Storage> wrap(void* data, size_t nbytes, Device device, std::unique_ptr<MemoryOwner> owner);
  ComputeDevice& compute(Device device);
  Pool& pool(Device device);
  IndexFaults& index_faults(Device device);

 protected:
  // Finds the hardware; empty, with the reason, if there is none.
  virtual std::vector<std::unique_ptr<ComputeDevice>> open(std::string* why_not) = 0;

 private:
  struct Unit {
    std::unique_ptr<ComputeDevice> device;
    std::unique_ptr<Pool> pool;
    std::unique_ptr<IndexFaults> faults;
  };
  class PooledStorage;
  class ForeignStorage;
  void probe();
  Unit& unit(Device device);

  const DeviceType type_;
  std::once_flag probed_;
  std::vector<Unit> units_;
  std::unique_ptr<PinnedPool> pinned_;
  std::string why_not_;
};

// The engine of a device that must be a compute device.
GpuEngine& engine_of(Device device);
// The device that t lives on, which must be a compute device.
ComputeDevice& device_of(const Tensor& t);

}  // namespace rt::gpu
