// Built-ins, barriers, atomics and entry points of shaders that the emulator runs.
#pragma once

#include "gpu/emulator/runtime.h"

#define RT_KERNEL_DECLARATION static __attribute__((unused))
// A threadgroup's lanes share one thread, so what is local to the thread is theirs.
#define rt_shared alignas(16) static thread_local

namespace msl {

RT_FN u32 lane_in_simdgroup() { return rt::emulator::lane_in_simdgroup(); }
RT_FN void fail(const char* what, const char* file, int line) {
  rt::emulator::fail(what, file, line);
}

#define RT_HOST_BUILTIN(name)                                                           \
  struct at_##name {                                                                    \
    RT_FN Builtin operator[](int) const {                                               \
      const rt::emulator::Uint3 v = rt::emulator::builtin(rt::emulator::Builtin::name); \
      return {v.x, v.y, v.z};                                                           \
    }                                                                                   \
  };
RT_HOST_BUILTIN(thread_position_in_grid)
RT_HOST_BUILTIN(thread_position_in_threadgroup)
RT_HOST_BUILTIN(thread_index_in_threadgroup)
RT_HOST_BUILTIN(threadgroup_position_in_grid)
RT_HOST_BUILTIN(threads_per_threadgroup)
RT_HOST_BUILTIN(threadgroups_per_grid)
RT_HOST_BUILTIN(threads_per_grid)
RT_HOST_BUILTIN(thread_index_in_simdgroup)
RT_HOST_BUILTIN(simdgroup_index_in_threadgroup)
RT_HOST_BUILTIN(simdgroups_per_threadgroup)
RT_HOST_BUILTIN(threads_per_simdgroup)
#undef RT_HOST_BUILTIN

// The emulator's own reads are not the shader's: they are not for the checker to see.
#define RT_UNWATCHED __attribute__((no_sanitize("thread")))

// A buffer as the parameter's type.
template <class A>
struct fetch;
template <class T>
struct fetch<T*> {
  static constexpr rt::emulator::Parameter parameter = {0, true};
  RT_UNWATCHED static T* get(void* p) { return static_cast<T*>(p); }
};
template <class T>
struct fetch<const T*> {
  static constexpr rt::emulator::Parameter parameter = {0, false};
  RT_UNWATCHED static const T* get(void* p) { return static_cast<const T*>(p); }
};
template <class T>
struct fetch<T&> {
  static constexpr rt::emulator::Parameter parameter = {sizeof(T), false};
  RT_UNWATCHED static T& get(void* p) { return *static_cast<T*>(p); }
};

template <class T, int Index>
struct FunctionConstant {
  operator T() const { return static_cast<T>(rt::emulator::function_constant(Index)); }
};

}  // namespace msl

#if defined(RT_EMULATOR_CHECKED)
#define RT_IS_CHECKED true
#else
#define RT_IS_CHECKED false
#endif

#define RT_FUNCTION_CONSTANT(type, name, index) \
  static constexpr msl::FunctionConstant<type, index> name{};

#define RT_EXPORT_FOR(threads, host, ...) RT_EXPORT_AS(host, __VA_ARGS__)
#define RT_EXPORT_WIDE(host, ...) RT_EXPORT_AS(host, __VA_ARGS__)
#define RT_EXPORT_AS(host, ...)                                                             \
  namespace {                                                                               \
  struct rt_entry_##host {                                                                  \
    using Signature = msl::signature<decltype(__VA_ARGS__)>;                                \
    template <size_t... I>                                                                  \
    RT_UNWATCHED static void call(void* const* b, std::index_sequence<I...>) {              \
      __VA_ARGS__(msl::fetch<typename Signature::template argument<int(I)>>::get(b[I])...); \
    }                                                                                       \
    template <size_t... I>                                                                  \
    static const rt::emulator::Parameter* parameters(std::index_sequence<I...>) {           \
      static const rt::emulator::Parameter all[] = {                                        \
          msl::fetch<typename Signature::template argument<int(I)>>::parameter..., {}};     \
      return all;                                                                           \
    }                                                                                       \
    using Sequence = std::make_index_sequence<size_t(Signature::buffers)>;                  \
    RT_UNWATCHED static void run(void* const* b) { call(b, Sequence{}); }                   \
  };                                                                                        \
  const rt::emulator::Kernel rt_kernel_##host{                                              \
      #host,                                                                                \
      #__VA_ARGS__,                                                                         \
      rt_entry_##host::run,                                                                 \
      rt_entry_##host::Signature::buffers,                                                  \
      rt_entry_##host::parameters(rt_entry_##host::Sequence{}),                             \
      RT_IS_CHECKED};                                                                       \
  const rt::emulator::Registration rt_registration_##host{&rt_kernel_##host};               \
  }

#define RT_SITE const char *file = __builtin_FILE(), int line = __builtin_LINE()

namespace metal {

RT_FN void threadgroup_barrier(mem_flags f, RT_SITE) {
  rt::emulator::meet(rt::emulator::Meeting::ThreadgroupBarrier, int(f), file, line);
}
RT_FN void simdgroup_barrier(mem_flags f, RT_SITE) {
  rt::emulator::meet(rt::emulator::Meeting::SimdgroupBarrier, int(f), file, line);
}

template <class T>
RT_FN T atomic_load_explicit(const atomic<T>* a, memory_order) {
  T r;
  __atomic_load(&a->value, &r, __ATOMIC_RELAXED);
  return r;
}
template <class T>
RT_FN void atomic_store_explicit(atomic<T>* a, msl::same_t<T> x, memory_order) {
  __atomic_store(&a->value, &x, __ATOMIC_RELAXED);
}
template <class T>
RT_FN T atomic_exchange_explicit(atomic<T>* a, msl::same_t<T> x, memory_order) {
  T r;
  __atomic_exchange(&a->value, &x, &r, __ATOMIC_RELAXED);
  return r;
}
template <class T>
RT_FN bool atomic_compare_exchange_weak_explicit(atomic<T>* a, T* expected, msl::same_t<T> x,
                                                 memory_order, memory_order) {
  return __atomic_compare_exchange(&a->value, expected, &x, true, __ATOMIC_RELAXED,
                                   __ATOMIC_RELAXED);
}
#define RT_ATOMIC_UPDATE(name, expression)                                          \
  template <class T>                                                                \
  RT_FN T name(atomic<T>* a, msl::same_t<T> x, memory_order) {                      \
    T old;                                                                          \
    __atomic_load(&a->value, &old, __ATOMIC_RELAXED);                               \
    for (;;) {                                                                      \
      T next = expression;                                                          \
      if (__atomic_compare_exchange(&a->value, &old, &next, true, __ATOMIC_RELAXED, \
                                    __ATOMIC_RELAXED))                              \
        return old;                                                                 \
    }                                                                               \
  }
RT_ATOMIC_UPDATE(atomic_fetch_add_explicit, T(old + x))
RT_ATOMIC_UPDATE(atomic_fetch_sub_explicit, T(old - x))
RT_ATOMIC_UPDATE(atomic_fetch_max_explicit, (old < x ? x : old))
RT_ATOMIC_UPDATE(atomic_fetch_min_explicit, (x < old ? x : old))
RT_ATOMIC_UPDATE(atomic_fetch_or_explicit, T(old | x))
RT_ATOMIC_UPDATE(atomic_fetch_and_explicit, T(old& x))
#undef RT_ATOMIC_UPDATE

}  // namespace metal
