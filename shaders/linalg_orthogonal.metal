// Householder reflectors, and eigenvalues and singular values by rotations of Jacobi: pairs of
// columns in the rounds of a tournament, so that each meets each once a sweep. A threadgroup has a
// matrix.
#include "rt_group.h"
//
#include "rt_plans_linalg.h"

// A column becomes a multiple of a unit vector by 1 - tau v v^T; v is 1 at the diagonal and stands
// below it. Columns first to last - 1 of a matrix.
kernel void qr_panel_float(device float* all [[buffer(0)]], device float* factors [[buffer(1)]],
                           constant MatrixPlan& p [[buffer(2)]],
                           uint group [[threadgroup_position_in_grid]],
                           uint thread_index [[thread_index_in_threadgroup]],
                           uint lane [[thread_index_in_simdgroup]],
                           uint simdgroup [[simdgroup_index_in_threadgroup]],
                           uint simdgroups [[simdgroups_per_threadgroup]]) {
  rt_shared float shared[32];
  const rt_place place = rt_place_of(group, thread_index, lane, simdgroup, simdgroups);
  const uint threads = simdgroups * 32, count = min(p.rows, p.cols);
  device float* a = all + group * p.step;
  device float* tau = factors + ulong(group) * count;
  for (uint k = p.first; k < min(p.last, count); k++) {
    device float* column = a + k * p.lead;
    float largest = 0.0f;
    for (uint i = k + 1 + thread_index; i < p.rows; i += threads) {
      largest = rt_highest_or_nan::of(largest, abs_(column[i]));
    }
    largest = rt_over_group<rt_highest_or_nan>(largest, shared, place);
    const float alpha = column[k];
    if (largest == 0.0f) {  // there is nothing to do
      if (thread_index == 0) tau[k] = 0.0f;
      continue;
    }
    const float scale = rt_highest_or_nan::of(abs_(alpha), largest);
    float squares = 0.0f;
    for (uint i = k + 1 + thread_index; i < p.rows; i += threads) {
      const float part = column[i] / scale;
      squares += part * part;
    }
    squares = rt_over_group<rt_add>(squares, shared, place);
    const float own = alpha / scale, norm = scale * sqrt_(squares + own * own);
    const float beta = alpha < 0.0f ? norm : -norm;
    const float factor = (beta - alpha) / beta;
    rt_device_barrier();
    for (uint i = k + 1 + thread_index; i < p.rows; i += threads) column[i] /= alpha - beta;
    if (thread_index == 0) {
      column[k] = beta;
      tau[k] = factor;
    }
    rt_device_barrier();
    for (uint j = k + 1 + simdgroup; j < p.last; j += simdgroups) {
      device float* target = a + j * p.lead;
      float dot = lane == 0 ? target[k] : 0.0f;
      for (uint i = k + 1 + lane; i < p.rows; i += 32) dot += column[i] * target[i];
      const float weight = factor * simd_sum(dot);
      if (lane == 0) target[k] -= weight;
      for (uint i = k + 1 + lane; i < p.rows; i += 32) target[i] -= weight * column[i];
    }
    rt_device_barrier();
  }
}
RT_EXPORT(qr_panel_float)

kernel void reflect_float(device float* all [[buffer(0)]],
                          device const float* vectors [[buffer(1)]],
                          device const float* factors [[buffer(2)]],
                          constant ReflectPlan& p [[buffer(3)]],
                          uint group [[threadgroup_position_in_grid]],
                          uint lane [[thread_index_in_simdgroup]],
                          uint simdgroup [[simdgroup_index_in_threadgroup]],
                          uint simdgroups [[simdgroups_per_threadgroup]]) {
  const uint index = group * simdgroups + simdgroup;
  if (index >= p.count) return;
  const uint matrix = index / p.columns, j = index - matrix * p.columns;
  device float* column = all + matrix * p.c_step + j * p.c_lead;
  device const float* tau = factors + ulong(matrix) * p.factors;
  // Each lane has rows of its own.
  if (p.make) {
    for (uint i = lane; i < p.rows; i += 32) column[i] = i == j ? 1.0f : 0.0f;
  }
  for (uint step = p.first; step < p.last; step++) {
    const uint k = p.make ? p.last - 1 - (step - p.first) : step;
    if (p.make && k > j) continue;  // zeros there
    device const float* v = vectors + matrix * p.v_step + k * p.v_lead;
    const uint first = k + ((lane - k) & 31);
    float dot = 0.0f;
    for (uint i = first; i < p.rows; i += 32) dot += (i == k ? 1.0f : v[i]) * column[i];
    const float weight = tau[k] * simd_sum(dot);
    for (uint i = first; i < p.rows; i += 32) column[i] -= weight * (i == k ? 1.0f : v[i]);
  }
}
RT_EXPORT(reflect_float)

// ---- Jacobi ----

constant uint rt_sweeps = 40;
constant uint rt_patience = 20;  // sweeps; then a little less will do

struct rt_pair {
  uint a, b;
};
// Pair `index` of round `round` among n, which is even; all others turn around the last one.
inline rt_pair rt_meeting(uint round, uint index, uint n) {
  const uint turn = n - 1;
  const uint a = index == 0 ? turn : (round + index) % turn;
  return {a, (round + turn - index) % turn};
}

struct rt_rotation {
  float c, s;
};
// That makes the middle of (p, q; q, r) zero.
inline rt_rotation rt_rotation_of(float p, float q, float r) {
  const float theta = (r - p) / (2.0f * q), size = abs_(theta);
  // The square of a large number would be infinite, and the 1 beside it is lost anyway.
  const float t = 1.0f / (size + (size > 1e8f ? size : sqrt_(1.0f + theta * theta)));
  const float tangent = theta < 0.0f ? -t : t;
  const float c = 1.0f / sqrt_(1.0f + t * t);
  return {c, c * tangent};
}
inline void rt_turn(device float* a, device float* b, rt_rotation r) {
  const float x = *a, y = *b;
  *a = r.c * x - r.s * y;
  *b = r.s * x + r.c * y;
}

inline void rt_set_identity(device float* v, uint n, uint thread_index, uint threads) {
  for (uint j = 0; j < n; j++) {
    for (uint i = thread_index; i < n; i += threads) v[ulong(j) * n + i] = i == j ? 1.0f : 0.0f;
  }
}
// The largest size in a matrix; not finite if an element is not.
inline float rt_highest_size(device const float* a, ulong n, rt_place place,
                             threadgroup float* shared) {
  float largest = 0.0f;
  for (ulong i = place.index; i < n; i += place.width) {
    largest = rt_highest_or_nan::of(largest, abs_(a[i]));
  }
  return rt_over_group<rt_highest_or_nan>(largest, shared, place);
}
// Whether any thread has one.
inline bool rt_any(bool one, rt_place place, threadgroup float* shared) {
  return rt_over_group<rt_highest_or_nan>(one ? 1.0f : 0.0f, shared, place) > 0.0f;
}
// Where each value comes in the order of all.
inline void rt_rank(device const float* values, device float* sorted, device int* order, uint n,
                    float scale, bool falling, rt_place place) {
  for (uint i = place.index; i < n; i += place.width) {
    const float own = values[i];
    uint rank = 0;
    for (uint j = 0; j < n; j++) {
      const float other = values[j];
      const bool before = falling ? other > own : other < own;
      if (before || (other == own && j < i)) rank++;
    }
    sorted[rank] = own * scale;
    order[rank] = int(i);
  }
}

// What follows reads the results, whatever they are worth.
inline void rt_give_up(device float* v, device float* values, device int* order,
                       constant JacobiPlan& p, rt_place place) {
  for (uint i = place.index; i < p.cols; i += place.width) {
    values[i] = NAN;
    order[i] = int(i);
  }
  if (p.vectors) rt_set_identity(v, p.cols, place.index, place.width);
}

// Columns of a turned until they are orthogonal (Hestenes, 1958): their norms are the singular
// values. a becomes U S, v the product of the rotations; `order` has the columns by falling values.
kernel void svd_jacobi_float(device float* all [[buffer(0)]], device float* all_v [[buffer(1)]],
                             device float* all_s [[buffer(2)]], device float* norms [[buffer(3)]],
                             device int* order [[buffer(4)]], device int* info [[buffer(5)]],
                             constant JacobiPlan& p [[buffer(6)]],
                             uint group [[threadgroup_position_in_grid]],
                             uint thread_index [[thread_index_in_threadgroup]],
                             uint lane [[thread_index_in_simdgroup]],
                             uint simdgroup [[simdgroup_index_in_threadgroup]],
                             uint simdgroups [[simdgroups_per_threadgroup]]) {
  rt_shared float shared[32];
  const rt_place place = rt_place_of(group, thread_index, lane, simdgroup, simdgroups);
  const ulong matrix = group, numel = ulong(p.rows) * p.cols;
  device float* a = all + matrix * p.step;
  device float* v = all_v + matrix * p.v_step;
  device float* norm = norms + matrix * p.cols;
  const float scale = rt_highest_size(a, numel, place, shared);
  if (!(scale < INFINITY)) {
    rt_give_up(v, all_s + matrix * p.cols, order + matrix * p.cols, p, place);
    if (thread_index == 0) info[group] = -1;
    return;
  }
  const float divisor = scale > 0.0f ? scale : 1.0f;
  rt_device_barrier();
  for (ulong i = place.index; i < numel; i += place.width) a[i] /= divisor;
  if (p.vectors) rt_set_identity(v, p.cols, place.index, place.width);
  rt_device_barrier();
  // The rounding of a dot product of columns.
  float limit = 1.2e-7f * sqrt_(float(p.rows));
  const uint even = p.cols + p.cols % 2;
  bool moved = p.cols > 1;
  uint sweep = 0;
  for (; moved && sweep < rt_sweeps; sweep++) {
    moved = false;
    if (sweep == rt_patience) limit *= 8.0f;
    for (uint round = 0; round + 1 < even; round++) {
      for (uint i = simdgroup; i < even / 2; i += simdgroups) {
        const rt_pair pair = rt_meeting(round, i, even);
        if (pair.a >= p.cols || pair.b >= p.cols) continue;
        device float* x = a + ulong(pair.a) * p.rows;
        device float* y = a + ulong(pair.b) * p.rows;
        float xx = 0.0f, xy = 0.0f, yy = 0.0f;
        for (uint r = lane; r < p.rows; r += 32) {
          xx += x[r] * x[r];
          xy += x[r] * y[r];
          yy += y[r] * y[r];
        }
        xx = simd_sum(xx);
        xy = simd_sum(xy);
        yy = simd_sum(yy);
        if (!(abs_(xy) > limit * sqrt_(xx) * sqrt_(yy))) continue;
        moved = true;
        const rt_rotation turn = rt_rotation_of(xx, xy, yy);
        for (uint r = lane; r < p.rows; r += 32) rt_turn(x + r, y + r, turn);
        if (p.vectors) {
          device float* w = v + ulong(pair.a) * p.cols;
          device float* z = v + ulong(pair.b) * p.cols;
          for (uint r = lane; r < p.cols; r += 32) rt_turn(w + r, z + r, turn);
        }
      }
      rt_device_barrier();
    }
    moved = rt_any(moved, place, shared);
  }
  for (uint j = simdgroup; j < p.cols; j += simdgroups) {
    float sum = 0.0f;
    for (uint r = lane; r < p.rows; r += 32) {
      const float x = a[ulong(j) * p.rows + r];
      sum += x * x;
    }
    sum = simd_sum(sum);
    if (lane == 0) norm[j] = sqrt_(sum);
  }
  rt_device_barrier();
  rt_rank(norm, all_s + matrix * p.cols, order + matrix * p.cols, p.cols, scale, true, place);
  if (thread_index == 0) info[group] = moved ? int(p.cols) : 0;
}
RT_EXPORT(svd_jacobi_float)

// Rows and columns of a symmetric matrix turned until it is diagonal (Jacobi, 1846). v becomes the
// product of the rotations; `order` has its columns by rising eigenvalues. `turns` has room for a
// rotation of each pair.
kernel void eigh_jacobi_float(device float* all [[buffer(0)]], device float* all_v [[buffer(1)]],
                              device float* all_w [[buffer(2)]],
                              device float* all_turns [[buffer(3)]],
                              device int* order [[buffer(4)]], device int* info [[buffer(5)]],
                              constant JacobiPlan& p [[buffer(6)]],
                              uint group [[threadgroup_position_in_grid]],
                              uint thread_index [[thread_index_in_threadgroup]],
                              uint lane [[thread_index_in_simdgroup]],
                              uint simdgroup [[simdgroup_index_in_threadgroup]],
                              uint simdgroups [[simdgroups_per_threadgroup]]) {
  rt_shared float shared[32];
  const rt_place place = rt_place_of(group, thread_index, lane, simdgroup, simdgroups);
  const uint n = p.cols, even = n + n % 2;
  const ulong matrix = group;
  device float* a = all + matrix * p.step;
  device float* v = all_v + matrix * p.v_step;
  device float* turns = all_turns + matrix * even;
  const float scale = rt_highest_size(a, ulong(n) * n, place, shared);
  if (!(scale < INFINITY)) {
    rt_give_up(v, all_w + matrix * n, order + matrix * n, p, place);
    if (thread_index == 0) info[group] = -1;
    return;
  }
  const float divisor = scale > 0.0f ? scale : 1.0f;
  rt_device_barrier();
  // The triangle that counts, on both sides.
  for (uint j = simdgroup; j < n; j += simdgroups) {
    for (uint i = j + lane; i < n; i += 32) {
      const ulong low = ulong(j) * n + i, high = ulong(i) * n + j;
      const float x = a[p.upper ? high : low] / divisor;
      a[low] = x;
      a[high] = x;
    }
  }
  if (p.vectors) rt_set_identity(v, n, place.index, place.width);
  rt_device_barrier();
  float limit = 1e-9f;  // of numbers up to 1
  bool moved = n > 1;
  for (uint sweep = 0; moved && sweep < rt_sweeps; sweep++) {
    moved = false;
    if (sweep == rt_patience) limit *= 100.0f;
    for (uint round = 0; round + 1 < even; round++) {
      for (uint i = place.index; i < even / 2; i += place.width) {
        const rt_pair pair = rt_meeting(round, i, even);
        rt_rotation turn = {1.0f, 0.0f};
        if (pair.a < n && pair.b < n) {
          const float between = a[ulong(pair.a) * n + pair.b];
          if (abs_(between) > limit) {
            moved = true;
            turn = rt_rotation_of(a[ulong(pair.a) * n + pair.a], between,
                                  a[ulong(pair.b) * n + pair.b]);
          }
        }
        turns[2 * i] = turn.c;
        turns[2 * i + 1] = turn.s;
      }
      rt_device_barrier();
      for (uint i = simdgroup; i < even / 2; i += simdgroups) {
        const rt_pair pair = rt_meeting(round, i, even);
        const rt_rotation turn = {turns[2 * i], turns[2 * i + 1]};
        if (turn.s == 0.0f) continue;
        device float* x = a + ulong(pair.a) * n;
        device float* y = a + ulong(pair.b) * n;
        for (uint r = lane; r < n; r += 32) rt_turn(x + r, y + r, turn);
        if (p.vectors) {
          device float* w = v + ulong(pair.a) * n;
          device float* z = v + ulong(pair.b) * n;
          for (uint r = lane; r < n; r += 32) rt_turn(w + r, z + r, turn);
        }
      }
      rt_device_barrier();
      for (uint i = simdgroup; i < even / 2; i += simdgroups) {
        const rt_pair pair = rt_meeting(round, i, even);
        const rt_rotation turn = {turns[2 * i], turns[2 * i + 1]};
        if (turn.s == 0.0f) continue;
        for (uint c = lane; c < n; c += 32) {
          device float* column = a + ulong(c) * n;
          rt_turn(column + pair.a, column + pair.b, turn);
          if (c == pair.a) column[pair.b] = 0.0f;
          if (c == pair.b) column[pair.a] = 0.0f;
        }
      }
      rt_device_barrier();
    }
    moved = rt_any(moved, place, shared);
  }
  for (uint i = place.index; i < n; i += place.width) turns[i] = a[ulong(i) * n + i];
  rt_device_barrier();
  rt_rank(turns, all_w + matrix * n, order + matrix * n, n, scale, false, place);
  if (thread_index == 0) info[group] = moved ? int(n) : 0;
}
RT_EXPORT(eigh_jacobi_float)

kernel void ordered_columns_float(device float* out [[buffer(0)]],
                                  device const float* from [[buffer(1)]],
                                  device const int* order [[buffer(2)]],
                                  constant OrderPlan& p [[buffer(3)]],
                                  uint i [[thread_position_in_grid]]) {
  if (i >= p.n) return;
  const uint column = i / p.rows, row = i - column * p.rows, matrix = column / p.cols;
  const ulong source = ulong(matrix) * p.cols + uint(order[column]);
  out[i] = from[source * p.rows + row];
}
RT_EXPORT(ordered_columns_float)
