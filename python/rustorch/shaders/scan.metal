// Running sums, products, logarithms of sums and extremes: along rows, which a group walks by tiles
// or several groups share, and down columns.
#include "rt_reduce_ops.h"
//
#include "rt_scan_plan.h"

// ---- What is scanned. merge(a, b): b's values come after a's. ----

template <class V, class U>
struct rt_running_sum {
  typedef V C;
  struct State {
    U total;
  };
  static State start() { return {U(0)}; }
  static State of(C v, uint) { return {U(v)}; }
  static State merge(State a, State b) { return {a.total + b.total}; }
  static State up(State s, ushort delta) { return {U(rt_lane_up(C(s.total), delta))}; }
  static State last(State s) { return {U(rt_last_lane(C(s.total)))}; }
  static C value(State s) { return C(s.total); }
  static long position(State) { return 0; }
  static constexpr constant bool has_position = false;
};
template <class V, class U>
struct rt_running_product {
  typedef V C;
  struct State {
    U total;
  };
  static State start() { return {U(1)}; }
  static State of(C v, uint) { return {U(v)}; }
  static State merge(State a, State b) { return {a.total * b.total}; }
  static State up(State s, ushort delta) { return {U(rt_lane_up(C(s.total), delta))}; }
  static State last(State s) { return {U(rt_last_lane(C(s.total)))}; }
  static C value(State s) { return C(s.total); }
  static long position(State) { return 0; }
  static constexpr constant bool has_position = false;
};
struct rt_running_log_sum {
  typedef float C;
  struct State {
    float log;
  };
  static State start() { return {-INFINITY}; }
  static State of(C v, uint) { return {v}; }
  static State merge(State a, State b) {
    const bool first = a.log > b.log || a.log != a.log;
    const float high = first ? a.log : b.log, gap = (first ? b.log : a.log) - high;
    return {gap == gap ? high + log1p_(exp_(gap)) : high};
  }
  static State up(State s, ushort delta) { return {rt_lane_up(s.log, delta)}; }
  static State last(State s) { return {rt_last_lane(s.log)}; }
  static C value(State s) { return s.log; }
  static long position(State) { return 0; }
  static constexpr constant bool has_position = false;
};
// The best so far and where: of equal ones the last; NaN, once met, stays.
template <class V, bool Largest>
struct rt_running_extreme {
  typedef V C;
  struct State {
    C best;
    uint at, seen;
  };
  static State start() { return {C(0), 0u, 0u}; }
  static State of(C v, uint i) { return {v, i, 1u}; }
  static State merge(State a, State b) {
    const bool better = Largest ? b.best >= a.best : b.best <= a.best;
    const bool takes_over = b.best != b.best || (a.best == a.best && better);
    State s = a;
    if (b.seen && (!a.seen || takes_over)) s = b;
    return s;
  }
  static State up(State s, ushort delta) {
    return {rt_lane_up(s.best, delta), rt_lane_up(s.at, delta), rt_lane_up(s.seen, delta)};
  }
  static State last(State s) {
    return {rt_last_lane(s.best), rt_last_lane(s.at), rt_last_lane(s.seen)};
  }
  static C value(State s) { return s.best; }
  static long position(State s) { return long(s.at); }
  static constexpr constant bool has_position = true;
};

// ---- Rows ----

#define RT_SCAN_EACH 4u  // values of a thread in a tile

// All of the simdgroup's states up to and with this lane's.
template <class Op>
inline typename Op::State rt_scan_lanes(typename Op::State s, uint lane) {
  for (uint delta = 1; delta < 32; delta *= 2) {
    const typename Op::State before = Op::up(s, ushort(delta));
    if (lane >= delta) s = Op::merge(before, s);
  }
  return s;
}
template <class Op>
inline typename Op::State rt_scan_before(typename Op::State inclusive, uint lane) {
  typename Op::State before = Op::up(inclusive, 1);
  if (lane == 0) before = Op::start();
  return before;
}

struct rt_scan_place {
  uint thread_index, lane, simdgroup;
};

// Walks values [begin, end) of a row by tiles, from the state `carry` on; returns the last state.
// Write: results are stored, not only passed on. 256 threads; `shared` has room for 8 states.
template <class Op, bool Write>
inline typename Op::State rt_scan_row(device typename Op::C* out, device long* positions,
                                      device const typename Op::C* x, uint begin, uint end,
                                      typename Op::State carry,
                                      threadgroup typename Op::State* shared,
                                      constant ScanPlan& plan, rt_scan_place p) {
  typedef typename Op::State State;
  for (uint tile = begin; tile < end; tile += 256 * RT_SCAN_EACH) {
    const uint first = tile + p.thread_index * RT_SCAN_EACH;
    State mine[RT_SCAN_EACH];
    State total = Op::start();
    for (uint k = 0; k < RT_SCAN_EACH; k++) {
      const uint i = first + k;
      if (i < end) total = Op::merge(total, Op::of(x[plan.reverse ? plan.n - 1 - i : i], i));
      mine[k] = total;
    }
    const State inclusive = rt_scan_lanes<Op>(total, p.lane);
    if (p.lane == 31) shared[p.simdgroup] = inclusive;
    threadgroup_barrier(mem_flags::mem_threadgroup);
    State before = carry;
    for (uint s = 0; s < 8; s++) {
      if (s == p.simdgroup) before = carry;
      carry = Op::merge(carry, shared[s]);
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);  // shared is used again
    before = Op::merge(before, rt_scan_before<Op>(inclusive, p.lane));
    for (uint k = 0; Write && k < RT_SCAN_EACH; k++) {
      const uint i = first + k;
      if (i >= end) continue;
      const State s = Op::merge(before, mine[k]);
      const uint at = plan.reverse ? plan.n - 1 - i : i;
      out[at] = Op::value(s);
      if (Op::has_position) positions[at] = Op::position(s);
    }
  }
  return carry;
}

inline uint rt_part_end(uint part, constant ScanPlan& plan) {
  const ulong end = ulong(part + 1) * plan.chunk;
  return end < plan.n ? uint(end) : plan.n;
}

// A group for each part of a row; `before`: the state before each part, if there are several.
template <class Op>
kernel void scan_rows(
    device typename Op::C* out [[buffer(0)]], device long* positions [[buffer(1)]],
    device const typename Op::C* x [[buffer(2)]],
    device const typename Op::State* before [[buffer(3)]], constant ScanPlan& plan [[buffer(4)]],
    uint group [[threadgroup_position_in_grid]], uint thread_index [[thread_index_in_threadgroup]],
    uint lane [[thread_index_in_simdgroup]], uint simdgroup [[simdgroup_index_in_threadgroup]]) {
  rt_shared typename Op::State shared[8];
  const uint row = group / plan.parts, part = group - row * plan.parts;
  const ulong at = ulong(row) * plan.n;
  typename Op::State carry = Op::start();
  if (plan.parts > 1) carry = before[group];
  rt_scan_row<Op, true>(out + at, positions + at, x + at, part * plan.chunk,
                        rt_part_end(part, plan), carry, shared, plan,
                        {thread_index, lane, simdgroup});
}

// The state of each part alone.
template <class Op>
kernel void scan_totals(device typename Op::State* totals [[buffer(0)]],
                        device const typename Op::C* x [[buffer(1)]],
                        constant ScanPlan& plan [[buffer(2)]],
                        uint group [[threadgroup_position_in_grid]],
                        uint thread_index [[thread_index_in_threadgroup]],
                        uint lane [[thread_index_in_simdgroup]],
                        uint simdgroup [[simdgroup_index_in_threadgroup]]) {
  rt_shared typename Op::State shared[8];
  const uint row = group / plan.parts, part = group - row * plan.parts;
  device const typename Op::C* values = x + ulong(row) * plan.n;
  const typename Op::State total = rt_scan_row<Op, false>(
      (device typename Op::C*)0, (device long*)0, values, part * plan.chunk,
      rt_part_end(part, plan), Op::start(), shared, plan, {thread_index, lane, simdgroup});
  if (thread_index == 0) totals[group] = total;
}

// Of the parts' states those before each part, in place; a simdgroup a row.
template <class Op>
kernel void scan_carries(device typename Op::State* states [[buffer(0)]],
                         constant ScanPlan& plan [[buffer(1)]],
                         uint thread_index [[thread_position_in_grid]],
                         uint lane [[thread_index_in_simdgroup]]) {
  typedef typename Op::State State;
  const uint row = thread_index / 32, parts = row < plan.rows ? plan.parts : 0;
  device State* mine = states + ulong(row) * plan.parts;
  State carry = Op::start();
  for (uint first = 0; first < plan.parts; first += 32) {
    const uint i = first + lane;
    State s = Op::start();
    if (i < parts) s = mine[i];
    const State inclusive = rt_scan_lanes<Op>(s, lane);
    const State before = rt_scan_before<Op>(inclusive, lane);
    if (i < parts) mine[i] = Op::merge(carry, before);
    carry = Op::merge(carry, Op::last(inclusive));
  }
}

// ---- Columns: a thread each ----

template <class Op>
kernel void scan_columns(device typename Op::C* out [[buffer(0)]],
                         device long* positions [[buffer(1)]],
                         device const typename Op::C* x [[buffer(2)]],
                         constant ScanPlan& plan [[buffer(3)]],
                         uint column [[thread_position_in_grid]]) {
  if (column >= plan.rows) return;
  const uint outer = column / plan.inner;
  const ulong first = ulong(outer) * plan.n * plan.inner + (column - outer * plan.inner);
  typename Op::State s = Op::start();
  for (uint i = 0; i < plan.n; i++) {
    const ulong at = first + ulong(plan.reverse ? plan.n - 1 - i : i) * plan.inner;
    s = Op::merge(s, Op::of(x[at], i));
    out[at] = Op::value(s);
    if (Op::has_position) positions[at] = Op::position(s);
  }
}

#define RT_SCAN(name, ...)                                     \
  RT_EXPORT_AS(scan_rows_##name, scan_rows<__VA_ARGS__>)       \
  RT_EXPORT_AS(scan_totals_##name, scan_totals<__VA_ARGS__>)   \
  RT_EXPORT_AS(scan_carries_##name, scan_carries<__VA_ARGS__>) \
  RT_EXPORT_AS(scan_columns_##name, scan_columns<__VA_ARGS__>)
RT_SCAN(sum_float, rt_running_sum<float, float>)
RT_SCAN(sum_long, rt_running_sum<long, ulong>)
RT_SCAN(prod_float, rt_running_product<float, float>)
RT_SCAN(prod_long, rt_running_product<long, ulong>)
RT_SCAN(logsumexp_float, rt_running_log_sum)
RT_SCAN(max_float, rt_running_extreme<float, true>)
RT_SCAN(max_long, rt_running_extreme<long, true>)
RT_SCAN(min_float, rt_running_extreme<float, false>)
RT_SCAN(min_long, rt_running_extreme<long, false>)
