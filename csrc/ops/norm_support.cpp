#include "ops/norm_support.h"

#include "ops/elementwise.h"
#include "ops/ops.h"

namespace rt {

void check_norm_types(const char* op, const Tensor& x, TensorList parameters) {
  if (!is_floating(x.dtype())) not_implemented_for(op, x);
  for (const Tensor& t : parameters) {
    if (!t.defined() || t.dtype() == x.dtype()) continue;
    RT_CHECK(is_reduced_floating(x.dtype()) && t.dtype() == DType::Float32, Runtime, op,
             "mixed dtype (CPU): weight, bias and statistics must have the input's dtype, or "
             "float32 for float16 and bfloat16",
             cat_str(describe(t), " for ", describe(x)));
  }
}

void check_channel_count(const char* op, const char* what, const Tensor& t, int64_t channels) {
  RT_CHECK(
      !t.defined() || t.numel() == channels, Runtime, op,
      cat_str(what, " should contain ", channels, " elements not ", t.defined() ? t.numel() : 0));
}

void check_channel_input(const char* op, const Tensor& x, const Tensor& weight,
                         const Tensor& bias) {
  RT_CHECK(x.dim() >= 2, Runtime, op,
           cat_str("Expected at least 2 dimensions for input tensor but received ", x.dim()),
           describe(x));
  check_channel_count(op, "weight", weight, x.sizes()[1]);
  check_channel_count(op, "bias", bias, x.sizes()[1]);
  const Tensor parameters[] = {weight, bias};
  check_norm_types(op, x, parameters);
}

Dims channel_shape(IntList sizes) {
  Dims s{sizes[0], sizes[1], 1};
  for (size_t d = 2; d < sizes.size(); ++d) s[2] *= sizes[d];
  return s;
}

void mix_running(const Tensor& running, const Tensor& value, double momentum) {
  if (!running.defined()) return;
  NoGradGuard guard;
  ops::copy_(running,
             running * Scalar(1 - momentum) + ops::to(value, running.dtype()) * Scalar(momentum));
}

}  // namespace rt
