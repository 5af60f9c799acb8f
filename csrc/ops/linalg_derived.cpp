// What follows from factorisations: pseudoinverses, least squares, ranks, powers, exponentials,
// norms.
#include <cmath>
#include <limits>

#include "autograd/vjp.h"
#include "ops/elementwise.h"
#include "ops/linalg.h"
#include "ops/ops.h"

namespace rt {

KernelSlot<void(const Tensor&, const Tensor&, const Tensor&, const Tensor&, const Tensor&, double,
                LeastSquares)>
    lstsq_kernel{"lstsq"};

using namespace linalg;

namespace {

int64_t rows_of(const Tensor& a) { return a.sizes()[a.dim() - 2]; }
int64_t cols_of(const Tensor& a) { return a.sizes()[a.dim() - 1]; }

// ---- pinv, matrix_rank: what singular values count as zero ----

Tensor number(double v, const Tensor& like) {
  return scalar_tensor(v, real_of(like.dtype()), like.device());
}
struct Tolerance {
  Tensor absolute, relative;
};
// PyTorch's defaults: eps * max(m, n), relative to the largest, unless an absolute one is given.
Tolerance tolerances(const Tensor& a, const Tensor& atol, const Tensor& rtol) {
  Tolerance t{atol.defined() ? atol : number(0, a), rtol};
  if (!rtol.defined()) {
    const double eps = epsilon(a.dtype()) * static_cast<double>(std::max(rows_of(a), cols_of(a)));
    t.relative = atol.defined() ? ops::where(ops::gt(atol, 0), number(0, a), number(eps, a))
                                : number(eps, a);
  }
  return t;
}
Tensor cutoff(const Tolerance& t, const Tensor& largest) {
  const Tensor relative =
      (t.relative.dim() ? ops::unsqueeze(t.relative, -1) : t.relative) * largest;
  return ops::maximum(
      ops::to(t.absolute.dim() ? ops::unsqueeze(t.absolute, -1) : t.absolute, largest.dtype()),
      ops::to(relative, largest.dtype()));
}

Tensor pinv_of(const Tensor& a, const Tensor& atol, const Tensor& rtol, bool hermitian) {
  if (a.numel() == 0)
    return ops::zeros(with(batch_of(a.sizes()), {cols_of(a), rows_of(a)}), a.dtype(), a.device());
  const Tolerance t = tolerances(a, atol, rtol);
  Tensor left, right, values;
  if (hermitian) {
    std::tie(values, left) = ops::eigh(a);
    right = ops::mH(left);
  } else {
    std::tie(left, values, right) = ops::svd(a, false);
  }
  const Tensor size = ops::abs(values);
  const Tensor keep = ops::gt(size, cutoff(t, ops::amax(size, {-1}, true)));
  const Tensor inverse = ops::where(keep, ops::reciprocal(values), 0);
  return ops::matmul(ops::mH(right) * ops::to(ops::unsqueeze(inverse, -2), a.dtype()),
                     ops::mH(left));
}
// Golub and Pereyra, "The differentiation of pseudo-inverses" (1973), formula 4.12, transposed.
Tensor pinv_gradient(const Tensor& a, const Tensor& p, const Tensor& g) {
  const Tensor ph = ops::mH(p), gh = ops::mH(g);
  const Tensor one = ops::matmul(ops::matmul(ph, g), ph);
  const Tensor x = ops::matmul(ops::matmul(gh, p), ph), y = ops::matmul(ph, ops::matmul(p, gh));
  return x - ops::matmul(a, ops::matmul(p, x)) + y - ops::matmul(ops::matmul(y, p), a) - one;
}
void pinv_vjp(VjpContext& c) {
  if (c.has_grad()) c.set(0, pinv_gradient(c.input(0), c.result(), c.grad()));
}
const Op pinv_core_op("_pinv(Tensor A, Tensor? atol, Tensor? rtol, bool hermitian) -> Tensor",
                      pinv_of, {.vjp = pinv_vjp, .saves = "A result", .in = ""});

Tensor pinv_checked(const Tensor& a, const Tensor& atol, const Tensor& rtol, bool hermitian) {
  RT_CHECK(a.dim() >= 2 && (is_floating(a.dtype()) || is_complex(a.dtype())), Runtime, "pinv",
           "expected a tensor with 2 or more dimensions of float, double, cfloat or cdouble types",
           describe(a));
  check_input("pinv", a, hermitian);
  return pinv_core_op(a, atol, rtol, hermitian);
}
Tensor optional_number(std::optional<double> v, const Tensor& a) {
  return v ? number(*v, a) : Tensor();
}
Tensor pinv_forward(const Tensor& a, std::optional<double> atol, std::optional<double> rtol,
                    bool hermitian) {
  return pinv_checked(a, optional_number(atol, a), optional_number(rtol, a), hermitian);
}
Tensor pinv_rcond_forward(const Tensor& a, double rcond, bool hermitian) {
  return pinv_checked(a, {}, number(rcond, a), hermitian);
}
const Op pinv_op(
    "pinv(Tensor A, *, float? atol=None, float? rtol=None, bool hermitian=False) -> Tensor",
    pinv_forward, {.in = "linalg", .out = true, .doc = R"(The Moore-Penrose inverse of each matrix.

(..., m, n) to (..., n, m). Singular values up to max(atol, rtol * largest) count as zero; rtol is eps *
max(m, n) unless given. Differentiable where the rank does not change. Follows `torch.linalg.pinv`.

>>> rt.linalg.pinv(rt.tensor([[2., 0.], [0., 0.]]))
tensor([[0.5000, 0.0000],
        [0.0000, 0.0000]])
)"});
const Op pinv_tensor_op(
    "pinv.tensors(Tensor A, *, Tensor? atol=None, Tensor? rtol=None, bool hermitian=False) -> "
    "Tensor",
    pinv_checked, {.in = "linalg", .out = true});
const Op pinv_rcond_op("pinv.rcond(Tensor A, float rcond, bool hermitian=False) -> Tensor",
                       pinv_rcond_forward, {.in = "linalg", .out = true});
Tensor pinverse_forward(const Tensor& a, double rcond) {
  return pinv_checked(a, {}, number(rcond, a), false);
}
const Op pinverse_op("pinverse(Tensor input, float rcond=1e-15) -> Tensor", pinverse_forward,
                     {.doc = R"(The Moore-Penrose inverse; see `linalg.pinv`.

Follows `torch.pinverse`.

>>> rt.pinverse(rt.tensor([[2.]]))
tensor([[0.5000]])
)"});

Tensor rank_of(const Tensor& a, const Tensor& atol, const Tensor& rtol, bool hermitian) {
  check_input("matrix_rank", a, hermitian);
  if (a.numel() == 0) return ops::zeros(batch_of(a.sizes()), DType::Int64, a.device());
  const Tensor s = hermitian ? ops::abs(ops::eigvalsh(a)) : ops::svdvals(a);
  return ops::sum(ops::gt(s, cutoff(tolerances(a, atol, rtol), ops::amax(s, {-1}, true))), {-1});
}
Tensor matrix_rank_forward(const Tensor& a, std::optional<double> atol, std::optional<double> rtol,
                           bool hermitian) {
  return rank_of(a, optional_number(atol, a), optional_number(rtol, a), hermitian);
}
Tensor matrix_rank_tol_forward(const Tensor& a, double tol, bool hermitian) {
  return rank_of(a, number(tol, a), number(0, a), hermitian);
}
const Op matrix_rank_op(
    "matrix_rank(Tensor A, *, float? atol=None, float? rtol=None, bool hermitian=False) -> Tensor",
    matrix_rank_forward,
    {.in = "linalg",
     .out = true,
     .integer_result = true,
     .doc = R"(How many singular values exceed max(atol, rtol * largest), int64.

rtol is eps * max(m, n) unless given. Follows `torch.linalg.matrix_rank`.

>>> rt.linalg.matrix_rank(rt.tensor([[1., 2.], [2., 4.]]))
tensor(1)
)"});
const Op matrix_rank_tensor_op(
    "matrix_rank.tensors(Tensor input, *, Tensor? atol=None, Tensor? rtol=None, bool "
    "hermitian=False) -> Tensor",
    rank_of, {.in = "linalg", .out = true, .integer_result = true});
const Op matrix_rank_tol_op(
    "matrix_rank.tol(Tensor input, float tol, bool hermitian=False) -> Tensor",
    matrix_rank_tol_forward, {.in = "linalg", .out = true, .integer_result = true});

// ---- lstsq ----

using Four = std::tuple<Tensor, Tensor, Tensor, Tensor>;

Four lstsq_core(const Tensor& a, const Tensor& b, double rcond, int64_t driver_number) {
  const auto driver = static_cast<LeastSquares>(driver_number);
  const int64_t m = rows_of(a), n = cols_of(a), nrhs = cols_of(b);
  const Dims batch = batch_of(a.sizes());
  const Tensor work = column_major("lstsq", a), info = empty_info("lstsq", a);
  const Tensor x =
      empty_columns("lstsq", with(batch, {std::max(m, n), nrhs}), a.dtype(), a.device());
  ops::zero_(x);
  copy_kernel(x, rows(x, 0, m), b);
  const bool values = driver == LeastSquares::Gelsd || driver == LeastSquares::Gelss;
  const Tensor s = values ? empty(with(batch, {std::min(m, n)}), real_of(a.dtype()), a.device())
                          : empty({0}, real_of(a.dtype()), a.device());
  const Tensor rank = ops::zeros(batch, DType::Int64, a.device());
  lstsq_kernel(x, work, x, s, rank, info, rcond, driver);
  const Failure f = first_failure(info);
  RT_CHECK(f.index < 0, LinAlg, "lstsq",
           cat_str(f.where, "The least squares solution could not be computed because ",
                   driver == LeastSquares::Gels
                       ? "the input matrix does not have full rank (error code: "
                       : "the algorithm did not converge (error code: ",
                   static_cast<int64_t>(f.value), ")."));
  Tensor residuals = empty({0}, real_of(a.dtype()), a.device());
  const bool full_rank =
      driver == LeastSquares::Gels || item(ops::all(ops::eq(rank, Scalar(n)))).to_bool();
  if (m > n && full_rank && driver != LeastSquares::Gelsy) {
    const Tensor rest = ops::abs(rows(x, n, m - n));
    residuals = ops::sum(rest * rest, {-2});
  }
  const Tensor no_rank = empty({0}, DType::Int64, a.device());
  return {ops::clone(rows(x, 0, n)), residuals, driver == LeastSquares::Gels ? no_rank : rank, s};
}
void lstsq_vjp(VjpContext& c) {
  const bool residuals = c.has_grad(1) && c.grad(1).numel() > 0;
  if (!c.has_grad(0) && !residuals) return;
  const Tensor a = c.input(0), b = c.input(1), p = pinv_core_op(a, {}, {}, false);
  Tensor ga, gb;
  if (c.has_grad(0)) {
    if (c.needs(0)) ga = pinv_gradient(a, p, ops::matmul(c.grad(), ops::mH(b)));
    if (c.needs(1)) gb = ops::matmul(ops::mH(p), c.grad());
  }
  if (residuals) {
    // The solution is where the residuals |b - A x|^2 are stationary, so only their own A and b
    // count.
    const Tensor x = ops::matmul(p, b);
    const Tensor slope = (b - ops::matmul(a, x)) * (ops::unsqueeze(c.grad(1), -2) * Scalar(2));
    const Tensor to_a = ops::matmul(slope, ops::mH(x));
    if (c.needs(0)) ga = ga.defined() ? ga - to_a : -to_a;
    if (c.needs(1)) gb = gb.defined() ? gb + slope : slope;
  }
  if (ga.defined()) c.set(0, ga);
  if (gb.defined()) c.set(1, gb);
}
const Op lstsq_core_op(
    "_lstsq(Tensor A, Tensor B, float rcond, int driver) -> (Tensor solution, Tensor residuals, "
    "Tensor rank, Tensor "
    "singular_values)",
    lstsq_core, {.vjp = lstsq_vjp, .saves = "A B", .in = "", .kernels = {&lstsq_kernel}});

Four lstsq_forward(const Tensor& a, const Tensor& b, std::optional<double> rcond,
                   std::optional<std::string_view> driver) {
  RT_CHECK(a.dim() >= 2, Runtime, "lstsq",
           "torch.linalg.lstsq: input must have at least 2 dimensions.", describe(a));
  RT_CHECK(b.dim() >= 1, Runtime, "lstsq",
           "torch.linalg.lstsq: other must have at least 1 dimension.", describe(b));
  check_float("lstsq", a);
  RT_CHECK(a.dtype() == b.dtype(), Runtime, "lstsq",
           cat_str("torch.linalg.lstsq: Expected input and other to have the same dtype, but got "
                   "input's dtype ",
                   name(a.dtype()), " and other's dtype ", name(b.dtype())));
  const bool vector = b.dim() == 1 || (a.dim() - 1 == b.dim() &&
                                       b.sizes() == a.sizes().slice(0, a.sizes().size() - 1));
  RT_CHECK(
      rows_of(a) == (vector ? b.sizes().back() : b.size(-2)), Runtime, "lstsq",
      cat_str("torch.linalg.lstsq: input.size(-2) should match other.size(", vector ? -1 : -2, ")"),
      cat_str(describe(a), " and ", describe(b)));
  const std::string_view d = driver.value_or("gelsy");
  constexpr std::string_view names[] = {"gels", "gelsy", "gelsd", "gelss"};
  const auto at = std::find(std::begin(names), std::end(names), d);
  RT_CHECK(at != std::end(names), Runtime, "lstsq",
           "torch.linalg.lstsq: parameter `driver` should be one of (gels, gelsy, gelsd, gelss)",
           cat_str(d));
  const Tensor right = vector ? ops::unsqueeze(b, -1) : b;
  const Dims batch = broadcast_shapes(batch_of(a.sizes()), batch_of(right.sizes()), "lstsq");
  const double r =
      rcond.value_or(epsilon(a.dtype()) * static_cast<double>(std::max(rows_of(a), cols_of(a))));
  auto result = lstsq_core_op(ops::expand(a, with(batch, {rows_of(a), cols_of(a)})),
                              ops::expand(right, with(batch, {rows_of(right), cols_of(right)})), r,
                              at - std::begin(names));
  if (vector) std::get<0>(result) = ops::squeeze(std::get<0>(result), {-1});
  return result;
}
const Op lstsq_op(
    "lstsq(Tensor A, Tensor B, float? rcond=None, *, str? driver=None) -> (Tensor solution, Tensor "
    "residuals, Tensor "
    "rank, Tensor singular_values)",
    lstsq_forward,
    {.in = "linalg",
     .out = true,
     .doc = R"(The X of least norm that minimises the norm of `A X - B`.

`A` is (..., m, n), `B` (..., m, k) or (..., m). driver: "gelsy" (the default), "gels" (full rank only),
"gelsd" or "gelss" (which also give singular values). `residuals` are the squared norms where m > n and the rank
is full. Follows `torch.linalg.lstsq`.

>>> rt.linalg.lstsq(rt.tensor([[2.], [0.]]), rt.tensor([[4.], [1.]])).solution
tensor([[2.]])
)"});

// ---- powers and exponentials ----

Tensor matrix_power_forward(const Tensor& a, int64_t n) {
  check_square("matrix_power", a);
  if (n == 0) {
    Tensor t = empty(a.sizes(), a.dtype(), a.device());
    copy_kernel(t, t, identity(a.sizes().back(), a.dtype(), a.device()));
    return t;
  }
  Tensor base = n < 0 ? ops::inv(a) : a, result;
  uint64_t left = n < 0 ? uint64_t{0} - static_cast<uint64_t>(n) : static_cast<uint64_t>(n);
  if (left == 1) return n < 0 ? base : ops::clone(a);
  for (; left != 0; left >>= 1) {
    if (left & 1) result = result.defined() ? ops::matmul(result, base) : base;
    if (left > 1) base = ops::matmul(base, base);
  }
  return result;
}
const Op matrix_power_op(
    "matrix_power.linalg(Tensor A, int n) -> Tensor", matrix_power_forward,
    {.in = "linalg",
     .out = true,
     .doc = R"(The n-th power of each square matrix; a negative n takes the inverse.

Follows `torch.linalg.matrix_power`.

>>> rt.linalg.matrix_power(rt.tensor([[1, 1], [0, 1]]), 3)
tensor([[1, 3],
        [0, 1]])
)"});
const Op matrix_power_rt_op(
    "matrix_power(Tensor input, int n) -> Tensor", matrix_power_forward,
    {.out = true, .doc = R"(The n-th power of each square matrix; see `linalg.matrix_power`.

Follows `torch.matrix_power`.

>>> rt.matrix_power(rt.tensor([[2]]), 3)
tensor([[8]])
)"});

// Scaling and squaring with the [13/13] Pade approximant: Higham, "The scaling and squaring method
// for the matrix exponential revisited" (2005).
Tensor matrix_exp_forward(const Tensor& x) {
  check_square("matrix_exp", x);
  RT_CHECK(!is_integral(x.dtype(), true), Runtime, "matrix_exp",
           cat_str("Expected a floating point or complex tensor as input. Got ", name(x.dtype())),
           describe(x));
  if (x.numel() == 0) return ops::clone(x);
  Tensor a = ops::to(x, compute_type(x.dtype()));
  const double size = item(ops::amax(ops::sum(ops::abs(a), {-2}))).to_double();
  const double theta = real_of(a.dtype()) == DType::Float64 ? 5.371920351148152 : 3.925724783138660;
  const int squarings = std::isfinite(size) && size > theta
                            ? static_cast<int>(std::ceil(std::log2(size / theta)))
                            : 0;
  if (squarings > 0) a = a * Scalar(std::ldexp(1.0, -squarings));
  constexpr double b[] = {64764752532480000,
                          32382376266240000,
                          7771770303897600,
                          1187353796428800,
                          129060195264000,
                          10559470521600,
                          670442572800,
                          33522128640,
                          1323241920,
                          40840800,
                          960960,
                          16380,
                          182,
                          1};
  const Tensor eye = identity(a.sizes().back(), a.dtype(), a.device());
  const Tensor a2 = ops::matmul(a, a), a4 = ops::matmul(a2, a2), a6 = ops::matmul(a4, a2);
  const auto term = [&](int i6, int i4, int i2) {
    return a6 * Scalar(b[i6]) + a4 * Scalar(b[i4]) + a2 * Scalar(b[i2]);
  };
  const Tensor u =
      ops::matmul(a, ops::matmul(a6, term(13, 11, 9)) + term(7, 5, 3) + eye * Scalar(b[1]));
  const Tensor v = ops::matmul(a6, term(12, 10, 8)) + term(6, 4, 2) + eye * Scalar(b[0]);
  Tensor e = ops::solve(v - u, v + u);
  for (int i = 0; i < squarings; ++i) e = ops::matmul(e, e);
  return ops::contiguous(ops::to(e, x.dtype()));
}
Tensor matrix_exp_gradient(const Tensor& a, const Tensor& g);
void matrix_exp_vjp(VjpContext& c) {
  if (c.has_grad()) c.set(0, matrix_exp_gradient(c.input(0), c.grad()));
}
const Op matrix_exp_op("matrix_exp(Tensor input) -> Tensor", matrix_exp_forward,
                       {.vjp = matrix_exp_vjp,
                        .saves = "input",
                        .in = "rt Tensor linalg",
                        .doc = R"(The exponential of each square matrix.

(..., n, n), float or complex; float16 and bfloat16 are computed in float32. Follows `torch.linalg.matrix_exp`.

>>> rt.linalg.matrix_exp(rt.zeros(2, 2))
tensor([[1., 0.],
        [0., 1.]])
)"});
// exp([[A^H, G], [0, A^H]]) has the derivative along G in its upper right block (Mathias 1996).
Tensor matrix_exp_gradient(const Tensor& a, const Tensor& g) {
  const Tensor ah = ops::mH(a);
  const int64_t n = a.sizes().back();
  const Tensor upper[] = {ah, g}, lower[] = {ops::zeros(a.sizes(), a.dtype(), a.device()), ah};
  const Tensor halves[] = {ops::cat(upper, -1), ops::cat(lower, -1)};
  return rows(columns(matrix_exp_op(ops::cat(halves, -2)), n, n), 0, n);
}

// ---- matrix norms ----

// The root of the sum of squares over two dims; at zero its gradient is zero.
Tensor frobenius_forward(const Tensor& a, IntList dim, bool keepdim) {
  const bool reduced = is_reduced_floating(a.dtype());
  const Tensor size = ops::abs(reduced ? ops::to(a, DType::Float32) : a);
  const Tensor norm = ops::sqrt(ops::sum(size * size, dim, keepdim));
  return reduced ? ops::to(norm, a.dtype()) : norm;
}
void frobenius_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const Dims dims = wrap_dims(c.arg<IntList>(1), c.sizes(0).ssize(), "matrix_norm");
  const bool keepdim = c.arg<bool>(2);
  const int64_t first = std::min(dims[0], dims[1]), second = std::max(dims[0], dims[1]);
  const auto wide = [&](const Tensor& t) {
    return keepdim ? t : ops::unsqueeze(ops::unsqueeze(t, first), second);
  };
  const Tensor norm = wide(c.result());
  c.set(0, c.input(0) * ops::where(ops::eq(norm, 0), 0, wide(c.grad()) / norm));
}
const Op frobenius_op("_frobenius_norm(Tensor A, int[] dim, bool keepdim) -> Tensor",
                      frobenius_forward, {.vjp = frobenius_vjp, .saves = "A result", .in = ""});

std::pair<int64_t, int64_t> norm_dims(const Tensor& a, IntList dim) {
  RT_CHECK(
      dim.size() == 2, Runtime, "matrix_norm",
      cat_str("dim must be a 2-tuple. Got ", dim.size() == 1 ? cat_str(dim[0]) : cat_str(dim)));
  const int64_t r = wrap_dim(dim[0], a.dim(), "matrix_norm"),
                c = wrap_dim(dim[1], a.dim(), "matrix_norm");
  RT_CHECK(r != c, Runtime, "matrix_norm",
           cat_str("dims must be different. Got (", dim[0], ", ", dim[1], ")"));
  return {r, c};
}
// Norms made of singular values want the precision of the factorization.
void check_norm(const Tensor& a, std::optional<DType> dtype, bool spectral) {
  check_matrix("matrix_norm", a);
  if (spectral || !is_reduced_floating(a.dtype())) check_float("matrix_norm", a);
  RT_CHECK(!dtype || is_floating(*dtype) || is_complex(*dtype), Runtime, "matrix_norm",
           cat_str("dtype should be floating point or complex. Got ", dtype ? name(*dtype) : ""));
}
Tensor singular_values(const Tensor& a, int64_t r, int64_t c) {
  Dims order;
  for (int64_t d = 0; d < a.dim(); ++d) {
    if (d != r && d != c) order.push_back(d);
  }
  order.push_back(r);
  order.push_back(c);
  return ops::svdvals(ops::permute(a, order));
}
Tensor with_kept(const Tensor& t, bool keepdim, int64_t r, int64_t c) {
  if (!keepdim) return t;
  return ops::unsqueeze(ops::unsqueeze(t, std::min(r, c)), std::max(r, c));
}
Tensor matrix_norm_forward(const Tensor& x, Scalar ord, IntList dim, bool keepdim,
                           std::optional<DType> dtype) {
  const double p = ord.to_double(), size = std::abs(p);
  check_norm(x, dtype, size == 2);
  const auto [r, c] = norm_dims(x, dim);
  RT_CHECK(size == 1 || size == 2 || std::isinf(p), Runtime, "matrix_norm",
           cat_str("Order ", ord, " not supported."));
  const Tensor a = dtype ? ops::to(x, *dtype) : x;
  if (size == 2) {
    const Tensor s = singular_values(a, r, c);
    return with_kept(p > 0 ? ops::amax(s, {-1}) : ops::amin(s, {-1}), keepdim, r, c);
  }
  const int64_t summed = size == 1 ? r : c;
  int64_t rest = size == 1 ? c : r;
  const Tensor sums = ops::sum(ops::abs(a), {summed}, keepdim);
  if (!keepdim && rest > summed) --rest;
  return p > 0 ? ops::amax(sums, {rest}, keepdim) : ops::amin(sums, {rest}, keepdim);
}
Tensor matrix_norm_name_forward(const Tensor& x, std::string_view ord, IntList dim, bool keepdim,
                                std::optional<DType> dtype) {
  check_norm(x, dtype, ord == "nuc");
  const auto [r, c] = norm_dims(x, dim);
  RT_CHECK(ord == "fro" || ord == "nuc", Runtime, "matrix_norm",
           cat_str("Order ", ord, " not supported."));
  const Tensor a = dtype ? ops::to(x, *dtype) : x;
  if (ord == "nuc") return with_kept(ops::sum(singular_values(a, r, c), {-1}), keepdim, r, c);
  return frobenius_op(a, Dims{r, c}, keepdim);
}
const Op matrix_norm_op(
    "matrix_norm.ord(Tensor A, Scalar ord, int[] dim=[-2, -1], bool keepdim=False, *, DType? "
    "dtype=None) -> Tensor",
    matrix_norm_forward, {.in = "linalg", .out = true});
const Op matrix_norm_name_op(
    "matrix_norm(Tensor A, str ord='fro', int[] dim=[-2, -1], bool keepdim=False, *, DType? "
    "dtype=None) -> Tensor",
    matrix_norm_name_forward, {.in = "linalg", .out = true, .doc = R"(The norm of each matrix.

ord: "fro" (of the elements), "nuc" (sum of singular values), 2 and -2 (largest and smallest singular
value), 1 and -1 (largest and smallest column sum), inf and -inf (row sums). Follows
`torch.linalg.matrix_norm`.

>>> rt.linalg.matrix_norm(rt.tensor([[3., 0.], [0., 4.]]))
tensor(5.)
)"});

// ---- condition numbers ----

void check_cond(const Tensor& a) {
  RT_CHECK(a.dim() >= 2, Runtime, "cond", "The input tensor must have at least 2 dimensions.",
           describe(a));
  check_float("cond", a);
}
// norm(A) norm(A^-1): infinite for a singular matrix.
Tensor cond_from_inverse(const Tensor& a, const std::string& ord,
                         Tensor (*norm)(const Tensor&, const Value&), const Value& order) {
  RT_CHECK(
      rows_of(a) == cols_of(a), Runtime, "cond",
      cat_str("linalg.cond(ord=", ord, "): A must be batches of square matrices, but they are ",
              rows_of(a), " by ", cols_of(a), " matrices"));
  const auto [inverse, info] = ops::inv_ex(a);
  const Tensor product = norm(a, order) * norm(inverse, order);
  return ops::where(
      ops::ne(info, 0),
      scalar_tensor(std::numeric_limits<double>::infinity(), product.dtype(), a.device()), product);
}
Tensor cond_forward(const Tensor& a, const std::optional<Scalar> p) {
  check_cond(a);
  const double order = p ? p->to_double() : 2;
  if (std::abs(order) == 2) {
    const Tensor s = ops::svdvals(a);
    const Tensor first = ops::select(s, -1, 0), last = ops::select(s, -1, -1);
    return order > 0 ? first / last : last / first;
  }
  RT_CHECK(std::abs(order) == 1 || std::isinf(order), Runtime, "cond",
           cat_str("linalg.cond got an invalid norm type: ", *p));
  return cond_from_inverse(
      a, cat_str(*p),
      [](const Tensor& x, const Value& o) {
        return matrix_norm_op(x, o.scalar(), {-2, -1}, false, {});
      },
      Value(*p));
}
Tensor cond_name_forward(const Tensor& a, std::string_view p) {
  check_cond(a);
  RT_CHECK(p == "fro" || p == "nuc", Runtime, "cond",
           cat_str("linalg.cond got an invalid norm type: ", p));
  return cond_from_inverse(
      a, std::string(p),
      [](const Tensor& x, const Value& o) {
        return matrix_norm_name_op(x, o.get<std::string>(), {-2, -1}, false, {});
      },
      Value(p));
}
const Op cond_op(
    "cond(Tensor A, Scalar? p=None) -> Tensor", cond_forward,
    {.in = "linalg",
     .out = true,
     .doc = R"(The condition number of each matrix in a matrix norm, the 2-norm by default.

p as `ord` of `linalg.matrix_norm`; a singular matrix gives inf. Follows `torch.linalg.cond`.

>>> rt.linalg.cond(rt.tensor([[1., 0.], [0., 4.]]))
tensor(4.)
)"});
const Op cond_name_op("cond.name(Tensor A, str p) -> Tensor", cond_name_forward,
                      {.in = "linalg", .out = true});

}  // namespace

namespace ops {

Tensor matrix_power(const Tensor& a, int64_t n) { return matrix_power_op(a, n); }
Tensor matrix_norm(const Tensor& a, Scalar ord, IntList dim, bool keepdim,
                   std::optional<DType> dtype) {
  return matrix_norm_op(a, ord, dim, keepdim, dtype);
}
Tensor matrix_norm(const Tensor& a, std::string_view ord, IntList dim, bool keepdim,
                   std::optional<DType> dtype) {
  return matrix_norm_name_op(a, ord, dim, keepdim, dtype);
}

}  // namespace ops
}  // namespace rt
