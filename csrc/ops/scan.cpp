#include "ops/scan.h"

#include "autograd/vjp.h"
#include "ops/elementwise.h"
#include "ops/ops.h"
#include "ops/scan_kernels.h"

namespace rt {

ScanKernel scan_kernel{"scan"};

namespace {

using MaybeType = std::optional<DType>;

Tensor scanned(ScanStep step, const char* op, const Tensor& x, int64_t dim, bool reverse,
               DType type) {
  const int64_t d = wrap_dim(dim, x.dim(), op);
  const DType compute = is_integral(type, true) ? DType::Int64 : compute_type(type);
  // Asked for a narrower type, values are rounded before they are added.
  const Tensor in = ops::contiguous(ops::to(type == x.dtype() ? x : ops::to(x, type), compute));
  Tensor r = empty(x.sizes(), compute, x.device(), op);
  if (r.numel() > 0) scan_kernel(r, step, in, d, reverse, r, Tensor());
  return ops::to(r, type);
}
DType sum_type(const Tensor& x, MaybeType dtype) {
  return dtype.value_or(is_integral(x.dtype(), true) ? DType::Int64 : x.dtype());
}

Tensor cumsum_forward(const Tensor& x, int64_t dim, MaybeType dtype) {
  return scanned(ScanStep::Sum, "cumsum", x, dim, false, sum_type(x, dtype));
}
Tensor reverse_cumsum_forward(const Tensor& x, int64_t dim) {
  return scanned(ScanStep::Sum, "cumsum", x, dim, true, x.dtype());
}
void cumsum_vjp(VjpContext& c) {
  if (c.has_grad())
    c.set(0, ops::to(ops::reverse_cumsum(c.grad(), c.arg<int64_t>(1)), c.meta(0).dtype));
}
void reverse_cumsum_vjp(VjpContext& c) {
  if (c.has_grad()) c.set(0, ops::cumsum(c.grad(), c.arg<int64_t>(1)));
}
const Op cumsum_op("cumsum(Tensor input, int dim, *, DType? dtype=None) -> Tensor", cumsum_forward,
                   {.vjp = cumsum_vjp,
                    .inplace = true,
                    .out = true,
                    .kernels = {&scan_kernel},
                    .doc = R"(The sums of the elements up to each one along `dim`.

Integers and bool sum to int64. Follows `torch.cumsum`.

>>> rt.cumsum(rt.tensor([1, 2, 3]), 0)
tensor([1, 3, 6])
)"});
const Op reverse_cumsum_op("_reverse_cumsum(Tensor input, int dim) -> Tensor",
                           reverse_cumsum_forward, {.vjp = reverse_cumsum_vjp, .in = ""});

// x moved by k places towards the start of dim, zeros behind; k < 0: towards the end.
Tensor shifted(const Tensor& x, int64_t dim, int64_t k) {
  const int64_t n = x.sizes()[dim];
  if (k >= 0) return ops::slice_backward(ops::slice(x, dim, k, n), x.sizes(), dim, 0, n - k, 1);
  return ops::slice_backward(ops::slice(x, dim, 0, n + k), x.sizes(), dim, -k, n, 1);
}
// r[i] = g[i] + a[i] * r[i + 1] along dim, by doubling steps; a's last element does not matter.
Tensor backward_recurrence(const Tensor& a, const Tensor& g, int64_t dim) {
  const int64_t n = g.sizes()[dim];
  Tensor r = g, factor = a;
  for (int64_t k = 1; k < n; k *= 2) {
    r = r + factor * shifted(r, dim, k);
    if (2 * k < n) factor = factor * shifted(factor, dim, k);
  }
  return r;
}

Tensor cumprod_forward(const Tensor& x, int64_t dim, MaybeType dtype) {
  return scanned(ScanStep::Product, "cumprod", x, dim, false, sum_type(x, dtype));
}
// d out[j] / d x[i] = prod of the elements before i, times prod of those after i up to j. No
// division, so zeros are no special case.
void cumprod_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const Tensor x = ops::conj(ops::to(c.input(0), c.grad().dtype()));
  if (x.numel() == 0 || x.dim() == 0) return c.set(0, c.grad());
  const int64_t dim = wrap_dim(c.arg<int64_t>(1), x.dim(), "cumprod");
  Dims first(x.sizes());
  first[dim] = 1;
  const Tensor lead =
      ops::slice_backward(ops::ones(first, x.dtype(), x.device()), x.sizes(), dim, 0, 1, 1);
  const Tensor before = ops::cumprod(shifted(x, dim, -1) + lead, dim);
  c.set(0,
        ops::to(before * backward_recurrence(shifted(x, dim, 1), c.grad(), dim), c.meta(0).dtype));
}
const Op cumprod_op("cumprod(Tensor input, int dim, *, DType? dtype=None) -> Tensor",
                    cumprod_forward,
                    {.vjp = cumprod_vjp,
                     .saves = "input",
                     .inplace = true,
                     .out = true,
                     .kernels = {&scan_kernel},
                     .doc = R"(The products of the elements up to each one along `dim`.

Integers and bool multiply to int64. Follows `torch.cumprod`.

>>> rt.cumprod(rt.tensor([1, 2, 3]), 0)
tensor([1, 2, 6])
)"});

Tensor logcumsumexp_forward(const Tensor& x, int64_t dim) {
  if (!is_differentiable(x.dtype())) not_implemented_for("logcumsumexp", x);
  return scanned(ScanStep::LogSumExp, "logcumsumexp", x, dim, false, x.dtype());
}
void logcumsumexp_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const Tensor x = c.input(0), out = c.result();
  if (x.numel() == 0 || x.dim() == 0) return c.set(0, c.grad());
  const int64_t dim = wrap_dim(c.arg<int64_t>(1), x.dim(), "logcumsumexp");
  // Every factor is at most 1: exp of differences of a growing sequence. -inf minus -inf counts as
  // 0.
  const auto gap = [](const Tensor& a, const Tensor& b) {
    return ops::conj(ops::exp(ops::masked_fill(a - b, ops::eq(a, b), Scalar(0))));
  };
  const int64_t n = out.size(dim);
  const Tensor later[] = {ops::narrow(out, dim, 1, n - 1), ops::narrow(out, dim, n - 1, 1)};
  c.set(0, gap(x, out) * backward_recurrence(gap(out, ops::cat(later, dim)), c.grad(), dim));
}
const Op logcumsumexp_op(
    "logcumsumexp(Tensor input, int dim) -> Tensor", logcumsumexp_forward,
    {.vjp = logcumsumexp_vjp,
     .saves = "input result",
     .out = true,
     .kernels = {&scan_kernel},
     .doc = R"(The logarithm of the running sum of exponentials along `dim`, without overflow.

Floating point and complex tensors. Follows `torch.logcumsumexp`.

>>> rt.logcumsumexp(rt.tensor([0., 0.]), 0)
tensor([0.0000, 0.6931])
)"});

std::tuple<Tensor, Tensor> best_so_far(ScanStep step, const char* op, const Tensor& x,
                                       int64_t dim) {
  if (is_complex(x.dtype())) not_implemented_for(op, x);
  const int64_t d = wrap_dim(dim, x.dim(), op);
  const DType compute = is_integral(x.dtype(), true) ? DType::Int64 : compute_type(x.dtype());
  const Tensor in = ops::contiguous(ops::to(x, compute));
  Tensor r = empty(x.sizes(), compute, x.device(), op),
         index = empty(x.sizes(), DType::Int64, x.device(), op);
  if (r.numel() > 0) scan_kernel(r, step, in, d, false, r, index);
  return {ops::to(r, x.dtype()), index};
}
std::tuple<Tensor, Tensor> cummax_forward(const Tensor& x, int64_t dim) {
  return best_so_far(ScanStep::Max, "cummax", x, dim);
}
std::tuple<Tensor, Tensor> cummin_forward(const Tensor& x, int64_t dim) {
  return best_so_far(ScanStep::Min, "cummin", x, dim);
}
void best_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  if (c.sizes(0).empty() || checked_numel(c.sizes(0), "cummax") == 0) return c.set(0, c.grad());
  c.set(0, ops::scatter_add(ops::zeros(c.sizes(0), c.grad().dtype(), c.grad().device()),
                            c.arg<int64_t>(1), c.result(1), c.grad()));
}
const Op cummax_op(
    "cummax(Tensor input, int dim) -> (Tensor values, Tensor indices)", cummax_forward,
    {.vjp = best_vjp,
     .saves = "indices",
     .out = true,
     .kernels = {&scan_kernel},
     .doc = R"(The largest element so far along `dim`, and its position: of equal ones the last.

NaN, once met, stays. Errors for complex tensors. Follows `torch.cummax`.

>>> rt.cummax(rt.tensor([1., 3., 2.]), 0).indices
tensor([0, 1, 1])
)"});
const Op cummin_op(
    "cummin(Tensor input, int dim) -> (Tensor values, Tensor indices)", cummin_forward,
    {.vjp = best_vjp,
     .saves = "indices",
     .out = true,
     .kernels = {&scan_kernel},
     .doc = R"(The smallest element so far along `dim`, and its position: of equal ones the last.

NaN, once met, stays. Errors for complex tensors. Follows `torch.cummin`.

>>> rt.cummin(rt.tensor([3., 1., 2.]), 0).indices
tensor([0, 1, 1])
)"});

}  // namespace

namespace ops {

Tensor cumsum(const Tensor& x, int64_t dim, MaybeType dtype) { return cumsum_op(x, dim, dtype); }
Tensor cumprod(const Tensor& x, int64_t dim, MaybeType dtype) { return cumprod_op(x, dim, dtype); }
Tensor logcumsumexp(const Tensor& x, int64_t dim) { return logcumsumexp_op(x, dim); }
Tensor reverse_cumsum(const Tensor& x, int64_t dim) { return reverse_cumsum_op(x, dim); }

}  // namespace ops
}  // namespace rt
