// Ops that read or write whole slices along one dim at a vector of indices; take and put.
#include "autograd/vjp.h"
#include "ops/index.h"
#include "ops/index_support.h"
#include "ops/ops.h"

namespace rt {

namespace {

// The index as an int64 vector, in range; its length is the dim's size in result or source.
Tensor checked_vector(const char* op, const Tensor& self, int64_t dim, const Tensor& index,
                      IndexTypes types, Negative negative, ErrorKind range,
                      ErrorKind type = ErrorKind::Runtime) {
  RT_CHECK(index.dim() <= 1, Index, op, cat_str(op, "(): Index is supposed to be a vector (1-d)"),
           describe(index));
  const Tensor i = at_least_1d(as_int64_index(op, index, types, type));
  return check_index(op, i, dim, at_least_1d(self).sizes()[dim], negative, range);
}

// The index over a shape in which it stands along dim.
Tensor index_over(const Tensor& index, int64_t dim, IntList sizes) {
  Dims strides(sizes.size(), 0);
  strides[dim] = index.strides()[0];
  return make_view(index, sizes, strides, index.offset());
}

// ---- index_select ----

Tensor index_select_forward(const Tensor& self, int64_t dim, const Tensor& index) {
  NoGradGuard guard;
  const int64_t d = wrap_dim(dim, self.dim(), "index_select");
  const Tensor x = at_least_1d(self);
  const Tensor i = checked_vector("index_select", x, d, index, IndexTypes::Int32OrInt64,
                                  Negative::Reject, ErrorKind::Index);
  RT_CHECK(self.dim() > 0 || i.numel() == 1, Runtime, "index_select",
           "Index to scalar can have only 1 value", describe(index));
  Dims sizes(x.sizes());
  sizes[d] = i.numel();
  Tensor out = empty(self.dim() == 0 ? IntList() : IntList(sizes), self.dtype(), self.device(),
                     "index_select");
  if (out.numel() == 0) return out;
  gather_kernel(out, at_least_1d(out), along_index(x, d, sizes), index_over(i, d, sizes),
                x.strides()[d]);
  return out;
}
void index_select_vjp(VjpContext& c) {
  if (!c.has_grad() || !c.needs(0)) return;
  const Tensor zero = ops::zeros(c.sizes(0), c.grad().dtype(), c.grad().device());
  c.set(0, ops::index_add(zero, c.arg<int64_t>(1), c.input(2), c.grad()));
}
const Op index_select_op(
    "index_select(Tensor input, int dim, Tensor index) -> Tensor", index_select_forward,
    {.vjp = index_select_vjp,
     .saves = "index",
     .out = true,
     .kernels = {&gather_kernel},
     .doc = R"(The slices of `input` along `dim` at a vector of indices (int64 or int32), copied.

IndexError for indices out of range. Follows `torch.index_select`.

>>> rt.index_select(rt.tensor([[1, 2], [3, 4]]), 1, rt.tensor([1, 1]))
tensor([[2, 2],
        [4, 4]])
)"});

// ---- Writing slices ----

// Writes the slices of `source` over self's slices at `index`.
Tensor write_slices(Out out, const Tensor& self, int64_t d, const Tensor& index,
                    const Tensor& source, ScatterMode mode) {
  const Tensor target = writable(out, self);
  if (source.numel() == 0) return target;
  const bool widen = mode != ScatterMode::Assign && is_reduced_floating(self.dtype());
  const Tensor wide = widen ? ops::to(target, DType::Float32) : target;
  Tensor values = unshared(source, target);
  if (widen) values = ops::to(values, DType::Float32);
  const Tensor over = at_least_1d(wide);

  scatter_into(along_index(over, d, values.sizes()),
               index_over(unshared(index, target), d, values.sizes()), over.strides()[d], values, d,
               d + 1, mode);
  if (widen) ops::copy_(target, wide);
  return target;
}

// source's slices must fit self's, and there must be one for each index.
Tensor checked_source(const char* op, const Tensor& self, int64_t d, const Tensor& index,
                      const Tensor& source, ErrorKind shape) {
  RT_CHECK(source.dtype() == self.dtype(), Runtime, op,
           "self and source expected to have the same dtype",
           cat_str(describe(self), " and ", describe(source)), "source.to(input.dtype)");
  const Tensor x = at_least_1d(self), s = at_least_1d(source);
  if (s.dim() != x.dim()) {
    throw_error(shape, op, "source and destination must have the same number of dimensions",
                cat_str(describe(source), " for ", describe(self)));
  }
  for (int64_t k = 0; k < x.dim(); ++k) {
    const int64_t want = k == d ? index.numel() : x.sizes()[k];
    if (s.sizes()[k] == want) continue;
    throw_error(
        k == d && shape == ErrorKind::Index ? ErrorKind::Index : ErrorKind::Runtime, op,
        k == d
            ? cat_str("Number of indices (", index.numel(),
                      ") should be equal to source.size(dim): (", s.sizes()[k], "), for dim: ", d)
            : cat_str("The size of tensor self (", x.sizes()[k],
                      ") must match the size of source (", s.sizes()[k], ") at dimension ", k));
  }
  return s;
}

Tensor index_add_forward(Out out, const Tensor& self, int64_t dim, const Tensor& index,
                         const Tensor& source, Scalar alpha) {
  NoGradGuard guard;
  const int64_t d = wrap_dim(dim, self.dim(), "index_add");
  const Tensor i = checked_vector("index_add", self, d, index, IndexTypes::Int32OrInt64,
                                  Negative::Reject, ErrorKind::Runtime);
  Tensor s = checked_source("index_add", self, d, i, source, ErrorKind::Runtime);
  const bool one = alpha.is_integral() ? alpha.to_int() == 1 : alpha.to_complex() == 1.0;
  if (!one) {
    RT_CHECK(is_floating(self.dtype()) || is_complex(self.dtype()) || alpha.is_integral(), Runtime,
             "index_add",
             "For integral input tensors, argument alpha must not be a floating point number.",
             cat_str("alpha=", alpha));
    s = ops::mul(s, scalar_tensor(alpha, self.dtype(), self.device()));
  }
  return write_slices(out, self, d, i, s, ScatterMode::Add);
}
void index_add_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  if (c.needs(0)) c.set(0, c.grad());
  if (!c.needs(3)) return;
  const Scalar alpha = c.arg<Scalar>(4);
  Tensor g = ops::index_select(c.grad(), c.arg<int64_t>(1), c.input(2));
  g = ops::mul(g,
               wrapped_number(alpha.is_complex() ? Scalar(std::conj(alpha.to_complex())) : alpha));
  c.set(3, g.sizes() == c.sizes(3) ? g : ops::reshape(g, c.sizes(3)));
}
const Op index_add_op(
    "index_add(Tensor input, int dim, Tensor index, Tensor source, *, Scalar alpha=1) -> Tensor",
    index_add_forward,
    {.vjp = index_add_vjp,
     .saves = "index",
     .inplace = true,
     .out = true,
     .operands = Operands::Apart,
     .kernels = {&scatter_kernel},
     .doc =
         R"(`input` with `alpha` times the slices of `source` added along `dim` at a vector of indices.

Repeated indices add up, in order. RuntimeError for indices out of range. Follows `torch.index_add`.

>>> rt.zeros(3).index_add(0, rt.tensor([0, 0, 2]), rt.tensor([1., 2., 3.]))
tensor([3., 0., 3.])
)"});

Tensor index_copy_forward(Out out, const Tensor& self, int64_t dim, const Tensor& index,
                          const Tensor& source) {
  NoGradGuard guard;
  const int64_t d = wrap_dim(dim, self.dim(), "index_copy");
  const Tensor i = checked_vector("index_copy", self, d, index, IndexTypes::Int64, Negative::Reject,
                                  ErrorKind::Index);
  // A lone value stands for all slices.
  const Tensor s = source.dim() == 0 && self.dim() > 0
                       ? [&] {
                           RT_CHECK(i.numel() == 1 && at_least_1d(self).numel() == self.sizes()[d], Index, "index_copy",
                                    "When source is scalar, index should have one element", describe(index));
                           return checked_source("index_copy", self, d, i, at_least_1d(source), ErrorKind::Index);
                         }()
                       : checked_source("index_copy", self, d, i, source, ErrorKind::Index);
  return write_slices(out, self, d, i, s, ScatterMode::Assign);
}
void index_copy_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const int64_t dim = c.arg<int64_t>(1);
  if (c.needs(0)) c.set(0, ops::index_fill(c.grad(), dim, c.input(2), Scalar(0)));
  if (c.needs(3)) {
    const Tensor g = ops::index_select(c.grad(), dim, c.input(2));
    c.set(3, g.sizes() == c.sizes(3) ? g : ops::reshape(g, c.sizes(3)));
  }
}
const Op index_copy_op(
    "index_copy(Tensor input, int dim, Tensor index, Tensor source) -> Tensor", index_copy_forward,
    {.vjp = index_copy_vjp,
     .saves = "index",
     .inplace = true,
     .out = true,
     .operands = Operands::Apart,
     .kernels = {&scatter_kernel},
     .doc =
         R"(`input` with its slices along `dim` at a vector of indices replaced by those of `source`.

IndexError for indices out of range. Follows `torch.index_copy`.

>>> rt.zeros(3).index_copy(0, rt.tensor([2, 0]), rt.tensor([1., 2.]))
tensor([2., 0., 1.])
)"});

Tensor fill_slices(Out out, const Tensor& self, int64_t dim, const Tensor& index,
                   const Tensor& value) {
  NoGradGuard guard;
  const int64_t d = wrap_dim(dim, self.dim(), "index_fill");
  const Tensor i = checked_vector("index_fill", self, d, index, IndexTypes::Int64, Negative::Wrap,
                                  ErrorKind::Index, ErrorKind::Index);
  Dims sizes(at_least_1d(self).sizes());
  sizes[d] = i.numel();
  return write_slices(out, self, d, i, broadcast_view(value, sizes), ScatterMode::Assign);
}
Tensor index_fill_tensor_forward(Out out, const Tensor& self, int64_t dim, const Tensor& index,
                                 const Tensor& value) {
  RT_CHECK(value.dim() == 0, Runtime, "index_fill",
           cat_str("index_fill_ only supports a 0-dimensional value tensor, but got tensor with ",
                   value.dim(), " dimension(s)."));
  NoGradGuard guard;
  return fill_slices(out, self, dim, index, ops::to(value, self.dtype()));
}
void index_fill_tensor_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const int64_t dim = c.arg<int64_t>(1);
  if (c.needs(0)) c.set(0, ops::index_fill(c.grad(), dim, c.input(2), Scalar(0)));
  if (c.needs(3)) {
    // Masked rather than selected, so that a repeated index counts once and a negative one is
    // legal.
    const Tensor filled =
        ops::index_fill(ops::zeros(c.grad().sizes(), c.grad().dtype(), c.grad().device()), dim,
                        c.input(2), Scalar(1));
    c.set(3, ops::sum(ops::mul(c.grad(), filled)));
  }
}
const Op index_fill_tensor_op(
    "index_fill.int_Tensor(Tensor input, int dim, Tensor index, Tensor value) -> Tensor",
    index_fill_tensor_forward,
    {.vjp = index_fill_tensor_vjp,
     .saves = "index",
     .inplace = true,
     .out = true,
     .overlap_ok = true,
     .operands = Operands::Apart,
     .kernels = {&scatter_kernel},
     .doc =
         R"(`input` with its slices along `dim` at a vector of indices set to `value`, a number or zero-dim tensor.

IndexError for indices out of range; negative ones count from the end. Follows `torch.index_fill`.

>>> rt.zeros(3).index_fill(0, rt.tensor([0, 2]), 5)
tensor([5., 0., 5.])
)"});
Tensor index_fill_forward(Out out, const Tensor& self, int64_t dim, const Tensor& index,
                          Scalar value) {
  RT_CHECK(is_complex(self.dtype()) || !value.is_complex(), Runtime, "index_fill",
           "index_fill_(): Converting complex Scalar to non-complex type is not supported",
           cat_str("value ", value));
  check_number_fits("index_fill", value, self.dtype());
  return fill_slices(out, self, dim, index, scalar_tensor(value, self.dtype(), self.device()));
}
void index_fill_vjp(VjpContext& c) {
  if (c.has_grad()) c.set(0, ops::index_fill(c.grad(), c.arg<int64_t>(1), c.input(2), Scalar(0)));
}
const Op index_fill_op(
    "index_fill.int_Scalar(Tensor input, int dim, Tensor index, Scalar value) -> Tensor",
    index_fill_forward,
    {.vjp = index_fill_vjp,
     .saves = "index",
     .inplace = true,
     .out = true,
     .overlap_ok = true,
     .operands = Operands::Apart,
     .kernels = {&scatter_kernel}});

Tensor index_reduce_forward(const Tensor& self, int64_t dim, const Tensor& index,
                            const Tensor& source, std::string_view reduce, bool include_self) {
  RT_CHECK(reduce == "prod" || reduce == "mean" || reduce == "amax" || reduce == "amin", Runtime,
           "index_reduce", "reduce argument must be either prod, mean, amax or amin.",
           cat_str("'", reduce, "'"));
  const int64_t d = wrap_dim(dim, self.dim(), "index_reduce");
  const Tensor i = checked_vector("index_reduce", self, d, index, IndexTypes::Int32OrInt64,
                                  Negative::Reject, ErrorKind::Index);
  const Tensor s = checked_source("index_reduce", self, d, i, source, ErrorKind::Index);
  const Tensor shaped = source.dim() == 0 ? ops::reshape(source, s.sizes()) : source;
  return ops::scatter_reduce(self, d, index_over(i, d, s.sizes()), shaped, reduce, include_self);
}
const Op index_reduce_op(
    "index_reduce(Tensor input, int dim, Tensor index, Tensor source, str reduce, *, bool "
    "include_self=True) "
    "-> Tensor",
    index_reduce_forward,
    {.inplace = true,
     .out = true,
     .operands = Operands::Apart,
     .doc =
         R"(`input` with the slices of `source` reduced into it along `dim` at a vector of indices.

`reduce` is "prod", "mean", "amax" or "amin"; without `include_self` the old slices do not count.
Follows `torch.index_reduce`.

>>> rt.ones(2).index_reduce(0, rt.tensor([0, 0]), rt.tensor([2., 3.]), "prod")
tensor([6., 1.])
)"});

// ---- take, put: by flat index ----

Tensor flat_index(const char* op, const Tensor& self, const Tensor& index) {
  RT_CHECK(
      index.dtype() == DType::Int64, Runtime, op,
      cat_str(op, "(): Expected a long tensor for index, but got ", torch_type_name(index.dtype())),
      describe(index), ".long()");
  RT_CHECK(self.numel() > 0 || index.numel() == 0, Index, op,
           cat_str(op, "(): tried to take from an empty tensor"), describe(self));
  return check_index(op, index, 0, self.numel(), Negative::Wrap, ErrorKind::Index);
}

Tensor take_forward(const Tensor& self, const Tensor& index) {
  const Tensor i = flat_index("take", self, index);
  Tensor out = empty(index.sizes(), self.dtype(), self.device(), "take");
  if (out.numel() == 0) return out;
  NoGradGuard guard;
  const Tensor x = ops::contiguous(self);
  gather_kernel(out, out, broadcast_view(make_view(x, {}, {}, x.offset()), index.sizes()), i, 1);
  return out;
}
void take_vjp(VjpContext& c) {
  if (!c.has_grad() || !c.needs(0)) return;
  const Tensor zero = ops::zeros(c.sizes(0), c.grad().dtype(), c.grad().device());
  c.set(0, ops::put(zero, c.input(1), c.grad(), true));
}
const Op take_op(
    "take(Tensor input, Tensor index) -> Tensor", take_forward,
    {.vjp = take_vjp,
     .saves = "index",
     .out = true,
     .kernels = {&gather_kernel},
     .doc = R"(The elements at flat (row-major) int64 indices; the result has index's shape.

IndexError for indices out of range; negative ones count from the end. Follows `torch.take`.

>>> rt.take(rt.tensor([[4, 3], [2, 1]]), rt.tensor([0, 3]))
tensor([4, 1])
)"});

Tensor put_forward(Out out, const Tensor& self, const Tensor& index, const Tensor& source,
                   bool accumulate) {
  NoGradGuard guard;
  const Tensor i = flat_index("put", self, index);
  RT_CHECK(self.dtype() == source.dtype(), Runtime, "put",
           cat_str("put_(): self and source expected to have the same dtype, but got self.dtype = ",
                   torch_type_name(self.dtype()),
                   " and source.dtype = ", torch_type_name(source.dtype())));
  RT_CHECK(index.numel() == source.numel(), Index, "put",
           cat_str("put_(): Expected source and index to have the same number of elements, but got "
                   "source.numel() = ",
                   source.numel(), ", index.numel() = ", index.numel()));
  const Tensor target = writable(out, self);
  if (index.numel() == 0) return target;
  const bool widen = accumulate && is_reduced_floating(self.dtype());
  Tensor dense = widen ? ops::to(target, DType::Float32) : target;
  dense = ops::contiguous(dense);
  const int64_t n = index.numel();
  const Tensor values =
      ops::reshape(widen ? ops::to(source, DType::Float32) : unshared(source, target), {n});
  const Tensor at = ops::reshape(unshared(i, target), {n});
  scatter_into(make_view(dense, {n}, {0}, dense.offset()), at, 1, values, 0, 1,
               accumulate ? ScatterMode::Add : ScatterMode::Assign);
  if (!dense.is_same(target)) ops::copy_(target, dense);
  return target;
}
void put_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const bool accumulate = c.arg<bool>(3);
  const Tensor& g = c.grad();
  if (c.needs(0)) {
    c.set(0,
          accumulate ? g : ops::put(g, c.input(1), ops::zeros(c.sizes(1), g.dtype(), g.device())));
  }
  if (c.needs(2)) c.set(2, ops::reshape(ops::take(g, c.input(1)), c.sizes(2)));
}
const Op put_op(
    "put(Tensor input, Tensor index, Tensor source, bool accumulate=False) -> Tensor", put_forward,
    {.vjp = put_vjp,
     .saves = "index",
     .inplace = true,
     .operands = Operands::Apart,
     .kernels = {&scatter_kernel},
     .doc = R"(`input` with the elements of `source` written (or added) at flat int64 indices.

IndexError for indices out of range. Follows `torch.put`.

>>> rt.zeros(3).put(rt.tensor([2, 0]), rt.tensor([1., 2.]))
tensor([2., 0., 1.])
)"});

}  // namespace

namespace ops {

Tensor index_select(const Tensor& x, int64_t dim, const Tensor& index) {
  return index_select_op(x, dim, index);
}
Tensor index_add(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source,
                 Scalar alpha) {
  return index_add_op(x, dim, index, source, alpha);
}
Tensor index_copy(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source) {
  return index_copy_op(x, dim, index, source);
}
Tensor index_fill(const Tensor& x, int64_t dim, const Tensor& index, Scalar value) {
  return index_fill_op(x, dim, index, value);
}
Tensor take(const Tensor& x, const Tensor& index) { return take_op(x, index); }
Tensor put(const Tensor& x, const Tensor& index, const Tensor& source, bool accumulate) {
  return put_op(x, index, source, accumulate);
}

}  // namespace ops
}  // namespace rt
