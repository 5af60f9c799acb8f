// The places of bytes that are not zero, and numbers of runs: counts of blocks, their running sum,
// then every element from its block's.
#include "rt_pack.h"
//
#include "rt_index_plans.h"

#define RT_COUNT_THREADS 256
#define RT_COUNT_EACH 16

struct rt_bytes {
  uchar v[RT_COUNT_EACH];
  uint set;  // how many are not 0
};

inline rt_bytes rt_read_bytes(device const uchar* x, uint at, uint n) {
  rt_bytes b = {{}, 0};
  if (at + RT_COUNT_EACH <= n) {
    const rt_pack<uchar, RT_COUNT_EACH> p = *(device const rt_pack<uchar, RT_COUNT_EACH>*)(x + at);
    for (int j = 0; j < RT_COUNT_EACH; j++) b.v[j] = p.v[j];
  } else {
    for (uint j = 0; j < RT_COUNT_EACH; j++) b.v[j] = at + j < n ? x[at + j] : 0;
  }
  for (int j = 0; j < RT_COUNT_EACH; j++) b.set += b.v[j] != 0 ? 1 : 0;
  return b;
}

// The sum of what the threads of the group before this one give; all must call it.
inline uint rt_before(uint mine, threadgroup uint* parts, uint lane, uint simdgroup) {
  const uint sum = simd_prefix_inclusive_sum(mine);
  if (lane == 31) parts[simdgroup] = sum;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  uint before = sum - mine;
  for (uint s = 0; s < simdgroup; s++) before += parts[s];
  return before;
}

kernel void nonzero_count(device uint* counts [[buffer(0)]], device const uchar* x [[buffer(1)]],
                          constant uint& n [[buffer(2)]], uint i [[thread_position_in_grid]],
                          uint thread_index [[thread_index_in_threadgroup]],
                          uint lane [[thread_index_in_simdgroup]],
                          uint simdgroup [[simdgroup_index_in_threadgroup]],
                          uint group [[threadgroup_position_in_grid]]) {
  rt_shared uint parts[RT_COUNT_THREADS / 32];
  const uint at = i * RT_COUNT_EACH;
  const uint mine = at < n ? rt_read_bytes(x, at, n).set : 0;
  const uint before = rt_before(mine, parts, lane, simdgroup);
  if (thread_index == RT_COUNT_THREADS - 1) counts[group] = before + mine;
}
RT_EXPORT(nonzero_count)

// counts becomes the sums of what is before each; one group.
kernel void nonzero_scan(device uint* counts [[buffer(0)]], device uint* total [[buffer(1)]],
                         constant uint& n [[buffer(2)]],
                         uint thread_index [[thread_index_in_threadgroup]],
                         uint lane [[thread_index_in_simdgroup]],
                         uint simdgroup [[simdgroup_index_in_threadgroup]]) {
  rt_shared uint parts[RT_COUNT_THREADS / 32];
  rt_shared uint carry;
  uint running = 0;
  for (uint begin = 0; begin < n; begin += RT_COUNT_THREADS) {
    const uint i = begin + thread_index;
    const uint mine = i < n ? counts[i] : 0;
    const uint before = running + rt_before(mine, parts, lane, simdgroup);
    if (i < n) counts[i] = before;
    if (thread_index == RT_COUNT_THREADS - 1) carry = before + mine;
    threadgroup_barrier(mem_flags::mem_threadgroup);
    running = carry;
    threadgroup_barrier(mem_flags::mem_threadgroup);
  }
  if (thread_index == 0) total[0] = running;
}
RT_EXPORT(nonzero_scan)

// One row of places a dim.
kernel void nonzero_write(device long* places [[buffer(0)]], device const uchar* x [[buffer(1)]],
                          device const uint* before_group [[buffer(2)]],
                          constant NonzeroPlan& plan [[buffer(3)]],
                          uint i [[thread_position_in_grid]],
                          uint lane [[thread_index_in_simdgroup]],
                          uint simdgroup [[simdgroup_index_in_threadgroup]],
                          uint group [[threadgroup_position_in_grid]]) {
  rt_shared uint parts[RT_COUNT_THREADS / 32];
  const uint at = i * RT_COUNT_EACH;
  rt_bytes b = {{}, 0};
  if (at < plan.n) b = rt_read_bytes(x, at, plan.n);
  ulong to = before_group[group] + rt_before(b.set, parts, lane, simdgroup);
  for (uint j = 0; j < RT_COUNT_EACH; j++) {
    if (b.v[j] == 0) continue;
    uint left = at + j;
    for (uint d = plan.rank; d-- > 0;) {
      const uint next = left / plan.sizes[d];
      places[d * plan.total + to] = long(left - next * plan.sizes[d]);
      left = next;
    }
    to++;
  }
}
RT_EXPORT(nonzero_write)

// numbers[i] = how many of x[0..i] are set, minus one.
kernel void number_runs(device long* numbers [[buffer(0)]], device const uchar* x [[buffer(1)]],
                        device const uint* before_group [[buffer(2)]],
                        constant uint& n [[buffer(3)]], uint i [[thread_position_in_grid]],
                        uint lane [[thread_index_in_simdgroup]],
                        uint simdgroup [[simdgroup_index_in_threadgroup]],
                        uint group [[threadgroup_position_in_grid]]) {
  rt_shared uint parts[RT_COUNT_THREADS / 32];
  const uint at = i * RT_COUNT_EACH;
  rt_bytes b = {{}, 0};
  if (at < n) b = rt_read_bytes(x, at, n);
  long run = long(before_group[group] + rt_before(b.set, parts, lane, simdgroup)) - 1;
  for (uint j = 0; j < RT_COUNT_EACH; j++) {
    if (b.v[j] != 0) run++;
    if (at + j < n) numbers[at + j] = run;
  }
}
RT_EXPORT(number_runs)
