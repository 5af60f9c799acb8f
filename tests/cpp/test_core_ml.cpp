// What is decided before and after Core ML: how memory goes in and comes out, and how a report
// looks.
#include "check.h"
#include "coreml/native.h"
#include "coreml/transfer.h"
#include "ops/ops.h"

namespace {

using namespace rt;
using namespace rt::coreml;

constexpr ComputeUnits kCpu = ComputeUnits::CpuOnly, kGpu = ComputeUnits::CpuAndGpu,
                       kNe = ComputeUnits::CpuAndNeuralEngine, kAll = ComputeUnits::All;

void arrays_wrap_what_they_can_describe() {
  struct Case {
    DType dtype;
    Dims sizes, strides;
    bool wraps;
  };
  const Case cases[] = {
      {DType::Float32, {2, 3}, {3, 1}, true},
      {DType::Float16, {2, 3}, {1, 2}, true},  // transposed
      {DType::Int32, {2, 3}, {16, 2}, true},   // a window
      {DType::Float64, {}, {}, true},
      {DType::Float32, {1, 3}, {0, 1}, true},         // the stride of one element says nothing
      {DType::Float32, {2, 3}, {0, 1}, false},        // expanded
      {DType::Float32, {2, 3}, {2, 1}, false},        // rows that overlap
      {DType::Float32, {2, 2, 2}, {4, 3, 2}, false},  // interleaved
      {DType::Float32, {0, 3}, {3, 1}, false},        // nothing to point at
      {DType::Int64, {2, 3}, {3, 1}, false},          // no such array
      {DType::Bool, {2, 3}, {3, 1}, false},
      {DType::BFloat16, {2, 3}, {3, 1}, false},
  };
  for (const Case& c : cases) CHECK(array_can_wrap(c.dtype, c.sizes, c.strides) == c.wraps);
}

void surfaces_are_for_rows_that_fit() {
  const auto p = plan_surface(DType::Float16, {2, 8, 64});
  CHECK(p && p->width == 64 && p->height == 16 && p->row_bytes == 128);
  const auto padded = plan_surface(DType::Float16, {4, 33});
  CHECK(padded && padded->width == 33 && padded->height == 4 && padded->row_bytes == 128);
  CHECK(plan_surface(DType::Float16, {100})->height == 1);
  CHECK(!plan_surface(DType::Float32, {2, 64}));         // not a half
  CHECK(!plan_surface(DType::Float16, {1000, 4}));       // rows would be mostly padding
  CHECK(!plan_surface(DType::Float16, {2, 16385}));      // too wide for a pixel buffer
  CHECK(!plan_surface(DType::Float16, {128, 129, 64}));  // too high
  CHECK(!plan_surface(DType::Float16, {int64_t{1} << 40, int64_t{1} << 40, 64}));
  CHECK(!plan_surface(DType::Float16, {0, 64}));
  CHECK(!plan_surface(DType::Float16, {}));
}

void passages_follow_dtype_layout_and_units() {
  struct Case {
    DType given, wanted;
    Dims sizes, strides;
    ComputeUnits units;
    Passage passage;
  };
  const Dims rows{2, 64}, dense{64, 1}, turned{1, 2};
  const DType f32 = DType::Float32, f16 = DType::Float16;
  const Case cases[] = {
      {f32, f32, rows, dense, kAll, Passage::Wrapped},
      {f32, f32, rows, turned, kAll, Passage::Wrapped},
      {f16, f16, rows, dense, kAll, Passage::Surface},
      {f16, f16, rows, turned, kNe, Passage::Surface},
      {f32, f16, rows, dense, kNe, Passage::Surface},  // it is converted on the way in any case
      {f16, f16, rows, dense, kGpu, Passage::Wrapped},
      {f16, f16, {64, 2}, {2, 1}, kNe, Passage::Wrapped},  // rows too short for a surface
      {f32, f16, rows, dense, kCpu, Passage::Copied},
      {DType::Int64, DType::Int32, rows, dense, kAll, Passage::Copied},
      {f32, f32, rows, {0, 1}, kCpu, Passage::Copied},
  };
  for (const Case& c : cases) {
    CHECK(choose_passage(c.given, c.sizes, c.strides, c.wanted, c.units) == c.passage);
  }
}

void rows_are_copied_into_padding_and_back() {
  const std::vector<uint16_t> in = {1, 2, 3, 4, 5, 6};
  std::vector<uint16_t> padded(8, 9), out(6, 0);
  copy_rows(padded.data(), 8, in.data(), 6, 6, 2);
  CHECK(padded == std::vector<uint16_t>({1, 2, 3, 9, 4, 5, 6, 9}));
  copy_rows(out.data(), 6, padded.data(), 8, 6, 2);
  CHECK(out == in);
  copy_rows(out.data(), 6, padded.data(), 6, 6, 2);  // dense on both sides: one piece
  CHECK(out == std::vector<uint16_t>({1, 2, 3, 9, 4, 5}));
}

void outputs_come_in_any_layout_and_dtype() {
  // Rows of three with one element of padding, of another dtype.
  const std::vector<int32_t> memory = {1, 2, 3, -1, 4, 5, 6, -1};
  const Tensor out = empty({2, 3}, DType::Float32);
  copy_out(memory.data(), 28, DType::Int32, {2, 3}, {4, 1}, out);
  for (int i = 0; i < 6; ++i) CHECK(out.data<float>()[i] == static_cast<float>(i + 1));
  const Tensor turned = empty({3, 2}, DType::Int32);
  copy_out(memory.data(), 32, DType::Int32, {3, 2}, {1, 4}, turned);
  CHECK(turned.data<int32_t>()[1] == 4 && turned.data<int32_t>()[4] == 3);
  CHECK_THROWS(copy_out(memory.data(), 24, DType::Int32, {2, 3}, {4, 1}, out), Error);
  CHECK_THROWS(copy_out(memory.data(), 32, DType::Int32, {3, 2}, {1, 4}, out), Error);
}

void units_have_names() {
  for (ComputeUnits u : {kAll, kNe, kGpu, kCpu}) CHECK(parse_compute_units(name(u)) == u);
  CHECK_THROWS(parse_compute_units("tpu"), Error);
}

void reports_become_tables() {
  const auto report = without_constants({
      {"w", "const", Where::Unknown, {}, 0},
      {"d", "ios16.constexpr_lut_to_dense", Where::Unknown, {}, 0},
      {"y", "ios17.linear", Where::NeuralEngine, {Where::Cpu, Where::NeuralEngine}, 0.875},
      {"z", "ios17.topk", Where::Cpu, {Where::Cpu}, 0},
  });
  CHECK(report.size() == 2);
  CHECK(table(report) ==
        "operation     result  runs on  could run on  cost\n"
        "ios17.linear  y       NE       CPU, NE       87.5 %\n"
        "ios17.topk    z       CPU      CPU           -\n");
}

void elsewhere_there_is_no_core_ml() {
#ifndef __APPLE__
  std::string why;
  CHECK(native_models(&why) == nullptr);
  CHECK(why.find("no connection to Core ML") != std::string::npos);
#endif
}

}  // namespace

void test_core_ml() {
  load_engines();
  arrays_wrap_what_they_can_describe();
  surfaces_are_for_rows_that_fit();
  passages_follow_dtype_layout_and_units();
  rows_are_copied_into_padding_and_back();
  outputs_come_in_any_layout_and_dtype();
  units_have_names();
  reports_become_tables();
  elsewhere_there_is_no_core_ml();
}
