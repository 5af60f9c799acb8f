// Metal's words for compilers that are not Apple's: g++ and clang++ (the emulator) and NVRTC.
//
// A kernel's buffers come first, in the order of their indices; then its built-ins. Off Apple the
// attribute of a built-in expands to an attribute that compilers ignore plus a default argument, so
// that the entry point passes the buffers and the compiler fills in the rest:
//   uint gid [[thread_position_in_grid]]
//   uint gid [[rt::builtin]] = msl::at_thread_position_in_grid{}[msl::Index{}[0]]
#pragma once

#define RT_SHADER 1
#if defined(__CUDACC_RTC__)
#define RT_CUDA 1
#define RT_FN __forceinline__
#else
#define RT_CUDA 0
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#define RT_FN inline __attribute__((always_inline))
#endif

// Each stands on those before it.
// clang-format off
#include "types.h"
#include "math.h"
#if RT_CUDA
#include "cuda.h"
#else
#include "host.h"
#endif
#include "simd.h"
// clang-format on

namespace msl {
struct Index {
  RT_FN int operator[](int i) const { return i; }
};
}  // namespace msl

// From here on the words are Metal's; no other header can follow.
#define device
#define thread
#define constant const
#define threadgroup
#define kernel RT_KERNEL_DECLARATION
#define RT_BUILTIN(name) rt::builtin]] = msl::at_##name{}[msl::Index{}[0
#define buffer(n) rt::buffer_index
#define max_total_threads_per_threadgroup(n) rt::max_threads
#define thread_position_in_grid RT_BUILTIN(thread_position_in_grid)
#define thread_position_in_threadgroup RT_BUILTIN(thread_position_in_threadgroup)
#define thread_index_in_threadgroup RT_BUILTIN(thread_index_in_threadgroup)
#define threadgroup_position_in_grid RT_BUILTIN(threadgroup_position_in_grid)
#define threads_per_threadgroup RT_BUILTIN(threads_per_threadgroup)
#define threadgroups_per_grid RT_BUILTIN(threadgroups_per_grid)
#define threads_per_grid RT_BUILTIN(threads_per_grid)
#define thread_index_in_simdgroup RT_BUILTIN(thread_index_in_simdgroup)
#define simdgroup_index_in_threadgroup RT_BUILTIN(simdgroup_index_in_threadgroup)
#define simdgroups_per_threadgroup RT_BUILTIN(simdgroups_per_threadgroup)
#define threads_per_simdgroup RT_BUILTIN(threads_per_simdgroup)
#define RT_EXPORT(name) RT_EXPORT_AS(name, name)
#define uint ::msl::u32
#define ushort ::msl::u16
#define uchar ::msl::u8
#define ulong ::msl::u64
#define half ::msl::half_t
#define bfloat ::msl::bfloat_t
#define float2 ::msl::vec<float, 2>
#define float3 ::msl::vec<float, 3>
#define float4 ::msl::vec<float, 4>
#define half2 ::msl::vec<::msl::half_t, 2>
#define half4 ::msl::vec<::msl::half_t, 4>
#define bfloat2 ::msl::vec<::msl::bfloat_t, 2>
#define bfloat4 ::msl::vec<::msl::bfloat_t, 4>
#define int2 ::msl::vec<int, 2>
#define int3 ::msl::vec<int, 3>
#define int4 ::msl::vec<int, 4>
#define uint2 ::msl::vec<::msl::u32, 2>
#define uint3 ::msl::vec<::msl::u32, 3>
#define uint4 ::msl::vec<::msl::u32, 4>
#define ushort2 ::msl::vec<::msl::u16, 2>
#define ushort3 ::msl::vec<::msl::u16, 3>
#define ulong2 ::msl::vec<::msl::u64, 2>
#define bool4 ::msl::vec<bool, 4>
using namespace metal;
#if !RT_CUDA
#define inline static inline __attribute__((unused))
#endif
