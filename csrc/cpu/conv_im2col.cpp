// Convolution as matrix products: the patches under the kernel become the columns of a matrix, a
// tile of positions at a time. Works for every dtype that gemm multiplies.
#include <algorithm>
#include <cstdint>
#include <cstring>

#include "cpu/conv_backends.h"
#include "cpu/dtype_dispatch.h"
#include "cpu/gemm.h"
#include "cpu/items.h"
#include "cpu/parallel.h"
#include "cpu/scratch.h"

namespace rt::cpu::detail {

namespace {

// What a matrix of patches may take; it should stay in the second-level cache.
constexpr int64_t kTileBytes = 512 * 1024;

struct Geometry {
  explicit Geometry(const ConvShape& shape)
      : s(shape),
        out{s.out_size(0), s.out_size(1), s.out_size(2)},
        in_plane(s.in_size[0] * s.in_size[1] * s.in_size[2]),
        out_plane(out[0] * out[1] * out[2]),
        taps(s.kernel[0] * s.kernel[1] * s.kernel[2]),
        group_in(s.in_channels / s.groups),
        group_out(s.out_channels / s.groups),
        rows(group_in * taps) {
    direct = taps == 1;
    for (size_t d = 0; d < 3; ++d) direct = direct && s.stride[d] == 1 && s.padding[d] == 0;
  }

  const ConvShape& s;
  int64_t out[3];
  int64_t in_plane, out_plane, taps, group_in, group_out;
  int64_t rows;  // of the patch matrix: group inputs times taps
  bool direct;   // the input is its own patch matrix
};

// Calls f(in_row, first, count, first_x): positions [first, first + count) of a tile that starts
// at position p0 lie in one output row; they read the input row at in_row (-1: outside), from
// column first_x in steps of the stride.
template <class F>
void for_each_run(const Geometry& g, int64_t kz, int64_t ky, int64_t kx, int64_t p0, int64_t p1,
                  F&& f) {
  const ConvShape& s = g.s;
  int64_t x = p0 % g.out[2], y = p0 / g.out[2] % g.out[1], z = p0 / g.out[2] / g.out[1];
  for (int64_t p = p0; p < p1;) {
    const int64_t count = std::min(p1 - p, g.out[2] - x);
    const int64_t iz = z * s.stride[0] - s.padding[0] + kz * s.dilation[0];
    const int64_t iy = y * s.stride[1] - s.padding[1] + ky * s.dilation[1];
    const bool inside = iz >= 0 && iz < s.in_size[0] && iy >= 0 && iy < s.in_size[1];
    const int64_t ix = x * s.stride[2] - s.padding[2] + kx * s.dilation[2];
    f(inside ? (iz * s.in_size[1] + iy) * s.in_size[2] : -1, p - p0, count, ix);
    p += count;
    x = 0;
    if (++y == g.out[1]) {
      y = 0;
      ++z;
    }
  }
}

// The part of a run whose columns lie inside the input: [begin, end) of its positions.
struct Inside {
  Inside(int64_t first_x, int64_t count, int64_t stride, int64_t width) {
    // Divisions are slow next to a short row, and the usual stride needs none.
    const auto steps = [stride](int64_t n) { return stride == 1 ? n : (n + stride - 1) / stride; };
    begin = first_x >= 0 ? 0 : std::min(count, steps(-first_x));
    end = first_x >= width ? 0 : std::min(count, steps(width - first_x));
    end = std::max(begin, end);
  }
  int64_t begin, end;
};

// Moves bits only, so one instance serves all types of a size.
template <class T>
void unroll(const Geometry& g, const T* in, int64_t p0, int64_t p1, T* patches) {
  const ConvShape& s = g.s;
  const int64_t ld = p1 - p0, stride = s.stride[2], width = s.in_size[2];
  const int64_t grain = std::max<int64_t>(16384 / ld, 1);
  parallel_for(0, g.rows, grain, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const int64_t kx = r % s.kernel[2], ky = r / s.kernel[2] % s.kernel[1],
                    kz = r / (s.kernel[2] * s.kernel[1]) % s.kernel[0], c = r / g.taps;
      const T* channel = in + c * g.in_plane;
      T* row = patches + r * ld;
      for_each_run(g, kz, ky, kx, p0, p1, [&](int64_t at, int64_t first, int64_t count, int64_t x) {
        T* out = row + first;
        if (at < 0) {
          std::memset(static_cast<void*>(out), 0, static_cast<size_t>(count) * sizeof(T));
          return;
        }
        const Inside part(x, count, stride, width);
        const T* source = channel + at + x;
        for (int64_t i = 0; i < part.begin; ++i) out[i] = T{};
        if (stride != 1 || part.end - part.begin <= 16) {
          for (int64_t i = part.begin; i < part.end; ++i) out[i] = source[i * stride];
        } else {
          std::memcpy(static_cast<void*>(out + part.begin), source + part.begin,
                      static_cast<size_t>(part.end - part.begin) * sizeof(T));
        }
        for (int64_t i = part.end; i < count; ++i) out[i] = T{};
      });
    }
  });
}

void unroll_any(DType dtype, const Geometry& g, const void* in, int64_t p0, int64_t p1,
                void* patches) {
  with_item(item_size(dtype), [&]<class T>(T) {
    unroll(g, static_cast<const T*>(in), p0, p1, static_cast<T*>(patches));
  });
}

template <class T>
inline void accumulate(T& a, T b) {
  if constexpr (std::is_integral_v<T>) {
    a = static_cast<T>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
  } else if constexpr (std::is_floating_point_v<T>) {
    a += b;
  } else {
    a.re += b.re;
    a.im += b.im;
  }
}

// Adds each patch value to the input position it came from.
template <class T>
void roll_up(const Geometry& g, const T* patches, int64_t p0, int64_t p1, T* in) {
  const ConvShape& s = g.s;
  const int64_t ld = p1 - p0, stride = s.stride[2], width = s.in_size[2];
  const int64_t grain = std::max<int64_t>(16384 / (ld * g.taps), 1);
  parallel_for(0, g.group_in, grain, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin * g.taps; r < end * g.taps; ++r) {
      const int64_t kx = r % s.kernel[2], ky = r / s.kernel[2] % s.kernel[1],
                    kz = r / (s.kernel[2] * s.kernel[1]) % s.kernel[0], c = r / g.taps;
      T* channel = in + c * g.in_plane;
      const T* row = patches + r * ld;
      for_each_run(g, kz, ky, kx, p0, p1, [&](int64_t at, int64_t first, int64_t count, int64_t x) {
        if (at < 0) return;
        const Inside part(x, count, stride, width);
        T* target = channel + at + x;
        for (int64_t i = part.begin; i < part.end; ++i) {
          accumulate(target[i * stride], row[first + i]);
        }
      });
    }
  });
}

void roll_up_any(DType dtype, const Geometry& g, const void* patches, int64_t p0, int64_t p1,
                 void* in) {
  with_type(kFullFloats + kIntegers + kComplexes, dtype, "convolution", [&]<class T>(T) {
    roll_up(g, static_cast<const T*>(patches), p0, p1, static_cast<T*>(in));
  });
}

// The pointers of one sample and group, and the tiles its positions are treated in.
struct Job {
  char* input;
  char* weight;
  char* output;
};

class Runner {
 public:
  Runner(DType dtype, const ConvShape& s, const ConvOperands& x)
      : dtype_(dtype), size_(static_cast<int64_t>(item_size(dtype))), g_(s), x_(x) {
    tile_ = g_.out_plane;
    if (!g_.direct) {
      const int64_t fitting = kTileBytes / (size_ * g_.rows) / 16 * 16;
      tile_ = std::min(tile_, std::max<int64_t>(fitting, 64));
    }
  }

  // Samples and groups at once if there are enough of them, else the threads share each product.
  template <class F>
  void for_each_job(F&& f) const {
    const int64_t jobs = g_.s.batch * g_.s.groups;
    if (jobs < get_num_threads()) {
      for (int64_t i = 0; i < jobs; ++i) f(job(i));
    } else {
      parallel_for(0, jobs, 1, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) f(job(i));
      });
    }
  }

  void forward() const {
    for_each_job([&](const Job& j) {
      for_each_tile(j.input, true, [&](int64_t p0, int64_t p1, void* patches, int64_t ld) {
        gemm(dtype_, Trans::No, Trans::No, g_.group_out, p1 - p0, g_.rows, 1, j.weight, g_.rows,
             patches, ld, 0, j.output + p0 * size_, g_.out_plane);
      });
    });
  }

  void backward_data() const {
    for_each_job([&](const Job& j) {
      if (!g_.direct) {
        std::memset(j.input, 0, static_cast<size_t>(g_.group_in * g_.in_plane * size_));
      }
      for_each_tile(j.input, false, [&](int64_t p0, int64_t p1, void* patches, int64_t ld) {
        gemm(dtype_, Trans::Yes, Trans::No, g_.rows, p1 - p0, g_.group_out, 1, j.weight, g_.rows,
             j.output + p0 * size_, g_.out_plane, 0, patches, ld);
        if (!g_.direct) roll_up_any(dtype_, g_, patches, p0, p1, j.input);
      });
    });
  }

  // Each group's gradient is a sum over samples: groups may run at once, samples follow in order.
  void backward_weight() const {
    const auto one_group = [&](int64_t group) {
      bool first = true;
      for (int64_t n = 0; n < g_.s.batch; ++n) {
        const Job j = job(n * g_.s.groups + group);
        for_each_tile(j.input, true, [&](int64_t p0, int64_t p1, void* patches, int64_t ld) {
          gemm(dtype_, Trans::No, Trans::Yes, g_.group_out, g_.rows, p1 - p0, 1,
               j.output + p0 * size_, g_.out_plane, patches, ld, first ? 0 : 1, j.weight, g_.rows);
          first = false;
        });
      }
    };
    if (g_.s.groups < get_num_threads()) {
      for (int64_t group = 0; group < g_.s.groups; ++group) one_group(group);
    } else {
      parallel_for(0, g_.s.groups, 1, [&](int64_t begin, int64_t end) {
        for (int64_t group = begin; group < end; ++group) one_group(group);
      });
    }
  }

  const Geometry& geometry() const { return g_; }

 private:
  Job job(int64_t i) const {
    const int64_t n = i / g_.s.groups, group = i % g_.s.groups;
    const auto at = [&](void* p, int64_t offset) { return static_cast<char*>(p) + offset * size_; };
    return {at(x_.input, (n * g_.s.in_channels + group * g_.group_in) * g_.in_plane),
            at(x_.weight, group * g_.group_out * g_.rows),
            at(x_.output, (n * g_.s.out_channels + group * g_.group_out) * g_.out_plane)};
  }

  // f(p0, p1, patches, ld) for each tile of positions; `fill` copies the input's patches first.
  template <class F>
  void for_each_tile(char* input, bool fill, F&& f) const {
    if (g_.direct) {
      f(0, g_.out_plane, input, g_.in_plane);
      return;
    }
    const Scratch<char> patches(g_.rows * tile_ * size_);
    for (int64_t p0 = 0; p0 < g_.out_plane; p0 += tile_) {
      const int64_t p1 = std::min(g_.out_plane, p0 + tile_);
      if (fill) unroll_any(dtype_, g_, input, p0, p1, patches.data());
      f(p0, p1, patches.data(), p1 - p0);
    }
  }

  DType dtype_;
  int64_t size_;
  Geometry g_;
  const ConvOperands& x_;
  int64_t tile_;
};

}  // namespace

void im2col_conv(DType dtype, ConvPass pass, const ConvShape& s, const ConvOperands& x) {
  const Runner runner(dtype, s, x);
  const Geometry& g = runner.geometry();
  switch (pass) {
    case ConvPass::Forward:
      runner.forward();
      if (x.bias) add_channel_bias(dtype, s.batch, s.out_channels, g.out_plane, x.bias, x.output);
      return;
    case ConvPass::BackwardData:
      runner.backward_data();
      if (x.bias) add_channel_bias(dtype, s.batch, s.in_channels, g.in_plane, x.bias, x.input);
      return;
    case ConvPass::BackwardWeight:
      runner.backward_weight();
      if (x.bias) sum_channels(dtype, s.batch, s.out_channels, g.out_plane, x.output, x.bias);
      return;
  }
}

}  // namespace rt::cpu::detail
