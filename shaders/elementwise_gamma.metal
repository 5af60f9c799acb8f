// Incomplete gamma functions, zeta and polygamma in float32. They are not in a list with the CPU's
// loops, which compute them in float64 for float32 too.
#include "rt_formulas_gamma.h"
//
#include "rt_elementwise.h"

RT_FLOATS(2, polygamma, polygamma_(x, y))
RT_FLOATS(2, zeta, zeta_(x, y))
RT_FLOATS(2, igamma, incomplete_gamma_(x, y, true))
RT_FLOATS(2, igammac, incomplete_gamma_(x, y, false))
