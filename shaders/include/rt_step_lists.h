// The buffers of a launch that steps several parameters of 2 to 5 tensors each: the parameter, its
// gradient, its state. Metal wants every index as a literal.
#pragma once

#include "rt_pack.h"

#define RT_TENSORS_2(k, i, j) device T *p##k [[buffer(i)]], device const T *g##k [[buffer(j)]]
#define RT_TENSORS_3(k, i, j, l) RT_TENSORS_2(k, i, j), device T* a##k [[buffer(l)]]
#define RT_TENSORS_4(k, i, j, l, m) RT_TENSORS_3(k, i, j, l), device T* b##k [[buffer(m)]]
#define RT_TENSORS_5(k, i, j, l, m, n) RT_TENSORS_4(k, i, j, l, m), device T* c##k [[buffer(n)]]

// clang-format off
#define RT_ALL_TENSORS_2                                                                           \
  RT_TENSORS_2(0, 0, 1), RT_TENSORS_2(1, 2, 3), RT_TENSORS_2(2, 4, 5), RT_TENSORS_2(3, 6, 7),      \
  RT_TENSORS_2(4, 8, 9), RT_TENSORS_2(5, 10, 11), RT_TENSORS_2(6, 12, 13),                         \
  RT_TENSORS_2(7, 14, 15), RT_TENSORS_2(8, 16, 17), RT_TENSORS_2(9, 18, 19),                       \
  RT_TENSORS_2(10, 20, 21), RT_TENSORS_2(11, 22, 23), RT_TENSORS_2(12, 24, 25),                    \
  RT_TENSORS_2(13, 26, 27), RT_TENSORS_2(14, 28, 29)
#define RT_ALL_TENSORS_3                                                                           \
  RT_TENSORS_3(0, 0, 1, 2), RT_TENSORS_3(1, 3, 4, 5), RT_TENSORS_3(2, 6, 7, 8),                    \
  RT_TENSORS_3(3, 9, 10, 11), RT_TENSORS_3(4, 12, 13, 14), RT_TENSORS_3(5, 15, 16, 17),            \
  RT_TENSORS_3(6, 18, 19, 20), RT_TENSORS_3(7, 21, 22, 23), RT_TENSORS_3(8, 24, 25, 26),           \
  RT_TENSORS_3(9, 27, 28, 29)
#define RT_ALL_TENSORS_4                                                                           \
  RT_TENSORS_4(0, 0, 1, 2, 3), RT_TENSORS_4(1, 4, 5, 6, 7), RT_TENSORS_4(2, 8, 9, 10, 11),         \
  RT_TENSORS_4(3, 12, 13, 14, 15), RT_TENSORS_4(4, 16, 17, 18, 19),                                \
  RT_TENSORS_4(5, 20, 21, 22, 23), RT_TENSORS_4(6, 24, 25, 26, 27)
#define RT_ALL_TENSORS_5                                                                           \
  RT_TENSORS_5(0, 0, 1, 2, 3, 4), RT_TENSORS_5(1, 5, 6, 7, 8, 9),                                  \
  RT_TENSORS_5(2, 10, 11, 12, 13, 14), RT_TENSORS_5(3, 15, 16, 17, 18, 19),                        \
  RT_TENSORS_5(4, 20, 21, 22, 23, 24), RT_TENSORS_5(5, 25, 26, 27, 28, 29)
// clang-format on

// One parameter's tensors, null where it has fewer.
template <class T>
struct rt_step_tensors {
  device T* p;
  device const T* g;
  device T* a;
  device T* b;
  device T* c;
};
#define RT_TAKE_2(k) x.p = p##k, x.g = g##k
#define RT_TAKE_3(k) RT_TAKE_2(k), x.a = a##k
#define RT_TAKE_4(k) RT_TAKE_3(k), x.b = b##k
#define RT_TAKE_5(k) RT_TAKE_4(k), x.c = c##k

// x and entry of the group: a chain that the last entry ends.
#define RT_CASE(tensors, k)         \
  if (group < plan.last_group[k]) { \
    RT_TAKE_##tensors(k);           \
    entry = k;                      \
  } else
#define RT_LAST_CASE(tensors, k) \
  {                              \
    RT_TAKE_##tensors(k);        \
    entry = k;                   \
  }
// clang-format off
#define RT_CHOOSE_2                                                                                \
  RT_CASE(2, 0) RT_CASE(2, 1) RT_CASE(2, 2) RT_CASE(2, 3) RT_CASE(2, 4) RT_CASE(2, 5)              \
  RT_CASE(2, 6) RT_CASE(2, 7) RT_CASE(2, 8) RT_CASE(2, 9) RT_CASE(2, 10) RT_CASE(2, 11)            \
  RT_CASE(2, 12) RT_CASE(2, 13) RT_LAST_CASE(2, 14)
#define RT_CHOOSE_3                                                                                \
  RT_CASE(3, 0) RT_CASE(3, 1) RT_CASE(3, 2) RT_CASE(3, 3) RT_CASE(3, 4) RT_CASE(3, 5)              \
  RT_CASE(3, 6) RT_CASE(3, 7) RT_CASE(3, 8) RT_LAST_CASE(3, 9)
#define RT_CHOOSE_4                                                                                \
  RT_CASE(4, 0) RT_CASE(4, 1) RT_CASE(4, 2) RT_CASE(4, 3) RT_CASE(4, 4) RT_CASE(4, 5)              \
  RT_LAST_CASE(4, 6)
#define RT_CHOOSE_5                                                                                \
  RT_CASE(5, 0) RT_CASE(5, 1) RT_CASE(5, 2) RT_CASE(5, 3) RT_CASE(5, 4) RT_LAST_CASE(5, 5)
// clang-format on
