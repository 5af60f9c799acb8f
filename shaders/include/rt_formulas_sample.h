// Where the points of a grid read an image along one dim, and with which weights.
#ifndef RT_FORMULAS_SAMPLE_H
#define RT_FORMULAS_SAMPLE_H
#include "rt_formulas_arith.h"

namespace RT_FORMULAS_NAMESPACE {

// How points are read; the numbers are those of the arguments of the ops.
struct PointRule {
  enum Mode { Linear, Nearest, Cubic };
  enum Padding { Zeros, Border, Reflection };
  i32 mode, padding;
  bool align_corners;
};

// A coordinate in elements, and its derivative by the grid's number.
template <class T>
struct Place {
  T at, slope;
};

template <class T>
RT_INLINE Place<T> clipped_(Place<T> p, i32 size) {
  const T last = T(size - 1);
  if (!(p.at > T(0))) return {T(0), T(0)};
  return p.at >= last ? Place<T>{last, T(0)} : p;
}
// Mirrored at low / 2 and high / 2 until it lies between.
template <class T>
RT_INLINE Place<T> reflected_(Place<T> p, T low, T high) {
  if (low == high) return {T(0), T(0)};
  const T min = low / T(2), span = (high - low) / T(2);
  const T from = p.at - min;
  const T sign = from < T(0) ? T(-1) : T(1);
  const T at = abs_(from);
  const T extra = fmod_(at, span);
  const bool even = fmod_(floor_(at / span), T(2)) == T(0);
  return {even ? extra + min : span - extra + min, p.slope * (even ? sign : -sign)};
}
template <class T>
RT_INLINE Place<T> settled_(Place<T> p, i32 size, PointRule how) {
  if (how.padding == PointRule::Border) return clipped_(p, size);
  if (how.padding == PointRule::Zeros) return p;
  const T twice = T(2) * T(size);
  return clipped_(
      how.align_corners ? reflected_(p, T(0), twice - T(2)) : reflected_(p, T(-1), twice - T(1)),
      size);
}

// Keys' cubic convolution (1981) with a = -0.75, as in PyTorch: the weight at distance x, and its
// derivatives by the point that approaches from the left (the sample lies at x = place - point).
template <class T>
RT_INLINE T cubic_(T x, i32 order) {
  const T a = T(-0.75), d = abs_(x), s = x < T(0) ? T(1) : T(-1);  // d(distance) / d(point)
  if (d <= T(1)) {
    if (order == 0) return ((a + T(2)) * d - (a + T(3))) * d * d + T(1);
    if (order == 1) return s * (T(3) * (a + T(2)) * d - T(2) * (a + T(3))) * d;
    if (order == 2) return T(6) * (a + T(2)) * d - T(2) * (a + T(3));
    return order == 3 ? s * T(6) * (a + T(2)) : T(0);
  }
  if (d > T(2)) return T(0);
  if (order == 0) return ((a * d - T(5) * a) * d + T(8) * a) * d - T(4) * a;
  if (order == 1) return s * ((T(3) * a * d - T(10) * a) * d + T(8) * a);
  if (order == 2) return T(6) * a * d - T(10) * a;
  return order == 3 ? s * T(6) * a : T(0);
}

// What one coordinate reads along its dim.
template <class T>
struct AxisRead {
  i32 taps;
  i32 place[4];  // -1: outside
  T weight[4];
};

template <class T>
RT_INLINE i32 place_inside_(T place, i32 size) {
  // A large size is not exact as a float.
  return place >= T(0) && place < T(2147483520) && i32(place) < size ? i32(place) : -1;
}

// `order`: how often the weights are derived by the coordinate.
template <class T>
RT_INLINE AxisRead<T> read_axis_(T g, i32 size, PointRule how, i32 order) {
  Place<T> p = {T(0), T(0)};
  if (how.align_corners) {
    p = {(g + T(1)) / T(2) * T(size - 1), T(size - 1) / T(2)};
  } else {
    p = {((g + T(1)) * T(size) - T(1)) / T(2), T(size) / T(2)};
  }
  if (how.mode != PointRule::Cubic) p = settled_(p, size, how);
  AxisRead<T> r = {};
  if (p.at != p.at && how.mode != PointRule::Nearest) {
    // Nowhere: what is read there is not a number either, and no padding hides it.
    r.taps = how.mode == PointRule::Linear ? 2 : 4;
    for (i32 k = 0; k < r.taps; ++k) r.weight[k] = p.at;
    return r;
  }
  if (!(abs_(p.at) < T(1e9))) p.at = p.at > T(0) ? T(size) + T(100) : T(-100);  // outside
  T factor = T(1);
  for (i32 i = 0; i < order; ++i) factor *= p.slope;
  const T floor = floor_(p.at), t = p.at - floor;
  if (how.mode == PointRule::Nearest) {
    r.taps = 1;
    r.place[0] = place_inside_(rint_(p.at), size);
    r.weight[0] = (order == 0 ? T(1) : T(0)) * factor;
  } else if (how.mode == PointRule::Linear) {
    r.taps = 2;
    r.place[0] = place_inside_(floor, size);
    r.place[1] = place_inside_(floor + T(1), size);
    r.weight[0] = (order == 0 ? T(1) - t : (order == 1 ? T(-1) : T(0))) * factor;
    r.weight[1] = (order == 0 ? t : (order == 1 ? T(1) : T(0))) * factor;
  } else {
    r.taps = 4;
    for (i32 k = 0; k < 4; ++k) {
      const T place = floor + T(k - 1);
      r.place[k] = place_inside_(settled_(Place<T>{place, T(0)}, size, how).at, size);
      r.weight[k] = cubic_(place - p.at, order) * factor;
    }
  }
  return r;
}

}  // namespace RT_FORMULAS_NAMESPACE

#endif  // RT_FORMULAS_SAMPLE_H
