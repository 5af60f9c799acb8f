#include "ops/creation.h"

#include <atomic>
#include <cmath>
#include <limits>

#include "ops/elementwise.h"
#include "ops/index_support.h"
#include "ops/memory_format.h"
#include "ops/ops.h"
#include "ops/uninitialized.h"

namespace rt {

namespace {

using MaybeDType = std::optional<DType>;
using MaybeDevice = std::optional<Device>;

Tensor filled(IntList size, const Scalar& value, DType dtype, Device device, const char* op) {
  check_number_fits(op, value, dtype);
  Tensor t = empty(size, dtype, device, op);
  if (t.numel() > 0) copy_kernel(t, t, scalar_tensor(value, dtype));
  return t;
}

std::atomic<bool> g_fills_uninitialized{false};  // a setting of the process

Scalar poison(DType t) {
  if (is_floating(t) || is_complex(t)) return std::numeric_limits<double>::quiet_NaN();
  if (t == DType::Bool) return true;
  const auto bits = static_cast<int>(8 * item_size(t)) - (t == DType::UInt8 ? 0 : 1);
  return static_cast<int64_t>((uint64_t{1} << bits) - 1);
}

DType dtype_or_default(std::optional<DType> dtype) { return dtype.value_or(default_dtype()); }

Tensor empty_forward(IntList size, std::optional<DType> dtype, std::optional<Device> device,
                     FormatName format) {
  const MemoryFormat wanted = memory_format("empty", format, MemoryFormat::Contiguous);
  RT_CHECK(wanted != MemoryFormat::Preserve, Runtime, "empty",
           "preserve_format is only for tensors made after another one", "", "empty_like()");
  const DType type = dtype_or_default(dtype);
  const Device where = device.value_or(Device{});
  if (wanted == MemoryFormat::Contiguous) return ops::uninitialized(empty(size, type, where));
  return ops::uninitialized(
      empty_strided(size, format_strides("empty", wanted, size), type, where));
}
Tensor zeros_forward(IntList size, std::optional<DType> dtype, std::optional<Device> device) {
  return filled(size, 0, dtype_or_default(dtype), device.value_or(Device{}), "zeros");
}
Tensor ones_forward(IntList size, std::optional<DType> dtype, std::optional<Device> device) {
  return filled(size, 1, dtype_or_default(dtype), device.value_or(Device{}), "ones");
}
Tensor full_forward(IntList size, Scalar fill_value, std::optional<DType> dtype,
                    std::optional<Device> device) {
  return filled(size, fill_value, dtype.value_or(fill_value.dtype()), device.value_or(Device{}),
                "full");
}
Tensor made_like(const Tensor& x, std::optional<DType> dtype, std::optional<Device> device,
                 FormatName format) {
  return empty_in_format("empty_like", x,
                         memory_format("empty_like", format, MemoryFormat::Preserve),
                         dtype.value_or(x.dtype()), device.value_or(x.device()));
}
Tensor empty_like_forward(const Tensor& x, std::optional<DType> dtype, std::optional<Device> device,
                          FormatName format) {
  return ops::uninitialized(made_like(x, dtype, device, format));
}
Tensor like(const Tensor& x, const Scalar& value, std::optional<DType> dtype,
            std::optional<Device> device, FormatName format) {
  check_number_fits("full_like", value, dtype.value_or(x.dtype()));
  Tensor t = made_like(x, dtype, device, format);
  if (t.numel() > 0) copy_kernel(t, t, scalar_tensor(value, t.dtype()));
  return t;
}
Tensor zeros_like_forward(const Tensor& x, std::optional<DType> dtype, std::optional<Device> device,
                          FormatName format) {
  return like(x, 0, dtype, device, format);
}
Tensor ones_like_forward(const Tensor& x, std::optional<DType> dtype, std::optional<Device> device,
                         FormatName format) {
  return like(x, 1, dtype, device, format);
}
Tensor full_like_forward(const Tensor& x, Scalar fill_value, std::optional<DType> dtype,
                         std::optional<Device> device, FormatName format) {
  return like(x, fill_value, dtype, device, format);
}

const Op empty_op(
    "empty(int[] size, *, DType? dtype=None, Device? device=None, str? memory_format=None) -> "
    "Tensor",
    empty_forward,
    {.in = "rt", .out = true, .doc = R"(A tensor of the given shape with uninitialised values.

Follows `torch.empty`.

>>> rt.empty(2, 3).shape
rustorch.Size([2, 3])
)"});
const Op zeros_op("zeros(int[] size, *, DType? dtype=None, Device? device=None) -> Tensor",
                  zeros_forward,
                  {.in = "rt", .out = true, .doc = R"(A tensor of zeros of the given shape.

Follows `torch.zeros`; the default dtype is `rt.get_default_dtype()`.

>>> rt.zeros(2)
tensor([0., 0.])
)"});
const Op ones_op("ones(int[] size, *, DType? dtype=None, Device? device=None) -> Tensor",
                 ones_forward,
                 {.in = "rt", .out = true, .doc = R"(A tensor of ones of the given shape.

Follows `torch.ones`.

>>> rt.ones(2)
tensor([1., 1.])
)"});
const Op full_op(
    "full(int[] size, Scalar fill_value, *, DType? dtype=None, Device? device=None) -> Tensor",
    full_forward,
    {.in = "rt", .out = true, .doc = R"(A tensor of the given shape filled with a number.

The dtype follows the number (bool, int64, or the default float). Follows `torch.full`.

>>> rt.full((2,), 7)
tensor([7, 7])
)"});
const Op empty_like_op(
    "empty_like(Tensor input, *, DType? dtype=None, Device? device=None, str? memory_format=None) "
    "-> Tensor",
    empty_like_forward,
    {.in = "rt",
     .doc = R"(An uninitialised tensor with the shape, dtype, device and stride order of another.

Follows `torch.empty_like`.

>>> rt.empty_like(rt.ones(2, 3)).shape
rustorch.Size([2, 3])
)"});
const Op zeros_like_op(
    "zeros_like(Tensor input, *, DType? dtype=None, Device? device=None, str? memory_format=None) "
    "-> Tensor",
    zeros_like_forward,
    {.in = "rt", .doc = R"(Zeros with the shape, dtype, device and stride order of another tensor.

Follows `torch.zeros_like`.

>>> rt.zeros_like(rt.ones(2))
tensor([0., 0.])
)"});
const Op ones_like_op(
    "ones_like(Tensor input, *, DType? dtype=None, Device? device=None, str? memory_format=None) "
    "-> Tensor",
    ones_like_forward,
    {.in = "rt", .doc = R"(Ones with the shape, dtype, device and stride order of another tensor.

Follows `torch.ones_like`.

>>> rt.ones_like(rt.zeros(2))
tensor([1., 1.])
)"});
const Op full_like_op(
    "full_like(Tensor input, Scalar fill_value, *, DType? dtype=None, Device? device=None, str? "
    "memory_format=None) -> Tensor",
    full_like_forward,
    {.in = "rt",
     .doc = R"(A number repeated in the shape, dtype, device and stride order of another tensor.

Follows `torch.full_like`.

>>> rt.full_like(rt.zeros(2), 3)
tensor([3., 3.])
)"});

// ---- new_*: the dtype and device of another tensor, any shape ----

Tensor new_empty_forward(const Tensor& x, IntList size, MaybeDType dtype, MaybeDevice device) {
  return ops::uninitialized(
      empty(size, dtype.value_or(x.dtype()), device.value_or(x.device()), "new_empty"));
}
Tensor new_zeros_forward(const Tensor& x, IntList size, MaybeDType dtype, MaybeDevice device) {
  return filled(size, 0, dtype.value_or(x.dtype()), device.value_or(x.device()), "new_zeros");
}
Tensor new_ones_forward(const Tensor& x, IntList size, MaybeDType dtype, MaybeDevice device) {
  return filled(size, 1, dtype.value_or(x.dtype()), device.value_or(x.device()), "new_ones");
}
Tensor new_full_forward(const Tensor& x, IntList size, Scalar fill_value, MaybeDType dtype,
                        MaybeDevice device) {
  return filled(size, fill_value, dtype.value_or(x.dtype()), device.value_or(x.device()),
                "new_full");
}
#define RT_NEW_OP(fn, arguments, text)                                           \
  const Op fn##_op(#fn "(Tensor input, " arguments                               \
                       ", *, DType? dtype=None, Device? device=None) -> Tensor", \
                   fn##_forward, {.in = "Tensor", .doc = text})
RT_NEW_OP(new_empty, "int[] size", R"(An uninitialised tensor with this tensor's dtype and device.

Follows `torch.Tensor.new_empty`.

>>> rt.ones(1).new_empty(2, 3).shape
rustorch.Size([2, 3])
)");
RT_NEW_OP(new_zeros, "int[] size", R"(Zeros with this tensor's dtype and device.

Follows `torch.Tensor.new_zeros`.

>>> rt.tensor([1]).new_zeros(2)
tensor([0, 0])
)");
RT_NEW_OP(new_ones, "int[] size", R"(Ones with this tensor's dtype and device.

Follows `torch.Tensor.new_ones`.

>>> rt.tensor([1]).new_ones(2)
tensor([1, 1])
)");
RT_NEW_OP(new_full, "int[] size, Scalar fill_value",
          R"(A number repeated, with this tensor's dtype and device.

Follows `torch.Tensor.new_full`.

>>> rt.tensor([1]).new_full((2,), 7)
tensor([7, 7])
)");

Tensor empty_strided_forward(IntList size, IntList stride, MaybeDType dtype, MaybeDevice device) {
  RT_CHECK(size.size() == stride.size(), Runtime, "empty_strided",
           cat_str("dimensionality of sizes (", size.size(),
                   ") must match dimensionality of strides (", stride.size(), ")"));
  return ops::uninitialized(
      empty_strided(size, stride, dtype_or_default(dtype), device.value_or(Device{})));
}
const Op empty_strided_op(
    "empty_strided(int[] size, int[] stride, *, DType? dtype=None, Device? device=None) -> Tensor",
    empty_strided_forward, {.in = "rt", .doc = R"(An uninitialised tensor with the given strides.

Follows `torch.empty_strided`.

>>> rt.empty_strided((2, 3), (1, 2)).stride()
(1, 2)
)"});
Tensor new_empty_strided_forward(const Tensor& x, IntList size, IntList stride, MaybeDType dtype,
                                 MaybeDevice device) {
  return empty_strided_forward(size, stride, dtype.value_or(x.dtype()),
                               device.value_or(x.device()));
}
RT_NEW_OP(new_empty_strided, "int[] size, int[] stride",
          R"(An uninitialised tensor with the given strides and this tensor's dtype and device.

Follows `torch.Tensor.new_empty_strided`.

>>> rt.ones(1).new_empty_strided((2, 3), (1, 2)).stride()
(1, 2)
)");

Tensor scalar_tensor_forward(Scalar s, MaybeDType dtype, MaybeDevice device) {
  check_number_fits("scalar_tensor", s, dtype_or_default(dtype));
  return scalar_tensor(s, dtype_or_default(dtype), device.value_or(Device{}));
}
const Op scalar_tensor_op(
    "scalar_tensor(Scalar s, *, DType? dtype=None, Device? device=None) -> Tensor",
    scalar_tensor_forward,
    {.in = "rt",
     .doc = R"(A zero-dim tensor of a number, of the default float dtype unless one is given.

Follows `torch.scalar_tensor`.

>>> rt.scalar_tensor(2)
tensor(2.)
)"});

}  // namespace

namespace ops {

bool fills_uninitialized() { return g_fills_uninitialized.load(std::memory_order_relaxed); }
void set_fills_uninitialized(bool on) {
  g_fills_uninitialized.store(on, std::memory_order_relaxed);
}
Tensor uninitialized(Tensor made) {
  if (fills_uninitialized() && made.numel() > 0) {
    copy_kernel(made, made, scalar_tensor(poison(made.dtype()), made.dtype()));
  }
  return made;
}

Tensor zeros(IntList size, std::optional<DType> dtype, std::optional<Device> device) {
  return zeros_op(size, dtype, device);
}
Tensor ones(IntList size, std::optional<DType> dtype, std::optional<Device> device) {
  return ones_op(size, dtype, device);
}
Tensor full(IntList size, Scalar value, std::optional<DType> dtype, std::optional<Device> device) {
  return full_op(size, value, dtype, device);
}
Tensor zeros_like(const Tensor& x, std::optional<DType> dtype) {
  return zeros_like_op(x, dtype, {}, {});
}
Tensor ones_like(const Tensor& x, std::optional<DType> dtype) {
  return ones_like_op(x, dtype, {}, {});
}
Tensor full_like(const Tensor& x, Scalar value, std::optional<DType> dtype) {
  return full_like_op(x, value, dtype, {}, {});
}

}  // namespace ops
}  // namespace rt
