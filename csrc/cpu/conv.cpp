// Which implementation makes a convolution. GFLOP/s on Cascade Lake, one thread, forward /
// backward-data / backward-weight, oneDNN 3.2 with all data copied to and from its own layout
// against the same on plain data (n batch, c channels, h size, k kernel):
//
//   n1 c64>64 h56 k3       95 / 109 /  63     39 / 28 / 20
//   n8 c128>128 h28 k3    110 / 115 / 108     79 / 62 / 52
//   n1 c3>64 h224 k7 s2    94 /  17 /  83     29 / 29 / 23
//   n32 c16>32 h8 k3       56 / 116 /  56     19 / 31 / 18
//   n8 c256>64 h28 k1      48 /  49 /  38     67 / 75 / 42     (matrix products: 65 / 90 / 86)
//   n4 c96 h56 k3 depthwise 5 /  11 /  11      1 / 0.7 / 0.6   (own kernels: 13 / 14 / 11)
//
// So oneDNN gets its own layout, pointwise convolutions are matrix products, and depthwise ones
// have kernels of their own.
#include "cpu/conv.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "core/error.h"
#include "cpu/conv_backends.h"
#include "cpu/gemm_kernels.h"
#include "cpu/parallel.h"
#include "cpu/scratch.h"

namespace rt::cpu {

namespace detail {
namespace {

constexpr const char* kOp = "convolution";

struct Sizes {
  int64_t input, weight, bias, output;
};

// Checks a shape and moves its dimensions to the end, after ones, so that the last is always the
// one whose values are neighbours.
ConvShape checked(const ConvShape& shape) {
  RT_CHECK(shape.spatial_dims >= 1 && shape.spatial_dims <= 3, Value, kOp,
           "1 to 3 spatial dimensions are supported", cat_str(shape.spatial_dims));
  ConvShape s = shape;
  s.in_size = s.kernel = s.stride = s.dilation = {1, 1, 1};
  s.padding = {0, 0, 0};
  const size_t dims = static_cast<size_t>(s.spatial_dims);
  for (size_t d = 0; d < dims; ++d) {
    const size_t to = 3 - dims + d;
    s.in_size[to] = shape.in_size[d];
    s.kernel[to] = shape.kernel[d];
    s.stride[to] = shape.stride[d];
    s.padding[to] = shape.padding[d];
    s.dilation[to] = shape.dilation[d];
  }
  RT_CHECK(s.groups >= 1 && s.in_channels % s.groups == 0 && s.out_channels % s.groups == 0, Value,
           kOp, "the channels must be divisible by the groups",
           cat_str(s.in_channels, " and ", s.out_channels, " channels in ", s.groups, " groups"));
  RT_CHECK(s.batch >= 0 && s.in_channels >= 0 && s.out_channels >= 0, Value, kOp,
           "sizes must not be negative");
  for (size_t d = 0; d < 3; ++d) {
    RT_CHECK(
        s.kernel[d] >= 1 && s.stride[d] >= 1 && s.dilation[d] >= 1, Value, kOp,
        "kernel, stride and dilation must be positive",
        cat_str("kernel ", s.kernel[d], ", stride ", s.stride[d], ", dilation ", s.dilation[d]));
    RT_CHECK(s.padding[d] >= 0 && s.in_size[d] >= 0, Value, kOp,
             "padding and sizes must not be negative",
             cat_str("padding ", s.padding[d], ", size ", s.in_size[d]));
  }
  return s;
}

Sizes sizes_of(const ConvShape& s) {
  const int64_t kernel = s.kernel[0] * s.kernel[1] * s.kernel[2];
  return {s.batch * s.in_channels * s.in_size[0] * s.in_size[1] * s.in_size[2],
          s.out_channels * (s.in_channels / s.groups) * kernel, s.out_channels,
          s.batch * s.out_channels * s.out_size(0) * s.out_size(1) * s.out_size(2)};
}

#ifdef RT_USE_ONEDNN
bool is_pointwise(const ConvShape& s) {
  for (size_t d = 0; d < 3; ++d) {
    if (s.kernel[d] != 1 || s.stride[d] != 1 || s.padding[d] != 0) return false;
  }
  return true;
}

// Where oneDNN beats products over unrolled patches.
bool prefer_onednn(ConvPass pass, const ConvShape& s) {
  if (is_pointwise(s)) return false;
  const int64_t group_inputs = s.in_channels / s.groups;
  // Its backward passes for a few channels a group fall back to slow code.
  if (pass == ConvPass::BackwardData) return group_inputs >= 8 || s.groups > 1;
  if (pass == ConvPass::BackwardWeight) return s.groups == 1 || group_inputs >= 16;
  return true;
}
#endif

void run_full(DType dtype, ConvPass pass, const ConvShape& s, const ConvOperands& x) {
  // (One input channel in one group is an ordinary first layer.)
  if ((dtype == DType::Float32 || dtype == DType::Float64) && is_depthwise(s) && s.groups > 1) {
    return depthwise_conv(dtype, pass, s, x);
  }
#ifdef RT_USE_ONEDNN
  if (prefer_onednn(pass, s) && onednn_conv(dtype, pass, s, x)) return;
#endif
  im2col_conv(dtype, pass, s, x);
}

// A half-precision operand as floats, and back.
class Widened {
 public:
  Widened(DType dtype, void* data, int64_t count, bool read)
      : dtype_(dtype), data_(data), count_(count) {
    if (data == nullptr) return;
    floats_.emplace(count);
    if (!read) return;
    parallel_for(0, count, kGrain, [&](int64_t b, int64_t e) {
      if (dtype_ == DType::Float16) {
        gemm_kernels().widen_f16(e - b, static_cast<const Half*>(data_) + b, floats_->data() + b);
      } else {
        gemm_kernels().widen_bf16(e - b, static_cast<const BFloat16*>(data_) + b,
                                  floats_->data() + b);
      }
    });
  }

  float* get() const { return floats_ ? floats_->data() : nullptr; }

  void write_back() const {
    if (!floats_) return;
    parallel_for(0, count_, kGrain, [&](int64_t b, int64_t e) {
      if (dtype_ == DType::Float16) {
        gemm_kernels().narrow_f16(e - b, floats_->data() + b, static_cast<Half*>(data_) + b);
      } else {
        gemm_kernels().narrow_bf16(e - b, floats_->data() + b, static_cast<BFloat16*>(data_) + b);
      }
    });
  }

 private:
  static constexpr int64_t kGrain = 16384;
  DType dtype_;
  void* data_;
  int64_t count_;
  std::optional<Scratch<float>> floats_;
};

void run_half(DType dtype, ConvPass pass, const ConvShape& s, const ConvOperands& x) {
  const Sizes n = sizes_of(s);
  const bool forward = pass == ConvPass::Forward, data = pass == ConvPass::BackwardData,
             weight = pass == ConvPass::BackwardWeight;
  const int64_t bias_size = data ? s.in_channels : n.bias;
  const Widened input(dtype, x.input, n.input, !data), w(dtype, x.weight, n.weight, !weight),
      bias(dtype, x.bias, bias_size, !weight), output(dtype, x.output, n.output, !forward);
  run_full(DType::Float32, pass, s, {input.get(), w.get(), bias.get(), output.get()});
  if (forward) output.write_back();
  if (data) input.write_back();
  if (weight) {
    w.write_back();
    bias.write_back();
  }
}

void run(DType dtype, ConvPass pass, const ConvShape& shape, const ConvOperands& x) {
  RT_CHECK(dtype != DType::Bool, NotImplemented, kOp, "not implemented for bool");
  const ConvShape s = checked(shape);
  const Sizes n = sizes_of(s);
  if (n.input == 0 || n.output == 0 || n.weight == 0) {
    // Sums of nothing, plus the bias.
    const auto clear = [dtype](void* p, int64_t count) {
      if (p != nullptr && count > 0) {
        std::memset(p, 0, static_cast<size_t>(count) * item_size(dtype));
      }
    };
    const int64_t out_plane = s.out_size(0) * s.out_size(1) * s.out_size(2);
    switch (pass) {
      case ConvPass::Forward:
        clear(x.output, n.output);
        if (x.bias && n.output > 0) {
          add_channel_bias(dtype, s.batch, s.out_channels, out_plane, x.bias, x.output);
        }
        return;
      case ConvPass::BackwardData:
        clear(x.input, n.input);
        if (x.bias && n.input > 0) {
          add_channel_bias(dtype, s.batch, s.in_channels,
                           s.in_size[0] * s.in_size[1] * s.in_size[2], x.bias, x.input);
        }
        return;
      case ConvPass::BackwardWeight:
        clear(x.weight, n.weight);
        clear(x.bias, n.bias);
        if (x.bias && n.output > 0) {
          sum_channels(dtype, s.batch, s.out_channels, out_plane, x.output, x.bias);
        }
        return;
    }
  }
  if (is_reduced_floating(dtype)) {
    run_half(dtype, pass, s, x);
  } else {
    run_full(dtype, pass, s, x);
  }
}

}  // namespace
}  // namespace detail

void conv_forward(DType dtype, const ConvShape& shape, const void* input, const void* weight,
                  const void* bias, void* output) {
  detail::run(
      dtype, detail::ConvPass::Forward, shape,
      {const_cast<void*>(input), const_cast<void*>(weight), const_cast<void*>(bias), output});
}

void conv_backward_data(DType dtype, const ConvShape& shape, const void* grad_output,
                        const void* weight, const void* bias, void* grad_input) {
  detail::run(dtype, detail::ConvPass::BackwardData, shape,
              {grad_input, const_cast<void*>(weight), const_cast<void*>(bias),
               const_cast<void*>(grad_output)});
}

void conv_backward_weight(DType dtype, const ConvShape& shape, const void* input,
                          const void* grad_output, void* grad_weight, void* grad_bias) {
  detail::run(dtype, detail::ConvPass::BackwardWeight, shape,
              {const_cast<void*>(input), grad_weight, grad_bias, const_cast<void*>(grad_output)});
}

}  // namespace rt::cpu
