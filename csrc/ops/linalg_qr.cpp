// QR factors and products of Householder reflectors.
#include "autograd/vjp.h"
#include "ops/elementwise.h"
#include "ops/linalg_decompose.h"
#include "ops/ops.h"

namespace rt {

KernelSlot<void(const Tensor&, const Tensor&)> qr_kernel{"qr"};
KernelSlot<void(const Tensor&, const Tensor&)> reflectors_kernel{"householder_product"};

using namespace linalg;

namespace {

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
  const Tensor both[] = {a, tau};
  (void)common_device("householder_product", both);
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

}  // namespace
}  // namespace rt
