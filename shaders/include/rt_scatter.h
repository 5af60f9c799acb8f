// What a value does to the place it is scattered to.
#pragma once

#include "rt_kernel.h"

struct rt_assign {
  template <class T>
  static T of(T, T v) {
    return v;
  }
};
// Integers wrap around.
struct rt_scatter_add {
  template <class T>
  static T of(T to, T v) {
    return T(ulong(to) + ulong(v));
  }
  static float of(float to, float v) { return to + v; }
};
struct rt_mul {
  template <class T>
  static T of(T to, T v) {
    return T(ulong(to) * ulong(v));
  }
  static float of(float to, float v) { return to * v; }
};
// NaN wins on either side.
struct rt_max {
  template <class T>
  static T of(T to, T v) {
    return v > to || v != v ? v : to;
  }
};
struct rt_min {
  template <class T>
  static T of(T to, T v) {
    return v < to || v != v ? v : to;
  }
};
// Bools, of a byte each.
struct rt_or {
  static uchar of(uchar to, uchar v) { return to | v ? 1 : 0; }
};
struct rt_and {
  static uchar of(uchar to, uchar v) { return to && v ? 1 : 0; }
};
