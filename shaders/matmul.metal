// Products of matrices: tiles of 8x8 matrices for floats, a plain tile for integers, two forms for
// a matrix and a vector, and the sums of partial results.
#include "rt_kernel.h"
#include "rt_plans_matmul.h"
#include "rt_tile.h"

// Whether A's columns (B's rows) are what lies side by side in memory, and whether what lies side
// by side may be read 16 bytes at a time.
RT_FUNCTION_CONSTANT(bool, rt_a_turned, 0)
RT_FUNCTION_CONSTANT(bool, rt_a_packed, 1)
RT_FUNCTION_CONSTANT(bool, rt_b_turned, 2)
RT_FUNCTION_CONSTANT(bool, rt_b_packed, 3)

// The factors of a product of T.
template <class S>
struct rt_factors {
  static S alpha(constant MatmulPlan& p) { return S(p.whole_alpha); }
  static S beta(constant MatmulPlan& p) { return S(p.whole_beta); }
  static bool keeps(constant MatmulPlan& p) { return p.whole_beta != 0; }
};
template <>
struct rt_factors<float> {
  static float alpha(constant MatmulPlan& p) { return p.alpha; }
  static float beta(constant MatmulPlan& p) { return p.beta; }
  static bool keeps(constant MatmulPlan& p) { return p.beta != 0.0f; }
};

// Where a matrix of the batch begins.
inline long rt_batch_at(uint batch, constant MatmulPlan& p, constant long* steps) {
  long at = 0;
  for (uint d = 0; d < p.batch_dims; d++) {
    at += long(batch % p.batch_sizes[d]) * steps[d];
    batch /= p.batch_sizes[d];
  }
  return at;
}

// One element of C, all of its sum known.
template <class T, class S>
inline void rt_store_product(device T* c, constant MatmulPlan& p, S sum) {
  S value = rt_factors<S>::alpha(p) * sum;
  if (rt_factors<S>::keeps(p)) value += rt_factors<S>::beta(p) * S(*c);
  *c = T(value);
}

// Takes the elements of one matrix of C, or those of its partial sums.
template <class T>
struct rt_product_out {
  typedef typename rt_sum_type<T>::type S;
  device T* c;
  device S* parts;
  uint m_left, n_left;
  long row, col;
  void put(uint i, uint j, S sum, constant MatmulPlan& p) thread const {
    if (i >= m_left || j >= n_left) return;
    if (p.splits > 1) {
      parts[ulong(i) * p.n + j] = sum;
    } else {
      rt_store_product(c + long(i) * row + long(j) * col, p, sum);
    }
  }
};

// What a threadgroup works on; `part` counts the matrices of all splits.
struct rt_product_place {
  uint row, col, part, batch, k_begin, k_end;
};
inline rt_product_place rt_place(uint group, uint tile_m, uint tile_n, constant MatmulPlan& p) {
  const uint across = (p.n + tile_n - 1) / tile_n, down = (p.m + tile_m - 1) / tile_m;
  rt_product_place at;
  at.col = group % across * tile_n;
  group /= across;
  at.row = group % down * tile_m;
  at.part = group / down;
  at.batch = at.part % p.batch;
  at.k_begin = at.part / p.batch * p.k_each;
  at.k_end = min(p.k, at.k_begin + p.k_each);
  return at;
}
template <class T>
inline rt_product_out<T> rt_out(device T* c, device typename rt_sum_type<T>::type* parts,
                                rt_product_place at, constant MatmulPlan& p) {
  return {c + rt_batch_at(at.batch, p, p.c_batch) + long(at.row) * p.c_row + long(at.col) * p.c_col,
          parts + (ulong(at.part) * p.m + at.row) * p.n + at.col,
          p.m - at.row,
          p.n - at.col,
          p.c_row,
          p.c_col};
}

// ---- Tiles ----

template <class S, class T, int M, int Threads>
struct rt_left {
  device const T* a;
  long row, col;
  uint m_left;
  bool turned() thread const { return rt_a_turned; }
  void load(threadgroup S* to, uint k, uint k_end, uint thread_index) thread const {
    device const T* from = a + long(k) * col;
    if (rt_a_turned) {
      rt_load_block<S, rt_tile_depth, M, Threads>(to, from, col, row, k_end - k, m_left,
                                                  rt_a_packed, thread_index);
    } else {
      rt_load_block<S, M, rt_tile_depth, Threads>(to, from, row, col, m_left, k_end - k,
                                                  rt_a_packed, thread_index);
    }
  }
};
template <class S, class T, int N, int Threads>
struct rt_right {
  device const T* b;
  long row, col;
  uint n_left;
  enum { prepares = 0 };
  void prepare(uint, uint) thread const {}
  bool turned() thread const { return rt_b_turned; }
  void load(threadgroup S* to, uint k, uint k_end, uint thread_index) thread const {
    device const T* from = b + long(k) * row;
    if (rt_b_turned) {
      rt_load_block<S, N, rt_tile_depth, Threads>(to, from, col, row, n_left, k_end - k,
                                                  rt_b_packed, thread_index);
    } else {
      rt_load_block<S, rt_tile_depth, N, Threads>(to, from, row, col, k_end - k, n_left,
                                                  rt_b_packed, thread_index);
    }
  }
};

template <class T>
struct rt_tile_out {
  rt_product_out<T> out;
  constant MatmulPlan& p;
  void put(uint i, uint j, float sum) thread const { out.put(i, j, sum, p); }
};

template <class T, int Side>
kernel void rt_matmul(device const T* a [[buffer(0)]], device const T* b [[buffer(1)]],
                      device T* c [[buffer(2)]], device float* parts [[buffer(3)]],
                      constant MatmulPlan& p [[buffer(4)]],
                      uint group [[threadgroup_position_in_grid]],
                      uint thread_index [[thread_index_in_threadgroup]],
                      uint simd [[simdgroup_index_in_threadgroup]],
                      uint lane [[thread_index_in_simdgroup]]) {
  rt_shared float memory[2 * rt_tile_side<Side>::size];
  const rt_product_place at = rt_place(group, Side, Side, p);
  rt_left<float, T, Side, rt_tile_threads> left = {
      a + rt_batch_at(at.batch, p, p.a_batch) + long(at.row) * p.a_row, p.a_row, p.a_col,
      p.m - at.row};
  rt_right<float, T, Side, rt_tile_threads> right = {
      b + rt_batch_at(at.batch, p, p.b_batch) + long(at.col) * p.b_col, p.b_row, p.b_col,
      p.n - at.col};
  rt_tile_out<T> out = {rt_out(c, parts, at, p), p};
  rt_tile_product<Side, Side>(left, right, out, memory, at.k_begin, at.k_end, thread_index, simd,
                              lane);
}
RT_EXPORT_AS(matmul_64_float, rt_matmul<float, 64>)
RT_EXPORT_AS(matmul_64_half, rt_matmul<half, 64>)
RT_EXPORT_AS(matmul_64_bfloat, rt_matmul<bfloat, 64>)
RT_EXPORT_AS(matmul_32_float, rt_matmul<float, 32>)
RT_EXPORT_AS(matmul_32_half, rt_matmul<half, 32>)
RT_EXPORT_AS(matmul_32_bfloat, rt_matmul<bfloat, 32>)

// Integers: 256 threads, each with four elements of a column of a 32x32 tile.
template <class T>
kernel void rt_matmul_whole(device const T* a [[buffer(0)]], device const T* b [[buffer(1)]],
                            device T* c [[buffer(2)]],
                            device typename rt_sum_type<T>::type* parts [[buffer(3)]],
                            constant MatmulPlan& p [[buffer(4)]],
                            uint group [[threadgroup_position_in_grid]],
                            uint thread_index [[thread_index_in_threadgroup]]) {
  typedef typename rt_sum_type<T>::type S;
  enum { side = 32, threads = 256, depth = rt_tile_depth, pad = rt_tile_pad };
  rt_shared S as[rt_tile_side<side>::size];
  rt_shared S bs[rt_tile_side<side>::size];
  const rt_product_place at = rt_place(group, side, side, p);
  const rt_left<S, T, side, threads> left = {
      a + rt_batch_at(at.batch, p, p.a_batch) + long(at.row) * p.a_row, p.a_row, p.a_col,
      p.m - at.row};
  const rt_right<S, T, side, threads> right = {
      b + rt_batch_at(at.batch, p, p.b_batch) + long(at.col) * p.b_col, p.b_row, p.b_col,
      p.n - at.col};
  const uint j = thread_index % side, first = thread_index / side * 4;
  const uint a_row = rt_a_turned ? 1 : depth + pad, a_col = rt_a_turned ? side + pad : 1;
  const uint b_row = rt_b_turned ? 1 : side + pad, b_col = rt_b_turned ? depth + pad : 1;
  S sum[4] = {S(0), S(0), S(0), S(0)};
  for (uint k = at.k_begin; k < at.k_end; k += depth) {
    left.load(as, k, at.k_end, thread_index);
    right.load(bs, k, at.k_end, thread_index);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    for (uint d = 0; d < depth; d++) {
      const S y = bs[d * b_row + j * b_col];
      for (uint i = 0; i < 4; i++) sum[i] += as[(first + i) * a_row + d * a_col] * y;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
  }
  const rt_product_out<T> out = rt_out(c, parts, at, p);
  for (uint i = 0; i < 4; i++) out.put(first + i, j, sum[i], p);
}
RT_EXPORT_AS(matmul_whole_uchar, rt_matmul_whole<uchar>)
RT_EXPORT_AS(matmul_whole_char, rt_matmul_whole<char>)
RT_EXPORT_AS(matmul_whole_short, rt_matmul_whole<short>)
RT_EXPORT_AS(matmul_whole_int, rt_matmul_whole<int>)
RT_EXPORT_AS(matmul_whole_long, rt_matmul_whole<long>)

// ---- A matrix and a vector (n is 1): bound by reading A ----

// Rows lie side by side, or nothing does: a simdgroup for each row.
template <class T>
kernel void rt_matvec_rows(device const T* a [[buffer(0)]], device const T* b [[buffer(1)]],
                           device T* c [[buffer(2)]], device float* parts [[buffer(3)]],
                           constant MatmulPlan& p [[buffer(4)]],
                           uint group [[threadgroup_position_in_grid]],
                           uint simd [[simdgroup_index_in_threadgroup]],
                           uint lane [[thread_index_in_simdgroup]]) {
  enum { N = 16 / sizeof(T) };
  const ulong item = ulong(group) * 8 + simd;
  const bool inside = item < ulong(p.m) * p.batch * p.splits;
  rt_product_place at = rt_place(inside ? uint(item) : 0, 1, 1, p);
  if (!inside) at.k_end = at.k_begin;
  device const T* row = a + rt_batch_at(at.batch, p, p.a_batch) + long(at.row) * p.a_row;
  device const T* x = b + rt_batch_at(at.batch, p, p.b_batch);
  float sum = 0.0f;
  uint k = at.k_begin;
  if (rt_a_packed) {
    const uint end = at.k_begin + (at.k_end - at.k_begin) / N * N;
    for (uint first = k + lane * N; first < end; first += 32 * N) {
      const rt_pack16<T> part = *(device const rt_pack16<T>*)(row + first);
      if (rt_b_packed) {
        const rt_pack16<T> by = *(device const rt_pack16<T>*)(x + first);
        for (uint e = 0; e < N; e++) sum += float(part.v[e]) * float(by.v[e]);
      } else {
        for (uint e = 0; e < N; e++) sum += float(part.v[e]) * float(x[long(first + e) * p.b_row]);
      }
    }
    k = end;
  }
  for (k += lane; k < at.k_end; k += 32) {
    sum += float(row[long(k) * p.a_col]) * float(x[long(k) * p.b_row]);
  }
  sum = simd_sum(sum);
  const rt_product_out<T> out = rt_out(c, parts, at, p);
  if (lane == 0 && inside) out.put(0, 0, sum, p);
}
RT_EXPORT_AS(matvec_rows_float, rt_matvec_rows<float>)
RT_EXPORT_AS(matvec_rows_half, rt_matvec_rows<half>)
RT_EXPORT_AS(matvec_rows_bfloat, rt_matvec_rows<bfloat>)

// Columns lie side by side: a lane has 16 bytes of each, the eight simdgroups share k.
template <class T>
kernel void rt_matvec_columns(device const T* a [[buffer(0)]], device const T* b [[buffer(1)]],
                              device T* c [[buffer(2)]], device float* parts [[buffer(3)]],
                              constant MatmulPlan& p [[buffer(4)]],
                              uint group [[threadgroup_position_in_grid]],
                              uint thread_index [[thread_index_in_threadgroup]],
                              uint simd [[simdgroup_index_in_threadgroup]],
                              uint lane [[thread_index_in_simdgroup]]) {
  enum { N = 16 / sizeof(T), rows = 32 * N };
  rt_shared float memory[8 * rows];
  const rt_product_place at = rt_place(group, rows, 1, p);
  const uint first = lane * N, left = p.m - at.row;
  device const T* from = a + rt_batch_at(at.batch, p, p.a_batch) + at.row + first;
  device const T* x = b + rt_batch_at(at.batch, p, p.b_batch);
  float sum[N];
  for (uint e = 0; e < N; e++) sum[e] = 0.0f;
  for (uint k = at.k_begin + simd; k < at.k_end; k += 8) {
    const float y = float(x[long(k) * p.b_row]);
    device const T* column = from + long(k) * p.a_col;
    if (rt_a_packed && first + N <= left) {
      const rt_pack16<T> item = *(device const rt_pack16<T>*)column;
      for (uint e = 0; e < N; e++) sum[e] += float(item.v[e]) * y;
    } else {
      for (uint e = 0; e < N; e++) {
        if (first + e < left) sum[e] += float(column[e]) * y;
      }
    }
  }
  for (uint e = 0; e < N; e++) memory[simd * rows + first + e] = sum[e];
  threadgroup_barrier(mem_flags::mem_threadgroup);
  const rt_product_out<T> out = rt_out(c, parts, at, p);
  if (thread_index < rows) {
    float total = 0.0f;
    for (uint s = 0; s < 8; s++) total += memory[s * rows + thread_index];
    out.put(thread_index, 0, total, p);
  }
}
RT_EXPORT_AS(matvec_columns_float, rt_matvec_columns<float>)
RT_EXPORT_AS(matvec_columns_half, rt_matvec_columns<half>)
RT_EXPORT_AS(matvec_columns_bfloat, rt_matvec_columns<bfloat>)

// ---- The sums of what the splits made: an element a thread, or a simdgroup ----

template <class T>
inline void rt_store_at(device T* c, uint index, constant MatmulPlan& p,
                        typename rt_sum_type<T>::type sum) {
  const uint i = index / p.n;
  rt_store_product(c + rt_batch_at(i / p.m, p, p.c_batch) + long(i % p.m) * p.c_row +
                       long(index % p.n) * p.c_col,
                   p, sum);
}

template <class T>
kernel void rt_matmul_finish(device T* c [[buffer(0)]],
                             device const typename rt_sum_type<T>::type* parts [[buffer(1)]],
                             constant MatmulPlan& p [[buffer(2)]],
                             uint index [[thread_position_in_grid]]) {
  typedef typename rt_sum_type<T>::type S;
  const uint size = p.batch * p.m * p.n;
  if (index >= size) return;
  S sum = S(0);
  for (uint s = 0; s < p.splits; s++) sum += parts[ulong(s) * size + index];
  rt_store_at(c, index, p, sum);
}
RT_EXPORT_AS(matmul_finish_float, rt_matmul_finish<float>)
RT_EXPORT_AS(matmul_finish_half, rt_matmul_finish<half>)
RT_EXPORT_AS(matmul_finish_bfloat, rt_matmul_finish<bfloat>)
RT_EXPORT_AS(matmul_finish_uchar, rt_matmul_finish<uchar>)
RT_EXPORT_AS(matmul_finish_char, rt_matmul_finish<char>)
RT_EXPORT_AS(matmul_finish_short, rt_matmul_finish<short>)
RT_EXPORT_AS(matmul_finish_int, rt_matmul_finish<int>)
RT_EXPORT_AS(matmul_finish_long, rt_matmul_finish<long>)

template <class T>
kernel void rt_matmul_gather(device T* c [[buffer(0)]], device const float* parts [[buffer(1)]],
                             constant MatmulPlan& p [[buffer(2)]],
                             uint position [[thread_position_in_grid]],
                             uint lane [[thread_index_in_simdgroup]]) {
  const uint size = p.batch * p.m * p.n, index = position / 32;
  float sum = 0.0f;
  if (index < size) {
    for (uint s = lane; s < p.splits; s += 32) sum += parts[ulong(s) * size + index];
  }
  sum = simd_sum(sum);
  if (index < size && lane == 0) rt_store_at(c, index, p, sum);
}
RT_EXPORT_AS(matmul_gather_float, rt_matmul_gather<float>)
RT_EXPORT_AS(matmul_gather_half, rt_matmul_gather<half>)
RT_EXPORT_AS(matmul_gather_bfloat, rt_matmul_gather<bfloat>)
