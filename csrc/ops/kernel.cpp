#include "ops/kernel.h"

namespace rt {

void KernelSlotBase::missing(Device device, TensorList tensors) const {
  std::string got;
  for (const Tensor& t : tensors) got += (got.empty() ? "" : ", ") + describe(t);
  RT_FAIL(MissingKernel, name_,
          cat_str("device '", to_string(device), "' has no kernel for '", name_, "'"), got,
          "moving the inputs to the CPU with .cpu(), or rustorch.routing(\"fallback\")");
}

void KernelSlotBase::foreign(TensorList tensors) const {
  std::string got;
  for (const Tensor& t : tensors) got += (got.empty() ? "" : " and ") + describe(t);
  RT_FAIL(Runtime, name_, "Expected all tensors to be on the same device", got,
          "x.to(device) on one of them");
}

void detail::collect_tensors(std::vector<Tensor>& to, const Tensor& t) {
  for (const Tensor& known : to) {
    if (known.is_same(t)) return;
  }
  if (t.defined()) to.push_back(t);
}
void detail::collect_tensors(std::vector<Tensor>& to, TensorList l) {
  for (const Tensor& t : l) collect_tensors(to, t);
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
