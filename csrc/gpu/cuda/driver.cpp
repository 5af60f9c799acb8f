#include "gpu/cuda/driver.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "core/error.h"
#include "gpu/module_path.h"

namespace rt::gpu::cuda {

namespace {

template <class F>
bool load(void* library, const char* name, F*& to, std::string* why_not) {
  to = reinterpret_cast<F*>(dlsym(library, name));
  if (!to) *why_not = cat_str("the library lacks ", name);
  return to != nullptr;
}

// Where pip puts NVIDIA's packages: nvidia/<package>/lib beside rustorch.
std::vector<std::string> nvrtc_candidates() {
  std::vector<std::string> found;
  if (const char* path = std::getenv("RUSTORCH_NVRTC")) found.push_back(path);
  namespace fs = std::filesystem;
  std::error_code ignored;
  const fs::path site = fs::path(module_folder()).parent_path() / "nvidia";
  for (const auto& package : fs::directory_iterator(site, ignored)) {
    for (const auto& file : fs::directory_iterator(package.path() / "lib", ignored)) {
      const std::string name = file.path().filename();
      if (name.starts_with("libnvrtc.so.")) found.push_back(file.path());
    }
  }
  for (const char* name :
       {"libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so", "/usr/local/cuda/lib64/libnvrtc.so"}) {
    found.push_back(name);
  }
  return found;
}

}  // namespace

const Driver* open_driver(std::string* why_not) {
  void* library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    *why_not = "there is no NVIDIA driver (libcuda.so.1)";
    return nullptr;
  }
  static Driver d;
  const bool complete =
      load(library, "cuInit", d.init, why_not) &&
      load(library, "cuDriverGetVersion", d.driver_version, why_not) &&
      load(library, "cuDeviceGetCount", d.device_count, why_not) &&
      load(library, "cuDeviceGet", d.device_get, why_not) &&
      load(library, "cuDeviceGetName", d.device_name, why_not) &&
      load(library, "cuDeviceTotalMem_v2", d.device_memory, why_not) &&
      load(library, "cuDeviceGetAttribute", d.device_attribute, why_not) &&
      load(library, "cuDevicePrimaryCtxRetain", d.retain_context, why_not) &&
      load(library, "cuCtxGetCurrent", d.get_context, why_not) &&
      load(library, "cuCtxSetCurrent", d.set_context, why_not) &&
      load(library, "cuCtxSynchronize", d.synchronize, why_not) &&
      load(library, "cuMemGetInfo_v2", d.memory_info, why_not) &&
      load(library, "cuMemAlloc_v2", d.allocate, why_not) &&
      load(library, "cuMemFree_v2", d.free, why_not) &&
      load(library, "cuMemcpyHtoDAsync_v2", d.to_device, why_not) &&
      load(library, "cuMemcpyDtoHAsync_v2", d.to_host, why_not) &&
      load(library, "cuMemcpyDtoDAsync_v2", d.between, why_not) &&
      load(library, "cuMemcpyPeerAsync", d.between_devices, why_not) &&
      load(library, "cuDeviceCanAccessPeer", d.can_access_peer, why_not) &&
      load(library, "cuCtxEnablePeerAccess", d.enable_peer, why_not) &&
      load(library, "cuMemHostAlloc", d.allocate_host, why_not) &&
      load(library, "cuMemFreeHost", d.free_host, why_not) &&
      load(library, "cuPointerGetAttribute", d.pointer_attribute, why_not) &&
      load(library, "cuStreamCreateWithPriority", d.stream_create, why_not) &&
      load(library, "cuCtxGetStreamPriorityRange", d.stream_priorities, why_not) &&
      load(library, "cuStreamQuery", d.stream_query, why_not) &&
      load(library, "cuStreamSynchronize", d.stream_synchronize, why_not) &&
      load(library, "cuStreamWaitEvent", d.stream_wait, why_not) &&
      load(library, "cuEventCreate", d.event_create, why_not) &&
      load(library, "cuEventDestroy_v2", d.event_destroy, why_not) &&
      load(library, "cuEventRecord", d.event_record, why_not) &&
      load(library, "cuEventQuery", d.event_query, why_not) &&
      load(library, "cuEventSynchronize", d.event_synchronize, why_not) &&
      load(library, "cuEventElapsedTime", d.event_elapsed, why_not) &&
      load(library, "cuModuleLoadData", d.load_module, why_not) &&
      load(library, "cuModuleGetFunction", d.get_function, why_not) &&
      load(library, "cuLaunchKernelEx", d.launch, why_not) &&
      load(library, "cuGetErrorName", d.error_name, why_not) &&
      load(library, "cuGetErrorString", d.error_text, why_not);
  if (!complete) return nullptr;
  if (const Result r = d.init(0)) {
    const char* text = nullptr;
    (void)d.error_text(r, &text);
    *why_not = cat_str("the NVIDIA driver does not start: ", text ? text : "unknown error");
    return nullptr;
  }
  return &d;
}

void check(const Driver& driver, Result result, const std::string& what) {
  if (result == 0) [[likely]]
    return;
  const char *name = nullptr, *text = nullptr;
  (void)driver.error_name(result, &name);
  (void)driver.error_text(result, &text);
  RT_FAIL(Runtime, "cuda", cat_str(what, ": ", name ? name : "error", ", ", text ? text : ""));
}

const Compiler* open_compiler(std::string* why_not) {
  static Compiler c;
  for (const std::string& name : nvrtc_candidates()) {
    void* library = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library) continue;
    if (load(library, "nvrtcVersion", c.version, why_not) &&
        load(library, "nvrtcCreateProgram", c.create, why_not) &&
        load(library, "nvrtcCompileProgram", c.compile, why_not) &&
        load(library, "nvrtcGetProgramLogSize", c.log_size, why_not) &&
        load(library, "nvrtcGetProgramLog", c.log, why_not) &&
        load(library, "nvrtcGetCUBINSize", c.binary_size, why_not) &&
        load(library, "nvrtcGetCUBIN", c.binary, why_not) &&
        load(library, "nvrtcDestroyProgram", c.destroy, why_not)) {
      return &c;
    }
  }
  *why_not = "NVRTC, the compiler of kernels, is missing: pip install 'rustorch[cuda]'";
  return nullptr;
}

}  // namespace rt::gpu::cuda
