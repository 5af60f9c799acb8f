// Other shapes of the same elements: flattened, named by another tensor, dims moved, other dtypes.
#include "ops/reshape.h"

#include "autograd/vjp.h"
#include "ops/elementwise.h"
#include "ops/ops.h"

namespace rt {

namespace {

Tensor flatten_forward(const Tensor& x, int64_t start_dim, int64_t end_dim) {
  const int64_t first = wrap_dim(start_dim, x.dim(), "flatten"),
                last = wrap_dim(end_dim, x.dim(), "flatten");
  RT_CHECK(first <= last, Runtime, "flatten",
           "flatten() has invalid args: start_dim cannot come after end_dim",
           cat_str(start_dim, " and ", end_dim));
  if (x.dim() == 0) return ops::reshape(x, {1});
  if (first == last) return x;
  Dims sizes;
  int64_t merged = 1;
  for (int64_t d = 0; d < x.dim(); ++d) {
    if (d < first || d > last) {
      sizes.push_back(x.sizes()[d]);
      continue;
    }
    merged *= x.sizes()[d];
    if (d == last) sizes.push_back(merged);
  }
  return ops::reshape(x, sizes);
}
const Op flatten_op(
    "flatten(Tensor input, int start_dim=0, int end_dim=-1) -> Tensor", flatten_forward,
    {.doc = R"(The dims from `start_dim` to `end_dim` made one: a view where possible, else a copy.

Follows `torch.flatten`.

>>> rt.flatten(rt.tensor([[1, 2], [3, 4]]))
tensor([1, 2, 3, 4])
)"});

Tensor unflatten_forward(const Tensor& x, int64_t dim, IntList shape) {
  RT_CHECK(!shape.empty(), Runtime, "unflatten", "unflatten: sizes must be non-empty");
  const int64_t d = wrap_dim(dim, x.dim(), "unflatten");
  RT_CHECK(x.dim() > 0, Index, "unflatten",
           "Dimension specified as 0 but tensor has no dimensions");
  int64_t product = 1, unknown = -1;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == -1 && unknown < 0) {
      unknown = static_cast<int64_t>(i);
    } else {
      product *= shape[i];
    }
  }
  const int64_t n = x.sizes()[d];
  const bool fits = unknown < 0 ? product == n : product > 0 && n % product == 0;
  RT_CHECK(fits, Runtime, "unflatten",
           cat_str("unflatten: Provided sizes ", shape, " don't multiply up to the size of dim ", d,
                   " (", n, ") in the input tensor"));
  Dims sizes(x.sizes().slice(0, static_cast<size_t>(d)));
  for (size_t i = 0; i < shape.size(); ++i) {
    sizes.push_back(static_cast<int64_t>(i) == unknown ? n / product : shape[i]);
  }
  for (int64_t i = d + 1; i < x.dim(); ++i) sizes.push_back(x.sizes()[i]);
  return ops::view(x, sizes);
}
const Op unflatten_op("unflatten(Tensor input, int dim, int[] sizes) -> Tensor", unflatten_forward,
                      {.doc = R"(One dim cut into several; one of the sizes may be -1.

Follows `torch.unflatten`.

>>> rt.unflatten(rt.arange(4), 0, (2, 2))
tensor([[0, 1],
        [2, 3]])
)"});

Tensor ravel_forward(const Tensor& x) { return ops::reshape(ops::contiguous(x), {-1}); }
const Op ravel_op("ravel(Tensor input) -> Tensor", ravel_forward,
                  {.doc = R"(All elements in one contiguous dim; a copy only if needed.

Follows `torch.ravel`.

>>> rt.ravel(rt.tensor([[1, 2], [3, 4]]))
tensor([1, 2, 3, 4])
)"});

Tensor view_as_forward(const Tensor& x, const Tensor& other) { return ops::view(x, other.sizes()); }
Tensor reshape_as_forward(const Tensor& x, const Tensor& other) {
  return ops::reshape(x, other.sizes());
}
Tensor expand_as_forward(const Tensor& x, const Tensor& other) {
  return ops::expand(x, other.sizes());
}
const Op view_as_op("view_as(Tensor input, Tensor other) -> Tensor", view_as_forward,
                    {.in = "Tensor", .doc = R"(A view with the shape of another tensor.

Follows `torch.Tensor.view_as`.

>>> rt.arange(4).view_as(rt.zeros(2, 2)).shape
rustorch.Size([2, 2])
)"});
const Op reshape_as_op("reshape_as(Tensor input, Tensor other) -> Tensor", reshape_as_forward,
                       {.in = "Tensor", .doc = R"(The elements in the shape of another tensor.

Follows `torch.Tensor.reshape_as`.

>>> rt.arange(4).reshape_as(rt.zeros(2, 2)).shape
rustorch.Size([2, 2])
)"});
const Op expand_as_op("expand_as(Tensor input, Tensor other) -> Tensor", expand_as_forward,
                      {.in = "Tensor", .doc = R"(A view expanded to the shape of another tensor.

Follows `torch.Tensor.expand_as`.

>>> rt.ones(1).expand_as(rt.zeros(3)).shape
rustorch.Size([3])
)"});

Tensor broadcast_to_forward(const Tensor& x, IntList size) { return ops::expand(x, size); }
const Op broadcast_to_op("broadcast_to(Tensor input, int[] size) -> Tensor", broadcast_to_forward,
                         {.doc = R"(A view expanded to a shape.

Follows `torch.broadcast_to`.

>>> rt.broadcast_to(rt.tensor([1, 2]), (2, 2))
tensor([[1, 2],
        [1, 2]])
)"});
std::vector<Tensor> broadcast_tensors_forward(TensorList tensors) {
  Dims shape;
  for (const Tensor& t : tensors) shape = broadcast_shapes(shape, t.sizes(), "broadcast_tensors");
  std::vector<Tensor> out;
  for (const Tensor& t : tensors)
    out.push_back(t.sizes() == IntList(shape) ? t : ops::expand(t, shape));
  return out;
}
const Op broadcast_tensors_op("broadcast_tensors(Tensor[*] tensors) -> Tensor[]",
                              broadcast_tensors_forward,
                              {.in = "rt",
                               .doc = R"(Views of the tensors, all expanded to their common shape.

Follows `torch.broadcast_tensors`.

>>> rt.broadcast_tensors(rt.tensor([[1], [2]]), rt.tensor([3, 4]))
(tensor([[1, 1],
        [2, 2]]), tensor([[3, 4],
        [3, 4]]))
)"});

// ---- The bytes as another dtype ----

Tensor view_dtype_forward(const Tensor& x, DType dtype) {
  const int64_t from = static_cast<int64_t>(x.item_size()),
                to = static_cast<int64_t>(item_size(dtype));
  if (from == to) return make_view(x, x.sizes(), x.strides(), x.offset(), dtype);
  RT_CHECK(x.dim() > 0, Runtime, "view",
           cat_str("self.dim() cannot be 0 to view ", name(x.dtype()), " as ", name(dtype),
                   " (different element sizes)"));
  RT_CHECK(x.strides().back() == 1 || x.numel() == 0, Runtime, "view",
           cat_str("self.stride(-1) must be 1 to view ", name(x.dtype()), " as ", name(dtype),
                   " (different element sizes), but got ", x.strides().back()));
  Dims sizes(x.sizes()), strides(x.strides());
  int64_t offset = x.offset();
  if (from > to) {
    const int64_t ratio = from / to;
    for (int64_t& s : strides) s *= ratio;
    strides.back() = 1;
    sizes.back() *= ratio;
    offset *= ratio;
  } else {
    const int64_t ratio = to / from;
    RT_CHECK(sizes.back() % ratio == 0, Runtime, "view",
             cat_str("self.size(-1) must be divisible by ", ratio, " to view ", name(x.dtype()),
                     " as ", name(dtype), " (different element sizes), but got ", sizes.back()));
    RT_CHECK(
        offset % ratio == 0, Runtime, "view",
        cat_str("self.storage_offset() must be divisible by ", ratio, " to view ", name(x.dtype()),
                " as ", name(dtype), " (different element sizes), but got ", offset));
    for (size_t d = 0; d + 1 < strides.size(); ++d) {
      RT_CHECK(
          strides[d] % ratio == 0, Runtime, "view",
          cat_str("self.stride(", d, ") must be divisible by ", ratio, " to view ", name(x.dtype()),
                  " as ", name(dtype), " (different element sizes), but got ", strides[d]));
      strides[d] /= ratio;
    }
    sizes.back() /= ratio;
    offset /= ratio;
  }
  return make_view(x, sizes, strides, offset, dtype);
}
const Op view_dtype_op("view.dtype(Tensor input, DType dtype) -> Tensor", view_dtype_forward,
                       {.in = "Tensor", .view = true});

// ---- Dims in another order ----

Tensor movedim_forward(const Tensor& x, IntList source, IntList destination) {
  RT_CHECK(source.size() == destination.size(), Runtime, "movedim",
           cat_str("movedim: Invalid source or destination dims: source (", source,
                   " dims) should contain the same number of dims as destination (", destination,
                   " dims)"));
  const auto unique = [&](IntList dims, const char* what) {
    Dims wrapped;
    for (int64_t d : dims) {
      d = wrap_dim(d, x.dim(), "movedim");
      RT_CHECK(std::find(wrapped.begin(), wrapped.end(), d) == wrapped.end(), Runtime, "movedim",
               cat_str("repeated dim in `", what, "` (", dims, ")"));
      wrapped.push_back(d);
    }
    return wrapped;
  };
  const Dims from = unique(source, "source"), to = unique(destination, "destination");
  if (x.dim() == 0) return ops::permute(x, {});
  Dims order(static_cast<size_t>(x.dim()), -1);
  for (size_t i = 0; i < from.size(); ++i) order[to[i]] = from[i];
  int64_t next = 0;
  for (int64_t& d : order) {
    if (d >= 0) continue;
    while (std::find(from.begin(), from.end(), next) != from.end()) ++next;
    d = next++;
  }
  return ops::permute(x, order);
}
const Op movedim_op(
    "movedim(Tensor input, int[1] source, int[1] destination) -> Tensor", movedim_forward,
    {.aliases = "moveaxis",
     .doc = R"(A view with some dims moved to other places; the others keep their order.

Follows `torch.movedim`.

>>> rt.movedim(rt.zeros(2, 3, 4), 0, -1).shape
rustorch.Size([3, 4, 2])
)"});

Tensor adjoint_forward(const Tensor& x) {
  RT_CHECK(x.dim() != 1, Runtime, "adjoint",
           "tensor.adjoint() is only supported on matrices or batches of matrices", describe(x));
  if (x.dim() == 0) return ops::conj(x);
  return ops::conj(ops::transpose(x, -2, -1));
}
const Op adjoint_op("adjoint(Tensor input) -> Tensor", adjoint_forward,
                    {.doc = R"(The last two dims swapped, and the conjugate of complex tensors.

Follows `torch.adjoint`.

>>> rt.adjoint(rt.tensor([[1 + 2j]]))
tensor([[1.-2.j]])
)"});

Tensor t_forward(const Tensor& x) {
  RT_CHECK(x.dim() <= 2, Runtime, "t",
           cat_str("t() expects a tensor with <= 2 dimensions, but self is ", x.dim(), "D"),
           describe(x), ".mT");
  return x.dim() < 2 ? make_view(x, x.sizes(), x.strides(), x.offset())
                     : make_view(x, {x.sizes()[1], x.sizes()[0]}, {x.strides()[1], x.strides()[0]},
                                 x.offset());
}
void t_vjp(VjpContext& c) {
  if (c.has_grad()) c.set(0, ops::t(c.grad()));
}
const Op t_op(
    "t(Tensor input) -> Tensor", t_forward,
    {.vjp = t_vjp,
     .inplace = true,
     .view = true,
     .doc = R"(The transpose of a matrix, as a view; tensors with fewer dims stay as they are.

Follows `torch.t`.

>>> rt.t(rt.tensor([[1, 2]]))
tensor([[1],
        [2]])
)"});

// ---- Shuffles of pixels and channels ----

// In memory of its own, in row-major order.
Tensor rearranged(const Tensor& x, const Tensor& permuted, IntList sizes) {
  const Tensor result = ops::contiguous(ops::reshape(permuted, sizes));
  return result.storage() == x.storage() ? ops::clone(result) : result;
}
// Whether r * r fits in 64 bits.
bool has_square(int64_t r) {
  int64_t square;
  return !__builtin_mul_overflow(r, r, &square);
}
Tensor pixel_shuffle_forward(const Tensor& x, int64_t r) {
  RT_CHECK(x.dim() >= 3, Runtime, "pixel_shuffle",
           cat_str("pixel_shuffle expects input to have at least 3 dimensions, but got input with ",
                   x.dim(), " dimension(s)"));
  RT_CHECK(r > 0, Runtime, "pixel_shuffle",
           cat_str("pixel_shuffle expects a positive upscale_factor, but got ", r));
  RT_CHECK(
      has_square(r), Value, "pixel_shuffle",
      cat_str("upscale factor is too large, (upscale_factor)^2 overflowed: upscale_factor=", r));
  const int64_t n = x.dim(), c = x.size(-3), h = x.size(-2), w = x.size(-1);
  RT_CHECK(
      c % (r * r) == 0, Runtime, "pixel_shuffle",
      cat_str(
          "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of "
          "upscale_factor, but input.size(-3)=",
          c, " is not divisible by ", r * r));
  Dims split(x.sizes().slice(0, static_cast<size_t>(n - 3))), order, joined(split);
  for (int64_t d = 0; d < n - 3; ++d) order.push_back(d);
  for (int64_t s : {c / (r * r), r, r, h, w}) split.push_back(s);
  for (int64_t d : {0, 3, 1, 4, 2}) order.push_back(n - 3 + d);
  for (int64_t s : {c / (r * r), h * r, w * r}) joined.push_back(s);
  return rearranged(x, ops::permute(ops::reshape(x, split), order), joined);
}
Tensor pixel_unshuffle_forward(const Tensor& x, int64_t r) {
  RT_CHECK(
      x.dim() >= 3, Runtime, "pixel_unshuffle",
      cat_str("pixel_unshuffle expects input to have at least 3 dimensions, but got input with ",
              x.dim(), " dimension(s)"));
  RT_CHECK(r > 0, Runtime, "pixel_unshuffle",
           cat_str("pixel_unshuffle expects a positive downscale_factor, but got ", r));
  RT_CHECK(
      has_square(r), Value, "pixel_unshuffle",
      cat_str("downscale factor is too large, (downscale_factor)^2 overflowed: downscale_factor=",
              r));
  const int64_t n = x.dim(), c = x.size(-3), h = x.size(-2), w = x.size(-1);
  RT_CHECK(h % r == 0 && w % r == 0, Runtime, "pixel_unshuffle",
           cat_str("pixel_unshuffle expects height and width to be divisible by downscale_factor, "
                   "but they are ",
                   h, " and ", w, " and it is ", r));
  Dims split(x.sizes().slice(0, static_cast<size_t>(n - 3))), order, joined(split);
  for (int64_t d = 0; d < n - 3; ++d) order.push_back(d);
  for (int64_t s : {c, h / r, r, w / r, r}) split.push_back(s);
  for (int64_t d : {0, 2, 4, 1, 3}) order.push_back(n - 3 + d);
  for (int64_t s : {c * r * r, h / r, w / r}) joined.push_back(s);
  return rearranged(x, ops::permute(ops::reshape(x, split), order), joined);
}
Tensor channel_shuffle_forward(const Tensor& x, int64_t groups) {
  RT_CHECK(
      x.dim() > 2, Runtime, "channel_shuffle",
      cat_str("channel_shuffle expects input with > 2 dims, but got input with sizes ", x.sizes()));
  const int64_t c = x.sizes()[1];
  RT_CHECK(
      groups > 0, Runtime, "channel_shuffle",
      cat_str("Number of groups to divide channels in must be positive. Value of groups:", groups));
  RT_CHECK(c % groups == 0, Runtime, "channel_shuffle",
           cat_str("Number of channels must be divisible by groups. Got ", c, " channels and ",
                   groups, " groups."));
  Dims split{x.sizes()[0], groups, c / groups};
  for (int64_t d = 2; d < x.dim(); ++d) split.push_back(x.sizes()[d]);
  return rearranged(x, ops::transpose(ops::reshape(x, split), 1, 2), x.sizes());
}
const Op pixel_shuffle_op(
    "pixel_shuffle(Tensor input, int upscale_factor) -> Tensor", pixel_shuffle_forward,
    {.in = "rt nn.functional",
     .doc = R"(Channels laid out as pixels: (*, C r^2, H, W) becomes (*, C, H r, W r).

Follows `torch.nn.functional.pixel_shuffle`.

>>> rt.nn.functional.pixel_shuffle(rt.zeros(1, 4, 2, 2), 2).shape
rustorch.Size([1, 1, 4, 4])
)"});
const Op pixel_unshuffle_op(
    "pixel_unshuffle(Tensor input, int downscale_factor) -> Tensor", pixel_unshuffle_forward,
    {.in = "rt nn.functional",
     .doc = R"(The inverse of `pixel_shuffle`: (*, C, H r, W r) becomes (*, C r^2, H, W).

Follows `torch.nn.functional.pixel_unshuffle`.

>>> rt.nn.functional.pixel_unshuffle(rt.zeros(1, 1, 4, 4), 2).shape
rustorch.Size([1, 4, 2, 2])
)"});
const Op channel_shuffle_op(
    "channel_shuffle(Tensor input, int groups) -> Tensor", channel_shuffle_forward,
    {.in = "rt nn.functional",
     .doc = R"(Channels of (N, C, ...) taken in turns from each of `groups` groups.

Follows `torch.nn.functional.channel_shuffle`.

>>> rt.channel_shuffle(rt.arange(4).reshape(1, 4, 1), 2).flatten()
tensor([0, 2, 1, 3])
)"});

}  // namespace

namespace ops {

Tensor flatten(const Tensor& x, int64_t start_dim, int64_t end_dim) {
  return flatten_forward(x, start_dim, end_dim);
}
Tensor movedim(const Tensor& x, IntList source, IntList destination) {
  return movedim_forward(x, source, destination);
}
Tensor t(const Tensor& x) { return t_op(x); }

}  // namespace ops
}  // namespace rt
