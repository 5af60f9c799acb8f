// Connectionist temporal classification on every compute device.
#include "ops/ctc.h"

#include "gpu/kept_numbers.h"
#include "gpu/launch.h"
#include "rt_plans_ctc.h"

namespace rt::gpu {

namespace {

const Kernel& ctc_kernel_of(const Tensor& t, const char* base) {
  const uint64_t constants[] = {1};  // sums are over a whole threadgroup
  return kernel_for(device_of(t),
                    cat_str(base, t.dtype() == DType::Float32 ? "float" : name(t.dtype())),
                    "ctc_loss", TensorList(&t, 1), constants);
}

CtcPlan plan_of(const CtcInputs& in) {
  const int64_t longest = in.targets.sizes()[1];
  for (int64_t n : {in.log_probs.sizes()[0], in.log_probs.sizes()[1], in.log_probs.sizes()[2],
                    2 * longest + 1}) {
    RT_CHECK(n < kMaxElements, NotImplemented, "ctc_loss",
             "2**31 steps, samples, classes or states");
  }
  const auto size = [&](size_t d) { return static_cast<uint32_t>(in.log_probs.sizes()[d]); };
  return {size(0),
          size(1),
          size(2),
          static_cast<uint32_t>(longest),
          static_cast<uint32_t>(2 * longest + 1),
          static_cast<uint32_t>(in.blank)};
}

Tensor lengths_of(const CtcInputs& in) {
  std::vector<int32_t> numbers;
  for (int64_t n : in.input_lengths) numbers.push_back(static_cast<int32_t>(n));
  for (int64_t n : in.target_lengths) numbers.push_back(static_cast<int32_t>(n));
  return kept_numbers(std::move(numbers), in.log_probs.device());
}

uint32_t threads_for(const CtcPlan& plan) {
  return std::min(kThreads, (plan.width + 31) / 32 * 32);
}

void ctc(const CtcInputs& in, const Tensor& losses, const Tensor& log_alpha) {
  if (losses.numel() == 0) return;
  const CtcPlan plan = plan_of(in);
  device_of(losses).launch(
      ctc_kernel_of(losses, "ctc_"), {plan.batch}, {threads_for(plan)},
      arguments(losses, log_alpha, in.log_probs, in.targets, lengths_of(in), plan));
}

void ctc_backward(const CtcInputs& in, const Tensor& losses, const Tensor& log_alpha,
                  const Tensor& grad, const Tensor& result) {
  if (losses.numel() == 0) return;
  const CtcPlan plan = plan_of(in);
  const Tensor room =
      empty({plan.batch, 3, plan.width}, losses.dtype(), losses.device(), "ctc_loss");
  const Tensor chains =
      empty({plan.batch, 2, std::max(plan.longest, 1u)}, DType::Int32, losses.device(), "ctc_loss");
  device_of(losses).launch(ctc_kernel_of(losses, "ctc_backward_"), {plan.batch},
                           {threads_for(plan)},
                           arguments(result, room, chains, log_alpha, in.log_probs, in.targets,
                                     lengths_of(in), losses, grad, plan));
}

const RegisterGpuKernel register_ctc(ctc_kernel, &ctc);
const RegisterGpuKernel register_backward(ctc_backward_kernel, &ctc_backward);

}  // namespace

}  // namespace rt::gpu
