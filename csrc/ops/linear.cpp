// The linear and bilinear maps of nn.functional.
#include "autograd/vjp.h"
#include "ops/elementwise.h"
#include "ops/matmul.h"
#include "ops/ops.h"

namespace rt {

namespace {

Dims lead(IntList sizes) { return Dims(sizes.slice(0, sizes.size() - 1)); }
int64_t count(IntList sizes) {
  int64_t n = 1;
  for (int64_t s : sizes) n *= s;
  return n;
}

Tensor rows_of(const Tensor& x) {
  return x.dim() == 2 ? x : ops::reshape(x, {count(lead(x.sizes())), x.sizes().back()});
}

// x W^T + bias. Where no kernel adds the bias, it is laid into the result before the product is.
Tensor linear_forward(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  RT_CHECK(x.dim() > 0 && weight.dim() > 0, Runtime, "linear",
           cat_str("both arguments to linear need to be at least 1D, but they are ", x.dim(),
                   "D and ", weight.dim(), "D"));
  RT_CHECK(weight.dim() == 2, Runtime, "linear",
           cat_str("t() expects a tensor with <= 2 dimensions, but self is ", weight.dim(), "D"),
           describe(weight));
  const int64_t out_features = weight.sizes()[0], in_features = weight.sizes()[1];
  RT_CHECK(x.sizes().back() == in_features, Runtime, "linear",
           cat_str("mat1 and mat2 shapes cannot be multiplied (", count(lead(x.sizes())), "x",
                   x.sizes().back(), " and ", in_features, "x", out_features, ")"),
           cat_str(describe(x), " and weight ", describe(weight)));
  RT_CHECK(x.dtype() == weight.dtype(), Runtime, "linear",
           cat_str("mat1 and mat2 must have the same dtype, but got ", name(x.dtype()), " and ",
                   name(weight.dtype())));
  RT_CHECK(!bias || bias.dtype() == x.dtype(), Runtime, "linear",
           cat_str("self and mat2 must have the same dtype, but got ",
                   bias ? name(bias.dtype()) : "", " and ", name(weight.dtype())));
  detail::check_product_dtype("linear", x.dtype());
  const Tensor all[] = {x, weight, bias};
  common_device("linear", std::span(all, bias ? 3 : 2));
  Dims shape = lead(x.sizes());
  shape.push_back(out_features);
  Tensor out = empty(shape, x.dtype(), x.device(), "linear");
  if (bias) {
    RT_CHECK(is_expandable_to(bias.sizes(), shape), Runtime, "linear",
             cat_str("The expanded size of the tensor (", out_features,
                     ") must match the existing size (", bias.dim() ? bias.sizes().back() : 1,
                     ") at non-singleton dimension ", shape.ssize() - 1, ".  Target sizes: ", shape,
                     ".  Tensor sizes: ", bias.sizes()));
  }
  const Tensor turned = make_view(weight, {in_features, out_features},
                                  {weight.strides()[1], weight.strides()[0]}, weight.offset());
  const int64_t rows = count(lead(x.sizes()));
  const auto product = [&](const Tensor& to, const Tensor& matrix) {
    if (bias && detail::adds_bias(to, matrix, turned, bias)) {
      return matmul_bias_kernel(to, to, matrix, turned, bias);
    }
    if (bias) copy_kernel(out, out, bias);
    matmul_kernel(to, to, matrix, turned, bias ? 1 : 0, 1);
  };
  if (x.dim() == 2) {
    product(out, x);
    return out;
  }
  Dims strides;
  Tensor flat;
  if (view_strides(x.sizes(), x.strides(), Dims{rows, in_features}, &strides)) {
    flat = make_view(x, {rows, in_features}, strides, x.offset());
  } else {
    const Tensor dense = empty(x.sizes(), x.dtype(), x.device(), "linear");
    copy_kernel(dense, dense, x);
    flat = make_view(dense, {rows, in_features}, {in_features, 1}, dense.offset());
  }
  const Tensor out_flat = make_view(out, {rows, out_features}, {out_features, 1}, out.offset());
  product(out_flat, flat);
  return out;
}
void linear_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const Tensor& g = c.grad();
  if (c.needs(0)) c.set(0, ops::matmul(g, ops::conj(c.input(1))));
  if (c.needs(1)) c.set(1, ops::mm(ops::mT(rows_of(g)), ops::conj(rows_of(c.input(0)))));
  if (c.needs(2)) c.set(2, ops::sum_to_size(g, c.sizes(2)));
}
const Op linear_matrix_op("_linear(Tensor input, Tensor weight, Tensor? bias) -> Tensor",
                          linear_forward,
                          {.vjp = linear_vjp,
                           .saves = "input/weight weight/input",
                           .in = "",
                           .kernels = {&matmul_kernel}});

Tensor linear_any_forward(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  if (weight.dim() != 1 || x.dim() == 0) return linear_matrix_op(x, weight, bias);
  RT_CHECK(!bias, Runtime, "linear", "mat2 must be a matrix, got 1-D tensor", describe(weight),
           "bias=None");
  return ops::matmul(x, weight);
}
const Op linear_op("linear(Tensor input, Tensor weight, Tensor? bias=None) -> Tensor",
                   linear_any_forward,
                   {.in = "nn.functional",
                    .out = true,
                    .doc = R"(The linear map `input @ weight.T + bias` of the last dim.

`input` is (..., in), `weight` (out, in) or (in,), `bias` (out,); the result is (..., out), or (...) for a
vector weight. Follows `torch.nn.functional.linear`.

>>> rt.nn.functional.linear(rt.tensor([1., 2.]), rt.tensor([[1., 1.], [0., 1.]]), rt.tensor([0.5, 0.]))
tensor([3.5000, 2.0000])
)"});

// ---- bilinear: y[k] = x1^T W[k] x2 + b[k] ----

Tensor bilinear_forward(const Tensor& x1, const Tensor& x2, const Tensor& weight,
                        const Tensor& bias) {
  RT_CHECK(x1.dim() == x2.dim(), Runtime, "bilinear",
           cat_str("bilinear(): input dimensions do not match: got ", x1.dim(), " and ", x2.dim()));
  for (int64_t d = 0; d + 1 < x1.dim(); ++d) {
    RT_CHECK(x1.sizes()[d] == x2.sizes()[d], Runtime, "bilinear",
             cat_str("bilinear(): input batch dimensions do not match at dim ", d, ": got ",
                     x1.sizes()[d], " and ", x2.sizes()[d]));
  }
  wrap_dim(2, weight.dim(), "bilinear");
  const int64_t outs = weight.size(0), in1 = weight.size(1), in2 = weight.size(2);
  RT_CHECK(x1.size(-1) == in1, Runtime, "bilinear",
           cat_str("bilinear(): input1 size does not match weight size: got ", x1.size(-1),
                   " but expected ", in1));
  RT_CHECK(x2.size(-1) == in2, Runtime, "bilinear",
           cat_str("bilinear(): input2 size does not match weight size: got ", x2.size(-1),
                   " but expected ", in2));
  RT_CHECK(!bias || bias.numel() == outs, Runtime, "bilinear",
           cat_str("bilinear(): bias size does not match weight size: got ",
                   bias ? bias.numel() : 0, " but expected ", outs));
  Dims shape = lead(x1.sizes());
  const int64_t n = count(shape);
  // x1 with all W[k] at once, then each row of that with its row of x2.
  const Tensor flat = ops::reshape(ops::permute(weight, {1, 0, 2}), {in1, outs * in2});
  const Tensor left = ops::reshape(ops::mm(rows_of(x1), flat), {n, outs, in2});
  shape.push_back(outs);
  const Tensor y = ops::reshape(ops::bmm(left, ops::unsqueeze(rows_of(x2), 2)), shape);
  return bias ? y + bias : y;
}
const Op bilinear_op(
    "bilinear(Tensor input1, Tensor input2, Tensor weight, Tensor? bias=None) -> Tensor",
    bilinear_forward,
    {.in = "nn.functional",
     .doc = R"(The bilinear map `y[k] = input1 @ weight[k] @ input2 + bias[k]` of the last dims.

`input1` is (..., in1), `input2` (..., in2), `weight` (out, in1, in2), `bias` (out,); the result is
(..., out). Follows `torch.nn.functional.bilinear`.

>>> rt.nn.functional.bilinear(rt.ones(2), rt.ones(3), rt.ones(1, 2, 3))
tensor([6.])
)"});

}  // namespace

namespace ops {

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  return linear_op(x, weight, bias);
}

}  // namespace ops
}  // namespace rt
