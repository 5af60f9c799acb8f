#include "gpu/conv_library.h"

#include <algorithm>

#include "gpu/launch.h"

namespace rt::gpu {

namespace {

// Libraries ask for no more, and read by 16 bytes at most.
constexpr int64_t kMostAligned = 16;

int64_t aligned(const Tensor& t) {
  const auto first = reinterpret_cast<uint64_t>(t.storage()->data());
  const auto offset = static_cast<uint64_t>(t.offset()) * t.item_size();
  return std::min(kMostAligned, alignment_of(first + offset));
}

}  // namespace

std::optional<ConvKey> conv_key(const ConvPlan& p, ConvPass pass, DType type) {
  if (type != DType::Float32 && type != DType::Float16 && type != DType::BFloat16) return {};
  ConvKey key;
  key.type = static_cast<int64_t>(type);
  key.pass = pass;
  const bool flat = p.in[0] == 1 && p.out[0] == 1 && p.kernel_size[0] == 1 && p.padding[0] == 0;
  key.spatial = flat ? 2 : 3;
  key.x[0] = key.y[0] = p.batch;
  key.x[1] = int64_t{p.groups} * p.in_channels;
  key.y[1] = key.w[0] = int64_t{p.groups} * p.out_channels;
  key.w[1] = p.in_channels;
  for (int64_t d = 0; d < key.spatial; ++d) {
    const int64_t from = d + (flat ? 1 : 0);
    key.x[d + 2] = p.in[from], key.w[d + 2] = p.kernel_size[from], key.y[d + 2] = p.out[from];
    key.padding[d] = p.padding[from], key.stride[d] = p.stride[from];
    key.dilation[d] = p.dilation[from];
  }
  return key;
}

bool convolve_by_library(ComputeDevice& device, const ConvPlan& plan, ConvPass pass,
                         const Tensor& x, const Tensor& w, const Tensor& y) {
  DenseLibrary* library = device.dense_library();
  const LibrarySettings& settings = library_settings();
  if (!library || !settings.convolutions) return false;
  std::optional<ConvKey> key = conv_key(plan, pass, x.dtype());
  if (!key || x.numel() == 0 || w.numel() == 0 || y.numel() == 0) return false;
  key->tf32 = x.dtype() == DType::Float32 && settings.convolutions_tf32;
  key->deterministic = settings.deterministic;
  key->x_align = aligned(x), key->w_align = aligned(w), key->y_align = aligned(y);
  const std::shared_ptr<const LibraryPlan> found = library->find(*key);
  if (!found) return false;
  Arguments memory;
  for (const Tensor* t : {&x, &w, &y}) bind(memory, *t);
  Tensor scratch;
  if (const size_t bytes = found->workspace()) {
    scratch = empty({static_cast<int64_t>(bytes)}, DType::UInt8, x.device(), "convolution");
    bind(memory, scratch);
  }
  return library->run(*key, *found, memory);
}

}  // namespace rt::gpu
