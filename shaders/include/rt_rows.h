// Rows that a simdgroup or a threadgroup works on together: their values in registers, and sums
// over them. A thread holds E values of a row.
#pragma once

// Ordinary C++ on the host, so before Metal's words.
#include "rt_formulas.h"
//
#include "rt_lanes.h"
#include "rt_row_plan.h"

using namespace rt_formulas;

// Whether a row is a whole threadgroup's, or a simdgroup's.
RT_FUNCTION_CONSTANT(bool, rt_whole_group, 0)
// Whether rows begin on addresses of 16 bytes and are whole packs.
RT_FUNCTION_CONSTANT(bool, rt_packed, 1)

// A thread's place.
struct rt_place {
  uint row;
  uint index, width;  // of the threads that share the row
  uint lane, simdgroup, simdgroups;
};
inline rt_place rt_place_of(uint group, uint thread_index, uint lane, uint simdgroup,
                            uint simdgroups) {
  if (rt_whole_group) {
    return {group, thread_index, simdgroups * 32, lane, simdgroup, simdgroups};
  }
  return {group * simdgroups + simdgroup, lane, 32, lane, simdgroup, simdgroups};
}

// The position in the row of the j-th value of the k-th pack of a thread.
template <int N>
inline uint rt_position_of(rt_place p, uint k, uint j) {
  return rt_packed ? (k * p.width + p.index) * N + j : (k * N + j) * p.width + p.index;
}

template <class T, int N>
inline void rt_load_pack(device const T* row, uint n, rt_place p, uint k, float missing,
                         thread float* v) {
  if (rt_packed) {
    const uint i = rt_position_of<N>(p, k, 0);
    if (i < n) {
      const rt_pack16<T> pack = *(device const rt_pack16<T>*)(row + i);
      for (int j = 0; j < N; j++) v[j] = float(pack.v[j]);
    } else {
      for (int j = 0; j < N; j++) v[j] = missing;
    }
    return;
  }
  for (int j = 0; j < N; j++) {
    const uint i = rt_position_of<N>(p, k, j);
    v[j] = missing;
    if (i < n) v[j] = float(row[i]);
  }
}
// A type of 16 bits: T, where it is one.
template <class T>
struct rt_small {
  typedef T type;
};
template <>
struct rt_small<float> {
  typedef half type;
};
// A pack as it lies in memory, for rows that are kept while they are summed: 16-bit values two a
// word, which is what they would take of registers each.
struct alignas(16) rt_words16 {
  uint words[4];
};
template <class T>
struct rt_kept_pack {
  uint words[4];

  float get(int j) thread const {
    if (sizeof(T) == 4) return as_type<float>(words[j & 3]);
    return float(as_type<bits>(ushort(words[j / 2 & 3] >> j % 2 * 16)));
  }
  void set(int j, T value) thread {
    if (sizeof(T) == 4) {
      words[j & 3] = as_type<uint>(float(value));
      return;
    }
    const uint word = as_type<ushort>(bits(value));
    words[j / 2 & 3] = j % 2 == 0 ? word : words[j / 2 & 3] | word << 16;
  }
  typedef typename rt_small<T>::type bits;
};
template <class T, int N>
inline rt_kept_pack<T> rt_keep_pack(device const T* row, uint n, rt_place p, uint k,
                                    float missing) {
  rt_kept_pack<T> kept;
  const uint first = rt_position_of<N>(p, k, 0);
  if (rt_packed && first < n) {
    const rt_words16 item = *(device const rt_words16*)(row + first);
    for (int j = 0; j < 4; j++) kept.words[j] = item.words[j];
    return kept;
  }
  for (int j = 0; j < N; j++) {
    const uint i = rt_position_of<N>(p, k, j);
    T value = T(missing);
    if (!rt_packed && i < n) value = row[i];
    kept.set(j, value);
  }
  return kept;
}
// The same where rows are packed without asking whether the pack is in the row, so that all loads
// of a thread go out together: a pack beyond it has values of the first, which rt_has_pack knows.
template <class T, int N>
inline rt_kept_pack<T> rt_fetch_pack(device const T* row, uint n, rt_place p, uint k) {
  if (!rt_packed) return rt_keep_pack<T, N>(row, n, p, k, 0.0f);
  const uint first = rt_position_of<N>(p, k, 0);
  const rt_words16 item = *(device const rt_words16*)(row + (first < n ? first : 0));
  rt_kept_pack<T> kept;
  for (int j = 0; j < 4; j++) kept.words[j] = item.words[j];
  return kept;
}
template <int N>
inline bool rt_has_pack(uint n, rt_place p, uint k) {
  return !rt_packed || rt_position_of<N>(p, k, 0) < n;
}
template <class T, int N>
inline void rt_store_pack(device T* row, uint n, rt_place p, uint k, thread const float* v) {
  if (rt_packed) {
    const uint i = rt_position_of<N>(p, k, 0);
    if (i >= n) return;
    rt_pack16<T> pack;
    for (int j = 0; j < N; j++) pack.v[j] = T(v[j]);
    *(device rt_pack16<T>*)(row + i) = pack;
    return;
  }
  for (int j = 0; j < N; j++) {
    const uint i = rt_position_of<N>(p, k, j);
    if (i < n) row[i] = T(v[j]);
  }
}
// Packs of a thread that cover a row of n.
template <int N>
inline uint rt_packs_of(uint n, rt_place p) {
  return (n + p.width * N - 1) / (p.width * N);
}

// ---- Values of all threads of a row put together; every thread gets the result. ----

struct rt_add {
  static float of(float a, float b) { return a + b; }
  static float start() { return 0.0f; }
};
// NaN is passed over.
struct rt_highest {
  static float of(float a, float b) { return fmax(a, b); }
  static float start() { return -INFINITY; }
};

template <class Op>
inline float rt_over_simdgroup(float v) {
  for (ushort mask = 16; mask > 0; mask /= 2) v = Op::of(v, rt_lane_xor(v, mask));
  return v;
}
// `shared` has room for 32 numbers, and is no other call's.
template <class Op>
inline float rt_over_row(float v, threadgroup float* shared, rt_place p) {
  v = rt_over_simdgroup<Op>(v);
  if (!rt_whole_group || p.simdgroups == 1) return v;
  if (p.lane == 0) shared[p.simdgroup] = v;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  float part = Op::start();
  if (p.lane < p.simdgroups) part = shared[p.lane];
  return rt_over_simdgroup<Op>(part);
}
