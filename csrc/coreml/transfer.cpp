#include "coreml/transfer.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>

#include "ops/ops.h"

namespace rt::coreml {

namespace {

constexpr int64_t kMaxSide = 16384;   // of a pixel buffer
constexpr size_t kRowAlignment = 64;  // of the rows of an IOSurface

size_t round_up(size_t n, size_t to) { return (n + to - 1) / to * to; }

bool uses_neural_engine(ComputeUnits u) {
  return u == ComputeUnits::All || u == ComputeUnits::CpuAndNeuralEngine;
}

// Memory that somebody else holds while it is read here.
Tensor borrowed(const void* data, size_t bytes, DType dtype, IntList sizes, IntList strides) {
  return from_memory(make_ref<Storage>(const_cast<void*>(data), bytes, Device{}), dtype, sizes,
                     strides);
}

}  // namespace

const char* name(Passage p) {
  static constexpr const char* names[] = {"wrapped", "surface", "copied"};
  return names[static_cast<size_t>(p)];
}

bool array_has(DType dtype) {
  return dtype == DType::Float16 || dtype == DType::Float32 || dtype == DType::Float64 ||
         dtype == DType::Int32;
}

std::optional<SurfacePlan> plan_surface(DType dtype, IntList sizes) {
  if (dtype != DType::Float16 || sizes.empty()) return {};
  SurfacePlan p;
  p.width = sizes.back();
  p.height = 1;
  for (size_t i = 0; i + 1 < sizes.size(); ++i) {
    // Checked at each step, so that the product cannot overflow.
    if (sizes[i] > kMaxSide || p.height > kMaxSide) return {};
    p.height *= sizes[i];
  }
  if (p.width < 1 || p.height < 1 || p.width > kMaxSide || p.height > kMaxSide) return {};
  const size_t row = static_cast<size_t>(p.width) * item_size(dtype);
  p.row_bytes = round_up(row, kRowAlignment);
  if (p.row_bytes > 2 * row) return {};
  return p;
}

bool array_can_wrap(DType dtype, IntList sizes, IntList strides) {
  if (!array_has(dtype)) return false;
  // By stride; each has to pass over all that the smaller ones reach.
  std::vector<std::pair<int64_t, int64_t>> dims;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == 0) return false;
    if (sizes[i] > 1) dims.emplace_back(strides[i], sizes[i]);
  }
  std::sort(dims.begin(), dims.end());
  int64_t reach = 1;
  for (const auto& [stride, size] : dims) {
    if (stride < reach) return false;
    reach = stride * (size - 1) + reach;
  }
  return true;
}

Passage choose_passage(DType given, IntList sizes, IntList strides, DType wanted,
                       ComputeUnits units) {
  if (uses_neural_engine(units) && plan_surface(wanted, sizes)) return Passage::Surface;
  if (given == wanted && array_can_wrap(given, sizes, strides)) return Passage::Wrapped;
  return Passage::Copied;
}

void copy_rows(void* to, size_t to_stride, const void* from, size_t from_stride, size_t row_bytes,
               size_t rows) {
  if (to_stride == row_bytes && from_stride == row_bytes) {
    std::memcpy(to, from, row_bytes * rows);
    return;
  }
  auto* out = static_cast<char*>(to);
  const auto* in = static_cast<const char*>(from);
  for (size_t i = 0; i < rows; ++i) {
    std::memcpy(out + i * to_stride, in + i * from_stride, row_bytes);
  }
}

void copy_out(const void* data, size_t bytes, DType dtype, IntList sizes, IntList strides,
              const Tensor& out) {
  RT_CHECK(out.sizes() == sizes, Runtime, "coreml", "an output has another shape than announced",
           cat_str(sizes), cat_str("outputs of shape ", out.sizes()));
  size_t reach = 1;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == 0) return;
    reach += static_cast<size_t>(sizes[i] - 1) * static_cast<size_t>(strides[i]);
  }
  RT_CHECK(reach * item_size(dtype) <= bytes, Runtime, "coreml",
           "an output is larger than its memory", cat_str(sizes));
  ops::copy_(alias(out), borrowed(data, bytes, dtype, sizes, strides));
}

const char* name(ComputeUnits u) {
  static constexpr const char* names[] = {"all", "cpu_and_ne", "cpu_and_gpu", "cpu_only"};
  return names[static_cast<size_t>(u)];
}

ComputeUnits parse_compute_units(const std::string& text) {
  for (ComputeUnits u : {ComputeUnits::All, ComputeUnits::CpuAndNeuralEngine,
                         ComputeUnits::CpuAndGpu, ComputeUnits::CpuOnly}) {
    if (text == name(u)) return u;
  }
  RT_FAIL(Value, "coreml", "compute_units is unknown", text,
          "'all', 'cpu_and_ne', 'cpu_and_gpu' or 'cpu_only'");
}

const char* name(Where w) {
  static constexpr const char* names[] = {"-", "CPU", "GPU", "NE"};
  return names[static_cast<size_t>(w)];
}

std::vector<OperationReport> without_constants(std::vector<OperationReport> all) {
  std::erase_if(all, [](const OperationReport& r) {
    return r.op == "const" || r.op.find("constexpr_") != std::string::npos;
  });
  return all;
}

std::string table(const std::vector<OperationReport>& report) {
  using Row = std::array<std::string, 5>;
  std::vector<Row> rows = {{"operation", "result", "runs on", "could run on", "cost"}};
  for (const OperationReport& r : report) {
    std::string supported;
    for (Where w : r.supported) supported += cat_str(supported.empty() ? "" : ", ", name(w));
    char cost[32];
    std::snprintf(cost, sizeof cost, "%.1f %%", 100 * r.cost);
    rows.push_back({r.op, r.name, name(r.preferred), supported, r.cost > 0 ? cost : "-"});
  }
  std::array<size_t, 5> widths{};
  for (const Row& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const Row& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      line += row[i] + std::string(widths[i] - row[i].size() + 2, ' ');
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

}  // namespace rt::coreml
