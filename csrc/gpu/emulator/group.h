// Runs threadgroups: lanes as fibers, by turns, meeting at barriers and simdgroup functions.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "gpu/emulator/checker.h"
#include "gpu/emulator/emulator.h"
#include "gpu/emulator/fiber.h"

namespace rt::emulator {

inline constexpr uint32_t kMaxLanes = 1024;

// One on each thread that runs groups. A lane runs until it returns or waits for others; then the
// next one runs. When all that should come have come, they go on. If some lane never comes - it
// returned, or waits elsewhere - that is an error: on a GPU it would be a hang or garbage.
struct Position {
  Uint3 thread, group, threads, groups;
  uint32_t index;  // of the thread in its threadgroup
};

class GroupRunner {
 public:
  static GroupRunner& of_this_thread();

  // Stops at the first fault, which error() then names.
  void run(const RustorchEmulatorLaunch& launch, const Kernel& kernel, uint64_t begin,
           uint64_t end);
  const std::string& error() const { return error_; }

  // ---- Called on a lane ----
  const Position& position() const { return lanes_[current_].position; }
  void meet(Meeting kind, int fence, const char* file, int line);
  uint32_t exchange(Meeting kind, const void* mine, uint32_t size, void* all, const char* file,
                    int line);
  [[noreturn]] void fail(const char* what, const char* file, int line);
  uint64_t constant(int index) const;
  Checker& checker() { return checker_; }
  uint32_t current() const { return current_; }
  bool on_stack_of_current(const void* p) const { return lanes_[current_].fiber->on_stack(p); }
  // A fault found by the checker: the first one is kept.
  void report(const std::string& what);

 private:
  enum class State : uint8_t { Ready, Waiting, Done };
  struct Lane {
    std::unique_ptr<Fiber> fiber;  // from its first step to its last
    Position position;
    State state = State::Ready;
    Meeting kind = Meeting::ThreadgroupBarrier;
    int detail = 0;  // the fence, or the size of what is exchanged
    const char* file = nullptr;
    int line = 0;
    uint8_t parity = 0;
  };

  void run_group(uint32_t lanes);
  // Until every lane of the simdgroup is done or waits at a barrier of the threadgroup.
  void run_simdgroup(uint32_t first, uint32_t count);
  void step(uint32_t lane);
  static void lane_main();
  bool together(const Lane& a, const Lane& b) const;
  bool all_together(uint32_t at, uint32_t first, uint32_t count);
  std::string where(const Lane& lane) const;
  void wait(Meeting kind, int detail, const char* file, int line);
  uint32_t random();

  std::array<Lane, kMaxLanes> lanes_;
  std::vector<std::unique_ptr<Fiber>> idle_;
  uint32_t current_ = 0;
  const RustorchEmulatorLaunch* launch_ = nullptr;
  const Kernel* kernel_ = nullptr;
  uint32_t shuffle_ = 0;
  // Two buffers are enough: a lane gives its value for meeting k + 1 only after all have come to
  // k + 1, hence have read what was given for k.
  static constexpr uint32_t kSlot = 16;
  alignas(16) uint8_t slots_[2][kMaxLanes / kSimdWidth][kSimdWidth * kSlot] = {};
  uint32_t present_[kMaxLanes / kSimdWidth] = {};
  std::string error_;
  Checker checker_;
};

}  // namespace rt::emulator
