// Cholesky, QR, singular values, eigenvalues, least squares.
#include "autograd/vjp.h"
#include "ops/elementwise.h"
#include "ops/linalg.h"
#include "ops/ops.h"

namespace rt {

KernelSlot<void(const Tensor&, const Tensor&, bool)> cholesky_kernel{"cholesky"};
KernelSlot<void(const Tensor&, const Tensor&)> qr_kernel{"qr"};
KernelSlot<void(const Tensor&, const Tensor&)> reflectors_kernel{"householder_product"};
KernelSlot<void(const Tensor&, const Tensor&, const Tensor&, const Tensor&, const Tensor&)>
    svd_kernel{"svd"};
KernelSlot<void(const Tensor&, const Tensor&, const Tensor&, bool, bool)> eigh_kernel{"eigh"};
KernelSlot<void(const Tensor&, const Tensor&, const Tensor&, const Tensor&)> eig_kernel{"eig"};

using namespace linalg;

namespace {

using Pair = std::tuple<Tensor, Tensor>;
using Triple = std::tuple<Tensor, Tensor, Tensor>;

Tensor plus(const Tensor& a, const Tensor& b) {
  return !a.defined() ? b : !b.defined() ? a : a + b;
}
Tensor row_vector(const Tensor& v) { return ops::unsqueeze(v, -2); }
// x - x^H
Tensor skew(const Tensor& x) { return x - ops::mH(x); }
// i Im x of a complex x.
Tensor imaginary(const Tensor& x) { return ops::imag(x) * Scalar(std::complex<double>(0, 1)); }
Tensor eye_like(const Tensor& x) { return identity(x.sizes().back(), x.dtype(), x.device()); }

// Singular vectors and eigenvectors have a free phase; a loss that depends on it has no gradient.
void check_phase(const char* op, const Tensor& imag, const char* problem) {
  NoGradGuard guard;
  const double tolerance = real_of(imag.dtype()) == DType::Float32 ? 1e-2 : 1e-4;
  const Tensor worst = ops::any(ops::gt(ops::abs(imag), tolerance));
  RT_CHECK(!item(worst).to_bool(), Runtime, op, problem);
}

// ---- Cholesky ----

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

// ---- QR ----

enum QrMode : int64_t { kReduced, kComplete, kR };

Pair qr_factors(const Tensor& a, int64_t mode) {
  const int64_t m = a.sizes()[a.dim() - 2], n = a.sizes()[a.dim() - 1], k = std::min(m, n);
  const Tensor packed = column_major("qr", a);
  const Tensor tau = empty(with(batch_of(a.sizes()), {k}), a.dtype(), a.device(), "qr");
  qr_kernel(packed, packed, tau);
  const int64_t width = mode == kComplete ? m : k;
  Tensor r = triangle(rows(packed, 0, mode == kComplete ? m : k), true);
  if (mode == kR) return {empty({0}, a.dtype(), a.device()), r};
  const Tensor q =
      empty_columns("qr", with(batch_of(a.sizes()), {m, width}), a.dtype(), a.device());
  if (k == 0) {
    copy_kernel(q, q, columns(identity(m, a.dtype(), a.device()), 0, width));
    return {q, r};
  }
  const int64_t shared = std::min(n, width);
  copy_kernel(q, columns(q, 0, shared), columns(packed, 0, shared));
  reflectors_kernel(q, q, tau);
  return {q, r};
}
void qr_vjp(VjpContext& c) {
  if (!c.has_grad(0) && !c.has_grad(1)) return;
  const int64_t mode = c.arg<int64_t>(1);
  const IntList s = c.sizes(0);
  const int64_t m = s[s.size() - 2], n = s[s.size() - 1];
  RT_CHECK(mode != kR, Runtime, "qr",
           "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. Please "
           "use linalg.qr(A, "
           "mode='reduced') if you are going to require gradients.");
  RT_CHECK(mode != kComplete || m <= n, Runtime, "qr",
           "The QR decomposition is not differentiable when mode='complete' and nrows > ncols");
  const Tensor q = c.result(0), r_all = c.result(1);
  const int64_t k = std::min(m, n);
  Tensor gq = c.grad(0), gr = c.grad(1), g_rest;
  Tensor r = r_all;
  if (n > m) {  // R = Q^H [A1 A2]: the columns beyond the square only meet Q
    r = columns(r_all, 0, k);
    if (gr.defined()) {
      const Tensor gr2 = columns(gr, k, n - k), a2 = ops::matmul(q, columns(r_all, k, n - k));
      gq = plus(gq, ops::matmul(a2, ops::mH(gr2)));
      g_rest = ops::matmul(q, gr2);
      gr = columns(gr, 0, k);
    } else {
      g_rest = ops::zeros(with(batch_of(s), {m, n - k}), q.dtype(), q.device());
    }
  }
  Tensor w;
  if (gq.defined()) w = ops::matmul(ops::mH(q), gq);
  if (gr.defined()) w = plus(w, -ops::matmul(gr, ops::mH(r)));
  // The part of -W that an infinitesimal rotation of Q and a change of a real-diagonal R leave.
  Tensor p = triangle(skew(w), false, -1);
  if (is_complex(w.dtype())) p = p + from_diagonal(imaginary(diagonal(w)));
  Tensor left = plus(gq, ops::matmul(q, p - w));
  Tensor ga = ops::solve_triangular(ops::mH(r), left, false, false);
  if (g_rest.defined()) {
    const Tensor parts[] = {ga, g_rest};
    ga = ops::cat(parts, -1);
  }
  c.set(0, ga);
}
const Op qr_factors_op(
    "_qr(Tensor A, int mode) -> (Tensor Q, Tensor R)", qr_factors,
    {.vjp = qr_vjp, .saves = "Q R", .in = "", .kernels = {&qr_kernel, &reflectors_kernel}});
Pair qr_forward(const Tensor& a, std::string_view mode) {
  check_input("qr", a, false);
  RT_CHECK(mode == "reduced" || mode == "complete" || mode == "r", Runtime, "qr",
           cat_str("qr received unrecognized mode '", mode,
                   "' but expected one of 'reduced' (default), 'r', or 'complete'"));
  return qr_factors_op(a, mode == "reduced" ? kReduced : mode == "complete" ? kComplete : kR);
}
const Op qr_op("qr.linalg(Tensor A, str mode='reduced') -> (Tensor Q, Tensor R)", qr_forward,
               {.in = "linalg",
                .out = true,
                .doc = R"(`A = Q R` with orthonormal columns in Q and an upper triangular R.

(..., m, n), float32, float64 or complex. mode: "reduced" (k = min(m, n) columns), "complete" (m columns)
or "r" (an empty Q). Follows `torch.linalg.qr`.

>>> rt.linalg.qr(rt.tensor([[-2.]])).R.abs()
tensor([[2.]])
)"});
Pair qr_some_forward(const Tensor& a, bool some) {
  return qr_forward(a, some ? "reduced" : "complete");
}
const Op qr_rt_op("qr(Tensor input, bool some=True) -> (Tensor Q, Tensor R)", qr_some_forward,
                  {.out = true, .doc = R"(The QR factors of each matrix; see `linalg.qr`.

Follows `torch.qr`.

>>> rt.qr(rt.tensor([[-2.]])).R.abs()
tensor([[2.]])
)"});

Pair geqrf_forward(const Tensor& a) {
  check_input("geqrf", a, false);
  const Tensor packed = column_major("geqrf", a);
  const int64_t k = std::min(a.sizes()[a.dim() - 2], a.sizes()[a.dim() - 1]);
  const Tensor tau = empty(with(batch_of(a.sizes()), {k}), a.dtype(), a.device(), "geqrf");
  qr_kernel(packed, packed, tau);
  return {packed, tau};
}
const Op geqrf_op("geqrf(Tensor input) -> (Tensor a, Tensor tau)", geqrf_forward,
                  {.out = true,
                   .doc = R"(R and the Householder reflectors of Q, packed as LAPACK has them.

Follows `torch.geqrf`; not differentiable.

>>> rt.geqrf(rt.tensor([[2.]])).tau
tensor([0.])
)"});

Tensor householder_forward(const Tensor& a, const Tensor& tau) {
  check_input("householder_product", a, false);
  const int64_t m = a.sizes()[a.dim() - 2], n = a.sizes()[a.dim() - 1];
  RT_CHECK(m >= n, Runtime, "householder_product",
           "torch.linalg.householder_product: input.shape[-2] must be greater than or equal to "
           "input.shape[-1]",
           describe(a));
  RT_CHECK(tau.dim() == a.dim() - 1, Runtime, "householder_product",
           cat_str("torch.linalg.householder_product: Expected tau to have one dimension less than "
                   "input, but got tau.ndim "
                   "equal to ",
                   tau.dim(), " and input.ndim is equal to ", a.dim()));
  RT_CHECK(n >= tau.sizes().back(), Runtime, "householder_product",
           "torch.linalg.householder_product: input.shape[-1] must be greater than or equal to "
           "tau.shape[-1]",
           describe(tau));
  RT_CHECK(
      a.dtype() == tau.dtype(), Runtime, "householder_product",
      cat_str(
          "torch.linalg.householder_product: Expected input and tau to have the same dtype, got ",
          name(a.dtype()), " and ", name(tau.dtype())));
  const bool differentiates = modes().grad && (requires_grad(a) || requires_grad(tau));
  if (!differentiates) {
    const Tensor q = column_major("householder_product", a);
    const Tensor t = ops::contiguous(tau);
    reflectors_kernel(q, q, t);
    return q;
  }
  // H_1 ... H_k applied to the first n columns of the identity, last reflector first.
  Tensor q = ops::expand(columns(identity(m, a.dtype(), a.device()), 0, n),
                         with(batch_of(a.sizes()), {m, n}));
  for (int64_t i = tau.sizes().back() - 1; i >= 0; --i) {
    const Tensor unit = columns(identity(m, a.dtype(), a.device()), i, 1);
    const Tensor v = triangle(columns(a, i, 1), false, -i - 1) + unit;
    q = q -
        ops::matmul(v, ops::matmul(ops::mH(v), q)) * ops::unsqueeze(ops::narrow(tau, -1, i, 1), -1);
  }
  return q;
}
const Op householder_op("householder_product(Tensor input, Tensor tau) -> Tensor",
                        householder_forward,
                        {.in = "linalg",
                         .out = true,
                         .doc = R"(The first n columns of a product of Householder reflectors.

`input` (..., m, n) holds the vectors below its diagonal, `tau` (..., k) their factors. Follows
`torch.linalg.householder_product`.

>>> rt.linalg.householder_product(*rt.geqrf(rt.tensor([[2.]])))
tensor([[1.]])
)"});

// ---- Singular values ----

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

// ---- Eigenvalues ----

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

Tensor cholesky(const Tensor& a, bool upper) { return cholesky_op(a, upper); }
std::tuple<Tensor, Tensor, Tensor> svd(const Tensor& a, bool full) { return svd_op(a, full); }
Tensor svdvals(const Tensor& a) { return svdvals_op(a); }
std::tuple<Tensor, Tensor> eigh(const Tensor& a, std::string_view uplo) { return eigh_op(a, uplo); }
Tensor eigvalsh(const Tensor& a, std::string_view uplo) { return eigvalsh_op(a, uplo); }

}  // namespace ops
}  // namespace rt
