// Rows of a table by index, and sums, means and maxima of bags of them.
#include "autograd/vjp.h"
#include "core/assertion.h"
#include "ops/embedding_kernels.h"
#include "ops/index_support.h"
#include "ops/ops.h"

namespace rt {

KernelSlot<void(const Tensor&, const Tensor&, double, double)> renorm_rows_kernel{"renorm_rows"};
KernelSlot<void(const Tensor&, const Tensor&, const Tensor&, const Tensor&, const Tensor&, bool)>
    bag_rows_kernel{"bag_rows"};

namespace {

Tensor checked_indices(const char* op, const Tensor& input, const Tensor& weight, ErrorKind range) {
  RT_CHECK(weight.dim() == 2, Runtime, op, "'weight' must be 2-D", describe(weight));
  RT_CHECK(input.dtype() == DType::Int64 || input.dtype() == DType::Int32, Runtime, op,
           cat_str("Expected tensor for argument #1 'indices' to have one of the following scalar "
                   "types: Long, Int; "
                   "but got ",
                   torch_type_name(input.dtype()), " instead"),
           describe(input), ".long() (int64)");
  const Tensor i = as_int64_index(op, input, IndexTypes::Int32OrInt64);
  return check_index(op, i, 0, weight.sizes()[0], Negative::Reject, range);
}

Tensor rows_forward(const Tensor& weight, const Tensor& indices, int64_t, bool) {
  NoGradGuard guard;
  const int64_t width = weight.sizes()[1], n = indices.numel();
  const Tensor rows = ops::index_select(weight, 0, ops::reshape(indices, {n}));
  Dims sizes(indices.sizes());
  sizes.push_back(width);
  return ops::reshape(rows, sizes);
}
void rows_vjp(VjpContext& c) {
  if (!c.has_grad() || !c.needs(0)) return;
  const Tensor indices = c.input(1);
  const int64_t padding = c.arg<int64_t>(2), n = indices.numel();
  const Tensor flat = ops::reshape(indices, {n});
  Tensor g = ops::reshape(c.grad(), {n, c.sizes(0)[1]});
  if (padding >= 0)
    g = ops::masked_fill(g, ops::unsqueeze(ops::eq(flat, Scalar(padding)), 1), Scalar(0));
  if (c.arg<bool>(3)) {
    const Tensor one = ops::ones({n}, real_of(g.dtype()), g.device());
    const Tensor count =
        ops::index_add(ops::zeros({c.sizes(0)[0]}, one.dtype(), g.device()), 0, flat, one);
    g = ops::div(g, ops::unsqueeze(ops::index_select(count, 0, flat), 1));
  }
  c.set(0, ops::index_add(ops::zeros(c.sizes(0), g.dtype(), g.device()), 0, flat, g));
}
const Op rows_op(
    "_embedding(Tensor weight, Tensor indices, int padding_idx, bool scale_grad_by_freq) -> Tensor",
    rows_forward, {.vjp = rows_vjp, .saves = "indices", .in = "", .kernels = {&gather_kernel}});

// Rows longer than max_norm are shortened in the table itself, without history.
void renorm(const char* op, const Tensor& weight, const Tensor& indices,
            std::optional<double> max_norm, double p) {
  if (!max_norm || indices.numel() == 0) return;
  NoGradGuard guard;
  check_inplace(weight, op);
  RT_CHECK(is_floating(weight.dtype()), Runtime, op, "max_norm needs a weight of floats",
           describe(weight));
  const bool direct = weight.is_contiguous() && !is_reduced_floating(weight.dtype());
  const Tensor table =
      direct ? weight : ops::contiguous(ops::to(weight, compute_type(weight.dtype())));
  renorm_rows_kernel(table, table, ops::contiguous(indices), *max_norm, p);
  if (direct) {
    weight.bump_version();
  } else {
    ops::copy_(weight, table);
  }
}

// -1 for none.
int64_t checked_padding(const char* op, std::optional<int64_t> padding_idx, int64_t rows) {
  if (!padding_idx) return -1;
  const int64_t p = *padding_idx;
  if (p < -rows || p >= rows) {
    const std::string what = "padding_idx must be within the number of embeddings";
    const std::string got = cat_str("padding_idx=", p, " for ", rows, " rows");
    if (std::string_view(op) == "embedding") throw AssertionFailed(op, what, got);
    RT_FAIL(Runtime, op, what, got);
  }
  return p < 0 ? p + rows : p;
}

void reject_sparse(const char* op, bool sparse) {
  RT_CHECK(!sparse, NotImplemented, op, "sparse gradients are not supported", "sparse=True",
           "sparse=False");
}

Tensor embedding_forward(const Tensor& input, const Tensor& weight,
                         std::optional<int64_t> padding_idx, std::optional<double> max_norm,
                         double norm_type, bool scale_grad_by_freq, bool sparse) {
  reject_sparse("embedding", sparse);
  const Tensor i = checked_indices("embedding", input, weight, ErrorKind::Index);
  const int64_t padding = checked_padding("embedding", padding_idx, weight.sizes()[0]);
  renorm("embedding", weight, i, max_norm, norm_type);
  return rows_op(weight, i, padding, scale_grad_by_freq);
}
const Op embedding_op(
    "embedding(Tensor input, Tensor weight, int? padding_idx=None, float? max_norm=None, float "
    "norm_type=2.0, "
    "bool scale_grad_by_freq=False, bool sparse=False) -> Tensor",
    embedding_forward,
    {.in = "nn.functional",
     .doc = R"(Rows of a table (num_embeddings, dim) by integer index: input (*) to output (*, dim).

The row `padding_idx` gets no gradient; rows longer than `max_norm` (in the `norm_type` norm) are
shortened in place first; `scale_grad_by_freq` divides gradients by how often an index occurs.
IndexError for indices out of range; sparse gradients are not supported. Follows
`torch.nn.functional.embedding`.

>>> nn.functional.embedding(rt.tensor([1, 0]), rt.tensor([[1., 2.], [3., 4.]]))
tensor([[3., 4.],
        [1., 2.]])
)"});

// ---- embedding_bag ----

// Which bag each of n samples is in, from where bags start.
Tensor bag_numbers(const Tensor& offsets, int64_t n, int64_t bags) {
  const Tensor start = ops::contiguous(
      ops::to(as_int64_index("embedding_bag", offsets, IndexTypes::Int32OrInt64), Device{}));
  const int64_t* s = start.host_data<int64_t>();
  if (start.numel() > 0) {
    RT_CHECK(s[0] == 0, Runtime, "embedding_bag",
             "offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from "
             "position 0.",
             cat_str("offsets[0] = ", s[0]));
    RT_CHECK(s[start.numel() - 1] <= n, Runtime, "embedding_bag",
             cat_str("offsets[-1] can not be greater than input's length(", n, ")"),
             cat_str("offsets[-1] = ", s[start.numel() - 1]));
  }
  Tensor numbers = empty({n}, DType::Int64);
  int64_t* to = numbers.host_data<int64_t>();
  for (int64_t b = 0; b < bags; ++b) {
    const int64_t end = b + 1 < start.numel() ? s[b + 1] : n;
    RT_CHECK(s[b] <= end && end <= n, Runtime, "embedding_bag", "offsets must not decrease",
             describe(offsets));
    for (int64_t i = s[b]; i < end; ++i) to[i] = b;
  }
  return ops::to(numbers, offsets.device());
}

// The members of each bag, at least 1.
Tensor bag_sizes(const Tensor& bag, int64_t bags, DType type) {
  NoGradGuard guard;
  const Tensor count = ops::index_add(ops::zeros({bags}, type, bag.device()), 0, bag,
                                      ops::ones(bag.sizes(), type, bag.device()));
  return ops::masked_fill(count, ops::eq(count, Scalar(0)), Scalar(1));
}

// Sums or means of bags, without the rows in memory; bags do not decrease.
Tensor bag_rows_forward(const Tensor& weight, const Tensor& indices, const Tensor& bags,
                        const Tensor& scale, int64_t count, bool mean) {
  NoGradGuard guard;
  const DType wide = compute_type(weight.dtype());
  const Tensor out = empty({count, weight.sizes()[1]}, wide, weight.device(), "embedding_bag");
  if (out.numel() > 0) {
    bag_rows_kernel(out, out, ops::contiguous(weight), ops::contiguous(indices),
                    ops::contiguous(bags),
                    scale.defined() ? ops::contiguous(ops::to(scale, wide)) : scale, mean);
  }
  return ops::to(out, weight.dtype());
}
void bag_rows_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const Tensor indices = c.input(1), bags = c.input(2);
  const Tensor scale = c.has_input(3) ? c.input(3) : Tensor();
  const DType type = c.grad().dtype(), wide = compute_type(type);
  Tensor g = ops::to(c.grad(), wide);
  if (c.arg<bool>(5)) g = g / ops::unsqueeze(bag_sizes(bags, c.arg<int64_t>(4), wide), 1);
  g = ops::index_select(g, 0, bags);
  if (c.needs(0)) {
    const Tensor share = scale.defined() ? g * ops::unsqueeze(ops::to(scale, wide), 1) : g;
    const Tensor zero = ops::zeros(c.sizes(0), wide, g.device());
    c.set(0, ops::to(ops::index_add(zero, 0, indices, share), type));
  }
  if (scale.defined() && c.needs(3)) {
    const Tensor rows = ops::to(ops::index_select(c.input(0), 0, indices), wide);
    const int64_t dim[] = {1};
    c.set(3, ops::to(ops::sum(g * rows, IntList(dim, 1)), scale.dtype()));
  }
}
const Op bag_rows_op(
    "_bag_rows(Tensor weight, Tensor indices, Tensor bags, Tensor? scale, int count, bool mean) -> "
    "Tensor",
    bag_rows_forward,
    {.vjp = bag_rows_vjp,
     .saves = "weight indices bags scale",
     .in = "",
     .kernels = {&bag_rows_kernel}});

void check_bag_arguments(const Tensor& input, const Tensor& offsets, std::string_view mode,
                         bool scale_grad_by_freq, const Tensor& per_sample_weights) {
  const char* op = "embedding_bag";
  RT_CHECK(!per_sample_weights.defined() || per_sample_weights.sizes() == input.sizes(), Value, op,
           "If per_sample_weights is not None, then it must have the same shape as the input",
           cat_str(describe(per_sample_weights), " for ", describe(input)));
  RT_CHECK(input.dim() == 1 || input.dim() == 2, Value, op,
           cat_str("input has to be 1D or 2D Tensor, but got Tensor of dimension ", input.dim()));
  if (input.dim() == 2) {
    RT_CHECK(!offsets.defined(), Value, op,
             "if input is 2D, then offsets has to be None, as input is treated is a mini-batch of "
             "fixed length "
             "sequences",
             describe(offsets));
  } else {
    RT_CHECK(offsets.defined(), Value, op, "offsets has to be a 1D Tensor but got None");
    RT_CHECK(offsets.dim() == 1, Value, op, "offsets has to be a 1D Tensor", describe(offsets));
  }
  RT_CHECK(mode == "sum" || mode == "mean" || mode == "max", Value, op,
           "mode has to be one of sum, mean or max", cat_str("'", mode, "'"));
  RT_CHECK(mode != "max" || !scale_grad_by_freq, Value, op,
           "max mode does not support scaling the gradient by the frequency");
  RT_CHECK(mode == "sum" || !per_sample_weights.defined(), NotImplemented, op,
           "per_sample_weights is only supported for mode='sum'", cat_str("mode='", mode, "'"));
}

Tensor embedding_bag_forward(const Tensor& input, const Tensor& weight, const Tensor& offsets,
                             std::optional<double> max_norm, double norm_type,
                             bool scale_grad_by_freq, std::string_view mode, bool sparse,
                             const Tensor& per_sample_weights, bool include_last_offset,
                             std::optional<int64_t> padding_idx) {
  const char* op = "embedding_bag";
  reject_sparse(op, sparse);
  check_bag_arguments(input, offsets, mode, scale_grad_by_freq, per_sample_weights);
  const int64_t n = input.numel();
  Tensor index = ops::reshape(checked_indices(op, input, weight, ErrorKind::Runtime), {n});
  const int64_t padding = checked_padding(op, padding_idx, weight.sizes()[0]);
  renorm(op, weight, index, max_norm, norm_type);

  int64_t bags;
  Tensor bag;
  if (input.dim() == 2) {
    bags = input.sizes()[0];
    const Tensor rows = ops::unsqueeze(
        ops::reshape(ops::nonzero(ops::ones({bags}, DType::Bool, input.device())), {bags}), 1);
    bag = ops::reshape(ops::expand(rows, input.sizes()), {n});
  } else {
    RT_CHECK(!include_last_offset || offsets.numel() >= 1, Runtime, op,
             "include_last_offset: number of offset should be at least 1");
    bags = offsets.numel() - include_last_offset;
    bag = bag_numbers(offsets, n, bags);
  }
  Tensor scale = per_sample_weights.defined() ? ops::reshape(per_sample_weights, {n}) : Tensor();
  if (padding >= 0) {
    const Tensor kept[] = {ops::ne(index, Scalar(padding))};
    bag = ops::index(bag, kept);
    if (scale.defined()) scale = ops::index(scale, kept);
    index = ops::index(index, kept);
  }
  if (mode != "max" && !scale_grad_by_freq && is_floating(weight.dtype())) {
    return bag_rows_op(weight, index, bag, scale, bags, mode == "mean");
  }
  Tensor rows = rows_op(weight, index, -1, scale_grad_by_freq);
  const DType type = rows.dtype();
  if (scale.defined()) rows = ops::mul(ops::to(rows, compute_type(type)), ops::unsqueeze(scale, 1));
  const Tensor zero = ops::zeros({bags, weight.sizes()[1]}, rows.dtype(), rows.device());
  if (mode == "max")
    return ops::scatter_reduce(zero, 0, ops::expand(ops::unsqueeze(bag, 1), rows.sizes()), rows,
                               "amax", false);
  const DType wide = compute_type(type);
  if (mode == "sum") {
    return ops::to(ops::index_add(ops::to(zero, wide), 0, bag, ops::to(rows, wide)), type);
  }
  const Tensor count = bag_sizes(bag, bags, compute_type(real_of(type)));
  const Tensor total = ops::index_add(ops::to(zero, wide), 0, bag, ops::to(rows, wide));
  return ops::to(ops::div(total, ops::unsqueeze(count, 1)), type);
}
const Op embedding_bag_op(
    "embedding_bag(Tensor input, Tensor weight, Tensor? offsets=None, float? max_norm=None, float "
    "norm_type=2, "
    "bool scale_grad_by_freq=False, str mode='mean', bool sparse=False, Tensor? "
    "per_sample_weights=None, "
    "bool include_last_offset=False, int? padding_idx=None) -> Tensor",
    embedding_bag_forward,
    {.in = "nn.functional",
     .doc =
         R"(Sums, means or maxima of bags of rows of a table (num_embeddings, dim): output (bags, dim).

Input (B, N) holds B bags; input (N) needs `offsets`, where bags start (with `include_last_offset`
also where the last one ends). `per_sample_weights` scale the rows of a sum; `padding_idx` rows do not
count; empty bags give zeros. Follows `torch.nn.functional.embedding_bag`.

>>> w = rt.tensor([[1., 2.], [3., 4.]])
>>> nn.functional.embedding_bag(rt.tensor([0, 1, 1]), w, rt.tensor([0, 2]), mode="sum")
tensor([[4., 6.],
        [3., 4.]])
)"});

}  // namespace

}  // namespace rt
