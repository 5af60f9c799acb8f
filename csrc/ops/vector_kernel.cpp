#include "ops/vector_kernel.h"

#include <unordered_map>

#include "core/error.h"

namespace rt {

namespace {
// Global: kernels are static objects of the program, entered while it loads.
std::unordered_map<std::string_view, VectorKernelBase*>& kernels() {
  static std::unordered_map<std::string_view, VectorKernelBase*> map;
  return map;
}
}  // namespace

VectorKernelBase::VectorKernelBase(const char* name) {
  RT_CHECK(kernels().emplace(name, this).second, Value, name, "a vector kernel is defined twice");
}

VectorKernelBase* VectorKernelBase::find(std::string_view name) {
  const auto it = kernels().find(name);
  return it == kernels().end() ? nullptr : it->second;
}

}  // namespace rt
