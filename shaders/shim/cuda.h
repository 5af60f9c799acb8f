// Built-ins, barriers, atomics and entry points of shaders on NVIDIA. Compile with -default-device.
#pragma once

#define RT_KERNEL_DECLARATION static __forceinline__
#define rt_shared alignas(16) __shared__

namespace msl {

template <int... I>
struct sequence {};
template <int N, int... I>
struct make_sequence : make_sequence<N - 1, N - 1, I...> {};
template <int... I>
struct make_sequence<0, I...> {
  using type = sequence<I...>;
};

RT_FN u32 linear_index() {
  return threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
}
RT_FN u32 lane_in_simdgroup() {
  u32 lane;
  asm("mov.u32 %0, %%laneid;" : "=r"(lane));
  return lane;
}
#define RT_CUDA_BUILTIN(name, ...)                                       \
  struct at_##name {                                                     \
    RT_FN Builtin operator[](int) const { return Builtin{__VA_ARGS__}; } \
  };
RT_CUDA_BUILTIN(thread_position_in_grid, blockIdx.x* blockDim.x + threadIdx.x,
                blockIdx.y* blockDim.y + threadIdx.y, blockIdx.z* blockDim.z + threadIdx.z)
RT_CUDA_BUILTIN(thread_position_in_threadgroup, threadIdx.x, threadIdx.y, threadIdx.z)
RT_CUDA_BUILTIN(thread_index_in_threadgroup, linear_index(), 0, 0)
RT_CUDA_BUILTIN(threadgroup_position_in_grid, blockIdx.x, blockIdx.y, blockIdx.z)
RT_CUDA_BUILTIN(threads_per_threadgroup, blockDim.x, blockDim.y, blockDim.z)
RT_CUDA_BUILTIN(threadgroups_per_grid, gridDim.x, gridDim.y, gridDim.z)
RT_CUDA_BUILTIN(threads_per_grid, gridDim.x* blockDim.x, gridDim.y* blockDim.y,
                gridDim.z* blockDim.z)
RT_CUDA_BUILTIN(thread_index_in_simdgroup, lane_in_simdgroup(), 0, 0)
RT_CUDA_BUILTIN(simdgroup_index_in_threadgroup, linear_index() / 32, 0, 0)
RT_CUDA_BUILTIN(simdgroups_per_threadgroup, (blockDim.x * blockDim.y * blockDim.z + 31) / 32, 0, 0)
RT_CUDA_BUILTIN(threads_per_simdgroup, 32, 1, 1)
#undef RT_CUDA_BUILTIN

// The next kernel may take what processors this one leaves idle; both touch memory only when the
// one before them has ended.
RT_FN void after_the_one_before() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;\n\tgriddepcontrol.wait;" ::: "memory");
#endif
}

// An entry point's parameter: pointers stay, a constant T& travels by value.
template <class A>
struct parameter {
  using type = none;
};
template <class T>
struct parameter<T*> {
  using type = T*;
};
template <class T>
struct parameter<const T&> {
  using type = T;
};
template <class A>
struct pass;
template <class T>
struct pass<T*> {
  static RT_FN T* get(T* p) { return p; }
};
template <class T>
struct pass<const T&> {
  static RT_FN const T& get(const T& p) { return p; }
};
// The I-th of the entry point's parameters.
template <int I, class H, class... R>
RT_FN const auto& pick(const H& first, const R&... rest) {
  if constexpr (I == 0) {
    return first;
  } else {
    return pick<I - 1>(rest...);
  }
}

}  // namespace msl

// Fixed when the kernel is compiled: -DRT_CONSTANT_0=1.
#define RT_FUNCTION_CONSTANT(type, name, index) \
  static constexpr type name = type(RT_CONSTANT_##index);

// With RT_ONLY_SELECTED a compilation makes only the kernels that -DRT_SELECT_<host>=1 names.
#define RT_JOIN_(a, b) a##b
#define RT_JOIN(a, b) RT_JOIN_(a, b)
#define RT_SECOND_(a, b, ...) b
#define RT_SECOND(...) RT_SECOND_(__VA_ARGS__)
#define RT_FOUND_1 ~, 1
#define RT_IS_ONE(x) RT_SECOND(RT_JOIN(RT_FOUND_, x), 0, 0)
#define RT_EXPORT_IF_0(...)
#define RT_EXPORT_IF_1(count, bounds, host, ...) RT_EXPORT_ENTRY(count, bounds, host, __VA_ARGS__)
#ifdef RT_ONLY_SELECTED
#define RT_EXPORT_BOUNDED(count, bounds, host, ...) \
  RT_JOIN(RT_EXPORT_IF_, RT_IS_ONE(RT_SELECT_##host))(count, bounds, host, __VA_ARGS__)
#else
#define RT_EXPORT_BOUNDED(count, bounds, host, ...) \
  RT_EXPORT_ENTRY(count, bounds, host, __VA_ARGS__)
#endif
#define RT_EXPORT_AS(host, ...) RT_EXPORT_BOUNDED(12, , host, __VA_ARGS__)
#define RT_EXPORT_WIDE(host, ...) RT_EXPORT_BOUNDED(31, , host, __VA_ARGS__)
#define RT_EXPORT_FOR(threads, host, ...) \
  RT_EXPORT_BOUNDED(12, __launch_bounds__(threads, 1), host, __VA_ARGS__)

// extern "C" <host>__k with `count` parameters: the kernel's buffers, then empty ones. A launch
// pays for each, so only kernels with many buffers have 31.
#define RT_EXPORT_ENTRY(count, bounds, host, ...)                                           \
  struct rt_entry_##host {                                                                  \
    using Signature = msl::signature<decltype(&__VA_ARGS__)>;                               \
    static_assert(Signature::buffers <= count, "more than 12 buffers take RT_EXPORT_WIDE"); \
    template <int... I, class... P>                                                         \
    static __forceinline__ void call(msl::sequence<I...>, const P&... p) {                  \
      __VA_ARGS__(                                                                          \
          msl::pass<typename Signature::template argument<I>>::get(msl::pick<I>(p...))...); \
    }                                                                                       \
    template <int I>                                                                        \
    using P = typename msl::parameter<typename Signature::template argument<I>>::type;      \
  };                                                                                        \
  extern "C" __global__ void bounds host##__k(RT_PARAMETERS_##count(host)) {                \
    msl::after_the_one_before();                                                            \
    rt_entry_##host::call(                                                                  \
        typename msl::make_sequence<rt_entry_##host::Signature::buffers>::type{},           \
        RT_ARGUMENTS_##count);                                                              \
  }
#define RT_P(host, i) const __grid_constant__ rt_entry_##host::P<i> p##i
#define RT_PARAMETERS_12(host)                                                              \
  RT_P(host, 0), RT_P(host, 1), RT_P(host, 2), RT_P(host, 3), RT_P(host, 4), RT_P(host, 5), \
      RT_P(host, 6), RT_P(host, 7), RT_P(host, 8), RT_P(host, 9), RT_P(host, 10), RT_P(host, 11)
#define RT_PARAMETERS_31(host)                                                            \
  RT_PARAMETERS_12(host), RT_P(host, 12), RT_P(host, 13), RT_P(host, 14), RT_P(host, 15), \
      RT_P(host, 16), RT_P(host, 17), RT_P(host, 18), RT_P(host, 19), RT_P(host, 20),     \
      RT_P(host, 21), RT_P(host, 22), RT_P(host, 23), RT_P(host, 24), RT_P(host, 25),     \
      RT_P(host, 26), RT_P(host, 27), RT_P(host, 28), RT_P(host, 29), RT_P(host, 30)
#define RT_ARGUMENTS_12 p0, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11
#define RT_ARGUMENTS_31                                                                            \
  RT_ARGUMENTS_12, p12, p13, p14, p15, p16, p17, p18, p19, p20, p21, p22, p23, p24, p25, p26, p27, \
      p28, p29, p30

namespace metal {

RT_FN void threadgroup_barrier(mem_flags) { __syncthreads(); }
RT_FN void simdgroup_barrier(mem_flags) { __syncwarp(); }

template <class T>
RT_FN T atomic_load_explicit(const atomic<T>* a, memory_order) {
  return *(const volatile T*)&a->value;
}
template <class T>
RT_FN void atomic_store_explicit(atomic<T>* a, msl::same_t<T> x, memory_order) {
  *(volatile T*)&a->value = x;
}
template <class T>
RT_FN bool atomic_compare_exchange_weak_explicit(atomic<T>* a, T* expected, msl::same_t<T> x,
                                                 memory_order, memory_order) {
  const T old = atomicCAS(&a->value, *expected, x);
  const bool same = old == *expected;
  *expected = old;
  return same;
}
#define RT_ATOMIC(name, expression)                            \
  template <class T>                                           \
  RT_FN T name(atomic<T>* a, msl::same_t<T> x, memory_order) { \
    return expression;                                         \
  }
RT_ATOMIC(atomic_exchange_explicit, atomicExch(&a->value, x))
RT_ATOMIC(atomic_fetch_add_explicit, atomicAdd(&a->value, x))
RT_ATOMIC(atomic_fetch_sub_explicit, atomicAdd(&a->value, T(-x)))
RT_ATOMIC(atomic_fetch_max_explicit, atomicMax(&a->value, x))
RT_ATOMIC(atomic_fetch_min_explicit, atomicMin(&a->value, x))
RT_ATOMIC(atomic_fetch_or_explicit, atomicOr(&a->value, x))
RT_ATOMIC(atomic_fetch_and_explicit, atomicAnd(&a->value, x))
#undef RT_ATOMIC

}  // namespace metal
