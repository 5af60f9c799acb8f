// What the GPU's launch code decides from numbers alone: forms, splits, grids, plans.
#include <set>

#include "check.h"
#include "gpu/index.h"
#include "gpu/launch.h"
#include "gpu/matmul_plan.h"
#include "gpu/plan.h"
#include "gpu/reduce_form.h"
#include "gpu/row_form.h"
#include "ops/ops.h"
#include "ops/view.h"

namespace {

using namespace rt;
using namespace rt::gpu;

constexpr int64_t kSizes[] = {1, 2, 7, 16, 31, 32, 33, 100, 512, 1000, 4096, 70000, 1 << 24};
constexpr uint32_t kCores[] = {1, 2, 16, 132};

void groups_cover_the_threads() {
  for (int64_t threads : kSizes) {
    for (uint32_t each : {1u, 32u, 256u}) {
      const int64_t groups = groups_for(threads, each);
      CHECK(groups * each >= threads && (groups - 1) * each < threads);
    }
  }
}

// ---- Matrix products ----

void splits_cover_k() {
  for (int64_t k : kSizes) {
    for (int64_t groups : {int64_t{1}, int64_t{5}, int64_t{300}}) {
      for (int64_t wanted : {1, 8, 264, 4000}) {
        const Splits s = split_k(k, groups, wanted, 256);
        CHECK(s.each % 16 == 0);
        CHECK(int64_t{s.count} * s.each >= k);
        CHECK(s.count == 1 || (int64_t{s.count} - 1) * s.each < k);  // none is empty
        CHECK(s.count == 1 || s.each >= 256);
        CHECK(int64_t{s.count} * groups <= std::max(wanted, groups));
      }
    }
  }
  CHECK(split_k(0, 1, 8, 256).count == 1);
}

MatmulChoice choose(int64_t m, int64_t n, int64_t k, DType type, bool turned, uint32_t cores,
                    uint32_t batch = 1, MatmulPlan* filled = nullptr) {
  MatmulPlan plan{};
  plan.m = static_cast<uint32_t>(m);
  plan.n = static_cast<uint32_t>(n);
  plan.k = static_cast<uint32_t>(k);
  plan.batch = batch;
  const MatmulChoice c = choose_matmul(plan, type, {turned, true}, {false, true}, cores);
  if (filled) *filled = plan;
  return c;
}

void products_take_the_form_that_fits() {
  CHECK(choose(4096, 4096, 4096, DType::Float32, false, 132).form == MatmulForm::Tile64);
  CHECK(choose(64, 64, 64, DType::Float32, false, 132).form == MatmulForm::Tile32);
  CHECK(choose(32, 9000, 64, DType::BFloat16, false, 2).form == MatmulForm::Tile32);
  CHECK(choose(64, 64, 64, DType::Float16, false, 1).form == MatmulForm::Tile64);
  CHECK(choose(64, 64, 64, DType::Float32, false, 132, 400).form == MatmulForm::Tile64);
  CHECK(choose(500, 1, 900, DType::Float32, false, 16).form == MatmulForm::Rows);
  CHECK(choose(500, 1, 900, DType::Float32, true, 16).form == MatmulForm::Columns);
  CHECK(choose(500, 1, 900, DType::Int64, false, 16).form == MatmulForm::Whole);
  CHECK(std::string(kernel_base(MatmulForm::Columns)) == "matvec_columns_");
}

void products_fill_the_cores() {
  MatmulPlan plan{};
  // Few tiles and a long sum: it is cut.
  const MatmulChoice c = choose(64, 64, 1 << 20, DType::Float32, false, 132, 1, &plan);
  CHECK(plan.splits > 1 && c.groups == 4 * plan.splits && plan.splits <= 32);
  // Enough tiles: it is not.
  const MatmulChoice whole = choose(4096, 4096, 1 << 16, DType::Float32, false, 132, 1, &plan);
  CHECK(plan.splits == 1 && whole.groups == 64 * 64);
  for (int64_t m : kSizes) {
    for (int64_t k : kSizes) {
      for (uint32_t cores : kCores) {
        const MatmulChoice rows = choose(m, 1, k, DType::Float32, false, cores, 1, &plan);
        CHECK(int64_t{rows.groups} * 8 >= m * plan.splits && plan.splits <= 512);
        CHECK(int64_t{plan.splits} * plan.k_each >= k);
        const MatmulChoice columns = choose(m, 1, k, DType::Float16, true, cores, 1, &plan);
        CHECK(int64_t{columns.groups} * 256 >= m * int64_t{plan.splits});
      }
    }
  }
}

void operands_are_read_as_they_lie() {
  const Dims none{}, batch{64}, odd_batch{63};
  const auto side = [&](MatrixSteps m, const Dims& b, int64_t at) { return side_of(m, b, at, 4); };
  const MatmulSide rows = side({8, 16, 16, 1}, none, 0);
  CHECK(!rows.turned && rows.packed);
  const MatmulSide turned = side({8, 16, 1, 8}, batch, 32);
  CHECK(turned.turned && turned.packed);
  CHECK(!side({8, 16, 17, 1}, none, 0).packed);       // rows begin off the packs
  CHECK(!side({8, 16, 16, 1}, none, 4).packed);       // so does the first
  CHECK(!side({8, 16, 16, 1}, odd_batch, 0).packed);  // and each matrix of the batch
  CHECK(side({1, 16, 17, 1}, none, 0).packed);        // one row has no next
  const MatmulSide scattered = side({8, 16, 32, 2}, none, 0);
  CHECK(!scattered.turned && !scattered.packed);
}

// ---- Reductions ----

void reductions_cover_their_values() {
  for (int64_t results : kSizes) {
    for (int64_t count : kSizes) {
      if (results * count > (int64_t{1} << 33)) continue;
      for (uint32_t cores : kCores) {
        for (uint32_t pack : {1u, 4u, 8u}) {
          for (bool run : {false, true}) {
            for (int64_t columns : {int64_t{0}, results}) {
              const ReduceForm f = reduce_form({results, count, run, columns, pack, cores});
              CHECK(f.along >= 1 && f.along <= 256 && 256 % f.along == 0);
              CHECK(f.chunk % pack == 0 && f.chunk > 0 && f.chunk <= (1u << 30) + pack);
              CHECK(int64_t{f.parts} * f.chunk >= count);
              CHECK(f.parts == 1 || (int64_t{f.parts} - 1) * f.chunk < count);
              CHECK(f.by_columns == (!run && columns > 1));
            }
          }
        }
      }
    }
  }
}

void reductions_share_their_work() {
  // One long sum: all cores take part.
  CHECK(reduce_form({1, 1 << 24, true, 0, 4, 132}).parts > 100);
  // As many rows as threads want: no second launch.
  CHECK(reduce_form({1 << 20, 1 << 10, true, 0, 4, 132}).parts == 1);
  // Short rows do not keep a whole group waiting.
  CHECK(reduce_form({1 << 20, 8, true, 0, 4, 132}).along == 2);
  // More than one launch can count.
  CHECK(reduce_form({1, int64_t{1} << 40, true, 0, 4, 132}).parts >= 1024);
}

// ---- Rows ----

void rows_are_held_whole_or_not_at_all() {
  for (uint32_t most : {16u, 32u}) {
    for (int64_t n = 1; n < 40000; n += n < 2000 ? 1 : 97) {
      const RowForm f = row_form(n, most);
      CHECK(f.threads % kSimdWidth == 0 && f.threads <= kMaxRowThreads && f.held <= most);
      if (f.held == 0) {
        CHECK(n > int64_t{kMaxRowThreads} * most / 2);
      } else {
        CHECK(int64_t{f.held} * (f.whole_group ? f.threads : kSimdWidth) >= n);
      }
    }
    CHECK(row_form(int64_t{kMaxRowThreads} * most, most).held == most);
    CHECK(row_form(int64_t{kMaxRowThreads} * most + 1, most).held == 0);
  }
  CHECK(!row_form(256, 32).whole_group && row_form(256, 32).held == 8);
}

void columns_share_threads() {
  for (int64_t columns : kSizes) {
    for (int64_t n : kSizes) {
      const uint32_t along = column_threads(columns, columns, n, 16);
      CHECK(along >= 1 && kColumnGroup % along == 0);
    }
  }
  CHECK(column_threads(1000, 1000, 8, 16) == 1);           // short columns
  CHECK(column_threads(1 << 20, 1 << 20, 4096, 16) == 1);  // enough of them
  CHECK(column_threads(64, 64, 4096, 16) == 8);
}

// ---- Elementwise plans ----

// The elements (in items, from the tensor's first) that the launches of a plan reach, in order.
std::multiset<int64_t> reached(const std::vector<PlannedLaunch>& launches, int64_t item) {
  std::multiset<int64_t> found;
  for (const PlannedLaunch& l : launches) {
    const ElementwisePlan& p = l.plan;
    for (uint32_t i = 0; i < p.n; ++i) {
      int64_t at = l.offsets[0] / item, rest = i;
      for (uint32_t d = 0; d < p.ndim; ++d) {
        at += rest % p.sizes[d] * p.strides[0][d];
        rest /= p.sizes[d];
      }
      found.insert(at);
    }
  }
  return found;
}

std::vector<PlannedLaunch> planned(const Tensor& out, std::vector<PlanInput> inputs = {}) {
  std::vector<PlannedLaunch> launches;
  plan_elementwise(out, inputs, [&](const PlannedLaunch& l) { launches.push_back(l); });
  return launches;
}

void contiguous_tensors_go_in_one_launch() {
  const auto launches = planned(empty({3, 5, 7}, DType::Float32));
  CHECK(launches.size() == 1 && !launches[0].strided && launches[0].plan.ndim == 1);
  CHECK(launches[0].plan.n == 105 && launches[0].threads == 27);  // of four each
  CHECK(planned(empty({0, 4}, DType::Float32)).empty());
  // Off the packs of 16 bytes: by single elements.
  const auto offset = planned(ops::narrow(empty({9}, DType::Float32), 0, 1, 8));
  CHECK(offset.size() == 1 && offset[0].strided && offset[0].threads == 8);
}

// The widest item and the result's say how many elements a thread moves.
void narrow_results_take_more_elements_a_thread() {
  const auto threads = [](DType out, DType in) {
    const auto launches = planned(empty({105}, out), {{empty({105}, in), in}});
    CHECK(launches.size() == 1 && !launches[0].strided);
    return launches[0].threads;
  };
  CHECK(threads(DType::Float16, DType::Float16) == 14);  // of eight
  CHECK(threads(DType::Float32, DType::Float16) == 27);  // of four
  CHECK(threads(DType::Float16, DType::Float32) == 14);  // of eight, which are 32 bytes to read
  CHECK(threads(DType::UInt8, DType::Float16) == 7);     // of sixteen
  CHECK(threads(DType::UInt8, DType::Int64) == 27);      // of four
  // Reading starts at 16 bytes wherever it goes on for 32.
  const Tensor from = ops::narrow(empty({109}, DType::Float32), 0, 4, 105);
  const auto offset = planned(empty({105}, DType::Float16), {{from, DType::Float32}});
  CHECK(offset.size() == 1 && !offset[0].strided && offset[0].threads == 14);
}

void numbers_travel_in_the_plan() {
  const Tensor number = ops::full({}, Scalar(2.5), DType::Float64);
  const auto launches =
      planned(empty({4}, DType::Float32), {{number, DType::Float32}, {number, DType::Int64}});
  CHECK(launches.size() == 1 && launches[0].plan.number == 0b110);
  CHECK(launches[0].plan.numbers[0] == 0x40200000u && launches[0].plan.numbers[1] == 2);
  CHECK(number_bits(Scalar(-1), DType::Int32) == ~uint64_t{0});
  CHECK(number_bits(Scalar(0.5), DType::Bool) == 1);
}

void many_dims_are_split() {
  // Nine dims that no two can be merged of.
  Dims sizes, strides;
  int64_t step = 1;
  for (int d = 0; d < 9; ++d) {
    sizes.push_back(2);
    strides.push_back(step);
    step = step * 2 + 1;
  }
  const Tensor base = empty({step}, DType::Int16);
  const Tensor x = ops::as_strided(base, sizes, strides, {});
  const auto launches = planned(x);
  CHECK(launches.size() == 2);
  std::multiset<int64_t> expected;
  for (int i = 0; i < 512; ++i) {
    int64_t at = 0;
    for (int d = 0; d < 9; ++d) at += (i >> d & 1) * strides[d];
    expected.insert(at);
  }
  CHECK(reached(launches, 2) == expected);
}

void long_tensors_are_split() {
  // 3 * 2^32 elements over three bytes of memory.
  const Tensor x = ops::as_strided(empty({3}, DType::UInt8), {3, int64_t{1} << 32}, {1, 0}, {});
  int64_t n = 0;
  for (const PlannedLaunch& l : planned(ops::narrow(x, 0, 0, 2))) {
    CHECK(int64_t{l.plan.n} <= kMaxElements);
    n += l.plan.n;
  }
  CHECK(n == int64_t{1} << 33);
}

void rows_are_widened_to_packs() {
  ElementwisePlan plan{};
  plan.n = 64;
  plan.ndim = 2;
  plan.sizes[0] = 16;
  plan.sizes[1] = 4;
  plan.strides[0][0] = plan.strides[1][0] = 1;
  plan.strides[0][1] = 16;
  plan.strides[2][1] = 1;
  int64_t step = 16;
  ElementwisePlan wide = plan;
  CHECK(widen_rows(&wide, &step, 4));
  CHECK(wide.n == 16 && wide.sizes[0] == 4 && wide.strides[0][1] == 4 && step == 4);
  wide = plan;
  step = 15;
  CHECK(!widen_rows(&wide, &step, 4) && wide.n == 64 && step == 15);  // rows off the packs
  step = 16;
  wide.strides[1][0] = 2;
  CHECK(!widen_rows(&wide, &step, 4));
  CHECK(!widen_rows(&plan, &step, 16));  // an item is a pack
}

}  // namespace

void test_gpu_choices() {
  groups_cover_the_threads();
  splits_cover_k();
  products_take_the_form_that_fits();
  products_fill_the_cores();
  operands_are_read_as_they_lie();
  reductions_cover_their_values();
  reductions_share_their_work();
  rows_are_held_whole_or_not_at_all();
  columns_share_threads();
  contiguous_tensors_go_in_one_launch();
  narrow_results_take_more_elements_a_thread();
  numbers_travel_in_the_plan();
  many_dims_are_split();
  long_tensors_are_split();
  rows_are_widened_to_packs();
}
