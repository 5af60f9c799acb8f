// A double of NVIDIA's driver and of NVRTC for tests: memory of the host as that of devices, and
// streams whose work runs when somebody waits for it, and no earlier. Work that touches memory that
// is gone, and handles that are used in the wrong context, end the test.
#pragma once

#include <algorithm>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "check.h"
#include "gpu/cuda/driver.h"

namespace fake {

using namespace rt::gpu::cuda;

struct Event {
  int device = -1;
  bool timed = false;
  uint64_t recorded = 0, passed = 0;
  float time = 0;
};
struct Queue {
  int device;
  struct Item {
    std::function<void()> run;  // none: waits for the event
    Event* event = nullptr;
    uint64_t version = 0;
  };
  std::deque<Item> items;
};
struct Function {
  int device;
  std::string name;
};
struct Range {
  size_t bytes;
  int device;  // -1: pinned
};

struct State {
  int devices = 2;
  size_t memory = size_t{1} << 30;  // of a device
  std::map<uint64_t, Range> ranges;
  std::vector<size_t> used = std::vector<size_t>(2);
  std::map<std::pair<int, uintptr_t>, std::unique_ptr<Queue>> queues;
  std::vector<std::unique_ptr<Event>> events;
  std::vector<std::unique_ptr<Function>> functions;
  std::vector<int> retained = std::vector<int>(2);
  int compiled = 0, refused_modules = 0, peers = 0, peer_copies = 0, waits = 0, synchronized = 0;
  float clock = 0;
  bool broken_modules = false;
};
inline State& state() {
  static State s;
  return s;
}
inline thread_local Context t_context = nullptr;

inline Context context_of(int device) {
  return reinterpret_cast<Context>(static_cast<uintptr_t>(0xC0 + device));
}
inline int current() {
  CHECK(t_context != nullptr);
  return static_cast<int>(reinterpret_cast<uintptr_t>(t_context)) - 0xC0;
}
inline void* at(Address a) { return reinterpret_cast<void*>(a); }

// The memory is there, and of that device.
inline void need(Address a, size_t bytes, int device) {
  auto it = state().ranges.upper_bound(a);
  CHECK(it != state().ranges.begin());
  --it;
  CHECK(a + bytes <= it->first + it->second.bytes && it->second.device == device);
}
inline bool pinned(const void* p) {
  const auto a = reinterpret_cast<Address>(p);
  auto it = state().ranges.upper_bound(a);
  if (it == state().ranges.begin()) return false;
  --it;
  return it->second.device < 0 && a < it->first + it->second.bytes;
}

// Streams of a device: null and 1 are its default one; others are made, or somebody else's.
inline Queue& queue(Stream s) {
  auto key = reinterpret_cast<uintptr_t>(s);
  if (key == 1) key = 0;
  auto& q = state().queues[{key > 2 ? 0 : current(), key}];
  if (!q) q.reset(new Queue{current(), {}});
  CHECK(q->device == current());
  return *q;
}
// Runs what is queued, up to a version of an event if one is given; what has to wait for other
// streams lets those run so far, and no further.
inline void run(Queue& q, const Event* until = nullptr, uint64_t version = 0);
inline void pass(Event& e, uint64_t version) {
  while (e.passed < version) {
    const uint64_t before = e.passed;
    for (auto& [key, q] : state().queues) {
      const auto records = [&](const Queue::Item& i) { return i.event == &e && i.run; };
      if (std::any_of(q->items.begin(), q->items.end(), records)) run(*q, &e, version);
    }
    CHECK(e.passed > before);
  }
}
inline void run(Queue& q, const Event* until, uint64_t version) {
  while (!q.items.empty() && !(until && until->passed >= version)) {
    const Queue::Item item = q.items.front();
    if (!item.run && item.event->passed < item.version) pass(*item.event, item.version);
    q.items.pop_front();
    if (item.run) item.run();
  }
}
inline void run(int device) {
  for (auto& [key, q] : state().queues) {
    if (q->device == device) run(*q);
  }
}
inline void push(Stream s, std::function<void()> work) {
  queue(s).items.push_back({std::move(work)});
}

// Kernels: (out, {n, v}) and (out, in, {n, v}), of floats.
struct Numbers {
  int64_t n;
  float v;
};
inline Result launch(const LaunchConfig* config, void* f, void** p, void**) {
  const auto& function = *static_cast<Function*>(f);
  const Stream stream = config->stream;
  // Its compute capability is above 9.
  CHECK(config->attribute_count == 1 &&
        config->attributes->id == kProgrammaticStreamSerialization &&
        config->attributes->value == 1);
  CHECK(function.device == current());
  const int device = current();
  const Address out = *static_cast<Address*>(p[0]);
  if (function.name == "fill") {
    const Numbers a = *static_cast<Numbers*>(p[1]);
    push(stream, [=] {
      need(out, 4 * static_cast<size_t>(a.n), device);
      for (int64_t i = 0; i < a.n; ++i) static_cast<float*>(at(out))[i] = a.v;
    });
    return kSuccess;
  }
  CHECK(function.name == "plus");
  const Address in = *static_cast<Address*>(p[1]);
  const Numbers a = *static_cast<Numbers*>(p[2]);
  push(stream, [=] {
    need(out, 4 * static_cast<size_t>(a.n), device);
    need(in, 4 * static_cast<size_t>(a.n), device);
    for (int64_t i = 0; i < a.n; ++i) {
      static_cast<float*>(at(out))[i] = static_cast<float*>(at(in))[i] + a.v;
    }
  });
  return kSuccess;
}

inline Result allocate(Address* a, size_t bytes) {
  size_t& used = state().used[static_cast<size_t>(current())];
  if (used + bytes > state().memory) return 2;
  used += bytes;
  *a = reinterpret_cast<Address>(std::aligned_alloc(256, (bytes + 255) / 256 * 256));
  state().ranges[*a] = {bytes, current()};
  return kSuccess;
}
inline Result release(Address a) {
  const Range r = state().ranges.at(a);
  CHECK(r.device == current());
  state().used[static_cast<size_t>(r.device)] -= r.bytes;
  state().ranges.erase(a);
  std::free(at(a));
  return kSuccess;
}
inline Result allocate_host(void** p, size_t bytes, unsigned flags) {
  CHECK(flags == kPortableHostMemory);
  *p = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
  state().ranges[reinterpret_cast<Address>(*p)] = {bytes, -1};
  return kSuccess;
}
inline Result free_host(void* p) {
  CHECK(state().ranges.erase(reinterpret_cast<Address>(p)) == 1);
  std::free(p);
  return kSuccess;
}
// Pinned memory is read when the copy runs; other memory has been staged by then.
inline Result to_device(Address to, const void* host, size_t n, Stream s) {
  const int device = current();
  std::vector<char> staged;
  const bool later = pinned(host);
  if (!later) staged.assign(static_cast<const char*>(host), static_cast<const char*>(host) + n);
  push(s, [=] {
    need(to, n, device);
    if (later) need(reinterpret_cast<Address>(host), n, -1);
    std::memcpy(at(to), later ? host : staged.data(), n);
  });
  return kSuccess;
}
inline Result to_host(void* host, Address from, size_t n, Stream s) {
  const int device = current();
  const bool later = pinned(host);
  push(s, [=] {
    need(from, n, device);
    if (later) need(reinterpret_cast<Address>(host), n, -1);
    std::memcpy(host, at(from), n);
  });
  if (!later) run(queue(s));
  return kSuccess;
}
inline Result between(Address to, Address from, size_t n, Stream s) {
  const int device = current();
  push(s, [=] {
    need(to, n, device);
    need(from, n, device);
    std::memmove(at(to), at(from), n);
  });
  return kSuccess;
}
inline Result between_devices(Address to, Context there, Address from, Context here, size_t n,
                              Stream s) {
  CHECK(here == t_context && there != here);
  const int a = current(), b = static_cast<int>(reinterpret_cast<uintptr_t>(there)) - 0xC0;
  ++state().peer_copies;
  push(s, [=] {
    need(from, n, a);
    need(to, n, b);
    std::memcpy(at(to), at(from), n);
  });
  return kSuccess;
}
inline Event& event(EventHandle e) { return *static_cast<Event*>(e); }

inline const Driver& driver() {
  static const Driver d = [] {
    Driver d{};
    d.driver_version = [](int* v) { return *v = 13000, 0; };
    d.device_count = [](int* n) { return *n = state().devices, 0; };
    d.device_get = [](DeviceHandle* h, int i) { return *h = i, 0; };
    d.device_name = [](char* to, int n, DeviceHandle) { return std::strncpy(to, "fake", n), 0; };
    d.device_memory = [](size_t* n, DeviceHandle) { return *n = state().memory, 0; };
    d.device_attribute = [](int* v, int which, DeviceHandle) { return *v = which, 0; };
    d.retain_context = [](Context* c, DeviceHandle h) {
      ++state().retained[static_cast<size_t>(h)];
      return *c = context_of(h), 0;
    };
    d.get_context = [](Context* c) { return *c = t_context, 0; };
    d.set_context = [](Context c) { return t_context = c, 0; };
    d.synchronize = [] { return ++state().synchronized, run(current()), 0; };
    d.memory_info = [](size_t* free, size_t* total) {
      *total = state().memory;
      return *free = *total - state().used[static_cast<size_t>(current())], 0;
    };
    d.allocate = allocate;
    d.free = release;
    d.to_device = to_device;
    d.to_host = to_host;
    d.between = between;
    d.between_devices = between_devices;
    d.can_access_peer = [](int* can, DeviceHandle, DeviceHandle) { return *can = 1, 0; };
    d.enable_peer = [](Context, unsigned) { return ++state().peers, 0; };
    d.allocate_host = allocate_host;
    d.free_host = free_host;
    d.pointer_attribute = [](void* to, int which, Address a) -> Result {
      for (const auto& [first, range] : state().ranges) {
        if (a < first || a >= first + range.bytes) continue;
        const bool host = range.device < 0;
        *static_cast<int*>(to) = which == kPointerDevice ? range.device
                                 : host                  ? int{kHostMemory}
                                                         : int{kDeviceMemory};
        return kSuccess;
      }
      return 1;
    };
    d.stream_create = [](Stream* s, unsigned flags, int) {
      static uintptr_t next = 0x1000;
      CHECK(flags == kNonBlockingStream);
      *s = reinterpret_cast<Stream>(next += 16);
      state().queues[{0, next}].reset(new Queue{current(), {}});
      return 0;
    };
    d.stream_priorities = [](int* least, int* greatest) { return *least = 0, *greatest = -5, 0; };
    d.stream_query = [](Stream s) -> Result {
      return queue(s).items.empty() ? kSuccess : kNotReady;
    };
    d.stream_synchronize = [](Stream s) { return ++state().waits, run(queue(s)), 0; };
    d.stream_wait = [](Stream s, EventHandle e, unsigned) {
      queue(s).items.push_back({nullptr, &event(e), event(e).recorded});
      return 0;
    };
    d.event_create = [](EventHandle* e, unsigned flags) {
      state().events.push_back(std::make_unique<Event>());
      state().events.back()->device = current();
      state().events.back()->timed = flags == 0;
      return *e = state().events.back().get(), 0;
    };
    d.event_destroy = [](EventHandle) { return 0; };  // the driver keeps it until it has happened
    d.event_record = [](EventHandle h, Stream s) {
      Event& e = event(h);
      CHECK(e.device == current());
      const uint64_t version = ++e.recorded;
      queue(s).items.push_back({[&e, version] {
                                  e.passed = version;
                                  e.time = ++state().clock;
                                },
                                &e, version});
      return 0;
    };
    d.event_query = [](EventHandle e) -> Result {
      return event(e).passed == event(e).recorded ? kSuccess : kNotReady;
    };
    d.event_synchronize = [](EventHandle e) { return pass(event(e), event(e).recorded), 0; };
    d.event_elapsed = [](float* ms, EventHandle a, EventHandle b) {
      CHECK(event(a).timed && event(b).timed);
      return *ms = event(b).time - event(a).time, 0;
    };
    d.load_module = [](Module* m, const void* code) -> Result {
      const char* text = static_cast<const char*>(code);
      if (state().broken_modules && !std::strncmp(text, "old", 3)) return ++state().refused_modules;
      *m = const_cast<void*>(code);
      return kSuccess;
    };
    d.get_function = [](rt::gpu::cuda::Function* f, Module, const char* name) {
      std::string own = name;
      own.resize(own.size() - 3);  // "__k"
      state().functions.push_back(std::make_unique<Function>(Function{current(), own}));
      return *f = state().functions.back().get(), 0;
    };
    d.launch = launch;
    d.error_name = [](Result, const char** text) { return *text = "FAKE", 0; };
    d.error_text = [](Result, const char** text) { return *text = "a fake error", 0; };
    return d;
  }();
  return d;
}

inline const Compiler& compiler() {
  static const Compiler c = [] {
    Compiler c{};
    c.version = [](int* major, int* minor) { return *major = 13, *minor = 0; };
    c.create = [](Program* p, const char*, const char*, int, const char* const*,
                  const char* const*) { return *p = nullptr, 0; };
    c.compile = [](Program, int, const char* const*) { return ++state().compiled, 0; };
    c.binary_size = [](Program, size_t* n) { return *n = 100, 0; };
    c.binary = [](Program, char* to) { return std::memset(to, 'x', 100), 0; };
    c.destroy = [](Program*) { return 0; };
    return c;
  }();
  return c;
}

}  // namespace fake
