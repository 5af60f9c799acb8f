// Items that are moved 16 bytes at a time, and the types that they are computed in.
#pragma once

#include "rt_kernel.h"

// Whether the operands are walked by strides, or all lie in a row on addresses of 16 bytes.
RT_FUNCTION_CONSTANT(bool, rt_strided, 0)

// The type that T is computed in.
template <class T>
struct rt_compute {
  typedef T type;
};
template <>
struct rt_compute<half> {
  typedef float type;
};
template <>
struct rt_compute<bfloat> {
  typedef float type;
};

template <class T, int N>
struct alignas(sizeof(T) * N < 16 ? sizeof(T) * N : 16) rt_pack {
  T v[N];
};

// Items of 16 bytes.
struct alignas(16) rt_item16 {
  ulong a, b;
};
