// What the gradients of attention subtract from each row's slopes.
#include "rt_heads.h"

// The product of each row of the result with its gradient: a simdgroup a row.
template <class T>
kernel void attention_mean(device const T* out [[buffer(0)]], device const T* grad [[buffer(1)]],
                           device float* mean [[buffer(2)]],
                           constant AttentionPlan& p [[buffer(3)]],
                           constant AttentionSpan& span [[buffer(4)]],
                           uint position [[thread_position_in_grid]],
                           uint lane [[thread_index_in_simdgroup]]) {
  const uint row = position / 32, from = span.query + row;
  const uint head = span.head + from / p.queries, i = from % p.queries;
  float sum = 0.0f;
  if (row < span.count) {
    device const T* left = out + rt_head_at(head, p, p.out, 1) + long(i) * p.out.row;
    device const T* right = grad + rt_head_at(head, p, p.slope, 1) + long(i) * p.slope.row;
    for (uint e = lane; e < p.values; e += 32) sum += float(left[e]) * float(right[e]);
  }
  sum = simd_sum(sum);
  if (row < span.count && lane == 0) mean[ulong(head) * p.queries + i] = sum;
}
RT_EXPORT_AS(attention_mean_float, attention_mean<float>)
RT_EXPORT_AS(attention_mean_half, attention_mean<half>)
RT_EXPORT_AS(attention_mean_bfloat, attention_mean<bfloat>)
