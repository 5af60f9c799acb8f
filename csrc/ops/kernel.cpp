#include "ops/kernel.h"

namespace rt {

void KernelSlotBase::missing(Device device, TensorList tensors) const {
  std::string got;
  for (const Tensor& t : tensors) got += (got.empty() ? "" : ", ") + describe(t);
  RT_FAIL(NotImplemented, name_, cat_str("device '", to_string(device), "' has no kernel for it"),
          got, "moving the inputs to the CPU with .cpu()");
}

Device common_device(const char* op, TensorList tensors) {
  const Tensor* first = nullptr;
  for (const Tensor& t : tensors) {
    if (!t.defined()) continue;
    const bool number = t.dim() == 0 && t.device().is_cpu();
    if (!first || (first->dim() == 0 && first->device().is_cpu() && !number)) {
      first = &t;
      continue;
    }
    RT_CHECK(number || t.device() == first->device(), Runtime, op,
             "Expected all tensors to be on the same device",
             cat_str(describe(*first), " and ", describe(t)), "x.to(device) on one of them");
  }
  return first ? first->device() : Device{};
}

}  // namespace rt
