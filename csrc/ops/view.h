// Views: other windows on the same memory.
#pragma once

#include "core/tensor.h"

namespace rt::ops {

// A view of x where no graph or interceptor has to see how it was made; remembers its base only.
bool can_view_silently(const Tensor& x);
Tensor silent_view(const Tensor& x, IntList sizes, IntList strides, int64_t offset);
Tensor as_strided(const Tensor& x, IntList size, IntList stride,
                  std::optional<int64_t> storage_offset = {});
// The gradient of as_strided: g laid over the window, read back as the tensor it was taken from;
// `shift` is the window's offset from that tensor's.
Tensor as_strided_backward(const Tensor& g, IntList in_size, IntList in_stride, IntList size,
                           IntList stride, int64_t shift);
// flat[window] += values, where elements of the window may coincide. Not recorded.
void accumulate_window(const Tensor& flat, IntList size, IntList stride, int64_t offset,
                       const Tensor& values);
Tensor view(const Tensor& x, IntList size);
Tensor reshape(const Tensor& x, IntList shape);
Tensor expand(const Tensor& x, IntList size);
Tensor permute(const Tensor& x, IntList dims);
Tensor transpose(const Tensor& x, int64_t dim0, int64_t dim1);
Tensor select(const Tensor& x, int64_t dim, int64_t index);
// x[start:end:step] along dim, with Python's clamping of the ends.
Tensor slice(const Tensor& x, int64_t dim, std::optional<int64_t> start = {},
             std::optional<int64_t> end = {}, int64_t step = 1);
// Zeros of shape `sizes` with g in the selected place.
Tensor select_backward(const Tensor& g, IntList sizes, int64_t dim, int64_t index);
Tensor slice_backward(const Tensor& g, IntList sizes, int64_t dim, std::optional<int64_t> start,
                      std::optional<int64_t> end, int64_t step);
Tensor narrow(const Tensor& x, int64_t dim, int64_t start, int64_t length);
Tensor unsqueeze(const Tensor& x, int64_t dim);
Tensor squeeze(const Tensor& x, IntList dims);  // size-1 dims among `dims`

}  // namespace rt::ops
