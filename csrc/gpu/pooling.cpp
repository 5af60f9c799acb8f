// Pooling on every compute device.
#include "gpu/launch.h"
#include "gpu/pooling_table.h"

namespace rt::gpu {

namespace {

// Planes [first, first + count) of a contiguous tensor.
Tensor planes(const Tensor& t, int64_t first, int64_t count) {
  Dims sizes(t.sizes());
  sizes[0] = count;
  return make_view(t, sizes, t.strides(), t.offset() + first * t.strides()[0]);
}

// Launches `name` for as many planes of `out` at a time as fit; arguments(first, count) gives its
// other operands.
template <class F>
void by_planes(const char* base, const char* op, const Tensor& out, PoolPlan plan, F&& arguments) {
  ComputeDevice& device = device_of(out);
  const char* type = shader_type(out.dtype());
  const Kernel& k =
      kernel_for(device, cat_str(base, type ? type : name(out.dtype())), op, TensorList(&out, 1));
  const int64_t all = out.sizes()[0], each = out.numel() / all;
  const int64_t step = std::max<int64_t>(1, kMaxElements / each);
  for (int64_t first = 0; first < all; first += step) {
    const int64_t count = std::min(step, all - first);
    plan.n = static_cast<uint32_t>(count * each);
    Arguments a;
    bind(a, planes(out, first, count));
    arguments(a, first, count);
    a.value(plan);
    launch_items(device, k, plan.n, a);
  }
}

void pool_max(const Tensor& out, const Tensor& index, const Tensor& x, const PoolWindows& w) {
  const PoolTable t = pool_table(w, x.sizes().slice(1, 3), x.device());
  by_planes("pool_max_", "max_pool", out, t.plan, [&](Arguments& a, int64_t first, int64_t count) {
    bind(a, planes(index, first, count));
    bind(a, planes(x, first, count));
    bind(a, t.table);
  });
}

void pool_mean(const Tensor& out, const Tensor& x, const PoolWindows& w, const Tensor& divisor) {
  const PoolTable t = pool_table(w, x.sizes().slice(1, 3), x.device());
  by_planes("pool_mean_", "avg_pool", out, t.plan, [&](Arguments& a, int64_t first, int64_t count) {
    bind(a, planes(x, first, count));
    bind(a, divisor);
    bind(a, t.table);
  });
}

void pool_mean_grad(const Tensor& grad_x, const Tensor& grad, const PoolWindows& w,
                    const Tensor& divisor) {
  const PoolTable t = pool_table(w, grad_x.sizes().slice(1, 3), grad.device());
  by_planes("pool_mean_grad_", "avg_pool", grad_x, t.plan,
            [&](Arguments& a, int64_t first, int64_t count) {
              bind(a, planes(grad, first, count));
              bind(a, divisor);
              bind(a, t.table);
            });
}

void plane_scatter(const Tensor& out, const Tensor& values, const Tensor& index,
                   const PoolWindows& w) {
  const PoolTable t = pool_table(w, out.sizes().slice(1, 3), out.device());
  by_planes("plane_scatter_", "max_pool", out, t.plan,
            [&](Arguments& a, int64_t first, int64_t count) {
              bind(a, planes(values, first, count));
              bind(a, planes(index, first, count));
              bind(a, t.table);
            });
}

void plane_gather(const Tensor& out, const Tensor& values, const Tensor& index) {
  PoolPlan plan{};
  const int64_t count = out.sizes()[0];
  plan.in_plane = static_cast<uint32_t>(values.numel() / count);
  plan.out_plane = static_cast<uint32_t>(out.numel() / count);
  by_planes("plane_gather_", "max_pool", out, plan, [&](Arguments& a, int64_t first, int64_t n) {
    bind(a, planes(values, first, n));
    bind(a, planes(index, first, n));
  });
}

const RegisterGpuKernel register_max(pool_max_kernel, &pool_max);
const RegisterGpuKernel register_mean(pool_mean_kernel, &pool_mean);
const RegisterGpuKernel register_mean_grad(pool_mean_grad_kernel, &pool_mean_grad);
const RegisterGpuKernel register_scatter(plane_scatter_kernel, &plane_scatter);
const RegisterGpuKernel register_gather(plane_gather_kernel, &plane_gather);

}  // namespace

}  // namespace rt::gpu
