// What the compiler calls around every access of an instrumented shader to memory (the interface of
// -fsanitize=thread, whose own runtime is not used): the checker's eyes.
#include "gpu/emulator/group.h"

#if defined(RT_EMULATOR_CHECKED)

namespace rt::emulator {
namespace {

void see(const void* p, size_t bytes, Access kind) {
  GroupRunner::of_this_thread().checker().access(p, bytes, kind);
}

}  // namespace
}  // namespace rt::emulator

using rt::emulator::Access;
using rt::emulator::see;

#pragma GCC visibility push(hidden)
extern "C" {

void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}

#define RT_PLAIN(size)                                                       \
  void __tsan_read##size(void* p) { see(p, size, Access::Read); }            \
  void __tsan_write##size(void* p) { see(p, size, Access::Write); }          \
  void __tsan_volatile_read##size(void* p) { see(p, size, Access::Read); }   \
  void __tsan_volatile_write##size(void* p) { see(p, size, Access::Write); } \
  void __tsan_unaligned_read##size(void* p) { __tsan_read_range(p, size); }  \
  void __tsan_unaligned_write##size(void* p) { __tsan_write_range(p, size); }
// Ranges are copies of structs: byte by byte, whatever their alignment.
void __tsan_read_range(void* p, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i) see(static_cast<char*>(p) + i, 1, Access::Read);
}
void __tsan_write_range(void* p, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i) see(static_cast<char*>(p) + i, 1, Access::Write);
}
RT_PLAIN(1)
RT_PLAIN(2)
RT_PLAIN(4)
RT_PLAIN(8)
RT_PLAIN(16)
#undef RT_PLAIN

// Lanes of all groups share one thread here, so plain operations are indivisible.
#define RT_FETCH(bits, T, name, expression)                       \
  T __tsan_atomic##bits##_fetch_##name(volatile T* p, T v, int) { \
    see(const_cast<T*>(p), sizeof(T), Access::AtomicWrite);       \
    const T old = *p;                                             \
    *p = expression;                                              \
    return old;                                                   \
  }
#define RT_EXCHANGE(bits, T, strength)                                                        \
  int __tsan_atomic##bits##_compare_exchange_##strength(volatile T* p, T* expected, T v, int, \
                                                        int) {                                \
    see(const_cast<T*>(p), sizeof(T), Access::AtomicWrite);                                   \
    const T old = *p;                                                                         \
    const bool same = old == *expected;                                                       \
    if (same) *p = v;                                                                         \
    *expected = old;                                                                          \
    return same;                                                                              \
  }
#define RT_ATOMIC(bits, T)                                    \
  T __tsan_atomic##bits##_load(const volatile T* p, int) {    \
    see(const_cast<T*>(p), sizeof(T), Access::AtomicRead);    \
    return *p;                                                \
  }                                                           \
  void __tsan_atomic##bits##_store(volatile T* p, T v, int) { \
    see(const_cast<T*>(p), sizeof(T), Access::AtomicWrite);   \
    *p = v;                                                   \
  }                                                           \
  T __tsan_atomic##bits##_exchange(volatile T* p, T v, int) { \
    see(const_cast<T*>(p), sizeof(T), Access::AtomicWrite);   \
    const T old = *p;                                         \
    *p = v;                                                   \
    return old;                                               \
  }                                                           \
  RT_FETCH(bits, T, add, old + v)                             \
  RT_FETCH(bits, T, sub, old - v)                             \
  RT_FETCH(bits, T, and, old& v)                              \
  RT_FETCH(bits, T, or, old | v)                              \
  RT_FETCH(bits, T, xor, old ^ v)                             \
  RT_EXCHANGE(bits, T, strong)                                \
  RT_EXCHANGE(bits, T, weak)
RT_ATOMIC(32, uint32_t)
RT_ATOMIC(64, uint64_t)
#undef RT_ATOMIC
#undef RT_EXCHANGE
#undef RT_FETCH

}  // extern "C"
#pragma GCC visibility pop

#endif
