// Softmax, its gradients, and the gradient of the cross entropy on every compute device.
#include "gpu/launch.h"
#include "gpu/rows.h"
#include "ops/softmax_kernels.h"

namespace rt::gpu {

namespace {

void softmax(SoftmaxStep step, const Tensor& a, const Tensor& b, int64_t dim, const Tensor& out) {
  const bool log = step == SoftmaxStep::LogForward || step == SoftmaxStep::LogBackward;
  const bool back = step == SoftmaxStep::Backward || step == SoftmaxStep::LogBackward;
  const char* op = log ? "log_softmax" : "softmax";
  const char* base = back ? "softmax_backward_" : "softmax_";
  const Shape3 s = around(a, dim, op);
  ComputeDevice& device = device_of(out);
  const Arguments tensors = back ? arguments(out, a, b) : arguments(out, a);
  const Tensor all[] = {out, a, b};
  if (s.inner == 1) {
    // What a thread keeps of two rows; the logarithm's of 16 bits takes fewer registers.
    const uint32_t most = back && !(log && a.item_size() == 2) ? 16 : 32;
    run_rows(device, base, op, {all, back ? size_t{3} : size_t{2}}, s, most, tensors, {log});
  } else {
    run_columns(device, base, op, {all, back ? size_t{3} : size_t{2}}, s, tensors, {log});
  }
}

void cross_entropy_backward(const Tensor& logits, const Tensor& target, const Tensor& lse,
                            const Tensor& scale, const Tensor& out) {
  const char* op = "cross_entropy";
  const int64_t classes = logits.size(1), inner = logits.size(2);
  // Rows of classes; or, where samples lie side by side, rows of samples for each class.
  const bool by_class = inner > 1;
  const Shape3 s = {by_class ? logits.size(0) * classes : logits.size(0),
                    by_class ? inner : classes, 1};
  check_positions(s, op);
  ComputeDevice& device = device_of(out);
  RowPlan plan = plan_rows(s);
  plan.inner = static_cast<uint32_t>(classes);
  constexpr int64_t kValues = 8;  // of a thread
  plan.chunks = groups_for(s.size, kThreads * kValues);
  const std::string name = cat_str("cross_entropy_backward_", kernel_type(logits));
  const Tensor all[] = {out, logits, target, lse, scale};
  const uint64_t constants[] = {1, are_packed(std::span(all, 2), s.size), by_class};
  device.launch(kernel_for(device, name, op, all, constants),
                {static_cast<uint32_t>(s.outer) * plan.chunks}, {kThreads},
                arguments(out, logits, target, lse, scale, plan));
}

const RegisterGpuKernel register_softmax(softmax_kernel, &softmax);
const RegisterGpuKernel register_cross_entropy(cross_entropy_backward_kernel,
                                               &cross_entropy_backward);

}  // namespace

}  // namespace rt::gpu
