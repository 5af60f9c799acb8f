// Locks of the whole process, and fork(): a child has only the thread that forked, so a lock that
// another thread held at that moment would never be free there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>

namespace rt {

// The order in which a fork takes them: who holds one may wait for a later one only.
enum class ForkOrder : uint8_t {
  Hooks,
  AutogradMeta,
  Generators,
  GeneratorStates,
  BlasThreads,
  HostMemory,
  RoutingTable,
  RoutingStats,
};
inline constexpr size_t kForkOrders = 8;

// A mutex that the thread that forks holds meanwhile. To be made while the library is loaded.
class ForkGuard {
 public:
  using Mutex = std::mutex& (*)();
  ForkGuard(ForkOrder order, Mutex mutex);
};

}  // namespace rt
