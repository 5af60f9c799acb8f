// Sorting of lines: short runs in threadgroup memory, which are then merged by rank. Elements are
// told apart by their places, so every sort is stable.
#include "rt_pack.h"
//
#include "rt_sort_keys.h"

// A bitonic network over segments of plan.width, two elements a thread. A group has as many
// segments as it has room for.
template <class T, class K>
kernel void rt_sort_blocks(device K* keys [[buffer(0)]], device uint* places [[buffer(1)]],
                           device const T* x [[buffer(2)]], constant SortPlan& plan [[buffer(3)]],
                           uint thread_index [[thread_index_in_threadgroup]],
                           uint threads [[threads_per_threadgroup]],
                           uint group [[threadgroup_position_in_grid]]) {
  rt_shared K key[RT_SORT_BLOCK];
  rt_shared uint place[RT_SORT_BLOCK];
  const uint inside = plan.width - 1;
  const uint segments = 2 * threads / plan.width, first = group * segments;
  for (uint e = thread_index; e < 2 * threads; e += threads) {
    const uint segment = first + e / plan.width;
    const uint line = segment / plan.runs;
    const uint at = (segment - line * plan.runs) * plan.width + (e & inside);
    const bool real = line < plan.lines && at < plan.n;
    K k = ~K(0);
    if (real) {
      k = rt_key_of(x[ulong(line) * plan.n + at]);
      if (plan.descending) k = ~k;
    }
    key[e] = k;
    place[e] = real ? at : 0xffffffffu;
  }
  for (uint size = 2; size <= plan.width; size *= 2) {
    for (uint stride = size / 2; stride > 0; stride /= 2) {
      threadgroup_barrier(mem_flags::mem_threadgroup);
      const uint i = 2 * thread_index - (thread_index & (stride - 1)), j = i + stride;
      const bool up = (i & inside & size) == 0;
      const K a = key[i], b = key[j];
      const uint p = place[i], q = place[j];
      const bool less = b < a || (b == a && q < p);
      if (less == up) {
        key[i] = b;
        key[j] = a;
        place[i] = q;
        place[j] = p;
      }
    }
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  for (uint e = thread_index; e < 2 * threads; e += threads) {
    const uint segment = first + e / plan.width, at = e & inside;
    if (segment >= plan.lines * plan.runs || at >= plan.kept || place[e] == 0xffffffffu) continue;
    const ulong to = ulong(segment) * plan.kept + at;
    keys[to] = key[e];
    places[to] = place[e];
  }
}
#define RT_SORT_BLOCKS(name, T, K) RT_EXPORT_AS(sort_blocks_##name, rt_sort_blocks<T, K>)
RT_SORT_BLOCKS(uchar, uchar, uint)
RT_SORT_BLOCKS(char, char, uint)
RT_SORT_BLOCKS(short, short, uint)
RT_SORT_BLOCKS(int, int, uint)
RT_SORT_BLOCKS(long, long, ulong)
RT_SORT_BLOCKS(half, half, uint)
RT_SORT_BLOCKS(bfloat, bfloat, uint)
RT_SORT_BLOCKS(float, float, uint)

// An element's place in the merged run: its own, and how many of the other run come before it.
template <class K>
kernel void rt_sort_merge(device K* keys_out [[buffer(0)]], device uint* places_out [[buffer(1)]],
                          device const K* keys [[buffer(2)]],
                          device const uint* places [[buffer(3)]],
                          constant SortPlan& plan [[buffer(4)]],
                          uint thread_index [[thread_position_in_grid]]) {
  const uint all_runs = thread_index / plan.kept, i = thread_index - all_runs * plan.kept;
  const uint line = all_runs / plan.runs, r = all_runs - line * plan.runs;
  if (line >= plan.lines || i >= rt_run_length(plan, r)) return;
  const K k = keys[thread_index];
  const uint other = r ^ 1u;
  uint before = 0;
  if (other < plan.runs) {
    const ulong base = ulong(line * plan.runs + other) * plan.kept;
    uint high = rt_run_length(plan, other);
    while (before < high) {
      const uint middle = before + (high - before) / 2;
      const K b = keys[base + middle];
      if (r & 1u ? b <= k : b < k) {
        before = middle + 1;
      } else {
        high = middle;
      }
    }
  }
  const uint rank = i + before;
  if (rank >= plan.next_kept) return;
  const ulong to = ulong(line * ((plan.runs + 1) / 2) + r / 2) * plan.next_kept + rank;
  keys_out[to] = k;
  places_out[to] = places[thread_index];
}
RT_EXPORT_AS(sort_merge_4, rt_sort_merge<uint>)
RT_EXPORT_AS(sort_merge_8, rt_sort_merge<ulong>)

// The values at sorted places.
template <class T>
kernel void rt_sort_take(device T* values [[buffer(0)]], device long* indices [[buffer(1)]],
                         device const T* x [[buffer(2)]], device const uint* places [[buffer(3)]],
                         constant SortPlan& plan [[buffer(4)]],
                         uint thread_index [[thread_position_in_grid]]) {
  if (thread_index >= plan.lines * plan.k) return;
  const uint place = places[thread_index];
  values[thread_index] = x[ulong(thread_index / plan.k) * plan.n + place];
  indices[thread_index] = long(place);
}
RT_EXPORT_AS(sort_take_1, rt_sort_take<uchar>)
RT_EXPORT_AS(sort_take_2, rt_sort_take<ushort>)
RT_EXPORT_AS(sort_take_4, rt_sort_take<uint>)
RT_EXPORT_AS(sort_take_8, rt_sort_take<ulong>)

// Where values would be inserted among sorted boundaries.
template <class T>
kernel void rt_search(device long* out [[buffer(0)]], device const T* boundaries [[buffer(1)]],
                      device const T* values [[buffer(2)]], device const long* order [[buffer(3)]],
                      constant SearchPlan& plan [[buffer(4)]],
                      uint thread_index [[thread_position_in_grid]]) {
  if (thread_index >= plan.total) return;
  const ulong base = plan.shared ? 0 : ulong(thread_index / plan.m) * plan.n;
  const auto v = rt_key_of(values[thread_index]);
  uint low = 0, high = plan.n;
  while (low < high) {
    const uint middle = low + (high - low) / 2;
    const long at = plan.sorted_by ? order[base + middle] : long(middle);
    const auto b = rt_key_of(boundaries[base + ulong(at)]);
    if (plan.right ? b <= v : b < v) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  out[thread_index] = long(low);
}
#define RT_SEARCH(T) RT_EXPORT_AS(search_##T, rt_search<T>)
RT_SEARCH(uchar)
RT_SEARCH(char)
RT_SEARCH(short)
RT_SEARCH(int)
RT_SEARCH(long)
RT_SEARCH(half)
RT_SEARCH(bfloat)
RT_SEARCH(float)
