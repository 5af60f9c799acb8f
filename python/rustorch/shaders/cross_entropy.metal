// The gradient of the cross entropy from logits: softmax times a scale, minus the scale at the
// class. Groups share rows: of classes for a sample, or of samples for a class.
#include "rt_rows.h"

// Whether samples lie side by side, a row for each class.
RT_FUNCTION_CONSTANT(bool, rt_by_class, 2)

// plan.inner: the number of classes.
template <class T>
kernel void cross_entropy_backward(device T* out [[buffer(0)]],
                                   device const T* logits [[buffer(1)]],
                                   device const long* target [[buffer(2)]],
                                   device const float* lse [[buffer(3)]],
                                   device const float* scale [[buffer(4)]],
                                   constant RowPlan& plan [[buffer(5)]],
                                   uint group [[threadgroup_position_in_grid]],
                                   uint thread_index [[thread_index_in_threadgroup]]) {
  constexpr int N = 16 / sizeof(T), V = 8 / N;
  const uint row = group / plan.chunks, width = plan.chunks * 256;
  const rt_place p = {row, (group - row * plan.chunks) * 256 + thread_index, width, 0, 0, 1};
  const ulong at = ulong(row) * plan.n;
  const uint sample = rt_by_class ? row / plan.inner : row;
  const long here = rt_by_class ? long(row - sample * plan.inner) : target[row];
  const ulong first = ulong(sample) * plan.n;  // of the samples in a row
  const float row_lse = rt_by_class ? 0.0f : lse[row];
  const float row_scale = rt_by_class ? 0.0f : scale[row];
  for (int k = 0; k < V; k++) {
    float v[N];
    rt_load_pack<T, N>(logits + at, plan.n, p, k, 0.0f, v);
    for (int j = 0; j < N; j++) {
      const uint i = rt_position_of<N>(p, k, j);
      if (i >= plan.n) continue;
      const float s = rt_by_class ? scale[first + i] : row_scale;
      const float l = rt_by_class ? lse[first + i] : row_lse;
      const bool hit = rt_by_class ? target[first + i] == here : long(i) == here;
      v[j] = exp_(v[j] - l) * s - (hit ? s : 0.0f);
    }
    rt_store_pack<T, N>(out + at, plan.n, p, k, v);
  }
}

#define RT_CROSS_ENTROPY(type) \
  RT_EXPORT_AS(cross_entropy_backward_##type, cross_entropy_backward<type>)
RT_CROSS_ENTROPY(float)
RT_CROSS_ENTROPY(half)
RT_CROSS_ENTROPY(bfloat)
