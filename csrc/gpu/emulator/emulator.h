// The emulator's library as its users see it: shaders compiled for the host, and what runs them.
//
// It is a library of its own, opened when the device is first used: threadgroup memory is thread-
// local storage there, which every thread of a process would pay for if it were part of the
// extension. There are two builds of the same sources. In the checked one the compiler reports
// every access of a shader to memory, and each launch is proved free of the faults that checker.h
// lists.
#pragma once

#include <cstddef>
#include <cstdint>

#include "gpu/emulator/runtime.h"

extern "C" {

struct RustorchEmulatorLaunch {
  const char* kernel;
  void* const* buffers;   // one a parameter; a constant reference points to its value
  const uint64_t* bytes;  // of each
  int count;
  rt::emulator::Uint3 groups, threads;
  const uint64_t* constants;  // function constants by index
  int constant_count;
  uint32_t shuffle;  // 0: lanes run in order; else a seed of another order
};

// All return 0, or 1 with a message in `error`.
struct RustorchEmulator {
  bool checked;
  int (*kernel_count)();
  const rt::emulator::Kernel* (*kernel_at)(int i);
  uint64_t (*launch_count)(int i);  // of kernel i, by this process
  int (*validate)(const RustorchEmulatorLaunch* launch, char* error, size_t error_bytes);
  // The threadgroups [begin, end) of the launch, counted along x first. In the plain build, ranges
  // of one launch may run on several threads.
  int (*run)(const RustorchEmulatorLaunch* launch, uint64_t begin, uint64_t end, char* error,
             size_t error_bytes);
  // Checked build: memory that launches may bind. `written`: it holds values already.
  void (*add_memory)(void* data, uint64_t bytes, bool written);
  void (*remove_memory)(void* data);
  void (*note_written)(void* data, uint64_t bytes);
};

// The library's one exported symbol.
const RustorchEmulator* rustorch_emulator();

}  // extern "C"

namespace rt::emulator {
const Kernel* find_kernel(const char* name);  // null if there is none
}
