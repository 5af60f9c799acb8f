#include "ops/rearrange.h"

#include "autograd/vjp.h"
#include "ops/elementwise.h"
#include "ops/ops.h"

namespace rt {

KernelSlot<void(const Tensor& out, const Tensor& x, IntList reversed)> flip_kernel{"flip"};

namespace {

// ---- flip ----

Tensor flip_forward(const Tensor& x, IntList dims) {
  Dims reversed(static_cast<size_t>(x.dim()), 0);
  for (int64_t d : wrap_dims(dims, x.dim(), "flip", false)) {
    if (x.dim() > 0) reversed[d] = 1;
  }
  Tensor out = empty_like(x);
  if (out.numel() > 0) flip_kernel(out, out, x, reversed);
  return out;
}
void flip_vjp(VjpContext& c) {
  if (c.has_grad()) c.set(0, ops::flip(c.grad(), c.arg<IntList>(1)));
}
const Op flip_op("flip(Tensor input, int[1] dims) -> Tensor", flip_forward,
                 {.vjp = flip_vjp,
                  .kernels = {&flip_kernel},
                  .doc = R"(A copy with some dims reversed.

Follows `torch.flip`.

>>> rt.flip(rt.tensor([1, 2, 3]), (0,))
tensor([3, 2, 1])
)"});
Tensor fliplr_forward(const Tensor& x) {
  RT_CHECK(x.dim() >= 2, Runtime, "fliplr", "Input must be >= 2-d.", describe(x));
  return flip_op(x, {1});
}
Tensor flipud_forward(const Tensor& x) {
  RT_CHECK(x.dim() >= 1, Runtime, "flipud", "Input must be >= 1-d.", describe(x));
  return flip_op(x, {0});
}
const Op fliplr_op("fliplr(Tensor input) -> Tensor", fliplr_forward,
                   {.doc = R"(The columns in reverse order, as a copy.

Follows `torch.fliplr`.

>>> rt.fliplr(rt.tensor([[1, 2]]))
tensor([[2, 1]])
)"});
const Op flipud_op("flipud(Tensor input) -> Tensor", flipud_forward,
                   {.doc = R"(The rows in reverse order, as a copy.

Follows `torch.flipud`.

>>> rt.flipud(rt.tensor([1, 2]))
tensor([2, 1])
)"});

Tensor rot90_forward(const Tensor& x, int64_t k, IntList dims) {
  RT_CHECK(dims.size() == 2, Runtime, "rot90",
           cat_str("expected total rotation dims == 2, but got dims = ", dims.size()));
  RT_CHECK(x.dim() >= 2, Runtime, "rot90",
           cat_str("expected total dims >= 2, but got total dims = ", x.dim()));
  const int64_t a = wrap_dim(dims[0], x.dim(), "rot90"), b = wrap_dim(dims[1], x.dim(), "rot90");
  RT_CHECK(a != b, Runtime, "rot90",
           cat_str("expected rotation dims to be different, but got dim0 = ", dims[0],
                   " and dim1 = ", dims[1]));
  switch (((k % 4) + 4) % 4) {
    case 1:
      return ops::transpose(flip_op(x, {b}), a, b);
    case 2:
      return flip_op(x, {a, b});
    case 3:
      return ops::transpose(flip_op(x, {a}), a, b);
    default:
      return ops::clone(x);
  }
}
const Op rot90_op(
    "rot90(Tensor input, int k=1, int[] dims=[0, 1]) -> Tensor", rot90_forward,
    {.doc =
         R"(A copy turned k times by 90 degrees in the plane of two dims, from the first towards the second.

Follows `torch.rot90`.

>>> rt.rot90(rt.tensor([[1, 2], [3, 4]]))
tensor([[2, 4],
        [1, 3]])
)"});

// ---- roll ----

Tensor roll_one(const Tensor& x, int64_t shift, int64_t dim) {
  const int64_t n = x.sizes()[dim];
  if (n == 0) return ops::clone(x);
  const int64_t s = ((shift % n) + n) % n;
  Tensor out = empty(x.sizes(), x.dtype(), x.device(), "roll");
  const auto part = [dim](const Tensor& t, int64_t start, int64_t length) {
    Dims sizes(t.sizes());
    sizes[dim] = length;
    return make_view(t, sizes, t.strides(), t.offset() + start * t.strides()[dim]);
  };
  if (s > 0) copy_kernel(out, part(out, 0, s), part(x, n - s, s));
  copy_kernel(out, part(out, s, n - s), part(x, 0, n - s));
  return out;
}
Tensor roll_forward(const Tensor& x, IntList shifts, IntList dims) {
  RT_CHECK(!shifts.empty(), Runtime, "roll", "`shifts` required");
  if (dims.empty() && shifts.size() == 1) {
    if (x.dim() == 0) return ops::clone(x);
    const Tensor flat = ops::reshape(ops::contiguous(x), {-1});
    return ops::reshape(roll_one(flat, shifts[0], 0), x.sizes());
  }
  RT_CHECK(
      shifts.size() == dims.size(), Runtime, "roll",
      cat_str("shifts and dimensions must align. shifts: ", shifts.size(), ", dims:", dims.size()));
  Tensor out = x;
  for (size_t i = 0; i < dims.size(); ++i) {
    RT_CHECK(x.dim() > 0, Index, "roll", "Dimension specified as 0 but tensor has no dimensions");
    out = roll_one(out, shifts[i], wrap_dim(dims[i], x.dim(), "roll"));
  }
  return out;
}
void roll_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  Dims back(c.arg<IntList>(1));
  for (int64_t& s : back) s = -s;
  c.set(0, ops::roll(c.grad(), back, c.arg<IntList>(2)));
}
const Op roll_op(
    "roll(Tensor input, int[1] shifts, int[1] dims=[]) -> Tensor", roll_forward,
    {.vjp = roll_vjp,
     .kernels = {&copy_kernel},
     .doc =
         R"(A copy shifted along dims (or as one flat dim), where what leaves at one end enters at the other.

Follows `torch.roll`.

>>> rt.roll(rt.tensor([1, 2, 3]), 1)
tensor([3, 1, 2])
)"});

// ---- repeat, tile, repeat_interleave ----

Tensor repeat_forward(const Tensor& x, IntList repeats) {
  const int64_t rank = repeats.ssize(), extra = rank - x.dim();
  RT_CHECK(
      extra >= 0, Runtime, "repeat",
      "Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor",
      cat_str(repeats, " for ", describe(x)));
  Dims sizes, paired, full;
  for (int64_t d = 0; d < rank; ++d) {
    const int64_t n = d < extra ? 1 : x.sizes()[d - extra];
    RT_CHECK(repeats[d] >= 0, Runtime, "repeat",
             cat_str("Trying to create tensor with negative dimension ", repeats[d] * n),
             cat_str("repeats ", repeats));
    sizes.push_back(n * repeats[d]);
    paired.push_back(1);
    paired.push_back(n);
    full.push_back(repeats[d]);
    full.push_back(n);
  }
  const Tensor all = ops::expand(ops::reshape(x, paired), full);
  // A copy, even where nothing is repeated.
  return ops::reshape(all.is_contiguous() ? ops::clone(all) : ops::contiguous(all), sizes);
}
const Op repeat_op(
    "repeat(Tensor input, int[] repeats) -> Tensor", repeat_forward,
    {.in = "Tensor",
     .doc = R"(The tensor repeated along each dim, as a copy; extra repeats make new leading dims.

Follows `torch.Tensor.repeat`.

>>> rt.tensor([1, 2]).repeat(2)
tensor([1, 2, 1, 2])
)"});
Tensor tile_forward(const Tensor& x, IntList dims) {
  Dims repeats(static_cast<size_t>(std::max<int64_t>(x.dim() - dims.ssize(), 0)), 1);
  for (int64_t d : dims) repeats.push_back(d);
  return repeat_forward(x, repeats);
}
const Op tile_op("tile(Tensor input, int[] dims) -> Tensor", tile_forward,
                 {.doc = R"(The tensor repeated along its last dims, as numpy's tile does.

Follows `torch.tile`.

>>> rt.tile(rt.tensor([1, 2]), (2,))
tensor([1, 2, 1, 2])
)"});

// Index i repeated repeats[i] times.
Tensor repeat_interleave_index_forward(const Tensor& repeats, std::optional<int64_t> output_size) {
  RT_CHECK(repeats.dim() == 1, Runtime, "repeat_interleave",
           "repeat_interleave only accept 1D vector as repeat", describe(repeats));
  RT_CHECK(repeats.dtype() == DType::Int64 || repeats.dtype() == DType::Int32, Runtime,
           "repeat_interleave", "repeats has to be Long or Int tensor", describe(repeats));
  const Tensor host = ops::contiguous(ops::to(ops::to(repeats, Device{}), DType::Int64));
  const int64_t* r = host.host_data<int64_t>();
  int64_t total = 0;
  for (int64_t i = 0; i < host.numel(); ++i) {
    RT_CHECK(r[i] >= 0, Runtime, "repeat_interleave", "repeats can not be negative", cat_str(r[i]));
    total += r[i];
  }
  RT_CHECK(!output_size || *output_size == total, Runtime, "repeat_interleave",
           "allocated size does not match required size", cat_str(*output_size, " for ", total));
  Tensor index = empty({total}, DType::Int64);
  int64_t* at = index.host_data<int64_t>();
  for (int64_t i = 0; i < host.numel(); ++i) at = std::fill_n(at, r[i], i);
  return ops::to(ops::to(index, repeats.device()), repeats.dtype());
}
// dim is a real dim of x here: without one the caller has flattened x.
Tensor repeat_each(const Tensor& x, int64_t times, int64_t dim) {
  RT_CHECK(times >= 0, Runtime, "repeat_interleave", "Repeats must be non-negative",
           cat_str(times));
  const int64_t d = wrap_dim(dim, x.dim(), "repeat_interleave");
  Dims expanded(x.sizes()), sizes(x.sizes());
  expanded.insert(static_cast<size_t>(d) + 1, times);
  sizes[d] *= times;
  return ops::reshape(ops::contiguous(ops::expand(ops::unsqueeze(x, d + 1), expanded)), sizes);
}
Tensor repeat_interleave_int_forward(const Tensor& input, int64_t repeats,
                                     std::optional<int64_t> dim,
                                     std::optional<int64_t> output_size) {
  const Tensor x = dim && input.dim() > 0 ? input : ops::reshape(input, {-1});
  const Tensor r = repeat_each(x, repeats, dim.value_or(0));
  RT_CHECK(!output_size || *output_size == r.size(dim.value_or(0)), Runtime, "repeat_interleave",
           "allocated size does not match required size", cat_str(*output_size));
  return r;
}
Tensor repeat_interleave_tensor_forward(const Tensor& input, const Tensor& repeats,
                                        std::optional<int64_t> dim,
                                        std::optional<int64_t> output_size) {
  const Tensor x = dim && input.dim() > 0 ? input : ops::reshape(input, {-1});
  const int64_t d = wrap_dim(dim.value_or(0), x.dim(), "repeat_interleave"), n = x.sizes()[d];
  RT_CHECK(repeats.dim() <= 1, Runtime, "repeat_interleave",
           "repeats must be 0-dim or 1-dim tensor", describe(repeats));
  RT_CHECK(repeats.numel() == 1 || repeats.numel() == n, Runtime, "repeat_interleave",
           "repeats must have the same size as input along dim",
           cat_str("repeats.size(0) = ", repeats.numel(), " and input.size(", d, ") = ", n));
  const Tensor each = ops::reshape(repeats, {-1});
  const Tensor index = repeat_interleave_index_forward(
      repeats.numel() == n ? each : ops::expand(each, {n}), output_size);
  return ops::index_select(x, d, index);
}
const Op repeat_interleave_int_op(
    "repeat_interleave(Tensor input, int repeats, int? dim=None, *, int? output_size=None) -> "
    "Tensor",
    repeat_interleave_int_forward,
    {.doc = R"(Each element repeated in place, a number of times or as a tensor of counts says.

Along `dim`, or over the flattened input; with only a tensor of counts, the indices repeated.
Follows `torch.repeat_interleave`.

>>> rt.repeat_interleave(rt.tensor([1, 2]), 2)
tensor([1, 1, 2, 2])
)"});
const Op repeat_interleave_tensor_op(
    "repeat_interleave.tensor(Tensor input, Tensor repeats, int? dim=None, *, int? "
    "output_size=None) -> Tensor",
    repeat_interleave_tensor_forward, {});
const Op repeat_interleave_index_op(
    "repeat_interleave.index(Tensor repeats, *, int? output_size=None) -> Tensor",
    repeat_interleave_index_forward, {.in = "rt", .integer_result = true});

}  // namespace

namespace ops {

Tensor flip(const Tensor& x, IntList dims) { return flip_op(x, dims); }
Tensor roll(const Tensor& x, IntList shifts, IntList dims) { return roll_op(x, shifts, dims); }
Tensor repeat(const Tensor& x, IntList repeats) { return repeat_forward(x, repeats); }

}  // namespace ops
}  // namespace rt
