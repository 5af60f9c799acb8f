// Norms by PyTorch's several names, and what is built on them.
#include <cmath>

#include "autograd/vjp.h"
#include "ops/linalg.h"
#include "ops/ops.h"
#include "ops/promotion.h"
#include "ops/vector_norm.h"

namespace rt {

namespace {

using MaybeDims = std::optional<IntList>;
using MaybeType = std::optional<DType>;

constexpr int64_t kLastTwo[] = {-2, -1};
IntList matrix_dims(const MaybeDims& dim) { return dim.value_or(IntList(kLastTwo, 2)); }

void check_dims(const Tensor& a, bool has_ord, const MaybeDims& dim) {
  RT_CHECK(!dim || dim->size() == 1 || dim->size() == 2, Runtime, "norm",
           "If dim is specified, it must be of length 1 or 2.",
           cat_str("dim=", dim.value_or(IntList())));
  RT_CHECK(!has_ord || dim || a.dim() == 1 || a.dim() == 2, Runtime, "norm",
           cat_str("If dim is not specified but ord is, the input must be 1D or 2D. Got ", a.dim(),
                   "D."),
           describe(a), "dim=");
}
Tensor norm_of(const Tensor& a, std::optional<Scalar> ord, MaybeDims dim, bool keepdim,
               MaybeType dtype) {
  check_dims(a, ord.has_value(), dim);
  const bool matrix = ord && (dim ? dim->size() == 2 : a.dim() == 2);
  if (matrix) return ops::matrix_norm(a, *ord, matrix_dims(dim), keepdim, dtype);
  return ops::vector_norm(a, ord.value_or(Scalar(2)), dim, keepdim, dtype);
}
Tensor norm_named(const Tensor& a, std::string_view ord, MaybeDims dim, bool keepdim,
                  MaybeType dtype) {
  check_dims(a, true, dim);
  return ops::matrix_norm(a, ord, matrix_dims(dim), keepdim, dtype);
}
#define RT_NORM_ARGS "int[1]? dim=None, bool keepdim=False, *, DType? dtype=None) -> Tensor"
const Op linalg_norm_op(
    "norm.linalg(Tensor A, Scalar? ord=None, " RT_NORM_ARGS, norm_of,
    {.in = "linalg",
     .out = true,
     .doc =
         R"(A vector or matrix norm: of all elements or along one dim a vector norm, over two dims
with `ord` a matrix norm.

`ord` as in `linalg.vector_norm` and `linalg.matrix_norm`. Floating point and complex tensors, real
results. Follows `torch.linalg.norm`.

>>> rt.linalg.norm(rt.tensor([3., 4.]))
tensor(5.)
)"});
const Op linalg_norm_named_op("norm.linalg_str(Tensor A, str ord, " RT_NORM_ARGS, norm_named,
                              {.in = "linalg", .out = true});
#undef RT_NORM_ARGS

// ---- rt.norm and Tensor.norm: the older function; numbers always mean vector norms ----

Tensor old_norm(const Tensor& x, Scalar p, MaybeDims dim, bool keepdim, MaybeType dtype) {
  return ops::vector_norm(x, p, dim, keepdim, dtype);
}
Tensor old_norm_named(const Tensor& x, std::optional<std::string_view> p, MaybeDims dim,
                      bool keepdim, MaybeType dtype) {
  if (!p || (*p == "fro" && (!dim || dim->size() <= 2)))
    return ops::vector_norm(x, Scalar(2), dim, keepdim, dtype);
  return ops::matrix_norm(x, *p, matrix_dims(dim), keepdim, dtype);
}
#define RT_OLD_ARGS "int[1]? dim=None, bool keepdim=False, DType? dtype=None) -> Tensor"
const Op old_norm_op(
    "norm(Tensor input, Scalar p, " RT_OLD_ARGS, old_norm,
    {.out = true,
     .doc = R"(The p-norm over some dims, or over all elements; 'fro' (default) is p = 2.

Follows `torch.norm`; `linalg.norm` has matrix norms too.

>>> rt.norm(rt.tensor([3., 4.]))
tensor(5.)
)"});
const Op old_norm_named_op("norm.str(Tensor input, str? p='fro', " RT_OLD_ARGS, old_norm_named,
                           {.out = true});
#undef RT_OLD_ARGS

Tensor dist(const Tensor& x, const Tensor& other, Scalar p) {
  return ops::vector_norm(x - other, p);
}
const Op dist_op("dist(Tensor input, Tensor other, Scalar p=2) -> Tensor", dist,
                 {.doc = R"(The p-norm of `input - other`; the inputs broadcast.

Follows `torch.dist`.

>>> rt.dist(rt.tensor([3., 0.]), rt.tensor([0., 4.]))
tensor(5.)
)"});

Tensor renorm(const Tensor& x, Scalar p, int64_t dim, Scalar maxnorm) {
  RT_CHECK(is_differentiable(x.dtype()), Runtime, "renorm",
           cat_str("expected a floating point or complex tensor, got ", name(x.dtype())),
           describe(x));
  RT_CHECK(!p.is_complex(), Runtime, "renorm", "p must be real-valued");
  RT_CHECK(p.to_double() > 0, Runtime, "renorm", "non-positive-norm not supported",
           cat_str("p=", p));
  RT_CHECK(!maxnorm.is_complex(), Runtime, "renorm", "maxnorm must be real-valued");
  RT_CHECK(maxnorm.to_double() >= 0, Runtime, "renorm",
           cat_str("expected maxnorm to be >= 0 but got ", maxnorm.to_double()));
  RT_CHECK(x.dim() > 1, Runtime, "renorm",
           cat_str("input needs at least 2 dimensions, got ", x.dim(), " dimensions"), describe(x));
  const int64_t kept = wrap_dim(dim, x.dim(), "renorm");
  Dims dims;
  for (int64_t d = 0; d < x.dim(); ++d) {
    if (d != kept) dims.push_back(d);
  }
  const Tensor norm = ops::vector_norm(x, p, IntList(dims), true);
  // The small number is PyTorch's; it keeps the norm below the limit after rounding.
  const Tensor factor =
      ops::where(ops::gt(norm, maxnorm), maxnorm / (norm + Scalar(1e-7)), Scalar(1));
  return x * ops::to(factor, real_of(x.dtype()));
}
const Op renorm_op(
    "renorm(Tensor input, Scalar p, int dim, Scalar maxnorm) -> Tensor", renorm,
    {.inplace = true,
     .out = true,
     .doc =
         R"(Each slice at a place along `dim` scaled down to a p-norm of `maxnorm` if it has a larger one.

Floating point and complex tensors of two dims or more. Follows `torch.renorm`.

>>> rt.renorm(rt.tensor([[3., 4.], [0., 1.]]), 2, 0, 1)
tensor([[0.6000, 0.8000],
        [0.0000, 1.0000]])
)"});

Tensor normalize(const Tensor& x, double p, IntList dim, double eps) {
  for (int64_t d : dim) wrap_dim(d, x.dim(), "normalize");
  return x / ops::clamp(ops::vector_norm(x, Scalar(p), dim, true), Scalar(eps), {});
}
const Op normalize_op(
    "normalize(Tensor input, float p=2.0, int[1] dim=1, float eps=1e-12) -> Tensor", normalize,
    {.in = "nn.functional",
     .out = true,
     .doc =
         R"(Vectors along `dim` (or several) divided by their p-norm, or by `eps` if that is larger.

Floating point and complex tensors. Follows `torch.nn.functional.normalize`.

>>> nn.functional.normalize(rt.tensor([[3., 4.]]))
tensor([[0.6000, 0.8000]])
)"});

Tensor cosine_similarity(const Tensor& x1, const Tensor& x2, int64_t dim, double eps) {
  const DType type = result_type(x1, x2);
  RT_CHECK(is_floating(type), Runtime, "cosine_similarity",
           cat_str("expected common dtype to be floating point, yet common dtype is ", name(type)));
  const Dims shape = broadcast_shapes(x1.sizes(), x2.sizes(), "cosine_similarity");
  wrap_dim(dim, shape.ssize(), "cosine_similarity");
  const Tensor a = ops::expand(ops::to(x1, type), shape), b = ops::expand(ops::to(x2, type), shape);
  const auto unit = [&](const Tensor& t) {
    return t / ops::clamp(ops::vector_norm(t, Scalar(2), IntList{dim}, true), Scalar(eps), {});
  };
  return ops::sum(unit(a) * unit(b), {dim});
}
const Op cosine_similarity_op(
    "cosine_similarity(Tensor x1, Tensor x2, int dim=1, float eps=1e-8) -> Tensor",
    cosine_similarity,
    {.in = "rt nn.functional",
     .doc =
         R"(The cosine of the angle between vectors along `dim`; norms are at least `eps`. The inputs
broadcast and promote to a floating point type.

Follows `torch.nn.functional.cosine_similarity`.

>>> rt.cosine_similarity(rt.tensor([[1., 0.]]), rt.tensor([[1., 1.]]))
tensor([0.7071])
)"});

}  // namespace

}  // namespace rt
