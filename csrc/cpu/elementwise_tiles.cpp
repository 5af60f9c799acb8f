// Layouts that disagree (a transposed operand): walked in square tiles, so that every cache line is
// read and written whole, instead of one element a line.
#include <algorithm>
#include <cstring>

#include "cpu/elementwise_run.h"
#include "cpu/items.h"
#include "cpu/parallel.h"

namespace rt::cpu {

namespace {

constexpr int64_t kSide = 32;       // kSide * kSide elements fill one buffer
constexpr int64_t kLine = 64;       // bytes
constexpr int64_t kCopySide = 256;  // bounds the pages a copied tile touches
constexpr int64_t kWorthTiling = 8;
static_assert(kSide * kSide == kElementwiseChunk);

// dst[r][c] = src[c][r] for a block no wider than a cache line: lines are read whole into `block`,
// which stays in the first-level cache, and written whole from it. Hardware does not foresee these
// addresses, so the lines of the block below are asked for here.
template <class T>
struct Transpose {
  static constexpr int64_t kItem = sizeof(T), kEdge = kLine / kItem;
  char* dst;
  int64_t dst_step;
  const char* src;
  int64_t src_step;

  [[gnu::always_inline]] inline void block(int64_t r, int64_t c, int64_t height,
                                           int64_t width) const {
    alignas(kLine) T block[kEdge][kEdge];
    const char* from = src + c * src_step + r * kItem;
    char* to = dst + r * dst_step + c * kItem;
    for (int64_t i = 0; i < width; ++i) {
      T line[kEdge];
      __builtin_prefetch(from + i * src_step + kLine);
      std::memcpy(line, from + i * src_step, static_cast<size_t>(height) * sizeof(T));
      for (int64_t j = 0; j < height; ++j) block[j][i] = line[j];
    }
    for (int64_t j = 0; j < height; ++j) {
      __builtin_prefetch(to + (j + kEdge) * dst_step, 1);
      std::memcpy(to + j * dst_step, block[j], static_cast<size_t>(width) * sizeof(T));
    }
  }

  void run(int64_t rows, int64_t cols) const {
    for (int64_t c = 0; c < cols; c += kEdge) {
      for (int64_t r = 0; r < rows; r += kEdge) {
        if (rows - r >= kEdge && cols - c >= kEdge) {
          block(r, c, kEdge, kEdge);  // constant trip counts
        } else {
          block(r, c, std::min(kEdge, rows - r), std::min(kEdge, cols - c));
        }
      }
    }
  }
};

// dst's rows and src's columns are contiguous; steps in bytes.
void transpose_items(size_t item, int64_t rows, int64_t cols, char* dst, int64_t dst_step,
                     const char* src, int64_t src_step) {
  with_item(item, [&]<class T>(T) { Transpose<T>{dst, dst_step, src, src_step}.run(rows, cols); });
}

int64_t tiles(int64_t size, int64_t side) { return (size + side - 1) / side; }

// Calls body(index, height, width) for the tiles [begin, end): index holds the tile's first
// position.
template <class Body>
void for_each_tile(const StridedPlan& plan, int64_t across, int64_t side, int64_t begin,
                   int64_t end, Body body) {
  const int64_t n = plan.ndim();
  const Dims& sizes = plan.sizes();
  Dims index(static_cast<size_t>(n), 0);
  for (int64_t tile = begin; tile < end; ++tile) {
    int64_t rest = tile;
    const auto take = [&](int64_t count) {
      const int64_t part = rest % count;
      rest /= count;
      return part;
    };
    index[0] = take(tiles(sizes[0], side)) * side;
    index[across] = take(tiles(sizes[across], side)) * side;
    for (int64_t d = 1; d < n; ++d) {
      if (d != across) index[d] = take(sizes[d]);
    }
    body(index, std::min(side, sizes[across] - index[across]), std::min(side, sizes[0] - index[0]));
  }
}

int64_t count_tiles(const StridedPlan& plan, int64_t across, int64_t side) {
  int64_t count = 1;
  for (int64_t d = 0; d < plan.ndim(); ++d) {
    count *= d == 0 || d == across ? tiles(plan.sizes()[d], side) : plan.sizes()[d];
  }
  return count;
}

char* position(const StridedOperand& o, const Dims& index) {
  char* p = o.data;
  for (int64_t d = 0; d < index.ssize(); ++d) p += index[d] * o.strides[d];
  return p;
}

// One tile of an operand between memory and a dense buffer of height rows.
void pack(const StridedOperand& o, int64_t across, size_t item, char* memory, int64_t height,
          int64_t width, char* buffer) {
  const int64_t size = static_cast<int64_t>(item);
  if (o.strides[across] == size && o.strides[0] != size) {
    return transpose_items(item, height, width, buffer, width * size, memory, o.strides[0]);
  }
  for (int64_t r = 0; r < height; ++r) {
    copy_items(item, width, buffer + r * width * size, size, memory + r * o.strides[across],
               o.strides[0]);
  }
}

void unpack(const StridedOperand& o, int64_t across, size_t item, char* memory, int64_t height,
            int64_t width, const char* buffer) {
  const int64_t size = static_cast<int64_t>(item);
  if (o.strides[across] == size && o.strides[0] != size) {
    return transpose_items(item, width, height, memory, o.strides[0], buffer, width * size);
  }
  for (int64_t r = 0; r < height; ++r) {
    copy_items(item, width, memory + r * o.strides[across], o.strides[0], buffer + r * width * size,
               size);
  }
}

}  // namespace

int64_t tiled_dim(const StridedPlan& plan, const ElementwiseOperand* operands) {
  if (plan.sizes()[0] < kWorthTiling) return 0;
  for (size_t i = 0; i < plan.operands(); ++i) {
    const int64_t item = static_cast<int64_t>(item_size(operands[i].dtype));
    const Dims& strides = plan.operand(i).strides;
    if (strides[0] == item || strides[0] == 0) continue;
    for (int64_t d = 1; d < plan.ndim(); ++d) {
      if (strides[d] == item && plan.sizes()[d] >= kWorthTiling) return d;
    }
  }
  return 0;
}

void run_tiled(const StridedPlan& plan, const ElementwiseOperand* operands, ElementwiseLoop loop,
               int64_t across) {
  const size_t n = plan.operands();
  const int64_t grain = kElementwiseGrain / kElementwiseChunk;
  parallel_for(0, count_tiles(plan, across, kSide), grain, [&](int64_t begin, int64_t end) {
    alignas(kLine) char typed[kElementwiseOperands][kElementwiseChunk * 16];
    alignas(kLine) char raw[kElementwiseChunk * 16];
    for_each_tile(plan, across, kSide, begin, end,
                  [&](const Dims& at, int64_t height, int64_t width) {
                    void* pointers[kElementwiseOperands];
                    for (size_t i = 0; i < n; ++i) pointers[i] = typed[i];
                    for (size_t i = 1; i < n; ++i) {
                      const ElementwiseOperand& o = operands[i];
                      pack(plan.operand(i), across, item_size(o.dtype),
                           position(plan.operand(i), at), height, width, o.cast ? raw : typed[i]);
                      if (o.cast) {
                        void* p[] = {typed[i], raw};
                        o.cast(height * width, p);
                      }
                    }
                    loop(height * width, pointers);
                    const ElementwiseOperand& out = operands[0];
                    char* source = typed[0];
                    if (out.cast) {
                      void* p[] = {raw, typed[0]};
                      out.cast(height * width, p);
                      source = raw;
                    }
                    unpack(plan.operand(0), across, item_size(out.dtype),
                           position(plan.operand(0), at), height, width, source);
                  });
  });
}

void copy_tiled(const StridedPlan& plan, size_t item, int64_t across) {
  const int64_t grain = std::max<int64_t>(1, kElementwiseGrain / (kCopySide * kCopySide));
  parallel_for(0, count_tiles(plan, across, kCopySide), grain, [&](int64_t begin, int64_t end) {
    for_each_tile(plan, across, kCopySide, begin, end,
                  [&](const Dims& at, int64_t height, int64_t width) {
                    transpose_items(item, height, width, position(plan.operand(0), at),
                                    plan.operand(0).strides[across], position(plan.operand(1), at),
                                    plan.operand(1).strides[0]);
                  });
  });
}

}  // namespace rt::cpu
