// Stacks that run by turns on one thread: the lanes of a threadgroup.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace rt::emulator {

// A stack of its own, with an unmapped page below it, and the place where its code goes on.
class Fiber {
 public:
  static constexpr size_t kStackBytes = size_t{64} << 10;

  Fiber();
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // The next resume() calls entry() on the empty stack. `stagger` moves its top by some cache
  // lines: tops at equal distances would share a few cache sets.
  void prepare(void (*entry)(), uint32_t stagger);
  // Runs the fiber until it pauses. Called by the scheduler only.
  void resume();
  // Back to the scheduler; returns at the next resume(). Called on the fiber only.
  void pause();

  bool on_stack(const void* p) const {
    const char* c = static_cast<const char*>(p);
    return c >= stack_ && c < stack_ + kStackBytes;
  }

 private:
  char* stack_ = nullptr;   // lowest usable byte
  void* here_ = nullptr;    // saved stack pointer of the fiber
  void* caller_ = nullptr;  // and of whoever resumed it
};

}  // namespace rt::emulator
