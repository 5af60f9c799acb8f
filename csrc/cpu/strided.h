// Iteration over several operands of one shape: dims put in memory order and merged where every
// operand allows it, then walked as rows.
#pragma once

#include <array>

#include "core/tensor.h"

namespace rt::cpu {

inline constexpr size_t kMaxStridedOperands = 8;

struct StridedOperand {
  char* data;
  Dims strides;  // bytes, innermost dim first after StridedPlan's constructor
};

// operands[0] decides the order of dims. Dims of size 1 vanish; an empty shape is one element.
class StridedPlan {
 public:
  explicit StridedPlan(IntList shape) : shape_(shape) {}
  // Broadcasts t to the shape. All operands are added before finish().
  void add(const Tensor& t);
  // A window over an operand whose strides (bytes, outermost first) are given.
  void add(void* data, IntList byte_strides);
  void finish();

  int64_t ndim() const { return sizes_.ssize(); }
  int64_t numel() const { return numel_; }
  // Innermost first; ndim() is at least 1.
  const Dims& sizes() const { return sizes_; }
  size_t operands() const { return operands_.size(); }
  const StridedOperand& operand(size_t i) const { return operands_[i]; }

 private:
  Dims shape_, sizes_;
  int64_t numel_ = 1;
  std::vector<StridedOperand> operands_;
};

// A position in a plan that yields rows: (pointers, length) of runs along the innermost dim.
class RowCursor {
 public:
  RowCursor(const StridedPlan& plan, int64_t start);
  // Offset in bytes of operand i at the current position.
  char* pointer(size_t i) const { return pointers_[i]; }
  // Elements left in the current row.
  int64_t row_left() const { return plan_.sizes()[0] - index_[0]; }
  void advance(int64_t n);  // n <= row_left()

 private:
  const StridedPlan& plan_;
  Dims index_;
  std::array<char*, kMaxStridedOperands> pointers_;
};

// dst[i * dst_step] = src[i * src_step] for n items of 1, 2, 4, 8 or 16 bytes; steps in bytes.
void copy_items(size_t item, int64_t n, char* dst, int64_t dst_step, const char* src,
                int64_t src_step);

}  // namespace rt::cpu
