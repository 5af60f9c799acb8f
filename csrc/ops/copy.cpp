#include "ops/copy.h"

#include "autograd/vjp.h"
#include "core/pinned.h"
#include "ops/elementwise.h"
#include "ops/index_support.h"
#include "ops/memory_format.h"
#include "ops/non_blocking.h"
#include "ops/ops.h"
#include "ops/uninitialized.h"

namespace rt {

namespace {

thread_local bool t_non_blocking = false;

// What copies between pinned memory and a device of that type while the host goes on, or null.
PinnedCopies* copies_of(const Tensor& host, const Tensor& device) {
  const DeviceType type = device.device().type;
  return is_pinned(*host.storage(), type) ? pinned_copies(type) : nullptr;
}

// Of memory that is there: its engine was available when it was made, whatever it is now.
Engine& engine_of(const Tensor& t) { return *find_engine(t.device().type); }

// Between devices the bytes travel densely; the kernels on either side do the rest. `later`: the
// host need not wait for them.
void copy_across(const Tensor& self, const Tensor& src, bool later = false) {
  // A number needs no transport, and the CPU converts between whatever types there are.
  if (src.device().is_cpu() && src.numel() == 1) {
    copy_kernel(self, self, make_view(src, {}, {}, src.offset()));
    return;
  }
  if (self.device().is_cpu() && self.dtype() != src.dtype()) {
    const Tensor host = empty(src.sizes(), src.dtype());
    copy_across(host, src);
    copy_kernel(self, self, host);
    return;
  }
  const Tensor dense =
      src.is_contiguous() && src.sizes() == self.sizes() && src.dtype() == self.dtype()
          ? src
          : [&] {
              Tensor t = empty(self.sizes(), self.dtype(), src.device());
              copy_kernel(t, t, src);
              return t;
            }();
  Tensor landed = self.is_contiguous() ? self : empty(self.sizes(), self.dtype(), self.device());
  const size_t bytes = landed.nbytes();
  const size_t to = static_cast<size_t>(landed.offset()) * landed.item_size();
  const size_t from = static_cast<size_t>(dense.offset()) * dense.item_size();
  if (self.device().type == src.device().type) {
    engine_of(self).copy(*landed.storage(), to, *dense.storage(), from, bytes);
  } else if (self.device().is_cpu()) {
    // What is rearranged here must have arrived.
    PinnedCopies* copies = later && landed.is_same(self) ? copies_of(self, src) : nullptr;
    if (copies)
      return copies->copy_to_host_later(*self.storage(), to, *dense.storage(), from, bytes);
    engine_of(src).copy_to_host(landed.data(), *dense.storage(), from, bytes);
  } else if (PinnedCopies* copies =
                 later && src.device().is_cpu() ? copies_of(dense, self) : nullptr) {
    copies->copy_from_host_later(*landed.storage(), to, *dense.storage(), from, bytes);
  } else if (src.device().is_cpu()) {
    engine_of(self).copy_from_host(*landed.storage(), to, dense.data(), bytes);
  } else {
    const Tensor host = empty(self.sizes(), self.dtype());
    engine_of(src).copy_to_host(host.data(), *dense.storage(), from, bytes);
    engine_of(self).copy_from_host(*landed.storage(), to, host.data(), bytes);
  }
  if (!landed.is_same(self)) copy_kernel(self, self, landed);
}

// The value of self after self.copy_(src), as an op of src: its history is that of a conversion.
Tensor copy_forward(Out out, const Tensor& self, const Tensor& src, bool non_blocking) {
  const Tensor& target = out ? *out : self;
  RT_CHECK(is_expandable_to(src.sizes(), target.sizes()), Runtime, "copy_",
           cat_str("The size of the source ", src.sizes(), " does not broadcast to the shape ",
                   target.sizes()),
           cat_str(describe(target), " from ", describe(src)));
  if (target.is_same(src)) return target;
  if (!(target.device() == src.device())) {
    copy_across(target, src, non_blocking);
    return target;
  }
  if (partially_overlaps(target, src)) {
    Tensor staged = empty(src.sizes(), src.dtype(), src.device(), "copy_");
    copy_kernel(staged, staged, src);
    copy_kernel(target, target, staged);
  } else {
    copy_kernel(target, target, src);
  }
  return target;
}

void copy_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  if (c.needs(0)) c.set(0, ops::zeros(c.sizes(0), c.meta(0).dtype, c.meta(0).device));
  if (c.needs(1)) {
    Tensor g = c.grad();
    if (!(g.device() == c.meta(1).device)) g = ops::to(g, c.meta(1).device);
    c.set(1, g);
  }
}

const Op copy_op(
    "copy(Tensor self, Tensor src, bool non_blocking=False) -> Tensor", copy_forward,
    {.vjp = copy_vjp,
     .in = "Tensor.inplace",
     .inplace = true,
     .broadcasts = true,
     .kernels = {&copy_kernel},
     .doc = R"(Copies the values of another tensor into this one, converting dtype and device.

The source broadcasts to this tensor's shape. With `non_blocking`, a copy between a GPU and pinned memory is queued
and the host goes on: it waits (`cuda.synchronize()`, an event) before it reads what was copied to it. Follows `torch.Tensor.copy_`.

>>> rt.zeros(2).copy_(rt.ones(1))
tensor([1., 1.])
)"});

Tensor clone_forward(const Tensor& x, FormatName format) {
  const MemoryFormat wanted = memory_format("clone", format, MemoryFormat::Preserve);
  Tensor t = empty_in_format("clone", x, wanted, x.dtype(), x.device());
  copy_kernel(t, t, x);
  return t;
}
void clone_vjp(VjpContext& c) {
  if (c.has_grad()) c.set(0, c.grad());
}
const Op clone_op("clone(Tensor input, *, str? memory_format=None) -> Tensor", clone_forward,
                  {.vjp = clone_vjp,
                   .kernels = {&copy_kernel},
                   .doc = R"(A copy with its own memory, through which gradients flow.

Dense inputs keep their strides, unless `memory_format` asks for another order of dims in memory.
Follows `torch.clone`.

>>> rt.ones(2).clone()
tensor([1., 1.])
)"});

// The conversion itself; `to` skips it where there is nothing to do.
Tensor convert_forward(const Tensor& x, DType dtype, Device device) {
  if (device == x.device()) {
    Tensor t = empty_like(x, dtype);
    copy_kernel(t, t, x);
    return t;
  }
  const bool later = t_non_blocking;
  PinnedCopies* copies =
      later && device.is_cpu() && dtype == x.dtype() ? pinned_copies(x.device().type) : nullptr;
  Tensor t;
  if (copies && copies->pins(x.device())) {
    t = from_memory(copies->allocate_pinned(x.nbytes(), x.device()), dtype, x.sizes(),
                    contiguous_strides(x.sizes()));
    t.impl()->inference_ = modes().inference;
  } else {
    t = empty(x.sizes(), dtype, device);
  }
  copy_across(t, x, later);
  return t;
}
void convert_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  Tensor g = c.grad();
  if (!(g.device() == c.meta(0).device)) g = ops::to(g, c.meta(0).device);
  c.set(0, g);
}
const Op convert_op("_to_copy(Tensor input, DType dtype, Device device) -> Tensor", convert_forward,
                    {.vjp = convert_vjp, .in = "", .kernels = {&copy_kernel}});

Tensor contiguous_forward(const Tensor& x, FormatName format) {
  const MemoryFormat wanted = memory_format("contiguous", format, MemoryFormat::Contiguous);
  RT_CHECK(wanted != MemoryFormat::Preserve || x.is_contiguous(), Runtime, "contiguous",
           "preserve memory format is unsupported by the contiguous operator");
  return in_format("contiguous", x, wanted);
}
const Op contiguous_op(
    "contiguous(Tensor input, *, str? memory_format=None) -> Tensor", contiguous_forward,
    {.in = "Tensor",
     .doc =
         R"(This tensor in row-major memory, or in the order that `memory_format` names; itself if it lies so.

Follows `torch.Tensor.contiguous`.

>>> rt.ones(2, 3).T.contiguous().is_contiguous()
True
)"});

Tensor fill_forward(Out out, const Tensor& self, Scalar value) {
  check_number_fits("fill", value, self.dtype());
  Tensor target = out ? *out : empty_like(self);
  if (target.numel() > 0) {
    copy_kernel(target, target, scalar_tensor(value, target.dtype()));
  }
  return target;
}
void fill_vjp(VjpContext& c) {
  if (c.needs(0)) c.set(0, ops::zeros(c.sizes(0), c.meta(0).dtype, c.meta(0).device));
}
// The value as a tensor, through which gradients flow; tried first, since a tensor of one element
// would pass for a number too.
Tensor fill_tensor_forward(Out out, const Tensor& self, const Tensor& value) {
  RT_CHECK(value.dim() == 0, Runtime, "fill",
           cat_str("fill_ only supports 0-dimension value tensor but got tensor with ", value.dim(),
                   " dimensions."),
           describe(value), "copy_(), which broadcasts");
  Tensor target = out ? *out : empty_like(self);
  if (target.numel() == 0) return target;
  Tensor staged = empty({}, target.dtype(), target.device(), "fill");
  if (value.device() == target.device()) {
    copy_kernel(staged, staged, value);
  } else {
    copy_across(staged, value);
  }
  copy_kernel(target, target, staged);
  return target;
}
void fill_tensor_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  if (c.needs(0)) c.set(0, ops::zeros(c.sizes(0), c.meta(0).dtype, c.meta(0).device));
  if (c.needs(1)) {
    Tensor g = ops::sum_to_size(c.grad(), {});
    if (!(g.device() == c.meta(1).device)) g = ops::to(g, c.meta(1).device);
    c.set(1, g);
  }
}
const Op fill_tensor_op(
    "fill.Tensor(Tensor input, Tensor value) -> Tensor", fill_tensor_forward,
    {.vjp = fill_tensor_vjp, .inplace = true, .overlap_ok = true, .kernels = {&copy_kernel}});

const Op fill_op("fill(Tensor input, Scalar value) -> Tensor", fill_forward,
                 {.vjp = fill_vjp,
                  .inplace = true,
                  .overlap_ok = true,
                  .kernels = {&copy_kernel},
                  .doc = R"(Every element replaced by a number.

Follows `torch.fill`; the in-place form is `Tensor.fill_`.

>>> rt.zeros(2).fill_(3)
tensor([3., 3.])
)"});

Tensor zero_forward(Out out, const Tensor& self) { return fill_forward(out, self, 0); }
const Op zero_op("zero(Tensor self) -> Tensor", zero_forward,
                 {.vjp = fill_vjp,
                  .in = "Tensor.inplace rt.inplace",
                  .inplace = true,
                  .overlap_ok = true,
                  .kernels = {&copy_kernel},
                  .doc = R"(Sets every element to zero, in place.

Follows `torch.Tensor.zero_`.

>>> rt.ones(2).zero_()
tensor([0., 0.])
)"});

}  // namespace

NonBlocking::NonBlocking(bool on) : before_(t_non_blocking) { t_non_blocking = on; }
NonBlocking::~NonBlocking() { t_non_blocking = before_; }

namespace ops {

const Tensor& copy_(const Tensor& self, const Tensor& src, bool non_blocking) {
  return copy_op.inplace(self, src, non_blocking);
}
Tensor clone(const Tensor& x) { return clone_op(x, std::nullopt); }
Tensor contiguous(const Tensor& x) {
  return x.is_contiguous() ? x : contiguous_op(x, std::nullopt);
}
Tensor to(const Tensor& x, DType dtype) {
  return x.dtype() == dtype ? x : convert_op(x, dtype, x.device());
}
Tensor to(const Tensor& x, Device device) {
  return x.device() == device ? x : convert_op(x, x.dtype(), device);
}
const Tensor& fill_(const Tensor& self, Scalar value) { return fill_op.inplace(self, value); }
const Tensor& zero_(const Tensor& self) { return zero_op.inplace(self); }

const Tensor& resize_(const Tensor& self, IntList sizes) {
  const int64_t n = checked_numel(sizes, "resize_");
  if (self.sizes() == sizes) return self;
  const int64_t room =
      static_cast<int64_t>(self.storage()->nbytes() / self.item_size()) - self.offset();
  if (n > room) {
    RT_CHECK(self.storage()->resizable(), Runtime, "resize_",
             "Trying to resize storage that is not resizable",
             cat_str(describe(self), " to ", sizes),
             "clone() first; its memory belongs to, or is shown by, an array");
    const Tensor fresh = uninitialized(empty(sizes, self.dtype(), self.device(), "resize_"));
    // What the old memory held stays at the front, in memory order.
    if (room > 0)
      copy_kernel(fresh, make_view(fresh, {room}, {1}, 0),
                  make_view(self, {room}, {1}, self.offset()));
    self.start_version(self.version());
    self.impl()->set_storage(fresh.storage());
    self.impl()->set_geometry(sizes, fresh.strides(), 0);
  } else {
    self.impl()->set_geometry(sizes, contiguous_strides(sizes), self.offset());
  }
  self.bump_version();
  return self;
}

}  // namespace ops
}  // namespace rt
