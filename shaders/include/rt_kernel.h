// The one header that a shader includes. On Apple it is Metal's own library and three macros;
// elsewhere shim/msl.h gives the same words a meaning.
//
// A kernel, in ordinary Metal:
//
//   kernel void add_float(device const float* a [[buffer(0)]], device const float* b [[buffer(1)]],
//                         device float* out [[buffer(2)]], constant uint& n [[buffer(3)]],
//                         uint i [[thread_position_in_grid]]) {
//     if (i < n) out[i] = a[i] + b[i];
//   }
//   RT_EXPORT(add_float)
//
// What the other compilers need of it: buffers come first, their index is their position, at most
// 31, or 12 without RT_EXPORT_WIDE; every parameter has an attribute; small values are
// `constant T&`; literals end in f; rt_shared declares threadgroup arrays in a kernel's body
// (`threadgroup` stays the qualifier of pointers to them); helpers are `inline`; no swizzles;
// threadgroups are whole simdgroups of 32 and the grid is dispatched by whole groups, so bounds are
// checked in the kernel.
#pragma once

#ifdef __METAL_VERSION__
#include <metal_simdgroup_matrix>
#include <metal_stdlib>
using namespace metal;
// Aligned, so that a float array may be read as float4.
#define rt_shared alignas(16) threadgroup
// A value that is fixed when the kernel is loaded; 0 or false where the launch gives none.
#define RT_FUNCTION_CONSTANT(type, name, index) constant type name [[function_constant(index)]];
// Names a kernel for the host. A plain kernel has its name already; RT_EXPORT_AS instantiates a
// template under a name.
#define RT_EXPORT(name)
#define RT_EXPORT_AS(host, ...) \
  template [[host_name(#host)]] [[kernel]] decltype(__VA_ARGS__) __VA_ARGS__;
// For groups of up to `threads`: how many registers a thread may take where the compiler must be
// told; Metal's own limits are a pipeline's.
#define RT_EXPORT_FOR(threads, host, ...) RT_EXPORT_AS(host, __VA_ARGS__)
// For more than 12 buffers.
#define RT_EXPORT_WIDE(host, ...) RT_EXPORT_AS(host, __VA_ARGS__)
#elif defined(RT_LIST_KERNELS)  // preprocessed only, for the names
#define RT_FUNCTION_CONSTANT(type, name, index)
#define RT_EXPORT(name) RT_KERNEL_NAME name
#define RT_EXPORT_AS(host, ...) RT_KERNEL_NAME host
#define RT_EXPORT_FOR(threads, host, ...) RT_KERNEL_NAME host
#define RT_EXPORT_WIDE(host, ...) RT_KERNEL_NAME host
#else
#include "../shim/msl.h"
#endif
