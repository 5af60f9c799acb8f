// The few functions of NVIDIA's driver and of NVRTC that we use, opened at run time: building needs
// nothing of CUDA, and a machine without a GPU pays nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace rt::gpu::cuda {

// Handles and codes as the driver API (CUDA 12 and 13) defines them.
using Result = int;
using DeviceHandle = int;
using Context = void*;
using Module = void*;
using Function = void*;
using Stream = void*;
using Address = uint64_t;

enum Attribute : int {
  kMultiprocessors = 16,
  kComputeMajor = 75,
  kComputeMinor = 76,
};

struct Driver {
  Result (*init)(unsigned);
  Result (*driver_version)(int*);
  Result (*device_count)(int*);
  Result (*device_get)(DeviceHandle*, int);
  Result (*device_name)(char*, int, DeviceHandle);
  Result (*device_memory)(size_t*, DeviceHandle);
  Result (*device_attribute)(int*, int, DeviceHandle);
  Result (*retain_context)(Context*, DeviceHandle);
  Result (*set_context)(Context);
  Result (*allocate)(Address*, size_t);
  Result (*free)(Address);
  Result (*to_device)(Address, const void*, size_t, Stream);
  Result (*to_host)(void*, Address, size_t, Stream);
  Result (*between)(Address, Address, size_t, Stream);
  Result (*stream_create)(Stream*, unsigned);
  Result (*stream_synchronize)(Stream);
  Result (*load_module)(Module*, const void*);
  Result (*get_function)(Function*, Module, const char*);
  Result (*launch)(Function, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,
                   Stream, void**, void**);
  Result (*error_name)(Result, const char**);
  Result (*error_text)(Result, const char**);
};
// Null, with the reason, if there is no driver or it cannot start.
const Driver* open_driver(std::string* why_not);
// Throws Error(Runtime) that names what failed.
void check(const Driver& driver, Result result, const std::string& what);

using Program = void*;
struct Compiler {
  int (*version)(int*, int*);
  int (*create)(Program*, const char* source, const char* name, int, const char* const*,
                const char* const*);
  int (*compile)(Program, int, const char* const*);
  int (*log_size)(Program, size_t*);
  int (*log)(Program, char*);
  int (*binary_size)(Program, size_t*);
  int (*binary)(Program, char*);
  int (*destroy)(Program*);
};
// Searches `RUSTORCH_NVRTC`, the nvidia-cuda-nvrtc package beside this one, and the system.
const Compiler* open_compiler(std::string* why_not);

}  // namespace rt::gpu::cuda
