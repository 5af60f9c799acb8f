// Parts of complex tensors.
#pragma once

#include "core/tensor.h"

namespace rt::ops {

// The conjugate; x itself if it is real.
Tensor conj(const Tensor& x);
// The real part as a view of complex x; x itself if it is real.
Tensor real(const Tensor& x);
Tensor imag(const Tensor& x);
Tensor view_as_real(const Tensor& x);
Tensor view_as_complex(const Tensor& x);

}  // namespace rt::ops
