// How tensors go into Core ML and come out, decided without it: what its arrays can say of memory,
// when a surface for the Neural Engine pays, and how a report of a plan becomes rows.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "coreml/executor.h"

namespace rt::coreml {

// ---- Inputs ----

enum class Passage : uint8_t {
  Wrapped,  // an array over the tensor's own memory
  Surface,  // float16 rows in an IOSurface, which the Neural Engine reads as it is
  Copied,   // an array over a copy that has the right dtype and layout
};
const char* name(Passage p);

// A pixel buffer of OneComponent16Half: a row is the last dim, the others are its height.
struct SurfacePlan {
  int64_t width = 0, height = 0;
  size_t row_bytes = 0;  // as it has to be at least; a surface may pad it further
};
// Where rows permit: float16, sides that a pixel buffer can have, and no more padding than data.
std::optional<SurfacePlan> plan_surface(DType dtype, IntList sizes);

// Whether an array of Core ML can say how the tensor lies: its strides are positive, and no element
// is there twice.
bool array_can_wrap(DType dtype, IntList sizes, IntList strides);

Passage choose_passage(DType given, IntList sizes, IntList strides, DType wanted,
                       ComputeUnits units);

// The dtypes that arrays have from macOS 12 on.
bool array_has(DType dtype);

// ---- Rows of a surface, strided memory ----

// Between dense rows and rows that are `to_stride` (or `from_stride`) bytes apart.
void copy_rows(void* to, size_t to_stride, const void* from, size_t from_stride, size_t row_bytes,
               size_t rows);
// What Core ML gave (any strides, any dtype of arrays) into a tensor of the CPU.
void copy_out(const void* data, size_t bytes, DType dtype, IntList sizes, IntList strides,
              const Tensor& out);

// ---- Names ----

const char* name(ComputeUnits u);  // "all", "cpu_and_ne", "cpu_and_gpu", "cpu_only"
ComputeUnits parse_compute_units(const std::string& name);

// ---- Where operations run ----

enum class Where : uint8_t { Unknown, Cpu, Gpu, NeuralEngine };
const char* name(Where w);

// One operation of a plan.
struct OperationReport {
  std::string name;  // of its first result
  std::string op;
  Where preferred = Where::Unknown;
  std::vector<Where> supported;
  double cost = 0;  // its share of the whole, from 0 to 1; 0 where Core ML does not say
};
// Constants run nowhere, and are left out.
std::vector<OperationReport> without_constants(std::vector<OperationReport> all);
// One row an operation, in aligned columns.
std::string table(const std::vector<OperationReport>& report);

}  // namespace rt::coreml
