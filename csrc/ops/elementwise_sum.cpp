#include "ops/elementwise_sum.h"

#include "ops/ops.h"

namespace rt {

ElementwiseSum elementwise_sum_kernel{"elementwise_sum"};

Tensor elementwise_sum(const ElementwiseSlot& slot, const char* op, TensorList inputs,
                       DType promoted, bool mean) {
  Dims shape(inputs[0].sizes());
  for (size_t i = 1; i < inputs.size(); ++i) shape = broadcast_shapes(shape, inputs[i].sizes(), op);
  const Device device = common_device(op, inputs);
  const DType compute = compute_type(slot.compute_dtype(promoted));
  if (device.is_cpu() && !slot.cpu_loop(compute)) [[unlikely]]
    not_implemented_for(op, inputs[0]);
  const Tensor result = empty({}, compute, device, op);
  const double divisor = mean ? static_cast<double>(checked_numel(shape, op)) : 1;
  elementwise_sum_kernel(result, slot, compute, shape, inputs, divisor, result);
  return ops::to(result, slot.compute_dtype(promoted));
}

}  // namespace rt
