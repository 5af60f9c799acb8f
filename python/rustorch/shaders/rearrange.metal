// Items that are moved or zeroed by where they are, whatever they mean: triangles and reversals.
#include "rt_dense.h"
#include "rt_walk.h"
//
#include "rt_creation_plans.h"

template <class T>
kernel void rt_triangle(device T* out [[buffer(0)]], device const T* x [[buffer(1)]],
                        constant TrianglePlan& plan [[buffer(2)]],
                        uint thread_index [[thread_position_in_grid]]) {
  constexpr int N = 16 / sizeof(T);
  const uint at = thread_index * N;
  if (at >= plan.n) return;
  const bool whole = !rt_strided && at + N <= plan.n;
  rt_pack<T, N> v = {};
  if (whole) v = *(device const rt_pack<T, N>*)(x + at);
  const uint line = at / plan.columns;
  uint row = (plan.first_row + line) % plan.rows, column = at - line * plan.columns;
  for (int j = 0; j < N; j++) {
    const long above = long(column) - long(row);
    const bool keep = plan.upper ? above >= plan.k : above <= plan.k;
    if (!keep) {
      v.v[j] = T{};
    } else if (!whole && at + j < plan.n) {
      v.v[j] = x[at + j];
    }
    if (++column == plan.columns) {
      column = 0;
      if (++row == plan.rows) row = 0;
    }
  }
  rt_write_pack<T, N>(out, at, plan.n, v);
}
RT_EXPORT_AS(triangle_1, rt_triangle<uchar>)
RT_EXPORT_AS(triangle_2, rt_triangle<ushort>)
RT_EXPORT_AS(triangle_4, rt_triangle<uint>)
RT_EXPORT_AS(triangle_8, rt_triangle<ulong>)
RT_EXPORT_AS(triangle_16, rt_triangle<rt_item16>)

// out[e] = x[first + e], of which some strides are negative.
template <class T>
kernel void rt_flip(device T* out [[buffer(0)]], device const T* x [[buffer(1)]],
                    constant ElementwisePlan& plan [[buffer(2)]],
                    constant long& first [[buffer(3)]], uint at [[thread_position_in_grid]]) {
  if (at >= plan.n) return;
  const rt_places<2> p = rt_walk<2>(plan, at);
  out[p.at[0]] = x[first + p.at[1]];
}
RT_EXPORT_AS(flip_1, rt_flip<uchar>)
RT_EXPORT_AS(flip_2, rt_flip<ushort>)
RT_EXPORT_AS(flip_4, rt_flip<uint>)
RT_EXPORT_AS(flip_8, rt_flip<ulong>)
RT_EXPORT_AS(flip_16, rt_flip<rt_item16>)
