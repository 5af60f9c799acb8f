// LU and triangular factors, and what is solved with them: systems, inverses, determinants.
#include <algorithm>

#include "autograd/vjp.h"
#include "ops/elementwise.h"
#include "ops/linalg.h"
#include "ops/ops.h"

namespace rt {

KernelSlot<void(const Tensor&, const Tensor&, const Tensor&)> lu_kernel{"lu"};
KernelSlot<void(const Tensor&, const Tensor&, const Tensor&)> lu_solve_kernel{"lu_solve"};
KernelSlot<void(const Tensor&, const Tensor&, bool, bool)> triangular_solve_kernel{
    "triangular_solve"};

using namespace linalg;

namespace {

using Pair = std::tuple<Tensor, Tensor>;
using Triple = std::tuple<Tensor, Tensor, Tensor>;

Dims pivot_sizes(const Tensor& a) {
  return with(batch_of(a.sizes()), {std::min(a.sizes()[a.dim() - 2], a.sizes()[a.dim() - 1])});
}

// ---- solve ----

bool is_vector(const Tensor& a, const Tensor& b) {
  return b.dim() == 1 ||
         (a.dim() - 1 == b.dim() && b.sizes() == a.sizes().slice(0, a.sizes().size() - 1));
}

void check_system(const char* op, const Tensor& a, const Tensor& b, bool left) {
  const int64_t n = a.sizes().back(), rows = b.sizes()[b.dim() - 2], cols = b.sizes()[b.dim() - 1];
  RT_CHECK((left ? rows : cols) == n, Runtime, op,
           cat_str("Incompatible shapes of A and B for the equation ", left ? "AX = B" : "XA = B",
                   " (", n, "x", n, " and ", rows, "x", cols, ")"),
           cat_str(describe(a), " and ", describe(b)));
}
void check_same_dtype(const char* op, const Tensor& a, const Tensor& b) {
  RT_CHECK(a.dtype() == b.dtype(), Runtime, op,
           cat_str("Expected A and B to have the same dtype, but found A of type ", name(a.dtype()),
                   " and B of type ", name(b.dtype()), " instead"),
           cat_str(describe(a), " and ", describe(b)));
}

// A X = B for batches of equal shape.
Pair solve_forward(const Tensor& a, const Tensor& b) {
  const Tensor lu = column_major("solve", a), x = column_major("solve", b),
               info = empty_info("solve", a);
  const Tensor pivots = empty(pivot_sizes(a), DType::Int32, a.device(), "solve");
  lu_kernel(lu, lu, pivots, info);
  lu_solve_kernel(x, x, lu, pivots);
  return {x, info};
}
void solve_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const Tensor gb = ops::solve(ops::mH(c.input(0)), c.grad());
  if (c.needs(1)) c.set(1, gb);
  if (c.needs(0)) c.set(0, -ops::matmul(gb, ops::mH(c.result())));
}
const Op solve_op(
    "_solve(Tensor A, Tensor B) -> (Tensor result, Tensor info)", solve_forward,
    {.vjp = solve_vjp, .saves = "A result", .in = "", .kernels = {&lu_kernel, &lu_solve_kernel}});

Tensor expand_batch(const Tensor& t, const Dims& batch) {
  return ops::expand(t, with(batch, {t.sizes()[t.dim() - 2], t.sizes()[t.dim() - 1]}));
}

// What was said of each matrix of a broadcast batch, said once of each that was given.
Tensor once_a_matrix(Tensor info, const Dims& given) {
  if (info.numel() == 0) return ops::zeros(given, info.dtype(), info.device());
  while (info.dim() > given.ssize()) info = ops::select(info, 0, 0);
  for (int64_t d = 0; d < given.ssize(); ++d) {
    if (info.sizes()[d] != given[d]) info = ops::narrow(info, d, 0, 1);
  }
  return ops::contiguous(info);
}

Pair solve_any(const char* op, const Tensor& a, const Tensor& b, bool left) {
  check_input(op, a, true);
  check_same_dtype(op, a, b);
  const bool vector = is_vector(a, b);
  RT_CHECK(vector || b.dim() >= 2, Runtime, op,
           "The input tensor B must have at least 2 dimensions.", describe(b));
  RT_CHECK(left || !vector, Runtime, op,
           "Vector broadcasting of the left hand side is not supported for left=False. In this "
           "case linalg.solve is "
           "equivalent to B / A.squeeze(-1)",
           describe(b));
  const Tensor rhs = vector ? ops::unsqueeze(b, -1) : b;
  check_system(op, a, rhs, left);
  const Dims batch = broadcast_shapes(batch_of(a.sizes()), batch_of(rhs.sizes()), op);
  const Tensor system = expand_batch(a, batch), right = expand_batch(rhs, batch);
  auto [x, info] = left ? solve_op(system, right) : solve_op(ops::mT(system), ops::mT(right));
  if (!left) x = ops::mT(x);
  return {vector ? ops::squeeze(x, {-1}) : x, once_a_matrix(info, batch_of(a.sizes()))};
}

void check_solved(const char* op, const Tensor& info) {
  const Failure f = first_failure(info);
  RT_CHECK(f.index < 0, LinAlg, op,
           f.where + "The solver failed because the input matrix is singular.", "",
           "lstsq() or pinv()");
}
Tensor solve_checked(const Tensor& a, const Tensor& b, bool left) {
  auto [x, info] = solve_any("solve", a, b, left);
  check_solved("solve", info);
  return x;
}
const Op solve_public_op("solve(Tensor A, Tensor B, *, bool left=True) -> Tensor", solve_checked,
                         {.in = "linalg",
                          .out = true,
                          .doc = R"(The X of `A X = B`, or of `X A = B` with `left=False`.

`A` is (..., n, n); `B` is (..., n, k), (n,), or (..., n) with the batch of `A`. float32, float64 and complex.
Raises LinAlgError for a singular matrix. Follows `torch.linalg.solve` (LAPACK's getrf and getrs).

>>> rt.linalg.solve(rt.tensor([[2., 0.], [0., 4.]]), rt.tensor([2., 2.]))
tensor([1.0000, 0.5000])
)"});
Pair solve_ex_forward(const Tensor& a, const Tensor& b, bool left, bool check_errors) {
  auto [x, info] = solve_any("solve_ex", a, b, left);
  if (check_errors) check_solved("solve_ex", info);
  return {x, info};
}
const Op solve_ex_op(
    "solve_ex(Tensor A, Tensor B, *, bool left=True, bool check_errors=False) -> (Tensor result, "
    "Tensor info)",
    solve_ex_forward,
    {.in = "linalg", .out = true, .doc = R"(`linalg.solve` that reports instead of raising.

`info` (int32) is zero, or the place of the first zero pivot. Follows `torch.linalg.solve_ex`.

>>> rt.linalg.solve_ex(rt.zeros(1, 1), rt.ones(1)).info
tensor(1, dtype=rustorch.int32)
)"});

// ---- inverse ----

Pair inverse_of(const Tensor& a) {
  const Tensor lu = column_major("inv", a), info = empty_info("inv", a);
  const Tensor pivots = empty(pivot_sizes(a), DType::Int32, a.device(), "inv");
  const Tensor x =
      column_major("inv", identity(a.sizes().back(), a.dtype(), a.device()), a.sizes());
  lu_kernel(lu, lu, pivots, info);
  lu_solve_kernel(x, x, lu, pivots);
  return {x, info};
}
void inverse_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const Tensor adjoint = ops::mH(c.result());
  c.set(0, -ops::matmul(ops::matmul(adjoint, c.grad()), adjoint));
}
const Op inverse_op(
    "_inverse(Tensor A) -> (Tensor inverse, Tensor info)", inverse_of,
    {.vjp = inverse_vjp, .saves = "inverse", .in = "", .kernels = {&lu_kernel, &lu_solve_kernel}});

Pair inv_ex_of(const char* op, const Tensor& a, bool check_errors) {
  check_input(op, a, true);
  auto [x, info] = inverse_op(a);
  if (check_errors) {
    const Failure f = first_failure(info);
    RT_CHECK(
        f.index < 0, LinAlg, op,
        cat_str(
            f.where, "The diagonal element ", static_cast<int64_t>(f.value),
            " is zero, the inversion could not be completed because the input matrix is singular."),
        "", "pinv()");
  }
  return {x, info};
}
Tensor inv_forward(const Tensor& a) { return std::get<0>(inv_ex_of("inv", a, true)); }
const Op inv_op("inv(Tensor A) -> Tensor", inv_forward,
                {.in = "linalg", .out = true, .doc = R"(The inverse of each square matrix.

(..., n, n), float32, float64 or complex. Raises LinAlgError for a singular matrix. Follows
`torch.linalg.inv`.

>>> rt.linalg.inv(rt.tensor([[2., 0.], [0., 4.]]))
tensor([[0.5000, 0.0000],
        [0.0000, 0.2500]])
)"});
const Op inverse_public_op("inverse(Tensor input) -> Tensor", inv_forward,
                           {.out = true,
                            .doc = R"(The inverse of each square matrix; see `linalg.inv`.

Follows `torch.inverse`.

>>> rt.inverse(rt.tensor([[2.]]))
tensor([[0.5000]])
)"});
Pair inv_ex_forward(const Tensor& a, bool check_errors) {
  return inv_ex_of("inv_ex", a, check_errors);
}
const Op inv_ex_op(
    "inv_ex(Tensor A, *, bool check_errors=False) -> (Tensor inverse, Tensor info)", inv_ex_forward,
    {.in = "linalg", .out = true, .doc = R"(`linalg.inv` that reports instead of raising.

`info` (int32) is zero, or the place of the first zero pivot. Follows `torch.linalg.inv_ex`.

>>> rt.linalg.inv_ex(rt.tensor([[2.]])).inverse
tensor([[0.5000]])
)"});

// ---- LU ----

Triple lu_factor_of(const Tensor& a) {
  const Tensor lu = column_major("lu_factor", a), info = empty_info("lu_factor", a);
  const Tensor pivots = empty(pivot_sizes(a), DType::Int32, a.device(), "lu_factor");
  lu_kernel(lu, lu, pivots, info);
  return {lu, pivots, info};
}

// Pivots come from anywhere, and say where in memory to swap.
void check_pivots(const char* op, const Tensor& host, int64_t m) {
  const std::string_view name = op;
  const int32_t* swaps = host.host_data<int32_t>();
  const auto [least, most] = std::minmax_element(swaps, swaps + host.numel());
  if (host.numel() == 0 || (*least >= 1 && *most <= m)) return;
  const std::string range = cat_str("between ", *least, " and ", *most, " for ", m, " rows");
  const char* advice = "the pivots of linalg.lu_factor";
  if (name == "lu_unpack") {
    RT_FAIL(Runtime, op,
            "pivots passed to lu_unpack must be between 1 and LU.size(-2) inclusive. Did you "
            "properly pass the result of lu_factor?",
            range, advice);
  }
  RT_CHECK(*least >= 1, Runtime, op,
           cat_str("Pivots given to ", op,
                   " must all be greater or equal to 1. Did you properly pass the result of "
                   "lu_factor?"),
           range, advice);
  RT_FAIL(Runtime, op,
          cat_str("Pivots given to ", op,
                  " must all be smaller or equal to LU.size(-2). Did you properly pass the result "
                  "of lu_factor?"),
          range, advice);
}

// The permutation matrix of pivots (1-based row swaps in order).
Tensor permutation(const char* op, const Tensor& pivots, int64_t m, DType dtype) {
  const int64_t k = pivots.sizes().back();
  const Tensor host = ops::contiguous(ops::to(pivots, Device{}));
  check_pivots(op, host, m);
  Tensor p = ops::zeros(with(batch_of(pivots.sizes(), 1), {m, m}), dtype);
  const Tensor one = scalar_tensor(1, dtype);
  std::vector<int64_t> order(static_cast<size_t>(m));
  for (int64_t b = 0; b < (k ? host.numel() / k : p.numel() / std::max<int64_t>(m * m, 1)); ++b) {
    for (int64_t i = 0; i < m; ++i) order[static_cast<size_t>(i)] = i;
    for (int64_t i = 0; i < k; ++i) {
      std::swap(order[static_cast<size_t>(i)],
                order[static_cast<size_t>(host.host_data<int32_t>()[b * k + i] - 1)]);
    }
    for (int64_t i = 0; i < m; ++i) {
      const Tensor place = make_view(p, {}, {}, (b * m + order[static_cast<size_t>(i)]) * m + i);
      copy_kernel(place, place, one);
    }
  }
  return ops::to(p, pivots.device());
}

Pair unpack_factors(const Tensor& lu) {
  const int64_t m = lu.sizes()[lu.dim() - 2], n = lu.sizes()[lu.dim() - 1], k = std::min(m, n);
  Tensor unit = ops::zeros({m, k}, lu.dtype(), lu.device());
  if (k > 0) {
    const Tensor d = make_view(unit, {k}, {k + 1}, 0);
    copy_kernel(d, d, scalar_tensor(1, lu.dtype(), lu.device()));
  }
  return {triangle(columns(lu, 0, k), false, -1) + unit, triangle(rows(lu, 0, k), true)};
}

void lu_factor_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const Tensor lu = c.result(0),
               p = permutation("lu_factor", c.result(1), lu.sizes()[lu.dim() - 2], lu.dtype());
  const int64_t m = lu.sizes()[lu.dim() - 2], n = lu.sizes()[lu.dim() - 1], k = std::min(m, n);
  const auto [l, u] = unpack_factors(lu);
  const Tensor g = c.grad();
  const Tensor l1 = rows(l, 0, k), u1 = columns(u, 0, k);
  Tensor gl = triangle(rows(columns(g, 0, k), 0, k), false, -1),
         gu = triangle(rows(columns(g, 0, k), 0, k), true);
  Tensor rest;  // the gradient of the part beyond the square
  if (n > k) {
    const Tensor gu2 = columns(g, k, n - k);
    rest = ops::solve_triangular(ops::mH(l1), gu2, true, true, true);
    gl = gl - triangle(ops::matmul(rest, ops::mH(columns(u, k, n - k))), false, -1);
  } else if (m > k) {
    const Tensor gl2 = rows(g, k, m - k);
    rest = ops::solve_triangular(ops::mH(u1), gl2, false, false);
    gu = gu - triangle(ops::matmul(ops::mH(rows(l, k, m - k)), rest), true);
  }
  const Tensor inner = triangle(ops::matmul(ops::mH(l1), gl), false, -1) +
                       triangle(ops::matmul(gu, ops::mH(u1)), true);
  Tensor ga = ops::solve_triangular(
      ops::mH(u1), ops::solve_triangular(ops::mH(l1), inner, true, true, true), false, false);
  if (rest.defined()) {
    const Tensor parts[] = {ga, rest};
    ga = ops::cat(parts, n > k ? -1 : -2);
  }
  c.set(0, ops::matmul(p, ga));
}
const Op lu_factor_op(
    "_lu_factor(Tensor A) -> (Tensor LU, Tensor pivots, Tensor info)", lu_factor_of,
    {.vjp = lu_factor_vjp, .saves = "LU pivots", .in = "", .kernels = {&lu_kernel}});

void check_pivot(const char* op, bool pivot) {
  RT_CHECK(pivot, Runtime, op, "LU without pivoting is not implemented on the CPU", "pivot=False",
           "pivot=True");
}
Triple lu_factor_checked(const char* op, const Tensor& a, bool pivot, bool check_errors) {
  check_input(op, a, false);
  check_pivot(op, pivot);
  auto r = lu_factor_op(a);
  if (check_errors) {
    const Failure f = first_failure(std::get<2>(r));
    RT_CHECK(
        f.index < 0, Runtime, op,
        cat_str(f.where, "U[", static_cast<int64_t>(f.value), ",", static_cast<int64_t>(f.value),
                "] is zero and using it on lu_solve would result in a division by zero. If you "
                "still want to "
                "perform the factorization, consider calling linalg.lu(A, pivot) or "
                "linalg.lu_factor_ex(A, pivot)"));
  }
  return r;
}
Triple lu_factor_ex_forward(const Tensor& a, bool pivot, bool check_errors) {
  return lu_factor_checked("lu_factor_ex", a, pivot, check_errors);
}
const Op lu_factor_ex_op(
    "lu_factor_ex(Tensor A, *, bool pivot=True, bool check_errors=False) -> (Tensor LU, Tensor "
    "pivots, Tensor info)",
    lu_factor_ex_forward,
    {.in = "linalg", .out = true, .doc = R"(`linalg.lu_factor` that reports instead of raising.

`info` (int32) is zero, or the place of the first zero pivot. Follows `torch.linalg.lu_factor_ex`.

>>> rt.linalg.lu_factor_ex(rt.zeros(1, 1)).info
tensor(1, dtype=rustorch.int32)
)"});
Pair lu_factor_forward(const Tensor& a, bool pivot) {
  auto [lu, pivots, info] = lu_factor_checked("lu_factor", a, pivot, true);
  return {lu, pivots};
}
const Op lu_factor_public_op(
    "lu_factor(Tensor A, *, bool pivot=True) -> (Tensor LU, Tensor pivots)", lu_factor_forward,
    {.in = "linalg",
     .out = true,
     .doc = R"(The LU factors with row swaps, packed in one matrix, and the swaps.

(..., m, n); `pivots` are int32 and count from 1. Follows `torch.linalg.lu_factor`.

>>> rt.linalg.lu_factor(rt.tensor([[2.]])).LU
tensor([[2.]])
)"});
Triple lu_forward(const Tensor& a, bool pivot) {
  check_input("lu", a, false);
  check_pivot("lu", pivot);
  auto [lu, pivots, info] = lu_factor_op(a);
  auto [l, u] = unpack_factors(lu);
  return {permutation("lu", pivots, a.sizes()[a.dim() - 2], a.dtype()), l, u};
}
const Op lu_op(
    "lu(Tensor A, *, bool pivot=True) -> (Tensor P, Tensor L, Tensor U)", lu_forward,
    {.in = "linalg",
     .out = true,
     .doc = R"(`A = P L U` with a permutation, a unit lower and an upper triangular matrix.

(..., m, n), float32, float64 or complex. Follows `torch.linalg.lu`.

>>> rt.linalg.lu(rt.tensor([[2.]])).U
tensor([[2.]])
)"});
Triple lu_unpack_forward(const Tensor& lu, const Tensor& pivots, bool unpack_data,
                         bool unpack_pivots) {
  check_matrix("lu_unpack", lu, "LU_data");
  RT_CHECK(!unpack_pivots || pivots.dtype() == DType::Int32, Runtime, "lu_unpack",
           "torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 dtype.",
           describe(pivots));
  RT_CHECK(!unpack_pivots ||
               (pivots.dim() > 0 && pivots.sizes().back() == std::min(lu.size(-1), lu.size(-2))),
           Runtime, "lu_unpack",
           "LU_pivots must have one entry for each column or row that was factored",
           cat_str(describe(lu), " and ", describe(pivots)));
  Tensor p = empty({0}, lu.dtype(), lu.device()), l = p, u = p;
  if (unpack_pivots) p = permutation("lu_unpack", pivots, lu.sizes()[lu.dim() - 2], lu.dtype());
  if (unpack_data) std::tie(l, u) = unpack_factors(lu);
  return {p, l, u};
}
const Op lu_unpack_op(
    "lu_unpack(Tensor LU_data, Tensor LU_pivots, bool unpack_data=True, bool unpack_pivots=True) "
    "-> (Tensor P, Tensor L, "
    "Tensor U)",
    lu_unpack_forward,
    {.in = "rt", .out = true, .doc = R"(The matrices P, L and U of what `linalg.lu_factor` gives.

Follows `torch.lu_unpack`.

>>> rt.lu_unpack(*rt.linalg.lu_factor(rt.tensor([[2.]]))).U
tensor([[2.]])
)"});

Tensor lu_solve_forward(const Tensor& lu, const Tensor& pivots, const Tensor& b, bool left,
                        bool adjoint) {
  check_input("lu_solve", lu, true);
  check_same_dtype("lu_solve", lu, b);
  check_matrix("lu_solve", b, "B");
  RT_CHECK(pivots.dtype() == DType::Int32, Runtime, "lu_solve",
           "pivots should be a Tensor of scalar type torch.int32", describe(pivots));
  check_system("lu_solve", lu, b, left);
  RT_CHECK(pivots.size(-1) == lu.size(-1), Runtime, "lu_solve",
           "Number of pivots per batch should be same as the dimension of the matrix",
           cat_str(describe(lu), " and ", describe(pivots)));
  RT_CHECK(pivots.sizes() == IntList(batch_of(lu.sizes(), 1)), Runtime, "lu_solve",
           cat_str("Expected LU.shape[:-1] and pivots.shape to be the same, but got pivots with "
                   "shape ",
                   pivots.sizes(), " instead"),
           cat_str(describe(lu), " and ", describe(pivots)));
  const Tensor p = permutation("lu_solve", pivots, lu.sizes().back(), lu.dtype());
  const Tensor upper = triangle(lu, true), lower = triangle(lu, false);
  if (!left) {
    // X A = B is A^T X^T = B^T, and A = P L U.
    const Tensor t = ops::mT(b);
    if (adjoint) {
      const Tensor y =
          ops::solve_triangular(ops::conj(lower), ops::matmul(ops::mT(p), t), false, true, true);
      return ops::mT(ops::solve_triangular(ops::conj(upper), y, true));
    }
    const Tensor y = ops::solve_triangular(ops::mT(upper), t, false);
    return ops::mT(ops::matmul(p, ops::solve_triangular(ops::mT(lower), y, true, true, true)));
  }
  if (adjoint) {
    const Tensor y = ops::solve_triangular(ops::mH(upper), b, false);
    return ops::matmul(p, ops::solve_triangular(ops::mH(lower), y, true, true, true));
  }
  const Tensor y = ops::solve_triangular(lower, ops::matmul(ops::mT(p), b), false, true, true);
  return ops::solve_triangular(upper, y, true);
}
const Op lu_solve_op(
    "lu_solve(Tensor LU, Tensor pivots, Tensor B, *, bool left=True, bool adjoint=False) -> Tensor",
    lu_solve_forward,
    {.in = "linalg",
     .out = true,
     .doc = R"(Solves `A X = B` (or `X A = B`, or with A's adjoint) from A's `lu_factor`.

Follows `torch.linalg.lu_solve`.

>>> rt.linalg.lu_solve(*rt.linalg.lu_factor(rt.tensor([[2.]])), rt.tensor([[4.]]))
tensor([[2.]])
)"});

// ---- determinants ----

struct Determinant {
  Tensor sign, logabs, det;
};
// From the LU factors: the product of U's diagonal with the sign of the swaps.
Determinant determinant(const char* op, const Tensor& a, bool logarithm) {
  check_input(op, a, true);
  const auto [lu, pivots, info] = lu_factor_of(a);
  const int64_t n = a.sizes().back();
  const Tensor host = ops::to(pivots, Device{});
  Tensor parity = empty(batch_of(a.sizes()), real_of(a.dtype()), Device{});
  for (int64_t b = 0; b < parity.numel(); ++b) {
    bool odd = false;
    for (int64_t i = 0; i < n; ++i) odd ^= host.host_data<int32_t>()[b * n + i] != i + 1;
    Scalar(odd ? -1.0 : 1.0)
        .store(static_cast<char*>(parity.host_data()) + static_cast<size_t>(b) * parity.item_size(),
               parity.dtype());
  }
  const Tensor sign = ops::to(parity, a.device()), d = diagonal(lu);
  if (!logarithm) return {{}, {}, ops::to(sign, a.dtype()) * ops::prod(d, -1)};
  return {ops::to(sign, a.dtype()) * ops::prod(ops::sgn(d), -1),
          ops::sum(ops::log(ops::abs(d)), {-1}),
          {}};
}

Tensor det_forward(const Tensor& a) { return determinant("det", a, false).det; }
void det_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const Tensor a = c.input(0), d = c.result();
  const auto wide = [](const Tensor& t) { return ops::unsqueeze(ops::unsqueeze(t, -1), -1); };
  bool singular;
  {
    NoGradGuard guard;
    singular = item(ops::any(ops::eq(d, 0))).to_bool();
  }
  if (!singular) {
    const auto [inverse, info] = inverse_op(a);
    c.set(0, wide(c.grad() * ops::conj(d)) * ops::mH(inverse));
    return;
  }
  // The adjugate exists where the inverse does not: it comes from the products of all singular
  // values but one.
  const auto [u, s, vh] = ops::svd(a);
  const int64_t n = s.sizes().back();
  std::vector<Tensor> others;
  for (int64_t i = 0; i < n; ++i) {
    const Tensor parts[] = {ops::narrow(s, -1, 0, i), ops::narrow(s, -1, i + 1, n - i - 1)};
    others.push_back(ops::prod(ops::cat(parts, -1), -1));
  }
  const Tensor rest = ops::to(ops::stack(others, -1), a.dtype());
  const Tensor phase = ops::conj(ops::det(u) * ops::det(vh));
  c.set(0, wide(c.grad() * phase) * ops::matmul(u * ops::unsqueeze(rest, -2), vh));
}
const Op det_op("det(Tensor A) -> Tensor", det_forward,
                {.vjp = det_vjp,
                 .saves = "A result",
                 .in = "rt Tensor linalg",
                 .out = true,
                 .kernels = {&lu_kernel},
                 .doc = R"(The determinant of each square matrix.

(..., n, n) to (...), float32, float64 or complex. Follows `torch.linalg.det`.

>>> rt.linalg.det(rt.tensor([[2., 0.], [0., 4.]]))
tensor(8.)
)"});

Pair slogdet_forward(const Tensor& a) {
  const Determinant d = determinant("slogdet", a, true);
  return {d.sign, d.logabs};
}
void slogdet_vjp(VjpContext& c) {
  if (!c.has_grad(0) && !c.has_grad(1)) return;
  const Tensor a = c.input(0);
  if (!is_complex(a.dtype()) && !c.has_grad(1)) {  // the sign of a real determinant is constant
    c.set(0, ops::zeros(a.sizes(), a.dtype(), a.device()));
    return;
  }
  Tensor g = c.has_grad(1) ? c.grad(1) : Tensor();
  if (is_complex(a.dtype()) && c.has_grad(0)) {
    const Tensor turn =
        ops::imag(ops::conj(c.grad(0)) * c.result(0)) * Scalar(std::complex<double>(0, -1));
    g = g.defined() ? g + turn : turn;
  }
  g = ops::unsqueeze(ops::unsqueeze(ops::to(g, a.dtype()), -1), -1);
  const auto [inverse, info] = inverse_op(a);
  c.set(0, g * ops::mH(inverse));
}
const Op slogdet_op(
    "slogdet(Tensor A) -> (Tensor sign, Tensor logabsdet)", slogdet_forward,
    {.vjp = slogdet_vjp,
     .saves = "A sign",
     .in = "rt Tensor linalg",
     .out = true,
     .kernels = {&lu_kernel},
     .doc = R"(The sign (or phase) and the logarithm of the size of each determinant.

(..., n, n) to (...); a singular matrix gives (0, -inf). Follows `torch.linalg.slogdet`.

>>> rt.linalg.slogdet(rt.tensor([[-1.]]))
rustorch.return_types.slogdet(
sign=tensor(-1.),
logabsdet=tensor(0.))
)"});

Tensor logdet_forward(const Tensor& a) {
  check_input("logdet", a, true);
  const auto [sign, log] = slogdet_op(a);
  return log + ops::log(sign);
}
const Op logdet_op(
    "logdet(Tensor input) -> Tensor", logdet_forward,
    {.doc = R"(The logarithm of each determinant: NaN if that is negative, -inf if it is zero.

Follows `torch.logdet`.

>>> rt.logdet(rt.tensor([[1.]]))
tensor(0.)
)"});

// ---- triangular systems ----

Tensor triangular_forward(const Tensor& a, const Tensor& b, bool upper, bool unit) {
  const Tensor x = column_major("solve_triangular", b), m = column_major("solve_triangular", a);
  triangular_solve_kernel(x, x, m, upper, unit);
  return x;
}
void triangular_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const bool upper = c.arg<bool>(2), unit = c.arg<bool>(3);
  const Tensor gb = ops::solve_triangular(ops::mH(c.input(0)), c.grad(), !upper, true, unit);
  if (c.needs(1)) c.set(1, gb);
  if (c.needs(0)) {
    c.set(0, -triangle(ops::matmul(gb, ops::mH(c.result())), upper, unit ? (upper ? 1 : -1) : 0));
  }
}
const Op triangular_op(
    "_solve_triangular(Tensor A, Tensor B, bool upper, bool unit) -> Tensor", triangular_forward,
    {.vjp = triangular_vjp, .saves = "A result", .in = "", .kernels = {&triangular_solve_kernel}});

Tensor solve_triangular_forward(const Tensor& a, const Tensor& b, bool upper, bool left,
                                bool unit) {
  check_input("solve_triangular", a, true);
  check_same_dtype("solve_triangular", a, b);
  check_matrix("solve_triangular", b, "B");
  check_system("solve_triangular", a, b, left);
  const Dims batch = broadcast_shapes(batch_of(a.sizes()), batch_of(b.sizes()), "solve_triangular");
  const Tensor system = expand_batch(a, batch), right = expand_batch(b, batch);
  if (left) return triangular_op(system, right, upper, unit);
  return ops::mT(triangular_op(ops::mT(system), ops::mT(right), !upper, unit));
}
const Op solve_triangular_op(
    "solve_triangular(Tensor A, Tensor B, *, bool upper, bool left=True, bool unitriangular=False) "
    "-> Tensor",
    solve_triangular_forward,
    {.in = "linalg", .out = true, .doc = R"(The X of `A X = B` (or `X A = B`) for a triangular A.

Only A's upper or lower triangle is read; with `unitriangular` its diagonal counts as ones. A zero on
the diagonal gives infinities. Follows `torch.linalg.solve_triangular`.

>>> rt.linalg.solve_triangular(rt.tensor([[2.]]), rt.tensor([[4.]]), upper=True)
tensor([[2.]])
)"});

}  // namespace

namespace ops {

Tensor inv(const Tensor& a) { return inv_op(a); }
std::tuple<Tensor, Tensor> inv_ex(const Tensor& a) { return inv_ex_op(a, false); }
Tensor det(const Tensor& a) { return det_op(a); }
std::tuple<Tensor, Tensor> slogdet(const Tensor& a) { return slogdet_op(a); }
Tensor solve(const Tensor& a, const Tensor& b, bool left) {
  return std::get<0>(solve_any("solve", a, b, left));
}
Tensor solve_triangular(const Tensor& a, const Tensor& b, bool upper, bool left, bool unit) {
  return solve_triangular_op(a, b, upper, left, unit);
}

}  // namespace ops
}  // namespace rt
