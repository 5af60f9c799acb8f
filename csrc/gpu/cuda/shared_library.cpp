#include "gpu/cuda/shared_library.h"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>

#include "core/error.h"
#include "gpu/module_path.h"

namespace rt::gpu::cuda {

std::vector<std::string> library_candidates(const char* variable, const std::string& name,
                                            const std::vector<int>& majors) {
  namespace fs = std::filesystem;
  std::vector<std::string> found;
  if (const char* path = std::getenv(variable)) found.push_back(path);
  std::error_code ignored;
  const fs::path site = fs::path(module_folder()).parent_path() / "nvidia";
  for (int major : majors) {
    const std::string file = name + std::to_string(major);
    for (const auto& package : fs::directory_iterator(site, ignored)) {
      const fs::path path = package.path() / "lib" / file;
      if (fs::exists(path, ignored)) found.push_back(path);
    }
    found.push_back(file);
    found.push_back("/usr/local/cuda/lib64/" + file);
  }
  return found;
}

bool SharedLibrary::open(const std::string& path) {
  handle_ = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle_) {
    const char* error = dlerror();
    why_not_ = error ? error : path;
    return false;
  }
  path_ = path;
  return true;
}

void* SharedLibrary::find(const char* symbol) {
  void* address = dlsym(handle_, symbol);
  if (!address) {
    why_not_ = cat_str(path_, " lacks ", symbol);
    return nullptr;
  }
  Dl_info info;
  if (dladdr(address, &info) && info.dli_fname) path_ = info.dli_fname;
  return address;
}

}  // namespace rt::gpu::cuda
