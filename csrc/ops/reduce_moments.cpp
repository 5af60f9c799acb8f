// Variances, standard deviations and logarithms of sums of exponentials.
#include "autograd/vjp.h"
#include "ops/ops.h"
#include "ops/promotion.h"
#include "ops/reduction.h"

namespace rt {

extern ReduceSlot norm2_slot;  // vector_norm.cpp

namespace {

ReduceSlot var_slot{"var"};
ReduceSlot std_slot{"std"};
ReduceSlot logsumexp_slot{"logsumexp"};

using MaybeDims = std::optional<IntList>;
using MaybeScalar = std::optional<Scalar>;

IntList list_of(const MaybeDims& dim) { return dim.value_or(IntList()); }
double number(const MaybeScalar& correction) { return correction ? correction->to_double() : 1.0; }

void check_floating(const char* op, const Tensor& x) {
  RT_CHECK(is_differentiable(x.dtype()), Runtime, op,
           cat_str(op, " only support floating point and complex dtypes"), describe(x),
           "to(rustorch.float32)");
}

// A complex spread is that of the real parts plus that of the imaginary parts.
Reduced moments(const char* op, const Tensor& x, const MaybeDims& dim,
                const MaybeScalar& correction, bool keepdim, bool root) {
  check_floating(op, x);
  const uint64_t mask = dim_mask(list_of(dim), x.dim(), op);
  const DType type = real_of(x.dtype()), compute = compute_type(type);
  if (!is_complex(x.dtype())) {
    return reduce(root ? std_slot : var_slot, op, x, mask, keepdim, compute, type,
                  number(correction), type);
  }
  Reduced parts = reduce(var_slot, op, ops::view_as_real(x), mask, keepdim, compute, type,
                         number(correction), type);
  // The root of a sum of two is the norm of their roots.
  if (root) {
    Reduced roots = reduce(std_slot, op, ops::view_as_real(x), mask, keepdim, compute, type,
                           number(correction), type);
    Tensor total =
        empty(roots.result.sizes().slice(0, roots.result.sizes().size() - 1), type, x.device(), op);
    reduce_launcher(total, norm2_slot, compute, roots.result,
                    uint64_t{1} << (roots.result.dim() - 1), 1, total, Tensor());
    return {total, ops::view_as_complex(parts.second)};
  }
  return {ops::sum(parts.result, {-1}), ops::view_as_complex(parts.second)};
}

// d var = 2 / (n - correction) * (x - mean), spread over the reduced dims.
Tensor var_gradient(const Tensor& g, const Tensor& x, const MaybeDims& dim,
                    const MaybeScalar& correction, bool keepdim) {
  const uint64_t mask = dim_mask(list_of(dim), x.dim(), "var");
  const double n = static_cast<double>(reduced_count(x.sizes(), mask)),
               degrees = n - number(correction);
  const Tensor grad = with_reduced_dims(g, x.sizes(), mask, keepdim);
  if (degrees <= 0) {
    // Infinite, but not a number where the deviation is zero.
    return grad * ((x - ops::mean(x, list_of(dim), true)) *
                   Scalar(std::numeric_limits<double>::infinity()));
  }
  return grad * (x - ops::mean(x, list_of(dim), true)) * Scalar(2.0 / degrees);
}
Tensor std_gradient(const Tensor& g, const Tensor& result, const Tensor& x, const MaybeDims& dim,
                    const MaybeScalar& correction, bool keepdim) {
  const Tensor scaled =
      ops::masked_fill(g / (result * Scalar(2)), ops::eq(result, Scalar(0)), Scalar(0));
  return var_gradient(scaled, x, dim, correction, keepdim);
}
Tensor mean_gradient(const Tensor& g, IntList sizes, const MaybeDims& dim, bool keepdim) {
  const uint64_t mask = dim_mask(list_of(dim), sizes.ssize(), "mean");
  const Tensor grad = with_reduced_dims(g, sizes, mask, keepdim);
  return ops::expand(grad / Scalar(static_cast<double>(reduced_count(sizes, mask))), sizes);
}

MaybeScalar correction_of(bool unbiased) { return Scalar(unbiased ? 1 : 0); }

// ---- The four ops and their three signatures ----

Tensor var_forward(const Tensor& x, MaybeDims dim, MaybeScalar correction, bool keepdim) {
  return moments("var", x, dim, correction, keepdim, false).result;
}
Tensor std_forward(const Tensor& x, MaybeDims dim, MaybeScalar correction, bool keepdim) {
  return moments("std", x, dim, correction, keepdim, true).result;
}
void var_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  c.set(0, var_gradient(c.grad(), c.input(0), c.arg<MaybeDims>(1), c.arg<MaybeScalar>(2),
                        c.arg<bool>(3)));
}
void std_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  c.set(0, std_gradient(c.grad(), c.result(), c.input(0), c.arg<MaybeDims>(1),
                        c.arg<MaybeScalar>(2), c.arg<bool>(3)));
}
std::tuple<Tensor, Tensor> var_mean_forward(const Tensor& x, MaybeDims dim, MaybeScalar correction,
                                            bool keepdim) {
  Reduced r = moments("var_mean", x, dim, correction, keepdim, false);
  return {std::move(r.result), std::move(r.second)};
}
std::tuple<Tensor, Tensor> std_mean_forward(const Tensor& x, MaybeDims dim, MaybeScalar correction,
                                            bool keepdim) {
  Reduced r = moments("std_mean", x, dim, correction, keepdim, true);
  return {std::move(r.result), std::move(r.second)};
}
void pair_vjp(VjpContext& c, bool root) {
  const auto dim = c.arg<MaybeDims>(1);
  const auto correction = c.arg<MaybeScalar>(2);
  const bool keepdim = c.arg<bool>(3);
  Tensor g;
  if (c.has_grad(0)) {
    g = root ? std_gradient(c.grad(0), c.result(0), c.input(0), dim, correction, keepdim)
             : var_gradient(c.grad(0), c.input(0), dim, correction, keepdim);
  }
  if (c.has_grad(1)) {
    const Tensor m = mean_gradient(c.grad(1), c.sizes(0), dim, keepdim);
    g = g.defined() ? g + m : m;
  }
  if (g.defined()) c.set(0, g);
}
void var_mean_vjp(VjpContext& c) { pair_vjp(c, false); }
void std_mean_vjp(VjpContext& c) { pair_vjp(c, true); }

#define RT_SPREAD_ARGS \
  "(Tensor input, int[1]? dim=None, *, Scalar? correction=None, bool keepdim=False) -> "
const Op var_op("var.correction" RT_SPREAD_ARGS "Tensor", var_forward,
                {.vjp = var_vjp,
                 .saves = "input",
                 .out = true,
                 .kernels = {&var_slot},
                 .doc = R"(The variance over some dims, or over all: squared deviations divided by
`n - correction`.

`correction` is 1 by default (Bessel's); `unbiased=False` means 0. Floating point and complex
tensors, real results. Follows `torch.var`.

>>> rt.var(rt.tensor([1., 2., 3., 4.]))
tensor(1.6667)
)"});
const Op std_op(
    "std.correction" RT_SPREAD_ARGS "Tensor", std_forward,
    {.vjp = std_vjp,
     .saves = "input result",
     .out = true,
     .kernels = {&std_slot},
     .doc = R"(The standard deviation over some dims, or over all: the square root of `var`.

Follows `torch.std`.

>>> rt.std(rt.tensor([1., 2., 3., 4.]))
tensor(1.2910)
)"});
const Op var_mean_op("var_mean.correction" RT_SPREAD_ARGS "(Tensor, Tensor)", var_mean_forward,
                     {.vjp = var_mean_vjp,
                      .saves = "input",
                      .in = "rt",
                      .kernels = {&var_slot},
                      .doc = R"(The variance and the mean over some dims, or over all, in one pass.

Follows `torch.var_mean`.

>>> rt.var_mean(rt.tensor([1., 2., 3.]))
(tensor(1.), tensor(2.))
)"});
const Op std_mean_op(
    "std_mean.correction" RT_SPREAD_ARGS "(Tensor, Tensor)", std_mean_forward,
    {.vjp = std_mean_vjp,
     .saves = "input result",
     .in = "rt",
     .kernels = {&std_slot},
     .doc = R"(The standard deviation and the mean over some dims, or over all, in one pass.

Follows `torch.std_mean`.

>>> rt.std_mean(rt.tensor([1., 2., 3.]))
(tensor(1.), tensor(2.))
)"});
#undef RT_SPREAD_ARGS

Tensor var_all(const Tensor& x, bool unbiased) {
  return var_op(x, {}, correction_of(unbiased), false);
}
Tensor std_all(const Tensor& x, bool unbiased) {
  return std_op(x, {}, correction_of(unbiased), false);
}
std::tuple<Tensor, Tensor> var_mean_all(const Tensor& x, bool unbiased) {
  return var_mean_op(x, {}, correction_of(unbiased), false);
}
std::tuple<Tensor, Tensor> std_mean_all(const Tensor& x, bool unbiased) {
  return std_mean_op(x, {}, correction_of(unbiased), false);
}
Tensor var_dim(const Tensor& x, MaybeDims dim, bool unbiased, bool keepdim) {
  return var_op(x, dim, correction_of(unbiased), keepdim);
}
Tensor std_dim(const Tensor& x, MaybeDims dim, bool unbiased, bool keepdim) {
  return std_op(x, dim, correction_of(unbiased), keepdim);
}
std::tuple<Tensor, Tensor> var_mean_dim(const Tensor& x, MaybeDims dim, bool unbiased,
                                        bool keepdim) {
  return var_mean_op(x, dim, correction_of(unbiased), keepdim);
}
std::tuple<Tensor, Tensor> std_mean_dim(const Tensor& x, MaybeDims dim, bool unbiased,
                                        bool keepdim) {
  return std_mean_op(x, dim, correction_of(unbiased), keepdim);
}
#define RT_UNBIASED_ARGS "(Tensor input, bool unbiased) -> "
#define RT_DIM_ARGS "(Tensor input, int[1]? dim, bool unbiased, bool keepdim=False) -> "
const Op var_all_op("var" RT_UNBIASED_ARGS "Tensor", var_all, {});
const Op std_all_op("std" RT_UNBIASED_ARGS "Tensor", std_all, {});
const Op var_mean_all_op("var_mean" RT_UNBIASED_ARGS "(Tensor, Tensor)", var_mean_all,
                         {.in = "rt"});
const Op std_mean_all_op("std_mean" RT_UNBIASED_ARGS "(Tensor, Tensor)", std_mean_all,
                         {.in = "rt"});
const Op var_dim_op("var.dim" RT_DIM_ARGS "Tensor", var_dim, {.out = true});
const Op std_dim_op("std.dim" RT_DIM_ARGS "Tensor", std_dim, {.out = true});
const Op var_mean_dim_op("var_mean.dim" RT_DIM_ARGS "(Tensor, Tensor)", var_mean_dim, {.in = "rt"});
const Op std_mean_dim_op("std_mean.dim" RT_DIM_ARGS "(Tensor, Tensor)", std_mean_dim, {.in = "rt"});
#undef RT_UNBIASED_ARGS
#undef RT_DIM_ARGS

// ---- logsumexp ----

// Shifted by the largest real part, so that no exponential overflows.
Tensor complex_logsumexp(const Tensor& x, IntList dim, bool keepdim) {
  if (x.numel() == 0) return ops::log(ops::sum(ops::exp(x), dim, keepdim));
  Tensor shift = ops::amax(ops::real(x), dim, true);
  shift = ops::masked_fill(shift, ops::isinf(shift), Scalar(0));
  const Tensor r = ops::log(ops::sum(ops::exp(x - shift), dim, true)) + shift;
  const uint64_t mask = dim_mask(dim, x.dim(), "logsumexp");
  return keepdim || x.dim() == 0 ? r : ops::reshape(r, reduced_shape(x.sizes(), mask, false));
}
Tensor logsumexp_forward(const Tensor& x, IntList dim, bool keepdim) {
  if (is_complex(x.dtype())) return complex_logsumexp(x, dim, keepdim);
  const DType type = float_type(x.dtype());
  return reduce(logsumexp_slot, "logsumexp", x, dim_mask(dim, x.dim(), "logsumexp"), keepdim,
                compute_type(type), type)
      .result;
}
void logsumexp_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const Tensor x = c.input(0);
  const uint64_t mask = dim_mask(c.arg<IntList>(1), x.dim(), "logsumexp");
  const bool keepdim = c.arg<bool>(2);
  const Tensor g = with_reduced_dims(c.grad(), x.sizes(), mask, keepdim);
  const Tensor r = with_reduced_dims(c.result(), x.sizes(), mask, keepdim);
  // Of equal infinities the difference is taken as 0.
  const Tensor d = x - r;
  c.set(0, g * ops::conj(ops::exp(ops::masked_fill(d, ops::eq(x, r), Scalar(0)))));
}
const Op logsumexp_op(
    "logsumexp(Tensor input, int[1] dim, bool keepdim=False) -> Tensor", logsumexp_forward,
    {.vjp = logsumexp_vjp,
     .saves = "input result",
     .in = "rt Tensor special",
     .out = true,
     .kernels = {&logsumexp_slot},
     .doc = R"(The logarithm of the sum of exponentials over some dims, without overflow.

Integers give the default float dtype; complex tensors too. Follows `torch.logsumexp`.

>>> rt.logsumexp(rt.tensor([1000., 1000.]), 0)
tensor(1000.6932)
)"});

}  // namespace

namespace ops {

Tensor var(const Tensor& x, IntList dim, double correction, bool keepdim) {
  return var_op(x, dim, Scalar(correction), keepdim);
}
std::tuple<Tensor, Tensor> var_mean(const Tensor& x, IntList dim, double correction, bool keepdim) {
  return var_mean_op(x, dim, Scalar(correction), keepdim);
}
Tensor logsumexp(const Tensor& x, IntList dim, bool keepdim) {
  return logsumexp_op(x, dim, keepdim);
}

}  // namespace ops
}  // namespace rt
