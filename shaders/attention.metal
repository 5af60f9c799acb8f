// Attention by tiles: 32 rows a threadgroup, eight a simdgroup, against 32 columns at a time. The
// weights of a tile live in threadgroup memory only; the softmax is kept running (Milakov and
// Gimelshein, 2018; Dao et al., 2022, arXiv:2205.14135).
//
// Rows are queries and columns are keys, but for the gradients of key and value, which are gathered
// the other way round, so that each has one writer.
#include "rt_formulas.h"
//
#include "rt_heads.h"
#include "rt_tile.h"

using namespace rt_formulas;

// Whether rows of query, key, value and what has their shape begin at addresses of 16 bytes.
RT_FUNCTION_CONSTANT(bool, rt_packed, 0)

enum {
  rt_side = 32,                      // rows and columns of a tile
  rt_chunk = 64,                     // elements of a row that are multiplied at a time
  rt_step = rt_chunk + rt_tile_pad,  // between rows of a chunk
  rt_weight_step = rt_side + rt_tile_pad,
  rt_weights = 8 * rt_weight_step  // floats of a simdgroup's eight rows of a tile
};

// Floats of 32 rows of `Width`.
template <int Width>
struct rt_rows {
  enum { size = rt_side * (Width + rt_tile_pad) };
};

// Rows of one matrix from some row on.
struct rt_matrix_rows {
  device const float* from;
  long step;
  uint left, width;
  // Columns [column, column + Width) of 32 rows.
  template <int Width>
  void load(threadgroup float* to, uint column, uint thread_index) thread const {
    rt_load_block<float, rt_side, Width, rt_tile_threads>(to, from + column, step, 1, left,
                                                          column < width ? width - column : 0,
                                                          rt_packed, thread_index);
  }
};

// What a lane knows of its place: a row of its simdgroup's eight, and eight columns.
struct rt_lane_place {
  uint row, col;
};
inline rt_lane_place rt_place_of(uint lane) { return {lane / 4, lane % 4 * 8}; }

// weights = left right^T for the simdgroup's rows, by chunks of the inner dim. Left rows that are
// there already (of one chunk) need not be loaded again.
inline void rt_score_tile(rt_matrix_rows left, rt_matrix_rows right, bool load_left,
                          threadgroup float* left_rows, threadgroup float* right_rows,
                          threadgroup float* weights, uint thread_index, uint simd) {
  simdgroup_float8x8 sum[4];
#pragma unroll
  for (int j = 0; j < 4; j++) sum[j] = make_filled_simdgroup_matrix<float, 8, 8>(0.0f);
  for (uint c = 0; c < left.width; c += rt_chunk) {
    if (load_left) left.load<rt_chunk>(left_rows, c, thread_index);
    right.load<rt_chunk>(right_rows, c, thread_index);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    for (uint d = 0; d < rt_chunk && c + d < left.width; d += 8) {
      simdgroup_float8x8 a, b;
      simdgroup_load(a, left_rows + simd * 8 * rt_step + d, rt_step);
#pragma unroll
      for (uint j = 0; j < 4; j++) {
        simdgroup_load(b, right_rows + j * 8 * rt_step + d, rt_step, ulong2(0), true);
        simdgroup_multiply_accumulate(sum[j], a, b, sum[j]);
      }
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
  }
#pragma unroll
  for (uint j = 0; j < 4; j++) simdgroup_store(sum[j], weights + j * 8, rt_weight_step);
}

// sum += weights rows, for the simdgroup's rows and `used` columns of the result.
template <int Width>
inline void rt_weigh_rows(thread simdgroup_float8x8* sum, threadgroup const float* weights,
                          threadgroup const float* rows, uint used) {
  enum { step = Width + rt_tile_pad };
  for (uint k = 0; k < rt_side; k += 8) {
    simdgroup_float8x8 a, b;
    simdgroup_load(a, weights + k, rt_weight_step);
#pragma unroll
    for (uint n = 0; n < Width / 8; n++) {
      if (n * 8 < used) {
        simdgroup_load(b, rows + k * step + n * 8, step);
        simdgroup_multiply_accumulate(sum[n], a, b, sum[n]);
      }
    }
  }
}

// Writes the simdgroup's rows, each divided by divisor[row] where there are divisors.
template <int Width>
inline void rt_write_rows(thread const simdgroup_float8x8* sum, device float* to, uint rows_left,
                          uint columns_left, long step, threadgroup float* stage,
                          threadgroup const float* divisor, uint lane) {
#pragma unroll
  for (uint n = 0; n < Width / 8; n++) {
    if (n * 8 < columns_left) {
      simdgroup_store(sum[n], stage, 8);
      simdgroup_barrier(mem_flags::mem_threadgroup);
      for (uint t = lane; t < 64; t += 32) {
        const uint row = t / 8, column = n * 8 + t % 8;
        if (row < rows_left && column < columns_left) {
          float value = stage[t];
          // A row that attends to nothing is zero, whatever the values are.
          if (divisor) value = divisor[row] == 0.0f ? 0.0f : value / divisor[row];
          to[long(row) * step + column] = value;
        }
      }
      simdgroup_barrier(mem_flags::mem_threadgroup);
    }
  }
}

// The score of a query and a key: scaled and masked, or not there.
inline float rt_score(float product, uint i, uint j, device const uchar* mask,
                      constant AttentionPlan& p) {
  if (i >= p.queries || j >= p.keys || (p.causal && j > i)) return -INFINITY;
  float score = product * p.scale;
  const long at = long(i) * p.bias.row + long(j) * p.bias_col;
  if (p.mask == 1 && !mask[at]) score = -INFINITY;
  if (p.mask == 2) score += ((device const float*)mask)[at];
  return score;
}
inline device const uchar* rt_mask_of(device const uchar* mask, uint head,
                                      constant AttentionPlan& p) {
  return mask + rt_head_at(head, p, p.bias, 1) * (p.mask == 2 ? 4 : 1);
}

inline rt_matrix_rows rt_query_rows(device const float* q, uint head, uint row,
                                    constant AttentionPlan& p) {
  return {q + rt_head_at(head, p, p.q, 1) + long(row) * p.q.row, p.q.row, p.queries - row, p.depth};
}
inline rt_matrix_rows rt_key_rows(device const float* k, uint head, uint row,
                                  constant AttentionPlan& p) {
  return {k + rt_head_at(head, p, p.k, p.group) + long(row) * p.k.row, p.k.row, p.keys - row,
          p.depth};
}
inline rt_matrix_rows rt_value_rows(device const float* v, uint head, uint row,
                                    constant AttentionPlan& p) {
  return {v + rt_head_at(head, p, p.v, p.group) + long(row) * p.v.row, p.v.row, p.keys - row,
          p.values};
}
// Of the result's gradient.
inline rt_matrix_rows rt_slope_rows(device const float* x, uint head, uint row,
                                    constant AttentionPlan& p) {
  return {x + rt_head_at(head, p, p.slope, 1) + long(row) * p.slope.row, p.slope.row,
          p.queries - row, p.values};
}

// Width: columns of the values that a threadgroup takes; a chunk at least.
template <int Width>
kernel void rt_attention(device const float* q [[buffer(0)]], device const float* k [[buffer(1)]],
                         device const float* v [[buffer(2)]],
                         device const uchar* mask [[buffer(3)]], device float* out [[buffer(4)]],
                         device float* log_sum [[buffer(5)]],
                         constant AttentionPlan& p [[buffer(6)]],
                         uint group [[threadgroup_position_in_grid]],
                         uint thread_index [[thread_index_in_threadgroup]],
                         uint simd [[simdgroup_index_in_threadgroup]],
                         uint lane [[thread_index_in_simdgroup]]) {
  rt_shared float left_rows[rt_rows<rt_chunk>::size];
  rt_shared float right_rows[rt_rows<Width>::size];
  rt_shared float all_weights[4 * rt_weights];
  rt_shared float all_stages[4 * 64];
  rt_shared float all_factors[4 * 8];
  const uint blocks = (p.queries + rt_side - 1) / rt_side, parts = (p.values + Width - 1) / Width;
  const uint column = group % parts * Width, head = group / parts / blocks;
  // The longest rows of a causal mask begin first.
  const uint block = blocks - 1 - group / parts % blocks, row0 = block * rt_side;
  threadgroup float* weights = all_weights + simd * rt_weights;
  threadgroup float* stage = all_stages + simd * 64;
  threadgroup float* factors = all_factors + simd * 8;
  const rt_lane_place at = rt_place_of(lane);
  const uint i = row0 + simd * 8 + at.row, used = p.values - column;
  device const uchar* own_mask = rt_mask_of(mask, head, p);
  const rt_matrix_rows query = rt_query_rows(q, head, row0, p);

  simdgroup_float8x8 sum[Width / 8];
#pragma unroll
  for (int n = 0; n < Width / 8; n++) sum[n] = make_filled_simdgroup_matrix<float, 8, 8>(0.0f);
  float highest = -INFINITY, total = 0.0f;
  const uint end = p.causal ? min(p.keys, row0 + rt_side) : p.keys;
  for (uint j0 = 0; j0 < end; j0 += rt_side) {
    rt_score_tile(query, rt_key_rows(k, head, j0, p), j0 == 0 || p.depth > rt_chunk, left_rows,
                  right_rows, weights, thread_index, simd);
    simdgroup_barrier(mem_flags::mem_threadgroup);
    float score[8], own = -INFINITY;
    for (uint e = 0; e < 8; e++) {
      score[e] =
          rt_score(weights[at.row * rt_weight_step + at.col + e], i, j0 + at.col + e, own_mask, p);
      own = score[e] > own ? score[e] : own;
    }
    // Of the row's four lanes.
    for (uint d = 1; d < 4; d *= 2) {
      const float other = simd_shuffle_xor(own, d);
      own = other > own ? other : own;
    }
    const float now = own > highest ? own : highest, shift = now == -INFINITY ? 0.0f : now;
    float part = 0.0f;
    for (uint e = 0; e < 8; e++) {
      const float weight = exp_(score[e] - shift);
      weights[at.row * rt_weight_step + at.col + e] = weight;
      part += weight;
    }
    for (uint d = 1; d < 4; d *= 2) part += simd_shuffle_xor(part, d);
    const float factor = highest == now ? 1.0f : exp_(highest - shift);
    total = total * factor + part;
    highest = now;
    if (lane % 4 == 0) factors[at.row] = factor;
    const rt_matrix_rows value = rt_value_rows(v, head, j0, p);
    value.load<Width>(right_rows, column, thread_index);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    // What is summed so far is scaled down where a row has found a higher score: seldom, later on.
    if (simd_any(factor != 1.0f) && j0 > 0) {
#pragma unroll
      for (uint n = 0; n < Width / 8; n++) {
        if (n * 8 < used) {
          simdgroup_store(sum[n], stage, 8);
          simdgroup_barrier(mem_flags::mem_threadgroup);
          for (uint t = lane; t < 64; t += 32) stage[t] *= factors[t / 8];
          simdgroup_barrier(mem_flags::mem_threadgroup);
          simdgroup_load(sum[n], stage, 8);
          simdgroup_barrier(mem_flags::mem_threadgroup);
        }
      }
    }
    rt_weigh_rows<Width>(sum, weights, right_rows, used);
    threadgroup_barrier(mem_flags::mem_threadgroup);
  }
  if (lane % 4 == 0) {
    factors[at.row] = total;
    if (column == 0 && i < p.queries) {
      log_sum[ulong(head) * p.queries + i] = total == 0.0f ? INFINITY : highest + log_(total);
    }
  }
  simdgroup_barrier(mem_flags::mem_threadgroup);
  const uint first = row0 + simd * 8;
  rt_write_rows<Width>(sum, out + rt_head_at(head, p, p.out, 1) + long(first) * p.out.row + column,
                       first < p.queries ? p.queries - first : 0, used, p.out.row, stage, factors,
                       lane);
}
RT_EXPORT_AS(attention_64, rt_attention<64>)
RT_EXPORT_AS(attention_128, rt_attention<128>)

enum { rt_of_query, rt_of_key, rt_of_value };

template <int Of, int Width>
kernel void rt_attention_grad(
    device const float* q [[buffer(0)]], device const float* k [[buffer(1)]],
    device const float* v [[buffer(2)]], device const uchar* mask [[buffer(3)]],
    device const float* grad [[buffer(4)]], device const float* log_sum [[buffer(5)]],
    device const float* mean [[buffer(6)]], device float* result [[buffer(7)]],
    constant AttentionPlan& p [[buffer(8)]], uint group [[threadgroup_position_in_grid]],
    uint thread_index [[thread_index_in_threadgroup]], uint simd [[simdgroup_index_in_threadgroup]],
    uint lane [[thread_index_in_simdgroup]]) {
  enum { chunk = rt_rows<rt_chunk>::size, tile = rt_rows<Width>::size };
  // Chunks of both sides of a product, then rows to weigh.
  rt_shared float memory[tile > 2 * chunk ? tile : 2 * chunk];
  rt_shared float all_weights[4 * rt_weights];
  rt_shared float all_slopes[4 * rt_weights];
  constexpr bool by_query = Of == rt_of_query;
  const uint rows = by_query ? p.queries : p.keys, columns = by_query ? p.keys : p.queries,
             width = Of == rt_of_value ? p.values : p.depth;
  const uint blocks = (rows + rt_side - 1) / rt_side, parts = (width + Width - 1) / Width;
  const uint column = group % parts * Width, row0 = group / parts % blocks * rt_side,
             matrix = group / parts / blocks, used = width - column;
  threadgroup float* weights = all_weights + simd * rt_weights;
  threadgroup float* slopes = all_slopes + simd * rt_weights;
  const rt_lane_place at = rt_place_of(lane);

  simdgroup_float8x8 sum[Width / 8];
#pragma unroll
  for (int n = 0; n < Width / 8; n++) sum[n] = make_filled_simdgroup_matrix<float, 8, 8>(0.0f);
  // All query heads that share the key head.
  const uint first_head = by_query ? matrix : matrix * p.group,
             last_head = by_query ? matrix + 1 : first_head + p.group;
  for (uint head = first_head; head < last_head; head++) {
    device const uchar* own_mask = rt_mask_of(mask, head, p);
    device const float* own_log = log_sum + ulong(head) * p.queries;
    device const float* own_mean = mean + ulong(head) * p.queries;
    const uint begin = p.causal && !by_query ? row0 : 0,
               end = p.causal && by_query ? min(columns, row0 + rt_side) : columns;
    for (uint j0 = begin; j0 < end; j0 += rt_side) {
      const uint i0 = by_query ? row0 : j0, k0 = by_query ? j0 : row0;
      const rt_matrix_rows query = rt_query_rows(q, head, i0, p), key = rt_key_rows(k, head, k0, p),
                           value = rt_value_rows(v, head, k0, p),
                           slope = rt_slope_rows(grad, head, i0, p);
      rt_score_tile(by_query ? query : key, by_query ? key : query, true, memory, memory + chunk,
                    weights, thread_index, simd);
      if (Of != rt_of_value) {
        rt_score_tile(by_query ? slope : value, by_query ? value : slope, true, memory,
                      memory + chunk, slopes, thread_index, simd);
      }
      simdgroup_barrier(mem_flags::mem_threadgroup);
      for (uint e = 0; e < 8; e++) {
        const uint row = row0 + simd * 8 + at.row, other = j0 + at.col + e;
        const uint i = by_query ? row : other, j = by_query ? other : row;
        const uint place = at.row * rt_weight_step + at.col + e;
        const float score = rt_score(weights[place], i, j, own_mask, p);
        float weight = 0.0f;
        if (i < p.queries && j < p.keys && !(p.causal && j > i)) {
          weight = exp_(score - own_log[i]);
          if (Of != rt_of_value) weight *= (slopes[place] - own_mean[i]) * p.scale;
        }
        weights[place] = weight;
      }
      const rt_matrix_rows by = Of == rt_of_query ? key : Of == rt_of_key ? query : slope;
      by.load<Width>(memory, column, thread_index);
      threadgroup_barrier(mem_flags::mem_threadgroup);
      rt_weigh_rows<Width>(sum, weights, memory, used);
      threadgroup_barrier(mem_flags::mem_threadgroup);
    }
  }
  const uint first = row0 + simd * 8;
  constant AttentionRows& to = by_query ? p.grad_q : Of == rt_of_key ? p.grad_k : p.grad_v;
  const long at_head = rt_head_at(first_head, p, to, by_query ? 1 : p.group);
  rt_write_rows<Width>(sum, result + at_head + long(first) * to.row + column,
                       first < rows ? rows - first : 0, used, to.row, weights, nullptr, lane);
}
RT_EXPORT_AS(attention_grad_query_64, rt_attention_grad<rt_of_query, 64>)
RT_EXPORT_AS(attention_grad_query_128, rt_attention_grad<rt_of_query, 128>)
RT_EXPORT_AS(attention_grad_key_64, rt_attention_grad<rt_of_key, 64>)
RT_EXPORT_AS(attention_grad_key_128, rt_attention_grad<rt_of_key, 128>)
RT_EXPORT_AS(attention_grad_value_64, rt_attention_grad<rt_of_value, 64>)
RT_EXPORT_AS(attention_grad_value_128, rt_attention_grad<rt_of_value, 128>)
