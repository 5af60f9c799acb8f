// Places of elements that are not zero, and numbers of runs, on every compute device.
#include "gpu/dense.h"
#include "ops/index_support.h"
#include "ops/sort_support.h"
#include "rt_index_plans.h"

namespace rt::gpu {

namespace {

constexpr int64_t kEach = 16;  // bytes a thread counts

// A byte an element, where kernels read it.
Tensor as_bytes(const Tensor& x) {
  RT_CHECK(x.numel() < kMaxElements, NotImplemented, "nonzero", "2**31 elements or more",
           describe(x));
  if (x.dtype() == DType::Bool && x.is_contiguous() && is_aligned(x)) return x;
  const Tensor bytes = empty(x.sizes(), DType::Bool, x.device());
  copy_kernel(bytes, bytes, x);
  return bytes;
}

struct Counted {
  Tensor before;  // uint32 (as int32): how many are set before each group's elements
  Tensor total;
  uint32_t groups;
};

Counted count(ComputeDevice& device, const Tensor& bytes) {
  const auto n = static_cast<uint32_t>(bytes.numel());
  Counted c;
  c.groups = groups_for(groups_for(n, kEach));
  c.before = empty({c.groups}, DType::Int32, bytes.device());
  c.total = empty({1}, DType::Int32, bytes.device());
  device.launch(kernel(device, "nonzero_count"), {c.groups}, {kThreads},
                arguments(c.before, bytes, n));
  device.launch(kernel(device, "nonzero_scan"), {1}, {kThreads},
                arguments(c.before, c.total, c.groups));
  return c;
}

void nonzero(const Tensor& x, Tensor* places) {
  constexpr int64_t kMaxRank = 16;
  RT_CHECK(x.dim() <= kMaxRank, NotImplemented, "nonzero", "more than 16 dims", describe(x));
  NonzeroPlan plan{};
  uint32_t total = 0;
  Counted c;
  Tensor bytes;
  if (x.numel() > 0) {
    bytes = as_bytes(x);
    c = count(device_of(x), bytes);
    engine_for(x.device(), "nonzero").copy_to_host(&total, *c.total.storage(), 0, sizeof total);
  }
  *places = empty({x.dim(), total}, DType::Int64, x.device(), "nonzero");
  if (total == 0 || x.dim() == 0) return;
  plan.n = static_cast<uint32_t>(x.numel());
  plan.rank = static_cast<uint32_t>(x.dim());
  plan.total = total;
  for (int64_t d = 0; d < x.dim(); ++d) plan.sizes[d] = static_cast<uint32_t>(x.sizes()[d]);
  ComputeDevice& device = device_of(x);
  device.launch(kernel(device, "nonzero_write"), {c.groups}, {kThreads},
                arguments(*places, bytes, c.before, plan));
}

void number_runs(const Tensor& numbers, const Tensor& first) {
  if (first.numel() == 0) return;
  ComputeDevice& device = device_of(first);
  const Tensor bytes = as_bytes(first);
  const Counted c = count(device, bytes);
  device.launch(kernel(device, "number_runs"), {c.groups}, {kThreads},
                arguments(numbers, bytes, c.before, static_cast<uint32_t>(first.numel())));
}

const RegisterGpuKernel register_nonzero(nonzero_kernel, &nonzero);
const RegisterGpuKernel register_number_runs(number_runs_kernel, &number_runs);

}  // namespace

}  // namespace rt::gpu
