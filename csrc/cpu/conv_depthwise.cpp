// Convolutions in which each output channel sees one input channel. A plane is copied into a
// zero-padded buffer, split by the stride so that each tap reads neighbours; output and gradient
// are then flat sums over shifted buffers, which one kernel makes for any shape.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

#include "core/error.h"
#include "cpu/conv_backends.h"
#include "cpu/depthwise_kernels.h"
#include "cpu/parallel.h"
#include "cpu/scratch.h"
#include "cpu/simd_level.h"

namespace rt::cpu::detail {

bool is_depthwise(const ConvShape& s) { return s.in_channels == s.groups; }

namespace {

const DepthwiseKernels& chosen_kernels() {
#if defined(__x86_64__)
  static const DepthwiseKernels& chosen =
      simd_level() == SimdLevel::Avx512 ? depthwise_kernels_avx512()
      : simd_level() == SimdLevel::Avx2 ? depthwise_kernels_avx2()
                                        : depthwise_kernels_baseline();
  return chosen;
#else
  return depthwise_kernels_baseline();
#endif
}

using Dims = std::array<int64_t, 3>;

int64_t product(const Dims& d) { return d[0] * d[1] * d[2]; }

// A buffer for a stride-`step` correlation of `taps` taps `dilation` apart that makes `out`
// values. Position j of the padded plane is in part j % step at j / step.
struct Layout {
  Layout(const Dims& out_size, const Dims& kernel, const Dims& dilation, const Dims& steps)
      : out(out_size), step(steps) {
    for (size_t d = 0; d < 3; ++d) {
      reach[d] = (out[d] - 1) * step[d] + dilation[d] * (kernel[d] - 1) + 1;
      length[d] = (reach[d] + step[d] - 1) / step[d];
    }
    part = product(length);
    const Dims parts{step[1] * step[2], step[2], 1}, strides{length[1] * length[2], length[2], 1};
    for (size_t d = 0; d < 3; ++d) {
      for (int64_t j = 0; j < reach[d]; ++j) {
        place[d].push_back(j % step[d] * parts[d] * part + j / step[d] * strides[d]);
      }
    }
    flat = ((out[0] - 1) * length[1] + out[1] - 1) * length[2] + out[2];
    size = part * product(step) + kDepthwiseStep;
    for (int64_t z = 0; z < kernel[0]; ++z) {
      for (int64_t y = 0; y < kernel[1]; ++y) {
        for (int64_t x = 0; x < kernel[2]; ++x) {
          offsets.push_back(at(z * dilation[0], y * dilation[1], x * dilation[2]));
        }
      }
    }
  }

  // Where position (z, y, x) of the padded plane is. Looked up, since it takes six divisions.
  int64_t at(int64_t z, int64_t y, int64_t x) const {
    return place[0][static_cast<size_t>(z)] + place[1][static_cast<size_t>(y)] +
           place[2][static_cast<size_t>(x)];
  }

  Dims out, step, reach, length;
  int64_t part;  // values of one part
  int64_t flat;  // output positions, with the gaps between rows
  int64_t size;  // of the buffer, with room for the kernels' steps
  std::vector<int64_t> offsets;
  std::array<std::vector<int64_t>, 3> place;
};

// Copies a plane into the buffer: value (z, y, x) goes to position spread * index + shift, if that
// is inside. What it does not write is zero from the start and stays so.
template <class T>
void fill(const Layout& l, const T* plane, const Dims& size, const Dims& spread, const Dims& shift,
          T* buffer) {
  const auto inside = [&](size_t d, int64_t j) { return j >= 0 && j < l.reach[d]; };
  for (int64_t z = 0; z < size[0]; ++z) {
    const int64_t jz = z * spread[0] + shift[0];
    if (!inside(0, jz)) continue;
    for (int64_t y = 0; y < size[1]; ++y) {
      const int64_t jy = y * spread[1] + shift[1];
      if (!inside(1, jy)) continue;
      const T* row = plane + (z * size[1] + y) * size[2];
      const int64_t first = shift[2] < 0 ? (-shift[2] + spread[2] - 1) / spread[2] : 0;
      const int64_t last = shift[2] >= l.reach[2]
                               ? 0
                               : std::min(size[2], (l.reach[2] - 1 - shift[2]) / spread[2] + 1);
      if (first >= last) continue;
      if (l.step[2] == 1 && spread[2] == 1) {
        std::memcpy(buffer + l.at(jz, jy, first + shift[2]), row + first,
                    static_cast<size_t>(last - first) * sizeof(T));
      } else if (l.step[2] == 1) {
        T* to = buffer + l.at(jz, jy, 0) + shift[2];
        for (int64_t x = first; x < last; ++x) to[x * spread[2]] = row[x];
      } else {
        // spread is 1: value x of each part is every step-th of the row.
        for (int64_t p = 0; p < l.step[2]; ++p) {
          const int64_t start = first + shift[2];
          const int64_t j0 = start + ((p - start) % l.step[2] + l.step[2]) % l.step[2];
          if (j0 >= last + shift[2]) continue;
          T* to = buffer + l.at(jz, jy, j0);
          const T* from = row + (j0 - shift[2]);
          const int64_t count = (last + shift[2] - j0 + l.step[2] - 1) / l.step[2];
          for (int64_t i = 0; i < count; ++i) to[i] = from[i * l.step[2]];
        }
      }
    }
  }
}

template <class T>
class Depthwise {
 public:
  using Mask = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;

  Depthwise(const ConvShape& s, const ConvOperands& x, const DepthwiseKernelsOf<T, Mask>& kernels)
      : s_(s),
        out_{s.out_size(0), s.out_size(1), s.out_size(2)},
        in_plane_(product(s.in_size)),
        out_plane_(product(out_)),
        taps_(product(s.kernel)),
        multiplier_(s.out_channels / s.in_channels),
        input_(static_cast<T*>(x.input)),
        weight_(static_cast<T*>(x.weight)),
        bias_(static_cast<T*>(x.bias)),
        output_(static_cast<T*>(x.output)),
        kernels_(kernels) {}

  void forward() const {
    const Layout l(out_, s_.kernel, s_.dilation, s_.stride);
    for_planes(s_.batch * s_.in_channels, [&](int64_t begin, int64_t end) {
      const Scratch<T> buffer = zeros(l), result(l.flat + kDepthwiseStep);
      for (int64_t i = begin; i < end; ++i) {
        fill(l, input_ + i * in_plane_, s_.in_size, kOnes, s_.padding, buffer.data());
        for (int64_t m = 0; m < multiplier_; ++m) {
          const int64_t c = i % s_.in_channels * multiplier_ + m;
          kernels_.correlate(l.flat, taps_, l.offsets.data(), weight_ + c * taps_, buffer.data(),
                             result.data());
          store(l, result.data(), bias_ ? bias_[c] : T{0}, false,
                output_ + (i * multiplier_ + m) * out_plane_);
        }
      }
    });
  }

  // A correlation of stride 1 of the gradient, zeros put between its values, with the weight
  // turned round.
  void backward_data() const {
    Dims shift;
    for (size_t d = 0; d < 3; ++d) shift[d] = s_.dilation[d] * (s_.kernel[d] - 1) - s_.padding[d];
    const Layout l(s_.in_size, s_.kernel, s_.dilation, kOnes);
    for_planes(s_.batch * s_.in_channels, [&](int64_t begin, int64_t end) {
      const Scratch<T> buffer = zeros(l), result(l.flat + kDepthwiseStep);
      std::vector<T> turned(static_cast<size_t>(taps_));
      for (int64_t i = begin; i < end; ++i) {
        for (int64_t m = 0; m < multiplier_; ++m) {
          const int64_t c = i % s_.in_channels * multiplier_ + m;
          std::reverse_copy(weight_ + c * taps_, weight_ + (c + 1) * taps_, turned.begin());
          fill(l, output_ + (i * multiplier_ + m) * out_plane_, out_, s_.stride, shift,
               buffer.data());
          kernels_.correlate(l.flat, taps_, l.offsets.data(), turned.data(), buffer.data(),
                             result.data());
          store(l, result.data(), bias_ && m == 0 ? bias_[i % s_.in_channels] : T{0}, m > 0,
                input_ + i * in_plane_);
        }
      }
    });
  }

  void backward_weight() const {
    const Layout l(out_, s_.kernel, s_.dilation, s_.stride);
    const int64_t flat = l.flat + kDepthwiseStep;
    for_planes(s_.out_channels, [&](int64_t begin, int64_t end) {
      const Scratch<T> buffer = zeros(l), grad(flat);
      const Scratch<Mask> mask(flat);
      std::memset(static_cast<void*>(grad.data()), 0, static_cast<size_t>(flat) * sizeof(T));
      std::memset(mask.data(), 0, static_cast<size_t>(flat) * sizeof(Mask));
      for_rows(l, [&](int64_t at, int64_t) {
        std::memset(mask.data() + at, 0xff, static_cast<size_t>(out_[2]) * sizeof(Mask));
      });
      for (int64_t c = begin; c < end; ++c) {
        T* sums = weight_ + c * taps_;
        std::fill_n(sums, taps_, T{0});
        for (int64_t n = 0; n < s_.batch; ++n) {
          fill(l, input_ + (n * s_.in_channels + c / multiplier_) * in_plane_, s_.in_size, kOnes,
               s_.padding, buffer.data());
          const T* from = output_ + (n * s_.out_channels + c) * out_plane_;
          for_rows(l, [&](int64_t at, int64_t row) {
            std::memcpy(grad.data() + at, from + row, static_cast<size_t>(out_[2]) * sizeof(T));
          });
          kernels_.sums(l.flat, taps_, l.offsets.data(), grad.data(), mask.data(), buffer.data(),
                        sums);
        }
      }
    });
    if (bias_) {
      sum_channels(DTypeOf<T>::value, s_.batch, s_.out_channels, out_plane_, output_, bias_);
    }
  }

 private:
  static constexpr Dims kOnes{1, 1, 1};

  static Scratch<T> zeros(const Layout& l) {
    Scratch<T> buffer(l.size);
    std::memset(static_cast<void*>(buffer.data()), 0, static_cast<size_t>(l.size) * sizeof(T));
    return buffer;
  }

  template <class F>
  void for_planes(int64_t count, F&& f) const {
    const int64_t work = std::max<int64_t>(out_plane_, in_plane_) * taps_;
    parallel_for(0, count, std::max<int64_t>(65536 / work, 1), f);
  }

  // f(position in the flat result, position in the plane) for each row.
  template <class F>
  static void for_rows(const Layout& l, F&& f) {
    for (int64_t z = 0; z < l.out[0]; ++z) {
      for (int64_t y = 0; y < l.out[1]; ++y) {
        f((z * l.length[1] + y) * l.length[2], (z * l.out[1] + y) * l.out[2]);
      }
    }
  }

  static void store(const Layout& l, const T* flat, T bias, bool add, T* plane) {
    for_rows(l, [&](int64_t at, int64_t row) {
      if (add) {
        for (int64_t x = 0; x < l.out[2]; ++x) plane[row + x] += flat[at + x];
      } else {
        for (int64_t x = 0; x < l.out[2]; ++x) plane[row + x] = flat[at + x] + bias;
      }
    });
  }

  const ConvShape& s_;
  Dims out_;
  int64_t in_plane_, out_plane_, taps_, multiplier_;
  T* input_;
  T* weight_;
  T* bias_;
  T* output_;
  const DepthwiseKernelsOf<T, Mask>& kernels_;
};

template <class T>
void run(ConvPass pass, const Depthwise<T>& d) {
  switch (pass) {
    case ConvPass::Forward:
      return d.forward();
    case ConvPass::BackwardData:
      return d.backward_data();
    case ConvPass::BackwardWeight:
      return d.backward_weight();
  }
}

}  // namespace

void depthwise_conv(DType dtype, ConvPass pass, const ConvShape& s, const ConvOperands& x) {
  if (dtype == DType::Float32) return run(pass, Depthwise<float>(s, x, chosen_kernels().f32));
  if (dtype == DType::Float64) return run(pass, Depthwise<double>(s, x, chosen_kernels().f64));
  RT_FAIL(NotImplemented, "convolution", "no depthwise kernel for this dtype", name(dtype));
}

}  // namespace rt::cpu::detail
