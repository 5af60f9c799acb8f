// Images at other resolutions, and at the points of a grid. The gradient of the image is gathered:
// a thread for each place that points read, which adds up in the order of the points.
// Ordinary C++ on the host, so before Metal's words.
#include "rt_formulas_sample.h"
//
#include "rt_kernel.h"
#include "rt_plans_resample.h"

using namespace rt_formulas;

kernel void resample_float(device float* out [[buffer(0)]], device const float* x [[buffer(1)]],
                           device const int* table [[buffer(2)]],
                           constant ResamplePlan& p [[buffer(3)]],
                           uint i [[thread_position_in_grid]]) {
  if (i >= p.n) return;
  const uint place = i % p.out_plane, row = place / p.out[2];
  const uint at[3] = {row / p.out[1], row % p.out[1], place % p.out[2]};
  device const float* plane = x + ulong(i / p.out_plane) * p.in_plane;
  float sum = 0.0f;
  for (uint c = 0; c < p.taps[2]; c++) {
    const int w = table[p.index[2] + c * p.out[2] + at[2]];
    if (w < 0) continue;
    float blended = 0.0f;
    for (uint a = 0; a < p.taps[0]; a++) {
      const int d = table[p.index[0] + a * p.out[0] + at[0]];
      if (d < 0) continue;
      const float outer = as_type<float>(table[p.weight[0] + a * p.out[0] + at[0]]);
      for (uint b = 0; b < p.taps[1]; b++) {
        const int h = table[p.index[1] + b * p.out[1] + at[1]];
        if (h < 0) continue;
        const float weight = outer * as_type<float>(table[p.weight[1] + b * p.out[1] + at[1]]);
        blended += weight * plane[(uint(d) * p.in[1] + uint(h)) * p.in[2] + uint(w)];
      }
    }
    sum += as_type<float>(table[p.weight[2] + c * p.out[2] + at[2]]) * blended;
  }
  out[i] = sum;
}
RT_EXPORT(resample_float)

// ---- Points ----

struct rt_reads {
  AxisRead<float> axes[3];
};
struct rt_tap {
  int place;  // -1: outside
  float weight;
};

inline PointRule rt_rule(constant PointsPlan& p) {
  return {int(p.mode), int(p.padding), p.align_corners != 0};
}

// `more`: the dim whose weights are derived once more, if there is such.
inline rt_reads rt_read_point(device const float* point, constant PointsPlan& p, uint more) {
  rt_reads r = {};
  for (uint d = 0; d < p.dims; d++) {
    r.axes[d] = read_axis_(point[p.dims - 1 - d], int(p.sizes[d]), rt_rule(p),
                           int(p.order[d]) + (d == more ? 1 : 0));
  }
  return r;
}
inline rt_tap rt_tap_of(thread const rt_reads& r, constant PointsPlan& p, uint k) {
  rt_tap tap = {0, 1.0f};
  int step = 1;
  for (uint e = 0; e < p.dims; e++) {
    const uint d = p.dims - 1 - e, taps = uint(r.axes[d].taps), j = k % taps;
    k /= taps;
    const int place = r.axes[d].place[j];
    tap.place = tap.place < 0 || place < 0 ? -1 : tap.place + place * step;
    tap.weight *= r.axes[d].weight[j];
    step *= int(p.sizes[d]);
  }
  return tap;
}

// A thread has a point of a few channels.
kernel void sample_points_float(device float* out [[buffer(0)]],
                                device const float* x [[buffer(1)]],
                                device const float* grid [[buffer(2)]],
                                constant PointsPlan& p [[buffer(3)]],
                                uint i [[thread_position_in_grid]]) {
  if (i >= p.n) return;
  const uint point = i % p.points, first = i / p.points % p.chunks * p.chunk;
  const ulong n = i / p.points / p.chunks;
  const rt_reads r = rt_read_point(grid + (n * p.points + point) * p.dims, p, 3);
  for (uint c = first; c < min(first + p.chunk, p.channels); c++) {
    device const float* plane = x + (n * p.channels + c) * p.plane;
    float sum = 0.0f;
    for (uint k = 0; k < p.taps; k++) {
      const rt_tap tap = rt_tap_of(r, p, k);
      if (tap.place >= 0) sum += plane[tap.place] * tap.weight;
    }
    out[(n * p.channels + c) * p.points + point] = sum;
  }
}
RT_EXPORT(sample_points_float)

// The gradient of the grid: a point a thread.
kernel void sample_points_grad_float(device float* out [[buffer(0)]],
                                     device const float* grad [[buffer(1)]],
                                     device const float* x [[buffer(2)]],
                                     device const float* grid [[buffer(3)]],
                                     constant PointsPlan& p [[buffer(4)]],
                                     uint i [[thread_position_in_grid]]) {
  if (i >= p.n) return;
  const uint point = i % p.points;
  const ulong n = i / p.points, at = (n * p.points + point) * p.dims;
  for (uint d = 0; d < p.dims; d++) {
    const rt_reads r = rt_read_point(grid + at, p, d);
    float sum = 0.0f;
    for (uint c = 0; c < p.channels; c++) {
      device const float* plane = x + (n * p.channels + c) * p.plane;
      float slope = 0.0f;
      for (uint k = 0; k < p.taps; k++) {
        const rt_tap tap = rt_tap_of(r, p, k);
        if (tap.place >= 0) slope += plane[tap.place] * tap.weight;
      }
      sum += slope * grad[(n * p.channels + c) * p.points + point];
    }
    out[at + p.dims - 1 - d] = sum;
  }
}
RT_EXPORT(sample_points_grad_float)

// What each point reads, in the order of the points.
kernel void point_taps(device int* places [[buffer(0)]], device float* weights [[buffer(1)]],
                       device const float* grid [[buffer(2)]], constant PointsPlan& p [[buffer(3)]],
                       uint i [[thread_position_in_grid]]) {
  if (i >= p.n) return;
  const rt_reads r = rt_read_point(grid + ulong(i) * p.dims, p, 3);
  for (uint k = 0; k < p.taps; k++) {
    rt_tap tap = rt_tap_of(r, p, k);
    // A point that is nowhere has taken nothing from the image.
    if (tap.weight != tap.weight) tap.place = -1;
    places[ulong(i) * p.taps + k] = tap.place;
    weights[ulong(i) * p.taps + k] = tap.weight;
  }
}
RT_EXPORT(point_taps)

// x += what the points read of it. `order` has the taps of each image by the place that they read.
// A thread for each of those and channel: the first of a place adds up what there is for it.
kernel void scatter_points_float(device float* x [[buffer(0)]],
                                 device const float* grad [[buffer(1)]],
                                 device const int* places [[buffer(2)]],
                                 device const float* weights [[buffer(3)]],
                                 device const int* order [[buffer(4)]],
                                 constant PointsPlan& p [[buffer(5)]],
                                 uint i [[thread_position_in_grid]]) {
  if (i >= p.n) return;
  const uint all = p.points * p.taps, first = i % all, c = i / all % p.channels;
  const ulong n = i / all / p.channels, line = n * all;
  const int place = places[line + uint(order[line + first])];
  if (place < 0) return;
  if (first > 0 && places[line + uint(order[line + first - 1])] == place) return;
  device const float* g = grad + (n * p.channels + c) * p.points;
  float sum = 0.0f;
  for (uint j = first; j < all; j++) {
    const uint tap = uint(order[line + j]);
    if (places[line + tap] != place) break;
    sum += weights[line + tap] * g[tap / p.taps];
  }
  x[(n * p.channels + c) * p.plane + ulong(place)] += sum;
}
RT_EXPORT(scatter_points_float)
