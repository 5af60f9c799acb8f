// Distances between rows.
#include "ops/distance.h"

#include "ops/ops.h"
#include "ops/vector_norm.h"

namespace rt {

namespace {

// The p-norm over the last dim.
Tensor row_norm(const Tensor& x, double p, bool keepdim) {
  const int64_t last[] = {-1};
  return ops::vector_norm(x, Scalar(p), IntList(last, 1), keepdim);
}

Tensor pairwise_forward(const Tensor& x1, const Tensor& x2, double p, double eps, bool keepdim) {
  return row_norm(x1 - x2 + Scalar(eps), p, keepdim);
}
const Op pairwise_distance_op(
    "pairwise_distance(Tensor x1, Tensor x2, float p=2.0, float eps=1e-06, bool keepdim=False) -> "
    "Tensor",
    pairwise_forward,
    {.in = "rt nn.functional",
     .doc = R"(The p-norm of `x1 - x2 + eps` over the last dim; the inputs broadcast.

Follows `torch.nn.functional.pairwise_distance`.

>>> nn.functional.pairwise_distance(rt.tensor([[0., 0.]]), rt.tensor([[3., 4.]]), eps=0)
tensor([5.])
)"});

Tensor pdist_forward(const Tensor& x, double p) {
  RT_CHECK(x.dim() == 2, Runtime, "pdist",
           cat_str("pdist only supports 2D tensors, got: ", x.dim(), "D"), describe(x));
  RT_CHECK(is_floating(x.dtype()), Runtime, "pdist", "pdist only supports floating-point dtypes",
           describe(x));
  RT_CHECK(p >= 0, Runtime, "pdist", "pdist only supports non-negative p values", cat_str("p=", p));
  const int64_t n = x.sizes()[0], pairs = n * (n - 1) / 2;
  const Tensor first = empty({pairs}, DType::Int64), second = empty({pairs}, DType::Int64);
  int64_t *a = first.host_data<int64_t>(), *b = second.host_data<int64_t>();
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = i + 1; j < n; ++j) *a++ = i, *b++ = j;
  }
  const Tensor d = ops::index_select(x, 0, ops::to(first, x.device())) -
                   ops::index_select(x, 0, ops::to(second, x.device()));
  return row_norm(d, p, false);
}
const Op pdist_op(
    "pdist(Tensor input, float p=2) -> Tensor", pdist_forward,
    {.in = "rt nn.functional",
     .doc =
         R"(The p-norm distances between all pairs of rows of an (N, M) matrix, N (N - 1) / 2 of them.

Follows `torch.nn.functional.pdist`.

>>> nn.functional.pdist(rt.tensor([[0.], [1.], [3.]]))
tensor([1., 3., 2.])
)"});

}  // namespace

namespace ops {
Tensor pairwise_distance(const Tensor& x1, const Tensor& x2, double p, double eps) {
  return pairwise_distance_op(x1, x2, p, eps, false);
}
}  // namespace ops

}  // namespace rt
