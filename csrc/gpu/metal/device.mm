// Apple's GPUs as compute devices. Nothing is decided here that the emulator does not decide alike.
#import <Foundation/Foundation.h>
#import <Metal/Metal.h>
#include <unistd.h>

#include <mutex>

#include "gpu/engine.h"
#import "gpu/metal/library.h"
#import "gpu/metal/queue.h"
#import "gpu/metal/support.h"

namespace rt::gpu::metal {

namespace {

// Host and GPU see one memory; a command buffer that runs keeps what it uses.
constexpr MTLResourceOptions kShared = MTLResourceStorageModeShared;

id<MTLBuffer> buffer_of(const Block& block) { return (__bridge id<MTLBuffer>)block.handle; }

// Passed when the command buffer that it ends has run.
class MetalEvent final : public Event {
 public:
  MetalEvent(const ComputeDevice& device, Queue& queue) : device_(device), queue_(queue) {}
  void record(Stream) override {
    auto point = queue_.mark();
    std::lock_guard lock(mutex_);
    point_ = std::move(point);
  }
  // In one queue, what comes later runs later; that of another device is waited for here.
  void wait(ComputeDevice& device, Stream) override {
    if (&device != &device_) synchronize();
  }
  bool query() override {
    const auto at = point();
    return !at || at->passed();
  }
  void synchronize() override {
    if (const auto at = point()) at->wait();
  }
  double milliseconds_until(Event& end) override {
    return 1000 * (static_cast<MetalEvent&>(end).point()->seconds() - point()->seconds());
  }

 private:
  std::shared_ptr<Point> point() {
    std::lock_guard lock(mutex_);
    return point_;
  }
  const ComputeDevice& device_;
  Queue& queue_;
  std::mutex mutex_;
  std::shared_ptr<Point> point_;  // none: never recorded
};

class MetalDevice final : public ComputeDevice {
 public:
  explicit MetalDevice(id<MTLDevice> device) : device_(device), library_(device), queue_(device) {
    info_.name = to_std(device.name);
    info_.host_visible = true;
    info_.cores = 8;  // Metal does not say; the smallest of Apple's has 7
    info_.max_threads =
        static_cast<uint32_t>(std::min<NSUInteger>(device.maxThreadsPerThreadgroup.width, 1024));
    info_.memory = static_cast<int64_t>(device.recommendedMaxWorkingSetSize);
  }
  bool open(std::string* why_not) { return library_.open(why_not); }

  const Info& info() const override { return info_; }

  Block allocate(size_t bytes) override {
    @autoreleasepool {
      return block([device_ newBufferWithLength:bytes options:kShared]);
    }
  }
  void release(const Block& block) override {
    @autoreleasepool {
      (void)(__bridge_transfer id<MTLBuffer>)block.handle;
    }
  }
  Block wrap(void* host, size_t bytes) override {
    const auto page = static_cast<uintptr_t>(getpagesize());
    if (bytes == 0 || reinterpret_cast<uintptr_t>(host) % page != 0 || bytes % page != 0) return {};
    @autoreleasepool {
      return block([device_ newBufferWithBytesNoCopy:host
                                              length:bytes
                                             options:kShared
                                         deallocator:nil]);
    }
  }

  bool has_kernel(std::string_view name) override { return library_.has(name); }
  const Kernel* find_kernel(std::string_view name, Constants constants) override {
    return library_.find(name, constants);
  }
  void launch(const Kernel& kernel, Extent groups, Extent threads,
              const Arguments& arguments) override {
    if (groups.count() == 0) return;
    queue_.launch(static_cast<const MetalKernel&>(kernel), groups, threads, arguments);
  }

  void copy(const Block& to, size_t to_offset, const Block& from, size_t from_offset,
            size_t bytes) override {
    if (bytes == 0) return;
    // On macOS Metal copies by four bytes.
    if ((to_offset | from_offset | bytes) % 4 == 0) {
      queue_.copy(buffer_of(to), to_offset, buffer_of(from), from_offset, bytes);
      return;
    }
    queue_.synchronize();
    std::memmove(at(to, to_offset), at(from, from_offset), bytes);
  }
  void read(void* host, const Block& from, size_t offset, size_t bytes) override {
    queue_.synchronize();
    std::memcpy(host, at(from, offset), bytes);
  }
  void write(const Block& to, size_t offset, const void* host, size_t bytes) override {
    queue_.synchronize();
    std::memcpy(at(to, offset), host, bytes);
  }
  void synchronize() override { queue_.synchronize(); }

  // One queue runs the work of all streams, in the order in which it came.
  Stream create_stream(int) override {
    std::lock_guard lock(mutex_);
    return streams_.emplace_back(std::make_unique<char>()).get();
  }
  bool query(Stream) override { return queue_.idle(); }
  void synchronize(Stream) override { queue_.synchronize(); }
  std::unique_ptr<Event> create_event(bool) override {
    return std::make_unique<MetalEvent>(*this, queue_);
  }

 private:
  // Keeps the buffer until release().
  static Block block(id<MTLBuffer> buffer) {
    if (!buffer) return {};
    return {buffer.contents, buffer.length, (__bridge_retained void*)buffer};
  }
  static char* at(const Block& block, size_t offset) {
    return static_cast<char*>(block.address) + offset;
  }

  id<MTLDevice> device_;
  Info info_;
  Library library_;
  Queue queue_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<char>> streams_;
};

class MetalEngine final : public GpuEngine {
 public:
  MetalEngine() : GpuEngine(DeviceType::Metal) {}

 private:
  std::vector<std::unique_ptr<ComputeDevice>> open(std::string* why_not) override {
    std::vector<std::unique_ptr<ComputeDevice>> devices;
    if (@available(macOS 14.0, *)) {
      @autoreleasepool {
        *why_not = "this machine has no GPU that Metal knows";
        for (id<MTLDevice> device in MTLCopyAllDevices()) {
          // The first with matrices in simdgroups and one memory with the host: M1, and what came
          // after it.
          if (![device supportsFamily:MTLGPUFamilyApple7] || !device.hasUnifiedMemory) {
            *why_not = to_std(device.name) + " is not an Apple GPU of the M1 or later";
            continue;
          }
          auto made = std::make_unique<MetalDevice>(device);
          if (made->open(why_not)) devices.push_back(std::move(made));
        }
      }
    } else {
      *why_not = "it takes macOS 14 or later";
    }
    return devices;
  }
};

// Global: an engine lives as long as the process, for tensors may. Leaked, so that no destructor
// runs before theirs.
GpuEngine* const g_engine = new MetalEngine;

}  // namespace

}  // namespace rt::gpu::metal
