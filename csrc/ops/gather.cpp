// gather and scatter: reading and writing along one dim at an index of the same rank.
#include "autograd/vjp.h"
#include "ops/index.h"
#include "ops/index_support.h"
#include "ops/ops.h"

namespace rt {

namespace {

// index in int64, of self's rank (numbers count as one element), within self's sizes but for dim.
Tensor checked_line_index(const char* op, const Tensor& self, int64_t dim, const Tensor& index) {
  if (index.numel() == 0) return at_least_1d(ops::to(index, DType::Int64));
  const Tensor i = at_least_1d(as_int64_index(op, index, IndexTypes::Int32OrInt64));
  RT_CHECK(i.dim() == self.dim(), Runtime, op,
           "Index tensor must have the same number of dimensions as input tensor",
           cat_str(describe(index), " for ", describe(self)));
  for (int64_t d = 0; d < self.dim(); ++d) {
    RT_CHECK(d == dim || i.sizes()[d] <= self.sizes()[d], Runtime, op,
             cat_str("Size does not match at dimension ", d, " expected index ", i.sizes(),
                     " to be no larger than self ", self.sizes(), " apart from dimension ", dim));
  }
  return check_index(op, i, dim, self.sizes()[dim], Negative::Reject, ErrorKind::Runtime);
}

// ---- gather ----

Tensor gather_forward(const Tensor& self, int64_t dim, const Tensor& index, bool) {
  const int64_t d = wrap_dim(dim, self.dim(), "gather");
  const Tensor x = at_least_1d(self);
  const Tensor i = checked_line_index("gather", x, d, index);
  Tensor out = empty(index.sizes(), self.dtype(), self.device(), "gather");
  if (out.numel() == 0) return out;
  gather_kernel(out, at_least_1d(out), along_index(x, d, i.sizes()), i, x.strides()[d]);
  return out;
}
void gather_vjp(VjpContext& c) {
  if (!c.has_grad() || !c.needs(0)) return;
  const Tensor zero = ops::zeros(c.sizes(0), c.grad().dtype(), c.grad().device());
  c.set(0, ops::scatter_add(zero, c.arg<int64_t>(1), c.input(2), c.grad()));
}
const Op gather_op(
    "gather(Tensor input, int dim, Tensor index, *, bool sparse_grad=False) -> Tensor",
    gather_forward,
    {.vjp = gather_vjp,
     .saves = "index",
     .out = true,
     .kernels = {&gather_kernel},
     .doc =
         R"(Values along `dim`, chosen by an index of the same rank: `out[i][j] = input[index[i][j]][j]` for dim 0.

`index` is int64 or int32 and no larger than input in the other dims; the result has its shape.
RuntimeError for indices out of range. Follows `torch.gather`.

>>> rt.gather(rt.tensor([[1, 2], [3, 4]]), 1, rt.tensor([[0, 0], [1, 0]]))
tensor([[1, 1],
        [4, 3]])
)"});

// ---- scatter ----

// Writes src (which covers index's shape) into a copy of self, or self itself.
Tensor scatter_with(const char* op, Out out, const Tensor& self, int64_t dim, const Tensor& index,
                    const Tensor& src, ScatterMode mode) {
  NoGradGuard guard;
  const int64_t d = wrap_dim(dim, self.dim(), op);
  const Tensor x = at_least_1d(self);
  const Tensor i = checked_line_index(op, x, d, index);
  RT_CHECK(src.dtype() == self.dtype(), Runtime, op, "Expected self.dtype to be equal to src.dtype",
           cat_str(describe(self), " and ", describe(src)), "src.to(input.dtype)");
  const Tensor from = at_least_1d(src);
  if (i.numel() > 0) {
    RT_CHECK(from.dim() == i.dim(), Runtime, op,
             "Index tensor must have the same number of dimensions as src tensor",
             cat_str(describe(index), " and ", describe(src)));
    for (int64_t k = 0; k < i.dim(); ++k) {
      RT_CHECK(i.sizes()[k] <= from.sizes()[k], Runtime, op,
               cat_str("Expected index ", i.sizes(), " to be no larger than self ", x.sizes(),
                       " apart from dimension ", d, " and to be no larger size than src ",
                       from.sizes()));
    }
  }
  const Tensor target = writable(out, self);
  if (i.numel() == 0) return target;
  const bool widen = mode != ScatterMode::Assign && is_reduced_floating(self.dtype());
  const Tensor wide = widen ? ops::to(target, DType::Float32) : target;
  Tensor values = unshared(make_view(from, i.sizes(), from.strides(), from.offset()), target);
  if (widen) values = ops::to(values, DType::Float32);
  const Tensor over = at_least_1d(wide);
  scatter_into(along_index(over, d, i.sizes()), unshared(i, target), over.strides()[d], values, d,
               d + 1, mode);
  if (widen) ops::copy_(target, wide);
  return target;
}

// A number in self's dtype, repeated over the index's shape.
Tensor repeated(const char* op, const Tensor& self, const Tensor& index, const Scalar& value) {
  check_number_fits(op, value, self.dtype());
  return broadcast_view(scalar_tensor(value, self.dtype(), self.device()),
                        at_least_1d(index).sizes());
}

// Zeros for the part of src that the index does not reach.
Tensor padded_to(Tensor g, IntList sizes) {
  if (sizes.empty()) return ops::reshape(g, {});
  for (int64_t d = 0; d < g.dim(); ++d) {
    if (g.sizes()[d] == sizes[d]) continue;
    Dims grown(g.sizes());
    grown[d] = sizes[d];
    g = ops::slice_backward(g, grown, d, 0, g.sizes()[d], 1);
  }
  return g;
}
Tensor gathered_for_src(VjpContext& c, const Tensor& g) {
  const Tensor index = c.input(2);
  if (index.numel() == 0) return ops::zeros(c.sizes(3), g.dtype(), g.device());
  return padded_to(ops::gather(g, c.arg<int64_t>(1), index), c.sizes(3));
}

Tensor scatter_forward(Out out, const Tensor& self, int64_t dim, const Tensor& index,
                       const Tensor& src) {
  return scatter_with("scatter", out, self, dim, index, src, ScatterMode::Assign);
}
void scatter_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  if (c.needs(0)) c.set(0, ops::scatter(c.grad(), c.arg<int64_t>(1), c.input(2), Scalar(0)));
  if (c.needs(3)) c.set(3, gathered_for_src(c, c.grad()));
}
const Op scatter_op(
    "scatter.src(Tensor input, int dim, Tensor index, Tensor src) -> Tensor", scatter_forward,
    {.vjp = scatter_vjp,
     .saves = "index",
     .inplace = true,
     .out = true,
     .operands = Operands::Apart,
     .kernels = {&scatter_kernel},
     .doc =
         R"(`input` with `src` written along `dim` at `index`: `out[index[i][j]][j] = src[i][j]` for dim 0.

`src` is a tensor of input's dtype that covers index's shape, or a number. Of several values for one
place the last stays. `reduce="add"` or `"multiply"` combines them instead. RuntimeError for indices
out of range, before anything is written. Follows `torch.scatter`.

>>> rt.zeros(3).scatter(0, rt.tensor([0, 2]), rt.tensor([1., 2.]))
tensor([1., 0., 2.])
)"});

Tensor scatter_value_forward(Out out, const Tensor& self, int64_t dim, const Tensor& index,
                             Scalar value) {
  return scatter_with("scatter", out, self, dim, index, repeated("scatter", self, index, value),
                      ScatterMode::Assign);
}
void scatter_value_vjp(VjpContext& c) {
  if (c.has_grad()) c.set(0, ops::scatter(c.grad(), c.arg<int64_t>(1), c.input(2), Scalar(0)));
}
const Op scatter_value_op(
    "scatter.value(Tensor input, int dim, Tensor index, Scalar value) -> Tensor",
    scatter_value_forward,
    {.vjp = scatter_value_vjp,
     .saves = "index",
     .inplace = true,
     .out = true,
     .operands = Operands::Apart,
     .kernels = {&scatter_kernel}});

Tensor scatter_add_forward(Out out, const Tensor& self, int64_t dim, const Tensor& index,
                           const Tensor& src) {
  return scatter_with("scatter_add", out, self, dim, index, src, ScatterMode::Add);
}
void scatter_add_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  if (c.needs(0)) c.set(0, c.grad());
  if (c.needs(3)) c.set(3, gathered_for_src(c, c.grad()));
}
const Op scatter_add_op(
    "scatter_add(Tensor input, int dim, Tensor index, Tensor src) -> Tensor", scatter_add_forward,
    {.vjp = scatter_add_vjp,
     .saves = "index",
     .inplace = true,
     .out = true,
     .operands = Operands::Apart,
     .kernels = {&scatter_kernel},
     .doc = R"(`input` with `src` added along `dim` at `index`; repeated indices add up.

Shapes and errors as for `scatter`; the order of additions is fixed. Follows `torch.scatter_add`.

>>> rt.zeros(2).scatter_add(0, rt.tensor([0, 0, 1]), rt.ones(3))
tensor([2., 1.])
)"});

// ---- scatter_reduce ----

ScatterMode reduce_mode(const char* op, std::string_view reduce) {
  if (reduce == "sum" || reduce == "mean") return ScatterMode::Add;
  if (reduce == "prod") return ScatterMode::Mul;
  if (reduce == "amax") return ScatterMode::Max;
  if (reduce == "amin") return ScatterMode::Min;
  RT_FAIL(Runtime, op, "reduce argument must be either sum, prod, mean, amax or amin",
          cat_str("'", reduce, "'"));
}

// What changes nothing under the reduction.
Scalar identity(ScatterMode mode, DType t) {
  if (mode == ScatterMode::Add) return 0;
  if (mode == ScatterMode::Mul) return 1;
  const bool max = mode == ScatterMode::Max;
  if (is_floating(t)) return max ? -__builtin_inf() : __builtin_inf();
  if (t == DType::Bool) return !max;
  static constexpr int64_t low[] = {0, INT8_MIN, INT16_MIN, INT32_MIN, INT64_MIN};
  static constexpr int64_t high[] = {UINT8_MAX, INT8_MAX, INT16_MAX, INT32_MAX, INT64_MAX};
  const int i = static_cast<int>(t) - static_cast<int>(DType::UInt8);
  return max ? low[i] : high[i];
}

// How many values each place of self has got, at least 1.
Tensor counts(const Tensor& like, int64_t dim, const Tensor& index, bool include_self,
              DType dtype) {
  const Tensor start = include_self ? ops::ones(like.sizes(), dtype, like.device())
                                    : ops::zeros(like.sizes(), dtype, like.device());
  const Tensor n =
      ops::scatter_add(start, dim, index, ops::ones(index.sizes(), dtype, like.device()));
  return ops::masked_fill(n, ops::eq(n, Scalar(0)), Scalar(1));
}

// total / count; integers round down.
Tensor mean_of(const Tensor& total, const Tensor& count) {
  if (!is_integral(total.dtype(), true)) return ops::div(total, count);
  const Tensor q = ops::to(ops::div(ops::to(total, DType::Float64), ops::to(count, DType::Float64)),
                           total.dtype());
  // The double quotient is cut towards zero and may be off in the last place: settle it exactly.
  const Tensor rest = ops::sub(total, ops::mul(q, count));
  const Tensor down = ops::to(ops::lt(rest, Scalar(0)), total.dtype());
  const Tensor up = ops::to(ops::ge(rest, count), total.dtype());
  return ops::add(ops::sub(q, down), up);
}

Tensor scatter_reduce_forward(Out out, const Tensor& self, int64_t dim, const Tensor& index,
                              const Tensor& src, std::string_view reduce, bool include_self) {
  const ScatterMode mode = reduce_mode("scatter_reduce", reduce);
  RT_CHECK(!is_complex(self.dtype()) || mode == ScatterMode::Add || mode == ScatterMode::Mul,
           Runtime, "scatter_reduce",
           cat_str("reduce '", reduce, "' is not defined for complex tensors"), describe(self));
  RT_CHECK(src.dtype() == self.dtype(), Runtime, "scatter_reduce",
           "Expected self.dtype to be equal to src.dtype",
           cat_str(describe(self), " and ", describe(src)), "src.to(input.dtype)");
  NoGradGuard guard;
  const bool widen = is_reduced_floating(self.dtype());
  Tensor start = widen ? ops::to(self, DType::Float32) : self;
  const Tensor values = widen ? ops::to(src, DType::Float32) : src;
  if (!include_self) {
    const Tensor id = repeated("scatter_reduce", start, index, identity(mode, start.dtype()));
    start = scatter_with("scatter_reduce", Out(), start, dim, index, id, ScatterMode::Assign);
  }
  Tensor r = scatter_with("scatter_reduce", Out(), start, dim, index, values, mode);
  if (reduce == "mean") r = mean_of(r, counts(r, dim, index, include_self, r.dtype()));
  r = ops::to(r, self.dtype());
  if (!out) return r;
  ops::copy_(*out, r);
  return *out;
}

// A gradient that is right, but whose own derivative is not: a later backward through it is
// refused.
Tensor refuse_second_forward(const Tensor& x) { return ops::clone(x); }
void refuse_second_vjp(VjpContext&) {
  RT_FAIL(Runtime, "scatter_reduce",
          "scatter_reduce(): Double backward is unsupported for src when >1 zeros in src are "
          "scattered to the same position in self");
}
const Op refuse_second_op("_refuse_second_scatter(Tensor input) -> Tensor", refuse_second_forward,
                          {.vjp = refuse_second_vjp, .in = ""});

// Every value's share of a product: the product of the others at its place. That is the quotient,
// whose derivative holds beside a zero too; only the value that is itself the one zero of src at
// its place takes the product without it.
void prod_vjp(VjpContext& c, const Tensor& g) {
  const int64_t dim = c.arg<int64_t>(1);
  const bool include_self = c.arg<bool>(5);
  const Tensor self = c.input(0), index = c.input(2), src = c.input(3);
  const auto product = [&](const Tensor& start, const Tensor& values) {
    return ops::scatter_reduce(start, dim, index, values, "prod", include_self);
  };
  if (c.needs(0)) {
    const Tensor self1 = ops::masked_fill(self, ops::eq(self, Scalar(0)), Scalar(1));
    c.set(0, include_self ? ops::mul(g, ops::conj(ops::div(product(self1, src), self1)))
                          : ops::scatter(g, dim, index, Scalar(0)));
  }
  if (!c.needs(3)) return;
  const auto at = [&](const Tensor& x) {
    return padded_to(ops::gather(x, dim, index), src.sizes());
  };
  const Tensor zero = ops::eq(src, Scalar(0));
  const Tensor none = ops::zeros(self.sizes(), DType::Int64, self.device());
  const Tensor zeros = at(ops::scatter_add(none, dim, index, ops::to(zero, DType::Int64)));
  const Tensor lone = ops::logical_and(zero, ops::eq(zeros, Scalar(1)));
  const Tensor quotient = ops::div(at(product(self, src)), ops::masked_fill(src, zero, Scalar(1)));
  const Tensor without = at(product(self, ops::masked_fill(src, lone, Scalar(1))));
  Tensor d = ops::mul(at(g), ops::conj(ops::where(lone, without, quotient)));
  const bool several = modes().grad && item(ops::any(ops::gt(zeros, Scalar(1)))).to_bool();
  c.set(3, several ? refuse_second_op(d) : d);
}

// The gradient is shared evenly by all values that equal the extremum.
void extremum_vjp(VjpContext& c, const Tensor& g) {
  const int64_t dim = c.arg<int64_t>(1);
  const bool include_self = c.arg<bool>(5);
  const Tensor index = c.input(2), src = c.input(3), result = c.result();
  Tensor is_self, is_src;
  {
    NoGradGuard guard;
    is_self = ops::to(ops::eq(c.input(0), result), g.dtype());
    if (!include_self) is_self = ops::scatter(is_self, dim, index, Scalar(0));
    const Tensor reached = padded_to(ops::gather(result, dim, index), src.sizes());
    const Tensor seen = padded_to(ops::ones(index.sizes(), g.dtype(), g.device()), src.sizes());
    is_src = ops::mul(ops::to(ops::eq(src, reached), g.dtype()), seen);
  }
  Tensor n = ops::scatter_add(is_self, dim, index, is_src);
  n = ops::masked_fill(n, ops::eq(n, Scalar(0)), Scalar(1));
  const Tensor share = ops::div(g, n);
  if (c.needs(0)) {
    Tensor d = ops::mul(share, is_self);
    if (!include_self) {
      // Places that the index did not touch keep self.
      const Tensor touched =
          ops::scatter(ops::zeros(g.sizes(), g.dtype(), g.device()), dim, index, Scalar(1));
      d = ops::masked_fill(g, ops::ne(touched, Scalar(0)), Scalar(0));
    }
    c.set(0, d);
  }
  if (c.needs(3)) {
    c.set(3, ops::mul(padded_to(ops::gather(share, dim, index), src.sizes()), is_src));
  }
}

void scatter_reduce_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const int64_t dim = c.arg<int64_t>(1);
  const std::string_view reduce = c.arg<std::string_view>(4);
  const bool include_self = c.arg<bool>(5);
  const Tensor index = c.input(2);
  if (index.numel() == 0) {
    if (c.needs(0)) c.set(0, c.grad());
    if (c.needs(3)) c.set(3, ops::zeros(c.sizes(3), c.grad().dtype(), c.grad().device()));
    return;
  }
  if (reduce == "prod") return prod_vjp(c, c.grad());
  if (reduce == "amax" || reduce == "amin") return extremum_vjp(c, c.grad());
  Tensor g = c.grad();
  if (reduce == "mean") g = ops::div(g, counts(g, dim, index, include_self, real_of(g.dtype())));
  if (c.needs(0)) c.set(0, include_self ? g : ops::scatter(c.grad(), dim, index, Scalar(0)));
  if (c.needs(3)) c.set(3, gathered_for_src(c, g));
}
const Op scatter_reduce_op(
    "scatter_reduce(Tensor input, int dim, Tensor index, Tensor src, str reduce, *, bool "
    "include_self=True) "
    "-> Tensor",
    scatter_reduce_forward,
    {.vjp = scatter_reduce_vjp,
     .saves = "input index src result",
     .inplace = true,
     .out = true,
     .operands = Operands::Apart,
     .kernels = {&scatter_kernel},
     .doc = R"(`input` with the values of `src` reduced into it along `dim` at `index`.

`reduce` is "sum", "prod", "mean", "amax" or "amin"; without `include_self` the old values of the
places reached do not count. Shapes and errors as for `scatter`. Follows `torch.scatter_reduce`.

>>> rt.scatter_reduce(rt.zeros(2), 0, rt.tensor([0, 0, 1]), rt.tensor([1., 3., 5.]), "amax")
tensor([3., 5.])
)"});

// The older spelling; its parts have the gradients.
std::string_view legacy_reduce(std::string_view reduce) {
  if (reduce == "add") return "sum";
  if (reduce == "multiply") return "prod";
  RT_FAIL(Runtime, "scatter", "reduce argument must be either add or multiply.",
          cat_str("'", reduce, "'"));
}
Tensor scatter_reduced_forward(const Tensor& self, int64_t dim, const Tensor& index,
                               const Tensor& src, std::string_view reduce) {
  return ops::scatter_reduce(self, dim, index, src, legacy_reduce(reduce), true);
}
Tensor scatter_reduced_value_forward(const Tensor& self, int64_t dim, const Tensor& index,
                                     Scalar value, std::string_view reduce) {
  const Tensor src = ops::reshape(repeated("scatter", self, index, value), index.sizes());
  return ops::scatter_reduce(self, dim, index, src, legacy_reduce(reduce), true);
}
const Op scatter_reduced_op(
    "scatter.reduce(Tensor input, int dim, Tensor index, Tensor src, *, str reduce) -> Tensor",
    scatter_reduced_forward, {.inplace = true, .out = true, .operands = Operands::Apart});
const Op scatter_reduced_value_op(
    "scatter.value_reduce(Tensor input, int dim, Tensor index, Scalar value, *, str reduce) -> "
    "Tensor",
    scatter_reduced_value_forward, {.inplace = true, .out = true, .operands = Operands::Apart});

// ---- take_along_dim ----

Tensor take_along_dim_forward(const Tensor& self, const Tensor& indices,
                              std::optional<int64_t> dim) {
  RT_CHECK(indices.dtype() == DType::Int64, Runtime, "take_along_dim",
           "torch.take_along_dim(): dtype of indices should be Long", describe(indices),
           "integer indices: .long()");
  if (!dim) {
    const Tensor flat = ops::reshape(self, {self.numel()});
    const Tensor i = check_index("take_along_dim", ops::reshape(indices, {indices.numel()}), 0,
                                 self.numel(), Negative::Wrap, ErrorKind::Runtime);
    return ops::gather(flat, 0, i);
  }
  RT_CHECK(self.dim() == indices.dim(), Runtime, "take_along_dim",
           "torch.take_along_dim(): input and indices should have the same number of dimensions",
           cat_str(describe(self), " and ", describe(indices)));
  const int64_t d = wrap_dim(*dim, self.dim(), "take_along_dim");
  if (self.dim() == 0) return ops::gather(self, 0, indices);
  Dims a(self.sizes()), b(indices.sizes());
  a[d] = b[d] = 1;
  Dims common = broadcast_shapes(a, b, "take_along_dim");
  Dims x_sizes(common), i_sizes(common);
  x_sizes[d] = self.sizes()[d];
  i_sizes[d] = indices.sizes()[d];
  const Tensor i = check_index("take_along_dim", indices, d, self.sizes()[d], Negative::Wrap,
                               ErrorKind::Runtime);
  return ops::gather(ops::expand(self, x_sizes), d, ops::expand(i, i_sizes));
}
const Op take_along_dim_op(
    "take_along_dim(Tensor input, Tensor indices, int? dim=None) -> Tensor", take_along_dim_forward,
    {.out = true,
     .doc = R"(Values along `dim` at indices that broadcast with input, as from argmax or argsort.

Without `dim` both are taken as flat. RuntimeError for indices out of range. Follows `torch.take_along_dim`.

>>> x = rt.tensor([[3, 1], [2, 4]])
>>> rt.take_along_dim(x, rt.tensor([[0], [1]]), 1)
tensor([[3],
        [4]])
)"});

}  // namespace

namespace ops {

Tensor gather(const Tensor& x, int64_t dim, const Tensor& index) {
  return gather_op(x, dim, index, false);
}
Tensor scatter(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src) {
  return scatter_op(x, dim, index, src);
}
Tensor scatter(const Tensor& x, int64_t dim, const Tensor& index, Scalar value) {
  return scatter_value_op(x, dim, index, value);
}
Tensor scatter_add(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src) {
  return scatter_add_op(x, dim, index, src);
}
Tensor scatter_reduce(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src,
                      std::string_view reduce, bool include_self) {
  return scatter_reduce_op(x, dim, index, src, reduce, include_self);
}
Tensor take_along_dim(const Tensor& x, const Tensor& indices, std::optional<int64_t> dim) {
  return take_along_dim_op(x, indices, dim);
}

}  // namespace ops
}  // namespace rt
