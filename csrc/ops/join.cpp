#include "ops/join.h"

#include "autograd/vjp.h"
#include "ops/elementwise.h"
#include "ops/memory_format.h"
#include "ops/ops.h"
#include "ops/promotion.h"

namespace rt {

namespace {

// A one-dim tensor without elements joins anything: PyTorch kept this from its early versions.
bool is_legacy_empty(IntList sizes) { return sizes.size() == 1 && sizes[0] == 0; }

// The dim that cat joins along, and the first tensor that is not skipped.
struct CatPlan {
  size_t first = 0;
  int64_t dim = 0;
};
template <class SizesOf>
CatPlan plan_cat(size_t count, int64_t dim, SizesOf&& sizes_of) {
  CatPlan p;
  while (p.first + 1 < count && is_legacy_empty(sizes_of(p.first))) ++p.first;
  // If all are such, any dim will do.
  const bool nothing = is_legacy_empty(sizes_of(p.first));
  p.dim = nothing ? 0 : wrap_dim(dim, sizes_of(p.first).ssize(), "cat");
  return p;
}

// Those of channels last where all tensors lie so, else row-major ones.
Dims joined_strides(IntList sizes, TensorList tensors) {
  const MemoryFormat format = suggested_format(tensors[0]);
  if (format == MemoryFormat::Contiguous) return contiguous_strides(sizes);
  for (const Tensor& t : tensors) {
    if (suggested_format(t) != format) return contiguous_strides(sizes);
  }
  return format_strides("cat", format, sizes);
}

Tensor cat_forward(TensorList tensors, int64_t dim) {
  RT_CHECK(!tensors.empty(), Value, "cat", "expected a non-empty list of Tensors");
  for (size_t i = 0; i < tensors.size(); ++i) {
    RT_CHECK(tensors[i].dim() > 0, Runtime, "cat",
             cat_str("zero-dimensional tensor (at position ", i, ") cannot be concatenated"),
             describe(tensors[i]), "stack()");
  }
  const CatPlan plan = plan_cat(tensors.size(), dim, [&](size_t i) { return tensors[i].sizes(); });
  Dims sizes(tensors[plan.first].sizes());
  int64_t total = 0;
  bool same_type = true;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const Tensor& t = tensors[i];
    same_type = same_type && t.dtype() == tensors[0].dtype();
    if (is_legacy_empty(t.sizes())) continue;
    RT_CHECK(t.dim() == sizes.ssize(), Runtime, "cat",
             cat_str("Tensors must have same number of dimensions: got ", sizes.ssize(), " and ",
                     t.dim()),
             describe(t));
    for (int64_t d = 0; d < t.dim(); ++d) {
      RT_CHECK(d == plan.dim || t.sizes()[d] == sizes[d], Runtime, "cat",
               cat_str("Sizes of tensors must match except in dimension ", plan.dim,
                       ". Expected size ", sizes[d], " but got size ", t.sizes()[d],
                       " for tensor number ", i, " in the list."));
    }
    total += t.sizes()[plan.dim];
  }
  sizes[plan.dim] = total;
  const Device device = common_device("cat", tensors);
  const DType type = same_type ? tensors[0].dtype() : result_type(tensors);
  Tensor out = empty_strided(sizes, joined_strides(sizes, tensors), type, device, "cat");
  int64_t offset = 0;
  for (const Tensor& t : tensors) {
    if (t.numel() > 0) {
      copy_kernel(out, make_view(out, t.sizes(), out.strides(), offset), t);
    }
    if (!is_legacy_empty(t.sizes())) offset += t.sizes()[plan.dim] * out.strides()[plan.dim];
  }
  return out;
}
void cat_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const auto count = static_cast<size_t>(c.list_size(0));
  const CatPlan plan =
      plan_cat(count, c.arg<int64_t>(1), [&](size_t i) { return c.sizes(0, static_cast<int>(i)); });
  int64_t start = 0;
  for (size_t i = 0; i < count; ++i) {
    const int item = static_cast<int>(i);
    const IntList sizes = c.sizes(0, item);
    const int64_t length = is_legacy_empty(sizes) ? 0 : sizes[plan.dim];
    if (c.needs(0, item)) {
      c.set(0, item,
            is_legacy_empty(sizes) ? ops::zeros(sizes, c.grad().dtype(), c.grad().device())
                                   : ops::narrow(c.grad(), plan.dim, start, length));
    }
    start += length;
  }
}
const Op cat_op("cat(Tensor[] tensors, int dim=0) -> Tensor", cat_forward,
                {.vjp = cat_vjp,
                 .in = "rt",
                 .aliases = "concat concatenate",
                 .out = true,
                 .kernels = {&copy_kernel},
                 .doc = R"(The tensors one after another along a dim; other sizes must agree.

The dtype is the common promotion. Follows `torch.cat`.

>>> rt.cat([rt.tensor([1, 2]), rt.tensor([3])])
tensor([1, 2, 3])
)"});

Tensor stack_forward(TensorList tensors, int64_t dim) {
  RT_CHECK(!tensors.empty(), Runtime, "stack", "stack expects a non-empty TensorList");
  const IntList sizes = tensors[0].sizes();
  const int64_t d = wrap_dim(dim, sizes.ssize() + 1, "stack");
  bool same_type = true;
  for (size_t i = 1; i < tensors.size(); ++i) {
    RT_CHECK(tensors[i].sizes() == sizes, Runtime, "stack",
             cat_str("stack expects each tensor to be equal size, but got ", sizes,
                     " at entry 0 and ", tensors[i].sizes(), " at entry ", i));
    same_type = same_type && tensors[i].dtype() == tensors[0].dtype();
  }
  Dims stacked(sizes);
  stacked.insert(static_cast<size_t>(d), static_cast<int64_t>(tensors.size()));
  const DType type = same_type ? tensors[0].dtype() : result_type(tensors);
  // Along a dim that is there, the memory is that of the tensors joined.
  Dims strides = contiguous_strides(stacked);
  if (d < sizes.ssize()) {
    Dims joined(sizes);
    joined[d] *= static_cast<int64_t>(tensors.size());
    strides = joined_strides(joined, tensors);
    strides.insert(static_cast<size_t>(d), strides[d] * std::max<int64_t>(sizes[d], 1));
  }
  Tensor out = empty_strided(stacked, strides, type, common_device("stack", tensors), "stack");
  if (out.numel() == 0) return out;
  const int64_t step = strides[d];
  strides.erase(static_cast<size_t>(d));
  for (size_t i = 0; i < tensors.size(); ++i) {
    copy_kernel(out, make_view(out, sizes, strides, static_cast<int64_t>(i) * step), tensors[i]);
  }
  return out;
}
void stack_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  for (int64_t i = 0; i < c.list_size(0); ++i) {
    const int item = static_cast<int>(i);
    if (c.needs(0, item)) c.set(0, item, ops::select(c.grad(), c.arg<int64_t>(1), i));
  }
}
const Op stack_op("stack(Tensor[] tensors, int dim=0) -> Tensor", stack_forward,
                  {.vjp = stack_vjp,
                   .in = "rt",
                   .out = true,
                   .kernels = {&copy_kernel},
                   .doc = R"(Tensors of one shape along a new dim.

Follows `torch.stack`.

>>> rt.stack([rt.tensor([1, 2]), rt.tensor([3, 4])])
tensor([[1, 2],
        [3, 4]])
)"});

// ---- numpy's names ----

Tensor at_least_1d(const Tensor& x) { return x.dim() == 0 ? ops::reshape(x, {1}) : x; }
Tensor at_least_2d(const Tensor& x) { return x.dim() >= 2 ? x : ops::unsqueeze(at_least_1d(x), 0); }
Tensor at_least_3d(const Tensor& x) {
  return x.dim() >= 3 ? x : ops::unsqueeze(at_least_2d(x), -1);
}
template <Tensor (*F)(const Tensor&)>
std::vector<Tensor> each(TensorList tensors) {
  std::vector<Tensor> out;
  out.reserve(tensors.size());
  for (const Tensor& t : tensors) out.push_back(F(t));
  return out;
}
void check_not_empty(const char* op, TensorList tensors) {
  RT_CHECK(!tensors.empty(), Runtime, op, cat_str(op, " expects a non-empty TensorList"));
}

Tensor hstack_forward(TensorList tensors) {
  check_not_empty("hstack", tensors);
  const auto parts = each<at_least_1d>(tensors);
  return cat_op(parts, parts[0].dim() == 1 ? 0 : 1);
}
Tensor vstack_forward(TensorList tensors) {
  check_not_empty("vstack", tensors);
  return cat_op(each<at_least_2d>(tensors), 0);
}
Tensor dstack_forward(TensorList tensors) {
  check_not_empty("dstack", tensors);
  return cat_op(each<at_least_3d>(tensors), 2);
}
Tensor as_column(const Tensor& x) { return x.dim() <= 1 ? ops::reshape(x, {x.numel(), 1}) : x; }
Tensor column_stack_forward(TensorList tensors) {
  check_not_empty("column_stack", tensors);
  return cat_op(each<as_column>(tensors), 1);
}
const Op hstack_op(
    "hstack(Tensor[] tensors) -> Tensor", hstack_forward,
    {.in = "rt",
     .out = true,
     .doc = R"(The tensors side by side: along the second dim, or the first of one-dim tensors.

Follows `torch.hstack`.

>>> rt.hstack([rt.tensor([1, 2]), rt.tensor([3])])
tensor([1, 2, 3])
)"});
const Op vstack_op(
    "vstack(Tensor[] tensors) -> Tensor", vstack_forward,
    {.in = "rt",
     .aliases = "row_stack",
     .out = true,
     .doc = R"(The tensors below one another: along the first dim, one-dim tensors as rows.

Follows `torch.vstack`.

>>> rt.vstack([rt.tensor([1, 2]), rt.tensor([3, 4])])
tensor([[1, 2],
        [3, 4]])
)"});
const Op dstack_op("dstack(Tensor[] tensors) -> Tensor", dstack_forward,
                   {.in = "rt",
                    .out = true,
                    .doc = R"(The tensors behind one another: along the third dim.

Follows `torch.dstack`.

>>> rt.dstack([rt.tensor([1, 2]), rt.tensor([3, 4])])
tensor([[[1, 3],
         [2, 4]]])
)"});
const Op column_stack_op("column_stack(Tensor[] tensors) -> Tensor", column_stack_forward,
                         {.in = "rt",
                          .out = true,
                          .doc = R"(The tensors side by side, one-dim tensors as columns.

Follows `torch.column_stack`.

>>> rt.column_stack([rt.tensor([1, 2]), rt.tensor([3, 4])])
tensor([[1, 3],
        [2, 4]])
)"});

Tensor block_diag_forward(TensorList tensors) {
  if (tensors.empty()) return ops::zeros({1, 0});
  int64_t columns = 0;
  std::vector<Tensor> blocks;
  for (size_t i = 0; i < tensors.size(); ++i) {
    RT_CHECK(tensors[i].dim() <= 2, Runtime, "block_diag",
             cat_str("torch.block_diag: Input tensors must have 2 or fewer dimensions. Input ", i,
                     " has ", tensors[i].dim(), " dimensions"));
    blocks.push_back(at_least_2d(tensors[i]));
    columns += blocks.back().size(1);
  }
  const DType type = result_type(tensors);
  const Device device = common_device("block_diag", tensors);
  std::vector<Tensor> bands;
  int64_t before = 0;
  for (const Tensor& b : blocks) {
    const int64_t h = b.size(0), w = b.size(1);
    const Tensor parts[] = {ops::zeros({h, before}, type, device), ops::to(b, type),
                            ops::zeros({h, columns - before - w}, type, device)};
    bands.push_back(cat_op(parts, 1));
    before += w;
  }
  return cat_op(bands, 0);
}
const Op block_diag_op(
    "block_diag(Tensor[*] tensors) -> Tensor", block_diag_forward,
    {.in = "rt", .doc = R"(A matrix with the given matrices along its diagonal and zeros elsewhere.

Tensors with fewer dims count as one row. Follows `torch.block_diag`.

>>> rt.block_diag(rt.tensor([[1, 2]]), rt.tensor([3]))
tensor([[1, 2, 0],
        [0, 0, 3]])
)"});

}  // namespace

namespace ops {

Tensor cat(TensorList tensors, int64_t dim) { return cat_op(tensors, dim); }
Tensor stack(TensorList tensors, int64_t dim) { return stack_op(tensors, dim); }

}  // namespace ops
}  // namespace rt
