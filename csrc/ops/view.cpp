#include "ops/view.h"

#include <numeric>

#include "autograd/vjp.h"
#include "ops/elementwise.h"
#include "ops/ops.h"

namespace rt {

namespace {

// ---- as_strided: any window; the root that every view of a base can be rebuilt from ----

void check_window(const Tensor& x, IntList size, IntList stride, int64_t offset) {
  RT_CHECK(size.size() == stride.size(), Runtime, "as_strided",
           "mismatch in length of strides and shape", cat_str("size ", size, ", stride ", stride));
  RT_CHECK(offset >= 0, Runtime, "as_strided", "the storage offset is negative", cat_str(offset));
  int64_t last = offset;
  for (size_t i = 0; i < size.size(); ++i) {
    RT_CHECK(size[i] >= 0, Runtime, "as_strided", "a size is negative", cat_str("size ", size));
    RT_CHECK(stride[i] >= 0, Runtime, "as_strided",
             cat_str("Negative strides are not supported at the moment, got strides: ", stride));
  }
  if (checked_numel(size, "as_strided") == 0) return;
  for (size_t i = 0; i < size.size(); ++i) {
    int64_t step;
    RT_CHECK(!__builtin_mul_overflow(size[i] - 1, stride[i], &step) &&
                 !__builtin_add_overflow(last, step, &last),
             Runtime, "as_strided", "the window does not fit in 64 bits", cat_str("size ", size));
  }
  const int64_t room = static_cast<int64_t>(x.storage()->nbytes() / x.item_size());
  RT_CHECK(last < room, Runtime, "as_strided",
           cat_str("setStorage: sizes ", size, ", strides ", stride, ", storage offset ", offset,
                   " are out of bounds for storage of ", room, " elements"));
}

Tensor as_strided_forward(const Tensor& x, IntList size, IntList stride,
                          std::optional<int64_t> storage_offset) {
  const int64_t offset = storage_offset.value_or(x.offset());
  check_window(x, size, stride, offset);
  return make_view(x, size, stride, offset);
}

int64_t extent(IntList size, IntList stride) {
  int64_t last = 0;
  for (size_t i = 0; i < size.size(); ++i) {
    if (size[i] == 0) return 0;
    last += (size[i] - 1) * stride[i];
  }
  return last + 1;
}

Tensor window(const Tensor& flat, IntList size, IntList stride, int64_t offset) {
  return make_view(flat, size, stride, offset);
}

// Linear map from the gradient of a window to the gradient of the tensor it was taken from: both
// are laid over one flat piece of memory; where either overlaps itself, contributions are shared.
Tensor as_strided_backward_forward(const Tensor& g, IntList in_size, IntList in_stride,
                                   IntList size, IntList stride, int64_t shift) {
  const int64_t first = std::min<int64_t>(shift, 0);
  const int64_t length = std::max(extent(in_size, in_stride), shift + extent(size, stride)) - first;
  Tensor flat = ops::zeros({std::max<int64_t>(length, 0)}, g.dtype(), g.device());
  if (g.numel() > 0) ops::accumulate_window(flat, size, stride, shift - first, g);
  Tensor in = window(flat, in_size, in_stride, -first);
  if (!has_internal_overlap(in)) return ops::clone(in);
  Tensor counts = ops::zeros({length}, g.dtype(), g.device());
  ops::accumulate_window(counts, in_size, in_stride, -first,
                         ops::ones(in_size, g.dtype(), g.device()));
  return in / window(counts, in_size, in_stride, -first);
}

void as_strided_backward_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const auto in_size = c.arg<IntList>(1), in_stride = c.arg<IntList>(2);
  const auto size = c.arg<IntList>(3), stride = c.arg<IntList>(4);
  const int64_t shift = c.arg<int64_t>(5);
  const int64_t first = std::min<int64_t>(shift, 0);
  const int64_t length = std::max(extent(in_size, in_stride), shift + extent(size, stride)) - first;
  // The transpose of the map: put the incoming values where the tensor lies, read them as the
  // window.
  Tensor flat = ops::zeros({std::max<int64_t>(length, 0)}, c.grad().dtype(), c.grad().device());
  if (c.grad().numel() > 0) {
    Tensor in = ops::as_strided(flat, in_size, in_stride, -first);
    if (has_internal_overlap(in)) {
      Tensor counts = ops::zeros({length}, c.grad().dtype(), c.grad().device());
      ops::accumulate_window(counts, in_size, in_stride, -first,
                             ops::ones(in_size, c.grad().dtype(), c.grad().device()));
      Tensor shared = c.grad() / window(counts, in_size, in_stride, -first);
      flat = ops::as_strided_backward(shared, {length}, {1}, in_size, in_stride, -first);
    } else {
      ops::copy_(in, c.grad());
    }
  }
  c.set(0, ops::contiguous(ops::as_strided(flat, size, stride, shift - first)));
}

const Op as_strided_backward_op(
    "_as_strided_backward(Tensor grad, int[] in_size, int[] in_stride, int[] size, int[] stride, "
    "int shift) -> Tensor",
    as_strided_backward_forward, {.vjp = as_strided_backward_vjp, .in = ""});

// Whether a window holds elements of x only, each of them once; x lies without gaps.
bool holds_elements_once(const Tensor& x, IntList size, IntList stride, int64_t shift) {
  return is_non_overlapping_and_dense(x) && shift >= 0 &&
         shift + extent(size, stride) <= x.numel() &&
         !has_internal_overlap(make_view(x, size, stride, x.offset() + shift));
}

void as_strided_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const InputMeta& in = c.meta(0);
  const auto size = c.arg<IntList>(1), stride = c.arg<IntList>(2);
  const int64_t shift = c.arg<std::optional<int64_t>>(3).value_or(in.offset) - in.offset;
  const Tensor sum = c.sum_for(0, c.grad());
  if (sum.defined() && sum.strides() == IntList(in.strides) &&
      holds_elements_once(sum, size, stride, shift)) {
    ops::add_(ops::as_strided(sum, size, stride, sum.offset() + shift), c.grad());
  } else {
    c.set(0, ops::as_strided_backward(c.grad(), in.sizes, in.strides, size, stride, shift));
  }
}

const Op as_strided_op(
    "as_strided(Tensor input, int[] size, int[] stride, int? storage_offset=None) -> Tensor",
    as_strided_forward,
    {.vjp = as_strided_vjp,
     .inplace = true,
     .view = true,
     .doc = R"(A view of the storage with any sizes, strides and offset (in elements).

Windows may overlap; gradients of shared elements add up. Errors if it leaves the storage.
Follows `torch.as_strided`.

>>> rt.as_strided(rt.tensor([1, 2, 3]), (2, 2), (1, 1))
tensor([[1, 2],
        [2, 3]])
)"});

// ---- view, reshape, expand ----

Tensor view_forward(const Tensor& x, IntList size) {
  const Dims shape = infer_size(size, x.numel(), "view");
  Dims strides;
  RT_CHECK(
      view_strides(x.sizes(), x.strides(), shape, &strides), Runtime, "view",
      "view size is not compatible with input tensor's size and stride (at least one dimension "
      "spans across two contiguous subspaces)",
      cat_str(describe(x), " with strides ", x.strides(), " as ", shape), ".reshape(...)");
  return make_view(x, shape, strides, x.offset());
}
void view_vjp(VjpContext& c) {
  if (c.has_grad()) c.set(0, ops::reshape(c.grad(), c.sizes(0)));
}
const Op view_op("view(Tensor input, int[] size) -> Tensor", view_forward,
                 {.vjp = view_vjp,
                  .in = "Tensor",
                  .view = true,
                  .doc = R"(The same memory with another shape; one size may be -1.

Errors if the strides do not allow it without a copy. Follows `torch.Tensor.view`.

>>> rt.arange(4).view(2, 2)
tensor([[0, 1],
        [2, 3]])
)"});

Tensor reshape_forward(const Tensor& x, IntList shape) {
  const Dims size = infer_size(shape, x.numel(), "reshape");
  Dims strides;
  if (view_strides(x.sizes(), x.strides(), size, &strides)) return view_op(x, size);
  Tensor copy = view_op(ops::contiguous(x), size);
  detail::drop_inner_view(copy);
  return copy;
}
const Op reshape_op(
    "reshape(Tensor input, int[] shape) -> Tensor", reshape_forward,
    {.doc =
         R"(The elements in row-major order with another shape: a view where possible, else a copy.

One size may be -1. Follows `torch.reshape`.

>>> rt.arange(4).reshape(2, -1)
tensor([[0, 1],
        [2, 3]])
)"});

Tensor expand_forward(const Tensor& x, IntList size) {
  RT_CHECK(size.ssize() >= x.dim(), Runtime, "expand",
           cat_str("the number of sizes provided (", size.size(),
                   ") must be greater or equal to the number of dimensions in the tensor (",
                   x.dim(), ")"),
           cat_str(describe(x), " to ", size));
  const int64_t extra = size.ssize() - x.dim();
  Dims sizes(size.size()), strides(size.size());
  for (int64_t d = 0; d < size.ssize(); ++d) {
    const int64_t own = d - extra;
    const int64_t from = own < 0 ? 1 : x.sizes()[own];
    int64_t to = size[d];
    RT_CHECK(to >= 0 || (to == -1 && own >= 0), Runtime, "expand",
             cat_str("the expanded size of the tensor (", to,
                     ") isn't allowed in a leading, non-existing dimension ", d),
             cat_str(describe(x), " to ", size));
    if (to == -1) to = from;
    RT_CHECK(from == to || from == 1, Runtime, "expand",
             cat_str("The expanded size of the tensor (", to, ") must match the existing size (",
                     from, ") at non-singleton dimension ", d, ".  Target sizes: ", size,
                     ".  Tensor sizes: ", x.sizes()));
    sizes[d] = to;
    strides[d] = own < 0 ? 0 : (from == 1 && to != 1 ? 0 : x.strides()[own]);
  }
  // A new leading dim of size 1 steps over all that follows it, as PyTorch has it; of a number none
  // steps.
  if (x.dim() == 0) return make_view(x, sizes, strides, x.offset());
  for (int64_t d = extra - 1; d >= 0; --d) {
    if (sizes[d] == 1) strides[d] = sizes[d + 1] * strides[d + 1];
  }
  return make_view(x, sizes, strides, x.offset());
}
void expand_vjp(VjpContext& c) {
  if (c.has_grad()) c.set(0, ops::sum_to_size(c.grad(), c.sizes(0)));
}
const Op expand_op(
    "expand(Tensor input, int[] size) -> Tensor", expand_forward,
    {.vjp = expand_vjp,
     .in = "Tensor",
     .view = true,
     .doc =
         R"(A view with size-1 dims repeated to larger sizes; -1 keeps a size. No memory is copied.

Follows `torch.Tensor.expand`.

>>> rt.tensor([[1], [2]]).expand(2, 3)
tensor([[1, 1, 1],
        [2, 2, 2]])
)"});

// ---- permute, transpose ----

Tensor permute_forward(const Tensor& x, IntList dims) {
  RT_CHECK(
      dims.ssize() == x.dim(), Runtime, "permute",
      cat_str("permute(sparse_coo): number of dimensions in the tensor input does not match the "
              "length of the desired ordering of dimensions i.e. input.dim() = ",
              x.dim(), " is not equal to len(dims) = ", dims.size()));
  const Dims order = wrap_dims(dims, x.dim(), "permute", false);
  Dims sizes(order.size()), strides(order.size());
  for (size_t i = 0; i < order.size(); ++i) {
    sizes[i] = x.sizes()[order[i]];
    strides[i] = x.strides()[order[i]];
  }
  return make_view(x, sizes, strides, x.offset());
}
void permute_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const Dims order = wrap_dims(c.arg<IntList>(1), c.sizes(0).ssize(), "permute", false);
  Dims inverse(order.size());
  for (size_t i = 0; i < order.size(); ++i) inverse[order[i]] = static_cast<int64_t>(i);
  c.set(0, ops::permute(c.grad(), inverse));
}
const Op permute_op("permute(Tensor input, int[] dims) -> Tensor", permute_forward,
                    {.vjp = permute_vjp,
                     .view = true,
                     .doc = R"(A view with the dims in another order.

Follows `torch.permute`.

>>> rt.zeros(2, 3, 4).permute(2, 0, 1).shape
rustorch.Size([4, 2, 3])
)"});

Tensor transpose_forward(const Tensor& x, int64_t dim0, int64_t dim1) {
  const int64_t a = wrap_dim(dim0, x.dim(), "transpose"), b = wrap_dim(dim1, x.dim(), "transpose");
  Dims sizes(x.sizes()), strides(x.strides());
  if (x.dim() > 0) {
    std::swap(sizes[a], sizes[b]);
    std::swap(strides[a], strides[b]);
  }
  return make_view(x, sizes, strides, x.offset());
}
void transpose_vjp(VjpContext& c) {
  if (c.has_grad()) c.set(0, ops::transpose(c.grad(), c.arg<int64_t>(1), c.arg<int64_t>(2)));
}
const Op transpose_op("transpose(Tensor input, int dim0, int dim1) -> Tensor", transpose_forward,
                      {.vjp = transpose_vjp,
                       .aliases = "swapaxes swapdims",
                       .inplace = true,
                       .view = true,
                       .doc = R"(A view with two dims swapped.

Follows `torch.transpose`.

>>> rt.zeros(2, 3).transpose(0, 1).shape
rustorch.Size([3, 2])
)"});

// ---- select, slice ----

Tensor select_forward(const Tensor& x, int64_t dim, int64_t index) {
  RT_CHECK(x.dim() > 0, Index, "select", "select() cannot be applied to a 0-dim tensor.",
           describe(x));
  const int64_t d = wrap_dim(dim, x.dim(), "select"), n = x.sizes()[d];
  RT_CHECK(index >= -n && index < n, Index, "select",
           cat_str("index ", index, " is out of bounds for dimension ", d, " with size ", n),
           describe(x));
  Dims sizes(x.sizes()), strides(x.strides());
  const int64_t offset = x.offset() + (index < 0 ? index + n : index) * strides[d];
  sizes.erase(d);
  strides.erase(d);
  return make_view(x, sizes, strides, offset);
}
void select_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const int64_t dim = c.arg<int64_t>(1), index = c.arg<int64_t>(2);
  if (const Tensor sum = c.sum_for(0, c.grad())) {
    ops::add_(ops::select(sum, dim, index), c.grad());
  } else {
    c.set(0, ops::select_backward(c.grad(), c.sizes(0), dim, index));
  }
}
const Op select_op("select(Tensor input, int dim, int index) -> Tensor", select_forward,
                   {.vjp = select_vjp,
                    .view = true,
                    .doc = R"(A view of one index along a dim, which it removes.

Follows `torch.select`.

>>> rt.tensor([[1, 2], [3, 4]]).select(0, 1)
tensor([3, 4])
)"});
Tensor select_backward_forward(const Tensor& g, IntList sizes, int64_t dim, int64_t index) {
  Tensor t = ops::zeros(sizes, g.dtype(), g.device());
  copy_kernel(t, select_forward(t, dim, index), g);
  return t;
}
void select_backward_vjp(VjpContext& c) {
  if (c.has_grad()) c.set(0, ops::select(c.grad(), c.arg<int64_t>(2), c.arg<int64_t>(3)));
}
const Op select_backward_op(
    "_select_backward(Tensor grad, int[] sizes, int dim, int index) -> Tensor",
    select_backward_forward, {.vjp = select_backward_vjp, .in = ""});

struct SliceRange {
  int64_t start, length;
};
SliceRange clamp_slice(int64_t n, std::optional<int64_t> start, std::optional<int64_t> end,
                       int64_t step) {
  RT_CHECK(step > 0, Value, "slice", "slice step must be positive", cat_str("step ", step));
  const auto clamp = [n](int64_t i) { return std::clamp<int64_t>(i < 0 ? i + n : i, 0, n); };
  const int64_t a = clamp(start.value_or(0)), b = std::max(clamp(end.value_or(n)), a);
  return {a, (b - a) / step + ((b - a) % step != 0)};
}
Tensor slice_forward(const Tensor& x, int64_t dim, std::optional<int64_t> start,
                     std::optional<int64_t> end, int64_t step) {
  RT_CHECK(x.dim() > 0, Index, "slice", "slice() cannot be applied to a 0-dim tensor.",
           describe(x));
  const int64_t d = wrap_dim(dim, x.dim(), "slice");
  const SliceRange r = clamp_slice(x.sizes()[d], start, end, step);
  Dims sizes(x.sizes()), strides(x.strides());
  const int64_t offset = x.offset() + r.start * strides[d];
  sizes[d] = r.length;
  strides[d] *= step;
  return make_view(x, sizes, strides, offset);
}
void slice_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const int64_t dim = c.arg<int64_t>(1), step = c.arg<int64_t>(4);
  const auto start = c.arg<std::optional<int64_t>>(2), end = c.arg<std::optional<int64_t>>(3);
  if (const Tensor sum = c.sum_for(0, c.grad())) {
    ops::add_(ops::slice(sum, dim, start, end, step), c.grad());
  } else {
    c.set(0, ops::slice_backward(c.grad(), c.sizes(0), dim, start, end, step));
  }
}
const Op slice_op(
    "slice(Tensor input, int dim=0, int? start=None, int? end=None, int step=1) -> Tensor",
    slice_forward, {.vjp = slice_vjp, .in = "", .view = true});
Tensor slice_backward_forward(const Tensor& g, IntList sizes, int64_t dim,
                              std::optional<int64_t> start, std::optional<int64_t> end,
                              int64_t step) {
  Tensor t = ops::zeros(sizes, g.dtype(), g.device());
  copy_kernel(t, slice_forward(t, dim, start, end, step), g);
  return t;
}
void slice_backward_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  c.set(0, ops::slice(c.grad(), c.arg<int64_t>(2), c.arg<std::optional<int64_t>>(3),
                      c.arg<std::optional<int64_t>>(4), c.arg<int64_t>(5)));
}
const Op slice_backward_op(
    "_slice_backward(Tensor grad, int[] sizes, int dim, int? start, int? end, int step) -> Tensor",
    slice_backward_forward, {.vjp = slice_backward_vjp, .in = ""});

Tensor narrow_forward(const Tensor& x, int64_t dim, int64_t start, int64_t length) {
  RT_CHECK(x.dim() > 0, Runtime, "narrow", "narrow() cannot be applied to a 0-dim tensor.",
           describe(x));
  RT_CHECK(length >= 0, Runtime, "narrow", "narrow(): length must be non-negative.",
           cat_str(length));
  const int64_t n = x.size(dim);
  RT_CHECK(start >= -n && start <= n, Index, "narrow",
           cat_str("start out of range (expected to be in range of [", -n, ", ", n, "], but got ",
                   start, ")"));
  if (start < 0) start += n;
  RT_CHECK(
      start + length <= n, Runtime, "narrow",
      cat_str("start (", start, ") + length (", length, ") exceeds dimension size (", n, ")."));
  return slice_op(x, dim, start, start + length, 1);
}
const Op narrow_op("narrow(Tensor input, int dim, int start, int length) -> Tensor", narrow_forward,
                   {.doc = R"(A view of `length` indices from `start` along a dim.

Follows `torch.narrow`.

>>> rt.arange(5).narrow(0, 1, 3)
tensor([1, 2, 3])
)"});

// ---- unsqueeze, squeeze ----

Tensor unsqueeze_forward(const Tensor& x, int64_t dim) {
  const int64_t d = wrap_dim(dim, x.dim() + 1, "unsqueeze");
  Dims sizes(x.sizes()), strides(x.strides());
  const int64_t stride = d < x.dim() ? sizes[d] * strides[d] : 1;
  sizes.insert(d, 1);
  strides.insert(d, stride);
  return make_view(x, sizes, strides, x.offset());
}
void unsqueeze_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const int64_t d = wrap_dim(c.arg<int64_t>(1), c.sizes(0).ssize() + 1, "unsqueeze");
  c.set(0, ops::squeeze(c.grad(), {d}));
}
const Op unsqueeze_op(
    "unsqueeze(Tensor input, int dim) -> Tensor", unsqueeze_forward,
    {.vjp = unsqueeze_vjp, .inplace = true, .view = true, .doc = R"(A view with a new dim of size 1.

Follows `torch.unsqueeze`.

>>> rt.zeros(3).unsqueeze(0).shape
rustorch.Size([1, 3])
)"});

Tensor squeeze_forward(const Tensor& x, IntList dim) {
  const Dims among = wrap_dims(dim, x.dim(), "squeeze", false);
  Dims sizes, strides;
  for (int64_t d = 0; d < x.dim(); ++d) {
    const bool drop = x.sizes()[d] == 1 && std::find(among.begin(), among.end(), d) != among.end();
    if (drop) continue;
    sizes.push_back(x.sizes()[d]);
    strides.push_back(x.strides()[d]);
  }
  return make_view(x, sizes, strides, x.offset());
}
void squeeze_vjp(VjpContext& c) {
  if (c.has_grad()) c.set(0, ops::reshape(c.grad(), c.sizes(0)));
}
Tensor squeeze_all_forward(const Tensor& x) {
  Dims all(static_cast<size_t>(x.dim()));
  std::iota(all.begin(), all.end(), 0);
  return squeeze_forward(x, all);
}
const Op squeeze_all_op("squeeze(Tensor input) -> Tensor", squeeze_all_forward,
                        {.vjp = squeeze_vjp,
                         .inplace = true,
                         .view = true,
                         .doc = R"(A view without dims of size 1: all of them, or those named.

Follows `torch.squeeze`.

>>> rt.zeros(1, 3, 1).squeeze().shape
rustorch.Size([3])
)"});
const Op squeeze_op("squeeze.dim(Tensor input, int[1] dim) -> Tensor", squeeze_forward,
                    {.vjp = squeeze_vjp, .inplace = true, .view = true});

}  // namespace

namespace ops {

bool can_view_silently(const Tensor& x) {
  const Modes& m = modes();
  if (m.interceptor) return false;
  if (!m.grad || !is_differentiable(x.dtype())) return true;
  const TensorImpl* base = x.impl()->view_base_.get();
  return !requires_grad(x) && (!base || base->dtype_ == x.dtype());
}
Tensor silent_view(const Tensor& x, IntList sizes, IntList strides, int64_t offset) {
  Tensor t = make_view(x, sizes, strides, offset);
  set_view_of(t, x, modes().grad ? ViewOrigin::Tracked : ViewOrigin::NoGrad);
  return t;
}
Tensor as_strided(const Tensor& x, IntList size, IntList stride,
                  std::optional<int64_t> storage_offset) {
  return as_strided_op(x, size, stride, storage_offset);
}
Tensor as_strided_backward(const Tensor& g, IntList in_size, IntList in_stride, IntList size,
                           IntList stride, int64_t shift) {
  return as_strided_backward_op(g, in_size, in_stride, size, stride, shift);
}
void accumulate_window(const Tensor& flat, IntList size, IntList stride, int64_t offset,
                       const Tensor& values) {
  Tensor target = make_view(flat, size, stride, offset);
  if (!has_internal_overlap(target)) {
    elementwise(*ElementwiseSlot::find("add"), "as_strided", Out(target), target, values);
    return;
  }
  // Walk the outermost dim that overlaps, so that each step writes distinct elements.
  for (int64_t i = 0; i < size[0]; ++i) {
    accumulate_window(flat, size.slice(1, size.size() - 1), stride.slice(1, stride.size() - 1),
                      offset + i * stride[0],
                      make_view(values, values.sizes().slice(1, size.size() - 1),
                                values.strides().slice(1, size.size() - 1),
                                values.offset() + i * values.strides()[0]));
  }
}
Tensor view(const Tensor& x, IntList size) { return view_op(x, size); }
Tensor reshape(const Tensor& x, IntList shape) { return reshape_op(x, shape); }
Tensor expand(const Tensor& x, IntList size) { return expand_op(x, size); }
Tensor permute(const Tensor& x, IntList dims) { return permute_op(x, dims); }
Tensor transpose(const Tensor& x, int64_t dim0, int64_t dim1) {
  return transpose_op(x, dim0, dim1);
}
Tensor select(const Tensor& x, int64_t dim, int64_t index) { return select_op(x, dim, index); }
Tensor select_backward(const Tensor& g, IntList sizes, int64_t dim, int64_t index) {
  return select_backward_op(g, sizes, dim, index);
}
Tensor slice(const Tensor& x, int64_t dim, std::optional<int64_t> start, std::optional<int64_t> end,
             int64_t step) {
  return slice_op(x, dim, start, end, step);
}
Tensor slice_backward(const Tensor& g, IntList sizes, int64_t dim, std::optional<int64_t> start,
                      std::optional<int64_t> end, int64_t step) {
  return slice_backward_op(g, sizes, dim, start, end, step);
}
Tensor narrow(const Tensor& x, int64_t dim, int64_t start, int64_t length) {
  return narrow_op(x, dim, start, length);
}
Tensor unsqueeze(const Tensor& x, int64_t dim) { return unsqueeze_op(x, dim); }
Tensor squeeze(const Tensor& x, IntList dims) { return squeeze_op(x, dims); }

}  // namespace ops
}  // namespace rt
