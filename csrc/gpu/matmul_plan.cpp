#include "gpu/matmul_plan.h"

#include <algorithm>

namespace rt::gpu {

namespace {
constexpr int64_t kDepth = 16;           // of a tile, along k
constexpr int64_t kSimdgroups = 8;       // of a threadgroup of the vector forms
constexpr int64_t kMostParts = 512;      // that one simdgroup adds up
constexpr int64_t kMostWholeParts = 32;  // that one thread does

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
}  // namespace

MatmulSide side_of(const MatrixSteps& m, IntList batch_steps, int64_t byte_offset, int64_t item) {
  MatmulSide side;
  const bool straight = m.col_step == 1 && m.cols > 1;
  side.turned = !straight && m.row_step == 1;
  if (!straight && !side.turned) return side;
  const int64_t pack = 16 / item, slow = side.turned ? m.col_step : m.row_step,
                count = side.turned ? m.cols : m.rows;
  side.packed = byte_offset % 16 == 0 && (count == 1 || slow % pack == 0);
  for (int64_t s : batch_steps) side.packed = side.packed && s % pack == 0;
  return side;
}

Splits split_k(int64_t k, int64_t groups, int64_t wanted, int64_t least) {
  const int64_t parts =
      std::max<int64_t>(1, std::min(wanted / std::max<int64_t>(groups, 1), k / least));
  const int64_t each = ceil_div(ceil_div(k, parts), kDepth) * kDepth;
  return {static_cast<uint32_t>(std::max<int64_t>(1, ceil_div(k, std::max(each, kDepth)))),
          static_cast<uint32_t>(std::max(each, kDepth))};
}

MatmulChoice choose_matmul(MatmulPlan& plan, DType type, MatmulSide a, MatmulSide b,
                           uint32_t cores) {
  const int64_t m = plan.m, n = plan.n, k = plan.k, batch = plan.batch;
  const auto tiles = [&](int64_t side) { return ceil_div(m, side) * ceil_div(n, side) * batch; };
  MatmulChoice c{MatmulForm::Tile32, a, b, 0};
  int64_t groups;
  Splits splits;
  if (!is_floating(type)) {
    c.form = MatmulForm::Whole;
    groups = tiles(32);
    splits = split_k(k, groups, std::min<int64_t>(2 * cores, kMostWholeParts * groups), 256);
  } else if (n == 1 && !a.turned) {
    c.form = MatmulForm::Rows;
    const int64_t rows = m * batch;
    splits = split_k(k, rows, std::min<int64_t>(32 * cores, kMostParts * rows), 512);
    groups = ceil_div(rows * splits.count, kSimdgroups);
  } else if (n == 1) {
    c.form = MatmulForm::Columns;
    groups = ceil_div(m, 32 * (16 / static_cast<int64_t>(item_size(type)))) * batch;
    splits = split_k(k, groups, std::min<int64_t>(4 * cores, kMostParts * groups), 128);
  } else {
    // The larger tile reads its operands half as often, once there are enough of them.
    if (m > 32 && n > 32 && tiles(64) >= cores) c.form = MatmulForm::Tile64;
    groups = tiles(c.form == MatmulForm::Tile64 ? 64 : 32);
    splits = split_k(k, groups, std::min<int64_t>(2 * cores, kMostWholeParts * groups), 256);
  }
  plan.splits = splits.count;
  plan.k_each = splits.each;
  c.groups = static_cast<uint32_t>(c.form == MatmulForm::Rows ? groups : groups * splits.count);
  return c;
}

const char* kernel_base(MatmulForm form) {
  switch (form) {
    case MatmulForm::Tile64:
      return "matmul_64_";
    case MatmulForm::Tile32:
      return "matmul_32_";
    case MatmulForm::Whole:
      return "matmul_whole_";
    case MatmulForm::Rows:
      return "matvec_rows_";
    case MatmulForm::Columns:
      return "matvec_columns_";
  }
  return "";
}

}  // namespace rt::gpu
