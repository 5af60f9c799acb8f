// NVIDIA GPUs: the same shaders through NVRTC and the driver's API.
#include "gpu/cuda/device.h"

#include <array>
#include <cstdlib>
#include <mutex>
#include <set>
#include <unordered_map>

#include "gpu/cuda/driver.h"
#include "gpu/cuda/libraries.h"
#include "gpu/engine.h"
#include "gpu/module_path.h"

namespace rt::gpu::cuda {

namespace {

// A function belongs to the device that loaded it.
class CudaKernel final : public Kernel {
 public:
  CudaKernel(std::string name, Function function, Constants constants, const ComputeDevice* owner)
      : Kernel(std::move(name)),
        function(function),
        constants(constants.begin(), constants.end()),
        owner(owner) {}
  const Function function;
  const std::vector<uint64_t> constants;
  const ComputeDevice* const owner;
};

Address address_of(const Block& block, size_t offset) {
  return reinterpret_cast<Address>(block.address) + offset;
}

// Those that launches are planned for: the device's, or RUSTORCH_CUDA_CORES.
uint32_t planned_cores(int multiprocessors) {
  if (const char* wanted = std::getenv("RUSTORCH_CUDA_CORES")) {
    char* end = nullptr;
    const unsigned long n = std::strtoul(wanted, &end, 10);
    if (end != wanted && *end == 0 && n > 0 && n < 65536) return static_cast<uint32_t>(n);
  }
  return static_cast<uint32_t>(multiprocessors);
}

int driver_version(const Driver& driver) {
  int version = 0;
  check(driver, driver.driver_version(&version), "the driver's version");
  return version;
}

// Makes a context the calling thread's for a while. Others in the process find theirs again, and no
// other GPU than the first where they had none: other libraries take the current one for chosen.
class Entered {
 public:
  Entered(const Driver& driver, Context context, bool first) : driver_(driver) {
    check(driver_, driver_.get_context(&before_), "context");
    if (before_ == context) return;
    check(driver_, driver_.set_context(context), "context");
    restore_ = before_ != nullptr || !first;
  }
  ~Entered() {
    if (restore_) (void)driver_.set_context(before_);
  }
  Entered(const Entered&) = delete;

 private:
  const Driver& driver_;
  Context before_ = nullptr;
  bool restore_ = false;
};

class CudaDevice;

class CudaEvent final : public Event {
 public:
  CudaEvent(CudaDevice& device, bool timed);
  ~CudaEvent() override;
  void record(rt::gpu::Stream stream) override;
  void wait(ComputeDevice& device, rt::gpu::Stream stream) override;
  bool query() override;
  void synchronize() override;
  double milliseconds_until(Event& end) override;
  void* handle() const override { return event_; }

 private:
  CudaDevice& device_;
  const Driver& driver_;
  EventHandle event_ = nullptr;
};

class CudaDevice final : public ComputeDevice, private DenseLibrary {
 public:
  CudaDevice(const Driver& driver, const Compiler& compiler, int index, const std::string& folder)
      : driver_(driver),
        device_{DeviceType::CUDA, static_cast<int8_t>(index)},
        shaders_(compiler, open(), folder),
        libraries_(driver_version(driver)) {}

  const Info& info() const override { return info_; }

  Block allocate(size_t bytes) override {
    const Entered entered = enter();
    Address a = 0;
    if (driver_.allocate(&a, bytes) != 0) return {};
    return {reinterpret_cast<void*>(a), bytes, nullptr};
  }
  void release(const Block& block) override {
    const Entered entered = enter();
    check(driver_, driver_.free(address_of(block, 0)), "freeing memory");
  }
  std::pair<int64_t, int64_t> memory_info() override {
    const Entered entered = enter();
    size_t free = 0, total = 0;
    check(driver_, driver_.memory_info(&free, &total), "memory");
    return {static_cast<int64_t>(free), static_cast<int64_t>(total)};
  }
  int owner_of(const void* p) override {
    const Entered entered = enter();
    const auto at = reinterpret_cast<Address>(p);
    unsigned type = 0;
    int index = -1;
    const bool known = driver_.pointer_attribute(&type, kPointerMemoryType, at) == kSuccess &&
                       type == kDeviceMemory &&
                       driver_.pointer_attribute(&index, kPointerDevice, at) == kSuccess;
    return known ? index : -1;
  }
  Block allocate_host(size_t bytes) override {
    const Entered entered = enter();
    void* host = nullptr;
    if (driver_.allocate_host(&host, bytes, kPortableHostMemory) != 0) return {};
    return {host, bytes, nullptr};
  }
  void release_host(const Block& block) override {
    const Entered entered = enter();
    check(driver_, driver_.free_host(block.address), "freeing pinned memory");
  }

  bool has_kernel(std::string_view name) override { return shaders_.has(name); }
  const Kernel* find_kernel(std::string_view name, Constants constants) override {
    const std::string key = kernel_key(name, constants);
    std::lock_guard lock(mutex_);
    if (const auto it = kernels_.find(key); it != kernels_.end()) return it->second.get();
    if (!shaders_.has(name)) return nullptr;
    const Entered entered = enter();
    const std::string own(name);
    std::vector<char> code = shaders_.code(own, constants);
    Module module = nullptr;
    Function function = nullptr;
    // What was kept on disk may be of no use to this driver.
    if (driver_.load_module(&module, code.data()) != kSuccess) {
      code = shaders_.code(own, constants, true);
      check(driver_, driver_.load_module(&module, code.data()), "loading kernel " + own);
    }
    check(driver_, driver_.get_function(&function, module, (own + "__k").c_str()),
          "finding kernel " + own);
    auto kernel = std::make_unique<CudaKernel>(own, function, constants, this);
    return kernels_.emplace(key, std::move(kernel)).first->second.get();
  }

  void launch(const Kernel& kernel, Extent groups, Extent threads,
              const Arguments& arguments) override {
    if (groups.count() == 0) return;
    const auto* cuda = static_cast<const CudaKernel*>(&kernel);
    if (cuda->owner != this) [[unlikely]] {
      cuda = static_cast<const CudaKernel*>(find_kernel(cuda->name(), cuda->constants));
    }
    const Entered entered = enter();
    // An entry point has twelve parameters, or 31; those that a kernel lacks are empty.
    std::array<Address, Arguments::kMax> addresses{};
    std::array<void*, Arguments::kMax> parameters;
    size_t i = 0;
    for (const Arguments::Slot& s : arguments.slots()) {
      addresses[i] = s.is_value() ? 0 : address_of(s.block, s.offset);
      parameters[i] = s.is_value() ? const_cast<char*>(arguments.values()) + s.offset
                                   : static_cast<void*>(&addresses[i]);
      ++i;
    }
    for (; i < parameters.size(); ++i) parameters[i] = &addresses[i];
    // Every kernel waits for the one before it by itself where it can (shaders/shim/cuda.h).
    LaunchAttribute overlap{kProgrammaticStreamSerialization, 1, {}};
    const LaunchConfig config{{groups.x, groups.y, groups.z},
                              {threads.x, threads.y, threads.z},
                              0,
                              stream(),
                              &overlap,
                              overlaps_ ? 1u : 0u};
    check(driver_, driver_.launch(&config, cuda->function, parameters.data(), nullptr),
          "launching " + kernel.name());
  }

  DenseLibrary* dense_library() override { return this; }

  void copy(const Block& to, size_t to_offset, const Block& from, size_t from_offset,
            size_t bytes) override {
    if (bytes == 0) return;
    const Entered entered = enter();
    check(
        driver_,
        driver_.between(address_of(to, to_offset), address_of(from, from_offset), bytes, stream()),
        "a copy");
  }
  void read(void* host, const Block& from, size_t offset, size_t bytes) override {
    read_later(host, from, offset, bytes);
    synchronize(stream());
  }
  void write(const Block& to, size_t offset, const void* host, size_t bytes) override {
    write_later(to, offset, host, bytes);
    // Pageable memory is staged before the call returns, pinned memory is not.
    if (bytes > 0 && is_pinned(host)) synchronize(stream());
  }
  void read_later(void* host, const Block& from, size_t offset, size_t bytes) override {
    if (bytes == 0) return;
    const Entered entered = enter();
    check(driver_, driver_.to_host(host, address_of(from, offset), bytes, stream()),
          "a copy to the host");
  }
  void write_later(const Block& to, size_t offset, const void* host, size_t bytes) override {
    if (bytes == 0) return;
    const Entered entered = enter();
    check(driver_, driver_.to_device(address_of(to, offset), host, bytes, stream()),
          "a copy to the device");
  }
  // On the source's stream, after what the destination's stream has before and before what it gets
  // after; peer access makes it direct, else the driver stages it.
  bool copy_from(const Block& to, size_t to_offset, ComputeDevice& other, const Block& from,
                 size_t from_offset, size_t bytes) override {
    if (bytes == 0) return true;
    auto& source = static_cast<CudaDevice&>(other);
    source.open_peer(*this);
    CudaEvent ready(*this, false), done(source, false);
    ready.record(stream());
    ready.wait(source, source.stream());
    {
      const Context target = context();
      const Entered entered = source.enter();
      check(
          driver_,
          driver_.between_devices(address_of(to, to_offset), target, address_of(from, from_offset),
                                  source.context(), bytes, source.stream()),
          "a copy between devices");
    }
    done.record(source.stream());
    done.wait(*this, stream());
    return true;
  }

  void synchronize() override {
    const Entered entered = enter();
    check(driver_, driver_.synchronize(), "queued work");
  }

  rt::gpu::Stream create_stream(int priority) override {
    const Entered entered = enter();
    Stream stream = nullptr;
    check(driver_, driver_.stream_create(&stream, kNonBlockingStream, priority), "a stream");
    return stream;
  }
  std::pair<int, int> priorities() override {
    const Entered entered = enter();
    int least = 0, greatest = 0;
    check(driver_, driver_.stream_priorities(&least, &greatest), "priorities of streams");
    return {least, greatest};
  }
  bool query(rt::gpu::Stream stream) override {
    const Entered entered = enter();
    const Result r = driver_.stream_query(stream);
    if (r != kNotReady) check(driver_, r, "queued work");
    return r == kSuccess;
  }
  void synchronize(rt::gpu::Stream stream) override {
    const Entered entered = enter();
    check(driver_, driver_.stream_synchronize(stream), "queued work");
  }
  std::unique_ptr<Event> create_event(bool timed) override {
    return std::make_unique<CudaEvent>(*this, timed);
  }

  const Driver& driver() const { return driver_; }
  Entered enter() { return {driver_, context(), device_.index == 0}; }

 private:
  // ---- DenseLibrary ----
  bool multiplies() override {
    const Entered entered = enter();
    return libraries_.multiplies();
  }
  std::shared_ptr<const LibraryPlan> find(const GemmKey& key) override {
    const Entered entered = enter();
    return libraries_.find(key);
  }
  std::shared_ptr<const LibraryPlan> find(const ConvKey& key) override {
    const Entered entered = enter();
    return libraries_.find(key);
  }
  bool run(const GemmKey& key, const LibraryPlan& plan, float alpha, float beta,
           const Arguments& memory) override {
    const Entered entered = enter();
    return libraries_.run(key, plan, alpha, beta, memory, stream());
  }
  bool run(const ConvKey& key, const LibraryPlan& plan, const Arguments& memory) override {
    const Entered entered = enter();
    return libraries_.run(key, plan, memory, stream());
  }
  std::vector<LibraryReport> reports() override {
    const Entered entered = enter();
    return libraries_.reports();
  }

  // The architecture; what the device says of itself is read on the way.
  std::string open() {
    check(driver_, driver_.device_get(&handle_, device_.index), "device");
    char name[256] = {};
    size_t bytes = 0;
    check(driver_, driver_.device_name(name, sizeof name, handle_), "device name");
    check(driver_, driver_.device_memory(&bytes, handle_), "device memory");
    info_.name = name;
    info_.memory = static_cast<int64_t>(bytes);
    info_.pins = true;
    info_.cores = planned_cores(attribute(kMultiprocessors));
    const int major = attribute(kComputeMajor), minor = attribute(kComputeMinor);
    overlaps_ = major >= 9;
    info_.properties = {
        {"major", major},
        {"minor", minor},
        {"multi_processor_count", attribute(kMultiprocessors)},
        {"max_threads_per_multi_processor", attribute(kThreadsPerMultiprocessor)},
        {"max_threads_per_block", attribute(kMaxThreadsPerBlock)},
        {"regs_per_multiprocessor", attribute(kRegistersPerMultiprocessor)},
        {"warp_size", attribute(kWarpSize)},
        {"shared_memory_per_block", attribute(kSharedMemoryPerBlock)},
        {"shared_memory_per_block_optin", attribute(kSharedMemoryPerBlockOptin)},
        {"shared_memory_per_multiprocessor", attribute(kSharedMemoryPerMultiprocessor)},
        {"L2_cache_size", attribute(kL2Cache)},
        {"is_integrated", attribute(kIntegrated)},
        {"is_multi_gpu_board", attribute(kMultiGpuBoard)},
        {"pci_bus_id", attribute(kPciBus)},
        {"pci_device_id", attribute(kPciDevice)},
        {"pci_domain_id", attribute(kPciDomain)},
    };
    return cat_str("sm_", major, minor);
  }
  int attribute(Attribute which) {
    int value = 0;
    check(driver_, driver_.device_attribute(&value, which, handle_), "an attribute");
    return value;
  }
  // The primary one, which all libraries of the process share. Made when first asked for: it takes
  // memory of the device.
  Context context() {
    std::call_once(opened_,
                   [&] { check(driver_, driver_.retain_context(&context_, handle_), "context"); });
    return context_;
  }
  Stream stream() const { return current_stream(device_); }
  bool is_pinned(const void* host) {
    const Entered entered = enter();
    unsigned type = 0;
    return driver_.pointer_attribute(&type, kPointerMemoryType, reinterpret_cast<Address>(host)) ==
               kSuccess &&
           type == kHostMemory;
  }
  // Lets work of this device reach the memory of another, where the hardware can.
  void open_peer(CudaDevice& other) {
    std::lock_guard lock(mutex_);
    if (!peers_.insert(&other).second) return;
    int can = 0;
    check(driver_, driver_.can_access_peer(&can, handle_, other.handle_), "peer access");
    if (!can) return;
    const Context there = other.context();
    const Entered entered = enter();
    const Result r = driver_.enable_peer(there, 0);
    if (r != kPeerAlreadyEnabled) check(driver_, r, "peer access");
  }

  const Driver& driver_;
  const Device device_;
  Info info_;
  DeviceHandle handle_ = 0;
  bool overlaps_ = false;  // a kernel's start with the end of the one before it
  std::once_flag opened_;
  Context context_ = nullptr;
  const ShaderCompiler shaders_;  // after what open() fills
  Libraries libraries_;
  std::mutex mutex_;
  std::unordered_map<std::string, std::unique_ptr<CudaKernel>> kernels_;
  std::set<CudaDevice*> peers_;
};

CudaEvent::CudaEvent(CudaDevice& device, bool timed) : device_(device), driver_(device.driver()) {
  const Entered entered = device_.enter();
  check(driver_, driver_.event_create(&event_, timed ? 0 : kUntimedEvent), "an event");
}
CudaEvent::~CudaEvent() { (void)driver_.event_destroy(event_); }
void CudaEvent::record(rt::gpu::Stream stream) {
  const Entered entered = device_.enter();
  check(driver_, driver_.event_record(event_, stream), "recording an event");
}
void CudaEvent::wait(ComputeDevice& device, rt::gpu::Stream stream) {
  const Entered entered = static_cast<CudaDevice&>(device).enter();
  check(driver_, driver_.stream_wait(stream, event_, 0), "waiting for an event");
}
bool CudaEvent::query() {
  const Entered entered = device_.enter();
  const Result r = driver_.event_query(event_);
  if (r != kNotReady) check(driver_, r, "queued work");
  return r == kSuccess;
}
void CudaEvent::synchronize() {
  const Entered entered = device_.enter();
  check(driver_, driver_.event_synchronize(event_), "queued work");
}
double CudaEvent::milliseconds_until(Event& end) {
  const Entered entered = device_.enter();
  float ms = 0;
  check(driver_, driver_.event_elapsed(&ms, event_, static_cast<CudaEvent&>(end).event_),
        "the time between events");
  return ms;
}

class CudaEngine final : public GpuEngine {
 public:
  CudaEngine() : GpuEngine(DeviceType::CUDA) {}

 private:
  std::vector<std::unique_ptr<ComputeDevice>> open(std::string* why_not) override {
    std::vector<std::unique_ptr<ComputeDevice>> devices;
    const Driver* driver = open_driver(why_not);
    if (!driver) return devices;
    const Compiler* compiler = open_compiler(why_not);
    if (!compiler) return devices;
    int count = 0;
    check(*driver, driver->device_count(&count), "counting devices");
    for (int i = 0; i < count; ++i) {
      devices.push_back(make_device(*driver, *compiler, i, module_folder() + "/shaders"));
    }
    if (devices.empty()) *why_not = "the NVIDIA driver sees no GPU";
    return devices;
  }
};

// Global: an engine lives as long as the process, for tensors may. Leaked, so that no destructor
// runs before theirs.
GpuEngine* const g_engine = new CudaEngine;

}  // namespace

std::unique_ptr<ComputeDevice> make_device(const Driver& driver, const Compiler& compiler,
                                           int index, const std::string& folder) {
  return std::make_unique<CudaDevice>(driver, compiler, index, folder);
}

}  // namespace rt::gpu::cuda
