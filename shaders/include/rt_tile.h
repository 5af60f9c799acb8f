// A tile of a matrix product: four simdgroups, each with a quarter of it in 8x8 matrices of floats,
// fed through threadgroup memory. Where the two sides come from and where the result goes is for
// classes to say, so convolutions are products too.
#pragma once

#include "rt_kernel.h"
#include "rt_lanes.h"

// The type that products of T are summed in.
template <class T>
struct rt_sum_type {
  typedef uint type;
};
template <>
struct rt_sum_type<long> {
  typedef ulong type;
};
template <>
struct rt_sum_type<float> {
  typedef float type;
};
template <>
struct rt_sum_type<half> {
  typedef float type;
};
template <>
struct rt_sum_type<bfloat> {
  typedef float type;
};

enum { rt_tile_depth = 16, rt_tile_threads = 128, rt_tile_pad = 4 };

// Floats of threadgroup memory that one side of a tile takes, in either order.
template <int Side>
struct rt_tile_side {
  enum {
    along = Side * (rt_tile_depth + rt_tile_pad),
    across = rt_tile_depth * (Side + rt_tile_pad),
    size = along > across ? along : across
  };
};

// Copies a block of a strided matrix as rows of Fast + rt_tile_pad items; zeros beyond its ends.
// packed: fast_step is 1 and each row of the block begins at an address of 16 bytes.
template <class S, int Slow, int Fast, int Threads, class T>
inline void rt_load_block(threadgroup S* to, device const T* from, long slow_step, long fast_step,
                          uint slow_left, uint fast_left, bool packed, uint thread_index) {
  enum { row = Fast + rt_tile_pad, N = 16 / sizeof(T) };
  if (packed) {
    for (uint t = thread_index; t < Slow * Fast / N; t += Threads) {
      const uint i = t / (Fast / N), j = t % (Fast / N) * N;
      device const T* p = from + long(i) * slow_step + j;
      if (i < slow_left && j + N <= fast_left) {
        const rt_pack16<T> item = *(device const rt_pack16<T>*)p;
        for (uint e = 0; e < N; e++) to[i * row + j + e] = S(item.v[e]);
      } else {
        for (uint e = 0; e < N; e++) {
          to[i * row + j + e] = i < slow_left && j + e < fast_left ? S(p[e]) : S(0);
        }
      }
    }
    return;
  }
  for (uint t = thread_index; t < Slow * Fast; t += Threads) {
    const uint i = t / Fast, j = t % Fast;
    to[i * row + j] =
        i < slow_left && j < fast_left ? S(from[long(i) * slow_step + long(j) * fast_step]) : S(0);
  }
}

// Left, Right: load(to, k, k_end, thread_index) fills a side for k, k + 1, ..., zeros from k_end
// on; turned() says that rows of it run along m (Left) or along k (Right), not the other way round.
// Right::prepares: prepare(k) is called a barrier before the sides are loaded for that k.
// Out: put(i, j, value) takes a value of the tile.
template <int M, int N, class Left, class Right, class Out>
inline void rt_tile_product(thread Left& left, thread Right& right, thread Out& out,
                            threadgroup float* memory, uint k_begin, uint k_end, uint thread_index,
                            uint simd, uint lane) {
  enum { depth = rt_tile_depth, pad = rt_tile_pad, rows = M / 16, cols = N / 16 };
  threadgroup float* as = memory;
  threadgroup float* bs = memory + rt_tile_side<M>::size;
  const uint row = simd / 2 * (M / 2), col = simd % 2 * (N / 2);
  simdgroup_float8x8 sum[rows][cols];
#pragma unroll
  for (int i = 0; i < rows; i++) {
#pragma unroll
    for (int j = 0; j < cols; j++) sum[i][j] = make_filled_simdgroup_matrix<float, 8, 8>(0.0f);
  }
  if (Right::prepares) {
    right.prepare(k_begin, thread_index);
    threadgroup_barrier(mem_flags::mem_threadgroup);
  }
  for (uint k = k_begin; k < k_end; k += depth) {
    left.load(as, k, k_end, thread_index);
    right.load(bs, k, k_end, thread_index);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    right.prepare(k + depth, thread_index);
    for (uint d = 0; d < depth; d += 8) {
      simdgroup_float8x8 a[rows], b[cols];
#pragma unroll
      for (uint i = 0; i < rows; i++) {
        if (left.turned()) {
          simdgroup_load(a[i], as + d * (M + pad) + row + i * 8, M + pad, ulong2(0), true);
        } else {
          simdgroup_load(a[i], as + (row + i * 8) * (depth + pad) + d, depth + pad);
        }
      }
#pragma unroll
      for (uint j = 0; j < cols; j++) {
        if (right.turned()) {
          simdgroup_load(b[j], bs + (col + j * 8) * (depth + pad) + d, depth + pad, ulong2(0),
                         true);
        } else {
          simdgroup_load(b[j], bs + d * (N + pad) + col + j * 8, N + pad);
        }
      }
#pragma unroll
      for (int i = 0; i < rows; i++) {
#pragma unroll
        for (int j = 0; j < cols; j++) {
          simdgroup_multiply_accumulate(sum[i][j], a[i], b[j], sum[i][j]);
        }
      }
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
  }
  // Each simdgroup lays out eight rows of its quarter at a time, so that lanes write side by side.
  enum { width = N / 2, step = width + pad };
  threadgroup float* stage = memory + simd * (8 * step);
#pragma unroll
  for (uint i = 0; i < rows; i++) {
#pragma unroll
    for (uint j = 0; j < cols; j++) simdgroup_store(sum[i][j], stage + j * 8, step);
    simdgroup_barrier(mem_flags::mem_threadgroup);
    for (uint t = lane; t < 8 * width; t += 32) {
      out.put(row + i * 8 + t / width, col + t % width, stage[t / width * step + t % width]);
    }
    simdgroup_barrier(mem_flags::mem_threadgroup);
  }
}
