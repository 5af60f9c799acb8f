// The threadgroup arrays of the library's shaders: where each lies in a thread's block, and whose
// it is. Read from the library's own symbols, since a declaration in a kernel's body says neither.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace rt::emulator {

struct SharedArray {
  uint64_t offset, bytes;  // in the thread-local block of the library
  std::string kernel;      // the function it is declared in, without template arguments
  std::string instance;    // with them
  std::string name;
};

// Sorted by offset. Empty where the library's symbols cannot be read.
const std::vector<SharedArray>& shared_arrays();

// Bytes of threadgroup memory of the kernel function, in its largest instance.
uint64_t shared_bytes_of(const std::string& kernel);

// "gelu" of "gelu<float>" or "void gelu<float>(float const*)".
std::string base_name(const std::string& function);

}  // namespace rt::emulator
