#include "gpu/module_path.h"

#include <dlfcn.h>

namespace rt::gpu {

std::string module_folder() {
  Dl_info info{};
  const auto* here = reinterpret_cast<const void*>(&module_folder);
  if (!dladdr(here, &info) || !info.dli_fname) return ".";
  const std::string path = info.dli_fname;
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

}  // namespace rt::gpu
