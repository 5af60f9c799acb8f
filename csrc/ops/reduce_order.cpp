// The largest and smallest elements, and where they are.
#include "autograd/vjp.h"
#include "ops/index_support.h"
#include "ops/ops.h"
#include "ops/reduction.h"

namespace rt {

namespace {

ReduceSlot max_slot{"max"};
ReduceSlot min_slot{"min"};
ReduceSlot argmax_slot{"argmax", true};
ReduceSlot argmin_slot{"argmin", true};

void check_ordered(const char* op, const Tensor& x) {
  RT_CHECK(!is_complex(x.dtype()), NotImplemented, op,
           cat_str("\"", op, "\" not implemented for '", torch_type_name(x.dtype()), "'"),
           describe(x), "abs() or a part of it");
}
// No largest element exists among none.
void check_not_empty(const char* op, const Tensor& x, IntList dim) {
  if (dim.empty()) {
    RT_CHECK(x.numel() > 0, Runtime, op,
             "Expected reduction dim to be specified for input.numel() == 0. Specify the reduction "
             "dim with "
             "the 'dim' argument.",
             describe(x));
    return;
  }
  for (int64_t d : dim) {
    const int64_t w = wrap_dim(d, x.dim(), op);
    RT_CHECK(x.dim() == 0 || x.sizes()[w] != 0, Index, op,
             cat_str("Expected reduction dim ", w, " to have non-zero size."), describe(x));
  }
}

template <ReduceSlot& S>
Tensor extreme(const char* op, const Tensor& x, IntList dim, bool keepdim) {
  check_ordered(op, x);
  check_not_empty(op, x, dim);
  return reduce(S, op, x, dim_mask(dim, x.dim(), op), keepdim, order_type(x.dtype()), x.dtype())
      .result;
}

// Equal extremes share the gradient; `nan_equal`: so do NaN, which are the result where there are
// any.
Tensor shared_gradient(const Tensor& x, const Tensor& grad, const Tensor& result, uint64_t mask,
                       bool keepdim, bool nan_equal) {
  const Tensor g = with_reduced_dims(grad, x.sizes(), mask, keepdim);
  const Tensor best = with_reduced_dims(result, x.sizes(), mask, keepdim);
  Tensor equal = ops::eq(x, best);
  if (nan_equal && is_floating(x.dtype())) equal = ops::logical_or(equal, ops::isnan(x));
  const Tensor same = ops::to(equal, grad.dtype());
  Dims dims;
  for (int64_t d = 0; d < x.dim(); ++d) {
    if (mask >> d & 1) dims.push_back(d);
  }
  return g / (dims.empty() ? same : ops::sum(same, dims, true)) * same;
}
void extreme_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const Tensor x = c.input(0);
  c.set(0, shared_gradient(x, c.grad(), c.result(), dim_mask(c.arg<IntList>(1), x.dim(), "amax"),
                           c.arg<bool>(2), false));
}
void extreme_all_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const Tensor x = c.input(0);
  c.set(0, shared_gradient(x, c.grad(), c.result(), dim_mask({}, x.dim(), "max"), false, true));
}

Tensor amax_forward(const Tensor& x, IntList dim, bool keepdim) {
  return extreme<max_slot>("amax", x, dim, keepdim);
}
Tensor amin_forward(const Tensor& x, IntList dim, bool keepdim) {
  return extreme<min_slot>("amin", x, dim, keepdim);
}
const Op amax_op("amax(Tensor input, int[1] dim=[], bool keepdim=False) -> Tensor", amax_forward,
                 {.vjp = extreme_vjp,
                  .saves = "input result",
                  .out = true,
                  .kernels = {&max_slot},
                  .doc = R"(The largest elements over some dims, or over all; NaN if there is one.

Equal elements share the gradient. Errors for complex tensors and dims of size 0. Follows `torch.amax`.

>>> rt.amax(rt.tensor([[1., 5.], [3., 2.]]), 1)
tensor([5., 3.])
)"});
const Op amin_op("amin(Tensor input, int[1] dim=[], bool keepdim=False) -> Tensor", amin_forward,
                 {.vjp = extreme_vjp,
                  .saves = "input result",
                  .out = true,
                  .kernels = {&min_slot},
                  .doc = R"(The smallest elements over some dims, or over all; NaN if there is one.

Equal elements share the gradient. Errors for complex tensors and dims of size 0. Follows `torch.amin`.

>>> rt.amin(rt.tensor([[1., 5.], [3., 2.]]), 1)
tensor([1., 2.])
)"});

Tensor max_all_forward(const Tensor& x) { return extreme<max_slot>("max", x, {}, false); }
Tensor min_all_forward(const Tensor& x) { return extreme<min_slot>("min", x, {}, false); }
const Op max_all_op(
    "max(Tensor input) -> Tensor", max_all_forward,
    {.vjp = extreme_all_vjp,
     .saves = "input result",
     .out = true,
     .kernels = {&max_slot},
     .doc = R"(The largest element; with `dim`, the largest along it and their positions; of two
tensors, the larger elements.

NaN counts as larger than all. Errors for complex and empty tensors. Follows `torch.max`.

>>> rt.max(rt.tensor([[1., 5.], [3., 2.]]), 1).indices
tensor([1, 0])
)"});
const Op min_all_op(
    "min(Tensor input) -> Tensor", min_all_forward,
    {.vjp = extreme_all_vjp,
     .saves = "input result",
     .out = true,
     .kernels = {&min_slot},
     .doc = R"(The smallest element; with `dim`, the smallest along it and their positions; of two
tensors, the smaller elements.

NaN counts as smaller than all. Errors for complex and empty tensors. Follows `torch.min`.

>>> rt.min(rt.tensor([[1., 5.], [3., 2.]]), 1).indices
tensor([0, 1])
)"});

template <ReduceSlot& S>
std::tuple<Tensor, Tensor> with_position(const char* op, const Tensor& x, int64_t dim,
                                         bool keepdim) {
  check_ordered(op, x);
  check_not_empty(op, x, {dim});
  Reduced r = reduce(S, op, x, dim_mask({dim}, x.dim(), op), keepdim, order_type(x.dtype()),
                     x.dtype(), 1, DType::Int64);
  return {std::move(r.result), std::move(r.second)};
}
std::tuple<Tensor, Tensor> max_forward(const Tensor& x, int64_t dim, bool keepdim) {
  return with_position<argmax_slot>("max", x, dim, keepdim);
}
std::tuple<Tensor, Tensor> min_forward(const Tensor& x, int64_t dim, bool keepdim) {
  return with_position<argmin_slot>("min", x, dim, keepdim);
}
void position_vjp(VjpContext& c) {
  if (c.has_grad()) {
    c.set(0,
          ops::put_positions(c.grad(), c.sizes(0), c.arg<int64_t>(1), c.result(1), c.arg<bool>(2)));
  }
}
const Op max_op(
    "max.dim(Tensor input, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)",
    max_forward, {.vjp = position_vjp, .saves = "indices", .out = true, .kernels = {&argmax_slot}});
const Op min_op(
    "min.dim(Tensor input, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)",
    min_forward, {.vjp = position_vjp, .saves = "indices", .out = true, .kernels = {&argmin_slot}});

template <ReduceSlot& S>
Tensor position(const char* op, const Tensor& x, std::optional<int64_t> dim, bool keepdim) {
  check_ordered(op, x);
  RT_CHECK(x.dtype() != DType::Bool, NotImplemented, op,
           cat_str("\"", op, "\" not implemented for 'Bool'"), describe(x));
  const Dims dims = dim ? Dims{*dim} : Dims();
  if (!dim) {
    RT_CHECK(
        x.numel() > 0, Index, op,
        cat_str(op,
                "(): Expected reduction dim to be specified for input.numel() == 0. Specify the "
                "reduction dim with the 'dim' argument."),
        describe(x));
  } else {
    check_not_empty(op, x, dims);
  }
  const uint64_t mask = dim_mask(dims, x.dim(), op);
  const Dims shape = reduced_shape(x.sizes(), mask, keepdim);
  Tensor index = empty(shape, DType::Int64, x.device(), op);
  reduce_launcher(x, S, order_type(x.dtype()), x, mask, 1, Tensor(), index);
  return index;
}
Tensor argmax_forward(const Tensor& x, std::optional<int64_t> dim, bool keepdim) {
  return position<argmax_slot>("argmax", x, dim, keepdim);
}
Tensor argmin_forward(const Tensor& x, std::optional<int64_t> dim, bool keepdim) {
  return position<argmin_slot>("argmin", x, dim, keepdim);
}
const Op argmax_op(
    "argmax(Tensor input, int? dim=None, bool keepdim=False) -> Tensor", argmax_forward,
    {.out = true,
     .integer_result = true,
     .kernels = {&argmax_slot},
     .doc =
         R"(The position of the largest element along `dim`, or in the flattened tensor: the first
of equal ones, the first NaN if there is one.

int64. Errors for complex, bool and empty tensors. Follows `torch.argmax`.

>>> rt.argmax(rt.tensor([[1., 5.], [3., 2.]]), 1)
tensor([1, 0])
)"});
const Op argmin_op(
    "argmin(Tensor input, int? dim=None, bool keepdim=False) -> Tensor", argmin_forward,
    {.out = true,
     .integer_result = true,
     .kernels = {&argmin_slot},
     .doc =
         R"(The position of the smallest element along `dim`, or in the flattened tensor: the first
of equal ones, the first NaN if there is one.

int64. Errors for complex, bool and empty tensors. Follows `torch.argmin`.

>>> rt.argmin(rt.tensor([[1., 5.], [3., 2.]]), 1)
tensor([0, 1])
)"});

std::tuple<Tensor, Tensor> aminmax_forward(const Tensor& x, std::optional<int64_t> dim,
                                           bool keepdim) {
  const Dims dims = dim ? Dims{*dim} : Dims();
  check_ordered("aminmax", x);
  check_not_empty("aminmax", x, dims);
  return {ops::amin(x, dims, keepdim), ops::amax(x, dims, keepdim)};
}
const Op aminmax_op(
    "aminmax(Tensor input, *, int? dim=None, bool keepdim=False) -> (Tensor min, Tensor max)",
    aminmax_forward,
    {.out = true, .doc = R"(The smallest and the largest element, over all or along one dim.

Follows `torch.aminmax`.

>>> rt.aminmax(rt.tensor([3., 1., 2.])).max
tensor(3.)
)"});

}  // namespace

namespace ops {

Tensor amax(const Tensor& x, IntList dim, bool keepdim) { return amax_op(x, dim, keepdim); }
Tensor amin(const Tensor& x, IntList dim, bool keepdim) { return amin_op(x, dim, keepdim); }
std::tuple<Tensor, Tensor> max(const Tensor& x, int64_t dim, bool keepdim) {
  return max_op(x, dim, keepdim);
}
std::tuple<Tensor, Tensor> min(const Tensor& x, int64_t dim, bool keepdim) {
  return min_op(x, dim, keepdim);
}
Tensor argmax(const Tensor& x, std::optional<int64_t> dim, bool keepdim) {
  return argmax_op(x, dim, keepdim);
}
Tensor argmin(const Tensor& x, std::optional<int64_t> dim, bool keepdim) {
  return argmin_op(x, dim, keepdim);
}

}  // namespace ops
}  // namespace rt
