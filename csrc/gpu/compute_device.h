// A GPU, as everything above it sees one: memory, kernels by name, queues. The emulator, Metal and
// CUDA implement it; what to launch, and with which arguments, is decided above it, once.
#pragma once

#include <array>
#include <atomic>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/storage.h"
#include "gpu/stream.h"

namespace rt::gpu {

struct Extent {
  uint32_t x = 1, y = 1, z = 1;
  uint64_t count() const { return uint64_t{x} * y * z; }
};

// Memory of a device. `address` is what its kernels go by, and the host's address too where the
// device shares memory with it; `handle` is the device's own.
struct Block {
  void* address = nullptr;
  size_t bytes = 0;
  void* handle = nullptr;
};

// The storage of tensors on a compute device. Its memory belongs to a stream, and is handed on in
// the order of that stream; it remembers the others that used it, whose work must be waited for.
class DeviceStorage : public Storage {
 public:
  DeviceStorage(const Block& block, size_t nbytes, Device device, Stream stream)
      : Storage(block.address, nbytes, device), block_(block), stream_(stream) {}
  const Block& block() const { return block_; }
  Stream stream() const { return stream_; }
  // Work that is queued on `stream` now uses the memory.
  void note_use(Stream stream) const {
    if (stream != stream_) [[unlikely]]
      add_user(stream);
  }
  // Others, whose streams are not known, may use the memory until its end.
  void note_shown() { shown_ = true; }

 protected:
  void add_user(Stream stream) const;
  Block block_;
  const Stream stream_;
  mutable std::vector<Stream> users_;
  std::atomic<bool> shown_{false};
};

// What a kernel is launched with, in the order of its buffers: device memory or small values.
class Arguments {
 public:
  static constexpr int kMax = 31;  // as many as Metal has
  static constexpr size_t kValueBytes = 1536;
  struct Slot {
    Block block;          // no address: a value
    uint64_t offset = 0;  // bytes into the block, or into values()
    uint64_t bytes = 0;   // from there on
    bool is_value() const { return block.address == nullptr; }
  };

  // Memory from a byte of a storage on. All of a launch is on one device.
  Arguments& memory(const Storage& s, uint64_t offset) {
    if (device_.is_cpu()) device_ = s.device();
    RT_CHECK(!s.device().is_cpu() && s.device() == device_, Runtime, "launch",
             "Expected all tensors to be on the same device",
             cat_str("'", to_string(device_), "' and '", to_string(s.device()), "'"),
             "x.to(device) on one of them");
    const auto& storage = static_cast<const DeviceStorage&>(s);
    storage.note_use(current_stream(device_));
    slots_[check(count_++)] = {storage.block(), offset, s.nbytes() - offset};
    return *this;
  }
  template <class T>
  Arguments& value(const T& v) {
    constexpr size_t step = (sizeof(T) + 15) / 16 * 16;
    RT_CHECK(used_ + step <= kValueBytes, Value, "launch", "too many bytes of arguments");
    std::memcpy(values_.data() + used_, &v, sizeof(T));
    slots_[check(count_++)] = {Block{}, used_, sizeof(T)};
    used_ += step;
    return *this;
  }
  std::span<const Slot> slots() const { return {slots_.data(), static_cast<size_t>(count_)}; }
  const char* values() const { return values_.data(); }
  size_t value_bytes() const { return used_; }

 private:
  static size_t check(int n) {
    RT_CHECK(n < kMax, Value, "launch", cat_str("more than ", kMax, " arguments"));
    return static_cast<size_t>(n);
  }
  Device device_;
  std::array<Slot, kMax> slots_;
  int count_ = 0;
  size_t used_ = 0;
  alignas(16) std::array<char, kValueBytes> values_;
};

// A kernel that is ready to run; lives as long as its device.
class Kernel {
 public:
  virtual ~Kernel() = default;
  const std::string& name() const { return name_; }

 protected:
  explicit Kernel(std::string name) : name_(std::move(name)) {}
  std::string name_;
};

// Values of a kernel's function constants, by index.
using Constants = std::span<const uint64_t>;

// What devices keep a kernel under: its name and its constants.
inline std::string kernel_key(std::string_view name, Constants constants) {
  std::string key(name);
  for (uint64_t c : constants) key += "/" + std::to_string(c);
  return key;
}

class DenseLibrary;

// Calls may come from any thread. What is queued goes to the calling thread's current stream and
// runs in its order, later; errors of queued work come out of synchronize() and the copies to the
// host.
class ComputeDevice {
 public:
  struct Info {
    std::string name;
    bool host_visible = false;  // Block::address is valid on the host too
    uint32_t cores = 1;         // multiprocessors, or what is like them
    uint32_t max_threads = 1024;
    int64_t memory = 0;  // bytes that tensors may take; 0 if not known
    // What else the device says of itself, by the field's names: "major", "warp_size".
    std::vector<std::pair<std::string, int64_t>> properties = {};
    bool pins = false;  // has allocate_host()
  };
  virtual ~ComputeDevice() = default;
  virtual const Info& info() const = 0;

  // ---- Memory. Aligned to 256 bytes at least. ----
  // An empty block if there is no more.
  virtual Block allocate(size_t bytes) = 0;
  // Queued work does not use it any more.
  virtual void release(const Block& block) = 0;
  // A tensor of `bytes` begins or ends its life in the block, in the order of its stream. Work that
  // was queued before may still run: memory is handed on in the order of the stream.
  virtual void note_begin(const Block&, size_t) {}
  virtual void note_end(const Block&, size_t) {}
  // Host memory as the device's own, without a copy; empty where it cannot be.
  virtual Block wrap(void*, size_t) { return {}; }

  // ---- Kernels ----
  // Whether there is one of that name, without getting it ready.
  virtual bool has_kernel(std::string_view name) = 0;
  // Null if there is none of that name.
  virtual const Kernel* find_kernel(std::string_view name, Constants constants = {}) = 0;
  // Whole groups; threads.count() is a multiple of 32, and at most info().max_threads.
  virtual void launch(const Kernel& kernel, Extent groups, Extent threads,
                      const Arguments& arguments) = 0;

  // Products and convolutions by the library of the device's maker; null if there is none to ask.
  virtual DenseLibrary* dense_library() { return nullptr; }

  // ---- Copies, in the order of the stream. Host memory may be reused on return. ----
  virtual void copy(const Block& to, size_t to_offset, const Block& from, size_t from_offset,
                    size_t bytes) = 0;
  virtual void read(void* host, const Block& from, size_t offset, size_t bytes) = 0;
  virtual void write(const Block& to, size_t offset, const void* host, size_t bytes) = 0;

  // Waits for all that is queued, on every stream.
  virtual void synchronize() = 0;

  // ---- Streams and events ----
  // One that lives as long as the device; of a lower number where that is more urgent.
  virtual Stream create_stream(int priority) = 0;
  // The least and the most urgent priority.
  virtual std::pair<int, int> priorities() { return {0, 0}; }
  // Whether all that was queued on it has run.
  virtual bool query(Stream stream) = 0;
  virtual void synchronize(Stream stream) = 0;
  // `timed`: its time can be asked for.
  virtual std::unique_ptr<Event> create_event(bool timed) = 0;

  // ---- Not of every device ----
  // Bytes that are free now, and all there are.
  virtual std::pair<int64_t, int64_t> memory_info() { return {info().memory, info().memory}; }
  // Which device of the kind an address is of, as far as that is known; -1 for none.
  virtual int owner_of(const void*) { return -1; }
  // From another device of the kind, in the order of both current streams; false if that cannot be.
  virtual bool copy_from(const Block&, size_t, ComputeDevice&, const Block&, size_t, size_t) {
    return false;
  }
  // Host memory that copies may use while the host goes on; empty if there is none of that kind.
  virtual Block allocate_host(size_t) { return {}; }
  virtual void release_host(const Block&) {}
  // Copies whose side on the host is of allocate_host(), and in use until the stream has done them.
  virtual void read_later(void* host, const Block& from, size_t offset, size_t bytes) {
    read(host, from, offset, bytes);
  }
  virtual void write_later(const Block& to, size_t offset, const void* host, size_t bytes) {
    write(to, offset, host, bytes);
  }
};

}  // namespace rt::gpu
