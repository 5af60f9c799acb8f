// Optimizer steps of the CPU engine.
#include "ops/optim.h"

#include "cpu/load_kernels.h"
#include "cpu/parallel.h"

namespace rt::cpu {

namespace {

constexpr int64_t kGrain = 16384;
constexpr int64_t kBlock = 1024;  // elements converted at a time for float16 and bfloat16

void step(const ElementwiseSlot& slot, const StepEntry& entry, size_t slots) {
  const TensorList tensors(entry.tensors, entry.count);
  const DType type = tensors[0].dtype(), compute = compute_type(type);
  const auto loop = slot.cpu_loop(type);
  char* base[StepEntry::kMaxTensors] = {};
  for (size_t i = 0; i < tensors.size(); ++i) base[i] = tensors[i].data<char>();
  const int64_t item = static_cast<int64_t>(item_size(type));
  parallel_for(0, tensors[0].numel(), kGrain, [&](int64_t begin, int64_t end) {
    void* pointers[StepEntry::kMaxTensors + 1] = {};
    pointers[slots] = const_cast<SgdScalars*>(&entry.sgd);  // or the others, in the same place
    if (compute == type) {
      for (size_t i = 0; i < tensors.size(); ++i) pointers[i] = base[i] + begin * item;
      loop(end - begin, pointers);
      return;
    }
    alignas(64) float wide[StepEntry::kMaxTensors][kBlock];
    const auto widen = cast_loop(compute, type), narrow = cast_loop(type, compute);
    for (int64_t at = begin; at < end; at += kBlock) {
      const int64_t n = std::min(kBlock, end - at);
      for (size_t i = 0; i < tensors.size(); ++i) {
        void* p[] = {wide[i], base[i] + at * item};
        widen(n, p);
        pointers[i] = wide[i];
      }
      loop(n, pointers);
      for (size_t i = 0; i < tensors.size(); ++i) {
        if (i == 1) continue;
        void* p[] = {base[i] + at * item, wide[i]};
        narrow(n, p);
      }
    }
  });
}

void fused_step(const ElementwiseSlot& slot, std::span<const StepEntry> entries, size_t slots) {
  for (const StepEntry& e : entries) step(slot, e, slots);
}

const RegisterKernel register_step(fused_step_kernel, DeviceType::CPU, &fused_step);

}  // namespace

}  // namespace rt::cpu
