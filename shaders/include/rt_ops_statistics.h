// Modified Bessel functions, special functions of statistics, and the parts of floats.
// clang-format off
RT_FLOATS(1, i0, i0_(x))
RT_FLOATS(1, i0e, i0e_(x))
RT_FLOATS(1, i1, i1_(x))
RT_FLOATS(1, i1e, i1e_(x))
RT_FLOATS(1, erfcx, erfcx_any_(x))
RT_FLOATS(1, log_ndtr, log_ndtr_(x))
RT_FLOATS(1, ndtri, ndtri_(x))
RT_FLOATS(1, entr, entr_(x))
RT_FLOATS(2, xlog1py, xlog1py_(x, y))
RT_FLOATS(1, frexp_mantissa, frexp_mantissa_(x))
RT_FLOATS(1, frexp_exponent, frexp_exponent_(x))
