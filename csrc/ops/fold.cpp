#include "ops/fold.h"

#include "autograd/vjp.h"
#include "ops/elementwise.h"
#include "ops/ops.h"

namespace rt {

KernelSlot<void(const Tensor&, const Tensor&, const FoldGeometry&)> unfold_kernel{"unfold"},
    fold_kernel{"fold"};

namespace {

Tensor columns_of(const Tensor& x, IntList kernel, IntList dilation, IntList padding,
                  IntList stride);
Tensor image_of(const Tensor& columns, IntList size, IntList kernel, IntList dilation,
                IntList padding, IntList stride);

// (n, c, h, w) -> (n, c * kernel, windows)
Tensor unfold_forward(const Tensor& x, IntList kernel, IntList dilation, IntList padding,
                      IntList stride) {
  NoGradGuard guard;
  const FoldGeometry g{x.sizes()[2], x.sizes()[3], kernel, dilation, padding, stride};
  const Tensor out =
      empty({x.sizes()[0], x.sizes()[1] * kernel[0] * kernel[1], g.windows(0) * g.windows(1)},
            x.dtype(), x.device(), "unfold");
  if (out.numel() > 0) unfold_kernel(out, out, ops::contiguous(x), g);
  return out;
}
void unfold_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  c.set(0, image_of(c.grad(), c.sizes(0).slice(2, 2), c.arg<IntList>(1), c.arg<IntList>(2),
                    c.arg<IntList>(3), c.arg<IntList>(4)));
}
const Op columns_op(
    "_window_columns(Tensor input, int[] kernel, int[] dilation, int[] padding, int[] stride) -> "
    "Tensor",
    unfold_forward, {.vjp = unfold_vjp, .in = "", .kernels = {&unfold_kernel}});

Tensor fold_forward(const Tensor& columns, IntList size, IntList kernel, IntList dilation,
                    IntList padding, IntList stride) {
  NoGradGuard guard;
  const FoldGeometry g{size[0], size[1], kernel, dilation, padding, stride};
  const DType wide = compute_type(columns.dtype());
  const Tensor out = ops::zeros(
      {columns.sizes()[0], columns.sizes()[1] / (kernel[0] * kernel[1]), size[0], size[1]}, wide,
      columns.device());
  if (columns.numel() > 0) fold_kernel(out, out, ops::contiguous(ops::to(columns, wide)), g);
  return ops::to(out, columns.dtype());
}
void fold_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  c.set(0, columns_of(c.grad(), c.arg<IntList>(2), c.arg<IntList>(3), c.arg<IntList>(4),
                      c.arg<IntList>(5)));
}
const Op image_op(
    "_columns_image(Tensor columns, int[] size, int[] kernel, int[] dilation, int[] padding, int[] "
    "stride) -> Tensor",
    fold_forward, {.vjp = fold_vjp, .in = "", .kernels = {&fold_kernel}});

Tensor columns_of(const Tensor& x, IntList kernel, IntList dilation, IntList padding,
                  IntList stride) {
  return columns_op(x, kernel, dilation, padding, stride);
}
Tensor image_of(const Tensor& columns, IntList size, IntList kernel, IntList dilation,
                IntList padding, IntList stride) {
  return image_op(columns, size, kernel, dilation, padding, stride);
}

// ---- The public ops ----

Dims pair(const char* op, const char* what, IntList given, int64_t least) {
  RT_CHECK(given.size() == 2 || given.size() == 1, Runtime, op,
           cat_str("It is expected ", what, " equals to 2, but got size ", given.size()));
  const Dims p{given[0], given.back()};
  RT_CHECK(p[0] >= least && p[1] >= least, Runtime, op,
           cat_str(what,
                   least > 0 ? " should be greater than zero, but got "
                             : " should be non-negative, but got ",
                   p));
  return p;
}

Tensor unfold(const Tensor& x, IntList kernel_size, IntList dilation, IntList padding,
              IntList stride) {
  const char* op = "unfold";
  RT_CHECK(x.dim() >= 3, Index, op,
           "Expected 3D or 4D (batch mode) tensor: the dims are out of range", describe(x));
  const Dims k = pair(op, "kernel_size", kernel_size, 1), d = pair(op, "dilation", dilation, 1),
             p = pair(op, "padding", padding, 0), s = pair(op, "stride", stride, 1);
  bool filled = x.dim() <= 4;
  for (int64_t i = x.dim() - 3; filled && i < x.dim(); ++i) filled = x.sizes()[i] > 0;
  RT_CHECK(filled, Runtime, op,
           cat_str("Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other "
                   "non-zero dimensions for "
                   "input, but got: ",
                   x.sizes()));
  if (is_integral(x.dtype())) not_implemented_for(op, x);
  const FoldGeometry g{x.sizes()[x.dim() - 2], x.sizes()[x.dim() - 1], k, d, p, s};
  RT_CHECK(g.windows(0) > 0 && g.windows(1) > 0, Runtime, op,
           cat_str("Given input with spatial size ", IntList({g.height, g.width}),
                   ", kernel_size=", k, ", dilation=", d, ", padding=", p,
                   ", calculated shape of the array of sliding blocks as ",
                   Dims{g.windows(0), g.windows(1)}, ", but its components must be at least one."));
  const bool batched = x.dim() == 4;
  const Tensor columns = columns_of(batched ? x : ops::unsqueeze(x, 0), k, d, p, s);
  return batched ? columns : ops::reshape(columns, columns.sizes().slice(1, 2));
}
const Op unfold_op(
    "unfold.columns(Tensor input, int[2] kernel_size, int[2] dilation=1, int[2] padding=0, int[2] "
    "stride=1) -> Tensor",
    unfold,
    {.in = "nn.functional",
     .doc = R"(The windows of (N, C, H, W) or (C, H, W) as columns: (N, C * KH * KW, windows).

Beyond the edges, by `padding`, are zeros. All dtypes but integers. Follows
`torch.nn.functional.unfold`.

>>> nn.functional.unfold(rt.arange(4.0).reshape(1, 1, 2, 2), 2).flatten()
tensor([0., 1., 2., 3.])
)"});

Tensor fold(const Tensor& x, IntList output_size, IntList kernel_size, IntList dilation,
            IntList padding, IntList stride) {
  const char* op = "fold";
  const Dims out = pair(op, "output_size", output_size, 1),
             k = pair(op, "kernel_size", kernel_size, 1), d = pair(op, "dilation", dilation, 1),
             p = pair(op, "padding", padding, 0), s = pair(op, "stride", stride, 1);
  RT_CHECK((x.dim() == 2 || x.dim() == 3) && x.size(-1) > 0 && x.size(-2) > 0, Runtime, op,
           cat_str("Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and "
                   "non-zero dimensions "
                   "for input, but got: ",
                   x.sizes()));
  if (is_integral(x.dtype())) not_implemented_for(op, x);
  int64_t window;
  RT_CHECK(!__builtin_mul_overflow(k[0], k[1], &window), Runtime, op,
           cat_str("Given kernel_width = ", k[1], " and kernel_height = ", k[0],
                   " the product of kernel_width and kernel_height overflowed."));
  RT_CHECK(x.size(-2) % window == 0, Runtime, op,
           cat_str("Expected size of input's dimension 1 to be divisible by the product of "
                   "kernel_size, but got "
                   "input.size(1)=",
                   x.size(-2), " and kernel_size=", k, "."));
  const FoldGeometry g{out[0], out[1], k, d, p, s};
  const int64_t windows = g.windows(0) * g.windows(1);
  RT_CHECK(windows == x.size(-1), Runtime, op,
           cat_str("Given output_size=", out, ", kernel_size=", k, ", dilation=", d,
                   ", padding=", p, ", stride=", s,
                   ", expected size of input's dimension 2 to match the calculated number of "
                   "sliding blocks ",
                   g.windows(0), " * ", g.windows(1), " = ", windows,
                   ", but got input.size(2)=", x.size(-1), "."));
  const bool batched = x.dim() == 3;
  const Tensor image = image_of(batched ? x : ops::unsqueeze(x, 0), out, k, d, p, s);
  return batched ? image : ops::reshape(image, image.sizes().slice(1, 3));
}
const Op fold_op(
    "fold(Tensor input, int[2] output_size, int[2] kernel_size, int[2] dilation=1, int[2] "
    "padding=0, "
    "int[2] stride=1) -> Tensor",
    fold,
    {.in = "nn.functional",
     .doc =
         R"(Columns (N, C * KH * KW, windows) added into an image (N, C, H, W): the transpose of `unfold`.

Also (C * KH * KW, windows) without a batch. RuntimeError where the number of windows does not fit.
Follows `torch.nn.functional.fold`.

>>> nn.functional.fold(rt.ones(1, 4, 1), 2, 2)
tensor([[[[1., 1.],
          [1., 1.]]]])
)"});

}  // namespace

}  // namespace rt
