// How many CPUs this process may use.
#pragma once

namespace rt::cpu {

// The smallest of: CPUs in the affinity mask, the control group's CPU quota rounded up (version 1
// or 2, any ancestor), OMP_NUM_THREADS and RUSTORCH_NUM_THREADS where set; at least 1.
int default_num_threads();

}  // namespace rt::cpu
