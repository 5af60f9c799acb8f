// Kernels of the list rt_ops_loss.h.
#include "rt_elementwise.h"
#include "rt_ops_loss.h"
