// Convolutions: as products of matrices whose right side is gathered from the image while it is
// loaded, and directly where a group has few channels or the numbers are integers.
#include "rt_kernel.h"
#include "rt_plans_conv.h"
#include "rt_tile.h"

// What is computed, from the other two of the input, the weight and the output.
enum { rt_pass_output, rt_pass_input, rt_pass_weight };

struct rt_spot {
  int z, y, x;
};
inline rt_spot rt_spot_of(uint index, constant uint* sizes) {
  const uint row = index / sizes[2];
  return {int(row / sizes[1]), int(row % sizes[1]), int(index % sizes[2])};
}

// ---- As products. k runs over channels and taps, or, for the weight, over the images' places.
// ----

// What a k adds to the places that an element of the left and of the right side is read at.
struct rt_conv_step {
  long left, right;
  int z, y, x, unused;
};
template <int Pass>
inline rt_conv_step rt_conv_step_at(uint k, constant ConvPlan& p) {
  if (Pass == rt_pass_weight) {
    const long image = k / p.out_plane;
    const uint place = k % p.out_plane;
    const rt_spot o = rt_spot_of(place, p.out);
    return {image * p.groups * p.out_channels * p.out_plane + place,
            image * p.groups * p.in_channels * p.in_plane,
            o.z * int(p.stride[0]),
            o.y * int(p.stride[1]),
            o.x * int(p.stride[2]),
            0};
  }
  const long channel = k / p.taps;
  const uint tap = k % p.taps;
  const rt_spot t = rt_spot_of(tap, p.kernel_size);
  const int sign = Pass == rt_pass_input ? -1 : 1;
  return {Pass == rt_pass_input ? channel * p.in_channels * p.taps + tap : long(k),
          channel * (Pass == rt_pass_input ? p.out_plane : p.in_plane),
          sign * t.z * int(p.dilation[0]),
          sign * t.y * int(p.dilation[1]),
          sign * t.x * int(p.dilation[2]),
          0};
}

template <class T, int M>
struct rt_conv_left {
  device const T* a;
  threadgroup const rt_conv_step* steps;
  long row;
  uint m_left;
  bool turned() thread const { return false; }
  void load(threadgroup float* to, uint k, uint k_end, uint thread_index) thread const {
    const uint r = thread_index % rt_tile_depth;
    const long at = steps[(k / rt_tile_depth & 1) * rt_tile_depth + r].left;
    for (uint i = thread_index / rt_tile_depth; i < M; i += rt_tile_threads / rt_tile_depth) {
      to[i * (rt_tile_depth + rt_tile_pad) + r] =
          i < m_left && k + r < k_end ? float(a[long(i) * row + at]) : 0.0f;
    }
  }
};

// A thread has one column of the right side, whose place in the image is worked out once.
template <class T, int N, int Pass>
struct rt_conv_right {
  device const T* b;
  threadgroup rt_conv_step* steps;
  constant ConvPlan& p;
  rt_spot spot;
  bool inside;
  enum { prepares = 1 };
  bool turned() thread const { return false; }
  void begin(uint column) thread {
    inside = column < p.n;
    spot = {0, 0, 0};
    if (!inside) return;
    if (Pass == rt_pass_output) {
      b += long(column / p.out_plane) * p.groups * p.in_channels * p.in_plane;
      const rt_spot o = rt_spot_of(column % p.out_plane, p.out);
      spot = {o.z * int(p.stride[0]) - int(p.padding[0]),
              o.y * int(p.stride[1]) - int(p.padding[1]),
              o.x * int(p.stride[2]) - int(p.padding[2])};
    } else if (Pass == rt_pass_input) {
      b += long(column / p.in_plane) * p.groups * p.out_channels * p.out_plane;
      const rt_spot i = rt_spot_of(column % p.in_plane, p.in);
      spot = {i.z + int(p.padding[0]), i.y + int(p.padding[1]), i.x + int(p.padding[2])};
    } else {
      b += long(column / p.taps) * p.in_plane;
      const rt_spot t = rt_spot_of(column % p.taps, p.kernel_size);
      spot = {t.z * int(p.dilation[0]) - int(p.padding[0]),
              t.y * int(p.dilation[1]) - int(p.padding[1]),
              t.x * int(p.dilation[2]) - int(p.padding[2])};
    }
  }
  void prepare(uint k, uint thread_index) thread const {
    if (thread_index < rt_tile_depth) {
      steps[(k / rt_tile_depth & 1) * rt_tile_depth + thread_index] =
          rt_conv_step_at<Pass>(k + thread_index, p);
    }
  }
  float read(threadgroup const rt_conv_step& step) thread const {
    int z = spot.z + step.z, y = spot.y + step.y, x = spot.x + step.x;
    if (z < 0 || y < 0 || x < 0) return 0.0f;
    constant uint* size = Pass == rt_pass_input ? p.out : p.in;
    if (Pass == rt_pass_input) {
      // Only every stride-th place has a window that begins there.
      const int sz = int(p.stride[0]), sy = int(p.stride[1]), sx = int(p.stride[2]);
      if (z % sz != 0 || y % sy != 0 || x % sx != 0) return 0.0f;
      z /= sz;
      y /= sy;
      x /= sx;
    }
    if (uint(z) >= size[0] || uint(y) >= size[1] || uint(x) >= size[2]) return 0.0f;
    return float(b[step.right + (long(z) * size[1] + y) * size[2] + x]);
  }
  void load(threadgroup float* to, uint k, uint k_end, uint thread_index) thread const {
    threadgroup const rt_conv_step* now = steps + (k / rt_tile_depth & 1) * rt_tile_depth;
    for (uint r = thread_index / N; r < rt_tile_depth; r += rt_tile_threads / N) {
      to[r * (N + rt_tile_pad) + thread_index % N] = inside && k + r < k_end ? read(now[r]) : 0.0f;
    }
  }
};

template <class T, int Pass>
struct rt_conv_out {
  device T* out;
  device float* parts;
  device const T* bias;
  uint m_left, first;
  constant ConvPlan& p;
  void put(uint i, uint j, float sum) thread const {
    const uint column = first + j;
    if (i >= m_left || column >= p.n) return;
    if (Pass == rt_pass_weight) {
      if (p.splits > 1) {
        parts[ulong(i) * p.n + column] = sum;
      } else {
        out[ulong(i) * p.n + column] = T(sum);
      }
      return;
    }
    const uint plane = Pass == rt_pass_output ? p.out_plane : p.in_plane,
               channels = Pass == rt_pass_output ? p.out_channels : p.in_channels;
    if (p.has_bias) sum += float(bias[i]);
    out[(ulong(column / plane) * p.groups * channels + i) * plane + column % plane] = T(sum);
  }
};

// a: the weight, or for it the output's gradient; b: the image that windows are taken of.
template <class T, int Side, int Pass>
kernel void rt_conv(device const T* a [[buffer(0)]], device const T* b [[buffer(1)]],
                    device T* out [[buffer(2)]], device const T* bias [[buffer(3)]],
                    device float* parts [[buffer(4)]], constant ConvPlan& p [[buffer(5)]],
                    uint group [[threadgroup_position_in_grid]],
                    uint thread_index [[thread_index_in_threadgroup]],
                    uint simd [[simdgroup_index_in_threadgroup]],
                    uint lane [[thread_index_in_simdgroup]]) {
  rt_shared float memory[2 * rt_tile_side<Side>::size];
  rt_shared rt_conv_step steps[2 * rt_tile_depth];
  const uint across = (p.n + Side - 1) / Side, down = (p.m + Side - 1) / Side;
  const uint column = group % across * Side, row = group / across % down * Side,
             part = group / across / down;
  const uint g = part % p.groups, k_begin = part / p.groups * p.k_each;
  const uint k_end = min(p.k, k_begin + p.k_each);
  // Where the group's channels begin on each side.
  long left_at, right_at, out_at, left_row;
  if (Pass == rt_pass_output) {
    left_row = p.k;
    left_at = (long(g) * p.m + row) * left_row;
    right_at = long(g) * p.in_channels * p.in_plane;
    out_at = (long(g) * p.m + row) * p.out_plane;
  } else if (Pass == rt_pass_input) {
    left_row = p.taps;
    left_at = long(g) * p.k * p.m + row * left_row;
    right_at = long(g) * p.out_channels * p.out_plane;
    out_at = (long(g) * p.m + row) * p.in_plane;
  } else {
    left_row = p.out_plane;
    left_at = (long(g) * p.m + row) * left_row;
    right_at = long(g) * p.in_channels * p.in_plane;
    out_at = (long(g) * p.m + row) * p.n;
  }
  rt_conv_left<T, Side> left = {a + left_at, steps, left_row, p.m - row};
  rt_conv_right<T, Side, Pass> right = {b + right_at, steps, p, {0, 0, 0}, false};
  right.begin(column + thread_index % Side);
  rt_conv_out<T, Pass> to = {out + out_at,
                             parts + (ulong(part) * p.m + row) * p.n,
                             bias + (p.has_bias ? g * p.m + row : 0),
                             p.m - row,
                             column,
                             p};
  rt_tile_product<Side, Side>(left, right, to, memory, k_begin, k_end, thread_index, simd, lane);
}
#define RT_CONV(name, T, Pass)                             \
  RT_EXPORT_AS(conv_##name##_64_##T, rt_conv<T, 64, Pass>) \
  RT_EXPORT_AS(conv_##name##_32_##T, rt_conv<T, 32, Pass>)
RT_CONV(output, float, rt_pass_output)
RT_CONV(output, half, rt_pass_output)
RT_CONV(output, bfloat, rt_pass_output)
RT_CONV(input, float, rt_pass_input)
RT_CONV(input, half, rt_pass_input)
RT_CONV(input, bfloat, rt_pass_input)
RT_CONV(weight, float, rt_pass_weight)
RT_CONV(weight, half, rt_pass_weight)
RT_CONV(weight, bfloat, rt_pass_weight)

// ---- Directly: an element of the output or of the input a thread ----

template <class T>
kernel void rt_conv_direct_output(device const T* weight [[buffer(0)]],
                                  device const T* input [[buffer(1)]], device T* out [[buffer(2)]],
                                  device const T* bias [[buffer(3)]],
                                  constant ConvPlan& p [[buffer(4)]],
                                  uint index [[thread_position_in_grid]]) {
  typedef typename rt_sum_type<T>::type S;
  const uint channels = p.groups * p.out_channels;
  if (index >= p.batch * channels * p.out_plane) return;
  const uint channel = index / p.out_plane % channels, image = index / p.out_plane / channels;
  const uint g = channel / p.out_channels;
  const rt_spot o = rt_spot_of(index % p.out_plane, p.out);
  const int z0 = o.z * int(p.stride[0]) - int(p.padding[0]),
            y0 = o.y * int(p.stride[1]) - int(p.padding[1]),
            x0 = o.x * int(p.stride[2]) - int(p.padding[2]);
  S sum = p.has_bias ? S(bias[channel]) : S(0);
  for (uint c = 0; c < p.in_channels; c++) {
    device const T* w = weight + (ulong(channel) * p.in_channels + c) * p.taps;
    device const T* from = input + (ulong(image * p.groups + g) * p.in_channels + c) * p.in_plane;
    for (uint kz = 0; kz < p.kernel_size[0]; kz++) {
      const uint z = uint(z0 + int(kz * p.dilation[0]));
      for (uint ky = 0; ky < p.kernel_size[1] && z < p.in[0]; ky++) {
        const uint y = uint(y0 + int(ky * p.dilation[1]));
        for (uint kx = 0; kx < p.kernel_size[2] && y < p.in[1]; kx++) {
          const uint x = uint(x0 + int(kx * p.dilation[2]));
          if (x < p.in[2]) {
            sum += S(w[(kz * p.kernel_size[1] + ky) * p.kernel_size[2] + kx]) *
                   S(from[(ulong(z) * p.in[1] + y) * p.in[2] + x]);
          }
        }
      }
    }
  }
  out[index] = T(sum);
}

// The window that a tap of it covers place + padding with; beyond all windows if there is none.
inline uint rt_window(int place, uint tap, uint d, constant ConvPlan& p) {
  const int at = place - int(tap * p.dilation[d]), stride = int(p.stride[d]);
  return at < 0 || at % stride != 0 ? p.out[d] : uint(at / stride);
}

template <class T>
kernel void rt_conv_direct_input(device const T* weight [[buffer(0)]],
                                 device const T* grad [[buffer(1)]], device T* out [[buffer(2)]],
                                 device const T* bias [[buffer(3)]],
                                 constant ConvPlan& p [[buffer(4)]],
                                 uint index [[thread_position_in_grid]]) {
  typedef typename rt_sum_type<T>::type S;
  const uint channels = p.groups * p.in_channels;
  if (index >= p.batch * channels * p.in_plane) return;
  const uint channel = index / p.in_plane % channels, image = index / p.in_plane / channels;
  const uint g = channel / p.in_channels, within = channel % p.in_channels;
  const rt_spot i = rt_spot_of(index % p.in_plane, p.in);
  S sum = p.has_bias ? S(bias[channel]) : S(0);
  for (uint c = 0; c < p.out_channels; c++) {
    device const T* w = weight + (ulong(g * p.out_channels + c) * p.in_channels + within) * p.taps;
    device const T* from = grad + (ulong(image * p.groups + g) * p.out_channels + c) * p.out_plane;
    for (uint kz = 0; kz < p.kernel_size[0]; kz++) {
      const uint z = rt_window(i.z + int(p.padding[0]), kz, 0, p);
      for (uint ky = 0; ky < p.kernel_size[1] && z < p.out[0]; ky++) {
        const uint y = rt_window(i.y + int(p.padding[1]), ky, 1, p);
        for (uint kx = 0; kx < p.kernel_size[2] && y < p.out[1]; kx++) {
          const uint x = rt_window(i.x + int(p.padding[2]), kx, 2, p);
          if (x < p.out[2]) {
            sum += S(w[(kz * p.kernel_size[1] + ky) * p.kernel_size[2] + kx]) *
                   S(from[(ulong(z) * p.out[1] + y) * p.out[2] + x]);
          }
        }
      }
    }
  }
  out[index] = T(sum);
}

// A threadgroup for each element of the weight.
template <class T>
kernel void rt_conv_direct_weight(device const T* grad [[buffer(0)]],
                                  device const T* input [[buffer(1)]], device T* out [[buffer(2)]],
                                  constant ConvPlan& p [[buffer(3)]],
                                  uint group [[threadgroup_position_in_grid]],
                                  uint thread_index [[thread_index_in_threadgroup]]) {
  typedef typename rt_sum_type<T>::type S;
  rt_shared S sums[256];
  const uint tap = group % p.taps, c = group / p.taps % p.in_channels,
             channel = group / p.taps / p.in_channels, g = channel / p.out_channels;
  const rt_spot t = rt_spot_of(tap, p.kernel_size);
  const int z0 = t.z * int(p.dilation[0]) - int(p.padding[0]),
            y0 = t.y * int(p.dilation[1]) - int(p.padding[1]),
            x0 = t.x * int(p.dilation[2]) - int(p.padding[2]);
  S sum = S(0);
  for (uint k = thread_index; k < p.k; k += 256) {
    const uint image = k / p.out_plane, place = k % p.out_plane;
    const rt_spot o = rt_spot_of(place, p.out);
    const uint z = uint(o.z * int(p.stride[0]) + z0), y = uint(o.y * int(p.stride[1]) + y0),
               x = uint(o.x * int(p.stride[2]) + x0);
    if (z < p.in[0] && y < p.in[1] && x < p.in[2]) {
      const ulong from = (ulong(image * p.groups + g) * p.in_channels + c) * p.in_plane;
      sum += S(grad[(ulong(image) * p.groups * p.out_channels + channel) * p.out_plane + place]) *
             S(input[from + (ulong(z) * p.in[1] + y) * p.in[2] + x]);
    }
  }
  sums[thread_index] = sum;
  for (uint half_way = 128; half_way > 0; half_way /= 2) {
    threadgroup_barrier(mem_flags::mem_threadgroup);
    if (thread_index < half_way) sums[thread_index] += sums[thread_index + half_way];
  }
  if (thread_index == 0) out[group] = T(sums[0]);
}
#define RT_CONV_DIRECT(T)                                        \
  RT_EXPORT_AS(conv_direct_output_##T, rt_conv_direct_output<T>) \
  RT_EXPORT_AS(conv_direct_input_##T, rt_conv_direct_input<T>)
RT_CONV_DIRECT(float)
RT_CONV_DIRECT(half)
RT_CONV_DIRECT(bfloat)
RT_CONV_DIRECT(uchar)
RT_CONV_DIRECT(char)
RT_CONV_DIRECT(short)
RT_CONV_DIRECT(int)
RT_CONV_DIRECT(long)
// Only floats have gradients.
RT_EXPORT_AS(conv_direct_weight_float, rt_conv_direct_weight<float>)
RT_EXPORT_AS(conv_direct_weight_half, rt_conv_direct_weight<half>)
RT_EXPORT_AS(conv_direct_weight_bfloat, rt_conv_direct_weight<bfloat>)
