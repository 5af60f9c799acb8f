#include "ops/creation.h"

#include <cmath>

#include "ops/elementwise.h"
#include "ops/ops.h"

namespace rt {

namespace {

Tensor filled(IntList size, const Scalar& value, DType dtype, Device device, const char* op) {
  Tensor t = empty(size, dtype, device, op);
  if (t.numel() > 0) copy_kernel(t, t, scalar_tensor(value, dtype, device));
  return t;
}

DType dtype_or_default(std::optional<DType> dtype) { return dtype.value_or(default_dtype()); }

Tensor empty_forward(IntList size, std::optional<DType> dtype, std::optional<Device> device) {
  return empty(size, dtype_or_default(dtype), device.value_or(Device{}));
}
Tensor zeros_forward(IntList size, std::optional<DType> dtype, std::optional<Device> device) {
  return filled(size, 0, dtype_or_default(dtype), device.value_or(Device{}), "zeros");
}
Tensor ones_forward(IntList size, std::optional<DType> dtype, std::optional<Device> device) {
  return filled(size, 1, dtype_or_default(dtype), device.value_or(Device{}), "ones");
}
Tensor full_forward(IntList size, Scalar fill_value, std::optional<DType> dtype,
                    std::optional<Device> device) {
  return filled(size, fill_value, dtype.value_or(fill_value.dtype()), device.value_or(Device{}), "full");
}
Tensor empty_like_forward(const Tensor& x, std::optional<DType> dtype, std::optional<Device> device) {
  if (device && !(*device == x.device())) return empty(x.sizes(), dtype.value_or(x.dtype()), *device);
  return empty_like(x, dtype);
}
Tensor like(const Tensor& x, const Scalar& value, std::optional<DType> dtype,
            std::optional<Device> device) {
  Tensor t = empty_like_forward(x, dtype, device);
  if (t.numel() > 0) copy_kernel(t, t, scalar_tensor(value, t.dtype(), t.device()));
  return t;
}
Tensor zeros_like_forward(const Tensor& x, std::optional<DType> dtype, std::optional<Device> device) {
  return like(x, 0, dtype, device);
}
Tensor ones_like_forward(const Tensor& x, std::optional<DType> dtype, std::optional<Device> device) {
  return like(x, 1, dtype, device);
}
Tensor full_like_forward(const Tensor& x, Scalar fill_value, std::optional<DType> dtype,
                         std::optional<Device> device) {
  return like(x, fill_value, dtype, device);
}

const Op empty_op("empty(int[] size, *, DType? dtype=None, Device? device=None) -> Tensor", empty_forward,
                  {.in = "rt", .out = true, .doc = R"(A tensor of the given shape with uninitialised values.

Follows `torch.empty`.

>>> rt.empty(2, 3).shape
rustorch.Size([2, 3])
)"});
const Op zeros_op("zeros(int[] size, *, DType? dtype=None, Device? device=None) -> Tensor", zeros_forward,
                  {.in = "rt", .out = true, .doc = R"(A tensor of zeros of the given shape.

Follows `torch.zeros`; the default dtype is `rt.get_default_dtype()`.

>>> rt.zeros(2)
tensor([0., 0.])
)"});
const Op ones_op("ones(int[] size, *, DType? dtype=None, Device? device=None) -> Tensor", ones_forward,
                 {.in = "rt", .out = true, .doc = R"(A tensor of ones of the given shape.

Follows `torch.ones`.

>>> rt.ones(2)
tensor([1., 1.])
)"});
const Op full_op(
    "full(int[] size, Scalar fill_value, *, DType? dtype=None, Device? device=None) -> Tensor", full_forward,
    {.in = "rt", .out = true, .doc = R"(A tensor of the given shape filled with a number.

The dtype follows the number (bool, int64, or the default float). Follows `torch.full`.

>>> rt.full((2,), 7)
tensor([7, 7])
)"});
const Op empty_like_op("empty_like(Tensor input, *, DType? dtype=None, Device? device=None) -> Tensor",
                       empty_like_forward, {.in = "rt", .doc = R"(An uninitialised tensor with the shape, dtype, device and stride order of another.

Follows `torch.empty_like`.

>>> rt.empty_like(rt.ones(2, 3)).shape
rustorch.Size([2, 3])
)"});
const Op zeros_like_op("zeros_like(Tensor input, *, DType? dtype=None, Device? device=None) -> Tensor",
                       zeros_like_forward, {.in = "rt", .doc = R"(Zeros with the shape, dtype, device and stride order of another tensor.

Follows `torch.zeros_like`.

>>> rt.zeros_like(rt.ones(2))
tensor([0., 0.])
)"});
const Op ones_like_op("ones_like(Tensor input, *, DType? dtype=None, Device? device=None) -> Tensor",
                      ones_like_forward, {.in = "rt", .doc = R"(Ones with the shape, dtype, device and stride order of another tensor.

Follows `torch.ones_like`.

>>> rt.ones_like(rt.zeros(2))
tensor([1., 1.])
)"});
const Op full_like_op(
    "full_like(Tensor input, Scalar fill_value, *, DType? dtype=None, Device? device=None) -> Tensor",
    full_like_forward, {.in = "rt", .doc = R"(A number repeated in the shape, dtype, device and stride order of another tensor.

Follows `torch.full_like`.

>>> rt.full_like(rt.zeros(2), 3)
tensor([3., 3.])
)"});

}  // namespace

namespace ops {

Tensor zeros(IntList size, std::optional<DType> dtype, std::optional<Device> device) {
  return zeros_op(size, dtype, device);
}
Tensor ones(IntList size, std::optional<DType> dtype, std::optional<Device> device) {
  return ones_op(size, dtype, device);
}
Tensor full(IntList size, Scalar value, std::optional<DType> dtype, std::optional<Device> device) {
  return full_op(size, value, dtype, device);
}
Tensor zeros_like(const Tensor& x, std::optional<DType> dtype) { return zeros_like_op(x, dtype, {}); }
Tensor ones_like(const Tensor& x, std::optional<DType> dtype) { return ones_like_op(x, dtype, {}); }
Tensor full_like(const Tensor& x, Scalar value, std::optional<DType> dtype) {
  return full_like_op(x, value, dtype, {});
}

}  // namespace ops
}  // namespace rt
