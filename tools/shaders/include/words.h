// Metal's words, by what C++ for OpenCL calls them. The four address spaces are clang's own, so
// pointers into different ones do not mix.
#pragma once
#pragma OPENCL EXTENSION cl_khr_fp16 : enable

#define thread __private
#define device __global
#define threadgroup __local
#define constant const __constant
#define double rt_metal_has_no_double

// Plain names in Metal, words in OpenCL.
#define local rt_local
#define global rt_global
#define generic rt_generic
#define atomic_int rt_atomic_int
#define atomic_uint rt_atomic_uint
#define atomic_float rt_atomic_float

// What rules.py must find again in the syntax tree; clang drops attributes that it does not know.
#define kernel __attribute__((annotate("kernel")))
#define buffer(index) clang::annotate("buffer " #index)
#define thread_position_in_grid clang::annotate("thread_position_in_grid")
#define thread_position_in_threadgroup clang::annotate("thread_position_in_threadgroup")
#define thread_index_in_threadgroup clang::annotate("thread_index_in_threadgroup")
#define threadgroup_position_in_grid clang::annotate("threadgroup_position_in_grid")
#define threads_per_threadgroup clang::annotate("threads_per_threadgroup")
#define threadgroups_per_grid clang::annotate("threadgroups_per_grid")
#define threads_per_grid clang::annotate("threads_per_grid")
#define thread_index_in_simdgroup clang::annotate("thread_index_in_simdgroup")
#define simdgroup_index_in_threadgroup clang::annotate("simdgroup_index_in_threadgroup")
#define simdgroups_per_threadgroup clang::annotate("simdgroups_per_threadgroup")
#define threads_per_simdgroup clang::annotate("threads_per_simdgroup")

typedef unsigned char uchar;
typedef unsigned short ushort;
typedef unsigned int uint;
typedef unsigned long ulong;
typedef __bf16 bfloat;
typedef __SIZE_TYPE__ size_t;
typedef __PTRDIFF_TYPE__ ptrdiff_t;
typedef signed char int8_t;
typedef short int16_t;
typedef int int32_t;
typedef long int64_t;
typedef unsigned char uint8_t;
typedef unsigned short uint16_t;
typedef unsigned int uint32_t;
typedef unsigned long uint64_t;

#define INFINITY metal::numeric_limits<float>::infinity()
#define NAN metal::numeric_limits<float>::quiet_NaN()
