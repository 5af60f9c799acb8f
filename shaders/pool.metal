// Pooling over windows and its gradients: an element of the result a thread. Gradients are gathered
// from the windows that cover a place, so they add up in one order.
#include "rt_kernel.h"
#include "rt_plans_pool.h"

// The least value of T: of a window without elements.
template <class T>
struct rt_least {
  static T value() { return T(ulong(1) << (sizeof(T) * 8 - 1)); }
};
template <>
struct rt_least<uchar> {
  static uchar value() { return 0; }
};
template <>
struct rt_least<float> {
  static float value() { return -INFINITY; }
};

// The type that values are compared in.
template <class T>
struct rt_ordered {
  typedef T type;
};
template <>
struct rt_ordered<half> {
  typedef float type;
};
template <>
struct rt_ordered<bfloat> {
  typedef float type;
};

// Which window, or which place, of each axis.
struct rt_cell {
  uint at[3];
};
inline rt_cell rt_cell_of(uint index, constant uint* sizes) {
  const uint row = index / sizes[2];
  return {{row / sizes[1], row % sizes[1], index % sizes[2]}};
}

// The bounds of a box of places, or of windows.
struct rt_box {
  int begin[3], end[3];
};
inline rt_box rt_bounds(device const int* table, constant uint* begin, constant uint* end,
                        rt_cell cell) {
  rt_box b;
  for (uint d = 0; d < 3; d++) {
    b.begin[d] = table[begin[d] + cell.at[d]];
    b.end[d] = table[end[d] + cell.at[d]];
  }
  return b;
}

template <class T>
kernel void rt_pool_max(device T* out [[buffer(0)]], device long* where [[buffer(1)]],
                        device const T* x [[buffer(2)]], device const int* table [[buffer(3)]],
                        constant PoolPlan& p [[buffer(4)]],
                        uint index [[thread_position_in_grid]]) {
  typedef typename rt_ordered<T>::type C;
  if (index >= p.n) return;
  const rt_box w = rt_bounds(table, p.start, p.end, rt_cell_of(index % p.out_plane, p.count));
  device const T* plane = x + ulong(index / p.out_plane) * p.in_plane;
  C best = rt_least<C>::value();
  int found = -1;
  for (int a = w.begin[0]; a < w.end[0]; a += int(p.step[0])) {
    for (int b = w.begin[1]; b < w.end[1]; b += int(p.step[1])) {
      const int row = (a * int(p.in[1]) + b) * int(p.in[2]);
      for (int c = w.begin[2]; c < w.end[2]; c += int(p.step[2])) {
        const C v = C(plane[row + c]);
        if (found < 0 || v > best || v != v) {  // NaN wins
          best = v;
          found = row + c;
        }
      }
    }
  }
  out[index] = T(best);
  where[index] = found < 0 ? 0 : found;
}
RT_EXPORT_AS(pool_max_float, rt_pool_max<float>)
RT_EXPORT_AS(pool_max_half, rt_pool_max<half>)
RT_EXPORT_AS(pool_max_bfloat, rt_pool_max<bfloat>)
RT_EXPORT_AS(pool_max_uchar, rt_pool_max<uchar>)
RT_EXPORT_AS(pool_max_char, rt_pool_max<char>)
RT_EXPORT_AS(pool_max_short, rt_pool_max<short>)
RT_EXPORT_AS(pool_max_int, rt_pool_max<int>)
RT_EXPORT_AS(pool_max_long, rt_pool_max<long>)

template <class T>
kernel void rt_pool_mean(device T* out [[buffer(0)]], device const T* x [[buffer(1)]],
                         device const float* divisor [[buffer(2)]],
                         device const int* table [[buffer(3)]], constant PoolPlan& p [[buffer(4)]],
                         uint index [[thread_position_in_grid]]) {
  if (index >= p.n) return;
  const rt_box w = rt_bounds(table, p.start, p.end, rt_cell_of(index % p.out_plane, p.count));
  device const T* plane = x + ulong(index / p.out_plane) * p.in_plane;
  float sum = 0.0f;
  for (int a = w.begin[0]; a < w.end[0]; a += int(p.step[0])) {
    for (int b = w.begin[1]; b < w.end[1]; b += int(p.step[1])) {
      const int row = (a * int(p.in[1]) + b) * int(p.in[2]);
      for (int c = w.begin[2]; c < w.end[2]; c += int(p.step[2])) sum += float(plane[row + c]);
    }
  }
  out[index] = T(sum / divisor[index % p.out_plane]);
}
RT_EXPORT_AS(pool_mean_float, rt_pool_mean<float>)
RT_EXPORT_AS(pool_mean_half, rt_pool_mean<half>)
RT_EXPORT_AS(pool_mean_bfloat, rt_pool_mean<bfloat>)

// Whether window i of axis d covers a place.
inline bool rt_covers(device const int* table, uint d, int i, uint place, constant PoolPlan& p) {
  const int start = table[p.start[d] + i], end = table[p.end[d] + i];
  return start <= int(place) && int(place) < end && (int(place) - start) % int(p.step[d]) == 0;
}

template <class T>
kernel void rt_pool_mean_grad(device T* out [[buffer(0)]], device const T* grad [[buffer(1)]],
                              device const float* divisor [[buffer(2)]],
                              device const int* table [[buffer(3)]],
                              constant PoolPlan& p [[buffer(4)]],
                              uint index [[thread_position_in_grid]]) {
  if (index >= p.n) return;
  const rt_cell place = rt_cell_of(index % p.in_plane, p.in);
  const rt_box w = rt_bounds(table, p.first, p.last, place);
  device const T* plane = grad + ulong(index / p.in_plane) * p.out_plane;
  float sum = 0.0f;
  for (int a = w.begin[0]; a < w.end[0]; a++) {
    for (int b = w.begin[1]; b < w.end[1]; b++) {
      for (int c = w.begin[2]; c < w.end[2]; c++) {
        const int at = (a * int(p.count[1]) + b) * int(p.count[2]) + c;
        if (rt_covers(table, 0, a, place.at[0], p) && rt_covers(table, 1, b, place.at[1], p) &&
            rt_covers(table, 2, c, place.at[2], p)) {
          sum += float(plane[at]) / divisor[at];
        }
      }
    }
  }
  out[index] = T(sum);
}
RT_EXPORT_AS(pool_mean_grad_float, rt_pool_mean_grad<float>)
RT_EXPORT_AS(pool_mean_grad_half, rt_pool_mean_grad<half>)
RT_EXPORT_AS(pool_mean_grad_bfloat, rt_pool_mean_grad<bfloat>)

// Of the windows that cover a place, the values of those whose index it is.
template <class T>
kernel void rt_plane_scatter(device T* out [[buffer(0)]], device const T* values [[buffer(1)]],
                             device const long* where [[buffer(2)]],
                             device const int* table [[buffer(3)]],
                             constant PoolPlan& p [[buffer(4)]],
                             uint index [[thread_position_in_grid]]) {
  if (index >= p.n) return;
  const uint place = index % p.in_plane;
  const rt_box w = rt_bounds(table, p.first, p.last, rt_cell_of(place, p.in));
  const ulong plane = ulong(index / p.in_plane) * p.out_plane;
  float sum = 0.0f;
  for (int a = w.begin[0]; a < w.end[0]; a++) {
    for (int b = w.begin[1]; b < w.end[1]; b++) {
      for (int c = w.begin[2]; c < w.end[2]; c++) {
        const ulong at = plane + ulong((a * int(p.count[1]) + b) * int(p.count[2]) + c);
        if (where[at] == long(place)) sum += float(values[at]);
      }
    }
  }
  out[index] = T(sum);
}
RT_EXPORT_AS(plane_scatter_float, rt_plane_scatter<float>)
RT_EXPORT_AS(plane_scatter_half, rt_plane_scatter<half>)
RT_EXPORT_AS(plane_scatter_bfloat, rt_plane_scatter<bfloat>)

template <class T>
kernel void rt_plane_gather(device T* out [[buffer(0)]], device const T* values [[buffer(1)]],
                            device const long* where [[buffer(2)]],
                            constant PoolPlan& p [[buffer(3)]],
                            uint index [[thread_position_in_grid]]) {
  if (index >= p.n) return;
  out[index] = values[ulong(index / p.out_plane) * p.in_plane + ulong(where[index])];
}
RT_EXPORT_AS(plane_gather_float, rt_plane_gather<float>)
RT_EXPORT_AS(plane_gather_half, rt_plane_gather<half>)
RT_EXPORT_AS(plane_gather_bfloat, rt_plane_gather<bfloat>)
