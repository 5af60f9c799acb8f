// Kernels of the list rt_ops_exponential.h.
#include "rt_elementwise.h"
#include "rt_ops_exponential.h"
