// Products of 16-bit matrices in blocks of 8 x 8 that a simdgroup holds together, summed in float:
// simdgroup matrices, or what the shim has in their place (shim/blocks.h). A lane has two elements
// of a block, side by side in one row.
#pragma once

#include "rt_kernel.h"

#if RT_CUDA
#include "../shim/blocks.h"
#else

// Where a lane's elements are. Lanes whose numbers differ in these bits share a row.
enum { rt_row_lane_1 = 1, rt_row_lane_2 = 8 };
inline uint rt_block_row(uint lane) { return (lane / 4 & 4) + lane / 2 % 4; }
inline uint rt_block_col(uint lane) { return (lane / 4 & 2) * 2 + lane % 2 * 2; }

template <class T>
struct rt_block {
  simdgroup_matrix<T, 8, 8> m;
  void set(float first, float second) thread {
    m.thread_elements()[0] = T(first);
    m.thread_elements()[1] = T(second);
  }
};
struct rt_block_sum {
  simdgroup_float8x8 m;
  float get(int i) thread { return m.thread_elements()[i]; }
  void set(int i, float value) thread { m.thread_elements()[i] = value; }
};

// The left side of a product: four blocks of 16 x 16 elements in memory, row by row.
template <class T>
inline void rt_load_left(thread rt_block<T>* b, threadgroup const T* from, uint step, uint) {
  for (uint i = 0; i < 4; i++) simdgroup_load(b[i].m, from + i / 2 * 8 * step + i % 2 * 8, step);
}
// Two right sides of 16 x 8 elements, beside each other or, where their transpose is in memory,
// below each other: of each the upper block, then the lower one.
template <bool Turned, class T>
inline void rt_load_right(thread rt_block<T>* b, threadgroup const T* from, uint step, uint) {
  for (uint i = 0; i < 4; i++) {
    const uint side = i / 2 * 8, part = i % 2 * 8;
    simdgroup_load(b[i].m, Turned ? from + side * step + part : from + part * step + side, step,
                   ulong2(0), Turned);
  }
}
template <class T>
inline void rt_store_block(threadgroup T* to, rt_block<T> b, uint step, uint) {
  simdgroup_store(b.m, to, step);
}

// sum (16 x 8, two blocks) += a (16 x 16, four blocks row by row) times the blocks upper and lower.
template <class T>
inline void rt_multiply_blocks(thread rt_block_sum* sum, thread const rt_block<T>* a,
                               rt_block<T> upper, rt_block<T> lower) {
  for (int i = 0; i < 2; i++) {
    simdgroup_multiply_accumulate(sum[i].m, a[i * 2].m, upper.m, sum[i].m);
    simdgroup_multiply_accumulate(sum[i].m, a[i * 2 + 1].m, lower.m, sum[i].m);
  }
}

// Copies 16 bytes, or zeros; where copies run beside the computation they are there after
// rt_copies_wait, which leaves the last `Left` bunches that rt_copies_begun closed on their way.
template <class T>
inline void rt_copy16(threadgroup T* to, device const T* from, bool there) {
  uint4 item = uint4(0);
  if (there) item = *(device const uint4*)from;
  *(threadgroup uint4*)to = item;
}
inline void rt_copies_begun() {}
template <int Left>
inline void rt_copies_wait() {}
#endif
