// Histograms on every compute device.
#include "gpu/dense.h"
#include "ops/creation.h"
#include "ops/sort_support.h"
#include "rt_histogram_plans.h"

namespace rt::gpu {

namespace {

constexpr uint32_t kMostGroups = 256;

void range(const Tensor& x, float* low, float* high) {
  const auto n = static_cast<uint32_t>(x.numel());
  const uint32_t groups = std::min(groups_for(n), kMostGroups);
  const Tensor ends = empty({groups, 2}, DType::Float32, x.device());
  ComputeDevice& device = device_of(x);
  device.launch(kernel(device, "float_range"), {groups}, {kThreads}, arguments(ends, x, n));
  float host[2 * kMostGroups];
  engine_for(x.device(), "histc").copy_to_host(host, *ends.storage(), 0, 8 * size_t{groups});
  *low = host[0];
  *high = host[1];
  for (uint32_t g = 1; g < groups; ++g) {
    const float a = host[2 * g], b = host[2 * g + 1];
    if (a < *low || a != a) *low = a;
    if (b > *high || b != b) *high = b;
  }
}

void histogram(const Tensor& counts, const Tensor& x, double least, double most) {
  ComputeDevice& device = device_of(x);
  RT_CHECK(x.numel() < kMaxElements, NotImplemented, "histc", "2**31 elements or more",
           describe(x));
  const char* type = shader_type(x.dtype());
  const Kernel& k = kernel_for(device, cat_str("histogram_", type ? type : name(x.dtype())),
                               "histc", TensorList(&x, 1));
  float low = static_cast<float>(least), high = static_cast<float>(most);
  if (low == high && x.numel() > 0) range(x, &low, &high);
  settle_bins(&low, &high);
  const Tensor whole = ops::zeros(counts.sizes(), DType::Int32, x.device());
  if (x.numel() > 0) {
    const HistogramPlan plan{static_cast<uint32_t>(x.numel()),
                             static_cast<uint32_t>(counts.numel()), low, high};
    device.launch(k, {std::min(groups_for(x.numel()), kMostGroups)}, {kThreads},
                  arguments(whole, x, plan));
  }
  copy_kernel(counts, counts, whole);
}

const RegisterGpuKernel register_histogram(histogram_kernel, &histogram);

}  // namespace

}  // namespace rt::gpu
