// Sums, means, products and tests of all elements.
#include "ops/reduce.h"

#include "autograd/vjp.h"
#include "ops/ops.h"
#include "ops/reduction.h"

namespace rt {

namespace {

ReduceSlot sum_slot{"sum"};
ReduceSlot nansum_slot{"nansum"};
ReduceSlot prod_slot{"prod"};

using MaybeDims = std::optional<IntList>;
using MaybeType = std::optional<DType>;

IntList list_of(const MaybeDims& dim) { return dim.value_or(IntList()); }
DType sum_type(const Tensor& x, MaybeType dtype) {
  return dtype.value_or(is_integral(x.dtype(), true) ? DType::Int64 : x.dtype());
}
// The sum of integers of any width is made in 64 bits and wrapped once; bool sums are sums of 0
// and 1.
DType sum_compute(DType type) {
  return is_integral(type, true) ? DType::Int64 : compute_type(type);
}

// Complex values are converted first if the result is real, so that the same parts are dropped.
Tensor sum_in(const ReduceSlot& slot, const char* op, const Tensor& x, uint64_t reduced,
              bool keepdim, DType type, double divisor = 1) {
  const DType compute = sum_compute(type);
  // A narrower type is asked for: values are rounded before they are added.
  const bool narrow =
      type != x.dtype() && (is_reduced_floating(type) || type == DType::Bool ||
                            (is_integral(type) && type != DType::Int64 && is_floating(x.dtype())));
  return reduce(slot, op, narrow ? ops::to(x, type) : x, reduced, keepdim, compute, type, divisor)
      .result;
}

Tensor sum_forward(const Tensor& x, MaybeDims dim, bool keepdim, MaybeType dtype) {
  return sum_in(sum_slot, "sum", x, dim_mask(list_of(dim), x.dim(), "sum"), keepdim,
                sum_type(x, dtype));
}
// The gradient of a reduction's result, back in the shape of its input.
Tensor spread(const VjpContext& c, bool keepdim) {
  const IntList sizes = c.sizes(0);
  const MaybeDims dim = c.arg<MaybeDims>(1);
  const uint64_t mask = dim_mask(list_of(dim), sizes.ssize(), "sum");
  return ops::expand(with_reduced_dims(c.grad(), sizes, mask, keepdim), sizes);
}
void sum_vjp(VjpContext& c) {
  if (c.has_grad()) c.set(0, spread(c, c.arg<bool>(2)));
}
const Op sum_op(
    "sum(Tensor input, int[1]? dim=None, bool keepdim=False, *, DType? dtype=None) -> Tensor",
    sum_forward,
    {.vjp = sum_vjp,
     .out = true,
     .kernels = {&sum_slot},
     .doc = R"(The sum over some dims, or over all.

Integers and bool sum to int64. Blocks are added pairwise, float32 blocks in float64, so the error
does not grow with the length. Follows `torch.sum`.

>>> rt.sum(rt.tensor([[1, 2], [3, 4]]), 0)
tensor([4, 6])
)"});

Tensor nansum_forward(const Tensor& x, MaybeDims dim, bool keepdim, MaybeType dtype) {
  RT_CHECK(!is_complex(x.dtype()), Runtime, "nansum", "nansum does not support complex inputs",
           describe(x));
  const uint64_t mask = dim_mask(list_of(dim), x.dim(), "nansum");
  const DType type = sum_type(x, dtype);
  const bool plain = is_integral(x.dtype(), true) || is_integral(type, true);
  return sum_in(plain ? sum_slot : nansum_slot, "nansum", x, mask, keepdim, type);
}
void nansum_vjp(VjpContext& c) {
  if (c.has_grad())
    c.set(0,
          spread(c, c.arg<bool>(2)) * ops::to(ops::eq(c.input(0), c.input(0)), c.grad().dtype()));
}
const Op nansum_op(
    "nansum(Tensor input, int[1]? dim=None, bool keepdim=False, *, DType? dtype=None) -> Tensor",
    nansum_forward,
    {.vjp = nansum_vjp,
     .saves = "input",
     .out = true,
     .kernels = {&nansum_slot},
     .doc = R"(The sum over some dims, or over all, with NaN counted as zero.

Follows `torch.nansum`.

>>> rt.nansum(rt.tensor([1., float('nan'), 2.]))
tensor(3.)
)"});

Tensor mean_forward(const Tensor& x, MaybeDims dim, bool keepdim, MaybeType dtype) {
  const DType type = dtype.value_or(x.dtype());
  RT_CHECK(is_differentiable(type), Runtime, "mean",
           cat_str("could not infer output dtype. ", dtype ? "Optional" : "Input",
                   " dtype must be either a floating point or complex dtype"),
           name(type), "dtype=rustorch.float32");
  const uint64_t mask = dim_mask(list_of(dim), x.dim(), "mean");
  return sum_in(sum_slot, "mean", x, mask, keepdim, type,
                static_cast<double>(reduced_count(x.sizes(), mask)));
}
void mean_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const uint64_t mask = dim_mask(list_of(c.arg<MaybeDims>(1)), c.sizes(0).ssize(), "mean");
  const double n = static_cast<double>(reduced_count(c.sizes(0), mask));
  const Tensor g = with_reduced_dims(c.grad(), c.sizes(0), mask, c.arg<bool>(2));
  c.set(0, ops::expand(g / n, c.sizes(0)));
}
const Op mean_op(
    "mean(Tensor input, int[1]? dim=None, bool keepdim=False, *, DType? dtype=None) -> Tensor",
    mean_forward,
    {.vjp = mean_vjp,
     .out = true,
     .kernels = {&sum_slot},
     .doc = R"(The arithmetic mean over some dims, or over all.

Floating point and complex tensors; a mean of nothing is NaN. Follows `torch.mean`.

>>> rt.mean(rt.tensor([[1., 2.], [3., 4.]]), 0)
tensor([2., 3.])
)"});

// The mean of what is not NaN.
Tensor nanmean_forward(const Tensor& x, MaybeDims dim, bool keepdim, MaybeType dtype) {
  RT_CHECK(
      is_differentiable(x.dtype()), Runtime, "nanmean",
      cat_str("expected input to have floating point or complex dtype but got ", name(x.dtype())),
      describe(x), "mean");
  RT_CHECK(
      !dtype || is_differentiable(*dtype), Runtime, "nanmean",
      cat_str("could not infer output dtype. Optional dtype must be either a floating point or "
              "complex dtype. Got: ",
              dtype ? name(*dtype) : ""));
  RT_CHECK(!is_complex(x.dtype()), Runtime, "nanmean", "nanmean does not support complex inputs",
           describe(x));
  dim_mask(list_of(dim), x.dim(), "nanmean");  // for its errors
  const Tensor count = ops::sum(ops::eq(x, x), list_of(dim), keepdim);
  return ops::nansum(x, list_of(dim), keepdim, dtype) / count;
}
const Op nanmean_op(
    "nanmean(Tensor input, int[1]? dim=None, bool keepdim=False, *, DType? dtype=None) -> Tensor",
    nanmean_forward,
    {.out = true, .doc = R"(The mean of the elements that are not NaN, over some dims or over all.

Floating point tensors; NaN where there is no other element. Follows `torch.nanmean`.

>>> rt.nanmean(rt.tensor([1., float('nan'), 3.]))
tensor(2.)
)"});

// ---- Products ----

// The product of all other elements along the last dim, by a tree of pairwise products: no
// division, so zeros are no special case, and every step is an op, so any derivative follows.
Tensor product_of_others(const Tensor& x) {
  int64_t n = 1;
  const int64_t size = x.sizes().back();
  while (n < size) n *= 2;
  Dims shape(x.sizes());
  const auto with_last = [&](int64_t last) {
    shape.back() = last;
    return IntList(shape);
  };
  Tensor level = x;
  if (n != size) {
    const Tensor padding = ops::ones(with_last(n - size), x.dtype(), x.device());
    level = ops::slice_backward(x, with_last(n), -1, 0, size, 1) +
            ops::slice_backward(padding, with_last(n), -1, size, n, 1);
  }
  std::vector<Tensor> left, right;
  for (; n > 1; n /= 2) {
    left.push_back(ops::slice(level, -1, 0, n, 2));
    right.push_back(ops::slice(level, -1, 1, n, 2));
    level = left.back() * right.back();
  }
  Tensor others = ops::ones(with_last(1), x.dtype(), x.device());
  for (size_t k = left.size(); k-- > 0;) {
    n *= 2;
    others = ops::slice_backward(others * right[k], with_last(n), -1, 0, n, 2) +
             ops::slice_backward(others * left[k], with_last(n), -1, 1, n, 2);
  }
  return n == size ? others : ops::slice(others, -1, 0, size);
}

Tensor prod_over(const Tensor& x, uint64_t mask, bool keepdim, MaybeType dtype) {
  return sum_in(prod_slot, "prod", x, mask, keepdim, sum_type(x, dtype));
}
Tensor prod_forward(const Tensor& x, MaybeType dtype) {
  return prod_over(x, dim_mask({}, x.dim(), "prod"), false, dtype);
}
Tensor prod_dim_forward(const Tensor& x, int64_t dim, bool keepdim, MaybeType dtype) {
  return prod_over(x, dim_mask({dim}, x.dim(), "prod"), keepdim, dtype);
}
void prod_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const Tensor x = c.input(0);
  if (x.numel() == 0) return c.set(0, ops::zeros_like(x));
  const Tensor flat = ops::reshape(ops::to(x, c.grad().dtype()), {x.numel()});
  c.set(0, ops::reshape(c.grad() * ops::conj(product_of_others(flat)), x.sizes()));
}
void prod_dim_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const Tensor x = ops::to(c.input(0), c.grad().dtype());
  if (x.numel() == 0) return c.set(0, ops::zeros_like(x));
  if (x.dim() == 0) return c.set(0, c.grad());
  const int64_t dim = wrap_dim(c.arg<int64_t>(1), x.dim(), "prod");
  const Tensor g = c.arg<bool>(2) ? c.grad() : ops::unsqueeze(c.grad(), dim);
  const Tensor others = ops::transpose(product_of_others(ops::transpose(x, dim, -1)), dim, -1);
  c.set(0, g * ops::conj(others));
}
const Op prod_op("prod(Tensor input, *, DType? dtype=None) -> Tensor", prod_forward,
                 {.vjp = prod_vjp,
                  .saves = "input",
                  .out = true,
                  .kernels = {&prod_slot},
                  .doc = R"(The product of all elements, or along one dim.

Integers and bool multiply to int64; a product of nothing is 1. Follows `torch.prod`.

>>> rt.prod(rt.tensor([[1, 2], [3, 4]]), 1)
tensor([ 2, 12])
)"});
const Op prod_dim_op(
    "prod.dim_int(Tensor input, int dim, bool keepdim=False, *, DType? dtype=None) -> Tensor",
    prod_dim_forward,
    {.vjp = prod_dim_vjp, .saves = "input", .out = true, .kernels = {&prod_slot}});

// ---- Tests ----

// uint8 stands for bool in old code, and stays uint8.
template <ReduceSlot& S>
Tensor truth(const char* op, const Tensor& x, const MaybeDims& dim, bool keepdim) {
  const DType type = x.dtype() == DType::UInt8 ? DType::UInt8 : DType::Bool;
  if (dim && dim->empty() && x.dim() > 0) return ops::to(ops::ne(x, Scalar(0)), type);
  return reduce(S, op, x, dim_mask(list_of(dim), x.dim(), op), keepdim, DType::Bool, type).result;
}
ReduceSlot any_slot{"any"};
ReduceSlot all_slot{"all"};
Tensor any_forward(const Tensor& x, MaybeDims dim, bool keepdim) {
  return truth<any_slot>("any", x, dim, keepdim);
}
Tensor all_forward(const Tensor& x, MaybeDims dim, bool keepdim) {
  return truth<all_slot>("all", x, dim, keepdim);
}
const Op any_op(
    "any(Tensor input, int[1]? dim=None, bool keepdim=False) -> Tensor", any_forward,
    {.out = true,
     .integer_result = true,
     .kernels = {&any_slot},
     .doc = R"(Whether any element over some dims, or of all, is not zero; NaN is not zero.

The result is bool, uint8 for uint8. Follows `torch.any`.

>>> rt.any(rt.tensor([[0, 1], [0, 0]]), 1)
tensor([ True, False])
)"});
const Op all_op(
    "all(Tensor input, int[1]? dim=None, bool keepdim=False) -> Tensor", all_forward,
    {.out = true,
     .integer_result = true,
     .kernels = {&all_slot},
     .doc = R"(Whether every element over some dims, or of all, is not zero; NaN is not zero.

The result is bool, uint8 for uint8. Follows `torch.all`.

>>> rt.all(rt.tensor([[1, 1], [0, 1]]), 1)
tensor([ True, False])
)"});

Tensor count_nonzero_forward(const Tensor& x, MaybeDims dim) {
  dim_mask(list_of(dim), x.dim(), "count_nonzero");  // for its errors
  return ops::sum(ops::ne(x, Scalar(0)), list_of(dim));
}
const Op count_nonzero_op(
    "count_nonzero(Tensor input, int[1]? dim=None) -> Tensor", count_nonzero_forward,
    {.integer_result = true,
     .doc = R"(The number of elements, over some dims or of all, that are not zero, as int64.

Follows `torch.count_nonzero`.

>>> rt.count_nonzero(rt.tensor([[1, 0], [3, 4]]), dim=1)
tensor([1, 2])
)"});

Tensor sum_to_size_forward(const Tensor& x, IntList size) {
  RT_CHECK(is_expandable_to(size, x.sizes()), Runtime, "sum_to_size",
           cat_str("size {", size, "} is not expandable to size {", x.sizes(), "}"));
  // A sum even of one element, which for integers means int64.
  if (size.empty() && is_integral(x.dtype(), true)) return ops::sum(x, {});
  return ops::sum_to_size(x, size);
}
const Op sum_to_size_op(
    "sum_to_size(Tensor input, int[] size) -> Tensor", sum_to_size_forward,
    {.in = "Tensor",
     .doc = R"(The sum over the dims that `expand` would stretch to get from `size` to this shape.

Follows `torch.Tensor.sum_to_size`.

>>> rt.ones(2, 3).sum_to_size(1, 3)
tensor([[2., 2., 2.]])
)"});

}  // namespace

namespace ops {

Tensor sum(const Tensor& x, IntList dim, bool keepdim, MaybeType dtype) {
  return sum_op(x, dim, keepdim, dtype);
}
Tensor nansum(const Tensor& x, IntList dim, bool keepdim, MaybeType dtype) {
  return nansum_op(x, dim, keepdim, dtype);
}
Tensor mean(const Tensor& x, IntList dim, bool keepdim, MaybeType dtype) {
  return mean_op(x, dim, keepdim, dtype);
}
Tensor prod(const Tensor& x, MaybeType dtype) { return prod_op(x, dtype); }
Tensor prod(const Tensor& x, int64_t dim, bool keepdim, MaybeType dtype) {
  return prod_dim_op(x, dim, keepdim, dtype);
}
Tensor any(const Tensor& x, IntList dim, bool keepdim) {
  return any_op(x, dim.empty() ? MaybeDims() : MaybeDims(dim), keepdim);
}
Tensor all(const Tensor& x, IntList dim, bool keepdim) {
  return all_op(x, dim.empty() ? MaybeDims() : MaybeDims(dim), keepdim);
}

Tensor sum_to_size(const Tensor& x, IntList size) {
  if (x.sizes() == size) return x;
  const int64_t lead = x.dim() - size.ssize();
  Dims dims;
  for (int64_t d = 0; d < x.dim(); ++d) {
    if (d < lead || (size[d - lead] == 1 && x.sizes()[d] != 1)) dims.push_back(d);
  }
  Tensor s = dims.empty() ? x : sum(x, dims, true);
  return lead > 0 ? reshape(s, size) : s;
}

}  // namespace ops
}  // namespace rt
