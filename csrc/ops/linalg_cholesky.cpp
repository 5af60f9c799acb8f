// Cholesky factors, what they solve, and inverses from them.
#include "autograd/vjp.h"
#include "ops/elementwise.h"
#include "ops/linalg_decompose.h"
#include "ops/ops.h"

namespace rt {

KernelSlot<void(const Tensor&, const Tensor&, bool)> cholesky_kernel{"cholesky"};

using namespace linalg;

namespace {

Pair cholesky_factor(const Tensor& a, bool upper) {
  const Tensor l = column_major("cholesky", a), info = empty_info("cholesky", a);
  cholesky_kernel(l, l, info, upper);
  return {l, info};
}
void cholesky_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const bool upper = c.arg<bool>(1);
  const Tensor l = upper ? ops::mH(c.result()) : c.result(),
               g = upper ? ops::mH(c.grad()) : c.grad();
  // Murray, "Differentiation of the Cholesky decomposition" (2016).
  Tensor phi = triangle(ops::matmul(ops::mH(l), g), false);
  phi = phi + ops::mH(triangle(phi, false, -1));
  // The factor's diagonal is real.
  if (is_complex(phi.dtype())) phi = phi - from_diagonal(imaginary(diagonal(phi)));
  const Tensor half = ops::solve_triangular(ops::mH(l), phi * Scalar(0.5), true);
  c.set(0, ops::solve_triangular(l, half, false, false));
}
const Op cholesky_factor_op(
    "_cholesky(Tensor A, bool upper) -> (Tensor L, Tensor info)", cholesky_factor,
    {.vjp = cholesky_vjp, .saves = "L", .in = "", .kernels = {&cholesky_kernel}});
Pair cholesky_of(const char* op, const Tensor& a, bool upper, bool check) {
  check_input(op, a, true);
  auto r = cholesky_factor_op(a, upper);
  if (check) {
    const Failure f = first_failure(std::get<1>(r));
    RT_CHECK(
        f.index < 0, LinAlg, op,
        cat_str(
            f.where,
            "The factorization could not be completed because the input is not positive-definite "
            "(the leading minor of order ",
            static_cast<int64_t>(f.value), " is not positive-definite)."));
  }
  return r;
}
Tensor cholesky_forward(const Tensor& a, bool upper) {
  return std::get<0>(cholesky_of("cholesky", a, upper, true));
}
const Op cholesky_op(
    "cholesky.linalg(Tensor A, *, bool upper=False) -> Tensor", cholesky_forward,
    {.in = "linalg",
     .out = true,
     .doc = R"(The triangular L of `A = L L^H`, or with `upper` the U of `A = U^H U`.

(..., n, n), Hermitian and positive definite, of which one triangle is read. Raises LinAlgError otherwise.
Follows `torch.linalg.cholesky`.

>>> rt.linalg.cholesky(rt.tensor([[4.]]))
tensor([[2.]])
)"});
const Op cholesky_rt_op(
    "cholesky(Tensor input, bool upper=False) -> Tensor", cholesky_forward,
    {.out = true,
     .doc = R"(The Cholesky factor of each positive definite matrix; see `linalg.cholesky`.

Follows `torch.cholesky`.

>>> rt.cholesky(rt.tensor([[4.]]))
tensor([[2.]])
)"});
Pair cholesky_ex_forward(const Tensor& a, bool upper, bool check) {
  return cholesky_of("cholesky_ex", a, upper, check);
}
const Op cholesky_ex_op(
    "cholesky_ex(Tensor A, *, bool upper=False, bool check_errors=False) -> (Tensor L, Tensor "
    "info)",
    cholesky_ex_forward,
    {.in = "linalg", .out = true, .doc = R"(`linalg.cholesky` that reports instead of raising.

`info` (int32) is zero, or the order of the first leading minor that is not positive. Follows
`torch.linalg.cholesky_ex`.

>>> rt.linalg.cholesky_ex(rt.tensor([[-4.]])).info
tensor(1, dtype=rustorch.int32)
)"});
Tensor cholesky_solve_forward(const Tensor& b, const Tensor& l, bool upper) {
  check_matrix("cholesky_solve", b, "input");
  check_input("cholesky_solve", l, true);
  const Tensor lower = upper ? ops::mH(l) : l;
  return ops::solve_triangular(ops::mH(lower), ops::solve_triangular(lower, b, false), true);
}
const Op cholesky_solve_op("cholesky_solve(Tensor input, Tensor L, bool upper=False) -> Tensor",
                           cholesky_solve_forward,
                           {.out = true, .doc = R"(The X of `A X = input` from A's Cholesky factor.

Follows `torch.cholesky_solve`.

>>> rt.cholesky_solve(rt.tensor([[4.]]), rt.tensor([[2.]]))
tensor([[1.]])
)"});
Tensor cholesky_inverse_forward(const Tensor& l, bool upper) {
  check_input("cholesky_inverse", l, true);
  return cholesky_solve_forward(eye_like(l), l, upper);
}
const Op cholesky_inverse_op("cholesky_inverse(Tensor input, bool upper=False) -> Tensor",
                             cholesky_inverse_forward,
                             {.out = true, .doc = R"(The inverse of A from its Cholesky factor.

Follows `torch.cholesky_inverse`.

>>> rt.cholesky_inverse(rt.tensor([[2.]]))
tensor([[0.2500]])
)"});

}  // namespace

namespace ops {

Tensor cholesky(const Tensor& a, bool upper) { return cholesky_op(a, upper); }

}  // namespace ops
}  // namespace rt
