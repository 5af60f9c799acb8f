// Parts of complex tensors.
#include "autograd/vjp.h"
#include "ops/elementwise.h"
#include "ops/index_support.h"
#include "ops/ops.h"

namespace rt {

namespace {

ElementwiseSlot conj_slot{"conj", EwCompute::Promoted, EwResult::Same, 1};

void conj_vjp(VjpContext& c) {
  if (c.has_grad()) c.set(0, ops::conj(c.grad()));
}
const Op conj_physical_op("conj_physical(Tensor input) -> Tensor", unary_forward<conj_slot>,
                          {.vjp = conj_vjp,
                           .inplace = true,
                           .out = true,
                           .kernels = {&conj_slot},
                           .doc = R"(The complex conjugate, in new memory; a real tensor is copied.

Follows `torch.conj_physical`.

>>> rt.conj_physical(rt.tensor([1 + 2j]))
tensor([1.-2.j])
)"});

Tensor conj_forward(const Tensor& x) { return is_complex(x.dtype()) ? conj_physical_op(x) : x; }
const Op conj_op("conj(Tensor input) -> Tensor", conj_forward,
                 {.doc = R"(The complex conjugate; a real tensor is returned as it is.

Unlike `torch.conj` this computes at once instead of marking the tensor.

>>> rt.conj(rt.tensor([1 + 2j]))
tensor([1.-2.j])
)"});

Tensor view_as_real_forward(const Tensor& x) {
  RT_CHECK(is_complex(x.dtype()), Runtime, "view_as_real",
           "view_as_real is only supported for complex tensors", describe(x));
  Dims sizes(x.sizes()), strides(x.strides());
  for (int64_t& s : strides) s *= 2;
  sizes.push_back(2);
  strides.push_back(1);
  return make_view(x, sizes, strides, x.offset() * 2, real_of(x.dtype()));
}
void view_as_real_vjp(VjpContext& c) {
  if (c.has_grad()) c.set(0, ops::view_as_complex(ops::contiguous(c.grad())));
}
const Op view_as_real_op(
    "view_as_real(Tensor input) -> Tensor", view_as_real_forward,
    {.vjp = view_as_real_vjp,
     .view = true,
     .doc = R"(A view of a complex tensor as pairs (real, imaginary) along a new last dim.

Follows `torch.view_as_real`.

>>> rt.view_as_real(rt.tensor([1 + 2j]))
tensor([[1., 2.]])
)"});

Tensor view_as_complex_forward(const Tensor& x) {
  RT_CHECK(x.dtype() == DType::Float32 || x.dtype() == DType::Float64, Runtime, "view_as_complex",
           "view_as_complex is only supported for float32 and float64 tensors", describe(x));
  RT_CHECK(x.dim() > 0, Runtime, "view_as_complex", "Input tensor must have one or more dimensions",
           describe(x));
  RT_CHECK(x.sizes().back() == 2, Runtime, "view_as_complex",
           "Tensor must have a last dimension of size 2", describe(x));
  RT_CHECK(x.strides().back() == 1, Runtime, "view_as_complex",
           "Tensor must have a last dimension with stride 1", describe(x));
  Dims sizes(x.sizes()), strides(x.strides());
  sizes.pop_back();
  strides.pop_back();
  for (int64_t& s : strides) {
    RT_CHECK(s % 2 == 0, Runtime, "view_as_complex",
             "Tensor must have a stride divisible by 2 for all but last dimension", describe(x));
    s /= 2;
  }
  RT_CHECK(x.offset() % 2 == 0, Runtime, "view_as_complex",
           "Tensor must have a storage_offset divisible by 2", describe(x));
  return make_view(x, sizes, strides, x.offset() / 2, complex_of(x.dtype()));
}
void view_as_complex_vjp(VjpContext& c) {
  if (c.has_grad()) c.set(0, ops::view_as_real(ops::contiguous(c.grad())));
}
const Op view_as_complex_op(
    "view_as_complex(Tensor input) -> Tensor", view_as_complex_forward,
    {.vjp = view_as_complex_vjp,
     .view = true,
     .doc = R"(A view of pairs (real, imaginary) along the last dim as complex numbers.

Follows `torch.view_as_complex`.

>>> rt.view_as_complex(rt.tensor([[1., 2.]]))
tensor([1.+2.j])
)"});

Tensor real_forward(const Tensor& x) {
  return is_complex(x.dtype()) ? ops::select(view_as_real_op(x), -1, 0) : x;
}
const Op real_op("real(Tensor input) -> Tensor", real_forward,
                 {.in = "rt",
                  .doc = R"(The real part: a view of a complex tensor, a real tensor itself.

Follows `torch.real`.

>>> rt.real(rt.tensor([1 + 2j]))
tensor([1.])
)"});

Tensor imag_forward(const Tensor& x) {
  RT_CHECK(is_complex(x.dtype()), Runtime, "imag",
           "imag is not implemented for tensors with non-complex dtypes.", describe(x));
  return ops::select(view_as_real_op(x), -1, 1);
}
const Op imag_op("imag(Tensor input) -> Tensor", imag_forward,
                 {.in = "rt", .doc = R"(The imaginary part of a complex tensor, as a view.

Follows `torch.imag`.

>>> rt.imag(rt.tensor([1 + 2j]))
tensor([2.])
)"});

// ---- Complex numbers from two real parts ----

void check_parts(const char* op, const Tensor& re, const Tensor& im) {
  RT_CHECK((is_floating(re.dtype()) && is_floating(im.dtype())) && re.dtype() != DType::BFloat16,
           Runtime, op,
           cat_str("Expected both inputs to be Half, Float or Double tensors but got ",
                   torch_type_name(re.dtype()), " and ", torch_type_name(im.dtype())));
  RT_CHECK(re.dtype() == im.dtype(), Runtime, op,
           cat_str("Expected object of scalar type ", torch_type_name(re.dtype()),
                   " but got scalar type ", torch_type_name(im.dtype()), " for second argument"));
}

Tensor complex_forward(const Tensor& re, const Tensor& im) {
  check_parts("complex", re, im);
  const Tensor parts[] = {re, im};
  const Device device = common_device("complex", parts);
  const Tensor out =
      empty(broadcast_shapes(re.sizes(), im.sizes(), "complex"), complex_of(re.dtype()), device);
  if (out.numel() == 0) return out;
  const Tensor pairs = view_as_real_forward(out);
  for (int i = 0; i < 2; ++i) {
    copy_kernel(out, make_view(pairs, out.sizes(), pairs.strides().slice(0, out.sizes().size()), i),
                parts[i]);
  }
  return out;
}
void complex_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  if (c.needs(0)) c.set(0, ops::real(c.grad()));
  if (c.needs(1)) c.set(1, ops::imag(c.grad()));
}
const Op complex_op(
    "complex(Tensor real, Tensor imag) -> Tensor", complex_forward,
    {.vjp = complex_vjp,
     .in = "rt",
     .out = true,
     .broadcasts = true,
     .kernels = {&copy_kernel},
     .doc = R"(Complex numbers of real and imaginary parts, which have one float dtype.

Follows `torch.complex`.

>>> rt.complex(rt.tensor([1.]), rt.tensor([2.]))
tensor([1.+2.j])
)"});

Tensor polar_forward(const Tensor& abs, const Tensor& angle) {
  check_parts("polar", abs, angle);
  RT_CHECK(abs.dtype() != DType::Float16, NotImplemented, "polar",
           "\"polar_cpu\" not implemented for 'Half'", describe(abs), "float32");
  return complex_op(abs * ops::cos(angle), abs * ops::sin(angle));
}
const Op polar_op(
    "polar(Tensor abs, Tensor angle) -> Tensor", polar_forward,
    {.in = "rt",
     .out = true,
     .doc = R"(Complex numbers of absolute values and angles, which are float32 or float64 alike.

Follows `torch.polar`.

>>> rt.polar(rt.tensor([2.]), rt.tensor([0.]))
tensor([2.+0.j])
)"});

}  // namespace

namespace ops {

Tensor conj(const Tensor& x) { return is_complex(x.dtype()) ? conj_op(x) : x; }
Tensor real(const Tensor& x) { return is_complex(x.dtype()) ? real_op(x) : x; }
Tensor imag(const Tensor& x) { return imag_op(x); }
Tensor view_as_real(const Tensor& x) { return view_as_real_op(x); }
Tensor view_as_complex(const Tensor& x) { return view_as_complex_op(x); }

}  // namespace ops
}  // namespace rt
