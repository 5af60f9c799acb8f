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
using Stream = void*;  // null is the default one; 1 and 2 stand for it and for each thread's own
using EventHandle = void*;
using Address = uint64_t;

enum Attribute : int {
  kMaxThreadsPerBlock = 1,
  kSharedMemoryPerBlock = 8,
  kWarpSize = 10,
  kMultiprocessors = 16,
  kIntegrated = 18,
  kPciBus = 33,
  kPciDevice = 34,
  kL2Cache = 38,
  kThreadsPerMultiprocessor = 39,
  kPciDomain = 50,
  kComputeMajor = 75,
  kComputeMinor = 76,
  kSharedMemoryPerMultiprocessor = 81,
  kRegistersPerMultiprocessor = 82,
  kMultiGpuBoard = 84,
  kSharedMemoryPerBlockOptin = 97,
};
enum PointerAttribute : int { kPointerMemoryType = 2, kPointerDevice = 9 };
enum MemoryType : unsigned { kHostMemory = 1, kDeviceMemory = 2 };
enum Code : Result { kSuccess = 0, kNotReady = 600, kPeerAlreadyEnabled = 704 };
inline constexpr unsigned kNonBlockingStream = 1;  // does not wait for the default stream
inline constexpr unsigned kUntimedEvent = 2;
inline constexpr unsigned kPortableHostMemory = 1;  // pinned for every context

// As CUlaunchConfig and CUlaunchAttribute.
struct LaunchAttribute {
  int id;
  alignas(8) int value;
  char rest_of_value[60];
};
struct LaunchConfig {
  unsigned grid[3], block[3], shared_bytes;
  Stream stream;
  LaunchAttribute* attributes;
  unsigned attribute_count;
};
// The kernel may start before the one before it has ended, and waits for its end by itself.
inline constexpr int kProgrammaticStreamSerialization = 6;

struct Driver {
  Result (*init)(unsigned);
  Result (*driver_version)(int*);
  Result (*device_count)(int*);
  Result (*device_get)(DeviceHandle*, int);
  Result (*device_name)(char*, int, DeviceHandle);
  Result (*device_memory)(size_t*, DeviceHandle);
  Result (*device_attribute)(int*, int, DeviceHandle);
  Result (*retain_context)(Context*, DeviceHandle);
  Result (*get_context)(Context*);
  Result (*set_context)(Context);
  Result (*synchronize)();
  Result (*memory_info)(size_t* free, size_t* total);
  Result (*allocate)(Address*, size_t);
  Result (*free)(Address);
  Result (*to_device)(Address, const void*, size_t, Stream);
  Result (*to_host)(void*, Address, size_t, Stream);
  Result (*between)(Address, Address, size_t, Stream);
  Result (*between_devices)(Address, Context, Address, Context, size_t, Stream);
  Result (*can_access_peer)(int*, DeviceHandle, DeviceHandle);
  Result (*enable_peer)(Context, unsigned);
  Result (*allocate_host)(void**, size_t, unsigned);
  Result (*free_host)(void*);
  Result (*pointer_attribute)(void*, int, Address);
  Result (*stream_create)(Stream*, unsigned flags, int priority);
  Result (*stream_priorities)(int* least, int* greatest);
  Result (*stream_query)(Stream);
  Result (*stream_synchronize)(Stream);
  Result (*stream_wait)(Stream, EventHandle, unsigned);
  Result (*event_create)(EventHandle*, unsigned flags);
  Result (*event_destroy)(EventHandle);
  Result (*event_record)(EventHandle, Stream);
  Result (*event_query)(EventHandle);
  Result (*event_synchronize)(EventHandle);
  Result (*event_elapsed)(float*, EventHandle, EventHandle);
  Result (*load_module)(Module*, const void*);
  Result (*get_function)(Function*, Module, const char*);
  Result (*launch)(const LaunchConfig*, Function, void** parameters, void** extra);
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
