// Changes of dtype and device as users spell them, and questions about dtypes.
#include "ops/memory_format.h"
#include "ops/non_blocking.h"
#include "ops/ops.h"
#include "ops/promotion.h"
#include "ops/record.h"

namespace rt {

namespace {

Tensor converted(const Tensor& x, DType dtype, Device device, bool copy, FormatName format = {},
                 bool non_blocking = false) {
  const MemoryFormat wanted = memory_format("to", format, MemoryFormat::Preserve);
  // Widening happens before a transfer only if it is on the way; the transfer converts by itself.
  const bool same = x.dtype() == dtype && x.device() == device;
  if (same && copy && has_format(x, wanted)) return ops::clone(x);
  if (same && !copy && suggested_format(x) == wanted) return x;
  // What the host itself converts must have arrived.
  const bool as_is = x.dtype() == dtype && wanted == MemoryFormat::Preserve;
  const NonBlocking queued(non_blocking && (!device.is_cpu() || as_is));
  const Tensor y = same ? x : ops::to(ops::to(x, device), dtype);
  // A tensor that lies both ways, as one with a single channel does, gets strides that say which.
  const bool by_name =
      wanted == MemoryFormat::ChannelsLast || wanted == MemoryFormat::ChannelsLast3d;
  if (!by_name || suggested_format(y) == wanted) return in_format("to", y, wanted);
  return ops::copy_(empty_in_format("to", y, wanted, y.dtype(), y.device()), y);
}
Tensor to_dtype_forward(const Tensor& x, DType dtype, bool, bool copy, FormatName format) {
  return converted(x, dtype, x.device(), copy, format);
}
Tensor to_device_forward(const Tensor& x, std::optional<Device> device, std::optional<DType> dtype,
                         bool non_blocking, bool copy, FormatName format) {
  return converted(x, dtype.value_or(x.dtype()), device.value_or(x.device()), copy, format,
                   non_blocking);
}
Tensor to_other_forward(const Tensor& x, const Tensor& other, bool non_blocking, bool copy,
                        FormatName format) {
  return converted(x, other.dtype(), other.device(), copy, format, non_blocking);
}
const Op to_dtype_op(
    "to(Tensor input, DType dtype, bool non_blocking=False, bool copy=False, *, "
    "str? memory_format=None) -> Tensor",
    to_dtype_forward,
    {.in = "Tensor", .doc = R"(This tensor with another dtype or device, or those of another tensor.

Itself if nothing changes and `copy` is false; `memory_format` asks for an order of dims in memory. Gradients flow back through the conversion.
With `non_blocking`, the host does not wait for copies from pinned memory to a GPU, nor for those to the CPU, whose
result is pinned: wait (`cuda.synchronize()`, an event) before it is read.
Follows `torch.Tensor.to`.

>>> rt.tensor([1, 2]).to(rt.float32)
tensor([1., 2.])
)"});
const Op to_device_op(
    "to.device(Tensor input, Device? device=None, DType? dtype=None, bool non_blocking=False, bool "
    "copy=False, *, "
    "str? memory_format=None) "
    "-> Tensor",
    to_device_forward, {.in = "Tensor"});
const Op to_other_op(
    "to.other(Tensor input, Tensor other, bool non_blocking=False, bool copy=False, *, "
    "str? memory_format=None) -> Tensor",
    to_other_forward, {.in = "Tensor"});

Tensor type_as_forward(const Tensor& x, const Tensor& other) {
  return converted(x, other.dtype(), other.device(), false);
}
const Op type_as_op("type_as(Tensor input, Tensor other) -> Tensor", type_as_forward,
                    {.in = "Tensor", .doc = R"(This tensor with the dtype of another.

Follows `torch.Tensor.type_as`.

>>> rt.tensor([1]).type_as(rt.ones(1))
tensor([1.])
)"});

Tensor cpu_forward(const Tensor& x) { return ops::to(x, Device{}); }
const Op cpu_op("cpu(Tensor input) -> Tensor", cpu_forward,
                {.in = "Tensor", .doc = R"(This tensor in host memory; itself if it is there.

Follows `torch.Tensor.cpu`.

>>> rt.ones(1).cpu()
tensor([1.])
)"});

template <DType T>
Tensor cast_forward(const Tensor& x, FormatName format) {
  return converted(x, T, x.device(), false, format);
}
#define RT_CAST_METHOD(method, type, text)                                                       \
  const Op method##_cast_op(                                                                     \
      #method "(Tensor input, *, str? memory_format=None) -> Tensor", cast_forward<DType::type>, \
      {.in = "Tensor",                                                                           \
       .doc = "This tensor as " text ".\n\nFollows `torch.Tensor." #method                       \
              "`.\n\n>>> rt.zeros(1)." #method "().dtype\nrustorch." text "\n"})
RT_CAST_METHOD(float, Float32, "float32");
RT_CAST_METHOD(double, Float64, "float64");
RT_CAST_METHOD(half, Float16, "float16");
RT_CAST_METHOD(bfloat16, BFloat16, "bfloat16");
RT_CAST_METHOD(long, Int64, "int64");
RT_CAST_METHOD(int, Int32, "int32");
RT_CAST_METHOD(short, Int16, "int16");
RT_CAST_METHOD(char, Int8, "int8");
RT_CAST_METHOD(byte, UInt8, "uint8");
RT_CAST_METHOD(bool, Bool, "bool");
RT_CAST_METHOD(cfloat, Complex64, "complex64");
RT_CAST_METHOD(cdouble, Complex128, "complex128");

// ---- Questions about dtypes ----

DType result_type_forward(const Tensor& a, const Tensor& b) { return result_type(a, b); }
const Op result_type_op("result_type(Operand tensor1, Operand tensor2) -> DType",
                        result_type_forward,
                        {.in = "rt",
                         .doc = R"(The dtype that an operation on two tensors or numbers gives.

Follows `torch.result_type`.

>>> rt.result_type(rt.tensor([1, 2]), 1.5)
rustorch.float32
)"});
bool can_cast_forward(DType from, DType to) { return can_cast(from, to); }
const Op can_cast_op("can_cast(DType from_, DType to) -> bool", can_cast_forward,
                     {.in = "rt", .doc = R"(Whether promotion lets a dtype be written into another.

Follows `torch.can_cast`.

>>> rt.can_cast(rt.float64, rt.int64)
False
)"});
DType promote_types_forward(DType a, DType b) { return promote(a, b); }
const Op promote_types_op("promote_types(DType type1, DType type2) -> DType", promote_types_forward,
                          {.in = "rt", .doc = R"(The smallest dtype that both dtypes can be cast to.

Follows `torch.promote_types`.

>>> rt.promote_types(rt.int32, rt.float16)
rustorch.float16
)"});

// ---- Questions about tensors, as functions; the methods of these names are bound directly ----

int64_t numel_forward(const Tensor& x) { return x.numel(); }
const Op numel_op("numel(Tensor input) -> int", numel_forward,
                  {.in = "rt", .doc = R"(The number of elements.

Follows `torch.numel`.

>>> rt.numel(rt.zeros(2, 3))
6
)"});
bool is_floating_point_forward(const Tensor& x) { return is_floating(x.dtype()); }
const Op is_floating_point_op("is_floating_point(Tensor input) -> bool", is_floating_point_forward,
                              {.in = "rt", .doc = R"(Whether the dtype is a real floating-point one.

Follows `torch.is_floating_point`.

>>> rt.is_floating_point(rt.zeros(1))
True
)"});
bool is_complex_forward(const Tensor& x) { return is_complex(x.dtype()); }
const Op is_complex_op("is_complex(Tensor input) -> bool", is_complex_forward,
                       {.in = "rt", .doc = R"(Whether the dtype is a complex one.

Follows `torch.is_complex`.

>>> rt.is_complex(rt.zeros(1))
False
)"});
bool is_signed_forward(const Tensor& x) {
  return x.dtype() != DType::Bool && x.dtype() != DType::UInt8;
}
const Op is_signed_op("is_signed(Tensor input) -> bool", is_signed_forward,
                      {.in = "rt", .doc = R"(Whether the dtype has negative values.

Follows `torch.is_signed`.

>>> rt.is_signed(rt.zeros(1))
True
)"});
bool is_nonzero_forward(const Tensor& x) {
  RT_CHECK(x.numel() != 0, Runtime, "is_nonzero",
           "Boolean value of Tensor with no values is ambiguous", describe(x));
  RT_CHECK(x.numel() == 1, Runtime, "is_nonzero",
           "Boolean value of Tensor with more than one value is ambiguous", describe(x),
           "t.any() or t.all()");
  return item(x).to_bool();
}
const Op is_nonzero_op("is_nonzero(Tensor input) -> bool", is_nonzero_forward,
                       {.doc = R"(Whether a tensor of one element is not zero.

Errors for any other number of elements. Follows `torch.is_nonzero`.

>>> rt.is_nonzero(rt.tensor([0.5]))
True
)"});

// Conjugation and negation are done at once here, never left pending.
Tensor same_forward(const Tensor& x) { return x; }
const Op resolve_conj_op("resolve_conj(Tensor input) -> Tensor", same_forward,
                         {.doc = R"(The tensor itself: conjugates are never pending.

Follows `torch.resolve_conj`.

>>> rt.resolve_conj(rt.ones(1))
tensor([1.])
)"});
const Op resolve_neg_op("resolve_neg(Tensor input) -> Tensor", same_forward,
                        {.doc = R"(The tensor itself: negations are never pending.

Follows `torch.resolve_neg`.

>>> rt.resolve_neg(rt.ones(1))
tensor([1.])
)"});

}  // namespace

}  // namespace rt
