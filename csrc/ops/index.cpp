// index and index_put: what x[...] with tensors, lists and masks comes down to.
#include "ops/index.h"

#include "autograd/vjp.h"
#include "ops/index_support.h"
#include "ops/ops.h"

namespace rt {

namespace {

bool is_mask(const Tensor& t) { return t.dtype() == DType::Bool || t.dtype() == DType::UInt8; }

// x with one int64 index per dim (undefined: all of it). A mask becomes the places of its elements:
// one index over the dims it covers where they can be viewed as one, else one index each.
struct Integers {
  Tensor x;
  std::vector<Tensor> index;
};

Integers to_integers(const char* op, const Tensor& x, TensorList indices) {
  Integers r{x, {}};
  int64_t at = 0, original = 0;
  for (size_t j = 0; j < indices.size(); ++j) {
    // An index on the CPU serves every device, as in PyTorch.
    const bool moves = indices[j].defined() && indices[j].device().is_cpu() && !x.device().is_cpu();
    const Tensor t = moves ? ops::to(indices[j], x.device()) : indices[j];
    const int64_t span = t.defined() && is_mask(t) ? t.dim() : 1;
    RT_CHECK(original + span <= x.dim() && span > 0, Index, op,
             cat_str("too many indices for tensor of dimension ", x.dim()),
             cat_str(indices.size(), " indices"));
    if (!t.defined()) {
      r.index.emplace_back();
    } else if (is_mask(t)) {
      const IntList covered =
          x.sizes().slice(static_cast<size_t>(original), static_cast<size_t>(span));
      for (int64_t d = 0; d < span; ++d) {
        RT_CHECK(t.sizes()[d] == covered[d], Index, op,
                 cat_str("The shape of the mask ", t.sizes(), " at index ", d,
                         " does not match the shape of the indexed tensor ", x.sizes(),
                         " at index ", original + d));
      }
      Dims sizes(r.x.sizes()), strides;
      for (int64_t d = 1; d < span; ++d) {
        sizes[at] *= sizes[at + 1];
        sizes.erase(static_cast<size_t>(at + 1));
      }
      if (span == 1 || view_strides(r.x.sizes(), r.x.strides(), sizes, &strides)) {
        if (span > 1) r.x = make_view(r.x, sizes, strides, r.x.offset());
        const Tensor flat = ops::nonzero(ops::reshape(t, {t.numel()}));
        r.index.push_back(make_view(flat, {flat.size(0)}, {1}, flat.offset()));
      } else {
        const Tensor places = ops::nonzero(t);
        for (int64_t d = 0; d < span; ++d) r.index.push_back(ops::select(places, 1, d));
        at += span - 1;
      }
    } else {
      RT_CHECK(t.dtype() == DType::Int64 || t.dtype() == DType::Int32, Index, op,
               "tensors used as indices must be long, int, byte or bool tensors", describe(t));
      r.index.push_back(ops::to(t, DType::Int64));
    }
    at += 1;
    original += span;
  }
  r.index.resize(static_cast<size_t>(r.x.dim()));
  return r;
}

bool broadcastable(IntList a, IntList b) {
  for (size_t i = 1; i <= std::min(a.size(), b.size()); ++i) {
    const int64_t m = a[a.size() - i], n = b[b.size() - i];
    if (m != n && m != 1 && n != 1) return false;
  }
  return true;
}

[[noreturn]] void shape_mismatch(const char* op, TensorList indices) {
  std::string shapes;
  for (const Tensor& t : indices) {
    if (t.defined()) shapes += cat_str(shapes.empty() ? "" : ", ", t.sizes());
  }
  RT_FAIL(Index, op,
          cat_str("shape mismatch: indexing tensors could not be broadcast together with shapes ",
                  shapes));
}

// How a result (or the values written) lies over x and over the offsets that the indices give.
struct Placement {
  Tensor x;                      // result's shape; stride 0 along the indexed dims
  Tensor offsets;                // result's shape; stride 0 along the others
  int64_t step = 1;              // elements per unit of offset
  int64_t first = 0, count = 0;  // where the indexed dims are in the result
  IntList shape() const { return x.sizes(); }
};

Placement place(const char* op, const Tensor& self, TensorList indices) {
  NoGradGuard guard;
  const Integers in = to_integers(op, self, indices);
  const int64_t rank = in.x.dim();
  Dims common;
  int64_t used = 0, first = -1, last = -1;
  for (int64_t d = 0; d < rank; ++d) {
    const Tensor& t = in.index[static_cast<size_t>(d)];
    if (!t.defined()) continue;
    if (!broadcastable(common, t.sizes())) shape_mismatch(op, in.index);
    common = broadcast_shapes(common, t.sizes(), op);
    if (first < 0) first = d;
    last = d;
    ++used;
  }
  RT_CHECK(used > 0, Runtime, op, "at least one of the indices must be a tensor");

  Tensor offsets;
  Placement p;
  for (int64_t d = 0; d < rank; ++d) {
    const Tensor& t = in.index[static_cast<size_t>(d)];
    if (!t.defined()) continue;
    const Tensor checked = check_index(op, t, d, in.x.sizes()[d], Negative::Wrap, ErrorKind::Index);
    if (used == 1) {
      offsets = checked;
      p.step = in.x.strides()[d];
      break;
    }
    const Tensor part = ops::mul(checked, wrapped_number(Scalar(in.x.strides()[d])));
    offsets = offsets.defined() ? ops::add(offsets, part) : part;
  }

  // Indexed dims that stand together stay in their place; else they come first.
  p.first = last - first + 1 == used ? first : 0;
  p.count = common.ssize();
  Dims sizes, x_strides, o_strides;
  const auto add_common = [&] {
    const Tensor o = broadcast_view(offsets, common);
    for (int64_t i = 0; i < common.ssize(); ++i) {
      sizes.push_back(common[i]);
      x_strides.push_back(0);
      o_strides.push_back(o.strides()[i]);
    }
  };
  if (p.first == 0) add_common();
  for (int64_t d = 0; d < rank; ++d) {
    if (in.index[static_cast<size_t>(d)].defined()) {
      if (p.first > 0 && d == p.first) add_common();
      continue;
    }
    sizes.push_back(in.x.sizes()[d]);
    x_strides.push_back(in.x.strides()[d]);
    o_strides.push_back(0);
  }
  p.x = make_view(in.x, sizes, x_strides, in.x.offset());
  p.offsets = make_view(offsets, sizes, o_strides, offsets.offset());
  return p;
}

Tensor index_forward(const Tensor& self, TensorList indices) {
  const Placement p = place("index", self, indices);
  Tensor out = empty(p.shape(), self.dtype(), self.device(), "index");
  if (out.numel() > 0) gather_kernel(out, out, p.x, p.offsets, p.step);
  return out;
}

std::vector<Tensor> saved_indices(VjpContext& c) {
  std::vector<Tensor> list;
  for (int64_t i = 0; i < c.list_size(1); ++i) list.push_back(c.input(1, static_cast<int>(i)));
  return list;
}

void index_vjp(VjpContext& c) {
  if (!c.has_grad() || !c.needs(0)) return;
  const Tensor zero = ops::zeros(c.sizes(0), c.grad().dtype(), c.grad().device());
  c.set(0, ops::index_put(zero, saved_indices(c), c.grad(), true));
}

const Op index_op("index(Tensor input, Tensor?[] indices) -> Tensor", index_forward,
                  {.vjp = index_vjp, .saves = "indices", .in = "", .kernels = {&gather_kernel}});

Tensor index_put_forward(Out out, const Tensor& self, TensorList indices, const Tensor& values,
                         bool accumulate) {
  // Everything is checked on self before anything is written.
  Placement p = place("index_put", self, indices);
  RT_CHECK(is_expandable_to(values.sizes(), p.shape()), Runtime, "index_put",
           cat_str("shape mismatch: value tensor of shape ", values.sizes(),
                   " cannot be broadcast to indexing result of shape ", p.shape()));
  RT_CHECK(values.dtype() == self.dtype() || values.is_wrapped_number(), Runtime, "index_put",
           cat_str("Index put requires the source and destination dtypes match, got ",
                   torch_type_name(self.dtype()), " for the destination and ",
                   torch_type_name(values.dtype()), " for the source."),
           cat_str(describe(self), " and ", describe(values)), "values.to(input.dtype)");
  const Tensor target = writable(out, self);
  if (p.x.numel() == 0) return target;
  NoGradGuard guard;
  const Tensor source = unshared(ops::to(values, self.dtype()), target);
  const bool widen = accumulate && is_reduced_floating(self.dtype());
  const bool redirect = widen || !target.is_same(self);
  const Tensor place_in = widen ? ops::to(target, DType::Float32) : target;
  if (redirect) p = place("index_put", place_in, indices);
  scatter_into(p.x, p.offsets, p.step,
               broadcast_view(widen ? ops::to(source, DType::Float32) : source, p.shape()), p.first,
               p.first + p.count, accumulate ? ScatterMode::Add : ScatterMode::Assign);
  if (widen) ops::copy_(target, place_in);
  return target;
}

void index_put_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const std::vector<Tensor> indices = saved_indices(c);
  const bool accumulate = c.arg<bool>(3);
  if (c.needs(0)) {
    const Tensor zero = ops::zeros({}, c.grad().dtype(), c.grad().device());
    c.set(0, accumulate ? c.grad() : ops::index_put(c.grad(), indices, zero));
  }
  if (c.needs(2)) c.set(2, ops::sum_to_size(ops::index(c.grad(), indices), c.sizes(2)));
}

const Op index_put_op(
    "index_put(Tensor input, Tensor?[] indices, Tensor values, bool accumulate=False) -> Tensor",
    index_put_forward,
    {.vjp = index_put_vjp,
     .saves = "indices",
     .inplace = true,
     .overlap_ok = true,
     .operands = Operands::Apart,
     .kernels = {&scatter_kernel},
     .doc =
         R"(A copy of `input` with `values` written at `indices`, one index tensor or bool mask a dim.

`values` broadcast to the shape of `input[indices]` and have input's dtype; with `accumulate`, values
are added, repeated places included. IndexError for indices out of range. Follows `torch.index_put`.

>>> rt.zeros(3).index_put((rt.tensor([0, 0]),), rt.ones(2), accumulate=True)
tensor([2., 0., 0.])
)"});

}  // namespace

namespace ops {

Tensor index(const Tensor& x, TensorList indices) { return index_op(x, indices); }
Tensor index_put(const Tensor& x, TensorList indices, const Tensor& values, bool accumulate) {
  return index_put_op(x, indices, values, accumulate);
}
const Tensor& index_put_(const Tensor& x, TensorList indices, const Tensor& values,
                         bool accumulate) {
  return index_put_op.inplace(x, indices, values, accumulate);
}

}  // namespace ops
}  // namespace rt
