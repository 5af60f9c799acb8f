// What an instruction set provides for reductions and other row work: plain structs of function
// pointers, included by per-ISA code, so nothing inline may be added here.
#pragma once

#include <stdint.h>

namespace rt::cpu {

// One reduction over values of one type. Many values go into one state; states of parts of a range
// can be merged in order.
struct ReduceLoops {
  int64_t state_size;  // bytes
  int result_type;     // of what finish() writes: an rt::DType
  int second_type;     // of its second result; -1 if there is none
  void (*init)(int64_t n, void* states);
  // n contiguous values into one state. `base`: the position of the first in the whole range.
  void (*row)(int64_t n, const void* in, int64_t base, void* state);
  // Rows of n contiguous values, `step` bytes apart, into n states.
  void (*columns)(int64_t rows, int64_t n, const void* in, int64_t step, int64_t base,
                  void* states);
  // states[i] += others[i], which hold later positions.
  void (*merge)(int64_t n, void* states, const void* others);
  void (*finish)(int64_t n, const void* states, double parameter, void* result, void* second);
};

struct FunctionTable {
  void (*add_reduce)(const char* slot, int dtype, const ReduceLoops& loops);
  // Any other kernel, by name and type; its signature is agreed with the caller of that name.
  void (*add_function)(const char* name, int dtype, void (*function)());
};

}  // namespace rt::cpu
