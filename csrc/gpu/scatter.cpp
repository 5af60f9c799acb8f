// Writes at indices on every compute device.
#include "cpu/strided.h"
#include "gpu/dense.h"
#include "gpu/plan.h"
#include "ops/index_support.h"
#include "rt_index_plans.h"

namespace rt::gpu {

namespace {

constexpr int64_t kMaxSerialDims = 4;

// The kernel that combines in this way, for the type or, where items are only moved, its size.
std::string kernel_name(ScatterMode mode, DType t) {
  if (mode == ScatterMode::Assign) return "scatter_assign_" + std::to_string(item_size(t));
  static constexpr const char* names[] = {"", "add_", "mul_", "max_", "min_"};
  // Of bools, the larger is the sum and the smaller the product.
  const int i = static_cast<int>(mode) - (t == DType::Bool && mode >= ScatterMode::Max ? 2 : 0);
  const char* type = shader_type(t);
  return cat_str("scatter_", names[i], type ? type : name(t));
}

// t over its dims outside of [begin, end).
Tensor without(const Tensor& t, int64_t begin, int64_t end) {
  Dims sizes, strides;
  for (int64_t d = 0; d < t.dim(); ++d) {
    if (d >= begin && d < end) continue;
    sizes.push_back(t.sizes()[d]);
    strides.push_back(t.strides()[d]);
  }
  return make_view(t, sizes, strides, t.offset());
}

// The dims [begin, end) of values and index, merged in row-major order; false if they are too many.
bool plan_serial(const Tensor& values, const Tensor& index, int64_t begin, int64_t end,
                 ScatterPlan* plan) {
  const auto part = [&](IntList l) {
    return l.slice(static_cast<size_t>(begin), static_cast<size_t>(end - begin));
  };
  // The first operand keeps the order.
  cpu::StridedPlan merged(part(values.sizes()));
  merged.add(nullptr, contiguous_strides(part(values.sizes())));
  merged.add(nullptr, part(values.strides()));
  merged.add(nullptr, part(index.strides()));
  merged.finish();
  if (merged.ndim() > kMaxSerialDims) return false;
  RT_CHECK(merged.numel() < kMaxElements, NotImplemented, "scatter",
           "2**31 elements or more may meet", describe(values));
  plan->serial = static_cast<uint32_t>(merged.numel());
  plan->ndim = static_cast<uint32_t>(merged.ndim());
  for (int64_t d = 0; d < merged.ndim(); ++d) {
    plan->sizes[d] = static_cast<uint32_t>(merged.sizes()[d]);
    plan->value_strides[d] = merged.operand(1).strides[d];
    plan->index_strides[d] = merged.operand(2).strides[d];
  }
  return true;
}

Tensor dense(const Tensor& t) {
  const Tensor copy = empty(t.sizes(), t.dtype(), t.device());
  copy_kernel(copy, copy, t);
  return copy;
}

void scatter(const Tensor& target, const Tensor& index, int64_t step, const Tensor& values,
             int64_t begin, int64_t end, ScatterMode mode) {
  if (values.numel() == 0) return;
  ComputeDevice& device = device_of(target);
  ScatterPlan plan{};
  plan.step = step;
  if (!plan_serial(values, index, begin, end, &plan)) {
    return scatter(target, dense(index), step, dense(values), begin, end, mode);
  }
  const Tensor tensors[] = {target, values, index};
  const Kernel& k =
      kernel_for(device, kernel_name(mode, values.dtype()), "scatter", TensorList(tensors, 3));
  const Tensor to = without(target, begin, end);
  const PlanInput in[] = {{without(values, begin, end), values.dtype()},
                          {without(index, begin, end), index.dtype()}};
  plan_elementwise(to, in, [&](const PlannedLaunch& l) {
    plan.free = l.plan;
    Arguments a;
    for (size_t i = 0; i < 3; ++i) {
      const int64_t at = tensors[i].offset() * static_cast<int64_t>(tensors[i].item_size());
      a.memory(*tensors[i].storage(), static_cast<uint64_t>(at + l.offsets[i]));
    }
    a.value(plan);
    launch_items(device, k, l.plan.n, a);
  });
}

const RegisterGpuKernel register_scatter(scatter_kernel, &scatter);

}  // namespace

}  // namespace rt::gpu
