#include "ops/routing.h"

#include <algorithm>
#include <atomic>
#include <mutex>

#include "core/fork.h"

namespace rt {

namespace {

// Where most bytes of the inputs live; between equals the one that the chain names first.
const Residence* main_home(const RoutingTable& table, std::span<const Residence> homes) {
  const auto place = [&](const Device& d) {
    return std::find(table.chain.begin(), table.chain.end(), d.type) - table.chain.begin();
  };
  const Residence* best = nullptr;
  for (const Residence& h : homes) {
    if (!best || h.bytes > best->bytes ||
        (h.bytes == best->bytes && place(h.device) < place(best->device))) {
      best = &h;
    }
  }
  return best;
}

bool has_kernel(const EngineRule& engine, const OpRule* rule, DeviceType type,
                const RouteQuery& q) {
  if (q.excluded & bit(type)) return false;
  const DTypeMask known =
      rule && !rule->composite ? rule->dtypes[static_cast<size_t>(type)] : engine.dtypes;
  return q.dtype ? (known & bit(*q.dtype)) != 0 : known != 0;
}

bool takes(const EngineRule& rule, const RouteQuery& q, bool dense) {
  if (q.strided && !rule.strided) return false;
  if (q.size < rule.min_size || q.size > rule.max_size) return false;
  return q.homes.empty() || q.size >= (dense ? rule.move_size_dense : rule.move_size);
}

struct Current {
  std::mutex mutex;
  std::shared_ptr<const RoutingTable> table = std::make_shared<RoutingTable>();
};
// Global: thresholds hold for the process.
Current& current() {
  static auto& c = *new Current;
  return c;
}
const ForkGuard guard(ForkOrder::RoutingTable, []() -> std::mutex& { return current().mutex; });
std::atomic<uint64_t> g_version{0};

}  // namespace

Route choose(const RoutingTable& table, const RouteQuery& q) {
  const auto found = table.ops.find(q.op);
  const OpRule* rule = found == table.ops.end() ? nullptr : &found->second;
  const Residence* home = main_home(table, q.homes);
  Route route;
  bool passed = false;
  // True once the engine is chosen.
  const auto consider = [&](DeviceType type) {
    const bool at_home = home && home->device.type == type;
    const EngineRule& engine = table.engines[static_cast<size_t>(type)];
    if (!at_home && type != DeviceType::CPU && !takes(engine, q, rule && rule->dense)) {
      return false;
    }
    const Device device = at_home ? home->device : Device{type, 0};
    if (!passed) route.preferred = device;
    if (type != DeviceType::CPU && !has_kernel(engine, rule, type, q)) {
      passed = true;
      return false;
    }
    route.device = device;
    if (at_home) {
      route.reason = q.homes.size() == 1 ? RouteReason::Home : RouteReason::Majority;
    } else if (type != DeviceType::CPU) {
      route.reason = home ? RouteReason::Move : RouteReason::Size;
    }
    return true;
  };
  // An engine outside of the chain was asked for by name: its tensors stay.
  if (home &&
      std::find(table.chain.begin(), table.chain.end(), home->device.type) == table.chain.end()) {
    if (consider(home->device.type)) return route;
  }
  for (const DeviceType type : table.chain) {
    if (consider(type)) return route;
  }
  consider(DeviceType::CPU);
  return route;
}

std::shared_ptr<const RoutingTable> routing_table(uint64_t* version) {
  Current& c = current();
  std::lock_guard lock(c.mutex);
  *version = g_version.load(std::memory_order_relaxed);
  return c.table;
}

uint64_t routing_table_version() { return g_version.load(std::memory_order_relaxed); }

void set_routing_table(std::shared_ptr<const RoutingTable> table) {
  Current& c = current();
  std::lock_guard lock(c.mutex);
  c.table.swap(table);
  g_version.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace rt
