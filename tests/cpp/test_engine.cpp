// A second engine, as a GPU's would be: memory that the host cannot address, work that is queued,
// kernels for few ops and types. It lives in this file alone.
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <thread>

#include "autograd/engine.h"
#include "check.h"
#include "core/storage.h"
#include "core/warning.h"
#include "ops/elementwise.h"
#include "ops/ops.h"
#include "ops/router.h"

namespace {

using namespace rt;

const Device kFirst{DeviceType::MLCompute, 0}, kSecond{DeviceType::MLCompute, 1};

// Its data() is a number that kernels go by, not an address.
class QueuedStorage final : public Storage {
 public:
  QueuedStorage(size_t nbytes, Device device)
      : Storage(reinterpret_cast<void*>(uintptr_t{0x1000}), nbytes, device), bytes(nbytes) {}
  std::vector<char> bytes;
};
char* bytes_of(const Storage& s, size_t offset) {
  return const_cast<QueuedStorage&>(static_cast<const QueuedStorage&>(s)).bytes.data() + offset;
}
char* bytes_of(const Tensor& t) {
  return bytes_of(*t.storage(), static_cast<size_t>(t.offset()) * t.item_size());
}

struct Queue {
  std::deque<std::function<void()>> work;
  int copies = 0, launches = 0;
  void finish() {
    for (; !work.empty(); work.pop_front()) work.front()();
  }
};
Queue g_queue;

// What this engine registers for a formula: not a loop, but something its launcher knows.
struct Pipeline {
  float (*formula)(float, float);
};
const Pipeline g_add{[](float a, float b) { return a + b; }};

template <class F>
void for_each_element(IntList sizes, F&& f) {
  Dims at(sizes.size());
  const int64_t n = checked_numel(sizes, "test");
  for (int64_t i = 0; i < n; ++i) {
    f(at);
    for (size_t d = sizes.size(); d-- > 0;) {
      if (++at[d] < sizes[d]) break;
      at[d] = 0;
    }
  }
}
int64_t place(const Tensor& t, const Dims& at) {
  int64_t p = 0;
  const size_t missing = at.size() - t.sizes().size();
  for (size_t d = missing; d < at.size(); ++d) {
    if (t.sizes()[d - missing] != 1) p += at[d] * t.strides()[d - missing];
  }
  return p;
}
float read(const Tensor& t, const Dims& at) {
  // A number that came along from the CPU was complete when it was made.
  const char* base = t.device().is_cpu() ? t.data<char>() : bytes_of(t);
  return static_cast<float>(
      Scalar::load(base + place(t, at) * static_cast<int64_t>(t.item_size()), t.dtype())
          .to_double());
}

void launch(const ElementwiseSlot& slot, DType compute, const Tensor& out, TensorList inputs) {
  const auto* pipeline = static_cast<const Pipeline*>(slot.kernel(DeviceType::MLCompute, compute));
  CHECK(pipeline != nullptr);
  ++g_queue.launches;
  g_queue.work.push_back([pipeline, out, in = std::vector<Tensor>(inputs.begin(), inputs.end())] {
    for_each_element(out.sizes(), [&](const Dims& at) {
      const float v = pipeline->formula(read(in[0], at), read(in[1], at));
      std::memcpy(bytes_of(out) + place(out, at) * 4, &v, 4);
    });
  });
}

void copy(const Tensor& out, const Tensor& src) {
  if (src.device().is_cpu()) {
    const Scalar number = Scalar::load(src.data(), src.dtype());
    g_queue.work.push_back([out, number] {
      for_each_element(out.sizes(), [&](const Dims& at) {
        number.store(bytes_of(out) + place(out, at) * static_cast<int64_t>(out.item_size()),
                     out.dtype());
      });
    });
    return;
  }
  g_queue.work.push_back([out, src] {
    for_each_element(out.sizes(), [&](const Dims& at) {
      Scalar::load(bytes_of(src) + place(src, at) * static_cast<int64_t>(src.item_size()),
                   src.dtype())
          .store(bytes_of(out) + place(out, at) * static_cast<int64_t>(out.item_size()),
                 out.dtype());
    });
  });
}

class QueuedEngine final : public Engine {
 public:
  bool available(std::string*) override { return true; }
  int device_count() override { return 2; }
  void load_kernels() override {
    ElementwiseSlot::find("add")->set_kernel(DeviceType::MLCompute, DType::Float32, &g_add);
  }
  Ref<Storage> allocate(size_t nbytes, Device device) override {
    return make_ref<QueuedStorage>(nbytes, device);
  }
  void copy_to_host(void* dst, const Storage& src, size_t offset, size_t nbytes) override {
    g_queue.finish();
    std::memcpy(dst, bytes_of(src, offset), nbytes);
  }
  void copy_from_host(Storage& dst, size_t offset, const void* src, size_t nbytes) override {
    g_queue.finish();
    std::memcpy(bytes_of(dst, offset), src, nbytes);
  }
  void copy(Storage& dst, size_t to, const Storage& src, size_t from, size_t nbytes) override {
    ++g_queue.copies;
    g_queue.finish();
    std::memmove(bytes_of(dst, to), bytes_of(src, from), nbytes);
  }
  void synchronize(Device) override { g_queue.finish(); }
  MemoryStats memory_stats(Device) override { return {}; }
  void reset_peak_memory(Device) override {}
  void empty_cache(Device) override {}
  void set_memory_limit(Device, int64_t) override {}
};

const RegisterKernel register_launch(elementwise_launcher, DeviceType::MLCompute, &launch);
const RegisterKernel register_copy(copy_kernel, DeviceType::MLCompute, &copy);
struct RegisterEngine {
  RegisterEngine() {
    static QueuedEngine engine;
    register_engine(DeviceType::MLCompute, &engine);
  }
} const register_engine_of_test;

Tensor values(std::initializer_list<float> v) {
  Tensor t = empty({static_cast<int64_t>(v.size())}, DType::Float32);
  std::copy(v.begin(), v.end(), t.host_data<float>());
  return t;
}
bool equals(const Tensor& t, std::initializer_list<float> want) {
  const Tensor host = ops::contiguous(ops::to(t, Device{}));
  return host.numel() == static_cast<int64_t>(want.size()) &&
         std::equal(want.begin(), want.end(), host.host_data<float>());
}

template <class F>
std::string failure(ErrorKind kind, F&& f) {
  try {
    f();
  } catch (const Error& e) {
    CHECK(e.kind() == kind);
    return e.what();
  }
  CHECK(!"no error");
  return {};
}
bool has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

void computes_with_its_own_kernels() {
  const Tensor x = ops::to(values({1, 2, 3, 4}), kFirst);
  CHECK(x.device() == kFirst);
  g_queue.launches = 0;
  const Tensor y = x + x;
  CHECK(g_queue.launches == 1 && !g_queue.work.empty());  // queued: nothing has waited for it
  CHECK(item(ops::select(y, 0, 3)).to_double() == 8);     // reading does
  CHECK(equals(ops::add(y, 10), {12, 14, 16, 18}));
  CHECK(equals(ops::transpose(ops::reshape(x, {2, 2}), 0, 1) + ops::narrow(x, 0, 0, 2),
               {2, 5, 3, 6}));
  ops::add_(ops::narrow(x, 0, 1, 2), y.is_contiguous() ? ops::narrow(y, 0, 0, 2) : y);
  CHECK(equals(x, {1, 4, 7, 4}));
}

void moves_between_devices() {
  const Tensor x = ops::to(values({1, 2}), kFirst);
  g_queue.copies = 0;
  const Tensor y = ops::to(x, kSecond);
  CHECK(y.device() == kSecond && g_queue.copies == 1 && equals(y, {1, 2}));
  failure(ErrorKind::Runtime, [&] { (void)(x + y); });
  ops::copy_(x, values({5, 6}));
  CHECK(equals(x, {5, 6}));
}

void refuses_by_name() {
  const Tensor x = ops::to(values({1, 2}), kFirst);
  const std::string sine = failure(ErrorKind::MissingKernel, [&] { (void)ops::sin(x); });
  CHECK(has(sine, "sin") && has(sine, "'mlcompute'") && has(sine, "float32[2] on mlcompute") &&
        has(sine, ".cpu()"));
  const Tensor n = ops::to(x, DType::Int64);
  const std::string integers = failure(ErrorKind::MissingKernel, [&] { (void)(n + n); });
  CHECK(has(integers, "add") && has(integers, "int64") && has(integers, "float32"));
  const std::string rows = failure(ErrorKind::MissingKernel, [&] { (void)ops::softmax(x, 0); });
  CHECK(has(rows, "softmax") && has(rows, "'mlcompute'") && has(rows, "float32[2] on mlcompute"));
  failure(ErrorKind::Type, [&] { (void)x.host_data(); });
  failure(ErrorKind::DeviceNotAvailable, [&] {
    empty({1}, DType::Float32, {DeviceType::MLCompute, 2});
  });
}

void differentiates() {
  const Tensor x = ops::to(values({1, 2}), kFirst);
  set_requires_grad(x, true);
  const Tensor y = x + x;
  const Tensor g = ops::to(values({1, 10}), kFirst);
  run_backward({&y, 1}, {&g, 1}, {}, {}, true);
  CHECK(gradient(x).device() == kFirst && equals(gradient(x), {2, 20}));
}

// ---- Routing, with an engine that counts ----

std::vector<std::string> g_warnings;

class Routed {
 public:
  explicit Routed(RoutingMode mode) {
    set_warning_handler([](const std::string& message) { g_warnings.push_back(message); });
    g_warnings.clear();
    reset_routing_stats();
    Router::of_thread().set_mode(mode);
    Router::of_thread().set_log(&log);
  }
  ~Routed() {
    Router::of_thread().set_log(nullptr);
    Router::of_thread().set_mode(RoutingMode::Off);
  }
  std::vector<RoutingEvent> log;
};

// The engine takes 4 elements and more, and is worth a move from 8 on; it can add in float32.
void set_table(int64_t most = INT64_MAX, bool strided = true) {
  auto table = std::make_shared<RoutingTable>();
  table->chain = {DeviceType::MLCompute, DeviceType::CPU};
  table->engines[static_cast<size_t>(DeviceType::MLCompute)] = {4, most,    8,
                                                                8, strided, bit(DType::Float32)};
  OpRule add;
  add.dtypes[static_cast<size_t>(DeviceType::MLCompute)] = bit(DType::Float32);
  table->ops[find_op("add")] = add;
  table->ops[find_op("mul")] = OpRule{};  // no kernel, and the table says so
  set_routing_table(std::move(table));
}

Tensor counted(int64_t n, Device device = {}) {
  Tensor t = empty({n}, DType::Float32);
  for (int64_t i = 0; i < n; ++i) t.host_data<float>()[i] = static_cast<float>(i + 1);
  return ops::to(t, device);
}

void falls_back_in_sight() {
  const Tensor x = ops::to(values({1, 2}), kFirst);
  set_requires_grad(x, true);
  Routed routed(RoutingMode::Fallback);
  const Tensor y = ops::mul(ops::mul(x, x), x + x);  // 2 x^3
  CHECK(y.device() == kFirst && equals(y, {2, 16}));
  const RoutingStats stats = routing_stats();
  CHECK(stats.fallbacks.size() == 1 && stats.fallbacks[0].op == "mul");
  CHECK(stats.fallbacks[0].count == 2 && has(stats.fallbacks[0].reason, "'mlcompute'"));
  CHECK(stats.fallbacks[0].device == "mlcompute" && stats.bytes_moved > 0);
  CHECK(stats.calls[static_cast<size_t>(DeviceType::MLCompute)] == 1);  // the sum
  CHECK(g_warnings.size() == 1 && has(g_warnings[0], "mul") && has(g_warnings[0], "'cpu'"));
  const Tensor g = ops::to(values({1, 1}), kFirst);
  run_backward({&y, 1}, {&g, 1}, {}, {}, true);
  CHECK(gradient(x).device() == kFirst && equals(gradient(x), {6, 24}));
}

void writes_where_it_was_told() {
  Routed routed(RoutingMode::Fallback);
  const Tensor z = ops::to(values({3, 4, 5, 6}), kFirst), half = ops::narrow(z, 0, 1, 2);
  const void* memory = z.data();
  ops::mul_(half, half);
  CHECK(z.data() == memory && equals(z, {3, 16, 25, 6}));
  const Value args[] = {half, half};
  const Tensor out = empty({0}, DType::Float32, kFirst);
  call_out(*find_op("mul"), args, {&out, 1});
  CHECK(out.device() == kFirst && equals(out, {256, 625}));
  // What refuses an in-place write elsewhere refuses it here.
  const Tensor leaf = ops::to(values({1, 2}), kFirst);
  set_requires_grad(leaf, true);
  failure(ErrorKind::Runtime, [&] { ops::mul_(leaf, leaf); });
}

void goes_where_the_table_says() {
  set_table();
  Routed routed(RoutingMode::Auto);
  CHECK((ops::add(counted(4), counted(4))).device().is_cpu());    // not worth a move
  CHECK((ops::add(counted(8), counted(8))).device() == kFirst);   // worth one
  CHECK((ops::add(counted(1, kSecond), 1)).device() == kSecond);  // at home, whatever the size
  CHECK((ops::add(counted(4, kFirst), counted(1))).device() == kFirst);  // most bytes are there
  CHECK(equals(ops::add(counted(4, kFirst), counted(4)), {2, 4, 6, 8}));
  CHECK(place(DType::Float32, 3).is_cpu() && place(DType::Float32, 4) == kFirst);
  CHECK(place(DType::Float64, 4).is_cpu());
  std::erase_if(routed.log, [](const RoutingEvent& e) { return e.op != "add"; });
  const auto told = [&](size_t i, RouteReason reason, int64_t bytes) {
    return routed.log[i].route.reason == reason && routed.log[i].bytes_moved == bytes;
  };
  CHECK(told(0, RouteReason::Home, 0) && told(1, RouteReason::Move, 64));
  CHECK(told(2, RouteReason::Home, 0) && told(3, RouteReason::Majority, 4));
  CHECK(g_warnings.empty());
  // Limits of size and layout are choices; a kernel that is missing is a fallback.
  set_table(10, false);
  CHECK((ops::add(counted(11), counted(11))).device().is_cpu());
  const Tensor columns = ops::transpose(ops::reshape(counted(8), {2, 4}), 0, 1);
  CHECK((ops::add(columns, columns)).device().is_cpu() && g_warnings.empty());
  CHECK((ops::mul(counted(8), counted(8))).device() == kFirst && g_warnings.size() == 1);
  set_routing_table(std::make_shared<RoutingTable>());
}

void strict_refuses() {
  set_table();
  Routed routed(RoutingMode::Strict);
  CHECK((ops::add(counted(8), counted(8))).device() == kFirst);
  const std::string known = failure(
      ErrorKind::NotImplemented, [&] { (void)ops::mul(counted(8, kFirst), counted(8, kFirst)); });
  CHECK(has(known, "mul") && has(known, "'mlcompute'") && has(known, "float32[8]"));
  CHECK(has(known, "strict") && has(known, "routing(\"auto\")"));
  // So does one that is found missing only when it is wanted.
  const std::string found =
      failure(ErrorKind::NotImplemented, [&] { (void)ops::softmax(counted(8, kFirst), 0); });
  CHECK(has(found, "softmax") && has(found, "strict") && routing_stats().fallbacks.empty());
  set_routing_table(std::make_shared<RoutingTable>());
}

void is_off_for_other_threads() {
  Routed routed(RoutingMode::Auto);
  RoutingMode there = RoutingMode::Auto;
  std::thread([&] {
    there = Router::of_thread().mode();
    CHECK(modes().interceptor == nullptr);
  }).join();
  CHECK(there == RoutingMode::Off && modes().interceptor == &Router::of_thread());
}

}  // namespace

void test_engine() {
  load_engines();
  computes_with_its_own_kernels();
  moves_between_devices();
  refuses_by_name();
  differentiates();
  falls_back_in_sight();
  writes_where_it_was_told();
  goes_where_the_table_says();
  strict_refuses();
  is_off_for_other_threads();
  CHECK(modes().interceptor == nullptr);
}
