// Error and gamma functions.
// clang-format off
RT_FLOATS(1, erf, erf_(x))
RT_FLOATS(1, erfc, erfc_(x))
RT_FLOATS(1, erfinv, erfinv_(x))
RT_FLOATS(1, lgamma, lgamma_(x))
RT_FLOATS(1, digamma, digamma_(x))
RT_FLOATS(1, logit, logit_(x))
RT_FLOATS(3, logit_eps, logit_(clamp_(x, y, z)))
