// Reductions: any dims of any layout to one or two results, by loops that a slot names.
#pragma once

#include "cpu/reduce_loops.h"
#include "ops/kernel.h"

namespace rt {

// One way to reduce. Each engine has it for the types it can compute in.
class ReduceSlot : public KernelSlotBase {
 public:
  // `ordered`: the result depends on the positions of the values.
  explicit ReduceSlot(const char* name, bool ordered = false);

  bool ordered() const { return ordered_; }
  const cpu::ReduceLoops* cpu_loops(DType compute) const {
    const cpu::ReduceLoops& l = cpu_[static_cast<int>(compute)];
    return l.row ? &l : nullptr;
  }
  void set_cpu_loops(DType compute, const cpu::ReduceLoops& loops);
  // Whether the engine of `device` can compute it in the type.
  bool supports(DeviceType device, DType compute) const {
    return supported_[static_cast<int>(device)] >> static_cast<int>(compute) & 1;
  }
  void set_supported(DeviceType device, DType compute);
  // The error of a call with a type that the engine of x's device lacks.
  void check_supported(const char* op, const Tensor& x, DType compute) const;
  static ReduceSlot* find(std::string_view name);
  static std::vector<ReduceSlot*> all();

 private:
  bool ordered_;
  cpu::ReduceLoops cpu_[kNumDTypes] = {};
  uint32_t supported_[kNumDeviceTypes] = {};  // a bit for each type
};

// What an engine implements. `result` and `second` (which may be undefined) are contiguous, with
// the dims of x that are not in the bit mask `reduced`; values are converted to `compute` on the
// way in and to the results' types on the way out.
using ReduceLauncher =
    KernelSlot<void(const ReduceSlot& slot, DType compute, const Tensor& x, uint64_t reduced,
                    double parameter, const Tensor& result, const Tensor& second)>;
extern ReduceLauncher reduce_launcher;

// The dims of a reduction as a bit mask; an empty list means all. PyTorch's errors.
uint64_t dim_mask(IntList dim, int64_t rank, const char* op);
Dims reduced_shape(IntList sizes, uint64_t reduced, bool keepdim);
// Elements that go into one result.
int64_t reduced_count(IntList sizes, uint64_t reduced);
// Gives a result that lacks the reduced dims those dims back, with size 1, unless keepdim did.
Tensor with_reduced_dims(const Tensor& t, IntList sizes, uint64_t reduced, bool keepdim);

struct Reduced {
  Tensor result, second;
};
// Allocates the results (of types `type` and, if any, `second_type`) and reduces.
Reduced reduce(const ReduceSlot& slot, const char* op, const Tensor& x, uint64_t reduced,
               bool keepdim, DType compute, DType type, double parameter = 1,
               std::optional<DType> second_type = {});

// The type that comparisons of t are made in by the max, min, argmax and argmin loops.
DType order_type(DType t);

}  // namespace rt
