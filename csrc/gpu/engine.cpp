#include "gpu/engine.h"

#include "gpu/formulas.h"

namespace rt::gpu {

namespace {
const DeviceStorage& device_storage(const Storage& s) {
  return static_cast<const DeviceStorage&>(s);
}
const Block& block_of(const Storage& s) { return device_storage(s).block(); }
// The calling thread's current stream of its device works on it from here on.
Stream note_use(const Storage& s) {
  const Stream stream = current_stream(s.device());
  device_storage(s).note_use(stream);
  return stream;
}
}  // namespace

// Gives its block back to the pool when the last tensor is gone. Work that is queued may still use
// the block: so will the next tensor's, after it.
class GpuEngine::PooledStorage final : public DeviceStorage {
 public:
  PooledStorage(const Block& block, size_t nbytes, Device device, Stream stream, Unit& unit)
      : DeviceStorage(block, nbytes, device, stream), unit_(unit) {
    unit_.device->note_begin(block_, nbytes);
  }
  ~PooledStorage() override {
    try {
      if (shown_) unit_.device->synchronize();
      unit_.device->note_end(block_, nbytes());
      unit_.pool->give(block_, stream_, users_);
    } catch (const Error&) {
      // A device that has failed: whoever waits for it next is told, and its memory is gone.
    }
  }

 private:
  Unit& unit_;
};

// Lets go of its owner when the streams that worked on it have come so far.
class GpuEngine::ForeignStorage final : public DeviceStorage {
 public:
  ForeignStorage(const Block& block, Device device, Stream stream, Unit& unit,
                 std::unique_ptr<MemoryOwner> owner)
      : DeviceStorage(block, block.bytes, device, stream), unit_(unit), owner_(std::move(owner)) {
    set_resizable(false);
  }
  ~ForeignStorage() override {
    try {
      if (shown_) unit_.device->synchronize();
      users_.push_back(stream_);
      unit_.pool->retire(std::move(owner_), users_);
      unit_.pool->collect();
    } catch (const Error&) {
    }
  }

 private:
  Unit& unit_;
  std::unique_ptr<MemoryOwner> owner_;
};

void GpuEngine::probe() {
  std::call_once(probed_, [&] {
    for (auto& device : open(&why_not_)) {
      const int64_t memory = device->info().memory;
      auto pool = std::make_unique<Pool>(*device, memory > 0 ? memory : int64_t{1} << 62);
      auto faults =
          std::make_unique<IndexFaults>(*device, Device{type_, static_cast<int8_t>(units_.size())});
      units_.push_back({std::move(device), std::move(pool), std::move(faults)});
    }
    if (units_.empty()) return;
    pinned_ = std::make_unique<PinnedPool>(*units_[0].device);
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
Pool& GpuEngine::pool(Device device) { return *unit(device).pool; }
IndexFaults& GpuEngine::index_faults(Device device) { return *unit(device).faults; }

bool GpuEngine::host_visible(Device device) { return compute(device).info().host_visible; }

Ref<Storage> GpuEngine::allocate(size_t nbytes, Device device) {
  Unit& u = unit(device);
  const Stream stream = current_stream(device);
  return make_ref<PooledStorage>(u.pool->take(nbytes, device, stream), nbytes, device, stream, u);
}

Ref<Storage> GpuEngine::wrap(void* data, size_t nbytes, Device device,
                             std::unique_ptr<MemoryOwner> owner) {
  Unit& u = unit(device);
  u.pool->collect();
  return make_ref<ForeignStorage>(Block{data, nbytes, nullptr}, device, current_stream(device), u,
                                  std::move(owner));
}

void GpuEngine::copy_to_host(void* dst, const Storage& src, size_t offset, size_t nbytes) {
  note_use(src);
  compute(src.device()).read(dst, block_of(src), offset, nbytes);
  index_faults(src.device()).raise();
}
void GpuEngine::copy_from_host(Storage& dst, size_t offset, const void* src, size_t nbytes) {
  note_use(dst);
  compute(dst.device()).write(block_of(dst), offset, src, nbytes);
}
void GpuEngine::copy(Storage& dst, size_t to, const Storage& src, size_t from, size_t nbytes) {
  note_use(dst);
  note_use(src);
  ComputeDevice &there = compute(dst.device()), &here = compute(src.device());
  if (&there == &here) return there.copy(block_of(dst), to, block_of(src), from, nbytes);
  if (there.copy_from(block_of(dst), to, here, block_of(src), from, nbytes)) return;
  std::vector<char> host(nbytes);
  here.read(host.data(), block_of(src), from, nbytes);
  there.write(block_of(dst), to, host.data(), nbytes);
}

Ref<Storage> GpuEngine::allocate_pinned(size_t nbytes, Device device) {
  RT_CHECK(compute(device).info().pins, MissingKernel, "pin_memory",
           cat_str("there is no pinned memory for device '", to_string(device), "'"));
  return pinned_->take(nbytes, device);
}
void GpuEngine::copy_to_host_later(Storage& dst, size_t to, const Storage& src, size_t from,
                                   size_t nbytes) {
  const Stream stream = note_use(src);
  ComputeDevice& device = compute(src.device());
  device.read_later(static_cast<char*>(dst.data()) + to, block_of(src), from, nbytes);
  static_cast<PinnedStorage&>(dst).note_copy(device, stream);
}
void GpuEngine::copy_from_host_later(Storage& dst, size_t to, const Storage& src, size_t from,
                                     size_t nbytes) {
  const Stream stream = note_use(dst);
  ComputeDevice& device = compute(dst.device());
  device.write_later(block_of(dst), to, static_cast<const char*>(src.data()) + from, nbytes);
  static_cast<const PinnedStorage&>(src).note_copy(device, stream);
}

void GpuEngine::synchronize(Device device) {
  compute(device).synchronize();
  index_faults(device).raise();
}
MemoryStats GpuEngine::memory_stats(Device device) { return unit(device).pool->stats(); }
void GpuEngine::reset_peak_memory(Device device) { unit(device).pool->reset_peak(); }
void GpuEngine::empty_cache(Device device) { unit(device).pool->empty(); }
void GpuEngine::set_memory_limit(Device device, int64_t bytes) {
  unit(device).pool->set_limit(bytes);
}

GpuEngine& engine_of(Device device) { return static_cast<GpuEngine&>(*find_engine(device.type)); }
ComputeDevice& device_of(const Tensor& t) { return engine_of(t.device()).compute(t.device()); }

}  // namespace rt::gpu
