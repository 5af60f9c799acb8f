// What a shader that was compiled for the host needs of the emulator. Included by the shim that
// gives Metal's words their meaning, so it stands on nothing else of the project.
#pragma once

#include <cstdint>

namespace rt::emulator {

// Where lanes wait for each other.
enum class Meeting : uint8_t { ThreadgroupBarrier, SimdgroupBarrier, SimdFunction, SimdMatrix };
enum Fence : int { kFenceNone = 0, kFenceDevice = 1, kFenceThreadgroup = 2 };
inline constexpr uint32_t kSimdWidth = 32;

struct Uint3 {
  uint32_t x = 1, y = 1, z = 1;
  uint64_t count() const { return uint64_t{x} * y * z; }
};

// What a thread may ask about itself and its launch, by Metal's names. By value, and out of line:
// the checker watches only the memory that shaders touch.
enum class Builtin : uint8_t {
  thread_position_in_grid,
  thread_position_in_threadgroup,
  thread_index_in_threadgroup,
  threadgroup_position_in_grid,
  threads_per_threadgroup,
  threadgroups_per_grid,
  threads_per_grid,
  thread_index_in_simdgroup,
  simdgroup_index_in_threadgroup,
  simdgroups_per_threadgroup,
  threads_per_simdgroup,
};
Uint3 builtin(Builtin which);
uint32_t lane_in_simdgroup();

// Waits for the other lanes of the threadgroup (or simdgroup) at the same place.
void meet(Meeting kind, int fence, const char* file, int line);
// Gives `size` bytes (16 at most) to the simdgroup and returns everyone's in all[lane]; the result
// has a bit for each lane that took part.
uint32_t exchange(Meeting kind, const void* mine, uint32_t size, void* all, const char* file,
                  int line);
// Ends the launch with an error that names the kernel and this thread.
[[noreturn]] void fail(const char* what, const char* file, int line);
// The value given to the launch for a function constant.
uint64_t function_constant(int index);

// One parameter in a buffer slot: a pointer (bytes == 0) or a constant reference.
struct Parameter {
  uint32_t bytes;
  bool writable;
};
struct Kernel {
  const char* name;
  const char* function;  // the shader's own name for it, with template arguments
  void (*run)(void* const* buffers);
  int parameters;
  const Parameter* parameter;
  bool checked;  // instrumented: every access to memory is reported to the checker
};
// Shaders register themselves while the library is loaded.
struct Registration {
  explicit Registration(const Kernel* kernel);
};

}  // namespace rt::emulator
