// The engine of "coreml" as the core sees it: memory, copies, and which ops it takes.
#include "coreml/engine.h"

#include <atomic>

#include "coreml/host.h"
#include "coreml/programs.h"
#include "ops/elementwise.h"
#include "ops/index_support.h"
#include "ops/random.h"
#include "ops/range.h"
#include "ops/transplant.h"
#include "ops/whole_ops.h"

namespace rt::coreml {

namespace {

constexpr Device kDevice{DeviceType::CoreML, 0};

std::atomic<void (*)()> g_loader{nullptr};

class HostEngine final : public Engine {
 public:
  bool available(std::string* why) override {
    if (Executor* e = executor()) return e->available(why);
    if (why) {
      *why =
          "Core ML is part of macOS; rustorch.coreml.use_reference() runs its programs on "
          "rustorch's "
          "own operations";
    }
    return false;
  }
  int device_count() override { return 1; }
  Ref<Storage> allocate(size_t nbytes, Device device) override {
    enter_whole_ops();
    return cpu().allocate(nbytes, device);
  }
  bool host_visible(Device) override { return true; }
  void copy_to_host(void* dst, const Storage& src, size_t offset, size_t nbytes) override {
    cpu().copy_to_host(dst, src, offset, nbytes);
  }
  void copy_from_host(Storage& dst, size_t offset, const void* src, size_t nbytes) override {
    cpu().copy_from_host(dst, offset, src, nbytes);
  }
  void copy(Storage& dst, size_t to, const Storage& src, size_t from, size_t nbytes) override {
    cpu().copy(dst, to, src, from, nbytes);
  }
  void synchronize(Device) override {}
  // The memory is the host's, and so are its limits and statistics.
  MemoryStats memory_stats(Device) override { return cpu().memory_stats({}); }
  void reset_peak_memory(Device) override { cpu().reset_peak_memory({}); }
  void empty_cache(Device) override {
    forget_programs();
    cpu().empty_cache({});
  }
  void set_memory_limit(Device, int64_t bytes) override { cpu().set_memory_limit({}, bytes); }

 private:
  static Engine& cpu() { return *find_engine(DeviceType::CPU); }
  static void enter_whole_ops();
};

// What fills, copies or looks at memory, with the kernels below.
bool is_memory_op(const OpRecord& op) {
  if (op.spec.view) return true;
  for (const KernelSlotBase* slot : op.kernels) {
    if (slot != &copy_kernel && slot != &random_kernel && slot != &sequence_kernel &&
        slot != &randperm_kernel) {
      return false;
    }
  }
  return op.is_kernel();
}

bool lives_here(const Value& v) {
  if (const auto* t = std::get_if<Tensor>(&v)) return t->defined() && t->device() == kDevice;
  if (const auto* l = std::get_if<std::vector<Tensor>>(&v)) {
    for (const Tensor& t : *l) {
      if (t.defined() && t.device() == kDevice) return true;
    }
  }
  return false;
}

class CoreMLOps final : public WholeOps {
 public:
  bool takes(const OpRecord& op, const Value* args) override {
    if (is_memory_op(op)) return false;
    for (size_t i = 0; i < op.schema.args.size(); ++i) {
      if (lives_here(args[i])) return true;
    }
    return false;
  }

  void run(const OpRecord& op, const Value* args, Value* returns) override {
    enter_thread();
    // Twice does no harm; a lock would be held while the loader waits for others'.
    if (!loaded_.load(std::memory_order_acquire)) {
      if (auto* load = g_loader.load()) load();
      loaded_.store(true, std::memory_order_release);
    }
    const bool composite = !op.is_kernel();
    // What a composite's parts are differentiated by is theirs.
    const bool apart = composite && !op.spec.vjp && modes().grad && any_wants_grad(op, args);
    if (!apart && run_sized_by_values(op, args, returns)) return;
    const bool whole = !apart && has_program(op);
    std::string lacks = "Core ML has no operation for it";
    if (whole && run_program(op, args, returns, &lacks)) return;
    if (!composite) refuse(op, args, lacks);
    // Its parts come back here, one by one.
    struct Restore {
      Interceptor* saved = modes().interceptor;
      ~Restore() { modes().interceptor = saved; }
    } restore;
    Boxing parts;
    if (!modes().interceptor) modes().interceptor = &parts;
    op.boxed(op, args, returns);
  }

  void enter_thread() override { link(); }
  DeviceType device_type() const override { return DeviceType::CoreML; }

 private:
  // Makes the typed functions of ops box their calls, which is all that it is there for.
  class Boxing final : public Interceptor {
   public:
    void call(OpCall& call) override {
      struct Active {
        int& depth;
        explicit Active(int& d) : depth(d) { ++depth; }
        ~Active() { --depth; }
      } active(depth_);
      if (modes().interceptor) return call.run();
      struct Restore {
        ~Restore() { modes().interceptor = nullptr; }
      } restore;
      modes().interceptor = this;
      run_here(call);
    }
    bool is_active() const { return depth_ > 0; }

   private:
    int depth_ = 0;
  };
  static void link() {
    static thread_local Boxing boxing;
    // Inside of a call the chain of interceptors is not whole; it is back after it.
    if (boxing.is_active()) return;
    Interceptor** at = &modes().interceptor;
    while (*at && *at != &boxing) at = &(*at)->outer;
    if (*at) return;
    boxing.outer = nullptr;
    *at = &boxing;
  }

  [[noreturn]] static void refuse(const OpRecord& op, const Value* args, const std::string& lacks) {
    std::string got;
    for_each_tensor_of(op, args,
                       [&](const Tensor& t) { got += (got.empty() ? "" : ", ") + describe(t); });
    note_refusal();
    RT_FAIL(MissingKernel, op.name(),
            cat_str("device 'coreml' has no kernel for '", op.name(), "': ", lacks), got,
            "moving the inputs to the CPU with .cpu(), or rustorch.routing(\"fallback\")");
  }

  std::atomic<bool> loaded_{false};
};

CoreMLOps g_ops;

void HostEngine::enter_whole_ops() {
  g_whole_ops.store(&g_ops, std::memory_order_release);
  g_ops.enter_thread();
}

// ---- What is done where the memory is: by the CPU's kernels ----

void copy(const Tensor& out, const Tensor& src) {
  const Tensor host = host_alias(out);
  copy_kernel(host, host, host_alias(src));
}
void fill_random(const Tensor& out, const RandomFill& fill) {
  const Tensor host = host_alias(out);
  random_kernel(host, host, fill);
}
void fill_sequence(const Tensor& out, const Sequence& s) {
  const Tensor host = host_alias(out);
  sequence_kernel(host, host, s);
}
void fill_permutation(const Tensor& out, Generator::State at) {
  const Tensor host = host_alias(out);
  randperm_kernel(host, host, at);
}
void index_range(const Tensor& index, int64_t* smallest, int64_t* largest) {
  const Tensor host = host_alias(index);
  index_range_kernel(host, host, smallest, largest);
}
const RegisterKernel register_copy(copy_kernel, DeviceType::CoreML, &copy);
const RegisterKernel register_random(random_kernel, DeviceType::CoreML, &fill_random);
const RegisterKernel register_sequence(sequence_kernel, DeviceType::CoreML, &fill_sequence);
const RegisterKernel register_randperm(randperm_kernel, DeviceType::CoreML, &fill_permutation);
const RegisterKernel register_range(index_range_kernel, DeviceType::CoreML, &index_range);

struct RegisterEngine {
  RegisterEngine() {
    static HostEngine engine;
    register_engine(DeviceType::CoreML, &engine);
  }
} const register_engine_here;

}  // namespace

void use_whole_ops() { g_whole_ops.store(&g_ops, std::memory_order_release); }

void set_compiler_loader(void (*load)()) { g_loader = load; }

}  // namespace rt::coreml
