// Which engine runs an op: the rules as plain data, and the decision. rustorch.selector compiles
// the rules and decides alike in Python.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "ops/record.h"

namespace rt {

using DTypeMask = uint16_t;  // a bit for each dtype
using EngineMask = uint8_t;  // a bit for each device type
constexpr DTypeMask bit(DType t) { return static_cast<DTypeMask>(1u << static_cast<int>(t)); }
constexpr EngineMask bit(DeviceType t) {
  return static_cast<EngineMask>(1u << static_cast<int>(t));
}

// When an engine takes work whose inputs do not live on it already. Sizes count the elements of the
// largest tensor.
struct EngineRule {
  int64_t min_size = 0, max_size = INT64_MAX;
  int64_t move_size = INT64_MAX;        // from which inputs are worth moving to it
  int64_t move_size_dense = INT64_MAX;  // for matrix products and their like
  bool strided = true;                  // reads any layout
  DTypeMask dtypes = 0xffff;            // that it computes in, where an op does not say
};

struct OpRule {
  bool dense = false;
  bool composite = false;  // without kernels of its own: as the engines' dtypes have it
  std::array<DTypeMask, kNumDeviceTypes> dtypes{};  // that each engine has kernels for
};

struct RoutingTable {
  std::vector<DeviceType> chain;  // from the one that is asked first
  std::array<EngineRule, kNumDeviceTypes> engines{};
  std::unordered_map<const OpRecord*, OpRule> ops;
};

struct Residence {
  Device device;
  int64_t bytes;
};

struct RouteQuery {
  const OpRecord* op = nullptr;
  std::optional<DType> dtype;  // that the inputs promote to
  int64_t size = 0;
  bool strided = false;
  std::span<const Residence> homes;  // where the inputs live; none for a new tensor
  EngineMask excluded = 0;           // engines that turned out to have no kernel
};

enum class RouteReason : uint8_t {
  Home,      // the inputs live there
  Majority,  // most bytes of the inputs live there
  Size,      // the first of the chain that takes this size
  Move,      // the first of the chain, and large enough to move the inputs there
  Last,      // nobody else took it
};

struct Route {
  Device device;
  RouteReason reason = RouteReason::Last;
  // The engine that would have been chosen had it the kernel; `device` if it is that one.
  Device preferred;
  bool falls_back() const { return !(device == preferred); }
};

Route choose(const RoutingTable& table, const RouteQuery& query);

// The table in use, for all threads; counted, so that threads notice a new one.
std::shared_ptr<const RoutingTable> routing_table(uint64_t* version);
uint64_t routing_table_version();
void set_routing_table(std::shared_ptr<const RoutingTable> table);

}  // namespace rt
