#include "ops/split.h"

#include "autograd/node.h"
#include "ops/index_support.h"
#include "ops/ops.h"
#include "ops/record.h"

namespace rt {

namespace {

using Tensors = std::vector<Tensor>;

Tensors split_with_sizes_forward(const Tensor& x, IntList sizes, int64_t dim) {
  RT_CHECK(x.dim() > 0, Runtime, "split_with_sizes",
           "split expects at least a 1-dimensional tensor", describe(x));
  const int64_t n = x.size(dim);
  int64_t total = 0;
  for (int64_t s : sizes) {
    RT_CHECK(s >= 0, Runtime, "split_with_sizes",
             cat_str("split_with_sizes expects split_sizes have only non-negative entries, but got "
                     "split_sizes=",
                     sizes));
    total += s;
  }
  RT_CHECK(total == n, Runtime, "split_with_sizes",
           cat_str("split_with_sizes expects split_sizes to sum exactly to ", n,
                   " (input tensor's size at dimension ", dim, "), but got split_sizes=", sizes));
  Tensors out;
  out.reserve(sizes.size());
  int64_t start = 0;
  for (int64_t s : sizes) {
    out.push_back(ops::narrow(x, dim, start, s));
    start += s;
  }
  mark_multi_output(out);
  return out;
}
Tensors split_forward(const Tensor& x, int64_t size, int64_t dim) {
  RT_CHECK(x.dim() > 0, Runtime, "split", "split expects at least a 1-dimensional tensor",
           describe(x));
  RT_CHECK(size >= 0, Runtime, "split",
           cat_str("split expects split_size be non-negative, but got split_size=", size));
  const int64_t n = x.size(dim);
  RT_CHECK(
      size > 0 || n == 0, Runtime, "split",
      cat_str("split_size can only be 0 if dimension size is 0, but got dimension size of ", n));
  Tensors out;
  if (n == 0) {
    out.push_back(ops::narrow(x, dim, 0, 0));
    mark_multi_output(out);
    return out;
  }
  out.reserve(static_cast<size_t>((n - 1) / size + 1));
  for (int64_t start = 0; start < n; start += std::min(size, n - start)) {
    out.push_back(ops::narrow(x, dim, start, std::min(size, n - start)));
  }
  mark_multi_output(out);
  return out;
}
const char* const split_doc =
    R"(Views of pieces along a dim: of one size (the last may be smaller), or of the listed sizes.

Errors if listed sizes do not add up to the dim. Follows `torch.split`.

>>> rt.split(rt.arange(5), 2)
(tensor([0, 1]), tensor([2, 3]), tensor([4]))
)";
const Op split_op("split(Tensor tensor, int split_size_or_sections, int dim=0) -> Tensor[]",
                  split_forward, {.in = "rt", .doc = split_doc});
const Op split_list_op(
    "split.list(Tensor tensor, int[] split_size_or_sections, int dim=0) -> Tensor[]",
    split_with_sizes_forward, {.in = "rt"});
const Op split_method_op("split.method(Tensor input, int split_size, int dim=0) -> Tensor[]",
                         split_forward, {.in = "Tensor", .doc = split_doc});
const Op split_list_method_op(
    "split.list_method(Tensor input, int[] split_size, int dim=0) -> Tensor[]",
    split_with_sizes_forward, {.in = "Tensor"});
const Op split_with_sizes_op(
    "split_with_sizes(Tensor input, int[] split_sizes, int dim=0) -> Tensor[]",
    split_with_sizes_forward,
    {.doc = R"(Views of consecutive pieces along a dim, of the listed sizes.

Follows `torch.split_with_sizes`.

>>> rt.split_with_sizes(rt.arange(3), [1, 2])
(tensor([0]), tensor([1, 2]))
)"});

Tensors chunk_forward(const Tensor& x, int64_t chunks, int64_t dim) {
  RT_CHECK(x.dim() > 0, Runtime, "chunk", "chunk expects at least a 1-dimensional tensor",
           describe(x));
  RT_CHECK(chunks > 0, Runtime, "chunk",
           cat_str("chunk expects `chunks` to be greater than 0, got: ", chunks));
  const int64_t n = x.size(dim);
  if (n == 0) {
    // As many pieces as asked for, each without elements.
    return split_with_sizes_forward(x, Dims(static_cast<size_t>(chunks), 0), dim);
  }
  return split_forward(x, (n - 1) / chunks + 1, dim);
}
const Op chunk_op(
    "chunk(Tensor input, int chunks, int dim=0) -> Tensor[]", chunk_forward,
    {.doc = R"(At most `chunks` views of equal size along a dim; the last may be smaller.

Follows `torch.chunk`.

>>> rt.chunk(rt.arange(5), 2)
(tensor([0, 1, 2]), tensor([3, 4]))
)"});

Tensors unbind_forward(const Tensor& x, int64_t dim) {
  const int64_t d = wrap_dim(dim, x.dim(), "unbind");
  RT_CHECK(x.dim() > 0, Index, "unbind", "Dimension specified as 0 but tensor has no dimensions",
           describe(x));
  Tensors out;
  out.reserve(static_cast<size_t>(x.sizes()[d]));
  for (int64_t i = 0; i < x.sizes()[d]; ++i) out.push_back(ops::select(x, d, i));
  mark_multi_output(out);
  return out;
}
const Op unbind_op("unbind(Tensor input, int dim=0) -> Tensor[]", unbind_forward,
                   {.doc = R"(Views of every index along a dim, which they lack.

Follows `torch.unbind`.

>>> rt.unbind(rt.tensor([[1, 2], [3, 4]]))
(tensor([1, 2]), tensor([3, 4]))
)"});

// ---- tensor_split: numpy's array_split ----

Tensors tensor_split_forward(const Tensor& x, int64_t sections, int64_t dim) {
  RT_CHECK(x.dim() > 0, Runtime, "tensor_split",
           "tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims");
  RT_CHECK(sections > 0, Runtime, "tensor_split",
           cat_str("number of sections must be larger than 0, got ", sections));
  const int64_t d = wrap_dim(dim, x.dim(), "tensor_split");
  const int64_t n = x.sizes()[d], size = n / sections, larger = n % sections;
  Tensors out;
  out.reserve(static_cast<size_t>(sections));  // an error now where there is no room for as many
  int64_t start = 0;
  for (int64_t i = 0; i < sections; ++i) {
    const int64_t length = size + (i < larger);
    out.push_back(ops::slice(x, d, start, start + length));
    start += length;
  }
  return out;
}
Tensors tensor_split_indices_forward(const Tensor& x, IntList indices, int64_t dim) {
  RT_CHECK(x.dim() > 0, Runtime, "tensor_split",
           "tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims");
  const int64_t d = wrap_dim(dim, x.dim(), "tensor_split");
  Tensors out;
  int64_t start = 0;
  for (int64_t end : indices) {
    out.push_back(ops::slice(x, d, start, end));
    start = end;
  }
  out.push_back(ops::slice(x, d, start));
  return out;
}
Tensors tensor_split_tensor_forward(const Tensor& x, const Tensor& indices, int64_t dim) {
  RT_CHECK(indices.device().is_cpu(), Runtime, "tensor_split",
           cat_str("tensor_split expected tensor_indices_or_sections to be on cpu, but it's on ",
                   to_string(indices.device())));
  RT_CHECK(
      indices.dtype() == DType::Int64, Runtime, "tensor_split",
      cat_str("tensor_split expected tensor_indices_or_sections to have dtype of long, but got ",
              torch_type_name(indices.dtype())));
  RT_CHECK(indices.dim() <= 1, Runtime, "tensor_split",
           cat_str("tensor_split expected tensor_indices_or_sections to be a zero-dimensional or "
                   "one-dimensional tensor, but got a tensor with ",
                   indices.dim(), " dims"));
  Dims list;
  const int64_t* values = indices.host_data<int64_t>();
  for (int64_t i = 0; i < indices.numel(); ++i) {
    list.push_back(values[indices.dim() == 0 ? 0 : i * indices.strides()[0]]);
  }
  return indices.dim() == 0 ? tensor_split_forward(x, list[0], dim)
                            : tensor_split_indices_forward(x, list, dim);
}
const char* const tensor_split_doc =
    R"(Views along a dim: a number of nearly equal pieces, or the pieces between indices.

Follows `torch.tensor_split`.

>>> rt.tensor_split(rt.arange(5), 2)
(tensor([0, 1, 2]), tensor([3, 4]))
)";
const Op tensor_split_op("tensor_split(Tensor input, int sections, int dim=0) -> Tensor[]",
                         tensor_split_forward, {.doc = tensor_split_doc});
const Op tensor_split_indices_op(
    "tensor_split.indices(Tensor input, int[] indices, int dim=0) -> Tensor[]",
    tensor_split_indices_forward, {});
const Op tensor_split_any_op(
    "tensor_split.sections(Tensor input, int indices_or_sections, int dim=0) -> Tensor[]",
    tensor_split_forward, {});
const Op tensor_split_any_list_op(
    "tensor_split.list(Tensor input, int[] indices_or_sections, int dim=0) -> Tensor[]",
    tensor_split_indices_forward, {});
const Op tensor_split_tensor_op(
    "tensor_split.tensor(Tensor input, Tensor tensor_indices_or_sections, int dim=0) -> Tensor[]",
    tensor_split_tensor_forward, {});

// hsplit, vsplit and dsplit: tensor_split along a fixed dim, in equal parts only.
void check_rank(const char* op, const Tensor& x, int64_t least) {
  RT_CHECK(x.dim() >= least, Runtime, op,
           cat_str("torch.", op, " requires a tensor with at least ", least,
                   " dimension, but got a tensor with ", x.dim(), " dimensions!"));
}
Tensors equal_parts(const char* op, const Tensor& x, int64_t sections, int64_t dim) {
  RT_CHECK(sections != 0 && x.size(dim) % sections == 0, Runtime, op,
           cat_str("torch.", op, " attempted to split along dimension ", dim,
                   ", but the size of the dimension ", x.size(dim),
                   " is not divisible by the split_size ", sections, "!"));
  return tensor_split_forward(x, sections, dim);
}
#define RT_AXIS_SPLIT(fn, least, dim_of, text)                                                   \
  Tensors fn##_forward(const Tensor& x, int64_t sections) {                                      \
    check_rank(#fn, x, least);                                                                   \
    return equal_parts(#fn, x, sections, dim_of);                                                \
  }                                                                                              \
  Tensors fn##_list_forward(const Tensor& x, IntList indices) {                                  \
    check_rank(#fn, x, least);                                                                   \
    return tensor_split_indices_forward(x, indices, dim_of);                                     \
  }                                                                                              \
  const Op fn##_op(#fn "(Tensor input, int sections) -> Tensor[]", fn##_forward, {.doc = text}); \
  const Op fn##_list_op(#fn ".indices(Tensor input, int[] indices) -> Tensor[]",                 \
                        fn##_list_forward, {});                                                  \
  const Op fn##_any_op(#fn ".sections(Tensor input, int indices_or_sections) -> Tensor[]",       \
                       fn##_forward, {});                                                        \
  const Op fn##_any_list_op(#fn ".list(Tensor input, int[] indices_or_sections) -> Tensor[]",    \
                            fn##_list_forward, {})

RT_AXIS_SPLIT(hsplit, 1, x.dim() == 1 ? 0 : 1,
              R"(Views of pieces along the second dim (the first of one-dim tensors).

Follows `torch.hsplit`.

>>> rt.hsplit(rt.arange(4), 2)
(tensor([0, 1]), tensor([2, 3]))
)");
RT_AXIS_SPLIT(vsplit, 2, 0, R"(Views of pieces along the first dim.

Follows `torch.vsplit`.

>>> rt.vsplit(rt.tensor([[1], [2]]), 2)
(tensor([[1]]), tensor([[2]]))
)");
RT_AXIS_SPLIT(dsplit, 3, 2, R"(Views of pieces along the third dim.

Follows `torch.dsplit`.

>>> rt.dsplit(rt.tensor([[[1, 2]]]), 2)
(tensor([[[1]]]), tensor([[[2]]]))
)");

}  // namespace

namespace ops {

Tensors split(const Tensor& x, int64_t size, int64_t dim) { return split_forward(x, size, dim); }
Tensors split_with_sizes(const Tensor& x, IntList sizes, int64_t dim) {
  return split_with_sizes_forward(x, sizes, dim);
}
Tensors chunk(const Tensor& x, int64_t chunks, int64_t dim) {
  return chunk_forward(x, chunks, dim);
}
Tensors unbind(const Tensor& x, int64_t dim) { return unbind_forward(x, dim); }

}  // namespace ops
}  // namespace rt
