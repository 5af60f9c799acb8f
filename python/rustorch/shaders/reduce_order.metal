// Largest and smallest values, with and without their positions, over any dims.
#include "rt_reduce.h"

#define RT_REDUCE_ORDER(name, Op, Order)                                           \
  RT_EXPORT_AS(reduce_##name##_float, rt_reduce<Op<float, Order>, float, false>)   \
  RT_EXPORT_AS(reduce_##name##_half, rt_reduce<Op<float, Order>, half, false>)     \
  RT_EXPORT_AS(reduce_##name##_bfloat, rt_reduce<Op<float, Order>, bfloat, false>) \
  RT_EXPORT_AS(reduce_##name##_uchar, rt_reduce<Op<int, Order>, uchar, false>)     \
  RT_EXPORT_AS(reduce_##name##_char, rt_reduce<Op<int, Order>, char, false>)       \
  RT_EXPORT_AS(reduce_##name##_short, rt_reduce<Op<int, Order>, short, false>)     \
  RT_EXPORT_AS(reduce_##name##_int, rt_reduce<Op<int, Order>, int, false>)         \
  RT_EXPORT_AS(reduce_##name##_long, rt_reduce<Op<long, Order>, long, false>)      \
  RT_EXPORT_AS(reduce_parts_##name##_float, rt_reduce_parts<Op<float, Order>>)     \
  RT_EXPORT_AS(reduce_parts_##name##_int, rt_reduce_parts<Op<int, Order>>)         \
  RT_EXPORT_AS(reduce_parts_##name##_long, rt_reduce_parts<Op<long, Order>>)

RT_REDUCE_ORDER(max, rt_extreme, rt_largest)
RT_REDUCE_ORDER(min, rt_extreme, rt_smallest)
RT_REDUCE_ORDER(argmax, rt_position, rt_largest)
RT_REDUCE_ORDER(argmin, rt_position, rt_smallest)
