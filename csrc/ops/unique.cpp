// Sets: unique values or slices, by sorting and by runs of equal neighbours.
#include "ops/index_support.h"
#include "ops/ops.h"
#include "ops/sort_support.h"

namespace rt {

KernelSlot<void(const Tensor&, const Tensor&)> number_runs_kernel{"number_runs"};

namespace {

// Runs of equal neighbours along the first dim of rows [n] or [n, width].
struct Runs {
  Tensor starts;   // int64 [runs]
  Tensor numbers;  // int64 [n]
  Tensor counts;   // int64 [runs]
};

Runs find_runs(const Tensor& rows) {
  const int64_t n = rows.sizes()[0];
  Runs r;
  Tensor first = ops::ones({n}, DType::Bool, rows.device());
  if (n > 1) {
    Tensor differ = ops::ne(ops::slice(rows, 0, 1), ops::slice(rows, 0, 0, n - 1));
    if (rows.dim() > 1) differ = ops::ne(ops::sum(differ, {1}), Scalar(0));
    ops::copy_(ops::slice(first, 0, 1), differ);
  }
  const Tensor places = ops::nonzero(first);
  const int64_t runs = places.sizes()[0];
  r.starts = ops::reshape(places, {runs});
  r.numbers = empty({n}, DType::Int64, rows.device(), "unique");
  number_runs_kernel(r.numbers, r.numbers, first);
  Tensor ends = ops::full({runs}, Scalar(n), DType::Int64, rows.device());
  if (runs > 1) ops::copy_(ops::slice(ends, 0, 0, runs - 1), ops::slice(r.starts, 0, 1));
  r.counts = ops::sub(ends, r.starts);
  return r;
}

Value results(Tensor values, Tensor inverse, Tensor counts, bool return_inverse,
              bool return_counts) {
  if (!return_inverse && !return_counts) return Value(std::move(values));
  std::vector<Tensor> list{std::move(values)};
  if (return_inverse) list.push_back(std::move(inverse));
  if (return_counts) list.push_back(std::move(counts));
  return Value(std::move(list));
}

// The slices along a dim as rows of one matrix.
Tensor slices_as_rows(const char* op, const Tensor& x, int64_t dim) {
  const int64_t n = x.sizes()[dim];
  for (int64_t d = 0; d < x.dim(); ++d) {
    RT_CHECK(d == dim || x.sizes()[d] != 0, Runtime, op,
             "There are 0 sized dimensions, and they aren't selected, so unique cannot be applied",
             describe(x));
  }
  const int64_t width = n == 0 ? 1 : x.numel() / n;
  return ops::reshape(ops::contiguous(ops::transpose(x, 0, dim)), {n, width});
}

void check_ordered(const char* op, const Tensor& x) {
  RT_CHECK(!is_complex(x.dtype()), Runtime, op, "complex values have no order", describe(x));
}

Value unique_with(const char* op, const Tensor& x, bool sorted, bool return_inverse,
                  bool return_counts, std::optional<int64_t> dim) {
  NoGradGuard guard;
  check_ordered(op, x);
  if (!dim) {
    const Tensor flat = ops::reshape(x, {x.numel()});
    Tensor order, rows = flat;
    if (sorted) std::tie(rows, order) = ops::sort(flat);
    const Runs r = find_runs(rows);
    Tensor inverse = r.numbers;
    if (sorted && return_inverse)
      inverse =
          ops::index_copy(ops::zeros({x.numel()}, DType::Int64, x.device()), 0, order, r.numbers);
    return results(ops::index_select(rows, 0, r.starts), ops::reshape(inverse, x.sizes()), r.counts,
                   return_inverse, return_counts);
  }
  const int64_t d = wrap_dim(*dim, x.dim(), op);
  const Tensor one = at_least_1d(x);
  Tensor rows = slices_as_rows(op, one, d);
  const int64_t n = rows.sizes()[0];
  Tensor order;
  if (sorted) {
    order = empty({n}, DType::Int64, x.device(), op);
    sort_rows_kernel(order, order, rows);
    rows = ops::index_select(rows, 0, order);
  }
  const Runs r = find_runs(rows);
  Tensor inverse = r.numbers, starts = r.starts;
  if (sorted) {
    inverse = ops::index_copy(ops::zeros({n}, DType::Int64, x.device()), 0, order, r.numbers);
    starts = ops::index_select(order, 0, starts);
  }
  return results(ops::index_select(one, d, starts), inverse, r.counts, return_inverse,
                 return_counts);
}

Value unique_forward(const Tensor& x, bool, bool return_inverse, bool return_counts,
                     std::optional<int64_t> dim) {
  return unique_with("unique", x, true, return_inverse, return_counts, dim);
}
const Op unique_op(
    "unique(Tensor input, bool sorted=True, bool return_inverse=False, bool return_counts=False, "
    "int? dim=None) "
    "-> Tensor",
    unique_forward,
    {.integer_result = true,
     .kernels = {&sort_kernel},
     .doc =
         R"(The distinct values in order, or the distinct slices along `dim` in lexicographic order.

With `return_inverse` also where each input element went, with `return_counts` how often each value
came (int64); then the result is a tuple. NaNs count as different. Follows `torch.unique`.

>>> rt.unique(rt.tensor([2, 1, 2]), return_counts=True)[1]
tensor([1, 2])
)"});

Value unique_consecutive_forward(const Tensor& x, bool return_inverse, bool return_counts,
                                 std::optional<int64_t> dim) {
  return unique_with("unique_consecutive", x, false, return_inverse, return_counts, dim);
}
const Op unique_consecutive_op(
    "unique_consecutive(Tensor input, bool return_inverse=False, bool return_counts=False, int? "
    "dim=None) -> Tensor",
    unique_consecutive_forward,
    {.integer_result = true,
     .kernels = {&number_runs_kernel},
     .doc = R"(The values with runs of equal neighbours reduced to one.

Options as for `unique`. Follows `torch.unique_consecutive`.

>>> rt.unique_consecutive(rt.tensor([1, 1, 2, 1]))
tensor([1, 2, 1])
)"});

}  // namespace

}  // namespace rt
