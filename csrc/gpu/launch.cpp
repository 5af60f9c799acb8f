#include "gpu/launch.h"

namespace rt::gpu {

const char* shader_type(DType t) {
  static constexpr const char* names[kNumDTypes] = {"bool",  "uchar", "char",  "short",
                                                    "int",   "long",  "half",  "bfloat",
                                                    "float", nullptr, nullptr, nullptr};
  return names[static_cast<int>(t)];
}

const Kernel& kernel_for(ComputeDevice& device, std::string_view name, const char* op,
                         TensorList tensors, Constants constants) {
  const Kernel* k = device.find_kernel(name, constants);
  if (!k) [[unlikely]] {
    std::string got;
    for (const Tensor& t : tensors) got += (got.empty() ? "" : ", ") + describe(t);
    RT_FAIL(MissingKernel, op,
            cat_str("device '", to_string(tensors[0].device()), "' has no kernel '",
                    std::string(name), "'"),
            got, "another dtype, or moving the inputs to the CPU with .cpu()");
  }
  return *k;
}

const Kernel& kernel(ComputeDevice& device, std::string_view name, Constants constants) {
  const Kernel* k = device.find_kernel(name, constants);
  RT_CHECK(k != nullptr, Runtime, name, "the shaders of this build lack this kernel");
  return *k;
}

}  // namespace rt::gpu
