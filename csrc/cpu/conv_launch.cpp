// Convolution kernels of the CPU engine: tensors to the raw-memory layer of conv.h.
#include "cpu/conv.h"
#include "ops/conv.h"

namespace rt::cpu {

namespace {

// `large` is the convolution's input, `small` its output.
ConvShape shape_of(const Tensor& large, const Tensor& small, const Tensor& weight,
                   const ConvGeometry& g) {
  ConvShape s;
  s.spatial_dims = static_cast<int>(g.stride.size());
  s.batch = large.sizes()[0];
  s.in_channels = large.sizes()[1];
  s.out_channels = small.sizes()[1];
  s.groups = g.groups;
  for (int d = 0; d < s.spatial_dims; ++d) {
    s.in_size[d] = large.sizes()[d + 2];
    s.kernel[d] = weight.sizes()[d + 2];
    s.stride[d] = g.stride[d];
    s.padding[d] = g.padding[d];
    s.dilation[d] = g.dilation[d];
  }
  return s;
}

void forward(const Tensor& out, const Tensor& x, const Tensor& w, const Tensor& bias,
             const ConvGeometry& g) {
  conv_forward(x.dtype(), shape_of(x, out, w, g), x.data(), w.data(),
               bias.defined() ? bias.data() : nullptr, out.data());
}

void input_grad(const Tensor& out, const Tensor& grad, const Tensor& w, const Tensor& bias,
                const ConvGeometry& g) {
  conv_backward_data(grad.dtype(), shape_of(out, grad, w, g), grad.data(), w.data(),
                     bias.defined() ? bias.data() : nullptr, out.data());
}

void weight_grad(const Tensor& out, const Tensor& x, const Tensor& grad, const ConvGeometry& g) {
  conv_backward_weight(x.dtype(), shape_of(x, grad, out, g), x.data(), grad.data(), out.data(),
                       nullptr);
}

const RegisterKernel register_forward(conv_kernel, DeviceType::CPU, &forward);
const RegisterKernel register_input_grad(conv_input_grad_kernel, DeviceType::CPU, &input_grad);
const RegisterKernel register_weight_grad(conv_weight_grad_kernel, DeviceType::CPU, &weight_grad);

}  // namespace

}  // namespace rt::cpu
