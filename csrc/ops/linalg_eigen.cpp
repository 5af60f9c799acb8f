// Eigenvalues and eigenvectors.
#include "autograd/vjp.h"
#include "ops/elementwise.h"
#include "ops/linalg_decompose.h"
#include "ops/ops.h"

namespace rt {

KernelSlot<void(const Tensor&, const Tensor&, const Tensor&, bool, bool)> eigh_kernel{"eigh"};
KernelSlot<void(const Tensor&, const Tensor&, const Tensor&, const Tensor&)> eig_kernel{"eig"};

using namespace linalg;

namespace {

Pair eigh_factors(const Tensor& a, bool upper, bool vectors) {
  const Tensor v = column_major("eigh", a), info = empty_info("eigh", a);
  const Tensor w =
      empty(with(batch_of(a.sizes()), {a.sizes().back()}), real_of(a.dtype()), a.device(), "eigh");
  eigh_kernel(v, v, w, info, upper, vectors);
  const Failure f = first_failure(info);
  RT_CHECK(f.index < 0, LinAlg, "eigh",
           cat_str(f.where,
                   "The algorithm failed to converge because the input matrix is ill-conditioned "
                   "or has too many "
                   "repeated eigenvalues (error code: ",
                   static_cast<int64_t>(f.value < 0 ? a.sizes().back() - 1 : f.value), ")."));
  return {w, vectors ? v : empty({0}, a.dtype(), a.device())};
}
void eigh_vjp(VjpContext& c) {
  if (!c.has_grad(0) && !c.has_grad(1)) return;
  const Tensor w = c.result(0), v = c.result(1);
  const DType type = v.dtype();
  Tensor inner;
  if (c.has_grad(1)) {
    const Tensor vhgv = ops::matmul(ops::mH(v), c.grad(1));
    if (is_complex(type)) {
      check_phase("eigh", ops::imag(diagonal(vhgv)),
                  "linalg_eigh_backward: The eigenvectors in the complex case are specified up to "
                  "multiplication by e^{i phi}. "
                  "The specified loss function depends on this quantity, so it is ill-defined.");
    }
    const Tensor eye = identity(w.sizes().back(), w.dtype(), w.device());
    const Tensor e = ops::to(row_vector(w) - ops::unsqueeze(w, -1) + eye, type);
    inner = (vhgv - from_diagonal(diagonal(vhgv))) / e;
  }
  if (c.has_grad(0)) inner = plus(inner, from_diagonal(ops::to(c.grad(0), type)));
  c.set(0, ops::matmul(ops::matmul(v, inner), ops::mH(v)));
}
const Op eigh_factors_op(
    "_eigh(Tensor A, bool upper, bool vectors) -> (Tensor eigenvalues, Tensor eigenvectors)",
    eigh_factors,
    {.vjp = eigh_vjp, .saves = "eigenvalues eigenvectors", .in = "", .kernels = {&eigh_kernel}});
bool is_upper(const char* op, std::string_view uplo) {
  RT_CHECK(uplo == "L" || uplo == "U" || uplo == "l" || uplo == "u", Runtime, op,
           cat_str("Expected UPLO argument to be 'L' or 'U', but got ", uplo));
  return uplo == "U" || uplo == "u";
}
Pair eigh_forward(const Tensor& a, std::string_view uplo) {
  check_input("eigh", a, true);
  return eigh_factors_op(a, is_upper("eigh", uplo), true);
}
const Op eigh_op(
    "eigh(Tensor A, str UPLO='L') -> (Tensor eigenvalues, Tensor eigenvectors)", eigh_forward,
    {.in = "linalg",
     .out = true,
     .doc = R"(Eigenvalues, rising, and eigenvectors of symmetric or Hermitian matrices.

(..., n, n), float32, float64 or complex, of which the triangle `UPLO` is read. Follows
`torch.linalg.eigh`.

>>> rt.linalg.eigh(rt.tensor([[3., 0.], [0., 2.]])).eigenvalues
tensor([2., 3.])
)"});
Tensor eigvalsh_forward(const Tensor& a, std::string_view uplo) {
  check_input("eigvalsh", a, true);
  return std::get<0>(
      eigh_factors_op(a, is_upper("eigvalsh", uplo), modes().grad && requires_grad(a)));
}
const Op eigvalsh_op("eigvalsh(Tensor A, str UPLO='L') -> Tensor", eigvalsh_forward,
                     {.in = "linalg",
                      .out = true,
                      .doc = R"(Eigenvalues, rising, of symmetric or Hermitian matrices.

Follows `torch.linalg.eigvalsh`.

>>> rt.linalg.eigvalsh(rt.tensor([[3., 0.], [0., 2.]]))
tensor([2., 3.])
)"});

Pair eig_factors(const Tensor& a, bool vectors) {
  const DType type = complex_of(a.dtype());
  const Tensor work = column_major("eig", a), info = empty_info("eig", a);
  const Tensor w = empty(with(batch_of(a.sizes()), {a.sizes().back()}), type, a.device(), "eig");
  const Tensor v = vectors ? empty_columns("eig", a.sizes(), type, a.device()) : Tensor();
  eig_kernel(work, work, w, v, info);
  const Failure f = first_failure(info);
  RT_CHECK(f.value >= 0, Runtime, "eig",
           "torch.linalg.eig: input tensor should not contain infs or NaNs.");
  RT_CHECK(f.index < 0, LinAlg, "eig",
           cat_str(f.where,
                   "The algorithm failed to converge because the input matrix is ill-conditioned "
                   "or has too many "
                   "repeated eigenvalues (error code: ",
                   static_cast<int64_t>(f.value), ")."));
  return {w, vectors ? v : empty({0}, type, a.device())};
}
void eig_vjp(VjpContext& c) {
  if (!c.has_grad(0) && !c.has_grad(1)) return;
  const Tensor w = c.result(0), v = c.result(1), vh = ops::mH(v);
  Tensor inner;
  if (c.has_grad(1)) {
    const Tensor vhgv = ops::matmul(vh, c.grad(1)), d = diagonal(vhgv);
    if (is_complex(c.meta(0).dtype)) {
      check_phase("eig", ops::imag(d),
                  "linalg_eig_backward: The eigenvectors in the complex case are specified up to "
                  "multiplication by e^{i phi}. "
                  "The specified loss function depends on this quantity, so it is ill-defined.");
    }
    const Tensor eye = identity(w.sizes().back(), w.dtype(), w.device());
    const Tensor e = ops::conj(row_vector(w) - ops::unsqueeze(w, -1)) + eye;
    const Tensor x = vhgv - ops::matmul(vh, v) * row_vector(ops::to(ops::real(d), v.dtype()));
    inner = (x - from_diagonal(diagonal(x))) / e;
  }
  if (c.has_grad(0)) inner = plus(inner, from_diagonal(c.grad(0)));
  c.set(0, ops::solve(vh, ops::matmul(inner, vh)));
}
const Op eig_factors_op(
    "_eig(Tensor A, bool vectors) -> (Tensor eigenvalues, Tensor eigenvectors)", eig_factors,
    {.vjp = eig_vjp, .saves = "eigenvalues eigenvectors", .in = "", .kernels = {&eig_kernel}});
Pair eig_forward(const Tensor& a) {
  check_input("eig", a, true);
  return eig_factors_op(a, true);
}
const Op eig_op("eig(Tensor A) -> (Tensor eigenvalues, Tensor eigenvectors)", eig_forward,
                {.in = "linalg",
                 .out = true,
                 .doc = R"(Eigenvalues and eigenvectors of norm 1 of any square matrices, complex.

(..., n, n), float32, float64 or complex, all finite. Follows `torch.linalg.eig`.

>>> rt.linalg.eig(rt.tensor([[2.]])).eigenvalues
tensor([2.+0.j])
)"});
Tensor eigvals_forward(const Tensor& a) {
  check_input("eigvals", a, true);
  return std::get<0>(eig_factors_op(a, modes().grad && requires_grad(a)));
}
const Op eigvals_op("eigvals(Tensor A) -> Tensor", eigvals_forward,
                    {.in = "linalg",
                     .out = true,
                     .doc = R"(Eigenvalues of any square matrices, complex, in no particular order.

Follows `torch.linalg.eigvals`.

>>> rt.linalg.eigvals(rt.tensor([[2.]]))
tensor([2.+0.j])
)"});

}  // namespace

namespace ops {

std::tuple<Tensor, Tensor> eigh(const Tensor& a, std::string_view uplo) { return eigh_op(a, uplo); }
Tensor eigvalsh(const Tensor& a, std::string_view uplo) { return eigvalsh_op(a, uplo); }

}  // namespace ops
}  // namespace rt
