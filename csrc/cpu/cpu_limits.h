// How many CPUs and how much memory this process may use.
#pragma once

#include <cstdint>

namespace rt::cpu {

// The smallest of: CPUs in the affinity mask, the control group's CPU quota rounded up (version 1
// or 2, any ancestor), OMP_NUM_THREADS and RUSTORCH_NUM_THREADS where set; at least 1.
int default_num_threads();

// The smallest memory limit, in bytes, of the control groups this process is in; 0 without one.
int64_t control_group_memory();

}  // namespace rt::cpu
