// Tensor systems, Vandermonde matrices, distances between rows.
#include <cmath>

#include "autograd/vjp.h"
#include "ops/elementwise.h"
#include "ops/linalg.h"
#include "ops/ops.h"

namespace rt {

namespace {

int64_t product(IntList sizes) {
  int64_t n = 1;
  for (int64_t s : sizes) n *= s;
  return n;
}

Tensor tensorinv_forward(const Tensor& a, int64_t ind) {
  RT_CHECK(ind > 0, Runtime, "tensorinv",
           cat_str("Expected a strictly positive integer for 'ind', but got ", ind));
  const size_t k = std::min(static_cast<size_t>(ind), a.sizes().size());
  const IntList first = a.sizes().slice(0, k), last = a.sizes().slice(k, a.sizes().size() - k);
  const int64_t m = product(first), n = product(last);
  RT_CHECK(m == n, Runtime, "tensorinv",
           cat_str("Expected self to satisfy the requirement prod(self.shape[ind:]) == "
                   "prod(self.shape[:ind]), but got ",
                   n, " != ", m),
           describe(a));
  Dims shape(last);
  for (int64_t s : first) shape.push_back(s);
  return ops::reshape(ops::inv(ops::reshape(a, {m, n})), shape);
}
const Op tensorinv_op("tensorinv(Tensor A, int ind=2) -> Tensor", tensorinv_forward,
                      {.in = "linalg",
                       .out = true,
                       .doc = R"(The inverse of the map that `tensordot` with the last dims of A is.

`ind` dims belong to the result of the map. Follows `torch.linalg.tensorinv`.

>>> rt.linalg.tensorinv(rt.tensor([[[2.]]]), ind=1).shape
rustorch.Size([1, 1, 1])
)"});

Tensor tensorsolve_forward(const Tensor& x, const Tensor& b, std::optional<IntList> dims) {
  Tensor a = x;
  if (dims) {
    const Dims moved = wrap_dims(*dims, a.dim(), "tensorsolve", false);
    Dims order;
    for (int64_t d = 0; d < a.dim(); ++d) {
      if (std::find(moved.begin(), moved.end(), d) == moved.end()) order.push_back(d);
    }
    for (int64_t d : moved) order.push_back(d);
    a = ops::permute(a, order);
  }
  const size_t k = std::min(b.sizes().size(), a.sizes().size());
  const IntList first = a.sizes().slice(0, k), last = a.sizes().slice(k, a.sizes().size() - k);
  const int64_t m = product(first), n = product(last);
  RT_CHECK(m == n, Runtime, "tensorsolve",
           cat_str("Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == "
                   "prod(self.shape[:other.ndim]), but got ",
                   n, " != ", m),
           cat_str(describe(a), " and ", describe(b)));
  return ops::reshape(ops::solve(ops::reshape(a, {m, n}), ops::reshape(b, {b.numel()})), last);
}
const Op tensorsolve_op(
    "tensorsolve(Tensor A, Tensor B, int[]? dims=None) -> Tensor", tensorsolve_forward,
    {.in = "linalg", .out = true, .doc = R"(The X with `tensordot(A, X, X.ndim) == B`.

`dims` of A are moved to its end first. Follows `torch.linalg.tensorsolve`.

>>> rt.linalg.tensorsolve(rt.tensor([[2.]]), rt.tensor([4.]))
tensor([2.])
)"});

Tensor vander_forward(const Tensor& input, std::optional<int64_t> n) {
  const Tensor x = input.dim() == 0 ? ops::reshape(input, {1}) : input;
  const int64_t count = n.value_or(x.sizes().back());
  RT_CHECK(count > 1, Runtime, "vander", "N must be greater than 1.", cat_str(count));
  const Tensor base = is_integral(x.dtype(), true) ? ops::to(x, DType::Int64) : x;
  Dims shape(x.sizes());
  shape.push_back(count);
  empty(shape, base.dtype(), x.device(), "vander");  // room for the result, or an error now
  std::vector<Tensor> powers{ops::ones_like(base)};
  for (int64_t i = 1; i < count; ++i) powers.push_back(powers.back() * base);
  return ops::stack(powers, -1);
}
const Op vander_op(
    "vander.linalg(Tensor x, *, int? N=None) -> Tensor", vander_forward,
    {.in = "linalg",
     .doc =
         R"(The powers 0 to N - 1 (by default as many as elements) of each element, along a new last dim.

Follows `torch.linalg.vander`.

>>> rt.linalg.vander(rt.tensor([2, 3]), N=3)
tensor([[1, 2, 4],
        [1, 3, 9]])
)"});

// ---- cdist ----

// x1[..., i, :] - x2[..., j, :]
Tensor differences(const Tensor& x1, const Tensor& x2) {
  return ops::unsqueeze(x1, -2) - ops::unsqueeze(x2, -3);
}

Tensor cdist_core(const Tensor& x1, const Tensor& x2, double p, bool by_product) {
  const int64_t width = x1.sizes().back();
  if (width == 0) {
    Dims shape =
        broadcast_shapes(linalg::batch_of(x1.sizes()), linalg::batch_of(x2.sizes()), "cdist");
    shape.push_back(x1.size(-2));
    shape.push_back(x2.size(-2));
    return ops::zeros(shape, x1.dtype(), x1.device());
  }
  if (p == 2 && by_product) {
    // |a|^2 + |b|^2 - 2 a.b, as one product of widened rows.
    const Tensor n1 = ops::sum(x1 * x1, {-1}, true), n2 = ops::sum(x2 * x2, {-1}, true);
    const Tensor left[] = {x1 * Scalar(-2.0), n1, ops::ones_like(n1)},
                 right[] = {x2, ops::ones_like(n2), n2};
    return ops::sqrt(ops::clamp(ops::matmul(ops::cat(left, -1), ops::mT(ops::cat(right, -1))),
                                Scalar(0), std::nullopt));
  }
  const Tensor d = ops::abs(differences(x1, x2));
  if (p == 0) return ops::to(ops::sum(ops::ne(d, 0), {-1}), x1.dtype());
  if (p == 1) return ops::sum(d, {-1});
  if (p == 2) return ops::sqrt(ops::sum(d * d, {-1}));
  if (std::isinf(p)) return ops::amax(d, {-1});
  return ops::pow(ops::sum(ops::pow(d, Scalar(p)), {-1}), Scalar(1 / p));
}
void cdist_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const double p = c.arg<double>(2);
  const Tensor x1 = c.input(0), x2 = c.input(1), r = c.result(), g = c.grad();
  const auto set = [&](int i, const Tensor& t) {
    if (c.needs(i)) c.set(i, ops::sum_to_size(t, c.sizes(i)));
  };
  if (p == 0 || x1.sizes().back() == 0) {
    set(0, ops::zeros(x1.sizes(), x1.dtype(), x1.device()));
    set(1, ops::zeros(x2.sizes(), x2.dtype(), x2.device()));
    return;
  }
  if (p == 2) {
    const Tensor w = ops::where(ops::eq(r, 0), 0, g / r);
    if (c.needs(0)) set(0, x1 * ops::sum(w, {-1}, true) - ops::matmul(w, x2));
    if (c.needs(1))
      set(1, x2 * ops::unsqueeze(ops::sum(w, {-2}), -1) - ops::matmul(ops::mT(w), x1));
    return;
  }
  const Tensor d = differences(x1, x2), wide_g = ops::unsqueeze(g, -1),
               wide_r = ops::unsqueeze(r, -1);
  const Tensor sign = ops::sign(d), size = ops::abs(d);
  Tensor slope;
  if (p == 1) {
    slope = sign * wide_g;
  } else if (std::isinf(p)) {
    slope = ops::where(ops::eq(size, wide_r), sign * wide_g, 0);
  } else {
    // Where both are zero the slope is taken as zero.
    const Tensor none = ops::logical_or(ops::eq(wide_r, 0), ops::eq(size, 0));
    const Tensor ratio = ops::where(none, 1, size / ops::where(ops::eq(wide_r, 0), 1, wide_r));
    slope = ops::where(none, 0, sign * ops::pow(ratio, Scalar(p - 1)) * wide_g);
  }
  if (c.needs(0)) set(0, ops::sum(slope, {-2}));
  if (c.needs(1)) set(1, -ops::sum(slope, {-3}));
}
const Op cdist_core_op("_cdist(Tensor x1, Tensor x2, float p, bool by_product) -> Tensor",
                       cdist_core, {.vjp = cdist_vjp, .saves = "x1 x2 result", .in = ""});

Tensor cdist_forward(const Tensor& x1, const Tensor& x2, double p, std::string_view mode) {
  const Tensor* both[] = {&x1, &x2};
  for (int i = 0; i < 2; ++i) {
    RT_CHECK(is_floating(both[i]->dtype()), Runtime, "cdist",
             cat_str("cdist only supports floating-point dtypes, X", i + 1,
                     " got: ", name(both[i]->dtype())));
    RT_CHECK(both[i]->dim() >= 2, Runtime, "cdist",
             cat_str("cdist only supports at least 2D tensors, X", i + 1, " got: ", both[i]->dim(),
                     "D"));
  }
  RT_CHECK(x1.sizes().back() == x2.sizes().back(), Runtime, "cdist",
           cat_str("X1 and X2 must have the same number of columns. X1: ", x1.sizes().back(),
                   " X2: ", x2.sizes().back()));
  RT_CHECK(x1.dtype() == x2.dtype(), Runtime, "cdist",
           cat_str("expected scalar type ", name(x1.dtype()), " but found ", name(x2.dtype())));
  RT_CHECK(p >= 0, Runtime, "cdist", "cdist only supports non-negative p values", cat_str("p=", p));
  constexpr std::string_view modes_of[] = {"use_mm_for_euclid_dist_if_necessary",
                                           "use_mm_for_euclid_dist",
                                           "donot_use_mm_for_euclid_dist"};
  const auto at = std::find(std::begin(modes_of), std::end(modes_of), mode);
  RT_CHECK(at != std::end(modes_of), Value, "cdist",
           cat_str(mode, " is not a valid value for compute_mode"));
  const int64_t choice = at - std::begin(modes_of);
  const bool many = x1.size(-2) > 25 || x2.size(-2) > 25;
  return cdist_core_op(x1, x2, p, choice == 1 || (choice == 0 && many));
}
const Op cdist_op(
    "cdist(Tensor x1, Tensor x2, float p=2.0, str "
    "compute_mode='use_mm_for_euclid_dist_if_necessary') -> Tensor",
    cdist_forward, {.in = "rt", .doc = R"(The p-norm distance of each row of x1 to each row of x2.

(..., m, k) and (..., n, k) to (..., m, n); batch dims broadcast, p from 0 to inf. `compute_mode` says whether
Euclidean distances come from a matrix product: "use_mm_for_euclid_dist_if_necessary" (for more than 25 rows),
"use_mm_for_euclid_dist" or "donot_use_mm_for_euclid_dist". Follows `torch.cdist`.

>>> rt.cdist(rt.tensor([[0., 0.]]), rt.tensor([[3., 4.]]))
tensor([[5.]])
)"});

}  // namespace

}  // namespace rt
