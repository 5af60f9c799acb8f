// What attention of 16-bit numbers and its gradients share: sixteen rows a simdgroup in its lanes,
// and tiles of what they meet in threadgroup memory.
#pragma once

#include "rt_blocks.h"
#include "rt_heads.h"

// A group has 128 threads, so that several are on a core and wait for each other's barriers less.
enum { rt_attention_threads = 128, rt_own_rows = 16, rt_group_rows = 64, rt_block_pad = 8 };

// A tile of keys or values on its way: `Rows` rows from `row` on, zeros beyond the matrix.
template <int Width, int Rows, int Threads = rt_attention_threads, class T>
inline void rt_begin_tile(threadgroup T* to, device const T* from, long step, uint row, uint rows,
                          uint width, uint thread_index) {
  enum { across = Width / 8, down = Threads / across };
  const uint i = thread_index / across, j = thread_index % across * 8;
  device const T* at = from + long(row + i) * step + j;
  threadgroup T* put = to + i * (Width + rt_block_pad) + j;
#pragma unroll
  for (uint n = 0; n < Rows / down; n++) {
    const bool there = row + i + n * down < rows && j < width;
    rt_copy16(put + n * down * (Width + rt_block_pad), there ? at : from, there);
    at += down * step;
  }
  rt_copies_begun();
}

// Sixteen rows from `row` on as left sides of products, a simdgroup's own; zeros beyond the matrix.
// They pass through sixteen rows of threadgroup memory that nobody else uses.
template <int Width, class T>
inline void rt_read_rows(thread rt_block<T> (*rows)[4], threadgroup T* own, device const T* from,
                         long step, uint row, uint end, uint width, uint lane) {
  rt_begin_tile<Width, 16, 32>(own, from, step, row, end, width, lane);
  rt_copies_wait<0>();
  simdgroup_barrier(mem_flags::mem_threadgroup);
#pragma unroll
  for (uint d = 0; d < Width / 16; d++) {
    rt_load_left(rows[d], own + d * 16, Width + rt_block_pad, lane);
  }
  simdgroup_barrier(mem_flags::mem_threadgroup);
}

// Writes a simdgroup's sums the way its rows were read.
template <int Width, class T>
inline void rt_write_rows(thread rt_block_sum (*sum)[2], threadgroup T* own, device T* to,
                          long to_step, uint row, uint end, uint width, uint lane) {
  enum { step = Width + rt_block_pad, across = Width / 8 };
#pragma unroll
  for (uint n = 0; n < Width / 8; n++) {
#pragma unroll
    for (uint h = 0; h < 2; h++) {
      rt_block<T> block;
      block.set(sum[n][h].get(0), sum[n][h].get(1));
      rt_store_block(own + h * 8 * step + n * 8, block, step, lane);
    }
  }
  simdgroup_barrier(mem_flags::mem_threadgroup);
#pragma unroll
  for (uint n = lane; n < 16 * across; n += 32) {
    const uint i = row + n / across, j = n % across * 8;
    if (i < end && j < width) {
      *(device uint4*)(to + long(i) * to_step + j) =
          *(threadgroup const uint4*)(own + n / across * step + j);
    }
  }
  simdgroup_barrier(mem_flags::mem_threadgroup);
}

// sum += weights tile: sixteen rows of weights, and a tile of Rows by Width elements.
template <int Rows, int Width, class T>
inline void rt_weigh_tile(thread rt_block_sum (*sum)[2], thread rt_block_sum (*weights)[2],
                          threadgroup const T* tile, uint lane) {
  enum { step = Width + rt_block_pad };
#pragma unroll
  for (uint n = 0; n < Rows / 8; n += 2) {
    rt_block<T> left[4];
#pragma unroll
    for (uint b = 0; b < 4; b++) {
      left[b].set(weights[n + b % 2][b / 2].get(0), weights[n + b % 2][b / 2].get(1));
    }
#pragma unroll
    for (uint c = 0; c < Width / 8; c += 2) {
      rt_block<T> right[4];
      rt_load_right<false>(right, tile + n * 8 * step + c * 8, step, lane);
      rt_multiply_blocks(sum[c], left, right[0], right[1]);
      rt_multiply_blocks(sum[c + 1], left, right[2], right[3]);
    }
  }
}
// sum = left tile^T.
template <int Rows, int Width, class T>
inline void rt_multiply_tile(thread rt_block_sum (*sum)[2], thread const rt_block<T> (*left)[4],
                             threadgroup const T* tile, uint lane) {
  enum { step = Width + rt_block_pad };
#pragma unroll
  for (int n = 0; n < Rows / 8; n++) {
#pragma unroll
    for (int e = 0; e < 4; e++) sum[n][e / 2].set(e % 2, 0.0f);
  }
#pragma unroll
  for (uint d = 0; d < Width / 16; d++) {
#pragma unroll
    for (uint n = 0; n < Rows / 8; n += 2) {
      rt_block<T> right[4];
      rt_load_right<true>(right, tile + n * 8 * step + d * 16, step, lane);
      rt_multiply_blocks(sum[n], left[d], right[0], right[1]);
      rt_multiply_blocks(sum[n + 1], left[d], right[2], right[3]);
    }
  }
}
