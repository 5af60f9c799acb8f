#include "gpu/linalg.h"

#include "ops/matmul.h"

namespace rt::gpu {

const Kernel& matrix_kernel(const Tensor& t, const char* base, const char* op) {
  const uint64_t constants[] = {1};  // a row is a whole threadgroup's
  return kernel_for(device_of(t),
                    cat_str(base, t.dtype() == DType::Float32 ? "float" : name(t.dtype())), op,
                    TensorList(&t, 1), constants);
}

uint32_t matrix_threads(int64_t n) { return n <= 16 ? 32 : n <= 64 ? 128 : kThreads; }

Tensor block(const Tensor& t, int64_t r, int64_t m, int64_t c, int64_t n, bool transposed) {
  const int64_t rows = rows_of(t), each = rows * cols_of(t), at = t.offset() + c * rows + r;
  return transposed ? make_view(t, {batch_of(t), n, m}, {each, rows, 1}, at)
                    : make_view(t, {batch_of(t), m, n}, {each, 1, rows}, at);
}

void subtract_product(const Tensor& c, const Tensor& a, const Tensor& b) {
  if (c.numel() > 0) matmul_kernel(c, c, a, b, Scalar(1), Scalar(-1));
}

}  // namespace rt::gpu
