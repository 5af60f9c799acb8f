// Formulas of three and four arguments: selection (x is the bool), interpolation, scaled products.
// clang-format off
RT_SELECT(where, x ? y : z)
RT_FLOATS(3, lerp, lerp_(x, y, z))
RT_FLOATS(4, addcmul, x + w * y * z)
RT_INTEGERS(4, addcmul, wrap_add_(x, wrap_mul_(wrap_mul_(w, y), z)))
RT_FLOATS(4, addcdiv, x + w * y / z)
