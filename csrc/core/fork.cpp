#include "core/fork.h"

#include <pthread.h>

#include <array>

namespace rt {

namespace {

// Filled by static initialisers of other files, so it must need none itself.
constinit std::array<ForkGuard::Mutex, kForkOrders> g_mutexes{};

void lock_all() {
  for (const ForkGuard::Mutex mutex : g_mutexes) {
    if (mutex) mutex().lock();
  }
}

void unlock_all() {
  for (size_t i = kForkOrders; i-- > 0;) {
    if (g_mutexes[i]) g_mutexes[i]().unlock();
  }
}

}  // namespace

ForkGuard::ForkGuard(ForkOrder order, Mutex mutex) {
  [[maybe_unused]] static const int handlers = pthread_atfork(lock_all, unlock_all, unlock_all);
  g_mutexes[static_cast<size_t>(order)] = mutex;
}

}  // namespace rt
