// What a reduction does with values: a state that takes values in and merges with others.
//
// C: the type that values are computed in; State: what is known of the values so far, without
// padding, since it is kept in memory between launches. add() takes N values whose positions in the
// range are `index`, `index + step`...; merge() takes the state of other values, in any order.
#pragma once

// Ordinary C++ on the host, so before Metal's words.
#include "rt_formulas.h"
//
#include "rt_lanes.h"
#include "rt_reduce_plan.h"

using namespace rt_formulas;

struct rt_plain {
  template <class C>
  static C of(C v) {
    return v;
  }
};
struct rt_magnitude {
  static float of(float v) { return abs_(v); }
};
struct rt_square {
  static float of(float v) { return v * v; }
};
struct rt_nan_to_zero {
  static float of(float v) { return v == v ? v : 0.0f; }
};

inline float rt_divided(float v, float by) { return by == 1.0f ? v : v / by; }
inline long rt_divided(long v, float) { return v; }
inline float rt_rooted(float v) { return sqrt_(v); }
inline long rt_rooted(long v) { return v; }

// U: the type to add in, where overflow has to wrap.
template <class V, class U, class Of>
struct rt_sum {
  typedef V C;
  typedef V R;
  struct State {
    U sum;
  };
  static State start() { return {U(0)}; }
  template <int N>
  static void add(thread State& s, thread const C* v, long, long) {
    U part = U(Of::of(v[0]));
    for (int k = 1; k < N; k++) part += U(Of::of(v[k]));
    s.sum += part;
  }
  static void merge(thread State& s, State o) { s.sum += o.sum; }
  static State other(State s, ushort mask) { return {U(rt_lane_xor(C(s.sum), mask))}; }
  static R result(State s, constant ReducePlan& plan) {
    const C sum = rt_divided(C(s.sum), plan.parameter);
    return plan.root ? rt_rooted(sum) : sum;
  }
  static long second(State, constant ReducePlan&) { return 0; }
};

template <class V, class U>
struct rt_product {
  typedef V C;
  typedef V R;
  struct State {
    U product;
  };
  static State start() { return {U(1)}; }
  template <int N>
  static void add(thread State& s, thread const C* v, long, long) {
    U part = U(v[0]);
    for (int k = 1; k < N; k++) part *= U(v[k]);
    s.product *= part;
  }
  static void merge(thread State& s, State o) { s.product *= o.product; }
  static State other(State s, ushort mask) { return {U(rt_lane_xor(C(s.product), mask))}; }
  static R result(State s, constant ReducePlan&) { return C(s.product); }
  static long second(State, constant ReducePlan&) { return 0; }
};

// Lowest and highest values; NaN counts as both larger and smaller than all.
template <class C>
struct rt_limits;
template <>
struct rt_limits<float> {
  static float low() { return -INFINITY; }
  static float high() { return INFINITY; }
};
template <>
struct rt_limits<int> {
  static int low() { return -2147483647 - 1; }
  static int high() { return 2147483647; }
};
template <>
struct rt_limits<long> {
  static long low() { return -9223372036854775807L - 1; }
  static long high() { return 9223372036854775807L; }
};
struct rt_largest {
  template <class C>
  static bool before(C a, C b) {
    return a > b;
  }
  // Not so of NaN.
  template <class C>
  static bool after_or_same(C a, C b) {
    return a <= b;
  }
  template <class C>
  static C worst() {
    return rt_limits<C>::low();
  }
};
struct rt_smallest {
  template <class C>
  static bool before(C a, C b) {
    return a < b;
  }
  template <class C>
  static bool after_or_same(C a, C b) {
    return a >= b;
  }
  template <class C>
  static C worst() {
    return rt_limits<C>::high();
  }
};

template <class V, class Order>
struct rt_extreme {
  typedef V C;
  typedef V R;
  struct State {
    C best;
  };
  static C pick(C kept, C v) { return Order::before(v, kept) || v != v ? v : kept; }
  static State start() { return {Order::template worst<C>()}; }
  template <int N>
  static void add(thread State& s, thread const C* v, long, long) {
    for (int k = 0; k < N; k++) s.best = pick(s.best, v[k]);
  }
  static void merge(thread State& s, State o) { s.best = pick(s.best, o.best); }
  static State other(State s, ushort mask) { return {rt_lane_xor(s.best, mask)}; }
  static R result(State s, constant ReducePlan&) { return s.best; }
  static long second(State, constant ReducePlan&) { return 0; }
};

// The first position of the extreme, or of the first NaN.
template <class V, class Order>
struct rt_position {
  typedef V C;
  typedef V R;
  struct State {
    C best;
    uint low, high;  // the position's halves; all ones: nothing seen yet
  };
  static State start() { return {C(0), ~0u, ~0u}; }
  static bool seen(State s) { return s.high != ~0u; }
  static long index(State s) { return long(ulong(s.high) << 32 | ulong(s.low)); }
  template <int N>
  static void add(thread State& s, thread const C* v, long at, long step) {
    // Seldom any of them counts.
    bool any = !seen(s);
    for (int k = 0; k < N; k++) any = any || !Order::after_or_same(v[k], s.best);
    if (!any) return;
    for (int k = 0; k < N; k++, at += step) {
      // Positions of a thread grow.
      const bool better = Order::before(v[k], s.best) || v[k] != v[k];
      if (!seen(s) || (s.best == s.best && better)) {
        s = {v[k], uint(ulong(at)), uint(ulong(at) >> 32)};
      }
    }
  }
  static void merge(thread State& s, State o) {
    if (!seen(o)) return;
    const bool nan = s.best != s.best, other_nan = o.best != o.best;
    const bool same = nan == other_nan && (nan || s.best == o.best);
    const bool better = !nan && (other_nan || Order::before(o.best, s.best));
    if (!seen(s) || better || (same && index(o) < index(s))) s = o;
  }
  static State other(State s, ushort mask) {
    return {rt_lane_xor(s.best, mask), rt_lane_xor(s.low, mask), rt_lane_xor(s.high, mask)};
  }
  static R result(State s, constant ReducePlan&) { return s.best; }
  static long second(State s, constant ReducePlan&) { return index(s); }
};

// Whether any value is not zero, or all are not.
template <bool All>
struct rt_truth {
  typedef int C;
  typedef int R;
  struct State {
    int truth;
  };
  static State start() { return {All ? 1 : 0}; }
  template <int N>
  static void add(thread State& s, thread const C* v, long, long) {
    for (int k = 0; k < N; k++) s.truth = All ? s.truth & v[k] : s.truth | v[k];
  }
  static void merge(thread State& s, State o) {
    s.truth = All ? s.truth & o.truth : s.truth | o.truth;
  }
  static State other(State s, ushort mask) { return {rt_lane_xor(s.truth, mask)}; }
  static R result(State s, constant ReducePlan&) { return s.truth; }
  static long second(State, constant ReducePlan&) { return 0; }
};

// Means and sums of squared deviations, merged by Chan, Golub and LeVeque's formula (1979).
struct rt_moments {
  typedef float C;
  typedef float R;
  struct State {
    float mean, squares, count;
  };
  static State start() { return {0.0f, 0.0f, 0.0f}; }
  template <int N>
  static void add(thread State& s, thread const C* v, long, long) {
    State part = {v[0], 0.0f, float(N)};
    for (int k = 1; k < N; k++) part.mean += v[k];
    part.mean /= float(N);
    for (int k = 0; k < N; k++) part.squares += (v[k] - part.mean) * (v[k] - part.mean);
    merge(s, part);
  }
  static void merge(thread State& s, State o) {
    if (o.count == 0.0f) return;
    const float total = s.count + o.count, delta = o.mean - s.mean, share = o.count / total;
    s.mean += delta * share;
    s.squares += o.squares + delta * delta * (s.count * share);
    s.count = total;
  }
  static State other(State s, ushort mask) {
    return {rt_lane_xor(s.mean, mask), rt_lane_xor(s.squares, mask), rt_lane_xor(s.count, mask)};
  }
  static R result(State s, constant ReducePlan& plan) {
    const float variance = s.squares / plan.parameter;
    return plan.root ? sqrt_(variance) : variance;
  }
  static R second(State s, constant ReducePlan&) { return s.count > 0.0f ? s.mean : NAN; }
};

// The logarithm of the sum of exponentials.
struct rt_log_sum {
  typedef float C;
  typedef float R;
  struct State {
    float max, sum;  // sum: of exp_(x - base_of(max))
  };
  static State start() { return {-INFINITY, 0.0f}; }
  static float higher(float a, float b) { return b > a || b != b ? b : a; }
  // Infinite and NaN maxima are not subtracted: they decide the result by themselves.
  static float base_of(float max) { return max - max == 0.0f ? max : 0.0f; }
  static float moved(float sum, float from, float to) {
    return sum > 0.0f && from != to ? sum * exp_(from - to) : sum;
  }
  template <int N>
  static void add(thread State& s, thread const C* v, long, long) {
    State part = {v[0], 0.0f};
    for (int k = 1; k < N; k++) part.max = higher(part.max, v[k]);
    const float base = base_of(part.max);
    for (int k = 0; k < N; k++) part.sum += exp_(v[k] - base);
    merge(s, part);
  }
  static void merge(thread State& s, State o) {
    const float top = higher(s.max, o.max), base = base_of(top);
    s.sum = moved(s.sum, base_of(s.max), base) + moved(o.sum, base_of(o.max), base);
    s.max = top;
  }
  static State other(State s, ushort mask) {
    return {rt_lane_xor(s.max, mask), rt_lane_xor(s.sum, mask)};
  }
  static R result(State s, constant ReducePlan&) { return log_(s.sum) + base_of(s.max); }
  static long second(State, constant ReducePlan&) { return 0; }
};
