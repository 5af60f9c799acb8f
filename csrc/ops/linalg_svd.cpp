// Singular values and vectors.
#include "autograd/vjp.h"
#include "ops/elementwise.h"
#include "ops/linalg_decompose.h"
#include "ops/ops.h"

namespace rt {

KernelSlot<void(const Tensor&, const Tensor&, const Tensor&, const Tensor&, const Tensor&)>
    svd_kernel{"svd"};

using namespace linalg;

namespace {

Triple svd_factors(const Tensor& a, bool full, bool vectors) {
  const int64_t m = a.sizes()[a.dim() - 2], n = a.sizes()[a.dim() - 1], k = std::min(m, n);
  const Dims batch = batch_of(a.sizes());
  const Tensor work = column_major("svd", a), info = empty_info("svd", a);
  const Tensor s = empty(with(batch, {k}), real_of(a.dtype()), a.device(), "svd");
  Tensor u, vh;
  if (vectors) {
    u = empty_columns("svd", with(batch, {m, full ? m : k}), a.dtype(), a.device());
    vh = empty_columns("svd", with(batch, {full ? n : k, n}), a.dtype(), a.device());
  }
  svd_kernel(work, work, u, s, vh, info);
  const Failure f = first_failure(info);
  RT_CHECK(f.index < 0, LinAlg, "svd",
           f.where + (f.value < 0 ? "The algorithm failed to converge because the input matrix "
                                    "contained non-finite values."
                                  : cat_str("The algorithm failed to converge because the input "
                                            "matrix is ill-conditioned or "
                                            "has too many repeated singular values (error code: ",
                                            static_cast<int64_t>(f.value), ").")));
  if (!vectors) u = vh = empty({0}, a.dtype(), a.device());
  return {u, s, vh};
}
void svd_vjp(VjpContext& c) {
  if (!c.has_grad(0) && !c.has_grad(1) && !c.has_grad(2)) return;
  const IntList sizes = c.sizes(0);
  const int64_t m = sizes[sizes.size() - 2], n = sizes[sizes.size() - 1], k = std::min(m, n);
  RT_CHECK(c.arg<bool>(2), Runtime, "svd", "the gradient needs the singular vectors",
           "compute_uv=False");
  const Tensor u = columns(c.result(0), 0, k), s = c.result(1), vh = rows(c.result(2), 0, k);
  const DType type = u.dtype();
  const Tensor gu = c.has_grad(0) ? columns(c.grad(0), 0, k) : Tensor();
  const Tensor gvh = c.has_grad(2) ? rows(c.grad(2), 0, k) : Tensor();
  const Tensor sc = ops::to(s, type);
  Tensor inner = c.has_grad(1) ? from_diagonal(ops::to(c.grad(1), type)) : Tensor();
  if (!gu.defined() && !gvh.defined()) {
    c.set(0, ops::matmul(ops::matmul(u, inner), vh));
    return;
  }
  const Tensor squares = s * s;
  const Tensor eye = identity(k, s.dtype(), s.device());
  const Tensor e = ops::to(row_vector(squares) - ops::unsqueeze(squares, -1) + eye, type);
  Tensor uhgu, vhgv;
  if (gu.defined()) {
    uhgu = ops::matmul(ops::mH(u), gu);
    inner = plus(inner, skew(uhgu) / e * row_vector(sc));
  }
  if (gvh.defined()) {
    vhgv = ops::matmul(vh, ops::mH(gvh));
    inner = plus(inner, skew(vhgv) / e * ops::unsqueeze(sc, -1));
  }
  if (is_complex(type)) {
    Tensor phase;
    if (gu.defined()) phase = ops::imag(diagonal(uhgu));
    check_phase("svd", plus(phase, gvh.defined() ? ops::imag(diagonal(vhgv)) : Tensor()),
                "svd_backward: The singular vectors in the complex case are specified up to "
                "multiplication by e^{i phi}. "
                "The specified loss function depends on this phase term, making it ill-defined.");
    // The diagonals of skew / e above hold twice the phases' parts; what remains is that of U
    // alone.
    inner = inner - from_diagonal(diagonal(inner));
    if (c.has_grad(1)) inner = inner + from_diagonal(ops::to(c.grad(1), type));
    if (gu.defined()) inner = inner + from_diagonal(imaginary(diagonal(uhgu)) / sc);
  }
  Tensor ga = ops::matmul(ops::matmul(u, inner), vh);
  if (gu.defined() && m > k) {
    const Tensor outside = gu - ops::matmul(u, uhgu);
    ga = ga + ops::matmul(outside / row_vector(sc), vh);
  }
  if (gvh.defined() && n > k) {
    const Tensor outside = gvh - ops::matmul(ops::mH(vhgv), vh);
    ga = ga + ops::matmul(u / row_vector(sc), outside);
  }
  c.set(0, ga);
}
const Op svd_factors_op(
    "_svd(Tensor A, bool full_matrices, bool compute_uv) -> (Tensor U, Tensor S, Tensor Vh)",
    svd_factors, {.vjp = svd_vjp, .saves = "U S Vh", .in = "", .kernels = {&svd_kernel}});
Triple svd_forward(const Tensor& a, bool full) {
  check_input("svd", a, false);
  return svd_factors_op(a, full, true);
}
const Op svd_op("svd.linalg(Tensor A, bool full_matrices=True) -> (Tensor U, Tensor S, Tensor Vh)",
                svd_forward,
                {.in = "linalg", .out = true, .doc = R"(`A = U diag(S) Vh`, singular values falling.

(..., m, n), float32, float64 or complex; U is (..., m, m) and Vh (..., n, n), or with
`full_matrices=False` (..., m, k) and (..., k, n). Gradients exist for the first k vectors, where no two
singular values are equal, and for losses that do not depend on the vectors' phase. Follows
`torch.linalg.svd` (LAPACK's gesdd).

>>> rt.linalg.svd(rt.tensor([[3., 0.], [0., 4.]])).S
tensor([4., 3.])
)"});
Tensor svdvals_forward(const Tensor& a) {
  check_input("svdvals", a, false);
  return std::get<1>(svd_factors_op(a, false, modes().grad && requires_grad(a)));
}
const Op svdvals_op("svdvals(Tensor A) -> Tensor", svdvals_forward,
                    {.in = "linalg",
                     .out = true,
                     .doc = R"(The singular values of each matrix, falling.

Follows `torch.linalg.svdvals`.

>>> rt.linalg.svdvals(rt.tensor([[3., 0.], [0., 4.]]))
tensor([4., 3.])
)"});
Triple svd_rt_forward(const Tensor& a, bool some, bool compute_uv) {
  check_input("svd", a, false);
  if (!compute_uv) {
    const int64_t m = a.sizes()[a.dim() - 2], n = a.sizes()[a.dim() - 1];
    const Dims batch = batch_of(a.sizes());
    return {ops::zeros(with(batch, {m, m}), a.dtype(), a.device()), svdvals_forward(a),
            ops::zeros(with(batch, {n, n}), a.dtype(), a.device())};
  }
  auto [u, s, vh] = svd_factors_op(a, !some, true);
  return {u, s, ops::mH(vh)};
}
const Op svd_rt_op(
    "svd(Tensor input, bool some=True, bool compute_uv=True) -> (Tensor U, Tensor S, Tensor V)",
    svd_rt_forward, {.out = true, .doc = R"(`input = U diag(S) V^H`; see `linalg.svd`.

Follows `torch.svd`.

>>> rt.svd(rt.tensor([[3., 0.], [0., 4.]])).S
tensor([4., 3.])
)"});

}  // namespace

namespace ops {

std::tuple<Tensor, Tensor, Tensor> svd(const Tensor& a, bool full) { return svd_op(a, full); }
Tensor svdvals(const Tensor& a) { return svdvals_op(a); }

}  // namespace ops
}  // namespace rt
