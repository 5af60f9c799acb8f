// NVIDIA GPUs: the same shaders through NVRTC and the driver's API, on one stream a device.
#include <array>
#include <mutex>
#include <unordered_map>

#include "gpu/cuda/compiler.h"
#include "gpu/cuda/driver.h"
#include "gpu/cuda/libraries.h"
#include "gpu/engine.h"

namespace rt::gpu::cuda {

namespace {

class CudaKernel final : public Kernel {
 public:
  CudaKernel(std::string name, Function function) : Kernel(std::move(name)), function(function) {}
  const Function function;
};

Address address_of(const Block& block, size_t offset) {
  return reinterpret_cast<Address>(block.address) + offset;
}

int driver_version(const Driver& driver) {
  int version = 0;
  check(driver, driver.driver_version(&version), "the driver's version");
  return version;
}

class CudaDevice final : public ComputeDevice, private DenseLibrary {
 public:
  CudaDevice(const Driver& driver, const Compiler& compiler, int index)
      : driver_(driver), shaders_(compiler, open(index)), libraries_(driver_version(driver)) {}

  const Info& info() const override { return info_; }

  Block allocate(size_t bytes) override {
    enter();
    Address a = 0;
    if (driver_.allocate(&a, bytes) != 0) return {};
    return {reinterpret_cast<void*>(a), bytes, nullptr};
  }
  void release(const Block& block) override {
    enter();
    check(driver_, driver_.free(address_of(block, 0)), "freeing memory");
  }

  bool has_kernel(std::string_view name) override { return shaders_.has(name); }
  const Kernel* find_kernel(std::string_view name, Constants constants) override {
    const std::string key = kernel_key(name, constants);
    std::lock_guard lock(mutex_);
    if (const auto it = kernels_.find(key); it != kernels_.end()) return it->second.get();
    if (!shaders_.has(name)) return nullptr;
    enter();
    const std::string own(name);
    const std::vector<char> code = shaders_.code(own, constants);
    Module module = nullptr;
    Function function = nullptr;
    check(driver_, driver_.load_module(&module, code.data()), "loading kernel " + own);
    check(driver_, driver_.get_function(&function, module, (own + "__k").c_str()),
          "finding kernel " + own);
    return kernels_.emplace(key, std::make_unique<CudaKernel>(own, function)).first->second.get();
  }

  void launch(const Kernel& kernel, Extent groups, Extent threads,
              const Arguments& arguments) override {
    if (groups.count() == 0) return;
    enter();
    // Every entry point has twelve parameters; those that a kernel lacks are empty.
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
    check(driver_,
          driver_.launch(static_cast<const CudaKernel&>(kernel).function, groups.x, groups.y,
                         groups.z, threads.x, threads.y, threads.z, 0, stream_, parameters.data(),
                         nullptr),
          "launching " + kernel.name());
  }

  DenseLibrary* dense_library() override { return this; }

  void copy(const Block& to, size_t to_offset, const Block& from, size_t from_offset,
            size_t bytes) override {
    if (bytes == 0) return;
    enter();
    check(driver_,
          driver_.between(address_of(to, to_offset), address_of(from, from_offset), bytes, stream_),
          "a copy");
  }
  void read(void* host, const Block& from, size_t offset, size_t bytes) override {
    enter();
    if (bytes > 0) {
      check(driver_, driver_.to_host(host, address_of(from, offset), bytes, stream_),
            "a copy to the host");
    }
    synchronize();
  }
  // Pageable memory is staged before the call returns.
  void write(const Block& to, size_t offset, const void* host, size_t bytes) override {
    if (bytes == 0) return;
    enter();
    check(driver_, driver_.to_device(address_of(to, offset), host, bytes, stream_),
          "a copy to the device");
  }
  void synchronize() override {
    enter();
    check(driver_, driver_.stream_synchronize(stream_), "queued work");
  }

 private:
  // ---- DenseLibrary ----
  bool multiplies() override {
    enter();
    return libraries_.multiplies();
  }
  std::shared_ptr<const LibraryPlan> find(const GemmKey& key) override {
    enter();
    return libraries_.find(key);
  }
  std::shared_ptr<const LibraryPlan> find(const ConvKey& key) override {
    enter();
    return libraries_.find(key);
  }
  bool run(const GemmKey& key, const LibraryPlan& plan, float alpha, float beta,
           const Arguments& memory) override {
    enter();
    return libraries_.run(key, plan, alpha, beta, memory, stream_);
  }
  bool run(const ConvKey& key, const LibraryPlan& plan, const Arguments& memory) override {
    enter();
    return libraries_.run(key, plan, memory, stream_);
  }
  std::vector<LibraryReport> reports() override {
    enter();
    return libraries_.reports();
  }

  // The architecture; everything else of the device is opened on the way.
  std::string open(int index) {
    DeviceHandle device = 0;
    check(driver_, driver_.device_get(&device, index), "device");
    char name[256] = {};
    size_t bytes = 0;
    int major = 0, minor = 0, cores = 0;
    check(driver_, driver_.device_name(name, sizeof name, device), "device name");
    check(driver_, driver_.device_memory(&bytes, device), "device memory");
    check(driver_, driver_.device_attribute(&cores, kMultiprocessors, device), "attribute");
    check(driver_, driver_.device_attribute(&major, kComputeMajor, device), "attribute");
    check(driver_, driver_.device_attribute(&minor, kComputeMinor, device), "attribute");
    info_.name = name;
    info_.memory = static_cast<int64_t>(bytes);
    info_.cores = static_cast<uint32_t>(cores);
    check(driver_, driver_.retain_context(&context_, device), "context");
    enter();
    constexpr unsigned kNonBlocking = 1;  // does not wait for the default stream of others
    check(driver_, driver_.stream_create(&stream_, kNonBlocking), "stream");
    return cat_str("sm_", major, minor);
  }
  // Each thread has a current context of its own.
  void enter() {
    thread_local Context current = nullptr;
    if (current == context_) return;
    check(driver_, driver_.set_context(context_), "context");
    current = context_;
  }

  const Driver& driver_;
  Info info_;
  Context context_ = nullptr;
  Stream stream_ = nullptr;
  const ShaderCompiler shaders_;  // after what open() fills
  Libraries libraries_;
  std::mutex mutex_;
  std::unordered_map<std::string, std::unique_ptr<CudaKernel>> kernels_;
};

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
      devices.push_back(std::make_unique<CudaDevice>(*driver, *compiler, i));
    }
    if (devices.empty()) *why_not = "the NVIDIA driver sees no GPU";
    return devices;
  }
};

// Global: an engine lives as long as the process, for tensors may. Leaked, so that no destructor
// runs before theirs.
GpuEngine* const g_engine = new CudaEngine;

}  // namespace

}  // namespace rt::gpu::cuda
