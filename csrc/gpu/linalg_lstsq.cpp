// Least squares on every compute device, by singular values whatever the driver: what the drivers
// differ in is how they tell the rank.
#include <limits>

#include "gpu/linalg.h"
#include "ops/copy.h"
#include "ops/elementwise.h"
#include "ops/ops.h"

namespace rt::gpu {

namespace {

void lstsq(const Tensor& a, const Tensor& b, const Tensor& s, const Tensor& rank,
           const Tensor& info, double rcond, LeastSquares driver) {
  ops::zero_(info);
  if (a.numel() == 0 || b.numel() == 0) return;
  NoGradGuard guard;
  const int64_t batch = batch_of(a), m = rows_of(a), n = cols_of(a), k = std::min(m, n);
  const int64_t right = cols_of(b);
  const auto fresh = [&](int64_t rows, int64_t cols) {
    return linalg::empty_columns("lstsq", Dims{batch, rows, cols}, a.dtype(), a.device());
  };
  const Tensor given = fresh(m, n), target = fresh(m, right);
  copy_kernel(given, given, block(a, 0, m, 0, n));
  copy_kernel(target, target, block(b, 0, m, 0, right));
  const Tensor u = fresh(m, k), vh = fresh(k, n);
  const Tensor values = empty({batch, k}, a.dtype(), a.device(), "lstsq");
  svd(a, u, values, vh, info);
  const double cutoff = driver == LeastSquares::Gels ? 0
                        : rcond < 0                  ? double{std::numeric_limits<float>::epsilon()}
                                                     : rcond;
  const Tensor largest = ops::narrow(values, -1, 0, 1);
  const Tensor kept = ops::to(ops::gt(values, largest * Scalar(cutoff)), a.dtype());
  const Tensor inverse = kept / (values + (Scalar(1) - kept));
  const Tensor parts = ops::matmul(ops::mT(u), target) * ops::unsqueeze(inverse, -1);
  const Tensor x = ops::matmul(ops::mT(vh), parts);
  copy_kernel(b, block(b, 0, n, 0, right), x);
  // Below the solution stand numbers whose squares add up to those of the residuals.
  if (m > n) {
    const Tensor rest = target - ops::matmul(given, x);
    const int64_t rows[] = {-2};
    ops::zero_(block(b, n, m - n, 0, right));
    const Tensor norm = ops::sqrt(ops::sum(rest * rest, IntList(rows, 1), true));
    copy_kernel(b, block(b, n, 1, 0, right), norm);
  }
  const int64_t last[] = {-1};
  const Tensor found = ops::sum(kept, IntList(last, 1));
  copy_kernel(rank, make_view(rank, {batch}, {1}, rank.offset()), ops::to(found, DType::Int64));
  if (s.numel() > 0) copy_kernel(s, make_view(s, {batch, k}, {k, 1}, s.offset()), values);
  if (driver == LeastSquares::Gels) {
    const Tensor status = make_view(info, {batch}, {1}, info.offset());
    const Tensor lacks = ops::to(ops::lt(found, Scalar(k)), DType::Int32) * Scalar(k);
    copy_kernel(info, status, ops::maximum(status, lacks));
  }
}

const RegisterGpuKernel register_lstsq(lstsq_kernel, &lstsq);

}  // namespace

}  // namespace rt::gpu
