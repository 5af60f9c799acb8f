// Kernels of the list rt_ops_integer.h.
#include "rt_elementwise.h"
#include "rt_ops_integer.h"
