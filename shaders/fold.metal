// Sliding windows as columns, and back: an element of the result a thread.
#include "rt_kernel.h"
#include "rt_plans_fold.h"

// Items are moved as they are, whatever they mean; zeros stand beyond the edges.
template <class T>
kernel void rt_unfold(device T* columns [[buffer(0)]], device const T* x [[buffer(1)]],
                      constant FoldPlan& p [[buffer(2)]], uint index [[thread_position_in_grid]]) {
  if (index >= p.n) return;
  const uint column = index % p.windows[1], kx = index / p.windows[1] / p.windows[0];
  const uint row = index / p.windows[1] % p.windows[0], ky = kx / p.kernel_size[1];
  const ulong plane = ky / p.kernel_size[0];
  // Before the edge is far beyond it too, as unsigned numbers go.
  const uint y = row * p.stride[0] + ky % p.kernel_size[0] * p.dilation[0] - p.padding[0],
             z = column * p.stride[1] + kx % p.kernel_size[1] * p.dilation[1] - p.padding[1];
  T item = T(0);
  if (y < p.size[0] && z < p.size[1]) item = x[(plane * p.size[0] + y) * p.size[1] + z];
  columns[index] = item;
}
RT_EXPORT_AS(unfold_1, rt_unfold<uchar>)
RT_EXPORT_AS(unfold_2, rt_unfold<ushort>)
RT_EXPORT_AS(unfold_4, rt_unfold<uint>)
RT_EXPORT_AS(unfold_8, rt_unfold<ulong>)
RT_EXPORT_AS(unfold_16, rt_unfold<uint4>)

// The window that has a place at one of its taps; as many as there are if none has.
inline uint rt_fold_window(uint place, uint tap, uint d, constant FoldPlan& p) {
  const uint begin = place + p.padding[d], offset = tap * p.dilation[d];
  if (begin < offset || (begin - offset) % p.stride[d] != 0) return p.windows[d];
  return min((begin - offset) / p.stride[d], p.windows[d]);
}

// What a sum of T is kept as.
template <class T>
struct rt_fold_sum {
  static float add(float a, float b) { return a + b; }
};
template <>
struct rt_fold_sum<uchar> {
  static uchar add(uchar a, uchar b) { return a || b; }
};

template <class T>
kernel void rt_fold(device T* x [[buffer(0)]], device const T* columns [[buffer(1)]],
                    constant FoldPlan& p [[buffer(2)]], uint index [[thread_position_in_grid]]) {
  if (index >= p.n) return;
  const uint z = index % p.size[1], y = index / p.size[1] % p.size[0];
  const ulong plane = index / p.size[1] / p.size[0];
  T sum = T(0);
  for (uint ky = 0; ky < p.kernel_size[0]; ky++) {
    const uint row = rt_fold_window(y, ky, 0, p);
    for (uint kx = 0; kx < p.kernel_size[1] && row < p.windows[0]; kx++) {
      const uint column = rt_fold_window(z, kx, 1, p);
      if (column < p.windows[1]) {
        const ulong tap = (plane * p.kernel_size[0] + ky) * p.kernel_size[1] + kx;
        sum = rt_fold_sum<T>::add(sum, columns[(tap * p.windows[0] + row) * p.windows[1] + column]);
      }
    }
  }
  x[index] = sum;
}
RT_EXPORT_AS(fold_float, rt_fold<float>)
RT_EXPORT_AS(fold_bool, rt_fold<uchar>)
