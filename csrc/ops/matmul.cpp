#include "ops/matmul.h"

#include "autograd/vjp.h"
#include "ops/elementwise.h"
#include "ops/ops.h"

namespace rt {

KernelSlot<void(const Tensor&, const Tensor&, const Tensor&, const Scalar&, const Scalar&)>
    matmul_kernel{"matmul"};
KernelSlot<void(const Tensor&, const Tensor&, const Tensor&, const Tensor&)> matmul_bias_kernel{
    "matmul_bias"};
KernelSlot<void(const Tensor&, const Tensor&, const Tensor&, bool)> dot_kernel{"dot"};

namespace detail {

bool adds_bias(const Tensor& out, const Tensor& a, const Tensor& b, const Tensor& x) {
  return matmul_bias_kernel.has(out.device().type) && a.dim() == 2 && b.dim() == 2 &&
         out.is_contiguous() && x.dim() == 1 && x.is_contiguous() &&
         x.sizes()[0] == out.sizes().back() && x.storage().get() != out.storage().get();
}

std::string by_by(const Tensor& t) {
  std::string s;
  for (int64_t n : t.sizes()) s += (s.empty() ? "" : "x") + cat_str(n);
  return s;
}

Tensor product_target(const char* op, Out out, IntList shape, DType dtype, const Tensor& a,
                      const Tensor& b) {
  if (!out) return empty(shape, dtype, a.device(), op);
  const Tensor& target = *out;
  RT_CHECK(target.sizes() == shape, Runtime, op,
           cat_str("Bad in-place call: input tensor size ", target.sizes(),
                   " and output tensor size ", shape, " should match"),
           "", "the out-of-place form");
  for (const Tensor* t : {&a, &b}) {
    if (t->storage().get() == target.storage().get()) return empty(shape, dtype, a.device(), op);
  }
  return target;
}

void check_product_dtype(const char* op, DType dtype) {
  RT_CHECK(dtype != DType::Bool, NotImplemented, op,
           cat_str("\"", op, "\" not implemented for 'Bool'"), "", "integers");
}

}  // namespace detail

namespace {

void check_dtypes(const char* op, const Tensor& a, const Tensor& b) {
  RT_CHECK(a.dtype() == b.dtype(), Runtime, op,
           cat_str("expected m1 and m2 to have the same dtype, but got: ", name(a.dtype()),
                   " != ", name(b.dtype())),
           cat_str(describe(a), " and ", describe(b)), "one dtype for both, with .to()");
  detail::check_product_dtype(op, a.dtype());
  if (!(a.device() == b.device())) [[unlikely]] {
    const Tensor both[] = {a, b};
    common_device(op, both);
  }
}

[[noreturn]] void cannot_multiply(const char* op, const Tensor& a, const Tensor& b) {
  RT_FAIL(Runtime, op,
          cat_str("mat1 and mat2 shapes cannot be multiplied (", detail::by_by(a), " and ",
                  detail::by_by(b), ")"),
          cat_str(describe(a), " and ", describe(b)));
}

// ---- mm ----

Tensor mm_forward(const Tensor& a, const Tensor& b) {
  RT_CHECK(a.dim() == 2, Runtime, "mm", "self must be a matrix", describe(a), "matmul()");
  RT_CHECK(b.dim() == 2, Runtime, "mm", "mat2 must be a matrix", describe(b), "matmul()");
  if (a.sizes()[1] != b.sizes()[0]) [[unlikely]]
    cannot_multiply("mm", a, b);
  check_dtypes("mm", a, b);
  Tensor out = empty({a.sizes()[0], b.sizes()[1]}, a.dtype(), a.device(), "mm");
  matmul_kernel(out, out, a, b, 0, 1);
  return out;
}
void mm_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  if (c.needs(0)) c.set(0, ops::mm(c.grad(), ops::mH(c.input(1))));
  if (c.needs(1)) c.set(1, ops::mm(ops::mH(c.input(0)), c.grad()));
}
const Op mm_op("mm(Tensor input, Tensor mat2) -> Tensor", mm_forward,
               {.vjp = mm_vjp,
                .saves = "input/mat2 mat2/input",
                .out = true,
                .kernels = {&matmul_kernel},
                .doc = R"(The product of two matrices, (n, m) by (m, p) to (n, p).

Of one dtype, not bool; float16 and bfloat16 are summed in float32. No broadcasting. Follows `torch.mm`.

>>> rt.mm(rt.tensor([[1, 2]]), rt.tensor([[3], [4]]))
tensor([[11]])
)"});

// ---- bmm ----

Tensor bmm_forward(const Tensor& a, const Tensor& b) {
  RT_CHECK(a.dim() == 3, Runtime, "bmm", "batch1 must be a 3D tensor", describe(a), "matmul()");
  RT_CHECK(b.dim() == 3, Runtime, "bmm", "batch2 must be a 3D tensor", describe(b), "matmul()");
  const IntList sa = a.sizes(), sb = b.sizes();
  RT_CHECK(sa[0] == sb[0] && sa[2] == sb[1], Runtime, "bmm",
           cat_str("Expected size for first two dimensions of batch2 tensor to be: [", sa[0], ", ",
                   sa[2], "] but got: [", sb[0], ", ", sb[1], "]."),
           cat_str(describe(a), " and ", describe(b)));
  check_dtypes("bmm", a, b);
  Tensor out = empty({sa[0], sa[1], sb[2]}, a.dtype(), a.device(), "bmm");
  matmul_kernel(out, out, a, b, 0, 1);
  return out;
}
void bmm_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  if (c.needs(0)) c.set(0, ops::bmm(c.grad(), ops::mH(c.input(1))));
  if (c.needs(1)) c.set(1, ops::bmm(ops::mH(c.input(0)), c.grad()));
}
const Op bmm_op(
    "bmm(Tensor input, Tensor mat2) -> Tensor", bmm_forward,
    {.vjp = bmm_vjp,
     .saves = "input/mat2 mat2/input",
     .out = true,
     .kernels = {&matmul_kernel},
     .doc = R"(Products of the matrices of two batches, (b, n, m) by (b, m, p) to (b, n, p).

Of one dtype, not bool. No broadcasting. Follows `torch.bmm`.

>>> rt.bmm(rt.ones(2, 1, 3), rt.ones(2, 3, 1)).shape
rustorch.Size([2, 1, 1])
)"});

// ---- Products of matrices with any batch dims, which broadcast without being copied ----

Tensor batched_forward(const Tensor& a, const Tensor& b) {
  const IntList sa = a.sizes(), sb = b.sizes();
  const size_t na = sa.size(), nb = sb.size();
  Dims shape = broadcast_shapes(sa.slice(0, na - 2), sb.slice(0, nb - 2), "matmul");
  if (sa[na - 1] != sb[nb - 2]) [[unlikely]] {
    int64_t batch = 1;
    for (int64_t n : shape) batch *= n;
    RT_CHECK(nb > 2, Runtime, "matmul",
             cat_str("mat1 and mat2 shapes cannot be multiplied (", batch * sa[na - 2], "x",
                     sa[na - 1], " and ", detail::by_by(b), ")"),
             cat_str(describe(a), " and ", describe(b)));
    RT_FAIL(Runtime, "matmul",
            cat_str("Expected size for first two dimensions of batch2 tensor to be: [", batch, ", ",
                    sa[na - 1], "] but got: [", batch, ", ", sb[nb - 2], "]."),
            cat_str(describe(a), " and ", describe(b)));
  }
  check_dtypes("matmul", a, b);
  shape.push_back(sa[na - 2]);
  shape.push_back(sb[nb - 1]);
  Tensor out = empty(shape, a.dtype(), a.device(), "matmul");
  matmul_kernel(out, out, a, b, 0, 1);
  return out;
}
void batched_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  // Where one operand has no batch, the sum over the batch is part of one larger product.
  if (c.needs(0))
    c.set(0, ops::sum_to_size(ops::matmul(c.grad(), ops::mH(c.input(1))), c.sizes(0)));
  if (c.needs(1))
    c.set(1, ops::sum_to_size(ops::matmul(ops::mH(c.input(0)), c.grad()), c.sizes(1)));
}
const Op batched_op("_batched_matmul(Tensor input, Tensor other) -> Tensor", batched_forward,
                    {.vjp = batched_vjp,
                     .saves = "input/other other/input",
                     .in = "",
                     .kernels = {&matmul_kernel}});

// ---- mv, dot ----

Tensor mv_forward(const Tensor& a, const Tensor& x) {
  RT_CHECK(a.dim() == 2 && x.dim() == 1, Runtime, "mv",
           cat_str("vector + matrix @ vector expected, got 1, ", a.dim(), ", ", x.dim()),
           cat_str("a tensor of dim ", a.dim(), " and one of dim ", x.dim()), "matmul()");
  RT_CHECK(a.sizes()[1] == x.sizes()[0], Runtime, "mv",
           cat_str("size mismatch, got input (", a.sizes()[0], "), mat (", detail::by_by(a),
                   "), vec (", x.sizes()[0], ")"),
           cat_str(describe(a), " and ", describe(x)));
  check_dtypes("mv", a, x);
  Tensor out = empty({a.sizes()[0]}, a.dtype(), a.device(), "mv");
  matmul_kernel(out, out, a, x, 0, 1);
  return out;
}
void mv_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  if (c.needs(0)) c.set(0, ops::outer(c.grad(), ops::conj(c.input(1))));
  if (c.needs(1)) c.set(1, ops::mv(ops::mH(c.input(0)), c.grad()));
}
const Op mv_op("mv(Tensor input, Tensor vec) -> Tensor", mv_forward,
               {.vjp = mv_vjp,
                .saves = "input/vec vec/input",
                .out = true,
                .kernels = {&matmul_kernel},
                .doc = R"(The product of a matrix (n, m) and a vector (m,).

Of one dtype, not bool. Follows `torch.mv`.

>>> rt.mv(rt.tensor([[1, 2], [3, 4]]), rt.tensor([1, 1]))
tensor([3, 7])
)"});

Tensor dot_of(const char* op, const Tensor& a, const Tensor& b, bool conjugate) {
  RT_CHECK(a.dim() == 1 && b.dim() == 1, Runtime, op,
           cat_str("1D tensors expected, but got ", a.dim(), "D and ", b.dim(), "D tensors"),
           cat_str(describe(a), " and ", describe(b)), "matmul()");
  RT_CHECK(a.dtype() == b.dtype(), Runtime, op,
           cat_str("dot : expected both vectors to have same dtype, but found ", name(a.dtype()),
                   " and ", name(b.dtype())),
           cat_str(describe(a), " and ", describe(b)));
  RT_CHECK(a.numel() == b.numel(), Runtime, op,
           cat_str("inconsistent tensor size, expected tensor ", a.sizes(), " and src ", b.sizes(),
                   " to have the same number of elements, but got ", a.numel(), " and ", b.numel(),
                   " elements respectively"),
           cat_str(describe(a), " and ", describe(b)));
  check_dtypes(op, a, b);
  Tensor out = empty({}, a.dtype(), a.device(), op);
  dot_kernel(out, out, a, b, conjugate);
  return out;
}
Tensor dot_forward(const Tensor& a, const Tensor& b) { return dot_of("dot", a, b, false); }
void dot_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  if (c.needs(0)) c.set(0, c.grad() * ops::conj(c.input(1)));
  if (c.needs(1)) c.set(1, c.grad() * ops::conj(c.input(0)));
}
const Op dot_op("dot(Tensor input, Tensor tensor) -> Tensor", dot_forward,
                {.vjp = dot_vjp,
                 .saves = "input/tensor tensor/input",
                 .out = true,
                 .kernels = {&dot_kernel},
                 .doc = R"(The sum of products of two vectors; complex ones are not conjugated.

Of one dtype, not bool. Follows `torch.dot`.

>>> rt.dot(rt.tensor([1, 2]), rt.tensor([3, 4]))
tensor(11)
)"});

Tensor vdot_forward(const Tensor& a, const Tensor& b) { return dot_of("vdot", a, b, true); }
void vdot_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  if (c.needs(0)) c.set(0, ops::conj(c.grad()) * c.input(1));
  if (c.needs(1)) c.set(1, c.grad() * c.input(0));
}
const Op vdot_op("vdot(Tensor input, Tensor other) -> Tensor", vdot_forward,
                 {.vjp = vdot_vjp,
                  .saves = "input/other other/input",
                  .out = true,
                  .kernels = {&dot_kernel},
                  .doc = R"(The sum of products of the conjugate of one vector with another.

Of one dtype, not bool. Follows `torch.vdot`.

>>> rt.vdot(rt.tensor([1j, 2.]), rt.tensor([1j, 2.]))
tensor(5.+0.j)
)"});

// ---- outer, inner ----

Tensor outer_forward(const Tensor& a, const Tensor& b) {
  RT_CHECK(a.dim() == 1, Runtime, "outer",
           cat_str("outer: Expected 1-D argument self, but got ", a.dim(), "-D"), describe(a));
  RT_CHECK(b.dim() == 1, Runtime, "outer",
           cat_str("outer: Expected 1-D argument vec2, but got ", b.dim(), "-D"), describe(b));
  return ops::mul(ops::unsqueeze(a, 1), b);
}
const Op outer_op(
    "outer(Tensor input, Tensor vec2) -> Tensor", outer_forward,
    {.aliases = "ger",
     .out = true,
     .doc = R"(Each element of one vector times each of another: (n,) and (m,) to (n, m).

Any dtypes, with type promotion. Follows `torch.outer`.

>>> rt.outer(rt.tensor([1, 2]), rt.tensor([3, 4]))
tensor([[3, 4],
        [6, 8]])
)"});

Tensor inner_forward(const Tensor& a, const Tensor& b) {
  if (a.dim() == 0 || b.dim() == 0) return a * b;
  RT_CHECK(a.sizes().back() == b.sizes().back(), Runtime, "inner",
           cat_str("inner() the last dimension must match on both input tensors but got shapes ",
                   a.sizes(), " and ", b.sizes()));
  if (a.dim() == 1 && b.dim() == 1) return dot_op(a, b);
  const int64_t k = a.sizes().back();
  Dims shape(a.sizes().slice(0, a.sizes().size() - 1));
  for (int64_t d = 0; d + 1 < b.dim(); ++d) shape.push_back(b.sizes()[d]);
  const auto rows = [k](const Tensor& t) {
    int64_t n = 1;
    for (int64_t d = 0; d + 1 < t.dim(); ++d) n *= t.sizes()[d];
    return ops::reshape(t, {n, k});
  };
  return ops::reshape(mm_op(rows(a), ops::mT(rows(b))), shape);
}
const Op inner_op(
    "inner(Tensor input, Tensor other) -> Tensor", inner_forward,
    {.out = true,
     .doc = R"(Sums of products over the last dim of both: (..., k) and (***, k) to (..., ***).

Follows `torch.inner`.

>>> rt.inner(rt.tensor([[1, 2], [3, 4]]), rt.tensor([1, 10]))
tensor([21, 43])
)"});

// ---- matmul ----

Tensor matmul_forward(const Tensor& a, const Tensor& b) {
  const int64_t na = a.dim(), nb = b.dim();
  if (na == 2 && nb == 2) return mm_op(a, b);
  RT_CHECK(na > 0 && nb > 0, Runtime, "matmul",
           cat_str("both arguments to matmul need to be at least 1D, but they are ", na, "D and ",
                   nb, "D"),
           cat_str(describe(a), " and ", describe(b)), "mul()");
  if (na == 1 && nb == 1) return dot_op(a, b);
  if (na == 2 && nb == 1) return mv_op(a, b);
  if (na == 1) {
    const Tensor row = ops::unsqueeze(a, 0);
    return ops::squeeze(nb == 2 ? mm_op(row, b) : batched_op(row, b), {-2});
  }
  if (na == 3 && nb == 3 && a.sizes()[0] == b.sizes()[0]) return bmm_op(a, b);
  if (nb <= 2) {
    // One matrix for all of a batch: a single product of all its rows, if they lie evenly.
    const int64_t k = a.sizes().back();
    int64_t rows = 1;
    for (int64_t d = 0; d + 1 < na; ++d) rows *= a.sizes()[d];
    Dims strides;
    if (view_strides(a.sizes(), a.strides(), Dims{rows, k}, &strides)) {
      const Tensor flat = ops::view(a, {rows, k});
      Dims shape(a.sizes().slice(0, static_cast<size_t>(na - 1)));
      if (nb == 2) shape.push_back(b.sizes()[1]);
      return ops::view(nb == 2 ? mm_op(flat, b) : mv_op(flat, b), shape);
    }
    if (nb == 1) return ops::squeeze(batched_op(a, ops::unsqueeze(b, 1)), {-1});
  }
  return batched_op(a, b);
}
const Op matmul_op("matmul(Tensor input, Tensor other) -> Tensor", matmul_forward,
                   {.in = "rt Tensor linalg",
                    .out = true,
                    .doc = R"(The product `input @ other` of vectors, matrices or batches of them.

Two vectors give their dot product; a vector counts as a row on the left and as a column on the right;
dims before the last two are a batch and broadcast. Of one dtype, not bool. Follows `torch.matmul`.

>>> rt.matmul(rt.ones(5, 1, 2, 3), rt.ones(4, 3, 2)).shape
rustorch.Size([5, 4, 2, 2])
)"});

}  // namespace

namespace ops {

Tensor mm(const Tensor& a, const Tensor& b) { return mm_op(a, b); }
Tensor bmm(const Tensor& a, const Tensor& b) { return bmm_op(a, b); }
Tensor mv(const Tensor& a, const Tensor& x) { return mv_op(a, x); }
Tensor dot(const Tensor& a, const Tensor& b) { return dot_op(a, b); }
Tensor vdot(const Tensor& a, const Tensor& b) { return vdot_op(a, b); }
Tensor outer(const Tensor& a, const Tensor& b) { return outer_op(a, b); }
Tensor inner(const Tensor& a, const Tensor& b) { return inner_op(a, b); }
Tensor matmul(const Tensor& a, const Tensor& b) { return matmul_op(a, b); }

}  // namespace ops
}  // namespace rt
