// Quotients rounded down or towards zero, and their remainders. Integer divisors are not zero: the
// op has looked.
// clang-format off
RT_CHECKED_FLOATS(2, floor_divide, FloorDivideOp, floor_divide_(x, y))
RT_CHECKED_FLOATS(2, remainder, RemainderOp, remainder_(x, y))
RT_CHECKED_FLOATS(2, fmod, FmodOp, fmod_(x, y))
RT_FLOATS(2, trunc_divide, trunc_(x / y))
RT_INTEGERS(2, floor_divide, int_floor_divide_(x, y))
RT_INTEGERS(2, trunc_divide, int_trunc_divide_(x, y))
RT_INTEGERS(2, remainder, int_remainder_(x, y))
RT_INTEGERS(2, fmod, int_fmod_(x, y))
