// The makers' libraries of GPUs, for Python: reports, switches, what they log.
#pragma once

#include "bindings/python.h"

namespace rt::py {

extern PyMethodDef library_functions[];
// What the libraries log goes to rustorch._log from here on.
void start_library_log();

}  // namespace rt::py
