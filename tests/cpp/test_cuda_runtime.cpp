// What the CUDA engine does with streams, memory and several devices, on a double of the driver.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "core/current_device.h"
#include "core/pinned.h"
#include "fake_cuda.h"
#include "gpu/cuda/device.h"
#include "gpu/launch.h"
#include "ops/ops.h"

namespace {

using namespace rt;
using namespace rt::gpu;
namespace fs = std::filesystem;
using fake::Numbers;

const Device kFirst{DeviceType::CUDA, 0}, kSecond{DeviceType::CUDA, 1};

fs::path scratch() {
  static const fs::path folder = [] {
    fs::path p = fs::temp_directory_path() / ("rustorch-cuda-" + std::to_string(getpid()));
    fs::create_directories(p / "shaders");
    std::ofstream(p / "shaders" / "kernels.txt") << "fill test.metal\nplus test.metal\n";
    std::ofstream(p / "shaders" / "test.metal") << "\n";
    return p;
  }();
  return folder;
}

// In the place of the real engine while the test runs.
class FakeEngine final : public GpuEngine {
 public:
  FakeEngine() : GpuEngine(DeviceType::CUDA) {}

 private:
  std::vector<std::unique_ptr<ComputeDevice>> open(std::string*) override {
    std::vector<std::unique_ptr<ComputeDevice>> devices;
    for (int i = 0; i < fake::state().devices; ++i) {
      devices.push_back(
          cuda::make_device(fake::driver(), fake::compiler(), i, (scratch() / "shaders").string()));
    }
    return devices;
  }
};
FakeEngine* g_engine;

constexpr int64_t kSize = 1000;

ComputeDevice& device(Device d = kFirst) { return g_engine->compute(d); }
Tensor make(Device d = kFirst, int64_t n = kSize) { return empty({n}, DType::Float32, d); }
void fill(const Tensor& t, float v) {
  ComputeDevice& d = device(t.device());
  d.launch(kernel(d, "fill"), {1}, {32}, arguments(t, Numbers{t.numel(), v}));
}
Tensor plus(const Tensor& x, float v) {
  const Tensor out = make(x.device(), x.numel());
  ComputeDevice& d = device(x.device());
  d.launch(kernel(d, "plus"), {1}, {32}, arguments(out, x, Numbers{x.numel(), v}));
  return out;
}
// Of memory as it is now, whatever is queued.
float now(const Tensor& t) { return *static_cast<const float*>(t.data()); }
void run(Device d, Stream s) { device(d).synchronize(s); }

void streams_are_apart_but_for_events() {
  const Stream side = device().create_stream(0);
  const Tensor x = make();
  *static_cast<float*>(x.data()) = 0;  // the block may have been another tensor's
  fill(x, 1);
  Tensor y, z;
  {
    const StreamGuard guard(kFirst, side);
    CHECK(current_stream(kFirst) == side && current_stream(kSecond) == nullptr);
    y = plus(x, 1);
  }
  CHECK(current_stream(kFirst) == nullptr);
  run(kFirst, side);
  CHECK(now(x) != 1 || now(y) != 2);  // nothing has ordered them
  auto event = device().create_event(false);
  CHECK(event->query());
  event->record(nullptr);
  event->wait(device(), side);
  {
    const StreamGuard guard(kFirst, side);
    z = plus(x, 1);
  }
  CHECK(!device().query(side));
  run(kFirst, side);
  CHECK(now(z) == 2 && event->query() && device().query(side) && device().query(nullptr));
  auto start = device().create_event(true), end = device().create_event(true);
  start->record(nullptr);
  end->record(nullptr);
  end->synchronize();
  CHECK(start->milliseconds_until(*end) == 1);
}

void memory_is_handed_on_within_a_stream() {
  const Stream side = device().create_stream(0);
  void* first = make().data();
  CHECK(make().data() == first);  // at once, for work after
  {
    const StreamGuard guard(kFirst, side);
    CHECK(make().data() != first);
  }
  CHECK(make().data() == first);
}

void memory_of_several_streams_waits_for_all() {
  const Stream side = device().create_stream(0);
  Tensor x = make();
  void* memory = x.data();
  fill(x, 5);
  run(kFirst, nullptr);
  Tensor y;
  {
    const StreamGuard guard(kFirst, side);
    y = plus(x, 1);  // noted by the launch
  }
  const int64_t allocated = g_engine->pool(kFirst).stats().allocated;
  x = {};
  CHECK(g_engine->pool(kFirst).stats().allocated < allocated);
  const Tensor other = make();
  CHECK(other.data() != memory);
  fill(other, -1);
  run(kFirst, nullptr);  // the first stream runs ahead
  run(kFirst, side);
  CHECK(now(y) == 6);
  bool back = false;
  std::vector<Tensor> held;
  for (int i = 0; i < 8 && !back; ++i) {
    held.push_back(make());
    back = held.back().data() == memory;
  }
  CHECK(back);  // now that the side stream is done
}

void memory_that_ran_out_waits_for_what_is_in_use() {
  g_engine->empty_cache(kFirst);
  const auto free = static_cast<int64_t>(device().memory_info().first);
  const int64_t most = free / 8 * 3;  // floats of 4 bytes: three of them do not fit... two do not
  const Stream side = device().create_stream(0);
  Tensor x = make(kFirst, most / 2);
  fill(x, 1);
  Tensor y;
  {
    const StreamGuard guard(kFirst, side);
    device().copy(static_cast<DeviceStorage&>(*x.storage()).block(), 0,
                  static_cast<DeviceStorage&>(*x.storage()).block(), 0, 4);
    static_cast<DeviceStorage&>(*x.storage()).note_use(side);
  }
  x = {};
  y = make(kFirst, most / 2);  // takes the memory that waited
  CHECK(y.defined());
  CHECK_THROWS(make(kFirst, most), Error);
  y = {};
  g_engine->empty_cache(kFirst);
  CHECK(device().memory_info().first >= free);
}

Tensor pinned(float v) {
  const Tensor t = from_memory(g_engine->allocate_pinned(kSize * 4, kFirst), DType::Float32,
                               Dims{kSize}, Dims{1});
  std::fill_n(t.host_data<float>(), kSize, v);
  return t;
}

void pinned_memory_is_kept_while_copies_are_in_flight() {
  Tensor host = pinned(1);
  CHECK(is_pinned(*host.storage(), DeviceType::CUDA) && host.device().is_cpu());
  void* memory = host.data();
  const Tensor x = make();
  ops::copy_(x, host, true);
  host = {};
  {
    const Tensor other = pinned(2);
    CHECK(other.data() != memory);
    run(kFirst, nullptr);
    CHECK(now(x) == 1);
  }
  const Tensor third = pinned(3), fourth = pinned(4);
  CHECK(third.data() == memory || fourth.data() == memory);
  // To the host: it arrives when the stream has come so far.
  fill(x, 7);
  ops::copy_(third, x, true);
  CHECK(now(third) == 3);
  run(kFirst, nullptr);
  CHECK(now(third) == 7);
}

void other_copies_are_done_on_return() {
  const Tensor host = pinned(1), x = make();
  ops::copy_(x, host);
  host.host_data<float>()[0] = 9;
  CHECK(now(x) == 1);  // it has been waited for
  const Tensor plain = empty({kSize}, DType::Float32);
  *plain.host_data<float>() = 5;
  ops::copy_(x, plain, true);
  *plain.host_data<float>() = 6;
  const Tensor back = empty({kSize}, DType::Float32);
  ops::copy_(back, x, true);
  CHECK(*back.host_data<float>() == 5);
}

void devices_have_contexts_of_their_own() {
  CHECK(fake::state().retained[0] == 1 && fake::state().retained[1] == 0);  // made when needed
  const fake::Context others = reinterpret_cast<fake::Context>(uintptr_t{0xC1});
  fake::t_context = others;
  const Tensor x = make(kFirst);
  fill(x, 1);
  CHECK(fake::t_context == others);  // as whoever set it left it
  // A kernel found on one device runs on another by that device's own function.
  const Tensor y = make(kSecond);
  device(kSecond).launch(kernel(device(kFirst), "fill"), {1}, {32},
                         arguments(y, Numbers{kSize, 2}));
  device(kSecond).synchronize();
  CHECK(now(y) == 2 && fake::state().retained[1] == 1);
  CHECK_THROWS(arguments(x, y), Error);
  CHECK_THROWS(ops::add(x, y), Error);
  CHECK(device(kFirst).owner_of(y.data()) == 1 && device(kFirst).owner_of(&others) == -1);
  set_current_index(DeviceType::CUDA, 1);
  CHECK(parse_device("cuda") == kSecond && parse_device("cuda:0") == kFirst);
  std::thread([] { CHECK(parse_device("cuda") == kFirst); }).join();
  set_current_index(DeviceType::CUDA, 0);
  // Where there was none, the first device's stays, and no other's.
  fake::t_context = nullptr;
  fill(y, 3);
  device(kSecond).synchronize();
  CHECK(now(y) == 3 && fake::t_context == nullptr);
  fill(x, 4);
  device(kFirst).synchronize();
  CHECK(now(x) == 4 && fake::t_context == fake::context_of(0));
  fake::t_context = nullptr;
}

void copies_between_devices_are_in_order_on_both() {
  const Stream here = device(kFirst).create_stream(0), there = device(kSecond).create_stream(0);
  const StreamGuard a(kFirst, here), b(kSecond, there);
  const Tensor x = make(kFirst), y = make(kSecond);
  fill(x, 3);
  fill(y, 4);
  const int copies = fake::state().peer_copies;
  const Tensor before = plus(y, 0);
  ops::copy_(y, x);
  const Tensor after = plus(y, 0);
  fill(x, 5);  // later than the copy
  CHECK(fake::state().peer_copies == copies + 1 && fake::state().peers == 1);
  run(kSecond, there);
  CHECK(now(before) == 4 && now(after) == 3 && now(x) == 3);
  run(kFirst, here);
  CHECK(now(x) == 5);
  CHECK(ops::to(after, kFirst).device() == kFirst && fake::state().peers == 2);
}

struct Owner final : MemoryOwner {
  explicit Owner(bool& gone) : gone(gone) {}
  ~Owner() override { gone = true; }
  bool& gone;
};

void foreign_memory_is_let_go_of_after_our_work() {
  bool gone = false;
  const Tensor source = make();
  const Stream side = device().create_stream(0);
  Tensor x =
      from_memory(g_engine->wrap(source.data(), kSize * 4, kFirst, std::make_unique<Owner>(gone)),
                  DType::Float32, Dims{kSize}, Dims{1});
  {
    const StreamGuard guard(kFirst, side);
    fill(x, 8);
  }
  x = {};
  g_engine->pool(kFirst).collect();
  run(kFirst, nullptr);
  g_engine->pool(kFirst).collect();
  CHECK(!gone);  // the side stream still writes
  run(kFirst, side);
  (void)make();
  CHECK(gone && now(source) == 8);
}

void memory_shown_to_others_waits_for_the_device() {
  Tensor x = make();
  const int before = fake::state().synchronized;
  x = {};
  CHECK(fake::state().synchronized == before);
  x = make();
  static_cast<DeviceStorage&>(*x.storage()).note_shown();
  // A stream of somebody else's that reads it.
  const Stream side = device().create_stream(0);
  const Tensor y = make();
  fill(x, 2);
  run(kFirst, nullptr);
  const Block to = static_cast<DeviceStorage&>(*y.storage()).block(),
              from = static_cast<DeviceStorage&>(*x.storage()).block();
  {
    const StreamGuard guard(kFirst, side);
    device().copy(to, 0, from, 0, kSize * 4);
  }
  x = {};
  CHECK(fake::state().synchronized == before + 1 && now(y) == 2);
}

// ---- The cache of kernels ----

void a_cache_keeps_what_is_whole() {
  const fs::path folder = scratch() / "cache";
  const cuda::KernelCache cache(folder, 3000);
  const std::vector<char> code(1000, 'k');
  CHECK(!cache.find("group", "a"));
  cache.store("group", "a", code);
  CHECK(cache.find("group", "a") == code && !cache.find("group", "b") && !cache.find("other", "a"));
  const fs::path file = folder / "group" / "a.cubin";
  for (const char* damage : {"", "rustorch", "x"}) {
    cache.store("group", "a", code);
    if (*damage == 'x') {
      std::fstream f(file, std::ios::in | std::ios::out | std::ios::binary);
      f.seekp(500);
      f << '?';
    } else {
      std::ofstream(file, std::ios::trunc) << damage;
    }
    CHECK(!cache.find("group", "a") && !fs::exists(file));
  }
  std::ofstream(folder / "other.txt")
      << std::string(9000, '-');  // not ours: neither counted nor cut
  for (const char* name : {"a", "b", "c", "d"}) {
    cache.store("group", name, code);
    if (*name != 'd') {
      fs::last_write_time(folder / "group" / (std::string(name) + ".cubin"),
                          fs::file_time_type::clock::now() - std::chrono::hours('z' - *name));
    }
    if (*name == 'b') CHECK(cache.find("group", "a"));  // used: "b" is the oldest from here on
  }
  CHECK(!cache.find("group", "b") && cache.find("group", "d") && fs::exists(folder / "other.txt"));
  cache.store("group", "large", std::vector<char>(4000, 'l'));
  CHECK(!cache.find("group", "large"));
  const cuda::KernelCache none({}, 3000), nowhere("/proc/none", 3000);
  none.store("group", "a", code);
  nowhere.store("group", "a", code);
  CHECK(!none.find("group", "a") && !nowhere.find("group", "a"));
}

void a_cache_is_shared() {
  const fs::path folder = scratch() / "shared";
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const cuda::KernelCache cache(folder, uint64_t{1} << 20);
      const std::vector<char> code(200000, static_cast<char>('a' + t));
      for (int i = 0; i < 50; ++i) {
        cache.store("group", "same", code);
        const auto found = cache.find("group", "same");  // some thread's, and whole
        CHECK(found && *found == std::vector<char>(code.size(), found->front()));
      }
    });
  }
  for (std::thread& t : threads) t.join();
  size_t files = 0;
  for (const auto& e : fs::recursive_directory_iterator(folder)) files += e.is_regular_file();
  CHECK(files == 1);  // nothing is left of what came to be under other names
}

void kernels_are_compiled_once() {
  const int compiled = fake::state().compiled;
  const auto own = [] {
    return cuda::make_device(fake::driver(), fake::compiler(), 0, (scratch() / "shaders").string());
  };
  CHECK(own()->find_kernel("fill") && fake::state().compiled == compiled);  // from the disk
  const uint64_t one[] = {1};
  CHECK(own()->find_kernel("fill", one) && fake::state().compiled == compiled + 1);
  CHECK(own()->find_kernel("fill", one) && fake::state().compiled == compiled + 1);
  CHECK(!own()->find_kernel("none"));
  // What is whole but of no use to the driver is compiled anew.
  for (const auto& e : fs::recursive_directory_iterator(scratch() / "kernels")) {
    if (!e.is_regular_file()) continue;
    const cuda::KernelCache cache(scratch() / "kernels", uint64_t{1} << 20);
    const std::string name = e.path().stem().string();
    cache.store(e.path().parent_path().filename().string(), name, {'o', 'l', 'd', 0});
  }
  fake::state().broken_modules = true;
  CHECK(own()->find_kernel("fill") && fake::state().compiled == compiled + 2);
  CHECK(fake::state().refused_modules == 1);
  fake::state().broken_modules = false;
}

void launches_are_planned_for_as_many_cores_as_asked() {
  const auto cores = [](const char* wanted) {
    (void)setenv("RUSTORCH_CUDA_CORES", wanted, 1);
    return cuda::make_device(fake::driver(), fake::compiler(), 0, (scratch() / "shaders").string())
        ->info()
        .cores;
  };
  const uint32_t own = device().info().cores;
  CHECK(own == cuda::kMultiprocessors);  // the double answers what it is asked for
  CHECK(cores("2") == 2);
  for (const char* nonsense : {"", "0", "-1", "two", "2x", "65536"}) CHECK(cores(nonsense) == own);
  (void)unsetenv("RUSTORCH_CUDA_CORES");
}

}  // namespace

void test_cuda_runtime() {
  load_engines();
  (void)setenv("RUSTORCH_CACHE", (scratch() / "kernels").c_str(), 1);
  Engine* const real = find_engine(DeviceType::CUDA);
  g_engine = new FakeEngine;  // lives as long as its tensors may
  streams_are_apart_but_for_events();
  memory_is_handed_on_within_a_stream();
  memory_of_several_streams_waits_for_all();
  memory_that_ran_out_waits_for_what_is_in_use();
  pinned_memory_is_kept_while_copies_are_in_flight();
  other_copies_are_done_on_return();
  devices_have_contexts_of_their_own();
  copies_between_devices_are_in_order_on_both();
  foreign_memory_is_let_go_of_after_our_work();
  memory_shown_to_others_waits_for_the_device();
  a_cache_keeps_what_is_whole();
  a_cache_is_shared();
  kernels_are_compiled_once();
  launches_are_planned_for_as_many_cores_as_asked();
  register_engine(DeviceType::CUDA, real);
  (void)unsetenv("RUSTORCH_CACHE");
  fs::remove_all(scratch());
}
