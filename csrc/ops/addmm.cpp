// beta * input + alpha * (a product), computed in one pass.
#include "autograd/vjp.h"
#include "ops/elementwise.h"
#include "ops/matmul.h"
#include "ops/ops.h"

namespace rt {

namespace {

bool is_zero(const Scalar& s) { return !s.to_bool(); }
bool is_one(const Scalar& s) { return s.to_complex() == 1.0; }
Tensor scaled(const Tensor& g, const Scalar& by) {
  if (is_one(by)) return g;
  return g * (by.is_complex() ? Scalar(std::conj(by.to_complex())) : by);
}

void check_types(const char* op, const Tensor& x, const Tensor& a, const Tensor& b) {
  RT_CHECK(a.dtype() == b.dtype(), Runtime, op,
           cat_str("mat1 and mat2 must have the same dtype, but got ", name(a.dtype()), " and ",
                   name(b.dtype())),
           cat_str(describe(a), " and ", describe(b)));
  RT_CHECK(x.dtype() == b.dtype(), Runtime, op,
           cat_str("self and mat2 must have the same dtype, but got ", name(x.dtype()), " and ",
                   name(b.dtype())),
           cat_str(describe(x), " and ", describe(b)));
  detail::check_product_dtype(op, a.dtype());
  const Tensor all[] = {x, a, b};
  common_device(op, all);
}

void check_scalars(const char* op, DType type, const Scalar& beta, const Scalar& alpha) {
  for (const Scalar* s : {&beta, &alpha}) {
    RT_CHECK(!s->is_complex() || is_complex(type), Runtime, op,
             cat_str("value cannot be converted to type ", name(type), " without overflow"),
             cat_str(*s));
  }
}

// beta * x + alpha * a @ b in the given shape.
Tensor add_product(const char* op, Out out, IntList shape, const Tensor& x, const Tensor& a,
                   const Tensor& b, const Scalar& beta, const Scalar& alpha) {
  check_types(op, x, a, b);
  check_scalars(op, x.dtype(), beta, alpha);
  Tensor target = detail::product_target(op, out, shape, a.dtype(), a, b);
  const bool reads = !is_zero(beta);
  if (!target.is_same(x)) {
    RT_CHECK(is_expandable_to(x.sizes(), shape), Runtime, op,
             cat_str("The expanded size of the tensor ", shape, " must match the existing size ",
                     x.sizes(), ".  Target sizes: ", shape, ".  Tensor sizes: ", x.sizes()),
             describe(x));
    if (is_one(beta) && is_one(alpha) && detail::adds_bias(target, a, b, x)) {
      matmul_bias_kernel(target, target, a, b, x);
      if (out && !target.is_same(*out)) copy_kernel(*out, *out, target);
      return out ? *out : target;
    }
    if (reads) copy_kernel(target, target, x);
  }
  matmul_kernel(target, target, a, b, beta, alpha);
  if (out && !target.is_same(*out)) copy_kernel(*out, *out, target);
  return out ? *out : target;
}

#define RT_ADD_PRODUCT_DOC(text, torch_name, example)                                     \
  text "\n\nbeta of zero ignores `input`, NaN included. Of one dtype, not bool. Follows " \
       "`torch." torch_name "`.\n\n" example

// ---- addmm ----

Tensor addmm_forward(Out out, const Tensor& x, const Tensor& a, const Tensor& b, Scalar beta,
                     Scalar alpha) {
  RT_CHECK(a.dim() == 2, Runtime, "addmm",
           cat_str("mat1 must be a matrix, got ", a.dim(), "-D tensor"));
  RT_CHECK(b.dim() == 2, Runtime, "addmm",
           cat_str("mat2 must be a matrix, got ", b.dim(), "-D tensor"));
  RT_CHECK(a.sizes()[1] == b.sizes()[0], Runtime, "addmm",
           cat_str("mat1 and mat2 shapes cannot be multiplied (", detail::by_by(a), " and ",
                   detail::by_by(b), ")"),
           cat_str(describe(a), " and ", describe(b)));
  return add_product("addmm", out, {a.sizes()[0], b.sizes()[1]}, x, a, b, beta, alpha);
}
void addmm_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  if (c.needs(0)) c.set(0, ops::sum_to_size(scaled(c.grad(), c.arg<Scalar>(3)), c.sizes(0)));
  const Tensor g = c.needs(1) || c.needs(2) ? scaled(c.grad(), c.arg<Scalar>(4)) : Tensor();
  if (c.needs(1)) c.set(1, ops::mm(g, ops::mH(c.input(2))));
  if (c.needs(2)) c.set(2, ops::mm(ops::mH(c.input(1)), g));
}
const Op addmm_op(
    "addmm(Tensor input, Tensor mat1, Tensor mat2, *, Scalar beta=1, Scalar alpha=1) -> Tensor",
    addmm_forward,
    {.vjp = addmm_vjp,
     .saves = "mat1/mat2 mat2/mat1",
     .inplace = true,
     .out = true,
     .kernels = {&matmul_kernel},
     .doc = RT_ADD_PRODUCT_DOC(
         "`beta * input + alpha * (mat1 @ mat2)` of matrices; `input` broadcasts to the result.",
         "addmm",
         R"(>>> rt.addmm(rt.tensor([1, 2]), rt.eye(2, dtype=rt.int64), rt.eye(2, dtype=rt.int64))
tensor([[2, 2],
        [1, 3]])
)")});

// ---- addmv ----

Tensor addmv_forward(Out out, const Tensor& x, const Tensor& a, const Tensor& v, Scalar beta,
                     Scalar alpha) {
  RT_CHECK(
      a.dim() == 2 && v.dim() == 1 && x.dim() <= 1, Runtime, "addmv",
      cat_str("vector + matrix @ vector expected, got ", x.dim(), ", ", a.dim(), ", ", v.dim()));
  RT_CHECK(a.sizes()[1] == v.sizes()[0] && (x.numel() == a.sizes()[0] || x.numel() == 1), Runtime,
           "addmv",
           cat_str("size mismatch, got input (", x.numel(), "), mat (", detail::by_by(a),
                   "), vec (", v.sizes()[0], ")"));
  return add_product("addmv", out, {a.sizes()[0]}, x, a, v, beta, alpha);
}
void addmv_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  if (c.needs(0)) c.set(0, ops::sum_to_size(scaled(c.grad(), c.arg<Scalar>(3)), c.sizes(0)));
  const Tensor g = c.needs(1) || c.needs(2) ? scaled(c.grad(), c.arg<Scalar>(4)) : Tensor();
  if (c.needs(1)) c.set(1, ops::outer(g, ops::conj(c.input(2))));
  if (c.needs(2)) c.set(2, ops::mv(ops::mH(c.input(1)), g));
}
const Op addmv_op(
    "addmv(Tensor input, Tensor mat, Tensor vec, *, Scalar beta=1, Scalar alpha=1) -> Tensor",
    addmv_forward,
    {.vjp = addmv_vjp,
     .saves = "mat/vec vec/mat",
     .inplace = true,
     .out = true,
     .kernels = {&matmul_kernel},
     .doc = RT_ADD_PRODUCT_DOC(
         "`beta * input + alpha * (mat @ vec)` of a matrix and a vector.", "addmv",
         R"(>>> rt.addmv(rt.tensor([1, 2]), rt.tensor([[1, 0], [0, 1]]), rt.tensor([5, 6]))
tensor([6, 8])
)")});

// ---- baddbmm ----

void check_batches(const char* op, const Tensor& a, const Tensor& b) {
  wrap_dim(2, a.dim(), op);  // PyTorch reports missing dims as an index out of range
  wrap_dim(2, b.dim(), op);
  RT_CHECK(a.dim() == 3, Runtime, op, "batch1 must be a 3D tensor", describe(a));
  RT_CHECK(b.dim() == 3, Runtime, op, "batch2 must be a 3D tensor", describe(b));
}

Tensor baddbmm_forward(Out out, const Tensor& x, const Tensor& a, const Tensor& b, Scalar beta,
                       Scalar alpha) {
  check_batches("baddbmm", a, b);
  const IntList sa = a.sizes(), sb = b.sizes();
  RT_CHECK(sa[0] == sb[0] && sa[2] == sb[1], Runtime, "baddbmm",
           cat_str("Expected size for first two dimensions of batch2 tensor to be: [", sa[0], ", ",
                   sa[2], "] but got: [", sb[0], ", ", sb[1], "]."),
           cat_str(describe(a), " and ", describe(b)));
  return add_product("baddbmm", out, {sa[0], sa[1], sb[2]}, x, a, b, beta, alpha);
}
void baddbmm_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  if (c.needs(0)) c.set(0, ops::sum_to_size(scaled(c.grad(), c.arg<Scalar>(3)), c.sizes(0)));
  const Tensor g = c.needs(1) || c.needs(2) ? scaled(c.grad(), c.arg<Scalar>(4)) : Tensor();
  if (c.needs(1)) c.set(1, ops::bmm(g, ops::mH(c.input(2))));
  if (c.needs(2)) c.set(2, ops::bmm(ops::mH(c.input(1)), g));
}
const Op baddbmm_op(
    "baddbmm(Tensor input, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar alpha=1) -> "
    "Tensor",
    baddbmm_forward,
    {.vjp = baddbmm_vjp,
     .saves = "batch1/batch2 batch2/batch1",
     .inplace = true,
     .out = true,
     .kernels = {&matmul_kernel},
     .doc = RT_ADD_PRODUCT_DOC(
         "`beta * input + alpha * (batch1 @ batch2)` of batches of matrices.", "baddbmm",
         R"(>>> rt.baddbmm(rt.ones(1), rt.ones(2, 1, 3), rt.ones(2, 3, 1)).flatten()
tensor([4., 4.])
)")});

// ---- addbmm: the batch is summed, which is one product over batch and inner dim together ----

Tensor addbmm_forward(const Tensor& x, const Tensor& a, const Tensor& b, Scalar beta,
                      Scalar alpha) {
  check_batches("addbmm", a, b);
  const IntList sa = a.sizes(), sb = b.sizes();
  RT_CHECK(
      sa[0] == sb[0], Runtime, "addbmm",
      cat_str("batch1 and batch2 must have same number of batches, got ", sa[0], " and ", sb[0]));
  RT_CHECK(sa[2] == sb[1], Runtime, "addbmm",
           cat_str("Incompatible matrix sizes for bmm (", sa[1], "x", sa[2], " and ", sb[1], "x",
                   sb[2], ")"));
  const Tensor wide = ops::reshape(ops::transpose(a, 0, 1), {sa[1], sa[0] * sa[2]});
  return addmm_op(x, wide, ops::reshape(b, {sb[0] * sb[1], sb[2]}), beta, alpha);
}
const Op addbmm_op(
    "addbmm(Tensor input, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar alpha=1) -> "
    "Tensor",
    addbmm_forward,
    {.inplace = true,
     .out = true,
     .doc = RT_ADD_PRODUCT_DOC(
         "`beta * input + alpha * (the sum of the products of two batches of matrices)`.", "addbmm",
         R"(>>> rt.addbmm(rt.ones(1, 1), rt.ones(2, 1, 3), rt.ones(2, 3, 1))
tensor([[7.]])
)")});

// ---- addr ----

void check_scale(const char* name, DType type, const Scalar& scale) {
  RT_CHECK(type == DType::Bool || !scale.is_bool(), Runtime, "addr",
           cat_str("Boolean ", name, " only supported for Boolean results."),
           cat_str(name, "=", scale));
  RT_CHECK(is_floating(type) || is_complex(type) || scale.is_integral(), Runtime, "addr",
           cat_str("For integral input tensors, argument ", name,
                   " must not be a floating point number."),
           cat_str(name, "=", scale), "an integer");
}

Tensor addr_forward(const Tensor& x, const Tensor& a, const Tensor& b, Scalar beta, Scalar alpha) {
  RT_CHECK(a.dim() == 1, Runtime, "addr",
           cat_str("addr: Expected 1-D argument vec1, but got ", a.dim(), "-D"), describe(a));
  RT_CHECK(b.dim() == 1, Runtime, "addr",
           cat_str("addr: Expected 1-D argument vec2, but got ", b.dim(), "-D"), describe(b));
  const Tensor operands[] = {x, a, b};
  const DType type = result_type(TensorList(operands));
  check_scale("beta", type, beta);
  check_scale("alpha", type, alpha);
  check_scalars("addr", type, beta, alpha);
  const int64_t shape[] = {a.sizes()[0], b.sizes()[0]};
  const Tensor in = ops::expand(x, IntList(shape, 2));
  if (x.dtype() == DType::Bool && a.dtype() == DType::Bool && b.dtype() == DType::Bool) {
    // Sums and products of truth values, numbers being true unless zero.
    const Tensor none = ops::zeros(IntList(shape, 2), DType::Bool, x.device());
    return ops::logical_or(is_zero(beta) ? none : in, is_zero(alpha) ? none : ops::outer(a, b));
  }
  Tensor product = ops::outer(a, b);
  if (!is_one(alpha)) product = product * alpha;
  if (is_zero(beta)) return ops::to(product, result_type(x, product));
  return (is_one(beta) ? in : in * beta) + product;
}
const Op addr_op(
    "addr(Tensor input, Tensor vec1, Tensor vec2, *, Scalar beta=1, Scalar alpha=1) -> Tensor",
    addr_forward,
    {.inplace = true,
     .out = true,
     .doc = R"(`beta * input + alpha * outer(vec1, vec2)`; `input` broadcasts to the result.

Any dtypes, with type promotion. Follows `torch.addr`.

>>> rt.addr(rt.zeros(2, 2), rt.tensor([1., 2.]), rt.tensor([3., 4.]))
tensor([[3., 4.],
        [6., 8.]])
)"});

}  // namespace

namespace ops {

Tensor addmm(const Tensor& x, const Tensor& a, const Tensor& b, Scalar beta, Scalar alpha) {
  return addmm_op(x, a, b, beta, alpha);
}
Tensor baddbmm(const Tensor& x, const Tensor& a, const Tensor& b, Scalar beta, Scalar alpha) {
  return baddbmm_op(x, a, b, beta, alpha);
}
Tensor addmv(const Tensor& x, const Tensor& a, const Tensor& b, Scalar beta, Scalar alpha) {
  return addmv_op(x, a, b, beta, alpha);
}

}  // namespace ops
}  // namespace rt
