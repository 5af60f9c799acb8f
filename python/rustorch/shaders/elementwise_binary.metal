// Kernels of the list rt_ops_binary.h.
#include "rt_elementwise.h"
#include "rt_ops_binary.h"
