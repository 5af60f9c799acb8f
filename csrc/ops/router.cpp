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

}  // namespace

void note_fallback(const OpRecord& op, Device from, Device to, const std::string& reason) {
  const std::string device = to_string(from);
  {
    std::lock_guard lock(counts().mutex);
    auto& entry = counts().fallbacks[{op.name(), device}];
    if (++entry.count > 1) return;
    entry = {op.name(), device, reason, 1};
  }
  warn(op.name(), cat_str(reason, "; it runs on '", to_string(to),
                          "' and its results go back; said once, counted in "
                          "rustorch.routing_stats()"));
}

namespace {

// ---- What a call asks for ----

constexpr size_t kMaxHomes = 8;

struct Situation {
  RouteQuery query;
  std::array<Residence, kMaxHomes> room;
  size_t homes = 0;
  std::optional<Device> asked;  // an argument says where the result is to be
  bool numbers = false;         // zero-dim tensors on the CPU, other than Python's
};

void look(const OpCall& call, Situation* s) {
  s->query.op = &call.op;
  std::optional<DType> of_numbers;
  const auto join = [](std::optional<DType>& all, DType t) { all = all ? promote(*all, t) : t; };
  for_each_tensor(call, [&](const Tensor& t) {
    s->query.size = std::max(s->query.size, t.numel());
    if (is_number(t)) {
      s->numbers |= !t.is_wrapped_number();
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

// Memory that is only rearranged is not worth another place.
bool only_copies(const OpRecord& op) {
  return op.kernels.size() == 1 && op.kernels[0] == &copy_kernel;
}
// Copies into a tensor, from any device.
bool is_copy(const OpRecord& op) { return op.schema.base_name == "copy"; }

bool is_formula(const OpRecord& op) {
  return std::all_of(op.kernels.begin(), op.kernels.end(), [](const KernelSlotBase* slot) {
    return ElementwiseSlot::find(slot->name()) == slot;
  });
}

// Where something lives that is not on the CPU.
std::optional<Device> foreign(const Situation& s) {
  for (const Residence& r : s.query.homes) {
    if (!r.device.is_cpu()) return r.device;
  }
  return std::nullopt;
}

// Tensors on several devices, where the op wants one.
bool is_apart(const Error& e) { return e.problem().find("same device") != std::string::npos; }

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
  if (wanted == (*at != nullptr)) return;
  // A link left from last time could lead back here, and close the chain into a ring.
  *at = wanted ? this : outer;
  outer = nullptr;
}

const RoutingTable& Router::table() {
  if (version_ != routing_table_version()) table_ = routing_table(&version_);
  return *table_;
}

int64_t Router::follow(OpCall& call, const Plan& plan, const std::optional<Stream>& stream) {
  const Route& route = plan.route;
  bool away = route.falls_back() || plan.gather;
  if (plan.moves) {
    for_each_tensor(
        call, [&](const Tensor& t) { away |= !is_number(t) && !(t.device() == route.device); });
  }
  if (away) return transplant(call, route.device, route.preferred, plan.gather, stream);
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
  Plan plan;
  Route& route = plan.route;
  route.device = route.preferred = home_of(call, s);
  route.reason = s.homes > 1 ? RouteReason::Majority : RouteReason::Home;
  // A kernel that is missing is found out late: after numbers were drawn for it.
  const std::optional<Stream> stream = draws ? stream_of(call, route.device) : std::nullopt;
  // What is written stays where it is, and a copy may be meant to cross.
  const bool written = call.op.schema.base_name.back() == '_';
  plan.moves = places() && !composite && !s.asked && !written && !is_copy(call.op);
  if (plan.moves && call.form == OpCall::Form::Plain && s.homes > 0 && !only_copies(call.op)) {
    route = choose(table(), s.query);
  }
  // Only formulas take a number from the CPU along; to others it has to come.
  plan.gather =
      plan.moves && s.numbers && s.homes > 0 && !route.device.is_cpu() && !is_formula(call.op);
  std::string lacked = route.falls_back() ? lack(call, route, s.query.dtype) : std::string();
  for (;;) {
    if (route.falls_back()) {
      if (mode_ == RoutingMode::Strict) refuse(call, lacked);
      note_fallback(call.op, route.preferred, route.device, lacked);
    }
    ErrorKind kind;
    try {
      const int64_t bytes = follow(call, plan, stream);
      if (!composite || route.falls_back() || plan.gather) {
        note(call, route, s.query.size, bytes, lacked);
      }
      return;
    } catch (const Error& e) {
      kind = e.kind();
      const bool apart = kind == ErrorKind::Runtime && places() && !written && is_apart(e);
      if (mode_ == RoutingMode::Off || (apart && plan.gather)) throw;
      if (!apart && kind != ErrorKind::MissingKernel) throw;
      if (!s.query.op) {
        look(call, &s);
        route.device = route.preferred = home_of(call, s);
      }
      // On the CPU there is nowhere else to go, unless some of it came from elsewhere.
      if (!apart && route.device.is_cpu() && (plan.gather || !foreign(s))) throw;
      lacked = e.problem();
    }
    if (kind == ErrorKind::Runtime) {
      plan.gather = true;  // brings even numbers to where it runs
      continue;
    }
    if (route.device.is_cpu()) {
      if (mode_ == RoutingMode::Strict) refuse(call, lacked);
      note_fallback(call.op, *foreign(s), route.device, lacked);
      plan.gather = true;
      continue;
    }
    const Device preferred = route.preferred;
    s.query.excluded |= bit(route.device.type);
    route = choose(table(), s.query);
    route.preferred = preferred;
  }
}

}  // namespace rt
