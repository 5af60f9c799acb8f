// Reads at indices, fills at masks and checks of indices on every compute device.
#include <cstring>

#include "gpu/dense.h"
#include "gpu/index.h"
#include "gpu/plan.h"
#include "ops/index_support.h"
#include "ops/positions.h"
#include "rt_index_plans.h"

namespace rt::gpu {

namespace {

uint64_t byte_offset(const Tensor& t, int64_t extra) {
  return static_cast<uint64_t>(t.offset() * static_cast<int64_t>(t.item_size()) + extra);
}

void gather(const Tensor& out, const Tensor& src, const Tensor& index, int64_t step) {
  ComputeDevice& device = device_of(out);
  const PlanInput in[] = {{src, src.dtype()}, {index, index.dtype()}};
  plan_elementwise(out, in, [&](const PlannedLaunch& l) {
    ElementwisePlan plan = l.plan;
    int64_t item = static_cast<int64_t>(out.item_size()), units = step;
    const uint64_t to = byte_offset(out, l.offsets[0]), from = byte_offset(src, l.offsets[1]);
    if ((to | from) % 16 == 0 && widen_rows(&plan, &units, item)) item = 16;
    Arguments a;
    a.memory(*out.storage(), to).memory(*src.storage(), from);
    a.memory(*index.storage(), byte_offset(index, l.offsets[2]));
    a.value(plan).value(units);
    launch_items(device, kernel(device, "gather_" + std::to_string(item)), plan.n, a);
  });
}

void masked_fill(const Tensor& target, const Tensor& mask, const Tensor& value) {
  ComputeDevice& device = device_of(target);
  ItemValue number{};
  if (value.device().is_cpu()) {
    number.is_number = 1;
    std::memcpy(number.bits, value.data(), value.item_size());
  }
  const Tensor& bound = number.is_number ? target : value;
  const PlanInput in[] = {{mask, mask.dtype()}};
  plan_elementwise(target, in, [&](const PlannedLaunch& l) {
    Arguments a;
    a.memory(*target.storage(), byte_offset(target, l.offsets[0]));
    a.memory(*mask.storage(), byte_offset(mask, l.offsets[1]));
    bind(a, bound);
    a.value(number).value(l.plan);
    launch_items(device, kernel(device, "masked_fill_" + size_name(target)), l.plan.n, a);
  });
}

void index_range(const Tensor& index, int64_t* smallest, int64_t* largest) {
  ComputeDevice& device = device_of(index);
  constexpr int64_t kMostGroups = 128;
  bool first = true;
  for (int64_t begin = 0; begin < index.numel(); begin += kMaxElements) {
    const int64_t n = std::min(kMaxElements, index.numel() - begin);
    const auto groups = static_cast<uint32_t>(std::min<int64_t>(groups_for(n), kMostGroups));
    const Tensor ends = empty({groups, 2}, DType::Int64, index.device());
    Arguments a;
    bind(a, ends);
    a.memory(*index.storage(), byte_offset(index, begin * 8)).value(static_cast<uint32_t>(n));
    device.launch(kernel(device, "index_range"), {groups}, {kThreads}, a);
    int64_t host[2 * kMostGroups];
    engine_for(index.device(), "index_range")
        .copy_to_host(host, *ends.storage(), 0, 16 * size_t{groups});
    for (uint32_t g = 0; g < groups; ++g, first = false) {
      *smallest = first ? host[0] : std::min(*smallest, host[2 * g]);
      *largest = first ? host[1] : std::max(*largest, host[2 * g + 1]);
    }
  }
}

void guard_index(const Tensor& safe, const Tensor& index, const IndexBounds& bounds) {
  ComputeDevice& device = device_of(safe);
  const auto fault = engine_of(safe.device()).index_faults(safe.device()).place_for(bounds);
  const IndexGuard plan{bounds.size, static_cast<uint32_t>(index.numel()),
                        bounds.negative == Negative::Wrap ? 1u : 0u};
  Arguments a = arguments(safe, index);
  a.memory(*fault.memory, fault.offset).value(plan);
  launch_items(device, kernel(device, "guard_index"), index.numel(), a);
}

void positions(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& values, bool put) {
  if (index.numel() == 0) return;
  Dims strides(x.strides());
  if (x.dim() > 0) strides[dim] = 0;
  const Tensor line = make_view(x, index.sizes(), strides, x.offset());
  const int64_t step = x.dim() == 0 ? 0 : x.strides()[dim];
  if (put) {
    scatter_kernel(line, line, index, step, values, 0, 0, ScatterMode::Assign);
  } else {
    gather(values, line, index, step);
  }
}

const RegisterGpuKernel register_gather(gather_kernel, &gather);
const RegisterGpuKernel register_masked_fill(masked_fill_kernel, &masked_fill);
const RegisterGpuKernel register_range(index_range_kernel, &index_range);
const RegisterGpuKernel register_guard(guard_index_kernel, &guard_index);
const RegisterGpuKernel register_positions(positions_kernel, &positions);

}  // namespace

bool widen_rows(ElementwisePlan* plan, int64_t* step, int64_t item) {
  const int64_t pack = 16 / item;
  if (pack <= 1 || plan->ndim == 0) return false;
  if (plan->strides[0][0] != 1 || plan->strides[1][0] != 1 || plan->strides[2][0] != 0)
    return false;
  bool whole = plan->sizes[0] % pack == 0 && *step % pack == 0;
  for (uint32_t d = 1; d < plan->ndim; ++d) {
    whole = whole && plan->strides[0][d] % pack == 0 && plan->strides[1][d] % pack == 0;
  }
  if (!whole) return false;
  plan->n /= static_cast<uint32_t>(pack);
  plan->sizes[0] /= static_cast<uint32_t>(pack);
  *step /= pack;
  for (uint32_t d = 1; d < plan->ndim; ++d) {
    plan->strides[0][d] /= pack;
    plan->strides[1][d] /= pack;
  }
  return true;
}

}  // namespace rt::gpu
