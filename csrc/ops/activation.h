// Activations of neural networks.
#pragma once

#include "core/tensor.h"

namespace rt::ops {

Tensor relu(const Tensor& x);
Tensor sigmoid(const Tensor& x);
Tensor silu(const Tensor& x);
Tensor gelu(const Tensor& x, std::string_view approximate = "none");
Tensor softplus(const Tensor& x, double beta = 1, double threshold = 20);
Tensor logsigmoid(const Tensor& x);
Tensor leaky_relu(const Tensor& x, double negative_slope = 0.01);

// g where x > threshold (or x is NaN), else 0.
Tensor threshold_backward(const Tensor& g, const Tensor& x, double threshold);
// g for x > 0, else g * slope.
Tensor leaky_relu_backward(const Tensor& g, const Tensor& x, const Tensor& slope);

}  // namespace rt::ops
