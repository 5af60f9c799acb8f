// Copies and conversions between every pair of types, from any layout to any other.
#include "rt_elementwise.h"
//
#include "rt_convert.h"

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
struct rt_moved {
  template <class T>
  static T of(T x, T, T, T, T) {
    return x;
  }
};
RT_EXPORT_AS(copy_1, rt_elementwise_1<rt_moved, uchar, uchar, uchar>)
RT_EXPORT_AS(copy_2, rt_elementwise_1<rt_moved, ushort, ushort, ushort>)
RT_EXPORT_AS(copy_4, rt_elementwise_1<rt_moved, uint, uint, uint>)
RT_EXPORT_AS(copy_8, rt_elementwise_1<rt_moved, ulong, ulong, ulong>)
