#include "gpu/emulator/fiber.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <new>

namespace rt::emulator {

// Saves the registers that a call preserves on this stack, its pointer in *save, and goes on where
// `load` was saved. Written out because the C library's swapcontext makes a system call each time.
extern "C" void rustorch_fiber_switch(void** save, void* load);

#if defined(__APPLE__)
#define RT_SYMBOL "_rustorch_fiber_switch"
#define RT_PROLOGUE ".text\n.globl " RT_SYMBOL "\n.private_extern " RT_SYMBOL "\n.p2align 4\n"
#else
#define RT_SYMBOL "rustorch_fiber_switch"
#define RT_PROLOGUE                                                      \
  ".text\n.globl " RT_SYMBOL "\n.hidden " RT_SYMBOL "\n.type " RT_SYMBOL \
  ",%function\n"                                                         \
  ".p2align 4\n"
#endif

#if defined(__x86_64__)
asm(RT_PROLOGUE RT_SYMBOL R"(:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
)");
namespace {
constexpr int kSavedWords = 6;
void* fresh(char* top, void (*entry)()) {
  void** sp = reinterpret_cast<void**>(top);
  *--sp = nullptr;  // a return address for entry(), which leaves its frame aligned as by a call
  *--sp = reinterpret_cast<void*>(entry);
  for (int i = 0; i < kSavedWords; ++i) *--sp = nullptr;
  return sp;
}
}  // namespace
#elif defined(__aarch64__)
asm(RT_PROLOGUE RT_SYMBOL R"(:
  sub sp, sp, #160
  stp x19, x20, [sp, #0]
  stp x21, x22, [sp, #16]
  stp x23, x24, [sp, #32]
  stp x25, x26, [sp, #48]
  stp x27, x28, [sp, #64]
  stp x29, x30, [sp, #80]
  stp d8, d9, [sp, #96]
  stp d10, d11, [sp, #112]
  stp d12, d13, [sp, #128]
  stp d14, d15, [sp, #144]
  mov x9, sp
  str x9, [x0]
  mov sp, x1
  ldp x19, x20, [sp, #0]
  ldp x21, x22, [sp, #16]
  ldp x23, x24, [sp, #32]
  ldp x25, x26, [sp, #48]
  ldp x27, x28, [sp, #64]
  ldp x29, x30, [sp, #80]
  ldp d8, d9, [sp, #96]
  ldp d10, d11, [sp, #112]
  ldp d12, d13, [sp, #128]
  ldp d14, d15, [sp, #144]
  add sp, sp, #160
  ret
)");
namespace {
constexpr size_t kSavedBytes = 160;
constexpr int kReturnWord = 11;  // x30
void* fresh(char* top, void (*entry)()) {
  void** sp = reinterpret_cast<void**>(top - kSavedBytes);
  std::memset(sp, 0, kSavedBytes);
  sp[kReturnWord] = reinterpret_cast<void*>(entry);
  return sp;
}
}  // namespace
#else
#error "the emulator's lanes need a stack switch for this processor"
#endif

namespace {
size_t page() {
  static const size_t size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return size;
}
}  // namespace

Fiber::Fiber() {
  void* p =
      mmap(nullptr, kStackBytes + page(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
  if (p == MAP_FAILED) throw std::bad_alloc();
  // Private memory of a lane that outgrows its stack faults instead of reaching another lane's.
  mprotect(p, page(), PROT_NONE);
  stack_ = static_cast<char*>(p) + page();
}

Fiber::~Fiber() { munmap(stack_ - page(), kStackBytes + page()); }

void Fiber::prepare(void (*entry)(), uint32_t stagger) {
  here_ = fresh(stack_ + kStackBytes - size_t{stagger % 64} * 64, entry);
}
void Fiber::resume() { rustorch_fiber_switch(&caller_, here_); }
void Fiber::pause() { rustorch_fiber_switch(&here_, caller_); }

}  // namespace rt::emulator
