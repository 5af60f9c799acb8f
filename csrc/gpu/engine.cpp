#include "gpu/engine.h"

#include "gpu/formulas.h"

namespace rt::gpu {

// Gives its block back to the pool when the last tensor is gone. Work that is queued may still use
// the block: so will the next tensor's, after it.
class GpuEngine::PooledStorage final : public DeviceStorage {
 public:
  PooledStorage(const Block& block, size_t nbytes, Device device, Unit& unit)
      : DeviceStorage(block, nbytes, device), unit_(unit) {
    unit_.device->note_begin(block_, nbytes);
  }
  ~PooledStorage() override {
    unit_.device->note_end(block_, nbytes());
    unit_.pool->give(block_);
  }

 private:
  Unit& unit_;
};

namespace {
const Block& block_of(const Storage& s) { return static_cast<const DeviceStorage&>(s).block(); }
}  // namespace

void GpuEngine::probe() {
  std::call_once(probed_, [&] {
    for (auto& device : open(&why_not_)) {
      const int64_t memory = device->info().memory;
      auto pool = std::make_unique<Pool>(*device, memory > 0 ? memory : int64_t{1} << 62);
      units_.push_back({std::move(device), std::move(pool)});
    }
    if (units_.empty()) return;
    register_formulas(type_, *units_[0].device);
    register_reductions(type_, *units_[0].device);
  });
}

bool GpuEngine::available(std::string* why_not) {
  probe();
  if (units_.empty() && why_not) *why_not = why_not_;
  return !units_.empty();
}

int GpuEngine::device_count() {
  probe();
  return static_cast<int>(units_.size());
}

GpuEngine::Unit& GpuEngine::unit(Device device) {
  probe();
  return units_.at(static_cast<size_t>(device.index));
}
ComputeDevice& GpuEngine::compute(Device device) { return *unit(device).device; }

bool GpuEngine::host_visible(Device device) { return compute(device).info().host_visible; }

Ref<Storage> GpuEngine::allocate(size_t nbytes, Device device) {
  Unit& u = unit(device);
  return make_ref<PooledStorage>(u.pool->take(nbytes, device), nbytes, device, u);
}

void GpuEngine::copy_to_host(void* dst, const Storage& src, size_t offset, size_t nbytes) {
  compute(src.device()).read(dst, block_of(src), offset, nbytes);
}
void GpuEngine::copy_from_host(Storage& dst, size_t offset, const void* src, size_t nbytes) {
  compute(dst.device()).write(block_of(dst), offset, src, nbytes);
}
void GpuEngine::copy(Storage& dst, size_t to, const Storage& src, size_t from, size_t nbytes) {
  if (dst.device() == src.device()) {
    compute(dst.device()).copy(block_of(dst), to, block_of(src), from, nbytes);
    return;
  }
  std::vector<char> host(nbytes);
  copy_to_host(host.data(), src, from, nbytes);
  copy_from_host(dst, to, host.data(), nbytes);
}

void GpuEngine::synchronize(Device device) { compute(device).synchronize(); }
MemoryStats GpuEngine::memory_stats(Device device) { return unit(device).pool->stats(); }
void GpuEngine::reset_peak_memory(Device device) { unit(device).pool->reset_peak(); }
void GpuEngine::empty_cache(Device device) { unit(device).pool->empty(); }
void GpuEngine::set_memory_limit(Device device, int64_t bytes) {
  unit(device).pool->set_limit(bytes);
}

ComputeDevice& device_of(const Tensor& t) {
  return static_cast<GpuEngine&>(*find_engine(t.device().type)).compute(t.device());
}

}  // namespace rt::gpu
