// Copies and conversions between every pair of types, from any layout to any other.
#include "rt_elementwise.h"

// A float out of an integer's range becomes the smallest 64-bit integer, then wraps, as on x86.
template <class R>
struct rt_store {
  static R of(long x) { return R(x); }
  static R of(float x) {
    const bool fits = x >= -9223372036854775808.0f && x < 9223372036854775808.0f;
    return R(fits ? long(x) : (-9223372036854775807L - 1));
  }
};
template <>
struct rt_store<float> {
  static float of(long x) { return float(x); }
  static float of(float x) { return x; }
};
template <>
struct rt_store<bool> {
  static bool of(long x) { return x != 0; }
  static bool of(float x) { return x != 0.0f; }
};

// R: the type that is stored in, computed as C; bool is kept in a byte.
template <class C>
struct rt_cast {
  template <class S>
  static C of(S x, S, S, S, S) {
    return rt_store<C>::of(long(x));
  }
  static C of(float x, float, float, float, float) { return rt_store<C>::of(x); }
};

// Any byte but 0 is true.
template <class C>
struct rt_cast_bool {
  static C of(uchar x, uchar, uchar, uchar, uchar) { return rt_store<C>::of(long(x != 0)); }
};

#define RT_CAST(host, S, R, C) RT_EXPORT_AS(host, rt_elementwise_1<rt_cast<C>, R, S, S>)
#define RT_CASTS_TO(to, R, C)              \
  RT_EXPORT_AS(cast_bool_##to, rt_elementwise_1<rt_cast_bool<C>, R, uchar, uchar>) \
  RT_CAST(cast_uchar_##to, uchar, R, C)    \
  RT_CAST(cast_char_##to, char, R, C)      \
  RT_CAST(cast_short_##to, short, R, C)    \
  RT_CAST(cast_int_##to, int, R, C)        \
  RT_CAST(cast_long_##to, long, R, C)      \
  RT_CAST(cast_half_##to, half, R, C)      \
  RT_CAST(cast_bfloat_##to, bfloat, R, C)  \
  RT_CAST(cast_float_##to, float, R, C)
RT_CASTS_TO(bool, uchar, bool)
RT_CASTS_TO(uchar, uchar, uchar)
RT_CASTS_TO(char, char, char)
RT_CASTS_TO(short, short, short)
RT_CASTS_TO(int, int, int)
RT_CASTS_TO(long, long, long)
RT_CASTS_TO(half, half, float)
RT_CASTS_TO(bfloat, bfloat, float)
RT_CASTS_TO(float, float, float)

// Items are moved as they are, whatever they mean.
struct rt_same {
  template <class T>
  static T of(T x, T, T, T, T) {
    return x;
  }
};
RT_EXPORT_AS(copy_1, rt_elementwise_1<rt_same, uchar, uchar, uchar>)
RT_EXPORT_AS(copy_2, rt_elementwise_1<rt_same, ushort, ushort, ushort>)
RT_EXPORT_AS(copy_4, rt_elementwise_1<rt_same, uint, uint, uint>)
RT_EXPORT_AS(copy_8, rt_elementwise_1<rt_same, ulong, ulong, ulong>)
