// Grids, products and combinations of vectors.
#include "ops/ops.h"
#include "ops/promotion.h"
#include "ops/record.h"

namespace rt {

namespace {

std::vector<Tensor> meshgrid_forward(TensorList tensors, std::string_view indexing) {
  RT_CHECK(!tensors.empty(), Runtime, "meshgrid", "meshgrid expects a non-empty TensorList");
  RT_CHECK(indexing == "ij" || indexing == "xy", Runtime, "meshgrid",
           cat_str("indexing must be one of \"xy\" or \"ij\", but received: ", indexing));
  const size_t n = tensors.size();
  const bool swap = indexing == "xy" && n >= 2;
  Dims sizes;
  for (const Tensor& t : tensors) {
    RT_CHECK(t.dim() <= 1, Runtime, "meshgrid",
             cat_str("Expected 0D or 1D tensor in the tensor list but got: ", describe(t)));
    RT_CHECK(t.dtype() == tensors[0].dtype(), Runtime, "meshgrid",
             "meshgrid expects all tensors to have the same dtype",
             cat_str(describe(t), " and ", describe(tensors[0])));
    sizes.push_back(t.numel());
  }
  if (swap) std::swap(sizes[0], sizes[1]);
  std::vector<Tensor> out;
  for (size_t i = 0; i < n; ++i) {
    const size_t at = swap && i < 2 ? 1 - i : i;
    Dims shape(n, 1);
    shape[at] = tensors[i].numel();
    out.push_back(ops::expand(ops::reshape(tensors[i], shape), sizes));
  }
  return out;
}
const Op meshgrid_op(
    "meshgrid(Tensor[*] tensors, *, str indexing='ij') -> Tensor[]", meshgrid_forward,
    {.in = "rt",
     .doc = R"(For each vector a view that repeats it over the grid that all of them span.

With indexing "xy" the first two dims are swapped, as numpy has it. Follows `torch.meshgrid`.

>>> rt.meshgrid(rt.tensor([1, 2]), rt.tensor([3, 4]))[0]
tensor([[1, 1],
        [2, 2]])
)"});

Tensor cartesian_prod_forward(TensorList tensors) {
  RT_CHECK(!tensors.empty(), Runtime, "cartesian_prod", "Expected a non-empty list of tensors");
  for (const Tensor& t : tensors) {
    RT_CHECK(t.dim() == 1, Runtime, "cartesian_prod", "Expect a 1D vector, but got shape",
             cat_str(t.sizes()));
  }
  if (tensors.size() == 1) return tensors[0];
  std::vector<Tensor> columns;
  for (const Tensor& g : meshgrid_forward(tensors, "ij")) columns.push_back(ops::reshape(g, {-1}));
  return ops::stack(columns, 1);
}
const Op cartesian_prod_op("cartesian_prod(Tensor[*] tensors) -> Tensor", cartesian_prod_forward,
                           {.in = "rt", .doc = R"(All tuples of one element of each vector, as rows.

Follows `torch.cartesian_prod`.

>>> rt.cartesian_prod(rt.tensor([1, 2]), rt.tensor([3, 4]))
tensor([[1, 3],
        [1, 4],
        [2, 3],
        [2, 4]])
)"});

Tensor combinations_forward(const Tensor& x, int64_t r, bool with_replacement) {
  RT_CHECK(x.dim() == 1, Runtime, "combinations", "Expect a 1D vector, but got shape",
           cat_str(x.sizes()));
  RT_CHECK(r >= 0, Runtime, "combinations", "Expect a non-negative number, but got ", cat_str(r));
  if (r == 0) return empty({0}, x.dtype(), x.device());
  const int64_t n = x.numel();
  if (with_replacement ? n == 0 : r > n) return ops::reshape(ops::slice(x, 0, 0, 0), {0, r});
  empty({r}, DType::Int64, {}, "combinations");  // room for one row, or an error now
  // The tuples in lexicographic order, each followed by its successor.
  Dims flat, tuple;
  for (int64_t i = 0; i < r; ++i) tuple.push_back(with_replacement ? 0 : i);
  bool more = true;
  int64_t rows = 0;
  while (more) {
    for (int64_t v : tuple) flat.push_back(v);
    ++rows;
    int64_t at = r - 1;
    while (at >= 0 && tuple[at] == (with_replacement ? n - 1 : n - r + at)) --at;
    more = at >= 0;
    if (!more) break;
    const int64_t next = tuple[at] + 1;
    for (int64_t i = at; i < r; ++i) tuple[i] = with_replacement ? next : next + (i - at);
  }
  const Tensor index = empty({rows * r}, DType::Int64);
  std::copy(flat.begin(), flat.end(), index.host_data<int64_t>());
  return ops::reshape(ops::index_select(x, 0, ops::to(index, x.device())), {rows, r});
}
const Op combinations_op(
    "combinations(Tensor input, int r=2, bool with_replacement=False) -> Tensor",
    combinations_forward,
    {.in = "rt", .doc = R"(All combinations of r elements of a vector, as rows.

Follows `torch.combinations`.

>>> rt.combinations(rt.tensor([1, 2, 3]))
tensor([[1, 2],
        [1, 3],
        [2, 3]])
)"});

Tensor vander_forward(const Tensor& x, std::optional<int64_t> columns, bool increasing) {
  RT_CHECK(x.dim() == 1, Runtime, "vander", "x must be a one-dimensional tensor.", describe(x));
  const int64_t n = columns.value_or(x.numel());
  RT_CHECK(n >= 0, Runtime, "vander", "N must be non-negative.", cat_str(n));
  const DType type = x.dtype() == DType::Bool || is_integral(x.dtype()) ? DType::Int64 : x.dtype();
  if (n == 0) return ops::ones({x.numel(), 0}, type, x.device());
  empty({x.numel(), n}, type, x.device(), "vander");  // room for the result, or an error now
  const Tensor base = ops::to(x, type);
  std::vector<Tensor> powers = {ops::ones_like(base)};
  while (static_cast<int64_t>(powers.size()) < n) powers.push_back(ops::mul(powers.back(), base));
  if (!increasing) std::reverse(powers.begin(), powers.end());
  return ops::stack(powers, 1);
}
const Op vander_op(
    "vander(Tensor x, int? N=None, bool increasing=False) -> Tensor", vander_forward,
    {.in = "rt",
     .doc =
         R"(The matrix whose columns are the powers of a vector, from the highest down unless `increasing`.

Integers give int64. Follows `torch.vander`.

>>> rt.vander(rt.tensor([1, 2, 3]))
tensor([[1, 1, 1],
        [4, 2, 1],
        [9, 3, 1]])
)"});

}  // namespace

}  // namespace rt
