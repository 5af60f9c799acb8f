#include "ops/sort.h"

#include "autograd/vjp.h"
#include "ops/index_support.h"
#include "ops/ops.h"
#include "ops/sort_support.h"

namespace rt {

KernelSlot<void(const Tensor&, const Tensor&, const Tensor&, bool)> sort_kernel{"sort"};
KernelSlot<void(const Tensor&, const Tensor&)> sort_rows_kernel{"sort_rows"};
KernelSlot<void(const Tensor&, const Tensor&, const Tensor&, const Tensor&, bool)> search_kernel{
    "searchsorted"};

namespace {

// The first k in order along dim. Lines are brought to the last dim for the kernel.
std::tuple<Tensor, Tensor> ordered(const char* op, const Tensor& self, int64_t dim, int64_t k,
                                   bool descending) {
  RT_CHECK(!is_complex(self.dtype()), Runtime, op,
           cat_str(op, " does not support complex dtypes on CPU"), describe(self),
           "a real key, such as x.abs()");
  NoGradGuard guard;
  if (self.dim() == 0) {
    Tensor values = ops::clone(self), index = ops::zeros({}, DType::Int64, self.device());
    if (k == 0)
      return {empty({0}, self.dtype(), self.device()), empty({0}, DType::Int64, self.device())};
    return {values, index};
  }
  const bool last = dim == self.dim() - 1;
  const Tensor lines = ops::contiguous(last ? self : ops::transpose(self, dim, self.dim() - 1));
  const int64_t n = lines.sizes().back();
  Dims sizes(lines.sizes());
  sizes.back() = k;
  Tensor values = empty(sizes, self.dtype(), self.device(), op);
  Tensor indices = empty(sizes, DType::Int64, self.device(), op);
  if (values.numel() > 0) {
    const int64_t count = lines.numel() / n;
    const auto flat = [count](const Tensor& t, int64_t width) {
      return make_view(t, {count, width}, {width, 1}, t.offset());
    };
    sort_kernel(lines, flat(values, k), flat(indices, k), flat(lines, n), descending);
  }
  if (!last) {
    values = ops::contiguous(ops::transpose(values, dim, self.dim() - 1));
    indices = ops::contiguous(ops::transpose(indices, dim, self.dim() - 1));
  }
  return {values, indices};
}

// Each value goes back to where it came from.
void ordered_vjp(VjpContext& c, int64_t dim) {
  if (!c.has_grad() || !c.needs(0)) return;
  const Tensor zero = ops::zeros(c.sizes(0), c.grad().dtype(), c.grad().device());
  c.set(0, ops::scatter_add(zero, dim, c.result(1), c.grad()));
}

std::tuple<Tensor, Tensor> sort_forward(const Tensor& self, int64_t dim, bool descending,
                                        std::optional<bool>) {
  const int64_t d = wrap_dim(dim, self.dim(), "sort");
  return ordered("sort", self, d, self.dim() == 0 ? 1 : self.sizes()[d], descending);
}
void sort_vjp(VjpContext& c) { ordered_vjp(c, c.arg<int64_t>(1)); }
const Op sort_op(
    "sort(Tensor input, int dim=-1, bool descending=False, *, bool? stable=False) -> (Tensor "
    "values, Tensor indices)",
    sort_forward,
    {.vjp = sort_vjp,
     .saves = "indices",
     .out = true,
     .kernels = {&sort_kernel},
     .doc = R"(The values in order along `dim`, and the int64 indices they had.

The sort is always stable; NaN counts as the largest value. Errors for complex dtypes. Follows `torch.sort`.

>>> rt.sort(rt.tensor([3, 1, 2])).values
tensor([1, 2, 3])
)"});

Tensor argsort_forward(const Tensor& self, int64_t dim, bool descending, bool) {
  return std::get<1>(sort_forward(self, dim, descending, true));
}
const Op argsort_op(
    "argsort(Tensor input, int dim=-1, bool descending=False, bool stable=False) -> Tensor",
    argsort_forward,
    {.integer_result = true,
     .kernels = {&sort_kernel},
     .doc = R"(The int64 indices that sort along `dim`.

Follows `torch.argsort`; the sort is always stable.

>>> rt.argsort(rt.tensor([3, 1, 2]))
tensor([1, 2, 0])
)"});

Tensor msort_forward(const Tensor& self) { return std::get<0>(ops::sort(self, 0)); }
const Op msort_op("msort(Tensor input) -> Tensor", msort_forward,
                  {.out = true, .doc = R"(The values in order along the first dim.

Follows `torch.msort`.

>>> rt.msort(rt.tensor([3, 1, 2]))
tensor([1, 2, 3])
)"});

std::tuple<Tensor, Tensor> topk_forward(const Tensor& self, int64_t k, int64_t dim, bool largest,
                                        bool) {
  const int64_t d = wrap_dim(dim, self.dim(), "topk");
  RT_CHECK(k >= 0 && k <= (self.dim() == 0 ? 1 : self.sizes()[d]), Runtime, "topk",
           "selected index k out of range", cat_str("k=", k, " for ", describe(self)));
  return ordered("topk", self, d, k, largest);
}
void topk_vjp(VjpContext& c) { ordered_vjp(c, c.arg<int64_t>(2)); }
const Op topk_op(
    "topk(Tensor input, int k, int dim=-1, bool largest=True, bool sorted=True) -> (Tensor values, "
    "Tensor indices)",
    topk_forward,
    {.vjp = topk_vjp,
     .saves = "indices",
     .out = true,
     .kernels = {&sort_kernel},
     .doc = R"(The `k` largest (or smallest) values along `dim`, in order, and their int64 indices.

NaN counts as the largest value; of equal values the first come first. Follows `torch.topk`.

>>> rt.topk(rt.tensor([1, 4, 3]), 2).values
tensor([4, 3])
)"});

// ---- searchsorted, bucketize ----

bool side_is_right(const char* op, std::optional<std::string_view> side, bool right) {
  if (!side) return right;
  RT_CHECK(*side == "left" || *side == "right", Runtime, op,
           cat_str(op, "(): side can only be 'left' or 'right' but got ", *side));
  RT_CHECK(
      !right || *side == "right", Runtime, op,
      cat_str(
          op,
          "(): side and right can't be set to opposites, got side of left while right was True"));
  return *side == "right";
}

Tensor search_with(const char* op, const Tensor& boundaries, const Tensor& values, bool out_int32,
                   bool right, const Tensor& sorter) {
  NoGradGuard guard;
  RT_CHECK(
      boundaries.dim() > 0, Runtime, op,
      cat_str(op, "(): boundaries tensor should have positive dimension, but got 0 dimension"));
  const bool shared = boundaries.dim() == 1;
  RT_CHECK(shared || (values.dim() == boundaries.dim() &&
                      values.sizes().slice(0, values.sizes().size() - 1) ==
                          boundaries.sizes().slice(0, boundaries.sizes().size() - 1)),
           Runtime, op,
           cat_str(op,
                   "(): boundaries tensor should be 1 dimension or the first N-1 dimensions of "
                   "boundaries tensor and "
                   "input value tensor must match, but we got boundaries tensor ",
                   boundaries.sizes(), " and input value tensor ", values.sizes()));
  const DType type = result_type(boundaries, values);
  RT_CHECK(!is_complex(type), Runtime, op, cat_str(op, " does not support complex dtypes"),
           name(type));
  const int64_t n = boundaries.sizes().back();
  Tensor order;
  if (sorter.defined()) {
    RT_CHECK(sorter.dtype() == DType::Int64, Runtime, op,
             cat_str(op, "(): sorter must be a tensor of long dtype but got dtype ",
                     torch_type_name(sorter.dtype())));
    RT_CHECK(
        sorter.sizes() == boundaries.sizes(), Runtime, op,
        cat_str(op, "(): boundary and sorter must have the same size, but got boundary tensor ",
                boundaries.sizes(), "and got sorter tensor ", sorter.sizes()));
    order = ops::contiguous(
        check_index(op, sorter, boundaries.dim() - 1, n, Negative::Reject, ErrorKind::Runtime));
  }
  // A number comes along to where the boundaries are.
  const Device device = boundaries.device();
  RT_CHECK(values.dim() == 0 || values.device() == device, Runtime, op,
           "Expected all tensors to be on the same device",
           cat_str(describe(boundaries), " and ", describe(values)), "x.to(device) on one of them");
  Tensor out = empty(values.sizes(), DType::Int64, device, op);
  if (out.numel() > 0) {
    const Tensor b = ops::contiguous(ops::to(boundaries, type)),
                 v = ops::contiguous(ops::to(ops::to(values, type), device));
    const int64_t lines = shared           ? 1
                          : b.numel() == 0 ? v.numel() / v.sizes().back()
                                           : b.numel() / n;
    const int64_t m = v.numel() / lines;
    search_kernel(out, make_view(out, {lines, m}, {m, 1}, 0),
                  make_view(b, {lines, n}, {n, 1}, b.offset()),
                  make_view(v, {lines, m}, {m, 1}, v.offset()), order, right);
  }
  return out_int32 ? ops::to(out, DType::Int32) : out;
}

Tensor searchsorted_forward(const Tensor& sorted_sequence, const Tensor& values, bool out_int32,
                            bool right, std::optional<std::string_view> side,
                            const Tensor& sorter) {
  return search_with("searchsorted", sorted_sequence, values, out_int32,
                     side_is_right("searchsorted", side, right), sorter);
}
const Op searchsorted_op(
    "searchsorted(Tensor sorted_sequence, Operand input, *, bool out_int32=False, bool "
    "right=False, str? side=None, "
    "Tensor? sorter=None) -> Tensor",
    searchsorted_forward,
    {.in = "rt",
     .out = true,
     .integer_result = true,
     .kernels = {&search_kernel},
     .doc =
         R"(Where each value would be inserted to keep ascending sequences along the last dim sorted.

`sorted_sequence` is 1-d, or matches input in all dims but the last; `right` (or `side="right"`)
inserts after equal values; `sorter` is the order of an unsorted sequence. The result is int64, or
int32 with `out_int32`. Follows `torch.searchsorted`.

>>> rt.searchsorted(rt.tensor([1, 3, 5]), rt.tensor([3, 6]))
tensor([1, 3])
)"});

Tensor bucketize_forward(const Tensor& input, const Tensor& boundaries, bool out_int32,
                         bool right) {
  RT_CHECK(boundaries.dim() == 1, Runtime, "bucketize",
           cat_str("bucketize(): boundaries tensor must be 1 dimension, but got dim(",
                   boundaries.dim(), ")"));
  return search_with("bucketize", boundaries, input, out_int32, right, {});
}
const Op bucketize_op(
    "bucketize(Operand input, Tensor boundaries, *, bool out_int32=False, bool right=False) -> "
    "Tensor",
    bucketize_forward,
    {.in = "rt",
     .out = true,
     .integer_result = true,
     .kernels = {&search_kernel},
     .doc = R"(The number of the bucket each value falls into, for ascending 1-d boundaries.

`right` puts a value that equals a boundary into the next bucket. Follows `torch.bucketize`.

>>> rt.bucketize(rt.tensor([0, 3, 9]), rt.tensor([1, 3, 5]))
tensor([0, 1, 3])
)"});

}  // namespace

namespace ops {

std::tuple<Tensor, Tensor> sort(const Tensor& x, int64_t dim, bool descending, bool stable) {
  return sort_op(x, dim, descending, stable);
}
Tensor argsort(const Tensor& x, int64_t dim, bool descending, bool stable) {
  return argsort_op(x, dim, descending, stable);
}
std::tuple<Tensor, Tensor> topk(const Tensor& x, int64_t k, int64_t dim, bool largest,
                                bool sorted) {
  return topk_op(x, k, dim, largest, sorted);
}
Tensor searchsorted(const Tensor& sorted_sequence, const Tensor& values, bool right) {
  return searchsorted_op(sorted_sequence, values, false, right, {}, {});
}

}  // namespace ops
}  // namespace rt
