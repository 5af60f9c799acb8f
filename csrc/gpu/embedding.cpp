// Bags of rows of a table on every compute device.
#include <cmath>

#include "gpu/dense.h"
#include "ops/creation.h"
#include "ops/embedding_kernels.h"
#include "ops/index_support.h"
#include "rt_index_plans.h"

namespace rt::gpu {

namespace {

void bag_rows(const Tensor& out, const Tensor& table, const Tensor& rows, const Tensor& bags,
              const Tensor& scale, bool mean) {
  ComputeDevice& device = device_of(out);
  RT_CHECK(out.numel() < kMaxElements && rows.numel() < kMaxElements, NotImplemented,
           "embedding_bag", "2**31 elements or more", describe(out));
  const char* type = shader_type(table.dtype());
  const Kernel& k = kernel_for(device, cat_str("bag_rows_", type ? type : name(table.dtype())),
                               "embedding_bag", TensorList(&table, 1));
  BagPlan plan{};
  plan.bags = static_cast<uint32_t>(out.sizes()[0]);
  plan.width = static_cast<uint32_t>(out.sizes()[1]);
  plan.count = static_cast<uint32_t>(rows.numel());
  plan.mean = mean ? 1 : 0;
  plan.scaled = scale.defined() ? 1 : 0;
  launch_items(device, k, out.numel(),
               arguments(out, table, rows, bags, scale.defined() ? scale : out, plan));
}

void renorm_rows(const Tensor& table, const Tensor& rows, double max_norm, double p) {
  ComputeDevice& device = device_of(table);
  const Kernel& k =
      kernel_for(device, table.dtype() == DType::Float32 ? "renorm_rows" : "renorm_rows_float64",
                 "embedding", TensorList(&table, 1));
  const Tensor claimed = ops::zeros({table.sizes()[0]}, DType::Int32, table.device());
  const RenormPlan plan{static_cast<uint32_t>(table.sizes()[1]), static_cast<float>(max_norm),
                        static_cast<float>(p), std::isinf(p) ? 1u : 0u};
  device.launch(k, {static_cast<uint32_t>(rows.numel())}, {kThreads},
                arguments(table, rows, claimed, plan));
}

const RegisterGpuKernel register_bags(bag_rows_kernel, &bag_rows);
const RegisterGpuKernel register_renorm(renorm_rows_kernel, &renorm_rows);

}  // namespace

}  // namespace rt::gpu
