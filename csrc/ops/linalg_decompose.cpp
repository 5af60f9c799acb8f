#include "ops/linalg_decompose.h"

#include "ops/elementwise.h"
#include "ops/ops.h"

namespace rt::linalg {

Tensor plus(const Tensor& a, const Tensor& b) {
  return !a.defined() ? b : !b.defined() ? a : a + b;
}

Tensor row_vector(const Tensor& v) { return ops::unsqueeze(v, -2); }

Tensor skew(const Tensor& x) { return x - ops::mH(x); }

Tensor imaginary(const Tensor& x) { return ops::imag(x) * Scalar(std::complex<double>(0, 1)); }

Tensor eye_like(const Tensor& x) { return identity(x.sizes().back(), x.dtype(), x.device()); }

void check_phase(const char* op, const Tensor& imag, const char* problem) {
  NoGradGuard guard;
  const double tolerance = real_of(imag.dtype()) == DType::Float32 ? 1e-2 : 1e-4;
  const Tensor worst = ops::any(ops::gt(ops::abs(imag), tolerance));
  RT_CHECK(!item(worst).to_bool(), Runtime, op, problem);
}

}  // namespace rt::linalg
