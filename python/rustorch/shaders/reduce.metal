// Sums, products and tests of values, over any dims.
#include "rt_reduce.h"

typedef rt_sum<float, float, rt_plain> rt_sum_of_floats;
typedef rt_sum<long, ulong, rt_plain> rt_sum_of_integers;
typedef rt_sum<float, float, rt_nan_to_zero> rt_sum_without_nan;
typedef rt_sum<float, float, rt_magnitude> rt_sum_of_magnitudes;
typedef rt_sum<float, float, rt_square> rt_sum_of_squares;
typedef rt_product<float, float> rt_product_of_floats;
typedef rt_product<long, ulong> rt_product_of_integers;

#define RT_REDUCE_FLOATS(name, Op)                                   \
  RT_EXPORT_AS(reduce_##name##_float, rt_reduce<Op, float, false>)   \
  RT_EXPORT_AS(reduce_##name##_half, rt_reduce<Op, half, false>)     \
  RT_EXPORT_AS(reduce_##name##_bfloat, rt_reduce<Op, bfloat, false>) \
  RT_EXPORT_AS(reduce_parts_##name##_float, rt_reduce_parts<Op>)
#define RT_REDUCE_INTEGERS(name, Op)                               \
  RT_EXPORT_AS(reduce_##name##_uchar, rt_reduce<Op, uchar, false>) \
  RT_EXPORT_AS(reduce_##name##_char, rt_reduce<Op, char, false>)   \
  RT_EXPORT_AS(reduce_##name##_short, rt_reduce<Op, short, false>) \
  RT_EXPORT_AS(reduce_##name##_int, rt_reduce<Op, int, false>)     \
  RT_EXPORT_AS(reduce_##name##_long, rt_reduce<Op, long, false>)   \
  RT_EXPORT_AS(reduce_parts_##name##_long, rt_reduce_parts<Op>)
#define RT_REDUCE_TRUTHS(name, Op)                                  \
  RT_EXPORT_AS(reduce_##name##_uchar, rt_reduce<Op, uchar, true>)   \
  RT_EXPORT_AS(reduce_##name##_short, rt_reduce<Op, short, true>)   \
  RT_EXPORT_AS(reduce_##name##_int, rt_reduce<Op, int, true>)       \
  RT_EXPORT_AS(reduce_##name##_long, rt_reduce<Op, long, true>)     \
  RT_EXPORT_AS(reduce_##name##_float, rt_reduce<Op, float, true>)   \
  RT_EXPORT_AS(reduce_##name##_half, rt_reduce<Op, half, true>)     \
  RT_EXPORT_AS(reduce_##name##_bfloat, rt_reduce<Op, bfloat, true>) \
  RT_EXPORT_AS(reduce_parts_##name##_int, rt_reduce_parts<Op>)

RT_REDUCE_FLOATS(sum, rt_sum_of_floats)
RT_REDUCE_INTEGERS(sum, rt_sum_of_integers)
RT_REDUCE_FLOATS(nansum, rt_sum_without_nan)
RT_REDUCE_FLOATS(norm1, rt_sum_of_magnitudes)
RT_REDUCE_FLOATS(norm2, rt_sum_of_squares)
RT_REDUCE_FLOATS(prod, rt_product_of_floats)
RT_REDUCE_INTEGERS(prod, rt_product_of_integers)
RT_REDUCE_FLOATS(var, rt_moments)
RT_REDUCE_FLOATS(logsumexp, rt_log_sum)
RT_REDUCE_TRUTHS(any, rt_truth<false>)
RT_REDUCE_TRUTHS(all, rt_truth<true>)
