#include "ops/softmax.h"

#include "autograd/vjp.h"
#include "ops/index_support.h"
#include "ops/kernel_dtype.h"
#include "ops/ops.h"
#include "ops/softmax_kernels.h"

namespace rt {

SoftmaxKernel softmax_kernel{"softmax"};

namespace {

void check_type(const char* op, DType t) {
  RT_CHECK(is_floating(t), NotImplemented, op,
           cat_str("\"", op, "_kernel_impl\" not implemented for '", torch_type_name(t), "'"),
           name(t), "dtype=rustorch.float32");
}

// x in the kernel's type, with the result's memory; both contiguous.
Tensor run(SoftmaxStep step, const char* op, const Tensor& a, const Tensor& b, int64_t dim,
           DType type) {
  const int64_t d = wrap_dim(dim, a.dim(), op);
  const DType compute = kernel_dtype(type, a.device());
  const Tensor x = ops::contiguous(ops::to(a, compute));
  const Tensor y = b.defined() ? ops::contiguous(ops::to(b, compute)) : x;
  Tensor r = empty(a.sizes(), compute, a.device(), op);
  if (r.numel() > 0) softmax_kernel(r, step, x, y, d, r);
  return ops::to(r, type);
}

template <bool kLog>
Tensor forward(const Tensor& x, int64_t dim, std::optional<DType> dtype) {
  const char* op = kLog ? "log_softmax" : "softmax";
  const DType type = dtype.value_or(x.dtype());
  check_type(op, type);
  // A narrower type rounds the input first.
  const Tensor in = dtype && item_size(type) < x.item_size() ? ops::to(x, type) : x;
  return run(kLog ? SoftmaxStep::LogForward : SoftmaxStep::Forward, op, in, {}, dim, type);
}
Tensor softmax_forward(const Tensor& x, int64_t dim, std::optional<DType> dtype) {
  return forward<false>(x, dim, dtype);
}
Tensor log_softmax_forward(const Tensor& x, int64_t dim, std::optional<DType> dtype) {
  return forward<true>(x, dim, dtype);
}
Tensor softmax_backward_forward(const Tensor& g, const Tensor& y, int64_t dim) {
  return run(SoftmaxStep::Backward, "softmax_backward", g, y, dim, y.dtype());
}
Tensor log_softmax_backward_forward(const Tensor& g, const Tensor& y, int64_t dim) {
  return run(SoftmaxStep::LogBackward, "log_softmax_backward", g, y, dim, y.dtype());
}

void softmax_vjp(VjpContext& c) {
  if (c.has_grad())
    c.set(0,
          ops::to(ops::softmax_backward(c.grad(), c.result(), c.arg<int64_t>(1)), c.meta(0).dtype));
}
void log_softmax_vjp(VjpContext& c) {
  if (c.has_grad())
    c.set(0, ops::to(ops::log_softmax_backward(c.grad(), c.result(), c.arg<int64_t>(1)),
                     c.meta(0).dtype));
}
// y * (g - sum(g y)): linear in g, and the same map is its own transpose.
void softmax_backward_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const Tensor h = c.grad(), g = c.input(0), y = c.input(1);
  const int64_t dim = c.arg<int64_t>(2);
  if (c.needs(0)) c.set(0, ops::softmax_backward(h, y, dim));
  if (c.needs(1)) {
    const Tensor gy = ops::sum(g * y, {dim}, true), hy = ops::sum(h * y, {dim}, true);
    c.set(1, h * (g - gy) - g * hy);
  }
}
void log_softmax_backward_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const Tensor h = c.grad(), g = c.input(0);
  const int64_t dim = c.arg<int64_t>(2);
  const Tensor p = ops::exp(c.input(1));
  const Tensor hp = ops::sum(h * p, {dim}, true);
  if (c.needs(0)) c.set(0, h - hp);
  if (c.needs(1)) c.set(1, -(h * p) * ops::sum(g, {dim}, true));
}

const Op softmax_op("softmax.int(Tensor input, int dim, DType? dtype=None) -> Tensor",
                    softmax_forward,
                    {.vjp = softmax_vjp,
                     .saves = "result",
                     .in = "rt Tensor special",
                     .out = true,
                     .kernels = {&softmax_kernel},
                     .doc = R"(exp(x) divided by its sum along `dim`, computed without overflow.

Floating point tensors; `dtype` converts the input first. Follows `torch.softmax`.

>>> rt.softmax(rt.tensor([0., 0.]), 0)
tensor([0.5000, 0.5000])
)"});
const Op log_softmax_op(
    "log_softmax.int(Tensor input, int dim, DType? dtype=None) -> Tensor", log_softmax_forward,
    {.vjp = log_softmax_vjp,
     .saves = "result",
     .in = "rt Tensor special",
     .out = true,
     .kernels = {&softmax_kernel},
     .doc = R"(The logarithm of softmax along `dim`, exact where softmax itself underflows.

Floating point tensors; `dtype` converts the input first. Follows `torch.log_softmax`.

>>> rt.log_softmax(rt.tensor([0., 0.]), 0)
tensor([-0.6931, -0.6931])
)"});
const Op softmax_backward_op("_softmax_backward(Tensor grad, Tensor result, int dim) -> Tensor",
                             softmax_backward_forward,
                             {.vjp = softmax_backward_vjp, .saves = "grad result", .in = ""});
const Op log_softmax_backward_op(
    "_log_softmax_backward(Tensor grad, Tensor result, int dim) -> Tensor",
    log_softmax_backward_forward,
    {.vjp = log_softmax_backward_vjp, .saves = "grad result", .in = ""});

// ---- nn.functional: dim may be left out, in old code ----

int64_t legacy_dim(const Tensor& x, std::optional<int64_t> dim) {
  return dim.value_or(x.dim() == 0 || x.dim() == 1 || x.dim() == 3 ? 0 : 1);
}
Tensor softmax_layer(const Tensor& x, std::optional<int64_t> dim, int64_t,
                     std::optional<DType> dtype) {
  return softmax_op(x, legacy_dim(x, dim), dtype);
}
Tensor log_softmax_layer(const Tensor& x, std::optional<int64_t> dim, int64_t,
                         std::optional<DType> dtype) {
  return log_softmax_op(x, legacy_dim(x, dim), dtype);
}
const Op softmax_layer_op(
    "softmax(Tensor input, int? dim=None, int _stacklevel=3, DType? dtype=None) -> Tensor",
    softmax_layer, {.in = "nn.functional", .doc = R"(exp(x) divided by its sum along `dim`.

Without `dim`: 0 for tensors of 0, 1 or 3 dims, else 1. Follows `torch.nn.functional.softmax`.

>>> nn.functional.softmax(rt.tensor([0., 0.]), dim=0)
tensor([0.5000, 0.5000])
)"});
const Op log_softmax_layer_op(
    "log_softmax(Tensor input, int? dim=None, int _stacklevel=3, DType? dtype=None) -> Tensor",
    log_softmax_layer, {.in = "nn.functional", .doc = R"(The logarithm of softmax along `dim`.

Without `dim`: 0 for tensors of 0, 1 or 3 dims, else 1. Follows `torch.nn.functional.log_softmax`.

>>> nn.functional.log_softmax(rt.tensor([0., 0.]), dim=0)
tensor([-0.6931, -0.6931])
)"});

}  // namespace

namespace ops {

Tensor softmax(const Tensor& x, int64_t dim, std::optional<DType> dtype) {
  return softmax_op(x, dim, dtype);
}
Tensor log_softmax(const Tensor& x, int64_t dim, std::optional<DType> dtype) {
  return log_softmax_op(x, dim, dtype);
}
Tensor softmax_backward(const Tensor& g, const Tensor& y, int64_t dim) {
  return softmax_backward_op(g, y, dim);
}
Tensor log_softmax_backward(const Tensor& g, const Tensor& y, int64_t dim) {
  return log_softmax_backward_op(g, y, dim);
}

}  // namespace ops
}  // namespace rt
