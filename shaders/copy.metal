// Copies and conversions between every pair of types, from any layout to any other.
#include "rt_elementwise.h"
//
#include "rt_convert.h"

// A type by its name in the names of kernels: what it is stored in, and what it is computed as.
#define RT_CAST_TYPE(name, S, C) \
  struct rt_as_##name {          \
    typedef S stored;            \
    typedef C computed;          \
  };
RT_CAST_TYPE(bool, uchar, bool)
RT_CAST_TYPE(uchar, uchar, uchar)
RT_CAST_TYPE(char, char, char)
RT_CAST_TYPE(short, short, short)
RT_CAST_TYPE(int, int, int)
RT_CAST_TYPE(long, long, long)
RT_CAST_TYPE(half, half, float)
RT_CAST_TYPE(bfloat, bfloat, float)
RT_CAST_TYPE(float, float, float)

template <class From, class To>
struct rt_cast {
  typedef typename To::computed C;
  template <class S>
  static C of(S x, S, S, S, S) {
    return rt_store<C>::of(long(x));
  }
  static C of(float x, float, float, float, float) { return rt_store<C>::of(x); }
};
// Any byte but 0 is true.
template <class To>
struct rt_cast<rt_as_bool, To> {
  typedef typename To::computed C;
  static C of(uchar x, uchar, uchar, uchar, uchar) { return rt_store<C>::of(long(x != 0)); }
};

// Both ways. No type is converted to itself: that is a copy.
#define RT_CAST(a, b)                                                              \
  RT_EXPORT_AS(cast_##a##_##b, rt_elementwise_1<rt_cast<rt_as_##a, rt_as_##b>,     \
                                                rt_as_##b::stored,                 \
                                                rt_as_##a::stored,                 \
                                                rt_as_##a::stored>)                \
  RT_EXPORT_AS(cast_##b##_##a, rt_elementwise_1<rt_cast<rt_as_##b, rt_as_##a>,     \
                                                rt_as_##a::stored,                 \
                                                rt_as_##b::stored,                 \
                                                rt_as_##b::stored>)
RT_CAST(bool, uchar)
RT_CAST(bool, char) RT_CAST(uchar, char)
RT_CAST(bool, short) RT_CAST(uchar, short) RT_CAST(char, short)
RT_CAST(bool, int) RT_CAST(uchar, int) RT_CAST(char, int) RT_CAST(short, int)
RT_CAST(bool, long) RT_CAST(uchar, long) RT_CAST(char, long) RT_CAST(short, long)
RT_CAST(int, long)
RT_CAST(bool, half) RT_CAST(uchar, half) RT_CAST(char, half) RT_CAST(short, half)
RT_CAST(int, half) RT_CAST(long, half)
RT_CAST(bool, bfloat) RT_CAST(uchar, bfloat) RT_CAST(char, bfloat) RT_CAST(short, bfloat)
RT_CAST(int, bfloat) RT_CAST(long, bfloat) RT_CAST(half, bfloat)
RT_CAST(bool, float) RT_CAST(uchar, float) RT_CAST(char, float) RT_CAST(short, float)
RT_CAST(int, float) RT_CAST(long, float) RT_CAST(half, float) RT_CAST(bfloat, float)

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
