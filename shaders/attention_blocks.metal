// Attention of 16-bit numbers: 64 queries a threadgroup, sixteen a simdgroup, against tiles of keys
// and values in threadgroup memory. Scores, weights and sums stay in the lanes; the softmax is kept
// running, in powers of two (Milakov and Gimelshein, 2018; Dao, 2023, arXiv:2307.08691).
//
// While the scores of a tile are made its values are on their way, and then the next keys.
#include "rt_formulas.h"
//
#include "rt_attention_blocks.h"

using namespace rt_formulas;

template <class T, int Width, int Keys>
kernel void attention_blocks(device const T* q [[buffer(0)]], device const T* k [[buffer(1)]],
                             device const T* v [[buffer(2)]], device T* out [[buffer(3)]],
                             device float* log_sum [[buffer(4)]],
                             constant AttentionPlan& p [[buffer(5)]],
                             uint group [[threadgroup_position_in_grid]],
                             uint thread_index [[thread_index_in_threadgroup]],
                             uint simd [[simdgroup_index_in_threadgroup]],
                             uint lane [[thread_index_in_simdgroup]]) {
  enum { step = Width + rt_block_pad, key_blocks = Keys / 8, width_blocks = Width / 8 };
  rt_shared uint words[Keys * step];  // a tile of keys and one of values, of 16-bit numbers
  threadgroup T* key_tile = (threadgroup T*)words;
  threadgroup T* value_tile = key_tile + Keys * step;
  threadgroup T* own = key_tile + simd * 16 * step;  // before the tiles and after them
  const uint blocks = (p.queries + rt_group_rows - 1) / rt_group_rows;
  // The longest rows of a causal mask begin first.
  const uint head = group % p.heads, row0 = (blocks - 1 - group / p.heads) * rt_group_rows;
  device const T* keys = k + rt_head_at(head, p, p.k, p.group);
  device const T* values = v + rt_head_at(head, p, p.v, p.group);
  device const T* query = q + rt_head_at(head, p, p.q, 1);
  const uint end = p.causal ? min(p.keys, row0 + rt_group_rows) : p.keys;

  // The lane has elements of two rows, eight apart, of its simdgroup's.
  const uint first = row0 + simd * rt_own_rows, row = first + rt_block_row(lane),
             col = rt_block_col(lane);
  rt_block<T> left[Width / 16][4];
  rt_read_rows<Width>(left, own, query, p.q.row, first, p.queries, p.depth, lane);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  rt_begin_tile<Width, Keys>(key_tile, keys, p.k.row, 0, p.keys, p.depth, thread_index);
  rt_block_sum sum[width_blocks][2];
  float highest[2], total[2];
#pragma unroll
  for (int h = 0; h < 2; h++) {
    highest[h] = -INFINITY;
    total[h] = 0.0f;
#pragma unroll
    for (int n = 0; n < width_blocks; n++) {
      sum[n][h].set(0, 0.0f);
      sum[n][h].set(1, 0.0f);
    }
  }
  const float scale = p.scale * 1.44269504f;  // of scores in powers of two; above zero

  for (uint j0 = 0; j0 < end; j0 += Keys) {
    rt_block_sum score[key_blocks][2];
    rt_copies_wait<0>();
    threadgroup_barrier(mem_flags::mem_threadgroup);
    rt_begin_tile<Width, Keys>(value_tile, values, p.v.row, j0, p.keys, p.values, thread_index);
    rt_multiply_tile<Keys, Width>(score, left, key_tile, lane);
    rt_copies_wait<0>();
    threadgroup_barrier(mem_flags::mem_threadgroup);
    rt_begin_tile<Width, Keys>(key_tile, keys, p.k.row, j0 + Keys, p.keys, p.depth, thread_index);
    if (j0 + Keys > p.keys || (p.causal && j0 + Keys > first)) {
#pragma unroll
      for (uint n = 0; n < key_blocks; n++) {
#pragma unroll
        for (uint e = 0; e < 4; e++) {
          const uint j = j0 + n * 8 + col + e % 2, i = row + e / 2 * 8;
          if (j >= p.keys || (p.causal && j > i)) score[n][e / 2].set(e % 2, -INFINITY);
        }
      }
    }
#pragma unroll
    for (int h = 0; h < 2; h++) {
      float now = highest[h];
#pragma unroll
      for (int n = 0; n < key_blocks; n++) {
        now = fmax(now, fmax(score[n][h].get(0), score[n][h].get(1)));
      }
      now = fmax(now, simd_shuffle_xor(now, ushort(rt_row_lane_1)));
      now = fmax(now, simd_shuffle_xor(now, ushort(rt_row_lane_2)));
      const float shift = now == -INFINITY ? 0.0f : now * scale;
      const float factor = fast::exp2(highest[h] * scale - shift);
      highest[h] = now;
      // What is summed so far is scaled down where a row has met a higher score: seldom at last.
      if (simd_any(factor != 1.0f)) {
        total[h] *= factor;
#pragma unroll
        for (int n = 0; n < width_blocks; n++) {
          sum[n][h].set(0, sum[n][h].get(0) * factor);
          sum[n][h].set(1, sum[n][h].get(1) * factor);
        }
      }
#pragma unroll
      for (int n = 0; n < key_blocks; n++) {
#pragma unroll
        for (int i = 0; i < 2; i++) {
          const float weight = fast::exp2(fma(score[n][h].get(i), scale, -shift));
          score[n][h].set(i, weight);
          total[h] += weight;
        }
      }
    }
    rt_weigh_tile<Keys, Width>(sum, score, value_tile, lane);
  }
  rt_copies_wait<0>();
  threadgroup_barrier(mem_flags::mem_threadgroup);
#pragma unroll
  for (uint h = 0; h < 2; h++) {
    const uint i = row + h * 8;
    total[h] += simd_shuffle_xor(total[h], ushort(rt_row_lane_1));
    total[h] += simd_shuffle_xor(total[h], ushort(rt_row_lane_2));
    // A row that attends to nothing is zero, whatever the values are.
    const bool nothing = total[h] == 0.0f;
    const float share = 1.0f / total[h];
    if (i < p.queries && col == 0) {
      log_sum[ulong(head) * p.queries + i] =
          nothing ? INFINITY : highest[h] * p.scale + log_(total[h]);
    }
#pragma unroll
    for (uint n = 0; n < width_blocks; n++) {
      sum[n][h].set(0, nothing ? 0.0f : sum[n][h].get(0) * share);
      sum[n][h].set(1, nothing ? 0.0f : sum[n][h].get(1) * share);
    }
  }
  rt_write_rows<Width>(sum, own, out + rt_head_at(head, p, p.out, 1), p.out.row, first, p.queries,
                       p.values, lane);
}

// The numbers of threads leave the registers of a core to four groups, and to three.
#define RT_ATTENTION_BLOCKS(type)                                                \
  RT_EXPORT_FOR(512, attention_blocks_64_##type, attention_blocks<type, 64, 64>) \
  RT_EXPORT_FOR(384, attention_blocks_128_##type, attention_blocks<type, 128, 32>)
RT_ATTENTION_BLOCKS(half)
RT_ATTENTION_BLOCKS(bfloat)
