// The implementations behind conv.h. Shapes are checked, nothing is empty, and the spatial
// dimensions stand at the end of the arrays, after ones.
#pragma once

#include <cstdint>

#include "cpu/conv.h"

namespace rt::cpu::detail {

enum class ConvPass : uint8_t { Forward, BackwardData, BackwardWeight };

// The operands by their part in the forward convolution; which of them is written depends on the
// pass. The bias is added to the output (Forward), added to the input's gradient (BackwardData,
// for transposed convolutions) or written (BackwardWeight); null leaves it out.
struct ConvOperands {
  void* input;
  void* weight;
  void* bias;
  void* output;
};

#ifdef RT_USE_ONEDNN
// float32 only: half types are widened before. False, with nothing done, if oneDNN has no fast
// implementation for this problem.
bool onednn_conv(DType dtype, ConvPass pass, const ConvShape& s, const ConvOperands& x);
#endif

// Any dtype but the half types and bool, through matrix products over unrolled patches.
void im2col_conv(DType dtype, ConvPass pass, const ConvShape& s, const ConvOperands& x);

// Whether each output channel sees one input channel. float32 and float64 have kernels for it.
bool is_depthwise(const ConvShape& s);
void depthwise_conv(DType dtype, ConvPass pass, const ConvShape& s, const ConvOperands& x);

// Adds bias[c] to each of the `channels` planes of `plane` values, `batch` times over.
void add_channel_bias(DType dtype, int64_t batch, int64_t channels, int64_t plane, const void* bias,
                      void* data);
// out[c] = the sum over the batch and the plane.
void sum_channels(DType dtype, int64_t batch, int64_t channels, int64_t plane, const void* data,
                  void* out);

}  // namespace rt::cpu::detail
