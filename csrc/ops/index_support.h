// What the ops that read and write at index tensors share: checks of indices, and the two kernels
// that all of them run on.
#pragma once

#include "ops/elementwise.h"

namespace rt {

// out[e] = src[e + step * index[e]] over out's shape; index is int64 and in range, `step` counts
// elements. All three have out's shape; along the dims that the index stands for, src has stride 0.
extern KernelSlot<void(const Tensor& out, const Tensor& src, const Tensor& index, int64_t step)>
    gather_kernel;

enum class ScatterMode : uint8_t { Assign, Add, Mul, Max, Min };

// target[e + step * index[e]] (mode)= values[e] over values' shape. Only elements that differ along
// dims [serial_begin, serial_end) may meet: there the order is row-major, so results are repeatable
// and the last value stays. Floats below 32 bits can only be assigned.
extern KernelSlot<void(const Tensor& target, const Tensor& index, int64_t step,
                       const Tensor& values, int64_t serial_begin, int64_t serial_end,
                       ScatterMode mode)>
    scatter_kernel;

// The smallest and largest of a non-empty contiguous int64 tensor.
extern KernelSlot<void(const Tensor& index, int64_t* smallest, int64_t* largest)>
    index_range_kernel;

// int64 [n, dim]: the places of the elements that are not zero, in row-major order.
// Places of the elements that are not zero, one row a dim.
extern KernelSlot<void(const Tensor& x, Tensor* places)> nonzero_kernel;

// target[e] = value where mask[e]; the mask broadcasts, value is one element of target's dtype.
extern KernelSlot<void(const Tensor& target, const Tensor& mask, const Tensor& value)>
    masked_fill_kernel;

// Rows (int64 [n], contiguous) of a contiguous float table whose p-norm exceeds max_norm are scaled
// to it.
extern KernelSlot<void(const Tensor& table, const Tensor& rows, double max_norm, double p)>
    renorm_rows_kernel;

enum class IndexTypes : uint8_t { Int64, Int32OrInt64 };
// A contiguous-or-broadcast int64 tensor of these indices; an error of `kind` for other dtypes.
Tensor as_int64_index(const char* op, const Tensor& index, IndexTypes types,
                      ErrorKind kind = ErrorKind::Runtime);

enum class Negative : uint8_t { Reject, Wrap };
// What indices must lie in: [0, size), or [-size, size) with Wrap; and the error of those that do
// not.
struct IndexBounds {
  const char* op;  // for the whole life of the program
  int64_t dim;     // as the message calls it
  int64_t size;
  Negative negative;
  ErrorKind kind;
  bool targets = false;  // the message calls them targets
  bool operator==(const IndexBounds&) const = default;
  [[noreturn]] void fail(int64_t index, std::string got = {}, std::string hint = {}) const;
};

// safe[i] = index[i], wrapped; 0 for one that is out of bounds, which is an error when the device
// is next waited for. Both are contiguous int64, of fewer than 2^31 elements; bounds.size > 0.
extern KernelSlot<void(const Tensor& safe, const Tensor& index, const IndexBounds& bounds)>
    guard_index_kernel;

// The indices with negative ones wrapped. Errors unless all are within bounds: at once, or where
// the device has guard_index_kernel when it is next waited for.
Tensor check_index(const Tensor& index, const IndexBounds& bounds);
inline Tensor check_index(const char* op, const Tensor& index, int64_t dim, int64_t size,
                          Negative negative, ErrorKind kind) {
  return check_index(index, {op, dim, size, negative, kind});
}

// Whether checks of indices wait for devices, so that errors come from the call that is wrong.
bool index_checks_wait();
void set_index_checks_wait(bool wait);

// The memory that a forward function of (Out, self, ...) writes: self's own, or a copy of self.
Tensor writable(Out out, const Tensor& self);
// src, or a copy of it if writing `target` could change it.
Tensor unshared(const Tensor& src, const Tensor& target);
// A zero-dim tensor as one of a single element along one dim.
Tensor at_least_1d(const Tensor& t);
// t expanded to a shape by strides only, without history.
Tensor broadcast_view(const Tensor& t, IntList sizes);
// t with stride 0 along a dim, over the shape `sizes`.
Tensor along_index(const Tensor& t, int64_t dim, IntList sizes);

// scatter_kernel for any dtype and mode: reduced floats accumulate in float32.
void scatter_into(const Tensor& target, const Tensor& index, int64_t step, const Tensor& values,
                  int64_t serial_begin, int64_t serial_end, ScatterMode mode);

// A number as PyTorch lets it into a tensor: fractions are cut off, but the range is kept.
void check_number_fits(const char* op, const Scalar& s, DType t);
// The same of an operand, if it is a number.
void check_operand_fits(const char* op, const Tensor& operand, DType t);

const char* torch_type_name(DType t);  // "Long", as PyTorch's messages have it

}  // namespace rt
