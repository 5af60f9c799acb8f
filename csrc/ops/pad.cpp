// nn.functional.pad: `pad` lists (left, right) of the last dim, then of the one before, and so on.
#include "ops/pad.h"

#include "autograd/vjp.h"
#include "ops/elementwise.h"
#include "ops/ops.h"

namespace rt {

namespace {

// The part of a window of `length` elements that both a tensor of n elements, `left` behind the
// start, and its padded form hold.
struct Overlap {
  int64_t from, to, length;
};
Overlap overlap(int64_t n, int64_t left, int64_t right) {
  const int64_t from = std::max<int64_t>(-left, 0), to = std::max<int64_t>(left, 0);
  return {from, to, n - from - std::max<int64_t>(-right, 0)};
}

Tensor constant_pad_forward(const Tensor& x, IntList pad, Scalar value) {
  RT_CHECK(pad.size() % 2 == 0, Runtime, "pad", "Padding length must be divisible by 2",
           cat_str(pad));
  RT_CHECK(pad.ssize() / 2 <= x.dim(), Runtime, "pad",
           cat_str("Padding length should be less than or equal to two times the input dimension "
                   "but got padding "
                   "length ",
                   pad.size(), " and input of dimension ", x.dim()));
  Dims sizes(x.sizes()), from_sizes(x.sizes());
  int64_t from = x.offset();
  Dims to_start(sizes.size(), 0);
  for (size_t i = 0; i < pad.size() / 2; ++i) {
    const size_t d = sizes.size() - 1 - i;
    const int64_t left = pad[2 * i], right = pad[2 * i + 1], n = sizes[d];
    sizes[d] = n + left + right;
    RT_CHECK(sizes[d] >= 0, Runtime, "pad",
             cat_str("The input size ", n, ", plus negative padding ", left, " and ", right,
                     " resulted in a negative output size, which is invalid. Check dimension ", d,
                     " of your input."));
    const Overlap o = overlap(n, left, right);
    from_sizes[d] = std::max<int64_t>(std::min(o.length, sizes[d] - o.to), 0);
    from += o.from * x.strides()[d];
    to_start[d] = o.to;
  }
  Tensor out = ops::full(sizes, value, x.dtype(), x.device());
  if (checked_numel(from_sizes, "pad") == 0) return out;
  int64_t to = 0;
  for (size_t d = 0; d < sizes.size(); ++d) to += to_start[d] * out.strides()[d];
  copy_kernel(out, make_view(out, from_sizes, out.strides(), to),
              make_view(x, from_sizes, x.strides(), from));
  return out;
}
void constant_pad_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  Dims back(c.arg<IntList>(1));
  for (int64_t& p : back) p = -p;
  c.set(0, ops::constant_pad(c.grad(), back, 0));
}
const Op constant_pad_op("constant_pad_nd(Tensor input, int[] pad, Scalar value=0) -> Tensor",
                         constant_pad_forward,
                         {.vjp = constant_pad_vjp,
                          .in = "rt",
                          .kernels = {&copy_kernel},
                          .doc = R"(A number put around a tensor; negative widths cut.

`pad` lists the widths before and after the last dim, then the one before it, and so on.
Follows `torch.constant_pad_nd`.

>>> rt.constant_pad_nd(rt.tensor([1, 2]), (1, 2))
tensor([0, 1, 2, 0, 0])
)"});
// ---- Paddings that repeat the input: made of its own slices, dim by dim ----

Tensor between(const Tensor& x, int64_t d, int64_t start, int64_t end) {
  return ops::slice(x, d, start, end);
}

Tensor reflected(const Tensor& x, int64_t d, int64_t left, int64_t right) {
  const int64_t n = x.sizes()[d];
  RT_CHECK(
      left < n && right < n, Runtime, "pad",
      cat_str(
          "Padding size should be less than the corresponding input dimension, but got: padding (",
          left, ", ", right, ") at dimension ", d, " of input ", x.sizes()));
  std::vector<Tensor> parts;
  if (left > 0) parts.push_back(ops::flip(between(x, d, 1, left + 1), {d}));
  parts.push_back(between(x, d, std::max<int64_t>(-left, 0), n - std::max<int64_t>(-right, 0)));
  if (right > 0) parts.push_back(ops::flip(between(x, d, n - 1 - right, n - 1), {d}));
  return parts.size() == 1 ? parts[0] : ops::cat(parts, d);
}
Tensor replicated(const Tensor& x, int64_t d, int64_t left, int64_t right) {
  const int64_t n = x.sizes()[d];
  std::vector<Tensor> parts;
  const auto edge = [&](int64_t at, int64_t width) {
    Dims sizes(x.sizes());
    sizes[d] = width;
    parts.push_back(ops::expand(between(x, d, at, at + 1), sizes));
  };
  if (left > 0) edge(0, left);
  parts.push_back(between(x, d, std::max<int64_t>(-left, 0), n - std::max<int64_t>(-right, 0)));
  if (right > 0) edge(n - 1, right);
  return parts.size() == 1 ? parts[0] : ops::cat(parts, d);
}
Tensor wrapped(const Tensor& x, int64_t d, int64_t left, int64_t right) {
  const int64_t n = x.sizes()[d];
  RT_CHECK(left <= n && right <= n, Runtime, "pad",
           "Padding value causes wrapping around more than once.",
           cat_str("padding (", left, ", ", right, ") of ", n));
  RT_CHECK(n + left + right >= 0, Runtime, "pad",
           "Negative padding value is resulting in an empty dimension");
  // Negative widths cut first: what is left is what repeats.
  const Tensor kept = between(x, d, std::max<int64_t>(-left, 0), n - std::max<int64_t>(-right, 0));
  const int64_t m = kept.sizes()[d];
  std::vector<Tensor> parts;
  if (left > 0) parts.push_back(between(kept, d, m - left, m));
  parts.push_back(kept);
  if (right > 0) parts.push_back(between(kept, d, 0, right));
  return parts.size() == 1 ? parts[0] : ops::cat(parts, d);
}

Tensor pad_forward(const Tensor& x, IntList pad, std::string_view mode,
                   std::optional<double> value) {
  if (mode == "constant") return constant_pad_op(x, pad, Scalar(value.value_or(0)));
  RT_CHECK(!value || *value == 0, Runtime, "pad",
           cat_str("Padding mode \"", mode, "\" doesn't take in value argument"));
  RT_CHECK(mode == "reflect" || mode == "replicate" || mode == "circular", NotImplemented, "pad",
           cat_str("Unrecognised padding mode ", mode), "",
           "constant, reflect, replicate or circular");
  const int64_t dims = pad.ssize() / 2;
  RT_CHECK(pad.size() % 2 == 0, Runtime, "pad", "Padding length must be divisible by 2",
           cat_str(pad));
  RT_CHECK(dims >= 1 && dims <= 3 && (x.dim() == dims + 1 || x.dim() == dims + 2), NotImplemented,
           "pad", "Only 2D, 3D, 4D, 5D padding with non-constant padding are supported for now",
           cat_str(pad.size(), " widths for ", describe(x)));
  Tensor out = x;
  for (int64_t i = 0; i < dims; ++i) {
    const int64_t d = x.dim() - 1 - i, left = pad[2 * i], right = pad[2 * i + 1];
    if (left == 0 && right == 0) continue;
    RT_CHECK(
        x.sizes()[d] > 0, Runtime, "pad",
        cat_str(
            "Expected input with non-zero size for non-batch dimensions, but got input of size: ",
            x.sizes()));
    out = mode == "reflect"     ? reflected(out, d, left, right)
          : mode == "replicate" ? replicated(out, d, left, right)
                                : wrapped(out, d, left, right);
  }
  return out.is_same(x) ? ops::clone(x) : ops::contiguous(out);
}
const Op pad_op(
    "pad(Tensor input, int[] pad, str mode='constant', float? value=None) -> Tensor", pad_forward,
    {.in = "nn.functional",
     .doc =
         R"(The input with a border: a constant, or its own values reflected, replicated or wrapped around.

`pad` lists the widths before and after the last dim, then the one before it, and so on; negative
widths cut. All modes but "constant" take 1 to 3 spatial dims. Follows `torch.nn.functional.pad`.

>>> rt.nn.functional.pad(rt.tensor([[1., 2., 3.]]), (1, 1), mode="reflect")
tensor([[2., 1., 2., 3., 2.]])
)"});

}  // namespace

namespace ops {

Tensor constant_pad(const Tensor& x, IntList pad, Scalar value) {
  return constant_pad_op(x, pad, value);
}
Tensor pad(const Tensor& x, IntList pad, std::string_view mode) {
  return pad_op(x, pad, mode, std::nullopt);
}

}  // namespace ops

}  // namespace rt
