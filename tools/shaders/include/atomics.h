#pragma once

namespace metal {

enum class mem_flags { mem_none = 0, mem_device = 1, mem_threadgroup = 2, mem_texture = 4 };
constexpr mem_flags operator|(mem_flags a, mem_flags b) { return mem_flags(int(a) | int(b)); }
void threadgroup_barrier(mem_flags);
void simdgroup_barrier(mem_flags);

enum memory_order { memory_order_relaxed };  // Metal's others came later than 3.1
template <class T>
struct atomic {
  T __metal_value;
};
using atomic_int = atomic<int>;
using atomic_uint = atomic<uint>;
using atomic_float = atomic<float>;

// What each type can do: integers everything; float, in device memory, all but bits and extremes.
#define RT_ATOMIC(space, can, name)                                                             \
  template <class T>                                                                            \
  enable_if_t<can<T>, T> atomic_##name##_explicit(volatile space atomic<T>*, __metal_same_t<T>, \
                                                  memory_order);
#define RT_ATOMICS(space, can)                                                                \
  template <class T>                                                                          \
  enable_if_t<can<T>, T> atomic_load_explicit(const volatile space atomic<T>*, memory_order); \
  template <class T>                                                                          \
  enable_if_t<can<T>> atomic_store_explicit(volatile space atomic<T>*, __metal_same_t<T>,     \
                                            memory_order);                                    \
  template <class T>                                                                          \
  enable_if_t<can<T>, bool> atomic_compare_exchange_weak_explicit(                            \
      volatile space atomic<T>*, thread T*, __metal_same_t<T>, memory_order, memory_order);   \
  RT_ATOMIC(space, can, exchange)                                                             \
  RT_ATOMIC(space, can, fetch_add)                                                            \
  RT_ATOMIC(space, can, fetch_sub)                                                            \
  RT_ATOMIC(space, is_integral_v, fetch_max)                                                  \
  RT_ATOMIC(space, is_integral_v, fetch_min)                                                  \
  RT_ATOMIC(space, is_integral_v, fetch_and)                                                  \
  RT_ATOMIC(space, is_integral_v, fetch_or)                                                   \
  RT_ATOMIC(space, is_integral_v, fetch_xor)
RT_ATOMICS(device, is_arithmetic_v)
RT_ATOMICS(threadgroup, is_integral_v)
#undef RT_ATOMICS
#undef RT_ATOMIC

}  // namespace metal
