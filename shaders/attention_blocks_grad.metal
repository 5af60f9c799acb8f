// Gradients of attention of 16-bit numbers: the weights are made again from the logarithms of their
// sums (Dao, 2023, arXiv:2307.08691).
#include "rt_attention_blocks.h"

// The gradient of the queries, whose rows meet tiles of keys; or those of keys and values, whose
// rows meet tiles of queries, so that each gradient has one writer. Two tiles are on their way
// while two are worked on.
template <class T, int Width, int Columns, bool ByQuery>
kernel void attention_blocks_grad(
    device const T* q [[buffer(0)]], device const T* k [[buffer(1)]],
    device const T* v [[buffer(2)]], device const T* grad [[buffer(3)]],
    device const float* log_sum [[buffer(4)]], device const float* mean [[buffer(5)]],
    device T* result [[buffer(6)]], device T* value_result [[buffer(7)]],
    constant AttentionPlan& p [[buffer(8)]], uint group [[threadgroup_position_in_grid]],
    uint thread_index [[thread_index_in_threadgroup]], uint simd [[simdgroup_index_in_threadgroup]],
    uint lane [[thread_index_in_simdgroup]]) {
  enum { step = Width + rt_block_pad, tile = Columns * step, blocks = Columns / 8 };
  rt_shared uint words[2 * tile];  // of two bunches of two tiles of 16-bit numbers
  rt_shared float column_logs[2 * Columns];
  rt_shared float column_means[2 * Columns];
  threadgroup T* tiles = (threadgroup T*)words;
  threadgroup T* own = tiles + simd * 16 * step;  // before the tiles and after them
  const uint rows = ByQuery ? p.queries : p.keys, columns = ByQuery ? p.keys : p.queries;
  const uint matrices = ByQuery ? p.heads : p.heads / p.group, matrix = group % matrices,
             order = group / matrices,
             row0 = (ByQuery ? (rows + rt_group_rows - 1) / rt_group_rows - 1 - order : order) *
                    rt_group_rows;
  const uint first = row0 + simd * rt_own_rows, row = first + rt_block_row(lane),
             col = rt_block_col(lane);
  const float scale = p.scale * 1.44269504f;
  rt_block_sum sum[Width / 8][2], value_sum[ByQuery ? 1 : Width / 8][2];
#pragma unroll
  for (int n = 0; n < Width / 8; n++) {
#pragma unroll
    for (int e = 0; e < 4; e++) {
      sum[n][e / 2].set(e % 2, 0.0f);
      if (!ByQuery) value_sum[ByQuery ? 0 : n][e / 2].set(e % 2, 0.0f);
    }
  }
  // All query heads that share the key head.
  const uint first_head = ByQuery ? matrix : matrix * p.group,
             last_head = ByQuery ? matrix + 1 : first_head + p.group;
  const uint begin = p.causal && !ByQuery ? row0 : 0,
             end = p.causal && ByQuery ? min(columns, row0 + rt_group_rows) : columns;
  for (uint head = first_head; head < last_head; head++) {
    device const T* queries = q + rt_head_at(head, p, p.q, 1);
    device const T* keys = k + rt_head_at(head, p, p.k, p.group);
    device const T* values = v + rt_head_at(head, p, p.v, p.group);
    device const T* slopes = grad + rt_head_at(head, p, p.slope, 1);
    device const float* own_log = log_sum + ulong(head) * p.queries;
    device const float* own_mean = mean + ulong(head) * p.queries;
    // One side scores, the other is multiplied with the result's gradient.
    device const T* right = ByQuery ? keys : queries;
    device const T* right_slope = ByQuery ? values : slopes;
    const long right_step = ByQuery ? p.k.row : p.q.row,
               right_slope_step = ByQuery ? p.v.row : p.slope.row;
    rt_block<T> left[Width / 16][4], left_slope[Width / 16][4];
    rt_read_rows<Width>(left, own, ByQuery ? queries : keys, ByQuery ? p.q.row : p.k.row, first,
                        rows, p.depth, lane);
    rt_read_rows<Width>(left_slope, own, ByQuery ? slopes : values, ByQuery ? p.slope.row : p.v.row,
                        first, rows, p.values, lane);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    float row_log[2], row_mean[2];
#pragma unroll
    for (uint h = 0; h < 2; h++) {
      const uint i = row + h * 8;
      const bool there = ByQuery && i < rows;
      row_log[h] = there ? own_log[i] * 1.44269504f : INFINITY;
      row_mean[h] = there ? own_mean[i] : 0.0f;
    }
    rt_begin_tile<Width, Columns>(tiles, right, right_step, begin, columns, p.depth, thread_index);
    rt_begin_tile<Width, Columns>(tiles + tile, right_slope, right_slope_step, begin, columns,
                                  p.values, thread_index);
    uint turn = 0;
    for (uint j0 = begin; j0 < end; j0 += Columns) {
      threadgroup T* now = tiles + turn * 2 * tile;
      threadgroup T* next = tiles + (1 - turn) * 2 * tile;
      rt_begin_tile<Width, Columns>(next, right, right_step, j0 + Columns, columns, p.depth,
                                    thread_index);
      rt_begin_tile<Width, Columns>(next + tile, right_slope, right_slope_step, j0 + Columns,
                                    columns, p.values, thread_index);
      if (!ByQuery && thread_index < Columns) {
        const uint j = j0 + thread_index;
        column_logs[turn * Columns + thread_index] =
            j < columns ? own_log[j] * 1.44269504f : INFINITY;
        column_means[turn * Columns + thread_index] = j < columns ? own_mean[j] : 0.0f;
      }
      rt_copies_wait<2>();
      threadgroup_barrier(mem_flags::mem_threadgroup);
      // Whether any of the simdgroup's rows attends to the tile.
      if (first < rows &&
          (!p.causal || (ByQuery ? j0 < first + rt_own_rows : j0 + Columns > first))) {
        rt_block_sum weights[blocks][2], slope[blocks][2];
        rt_multiply_tile<Columns, Width>(weights, left, now, lane);
        rt_multiply_tile<Columns, Width>(slope, left_slope, now + tile, lane);
        const bool whole =
            j0 + Columns <= columns &&
            (!p.causal || (ByQuery ? j0 + Columns <= first + 1 : j0 >= first + rt_own_rows - 1));
#pragma unroll
        for (uint n = 0; n < blocks; n++) {
#pragma unroll
          for (uint e = 0; e < 4; e++) {
            const uint h = e / 2, c = n * 8 + col + e % 2;
            const float column_log = ByQuery ? 0.0f : column_logs[turn * Columns + c];
            const float log = ByQuery ? row_log[h] : column_log;
            weights[n][h].set(e % 2, fast::exp2(fma(weights[n][h].get(e % 2), scale, -log)));
          }
        }
        if (!whole) {
#pragma unroll
          for (uint n = 0; n < blocks; n++) {
#pragma unroll
            for (uint e = 0; e < 4; e++) {
              const uint h = e / 2, j = j0 + n * 8 + col + e % 2;
              const uint i = row + h * 8;
              if (j >= columns || (p.causal && (ByQuery ? j > i : i > j))) {
                weights[n][h].set(e % 2, 0.0f);
              }
            }
          }
        }
#pragma unroll
        for (uint n = 0; n < blocks; n++) {
#pragma unroll
          for (uint e = 0; e < 4; e++) {
            const uint h = e / 2;
            const float column_mean =
                ByQuery ? 0.0f : column_means[turn * Columns + n * 8 + col + e % 2];
            const float centre = ByQuery ? row_mean[h] : column_mean;
            slope[n][h].set(e % 2, weights[n][h].get(e % 2) * (slope[n][h].get(e % 2) - centre));
          }
        }
        rt_weigh_tile<Columns, Width>(sum, slope, now, lane);
        if (!ByQuery) {
          rt_weigh_tile<Columns, Width>(value_sum, weights, now + tile, lane);
        }
      }
      threadgroup_barrier(mem_flags::mem_threadgroup);
      turn = 1 - turn;
    }
    rt_copies_wait<0>();
    threadgroup_barrier(mem_flags::mem_threadgroup);
  }
#pragma unroll
  for (int n = 0; n < Width / 8; n++) {
#pragma unroll
    for (int e = 0; e < 4; e++) {
      sum[n][e / 2].set(e % 2, sum[n][e / 2].get(e % 2) * p.scale);
    }
  }
  // Any of the heads tells where; the last is still in a register.
  const uint head = last_head - 1;
  const long at =
      ByQuery ? rt_head_at(head, p, p.grad_q, 1) : rt_head_at(head, p, p.grad_k, p.group);
  rt_write_rows<Width>(sum, own, result + at, ByQuery ? p.grad_q.row : p.grad_k.row, first, rows,
                       p.depth, lane);
  if (!ByQuery) {
    rt_write_rows<Width>(value_sum, own, value_result + rt_head_at(head, p, p.grad_v, p.group),
                         p.grad_v.row, first, rows, p.values, lane);
  }
}

// The numbers of threads leave the registers of a core to three groups, and to two.
#define RT_GRAD(threads, name, ...) RT_EXPORT_FOR(threads, name, attention_blocks_grad<__VA_ARGS__>)
#define RT_ATTENTION_BLOCKS(type)                                           \
  RT_GRAD(384, attention_blocks_grad_query_64_##type, type, 64, 32, true)   \
  RT_GRAD(384, attention_blocks_grad_key_64_##type, type, 64, 32, false)    \
  RT_GRAD(256, attention_blocks_grad_query_128_##type, type, 128, 16, true) \
  RT_GRAD(256, attention_blocks_grad_key_128_##type, type, 128, 16, false)
RT_ATTENTION_BLOCKS(half)
RT_ATTENTION_BLOCKS(bfloat)
