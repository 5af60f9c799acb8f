// Kernels of the list rt_ops_special.h.
#include "rt_elementwise.h"
#include "rt_ops_special.h"
