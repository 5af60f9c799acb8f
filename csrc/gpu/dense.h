// Launches over elements that lie in a row.
#pragma once

#include "gpu/launch.h"
#include "ops/elementwise.h"

namespace rt::gpu {

// Whether kernels may read and write t's elements, all in a row, 16 bytes at a time.
inline bool is_aligned(const Tensor& t) {
  return t.offset() * static_cast<int64_t>(t.item_size()) % 16 == 0;
}

// The name of a type in the names of kernels that move items of its size.
inline std::string size_name(const Tensor& t) { return std::to_string(t.item_size()); }

// Fills the contiguous `out` with base_type, `each` elements a thread; plan(begin, n) is the second
// argument of a launch over elements [begin, begin + n).
template <class Plan>
void launch_dense(const Tensor& out, const char* base, const char* op, int64_t each, Plan plan) {
  ComputeDevice& device = device_of(out);
  const char* type = shader_type(out.dtype());
  const uint64_t constants[] = {is_aligned(out) ? uint64_t{0} : uint64_t{1}};
  const Kernel& k = kernel_for(device, cat_str(base, type ? type : name(out.dtype())), op,
                               TensorList(&out, 1), constants);
  for (int64_t begin = 0; begin < out.numel(); begin += kMaxElements) {
    const int64_t n = std::min(kMaxElements, out.numel() - begin);
    Arguments a;
    a.memory(*out.storage(), static_cast<uint64_t>(out.offset() + begin) * out.item_size());
    a.value(plan(begin, n));
    launch_items(device, k, (n + each - 1) / each, a);
  }
}

}  // namespace rt::gpu
