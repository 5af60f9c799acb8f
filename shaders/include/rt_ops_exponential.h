// Exponentials, logarithms and roots.
// clang-format off
RT_FAST_FLOATS(1, exp, exp_(x), metal::exp2(x * 1.44269504f))
RT_FLOATS(1, exp2, exp2_(x))
RT_FLOATS(1, expm1, expm1_(x))
RT_FLOATS(1, log, log_(x))
RT_FLOATS(1, log2, log2_(x))
RT_FLOATS(1, log10, log10_(x))
RT_FLOATS(1, log1p, log1p_(x))
RT_FLOATS(1, sqrt, sqrt_(x))
RT_FLOATS(1, rsqrt, rsqrt_(x))
RT_FLOATS(1, reciprocal, reciprocal_(x))
