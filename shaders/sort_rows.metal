// The order of the rows of a matrix, and the most frequent values of sorted lines.
#include "rt_pack.h"
#include "rt_sort_keys.h"

// Whether row a comes before row b; equal rows by their numbers. No row comes after all.
template <class T>
inline bool rt_row_before(device const T* x, uint columns, uint a, uint b) {
  if (a == 0xffffffffu || b == 0xffffffffu) return a < b;
  device const T* p = x + ulong(a) * columns;
  device const T* q = x + ulong(b) * columns;
  for (uint c = 0; c < columns; c++) {
    const auto i = rt_key_of(p[c]), j = rt_key_of(q[c]);
    if (i != j) return i < j;
  }
  return a < b;
}

// As sort_blocks, with one segment a group.
template <class T>
kernel void rt_rows_blocks(device uint* places [[buffer(0)]], device const T* x [[buffer(1)]],
                           constant RowSortPlan& plan [[buffer(2)]],
                           uint thread_index [[thread_index_in_threadgroup]],
                           uint threads [[threads_per_threadgroup]],
                           uint group [[threadgroup_position_in_grid]]) {
  rt_shared uint place[RT_SORT_BLOCK];
  const uint first = group * plan.sort.width;
  for (uint e = thread_index; e < 2 * threads; e += threads) {
    const uint at = first + e;
    place[e] = e < plan.sort.width && at < plan.sort.n ? at : 0xffffffffu;
  }
  for (uint size = 2; size <= 2 * threads; size *= 2) {
    for (uint stride = size / 2; stride > 0; stride /= 2) {
      threadgroup_barrier(mem_flags::mem_threadgroup);
      const uint i = 2 * thread_index - (thread_index & (stride - 1)), j = i + stride;
      const bool up = (i & size) == 0 || size == 2 * threads;
      const uint p = place[i], q = place[j];
      if (rt_row_before(x, plan.columns, q, p) == up) {
        place[i] = q;
        place[j] = p;
      }
    }
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  for (uint e = thread_index; e < plan.sort.width; e += threads) {
    if (first + e < plan.sort.n) places[first + e] = place[e];
  }
}

template <class T>
kernel void rt_rows_merge(device uint* places_out [[buffer(0)]],
                          device const uint* places [[buffer(1)]], device const T* x [[buffer(2)]],
                          constant RowSortPlan& plan [[buffer(3)]],
                          uint at [[thread_position_in_grid]]) {
  if (at >= plan.sort.n) return;
  const uint r = at / plan.sort.width, other = r ^ 1u;
  const uint row = places[at];
  uint before = 0;
  if (other < plan.sort.runs) {
    const uint base = other * plan.sort.width;
    uint high = rt_run_length(plan.sort, other);
    while (before < high) {
      const uint middle = before + (high - before) / 2;
      if (rt_row_before(x, plan.columns, places[base + middle], row)) {
        before = middle + 1;
      } else {
        high = middle;
      }
    }
  }
  places_out[r / 2 * 2 * plan.sort.width + at - r * plan.sort.width + before] = row;
}

#define RT_SORT_ROWS(T)                            \
  RT_EXPORT_AS(rows_blocks_##T, rt_rows_blocks<T>) \
  RT_EXPORT_AS(rows_merge_##T, rt_rows_merge<T>)
RT_SORT_ROWS(uchar)
RT_SORT_ROWS(char)
RT_SORT_ROWS(short)
RT_SORT_ROWS(int)
RT_SORT_ROWS(long)
RT_SORT_ROWS(half)
RT_SORT_ROWS(bfloat)
RT_SORT_ROWS(float)

// Of each sorted line the key that occurs most, of equally frequent ones the first; its last place.
// A group has a line.
template <class T, class K>
kernel void rt_mode(device T* values [[buffer(0)]], device long* positions [[buffer(1)]],
                    device const T* x [[buffer(2)]], device const K* keys [[buffer(3)]],
                    device const uint* places [[buffer(4)]], constant uint& n [[buffer(5)]],
                    uint lane [[thread_index_in_threadgroup]],
                    uint width [[threads_per_threadgroup]],
                    uint line [[threadgroup_position_in_grid]]) {
  rt_shared ulong best[256];
  const ulong base = ulong(line) * n;
  ulong mine = 0;
  for (uint i = lane; i < n; i += width) {
    const K key = keys[base + i];
    if (i > 0 && keys[base + i - 1] == key) continue;
    uint low = i + 1, high = n;
    while (low < high) {
      const uint middle = low + (high - low) / 2;
      if (keys[base + middle] == key) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    // Longer first, then earlier.
    mine = max(mine, ulong(low - i) << 32 | (0xffffffffu - i));
  }
  best[lane] = mine;
  for (uint part = width / 2; part > 0; part /= 2) {
    threadgroup_barrier(mem_flags::mem_threadgroup);
    if (lane < part) best[lane] = max(best[lane], best[lane + part]);
  }
  if (lane == 0) {
    const uint start = 0xffffffffu - uint(best[0]);
    const uint place = places[base + start + uint(best[0] >> 32) - 1];
    values[line] = x[base + place];
    positions[line] = long(place);
  }
}
RT_EXPORT_AS(mode_1, rt_mode<uchar, uint>)
RT_EXPORT_AS(mode_2, rt_mode<ushort, uint>)
RT_EXPORT_AS(mode_4, rt_mode<uint, uint>)
RT_EXPORT_AS(mode_8, rt_mode<ulong, ulong>)
