// The emulator as a compute device: shaders compiled for the host, run group by group.
//
// What is launched waits in a queue, as on a GPU, until somebody waits for it or much has come
// together: code that reads too early fails here as it would there.
#include <dlfcn.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <unordered_map>

#include "cpu/parallel.h"
#include "gpu/emulator/emulator.h"
#include "gpu/engine.h"
#include "gpu/module_path.h"

namespace rt::gpu {

namespace {

constexpr size_t kQueueLimit = 256;  // commands
constexpr size_t kStaged = 4096;     // bytes from the host up to here wait in the queue

class EmulatedKernel final : public Kernel {
 public:
  EmulatedKernel(std::string name, Constants constants)
      : Kernel(std::move(name)), constants(constants.begin(), constants.end()) {}
  const std::vector<uint64_t> constants;
};

class EmulatorDevice final : public ComputeDevice {
 public:
  explicit EmulatorDevice(const RustorchEmulator& table) : table_(table) {
    info_.name = table.checked ? "emulator, checked" : "emulator";
    // The checker must hear of every write, so the host goes through copies there.
    info_.host_visible = !table.checked;
    info_.pins = true;
    info_.cores = 2;  // on every machine, lest its tests launch other kernels
    for (int i = 0; i < table.kernel_count(); ++i) names_.emplace(table.kernel_at(i)->name, i);
  }
  ~EmulatorDevice() override = default;

  const Info& info() const override { return info_; }

  Block allocate(size_t bytes) override {
    return {std::aligned_alloc(256, (bytes + 255) / 256 * 256), bytes, nullptr};
  }
  void release(const Block& block) override { std::free(block.address); }
  // All of its memory is the host's: what is special is that copies of it are queued.
  Block allocate_host(size_t bytes) override { return allocate(bytes); }
  void release_host(const Block& block) override { release(block); }
  void note_begin(const Block& block, size_t bytes) override {
    if (!table_.checked) return;
    queue([this, p = block.address, bytes] { table_.add_memory(p, bytes, false); });
  }
  void note_end(const Block& block, size_t) override {
    if (!table_.checked) return;
    queue([this, p = block.address] { table_.remove_memory(p); });
  }

  bool has_kernel(std::string_view name) override { return names_.contains(std::string(name)); }
  const Kernel* find_kernel(std::string_view name, Constants constants) override {
    const std::string key = kernel_key(name, constants);
    std::lock_guard lock(kernels_mutex_);
    auto it = kernels_.find(key);
    if (it == kernels_.end()) {
      if (!has_kernel(name)) return nullptr;
      it = kernels_.emplace(key, std::make_unique<EmulatedKernel>(std::string(name), constants))
               .first;
    }
    return it->second.get();
  }
  void launch(const Kernel& kernel, Extent groups, Extent threads,
              const Arguments& arguments) override {
    if (groups.count() == 0) return;
    queue([this, &kernel, groups, threads, arguments] { run(kernel, groups, threads, arguments); });
  }

  void copy(const Block& to, size_t to_offset, const Block& from, size_t from_offset,
            size_t bytes) override {
    queue([this, to = at(to, to_offset), from = at(from, from_offset), bytes] {
      std::memmove(to, from, bytes);
      note_written(to, bytes);
    });
  }
  void read(void* host, const Block& from, size_t offset, size_t bytes) override {
    synchronize();
    std::memcpy(host, at(from, offset), bytes);
  }
  void write(const Block& to, size_t offset, const void* host, size_t bytes) override {
    if (bytes <= kStaged) {
      const char* first = static_cast<const char*>(host);
      queue([this, to = at(to, offset), staged = std::vector<char>(first, first + bytes)] {
        std::memcpy(to, staged.data(), staged.size());
        note_written(to, staged.size());
      });
      return;
    }
    synchronize();
    std::memcpy(at(to, offset), host, bytes);
    note_written(at(to, offset), bytes);
  }
  void read_later(void* host, const Block& from, size_t offset, size_t bytes) override {
    queue([host, from = at(from, offset), bytes] { std::memcpy(host, from, bytes); });
  }
  void write_later(const Block& to, size_t offset, const void* host, size_t bytes) override {
    queue([this, to = at(to, offset), host, bytes] {
      std::memcpy(to, host, bytes);
      note_written(to, bytes);
    });
  }
  void synchronize() override {
    std::lock_guard lock(mutex_);
    flush();
  }

  // One queue runs the work of all streams, in the order in which it came.
  Stream create_stream(int) override {
    std::lock_guard lock(mutex_);
    return streams_.emplace_back(std::make_unique<char>()).get();
  }
  // Whoever asks lets time pass: the answer is of before, and what is queued runs.
  bool query(Stream) override {
    std::lock_guard lock(mutex_);
    const bool done = queue_.empty();
    flush(false);
    return done;
  }
  void synchronize(Stream) override { synchronize(); }
  std::unique_ptr<Event> create_event(bool) override;

 private:
  friend class EmulatedEvent;
  static char* at(const Block& block, size_t offset) {
    return static_cast<char*>(block.address) + offset;
  }
  void note_written(void* p, size_t bytes) {
    if (table_.checked) table_.note_written(p, bytes);
  }
  void queue(std::function<void()> command) {
    std::lock_guard lock(mutex_);
    queue_.push_back(std::move(command));
    if (queue_.size() >= kQueueLimit) flush(false);
  }
  // Runs what is queued; the first fault comes out when somebody waits.
  void flush(bool report = true) {
    std::vector<std::function<void()>> commands;
    commands.swap(queue_);
    for (const auto& command : commands) command();
    if (!report || fault_.empty()) return;
    std::string fault;
    fault.swap(fault_);
    RT_FAIL(Runtime, "emulator", fault);
  }
  void run(const Kernel& kernel, Extent groups, Extent threads, const Arguments& arguments) {
    std::array<void*, Arguments::kMax> buffers{};
    std::array<uint64_t, Arguments::kMax> bytes{};
    size_t count = 0;
    for (const Arguments::Slot& s : arguments.slots()) {
      buffers[count] =
          s.is_value() ? const_cast<char*>(arguments.values()) + s.offset : at(s.block, s.offset);
      bytes[count++] = s.bytes;
    }
    const auto& emulated = static_cast<const EmulatedKernel&>(kernel);
    const RustorchEmulatorLaunch launch{kernel.name().c_str(),
                                        buffers.data(),
                                        bytes.data(),
                                        static_cast<int>(count),
                                        {groups.x, groups.y, groups.z},
                                        {threads.x, threads.y, threads.z},
                                        emulated.constants.data(),
                                        static_cast<int>(emulated.constants.size()),
                                        0};
    char error[1000] = {};
    if (table_.validate(&launch, error, sizeof error)) return note_fault(error);
    const int64_t total = static_cast<int64_t>(groups.count());
    if (table_.checked) {  // sees one launch, on one thread, as a whole
      if (table_.run(&launch, 0, groups.count(), error, sizeof error)) note_fault(error);
      return;
    }
    // The first group goes alone, which also counts the launch.
    if (table_.run(&launch, 0, 1, error, sizeof error)) return note_fault(error);
    std::mutex faults;
    cpu::parallel_for(1, total, 4, [&](int64_t begin, int64_t end) {
      char mine[1000] = {};
      if (table_.run(&launch, static_cast<uint64_t>(begin), static_cast<uint64_t>(end), mine,
                     sizeof mine)) {
        std::lock_guard lock(faults);
        note_fault(mine);
      }
    });
  }
  void note_fault(const char* message) {
    if (fault_.empty()) fault_ = message;
  }

  const RustorchEmulator& table_;
  Info info_;
  std::unordered_map<std::string, int> names_;
  std::mutex mutex_;  // of the queue; held while it runs, for there is one
  std::vector<std::function<void()>> queue_;
  std::string fault_;
  std::vector<std::unique_ptr<char>> streams_;
  std::mutex kernels_mutex_;
  std::unordered_map<std::string, std::unique_ptr<EmulatedKernel>> kernels_;
};

// Happens when the queue comes to it.
class EmulatedEvent final : public Event {
 public:
  explicit EmulatedEvent(EmulatorDevice& device) : device_(device) {}
  void record(Stream) override {
    auto point = std::make_shared<Point>();
    {
      std::lock_guard lock(mutex_);
      point_ = point;
    }
    device_.queue([point] {
      point->time = Clock::now();
      point->passed = true;
    });
  }
  // In one queue, what comes later runs later; that of another device is waited for here.
  void wait(ComputeDevice& device, Stream) override {
    if (&device != &device_) synchronize();
  }
  bool query() override {
    const auto at = point();
    if (!at || at->passed) return true;
    (void)device_.query(nullptr);
    return false;
  }
  void synchronize() override {
    if (const auto at = point(); at && !at->passed) device_.synchronize();
  }
  double milliseconds_until(Event& end) override {
    const auto first = point(), last = static_cast<EmulatedEvent&>(end).point();
    return std::chrono::duration<double, std::milli>(last->time - first->time).count();
  }

 private:
  using Clock = std::chrono::steady_clock;
  struct Point {
    Clock::time_point time;
    std::atomic<bool> passed{false};
  };
  std::shared_ptr<Point> point() {
    std::lock_guard lock(mutex_);
    return point_;
  }
  EmulatorDevice& device_;
  std::mutex mutex_;
  std::shared_ptr<Point> point_;  // none: never recorded
};

std::unique_ptr<Event> EmulatorDevice::create_event(bool) {
  return std::make_unique<EmulatedEvent>(*this);
}

// "emulator" runs shaders plainly; "emulator:1" is the build that checks every access they make.
class EmulatorEngine final : public GpuEngine {
 public:
  EmulatorEngine() : GpuEngine(DeviceType::Emulator) {}

 private:
  std::vector<std::unique_ptr<ComputeDevice>> open(std::string* why_not) override {
    std::vector<std::unique_ptr<ComputeDevice>> devices;
    for (const char* name :
         {"/lib/librustorch_emulator.so", "/lib/librustorch_emulator_checked.so"}) {
      const RustorchEmulator* table = open_library(module_folder() + name, why_not);
      if (!table) break;
      devices.push_back(std::make_unique<EmulatorDevice>(*table));
    }
    return devices;
  }

  static const RustorchEmulator* open_library(const std::string& path, std::string* why_not) {
    // Never closed: its thread-local memory belongs to threads that live on.
    void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library) {
      const char* error = dlerror();
      *why_not = cat_str("its library cannot be opened: ", error ? error : path);
      return nullptr;
    }
    using Table = const RustorchEmulator* (*)();
    const auto table = reinterpret_cast<Table>(dlsym(library, "rustorch_emulator"));
    if (!table) *why_not = path + " is not the emulator's library";
    return table ? table() : nullptr;
  }
};

// Global: an engine lives as long as the process, for tensors may. Leaked, so that no destructor
// runs before theirs.
GpuEngine* const g_engine = new EmulatorEngine;

}  // namespace

}  // namespace rt::gpu
