// Kernels of the list rt_ops_activation_backward.h.
#include "rt_elementwise.h"
#include "rt_ops_activation_backward.h"
