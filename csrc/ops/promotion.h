// PyTorch's type promotion: tensors with dimensions outrank zero-dim tensors, which outrank Python
// numbers, within a category (bool < integer < float < complex).
#pragma once

#include "core/tensor.h"

namespace rt {

DType result_type(TensorList tensors);
DType result_type(const Tensor& a, const Tensor& b);
// Integers and bool become the default float type.
inline DType float_type(DType t) { return is_integral(t, true) ? default_dtype() : t; }

}  // namespace rt
