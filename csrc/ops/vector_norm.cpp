#include "ops/vector_norm.h"

#include <cmath>

#include "autograd/vjp.h"
#include "ops/ops.h"
#include "ops/reduction.h"

namespace rt {

ReduceSlot norm1_slot{"norm1"};
ReduceSlot norm2_slot{"norm2"};

namespace {

using MaybeDims = std::optional<IntList>;
using MaybeType = std::optional<DType>;

IntList list_of(const MaybeDims& dim) { return dim.value_or(IntList()); }

Tensor real_norm(const Tensor& x, double p, uint64_t mask, bool keepdim, DType type) {
  const char* op = "vector_norm";
  Dims dims;
  for (int64_t d = 0; d < x.dim(); ++d) {
    if (mask >> d & 1) dims.push_back(d);
  }
  if (p == 2) return reduce(norm2_slot, op, x, mask, keepdim, compute_type(type), type).result;
  if (p == 1) return reduce(norm1_slot, op, x, mask, keepdim, compute_type(type), type).result;
  const Tensor magnitude = ops::abs(ops::to(x, compute_type(type)));
  if (x.dim() == 0) {
    return ops::to(p == 0 ? ops::to(ops::ne(magnitude, Scalar(0)), magnitude.dtype()) : magnitude,
                   type);
  }
  if (std::isinf(p)) {
    if (p > 0) return ops::to(ops::amax(magnitude, dims, keepdim), type);
    return ops::to(ops::amin(magnitude, dims, keepdim), type);
  }
  if (p == 0) return ops::to(ops::sum(ops::ne(magnitude, Scalar(0)), dims, keepdim), type);
  return ops::to(ops::pow(ops::sum(ops::pow(magnitude, Scalar(p)), dims, keepdim), Scalar(1 / p)),
                 type);
}

void check_dtype(const char* op, const Tensor& x, DType type) {
  RT_CHECK(is_differentiable(type), Runtime, op, "dtype should be floating point or complex",
           name(type));
  RT_CHECK(is_complex(type) == is_complex(x.dtype()), Runtime, op,
           is_complex(type) ? "dtype should be real for real inputs"
                            : "dtype should be complex for complex inputs",
           name(type));
  RT_CHECK(promote(x.dtype(), type) == type, Runtime, op,
           cat_str("the dtype of the input (", name(x.dtype()),
                   ") should be convertible without narrowing to the specified dtype"),
           name(type));
}

Tensor norm_forward(const Tensor& input, Scalar ord, MaybeDims dim, bool keepdim, MaybeType dtype) {
  const char* op = "vector_norm";
  RT_CHECK(
      is_differentiable(input.dtype()), Runtime, op,
      cat_str("Expected a floating point or complex tensor as input. Got ", name(input.dtype())),
      describe(input), "to(rustorch.float32)");
  RT_CHECK(!ord.is_complex(), Runtime, op, "Expected a non-complex scalar as the order of norm.");
  if (dtype) check_dtype(op, input, *dtype);
  const Tensor x = dtype ? ops::to(input, *dtype) : input;
  const double p = ord.to_double();
  const uint64_t mask = dim_mask(list_of(dim), x.dim(), op);
  RT_CHECK((p >= 0 && !std::isinf(p)) || reduced_count(x.sizes(), mask) > 0, Runtime, op,
           cat_str("cannot compute the ", p,
                   " norm on an empty tensor because the operation does not have an identity"),
           describe(x));
  if (!is_complex(x.dtype())) return real_norm(x, p, mask, keepdim, x.dtype());
  if (p != 2) return real_norm(ops::abs(x), p, mask, keepdim, real_of(x.dtype()));
  const Tensor parts = ops::view_as_real(x);
  const Tensor r = real_norm(parts, 2, mask | uint64_t{1} << x.dim(), keepdim, parts.dtype());
  return keepdim ? ops::squeeze(r, {-1}) : r;
}

void norm_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const DType type = c.arg<MaybeType>(4) ? *c.arg<MaybeType>(4) : c.meta(0).dtype;
  const Tensor x = ops::to(c.input(0), type);
  const double p = c.arg<Scalar>(1).to_double();
  const uint64_t mask = dim_mask(list_of(c.arg<MaybeDims>(2)), x.dim(), "vector_norm");
  const bool keepdim = c.arg<bool>(3);
  const Tensor g = with_reduced_dims(c.grad(), x.sizes(), mask, keepdim);
  const Tensor r = with_reduced_dims(c.result(), x.sizes(), mask, keepdim);
  const auto finish = [&](const Tensor& grad) { c.set(0, ops::to(grad, c.meta(0).dtype)); };
  if (p == 0) return;  // a count has no gradient
  // At zero, where the norm has a corner, the gradient is taken as 0.
  if (p == 2) {
    // r is replaced where it is 0, so that second derivatives there are 0 too and not NaN.
    const Tensor zero = ops::eq(r, Scalar(0));
    return finish(x * ops::masked_fill(g / ops::masked_fill(r, zero, Scalar(1)), zero, Scalar(0)));
  }
  if (p == 1) return finish(ops::sgn(x) * g);
  const Tensor a = ops::abs(x);
  if (std::isinf(p)) {
    Dims dims;
    for (int64_t d = 0; d < x.dim(); ++d) {
      if (mask >> d & 1) dims.push_back(d);
    }
    const Tensor same = ops::to(ops::eq(a, r), g.dtype());
    return finish(ops::sgn(x) * (dims.empty() ? g : g / ops::sum(same, dims, true)) * same);
  }
  // sgn(x) |x|^(p-1) / r^(p-1), from the ratio so that nothing overflows.
  const Tensor at_zero = ops::eq(a, Scalar(0));
  const Tensor ratio = ops::masked_fill(a / r, at_zero, Scalar(1));
  finish(ops::masked_fill(ops::sgn(x) * ops::pow(ratio, Scalar(p - 1)), at_zero, Scalar(0)) * g);
}

const Op vector_norm_op(
    "vector_norm(Tensor x, Scalar ord=2, int[1]? dim=None, bool keepdim=False, *, DType? "
    "dtype=None) -> Tensor",
    norm_forward,
    {.vjp = norm_vjp,
     .saves = "x result",
     .in = "linalg",
     .out = true,
     .kernels = {&norm1_slot, &norm2_slot},
     .doc = R"(The norm sum(|x|^ord)^(1/ord) over some dims, or over all elements.

`ord`: any number; 0 counts what is not zero, inf and -inf give the largest and smallest magnitude.
Floating point and complex tensors, real results. Follows `torch.linalg.vector_norm`.

>>> rt.linalg.vector_norm(rt.tensor([3., 4.]))
tensor(5.)
)"});

}  // namespace

namespace ops {

Tensor vector_norm(const Tensor& x, Scalar ord, MaybeDims dim, bool keepdim, MaybeType dtype) {
  return vector_norm_op(x, ord, dim, keepdim, dtype);
}

}  // namespace ops
}  // namespace rt
