// What attention of 16-bit numbers and its gradients share: sixteen rows a simdgroup in its lanes,
// and tiles of what they meet in threadgroup memory.
#pragma once

#include "rt_blocks.h"
#include "rt_heads.h"

enum { rt_queries = 128, rt_own_queries = 16, rt_attention_threads = 256, rt_block_pad = 8 };

// A tile of keys or values on its way: `Rows` rows from `row` on, zeros beyond the matrix.
template <int Width, int Rows, class T>
inline void rt_begin_tile(threadgroup T* to, device const T* from, long step, uint row, uint rows,
                          uint width, uint thread_index) {
  for (uint t = thread_index; t < Rows * Width / 8; t += rt_attention_threads) {
    const uint i = t / (Width / 8), j = t % (Width / 8) * 8;
    const bool there = row + i < rows && j < width;
    rt_copy16(to + i * (Width + rt_block_pad) + j, there ? from + long(row + i) * step + j : from,
              there);
  }
  rt_copies_begun();
}

// Sixteen rows from `row` on as left sides of products, a simdgroup's own; zeros beyond the matrix,
// whose width is even.
template <int Blocks, class T>
inline void rt_load_rows(thread rt_block<T> (*rows)[4], device const T* from, long step, uint row,
                         uint end, uint width, uint lane) {
#pragma unroll
  for (uint d = 0; d < Blocks; d++) {
#pragma unroll
    for (uint b = 0; b < 4; b++) {
      const uint i = row + b / 2 * 8 + rt_block_row(lane),
                 j = d * 16 + b % 2 * 8 + rt_block_col(lane);
      const bool there = i < end && j < width;
      device const T* at = from + long(i) * step + j;
      rows[d][b].set(there ? float(at[0]) : 0.0f, there ? float(at[1]) : 0.0f);
    }
  }
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
      rt_load_four_right<false>(right, tile + n * 8 * step + c * 8, step, lane);
      rt_multiply_blocks(sum[c], left, right[0], right[2]);
      rt_multiply_blocks(sum[c + 1], left, right[1], right[3]);
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
      rt_load_four_right<true>(right, tile + n * 8 * step + d * 16, step, lane);
      rt_multiply_blocks(sum[n], left[d], right[0], right[1]);
      rt_multiply_blocks(sum[n + 1], left[d], right[2], right[3]);
    }
  }
}
