// Kernels of the list rt_ops_statistics.h. The formulas are ordinary C++ on the host, so they come
// before Metal's words.
#include "rt_formulas_statistics.h"
//
#include "rt_elementwise.h"
#include "rt_ops_statistics.h"
