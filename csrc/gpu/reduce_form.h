// How a reduction is shared among threads: chosen from numbers alone.
#pragma once

#include <cstdint>

namespace rt::gpu {

struct ReduceProblem {
  int64_t results = 1, count = 1;  // count: values of one result
  bool run = false;                // values of a result are neighbours in memory
  int64_t columns = 0;             // results that are neighbours in memory; 0 if none are
  uint32_t pack = 1;               // values that a thread moves at once along a range
  uint32_t cores = 1;
};

struct ReduceForm {
  bool by_columns = false;  // neighbouring threads belong to neighbouring results
  uint32_t along = 32;      // threads of a group of 256 that share a result
  uint32_t parts = 1;       // that a range is cut into
  uint32_t chunk = 1;       // values of a part
};

ReduceForm reduce_form(const ReduceProblem& p);

}  // namespace rt::gpu
