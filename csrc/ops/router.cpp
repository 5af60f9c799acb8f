#include "ops/router.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>

#include "core/fork.h"
#include "core/warning.h"
#include "ops/elementwise.h"
#include "ops/promotion.h"

namespace rt {

namespace {

// ---- Statistics ----

// Global: what all threads did.
struct Counts {
  std::mutex mutex;  // of the map
  std::map<std::pair<std::string, std::string>, RoutingStats::Fallback> fallbacks;
  std::array<std::atomic<int64_t>, kNumDeviceTypes> calls{};
  std::atomic<int64_t> bytes_moved{0};
};
Counts& counts() {
  static auto& c = *new Counts;
  return c;
}
const ForkGuard guard(ForkOrder::RoutingStats, []() -> std::mutex& { return counts().mutex; });

// Warns the first time that an op leaves a device.
void note_fallback(const OpRecord& op, const Route& route, const std::string& reason) {
  const std::string device = to_string(route.preferred);
  {
    std::lock_guard lock(counts().mutex);
    auto& entry = counts().fallbacks[{op.name(), device}];
    if (++entry.count > 1) return;
    entry = {op.name(), device, reason, 1};
  }
  warn(op.name(), cat_str(reason, "; it runs on '", to_string(route.device),
                          "' and its results go back; said once, counted in "
                          "rustorch.routing_stats()"));
}

// ---- What a call asks for ----

constexpr size_t kMaxHomes = 8;

struct Situation {
  RouteQuery query;
  std::array<Residence, kMaxHomes> room;
  size_t homes = 0;
  std::optional<Device> asked;  // an argument says where the result is to be
};

void look(const OpCall& call, Situation* s) {
  s->query.op = &call.op;
  std::optional<DType> of_numbers;
  const auto join = [](std::optional<DType>& all, DType t) { all = all ? promote(*all, t) : t; };
  for_each_tensor(call, [&](const Tensor& t) {
    s->query.size = std::max(s->query.size, t.numel());
    if (is_number(t)) {
      return join(of_numbers, t.dtype());
    }
    join(s->query.dtype, t.dtype());
    s->query.strided |= !t.is_contiguous();
    const auto end = s->room.begin() + static_cast<std::ptrdiff_t>(s->homes);
    const auto known =
        std::find_if(s->room.begin(), end, [&](auto& r) { return r.device == t.device(); });
    if (known != end) {
      known->bytes += static_cast<int64_t>(t.nbytes());
    } else if (s->homes < kMaxHomes) {
      s->room[s->homes++] = {t.device(), static_cast<int64_t>(t.nbytes())};
    }
  });
  if (s->homes == 0 && of_numbers) {
    s->room[s->homes++] = {Device{}, 0};
    s->query.dtype = of_numbers;
  }
  for (size_t i = 0; i < call.op.schema.args.size(); ++i) {
    if (const auto* t = std::get_if<DType>(&call.args[i])) join(s->query.dtype, *t);
    if (const auto* d = std::get_if<Device>(&call.args[i])) s->asked = *d;
  }
  s->query.homes = {s->room.data(), s->homes};
}

// Ops that reach across devices by themselves: copies.
bool copies_only(const OpRecord& op) {
  return op.kernels.size() == 1 && op.kernels[0] == &copy_kernel;
}

bool takes_generator(const OpRecord& op) {
  return std::any_of(op.schema.args.begin(), op.schema.args.end(),
                     [](const Argument& a) { return a.kind == ArgKind::Generator; });
}

// Where the result belongs if nothing is moved.
Device home_of(const OpCall& call, const Situation& s) {
  if (call.form == OpCall::Form::Inplace) return call.args[0].tensor().device();
  if (call.form == OpCall::Form::Out) return call.outs[0].device();
  if (s.asked) return *s.asked;
  const Residence* best = nullptr;
  for (const Residence& r : s.query.homes) {
    if (!best || r.bytes > best->bytes) best = &r;
  }
  return best ? best->device : Device{};
}

[[noreturn]] void refuse(const OpCall& call, const std::string& lacked) {
  std::string got;
  for_each_tensor(call, [&](const Tensor& t) { got += (got.empty() ? "" : ", ") + describe(t); });
  // Not MissingKernel, which the composite around it would take for one of its own.
  RT_FAIL(NotImplemented, call.op.name(),
          cat_str(lacked, ", and strict routing does not fall back"), got,
          "rustorch.routing(\"auto\"), another dtype, or moving the inputs with .cpu()");
}

std::string lack(const OpCall& call, const Route& route, std::optional<DType> dtype) {
  return cat_str("device '", to_string(route.preferred), "' has no kernel for '", call.op.name(),
                 "'", dtype ? cat_str(" in ", name(*dtype)) : "");
}

}  // namespace

RoutingStats routing_stats() {
  RoutingStats stats;
  Counts& c = counts();
  std::lock_guard lock(c.mutex);
  for (size_t i = 0; i < c.calls.size(); ++i) {
    stats.calls[i] = c.calls[i].load(std::memory_order_relaxed);
  }
  for (const auto& [key, entry] : c.fallbacks) stats.fallbacks.push_back(entry);
  stats.bytes_moved = c.bytes_moved.load(std::memory_order_relaxed);
  return stats;
}

void reset_routing_stats() {
  Counts& c = counts();
  std::lock_guard lock(c.mutex);
  for (auto& n : c.calls) n.store(0, std::memory_order_relaxed);
  c.fallbacks.clear();
  c.bytes_moved.store(0, std::memory_order_relaxed);
}

Device place(DType dtype, int64_t size) {
  uint64_t version = 0;
  RouteQuery query;
  query.dtype = dtype;
  query.size = size;
  return choose(*routing_table(&version), query).device;
}

Router& Router::of_thread() {
  static thread_local Router router;
  return router;
}

void Router::set_mode(RoutingMode mode) {
  mode_ = mode;
  link();
}

void Router::set_log(std::vector<RoutingEvent>* log) {
  log_ = log;
  link();
}

// The router is the last to see a call: what others make of it is what is routed.
void Router::link() {
  Interceptor** at = &modes().interceptor;
  while (*at && *at != this) at = &(*at)->outer;
  const bool wanted = mode_ != RoutingMode::Off || log_;
  if (wanted && !*at) *at = this;
  if (!wanted && *at) *at = outer;
}

const RoutingTable& Router::table() {
  if (version_ != routing_table_version()) table_ = routing_table(&version_);
  return *table_;
}

int64_t Router::follow(OpCall& call, const Route& route, bool moves,
                       const std::optional<Stream>& stream) {
  bool away = route.falls_back();
  if (moves) {
    for_each_tensor(
        call, [&](const Tensor& t) { away |= !is_number(t) && !(t.device() == route.device); });
  }
  if (away) return transplant(call, route.device, route.preferred, stream);
  if (call.op.is_kernel()) {
    call.run();
    return 0;
  }
  // What a composite calls is routed by itself.
  struct Restore {
    Interceptor* saved = modes().interceptor;
    ~Restore() { modes().interceptor = saved; }
  } restore;
  modes().interceptor = this;
  run_here(call);
  return 0;
}

void Router::note(const OpCall& call, const Route& route, int64_t size, int64_t bytes,
                  const std::string& lacked) {
  Counts& c = counts();
  c.calls[static_cast<size_t>(route.device.type)].fetch_add(1, std::memory_order_relaxed);
  if (bytes) c.bytes_moved.fetch_add(bytes, std::memory_order_relaxed);
  if (log_) log_->push_back({call.op.schema.name, call.form, route, size, bytes, lacked});
}

void Router::call(OpCall& call) {
  if (mode_ == RoutingMode::Off && !log_) return call.run();
  const bool composite = !call.op.is_kernel(), draws = takes_generator(call.op);
  Situation s;
  if (!composite || draws) look(call, &s);
  Route route;
  route.device = route.preferred = home_of(call, s);
  route.reason = s.homes > 1 ? RouteReason::Majority : RouteReason::Home;
  // A kernel that is missing is found out late: after numbers were drawn for it.
  const std::optional<Stream> stream = draws ? stream_of(call, route.device) : std::nullopt;
  // Copies go where they are told, and what is written stays where it is.
  const bool moves = places() && !composite && !s.asked && !copies_only(call.op) &&
                     call.op.schema.base_name.back() != '_';
  if (moves && call.form == OpCall::Form::Plain && s.homes > 0) route = choose(table(), s.query);
  std::string lacked = route.falls_back() ? lack(call, route, s.query.dtype) : std::string();
  for (;;) {
    if (route.falls_back()) {
      if (mode_ == RoutingMode::Strict) refuse(call, lacked);
      note_fallback(call.op, route, lacked);
    }
    try {
      const int64_t bytes = follow(call, route, moves, stream);
      if (!composite || route.falls_back()) note(call, route, s.query.size, bytes, lacked);
      return;
    } catch (const Error& e) {
      if (e.kind() != ErrorKind::MissingKernel || mode_ == RoutingMode::Off) throw;
      if (!s.query.op) {
        look(call, &s);
        route.device = route.preferred = home_of(call, s);
      }
      if (route.device.is_cpu()) throw;
      lacked = e.problem();
    }
    const Device preferred = route.preferred;
    s.query.excluded |= bit(route.device.type);
    route = choose(table(), s.query);
    route.preferred = preferred;
  }
}

}  // namespace rt
