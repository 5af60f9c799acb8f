// Medians, k-th values and modes.
#include "ops/order_statistics.h"

#include <cmath>

#include "autograd/vjp.h"
#include "ops/elementwise.h"
#include "ops/ops.h"
#include "ops/rank_kernels.h"

namespace rt {

RankKernel rank_kernel{"select_ranks"};
ModeKernel mode_kernel{"mode"};

namespace {

using Pair = std::tuple<Tensor, Tensor>;

// dim last, as (lines, n).
Tensor lines_of(const Tensor& x, int64_t dim) {
  const Tensor moved = ops::contiguous(ops::movedim(x, {dim}, {-1}));
  const int64_t n = moved.sizes().back();
  return ops::reshape(moved, {n > 0 ? moved.numel() / n : 0, n});
}
// Lines of `count` values in the shape `sizes`, but with `count` at dim.
Tensor from_lines(const Tensor& lines, IntList sizes, int64_t dim, int64_t count) {
  Dims shape(sizes);
  shape[static_cast<size_t>(dim)] = count;
  if (count == 1) return ops::reshape(lines, shape);
  shape.erase(static_cast<size_t>(dim));
  shape.push_back(count);
  return ops::contiguous(ops::movedim(ops::reshape(lines, shape), {-1}, {dim}));
}

Pair select_forward(const Tensor& x, int64_t dim, const Tensor& ranks) {
  const int64_t d = wrap_dim(dim, x.dim(), "select_ranks");
  const Tensor r = lines_of(ranks, d);
  const int64_t lines = r.size(0), q = r.size(1);
  const Tensor values = empty({lines, q}, x.dtype(), x.device());
  const Tensor positions = empty({lines, q}, DType::Int64, x.device());
  if (values.numel() > 0) rank_kernel(x, lines_of(x, d), r, values, positions);
  return {from_lines(values, ranks.sizes(), d, q), from_lines(positions, ranks.sizes(), d, q)};
}
void select_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const Tensor zeros = ops::zeros(c.sizes(0), c.grad().dtype(), c.grad().device());
  c.set(0, ops::scatter_add(zeros, c.arg<int64_t>(1), c.result(1), c.grad()));
}
const Op select_op(
    "_select_ranks(Tensor input, int dim, Tensor ranks) -> (Tensor values, Tensor positions)",
    select_forward, {.vjp = select_vjp, .saves = "positions", .in = "", .kernels = {&rank_kernel}});

Pair without_dim(const Pair& p, int64_t dim, bool keepdim) {
  const auto& [values, positions] = p;
  if (keepdim) return p;
  return {ops::squeeze(values, {dim}), ops::squeeze(positions, {dim})};
}
Pair of_scalar(const Tensor& x) {
  return {ops::clone(x), ops::zeros({}, DType::Int64, x.device())};
}

void check_ordered(const char* op, const Tensor& x) {
  if (is_complex(x.dtype()) || x.dtype() == DType::Bool) not_implemented_for(op, x);
}
int64_t check_dim(const char* op, const Tensor& x, int64_t dim) {
  const int64_t d = wrap_dim(dim, x.dim(), op);
  RT_CHECK(x.dim() == 0 || x.sizes()[static_cast<size_t>(d)] > 0, Index, op,
           cat_str("Expected reduction dim ", d, " to have non-zero size."), describe(x));
  return d;
}
Dims with_one(IntList sizes, int64_t dim) {
  Dims s(sizes);
  s[static_cast<size_t>(dim)] = 1;
  return s;
}

Pair kthvalue(const Tensor& x, int64_t k, int64_t dim, bool keepdim) {
  check_ordered("kthvalue", x);
  const int64_t d = check_dim("kthvalue", x, dim);
  const int64_t n = x.dim() == 0 ? 1 : x.size(d);
  RT_CHECK(k >= 1 && k <= n, Runtime, "kthvalue",
           cat_str("kthvalue(): selected number k out of range for dimension ", d),
           cat_str("k=", k));
  if (x.dim() == 0) return of_scalar(x);
  const Tensor ranks = ops::full(with_one(x.sizes(), d), Scalar(k - 1), DType::Int64, x.device());
  return without_dim(ops::select_ranks(x, d, ranks), d, keepdim);
}

// The lower of the middle ones; NaN if there is one (its first position), or NaN ignored.
Pair median_dim(const char* op, const Tensor& x, int64_t dim, bool keepdim, bool ignore_nan) {
  check_ordered(op, x);
  const int64_t d = check_dim(op, x, dim);
  if (x.dim() == 0) return of_scalar(x);
  const int64_t n = x.size(d);
  Tensor ranks = ops::full(with_one(x.sizes(), d), Scalar((n - 1) / 2), DType::Int64, x.device());
  if (is_floating(x.dtype())) {
    NoGradGuard guard;
    const Tensor nans = ops::sum(ops::isnan(x), {d}, true);
    const Tensor valid = Scalar(n) - nans;
    if (ignore_nan) {
      ranks = ops::floor_divide(ops::clamp(valid, Scalar(1), {}) - Scalar(1),
                                wrapped_number(Scalar(2)));
    } else {
      // NaN sorts last, the first of them right after the numbers.
      ranks = ops::where(ops::gt(nans, Scalar(0)), valid, ranks);
    }
  }
  return without_dim(ops::select_ranks(x, d, ranks), d, keepdim);
}
Tensor median_all(const char* op, const Tensor& x, bool ignore_nan) {
  check_ordered(op, x);
  if (x.numel() == 0) {
    RT_CHECK(is_floating(x.dtype()), Runtime, op, "the median of no integers is not defined",
             describe(x));
    return ops::full({}, Scalar(std::nan("")), x.dtype(), x.device());
  }
  return std::get<0>(median_dim(op, ops::reshape(x, {x.numel()}), 0, false, ignore_nan));
}
// All elements that equal the median share its gradient.
void median_all_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const Tensor x = c.input(0), result = c.result();
  const Tensor same =
      ops::logical_or(ops::eq(x, result), ops::logical_and(ops::isnan(x), ops::isnan(result)));
  const Tensor shares = ops::to(same, c.grad().dtype());
  c.set(0, shares * (c.grad() / ops::sum(shares)));
}
Tensor median_all_forward(const Tensor& x) { return median_all("median", x, false); }
Tensor nanmedian_all_forward(const Tensor& x) { return median_all("nanmedian", x, true); }
Pair median_forward(const Tensor& x, int64_t dim, bool keepdim) {
  return median_dim("median", x, dim, keepdim, false);
}
Pair nanmedian_forward(const Tensor& x, int64_t dim, bool keepdim) {
  return median_dim("nanmedian", x, dim, keepdim, true);
}

#define RT_PAIR " -> (Tensor values, Tensor indices)"
const Op kthvalue_op("kthvalue(Tensor input, int k, int dim=-1, bool keepdim=False)" RT_PAIR,
                     kthvalue,
                     {.out = true,
                      .doc = R"(The k-th smallest element along `dim` (k from 1), and its position.

NaN counts as larger than all; of equal elements the first come first. Errors for bool and complex
tensors. Follows `torch.kthvalue`.

>>> rt.kthvalue(rt.tensor([3., 1., 2.]), 2).values
tensor(2.)
)"});
const Op median_all_op(
    "median(Tensor input) -> Tensor", median_all_forward,
    {.vjp = median_all_vjp,
     .saves = "input result",
     .kernels = {&rank_kernel},
     .doc = R"(The median of all elements, or along `dim` with its position: of an even number the
lower one of the middle two; NaN if there is one.

Equal elements share the gradient of the median of all. Errors for bool and complex tensors, and along a
dim of size 0. Follows `torch.median`.

>>> rt.median(rt.tensor([3., 1., 2., 4.]))
tensor(2.)
)"});
const Op median_op("median.dim(Tensor input, int dim, bool keepdim=False)" RT_PAIR, median_forward,
                   {.out = true});
const Op nanmedian_all_op(
    "nanmedian(Tensor input) -> Tensor", nanmedian_all_forward,
    {.vjp = median_all_vjp,
     .saves = "input result",
     .kernels = {&rank_kernel},
     .doc = R"(The median of the elements that are not NaN, of all or along `dim`.

NaN where there is no other element. Follows `torch.nanmedian`.

>>> rt.nanmedian(rt.tensor([3., float('nan'), 2.]))
tensor(2.)
)"});
const Op nanmedian_op("nanmedian.dim(Tensor input, int dim, bool keepdim=False)" RT_PAIR,
                      nanmedian_forward, {.out = true});

Pair mode_forward(const Tensor& x, int64_t dim, bool keepdim) {
  if (is_complex(x.dtype())) not_implemented_for("mode", x);
  const int64_t d = check_dim("mode", x, dim);
  if (x.dim() == 0) return of_scalar(x);
  const Tensor in = lines_of(x, d);
  const Tensor values = empty({in.size(0), 1}, x.dtype(), x.device());
  const Tensor positions = empty({in.size(0), 1}, DType::Int64, x.device());
  if (values.numel() > 0) mode_kernel(in, in, values, positions);
  return without_dim({from_lines(values, x.sizes(), d, 1), from_lines(positions, x.sizes(), d, 1)},
                     d, keepdim);
}
void mode_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  if (c.sizes(0).empty()) return c.set(0, c.grad());
  c.set(0,
        ops::put_positions(c.grad(), c.sizes(0), c.arg<int64_t>(1), c.result(1), c.arg<bool>(2)));
}
const Op mode_op(
    "mode(Tensor input, int dim=-1, bool keepdim=False)" RT_PAIR, mode_forward,
    {.vjp = mode_vjp,
     .saves = "indices",
     .out = true,
     .kernels = {&mode_kernel},
     .doc =
         R"(The most frequent element along `dim`, of equally frequent ones the smallest, and its last
position.

All NaN count as one element, larger than all. Errors for complex tensors and along a dim of size 0.
Follows `torch.mode`.

>>> rt.mode(rt.tensor([3., 1., 3.])).values
tensor(3.)
)"});
#undef RT_PAIR

}  // namespace

namespace ops {

Pair select_ranks(const Tensor& x, int64_t dim, const Tensor& ranks) {
  return select_op(x, dim, ranks);
}

}  // namespace ops
}  // namespace rt
