// Kernels of the list rt_ops_arithmetic.h.
#include "rt_elementwise.h"
#include "rt_ops_arithmetic.h"
