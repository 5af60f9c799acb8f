// Layer and root-mean-square normalization: rows of the last dims.
#include "autograd/vjp.h"
#include "ops/elementwise.h"
#include "ops/kernel_dtype.h"
#include "ops/norm_kernels.h"
#include "ops/norm_support.h"
#include "ops/ops.h"
#include "ops/promotion.h"

namespace rt {

RowNormKernel row_norm_kernel{"row_norm"};
RowNormBackward row_norm_backward_kernel{"row_norm_backward"};

namespace {

void check_shapes(const char* op, const Tensor& x, IntList shape, const Tensor& weight,
                  const Tensor& bias) {
  RT_CHECK(!shape.empty(), Runtime, op,
           "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one "
           "element",
           cat_str("normalized_shape = ", shape));
  for (const Tensor* t : {&weight, &bias}) {
    RT_CHECK(!t->defined() || t->sizes() == shape, Runtime, op,
             cat_str("Expected ", t == &weight ? "weight" : "bias",
                     " to be of same shape as normalized_shape"),
             cat_str(describe(*t), " and normalized_shape = ", shape));
  }
  const int64_t lead = x.dim() - shape.ssize();
  RT_CHECK(lead >= 0 && x.sizes().slice(static_cast<size_t>(std::max<int64_t>(lead, 0)),
                                        shape.size()) == shape,
           Runtime, op,
           cat_str("Given normalized_shape=", shape, ", expected input with a shape that ends so"),
           describe(x));
}

// A tensor as the kernel wants it; undefined stays undefined.
Tensor rows_of(const Tensor& t, IntList shape, DType compute) {
  return t.defined() ? ops::reshape(ops::contiguous(ops::to(t, compute)), shape) : t;
}

// The one type of weight and bias: the values' own, or the compute type where one has that.
DType weight_type(const Tensor& weight, const Tensor& bias, DType type, DType compute) {
  for (const Tensor* t : {&weight, &bias}) {
    if (t->defined() && t->dtype() != type) return compute;
  }
  return type;
}

struct Rows {
  int64_t count, width;
};
Rows rows(IntList sizes, IntList shape) {
  int64_t width = 1, count = 1;
  for (size_t d = 0; d < sizes.size(); ++d)
    (d + shape.size() < sizes.size() ? count : width) *= sizes[d];
  return {count, width};
}

// (result, mean, rstd); mean is empty without centring.
using Three = std::tuple<Tensor, Tensor, Tensor>;

Three forward(const char* op, const Tensor& x, IntList shape, const Tensor& weight,
              const Tensor& bias, double eps, bool center) {
  const auto [count, width] = rows(x.sizes(), shape);
  const DType compute = compute_type(x.dtype()), type = kernel_dtype(x.dtype(), x.device());
  const DType of_weight = weight_type(weight, bias, type, compute);
  const Tensor out = empty({count, width}, type, x.device(), op);
  const Tensor mean = center ? ops::zeros({count}, compute, x.device()) : Tensor();
  const Tensor rstd = ops::zeros({count}, compute, x.device());
  if (out.numel() > 0) {
    row_norm_kernel(out, rows_of(x, {count, width}, type), rows_of(weight, {width}, of_weight),
                    rows_of(bias, {width}, of_weight), eps, out, mean, rstd);
  }
  return {ops::reshape(ops::to(out, x.dtype()), x.sizes()),
          center ? mean : empty({0}, compute, x.device(), op), rstd};
}
Three layer_norm_forward(const Tensor& x, IntList shape, const Tensor& weight, const Tensor& bias,
                         double eps) {
  return forward("layer_norm", x, shape, weight, bias, eps, true);
}
Three rms_norm_forward(const Tensor& x, IntList shape, const Tensor& weight, double eps) {
  return forward("rms_norm", x, shape, weight, {}, eps, false);
}

Dims last_dims(IntList shape) {
  Dims dims;
  for (int64_t d = -shape.ssize(); d < 0; ++d) dims.push_back(d);
  return dims;
}

// The gradients as compositions of ops, for when they are to be differentiated again.
void composed_vjp(VjpContext& c, bool center, double eps) {
  const DType compute = compute_type(c.meta(0).dtype);
  const Tensor x = ops::to(c.input(0), compute), g = ops::to(c.grad(), compute);
  const IntList shape = c.arg<IntList>(1);
  const Dims dims = last_dims(shape);
  const Tensor d = center ? x - ops::mean(x, dims, true) : x;
  const Tensor rstd = ops::rsqrt(ops::mean(d * d, dims, true) + Scalar(eps));
  const Tensor z = d * rstd;
  const Tensor h = c.has_input(2) ? g * ops::to(c.input(2), compute) : g;
  if (c.needs(0)) {
    Tensor r = h - z * ops::mean(h * z, dims, true);
    if (center) r = r - ops::mean(h, dims, true);
    c.set(0, ops::to(r * rstd, c.meta(0).dtype));
  }
  if (c.needs(2)) c.set(2, ops::to(ops::sum_to_size(g * z, shape), c.meta(2).dtype));
  if (center && c.needs(3)) c.set(3, ops::to(ops::sum_to_size(g, shape), c.meta(3).dtype));
}

void norm_vjp(VjpContext& c, bool center, double eps) {
  if (!c.has_grad()) return;
  if (modes().grad) return composed_vjp(c, center, eps);
  const IntList shape = c.arg<IntList>(1);
  const auto [count, width] = rows(c.sizes(0), shape);
  const Tensor input = c.input(0);
  const DType compute = compute_type(input.dtype());
  const DType type = kernel_dtype(input.dtype(), input.device());
  const Tensor x = rows_of(input, {count, width}, type),
               g = rows_of(c.grad(), {count, width}, type);
  const Tensor given = c.has_input(2) ? c.input(2) : Tensor();
  const Tensor weight = rows_of(given, {width}, weight_type(given, {}, type, compute));
  const Tensor gx = c.needs(0) ? empty({count, width}, type, x.device()) : Tensor();
  const Tensor gw = c.needs(2) ? ops::zeros({width}, compute, x.device()) : Tensor();
  const Tensor gb = center && c.needs(3) ? ops::zeros({width}, compute, x.device()) : Tensor();
  if (x.numel() > 0) {
    row_norm_backward_kernel(x, g, x, weight, center ? c.result(1) : Tensor(), c.result(2), gx, gw,
                             gb);
  }
  if (gx.defined()) c.set(0, ops::reshape(ops::to(gx, c.meta(0).dtype), c.sizes(0)));
  if (gw.defined()) c.set(2, ops::reshape(ops::to(gw, c.meta(2).dtype), shape));
  if (gb.defined()) c.set(3, ops::reshape(ops::to(gb, c.meta(3).dtype), shape));
}
void layer_norm_vjp(VjpContext& c) { norm_vjp(c, true, c.arg<double>(4)); }
void rms_norm_vjp(VjpContext& c) { norm_vjp(c, false, c.arg<double>(3)); }

const Op native_layer_norm_op(
    "_native_layer_norm(Tensor input, int[] normalized_shape, Tensor? weight, Tensor? bias, float "
    "eps) -> (Tensor "
    "out, Tensor mean, Tensor rstd)",
    layer_norm_forward,
    {.vjp = layer_norm_vjp,
     .saves = "input weight mean rstd",
     .in = "",
     .kernels = {&row_norm_kernel, &row_norm_backward_kernel}});
const Op native_rms_norm_op(
    "_native_rms_norm(Tensor input, int[] normalized_shape, Tensor? weight, float eps) -> (Tensor "
    "out, Tensor mean, "
    "Tensor rstd)",
    rms_norm_forward,
    {.vjp = rms_norm_vjp,
     .saves = "input weight mean rstd",
     .in = "",
     .kernels = {&row_norm_kernel, &row_norm_backward_kernel}});

Tensor layer_norm(const Tensor& x, IntList shape, const Tensor& weight, const Tensor& bias,
                  double eps) {
  check_shapes("layer_norm", x, shape, weight, bias);
  const Tensor parameters[] = {weight, bias};
  check_norm_types("layer_norm", x, parameters);
  return std::get<0>(native_layer_norm_op(x, shape, weight, bias, eps));
}
Tensor layer_norm_full(const Tensor& x, IntList shape, const Tensor& weight, const Tensor& bias,
                       double eps, bool) {
  return layer_norm(x, shape, weight, bias, eps);
}
const Op layer_norm_op(
    "layer_norm(Tensor input, int[] normalized_shape, Tensor? weight=None, Tensor? bias=None, "
    "float eps=1e-5) -> "
    "Tensor",
    layer_norm,
    {.in = "nn.functional",
     .doc = R"(Each sample shifted and scaled to mean 0 and variance 1 over the last dims, then
`* weight + bias`.

`normalized_shape`: the sizes of those dims, and of weight and bias. float16 and bfloat16 are computed
in float32. Follows `torch.nn.functional.layer_norm` (Ba, Kiros and Hinton, 2016, arXiv:1607.06450).

>>> nn.functional.layer_norm(rt.tensor([[1., 3.]]), [2], eps=0.0)
tensor([[-1.,  1.]])
)"});
const Op layer_norm_full_op(
    "layer_norm.full(Tensor input, int[] normalized_shape, Tensor? weight=None, Tensor? bias=None, "
    "float eps=1e-5, "
    "bool cudnn_enable=True) -> Tensor",
    layer_norm_full, {.in = "rt", .doc = R"(Layer normalization; see `nn.functional.layer_norm`.

Follows `torch.layer_norm`.

>>> rt.layer_norm(rt.tensor([[1., 3.]]), [2], eps=0.0)
tensor([[-1.,  1.]])
)"});

double machine_epsilon(DType t) { return real_of(t) == DType::Float64 ? 0x1p-52 : 0x1p-23; }

Tensor rms_norm(const Tensor& x, IntList shape, const Tensor& weight, std::optional<double> eps) {
  check_shapes("rms_norm", x, shape, weight, {});
  if (!is_differentiable(x.dtype())) not_implemented_for("rms_norm", x);
  const double e = eps.value_or(machine_epsilon(x.dtype()));
  const DType type = weight.defined() ? result_type(x, weight) : x.dtype();
  if (!is_complex(type)) {
    return ops::to(std::get<0>(native_rms_norm_op(ops::to(x, type), shape, weight, e)), x.dtype());
  }
  const Tensor r = x * ops::rsqrt(ops::mean(x * x, last_dims(shape), true) + Scalar(e));
  return ops::to(weight.defined() ? r * weight : r, x.dtype());
}
const Op rms_norm_op(
    "rms_norm(Tensor input, int[] normalized_shape, Tensor? weight=None, float? eps=None) -> "
    "Tensor",
    rms_norm,
    {.in = "rt nn.functional",
     .doc = R"(Each sample divided by its root mean square over the last dims, then `* weight`.

`eps`, added to the mean square, is by default the distance from 1 to the next number of the type it is
computed in (float32 for float16 and bfloat16). Follows `torch.nn.functional.rms_norm` (Zhang and
Sennrich, 2019, arXiv:1910.07467).

>>> rt.rms_norm(rt.tensor([[3., 3.]]), [2])
tensor([[1., 1.]])
)"});

}  // namespace

}  // namespace rt
