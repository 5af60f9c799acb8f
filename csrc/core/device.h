// Devices name where memory lives; an engine is the code that serves one device type.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/intrusive.h"

namespace rt {

enum class DeviceType : uint8_t { CPU, Metal, CUDA, Emulator, CoreML, MLCompute };
inline constexpr int kNumDeviceTypes = 6;

struct Device {
  DeviceType type = DeviceType::CPU;
  int8_t index = 0;
  friend bool operator==(const Device&, const Device&) = default;
  bool is_cpu() const { return type == DeviceType::CPU; }
};

const char* name(DeviceType t);
std::string to_string(Device d);          // "cpu", "cuda:1"
Device parse_device(std::string_view s);  // errors on an unknown name

class Storage;

struct MemoryStats {
  int64_t allocated = 0;       // bytes in live storages
  int64_t peak_allocated = 0;  // the most that was allocated at one time
  int64_t cached = 0;          // bytes kept for reuse
  int64_t allocations = 0;     // requests served
  int64_t cache_hits = 0;      // of which from the cache
  int64_t limit = 0;           // cap on allocated bytes; 0 is none
};

// What every engine offers, whatever runs its kernels. Implementations register once, at load time,
// and probe their hardware lazily in available().
class Engine {
 public:
  virtual ~Engine() = default;
  virtual bool available(std::string* why_not) = 0;
  virtual int device_count() = 0;
  // Fills the kernel slots that this engine serves; called once, when every slot exists.
  virtual void load_kernels() {}
  virtual Ref<Storage> allocate(size_t nbytes, Device device) = 0;
  // Whether Storage::data() is an address that the host may use, once synchronised.
  virtual bool host_visible(Device) { return false; }
  // Copies bytes between a storage of this engine and host memory, after all work queued before;
  // they have arrived on return.
  virtual void copy_to_host(void* dst, const Storage& src, size_t offset, size_t nbytes) = 0;
  virtual void copy_from_host(Storage& dst, size_t offset, const void* src, size_t nbytes) = 0;
  // Between two storages of this engine, in the order of its queue.
  virtual void copy(Storage& dst, size_t to, const Storage& src, size_t from, size_t nbytes) = 0;
  // Waits for all queued work.
  virtual void synchronize(Device device) = 0;
  virtual MemoryStats memory_stats(Device device) = 0;
  virtual void reset_peak_memory(Device device) = 0;
  virtual void empty_cache(Device device) = 0;
  virtual void set_memory_limit(Device device, int64_t bytes) = 0;
};

// One slot a device type, filled at load time and constant after it.
void register_engine(DeviceType type, Engine* engine);
Engine* find_engine(DeviceType type);  // nullptr if this build has none
// Lets every engine fill its kernel slots; later calls do nothing.
void load_engines();
Engine& engine_for(Device device, const char* op);  // an error if it is absent or unavailable

}  // namespace rt
