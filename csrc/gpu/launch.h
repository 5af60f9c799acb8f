// Names, grids and arguments of launches, the same for every compute device.
#pragma once

#include <initializer_list>

#include "gpu/engine.h"
#include "ops/kernel.h"

namespace rt::gpu {

inline constexpr uint32_t kThreads = 256;  // of a threadgroup, where nothing speaks for another
// Elements that one launch covers at most: positions are 32-bit in every kernel, offsets 64-bit.
inline constexpr int64_t kMaxElements = int64_t{1} << 31;

// The type's name in shaders and in the names of kernels: "float", "half", "long"; null for types
// that shaders do not have.
const char* shader_type(DType t);

// The kernel called base_type, or the error that the device has none.
const Kernel& kernel_for(ComputeDevice& device, std::string_view name, const char* op,
                         TensorList tensors, Constants constants = {});
// Kernels that every build has.
const Kernel& kernel(ComputeDevice& device, std::string_view name, Constants constants = {});

// t's elements, from the first on.
inline void bind(Arguments& a, const Tensor& t) {
  a.memory(*t.storage(), static_cast<uint64_t>(t.offset()) * t.item_size());
}
// Binds tensors and values (anything else) in order.
template <class... A>
Arguments arguments(const A&... all) {
  Arguments a;
  const auto one = [&a](const auto& x) {
    if constexpr (std::is_same_v<std::decay_t<decltype(x)>, Tensor>) {
      bind(a, x);
    } else {
      a.value(x);
    }
  };
  (one(all), ...);
  return a;
}

inline uint32_t groups_for(int64_t threads, uint32_t each = kThreads) {
  return static_cast<uint32_t>((threads + each - 1) / each);
}
// One thread an item, in groups of kThreads.
inline void launch_items(ComputeDevice& device, const Kernel& kernel, int64_t items,
                         const Arguments& arguments) {
  device.launch(kernel, {groups_for(items)}, {kThreads}, arguments);
}

// Fills the slot for every device type that runs our shaders.
template <class... A>
struct RegisterGpuKernel {
  RegisterGpuKernel(KernelSlot<void(A...)>& slot, void (*f)(A...)) {
    for (DeviceType t : kDeviceTypes) slot.set(t, f);
  }
};

}  // namespace rt::gpu
