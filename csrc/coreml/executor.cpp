#include "coreml/executor.h"

#include <atomic>

namespace rt::coreml {

namespace {

// Global: Core ML is one of the machine; a switch to another executor holds for the process.
constinit std::atomic<Executor*> g_platform{nullptr}, g_set{nullptr};

ErrorKind kind_of(FailureKind kind) {
  return kind == FailureKind::MemoryAllocationFailed ? ErrorKind::OutOfMemory : ErrorKind::Runtime;
}

}  // namespace

void register_platform_executor(Executor* executor) { g_platform = executor; }

Executor* executor() {
  Executor* set = g_set.load(std::memory_order_acquire);
  return set ? set : g_platform.load(std::memory_order_acquire);
}

void set_executor(Executor* executor) { g_set.store(executor, std::memory_order_release); }

Failure::Failure(FailureKind kind, std::string op, std::string what, std::string got,
                 std::string hint)
    : Error(kind_of(kind), std::move(op), std::move(what), std::move(got), std::move(hint)),
      failure_(kind) {}

}  // namespace rt::coreml
