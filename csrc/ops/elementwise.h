// Elementwise ops: one output, a few inputs that broadcast, one formula in one compute type.
//
// A slot names the formula; each engine has it for the compute types it can. The engine's launcher
// brings any layout and any mix of dtypes to it, so a formula is written for contiguous runs of one
// type and nothing else.
#pragma once

#include "ops/kernel.h"
#include "ops/promotion.h"
#include "ops/record.h"

namespace rt {

// The type of the results of a formula, from its compute type.
enum class EwResult : uint8_t { Same, Bool, Real };
// How the compute type follows from the inputs' promoted type.
enum class EwCompute : uint8_t { Promoted, Float };  // Float: integers become the default float

class ElementwiseSlot : public KernelSlotBase {
 public:
  static constexpr int kMaxInputs = 5;
  // n contiguous elements: pointers[0] is the output. Output and input may be the same memory.
  using Loop = void (*)(int64_t n, void* const* pointers);

  // `masked`: the first input is a bool mask, whatever the compute type.
  ElementwiseSlot(const char* name, EwCompute compute, EwResult result, int inputs,
                  bool masked = false);

  int inputs() const { return inputs_; }
  DType compute_dtype(DType promoted) const {
    return compute_ == EwCompute::Float ? float_type(promoted) : promoted;
  }
  DType result_dtype(DType compute) const {
    if (result_ == EwResult::Bool) return DType::Bool;
    return result_ == EwResult::Real ? real_of(compute) : compute;
  }
  DType input_dtype(size_t i, DType compute) const {
    return masked_ && i == 0 ? DType::Bool : compute;
  }

  // What the engine of `device` computes the formula with in one compute type: a Loop on the CPU;
  // elsewhere what that engine's launcher understands (a pipeline, the name of a function). Null if
  // it has nothing for the type.
  const void* kernel(DeviceType device, DType compute) const {
    return kernels_[static_cast<int>(device)][static_cast<int>(compute)];
  }
  void set_kernel(DeviceType device, DType compute, const void* kernel);
  // Types that an engine lacks are computed in float32 where they are float16 or bfloat16.
  bool supports(DeviceType device, DType promoted) const {
    const DType compute = compute_dtype(promoted);
    return kernel(device, compute) || kernel(device, compute_type(compute));
  }
  // float16 and bfloat16 are computed in float32 and rounded once.
  Loop cpu_loop(DType compute) const {
    return reinterpret_cast<Loop>(
        const_cast<void*>(kernel(DeviceType::CPU, compute_type(compute))));
  }

  static ElementwiseSlot* find(std::string_view name);
  // The slot of the op's kernel, if that is an elementwise one, or null.
  static const ElementwiseSlot* of(const OpRecord& op);
  static std::vector<ElementwiseSlot*> all();

 private:
  EwCompute compute_;
  EwResult result_;
  int inputs_;
  bool masked_;
  const void* kernels_[kNumDeviceTypes][kNumDTypes] = {};
};

// out[...] = formula(inputs...) with broadcasting; allocates, or checks and fills, `out`.
// `op` names the op in errors. `promoted`: the type to compute in, if not the inputs' promotion.
Tensor elementwise(const ElementwiseSlot& slot, const char* op, Out out, TensorList inputs,
                   std::optional<DType> promoted = {});
inline Tensor elementwise(const ElementwiseSlot& slot, const char* op, Out out, const Tensor& a) {
  return elementwise(slot, op, out, std::span(&a, 1));
}
Tensor elementwise(const ElementwiseSlot& slot, const char* op, Out out, const Tensor& a,
                   const Tensor& b);

// "name" not implemented for the dtype, in PyTorch's words.
[[noreturn]] void not_implemented_for(const char* op, const Tensor& x, const char* hint = "");

// The strides PyTorch gives a fresh result of these operands.
Dims elementwise_strides(IntList shape, TensorList operands);

// What an engine implements: `out` and inputs in their own dtypes and layouts, shapes broadcast to
// out's; compute in `compute`, convert once to out's dtype. Inputs lie on out's device, but for
// numbers: zero-dim tensors on the CPU.
using ElementwiseLauncher = KernelSlot<void(const ElementwiseSlot& slot, DType compute,
                                            const Tensor& out, TensorList inputs)>;
extern ElementwiseLauncher elementwise_launcher;
// out = src with conversion and broadcasting (the copy kernel). src may be a number on the CPU.
extern KernelSlot<void(const Tensor& out, const Tensor& src)> copy_kernel;

// ---- Forward functions of unary and binary ops, one per slot. ----

template <ElementwiseSlot& S>
Tensor unary_forward(Out out, const Tensor& x) {
  return elementwise(S, S.name(), out, x);
}
template <ElementwiseSlot& S>
Tensor binary_forward(Out out, const Tensor& a, const Tensor& b) {
  return elementwise(S, S.name(), out, a, b);
}

// The gradient of a unary op, as a formula that may read `c`.
#define RT_GRADIENT(formula)               \
  [](VjpContext& c) {                      \
    if (c.has_grad()) c.set(0, (formula)); \
  }

}  // namespace rt
