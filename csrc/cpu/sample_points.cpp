// Sampling at points of a grid: a tile of points at a time, whose places and weights serve all
// channels.
#include <algorithm>
#include <cmath>

#include "cpu/parallel.h"
#include "ops/resample.h"
#include "ops/vector_kernel.h"

namespace rt::cpu {

using Gather = void(int64_t, int64_t, const int32_t*, const void*, const void*, void*);
extern VectorKernel<Gather> gather_masked_taps;  // resample.cpp

namespace {

constexpr int64_t kTile = 128;    // points
constexpr int64_t kMaxTaps = 16;  // 4 x 4 of a cubic, 2 x 2 x 2 of a trilinear
constexpr int64_t kGrain = 8192;  // elements worth a thread

// A coordinate in elements, and its derivative by the grid's number.
template <class T>
struct Place {
  T at, slope;
};

template <class T>
Place<T> clipped(Place<T> p, int64_t size) {
  const T last = static_cast<T>(size - 1);
  if (!(p.at > 0)) return {0, 0};
  return p.at >= last ? Place<T>{last, 0} : p;
}
// Mirrored at low / 2 and high / 2 until it lies between.
template <class T>
Place<T> reflected(Place<T> p, int64_t low, int64_t high) {
  if (low == high) return {0, 0};
  const T min = static_cast<T>(low) / 2, span = static_cast<T>(high - low) / 2;
  T at = p.at - min;
  const T sign = at < 0 ? -1 : 1;
  at = std::abs(at);
  const T extra = std::fmod(at, span);
  const bool even = std::fmod(std::floor(at / span), T(2)) == 0;
  return {even ? extra + min : span - extra + min, p.slope * (even ? sign : -sign)};
}
template <class T>
Place<T> settled(Place<T> p, int64_t size, const PointSampling& how) {
  if (how.padding == PointSampling::Border) return clipped(p, size);
  if (how.padding == PointSampling::Zeros) return p;
  return clipped(
      how.align_corners ? reflected(p, 0, 2 * (size - 1)) : reflected(p, -1, 2 * size - 1), size);
}

// Keys' cubic convolution (1981) with a = -0.75, as in PyTorch: the weight at distance x, and its
// derivatives by the point that approaches from the left (the sample lies at x = place - point).
template <class T>
T cubic(T x, int64_t order) {
  const T a = T(-0.75), d = std::abs(x), s = x < 0 ? T(1) : T(-1);  // d(distance) / d(point)
  if (d <= 1) {
    if (order == 0) return ((a + 2) * d - (a + 3)) * d * d + 1;
    if (order == 1) return s * (3 * (a + 2) * d - 2 * (a + 3)) * d;
    if (order == 2) return 6 * (a + 2) * d - 2 * (a + 3);
    return order == 3 ? s * 6 * (a + 2) : 0;
  }
  if (d > 2) return 0;
  if (order == 0) return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
  if (order == 1) return s * ((3 * a * d - 10 * a) * d + 8 * a);
  if (order == 2) return 6 * a * d - 10 * a;
  return order == 3 ? s * 6 * a : 0;
}

// What one coordinate reads along its dim.
template <class T>
struct AxisRead {
  int64_t taps;
  int64_t place[4];  // -1: outside
  T weight[4];
};

template <class T>
AxisRead<T> read_axis(T g, int64_t size, const PointSampling& how, int64_t order) {
  Place<T> p = how.align_corners
                   ? Place<T>{(g + 1) / 2 * static_cast<T>(size - 1), static_cast<T>(size - 1) / 2}
                   : Place<T>{((g + 1) * static_cast<T>(size) - 1) / 2, static_cast<T>(size) / 2};
  if (how.mode != PointSampling::Cubic) p = settled(p, size, how);
  AxisRead<T> r;
  if (p.at != p.at && how.mode != PointSampling::Nearest) {
    // Nowhere: what is read there is not a number either, and no padding hides it.
    r.taps = how.mode == PointSampling::Linear ? 2 : 4;
    std::fill(r.place, r.place + r.taps, 0);
    std::fill(r.weight, r.weight + r.taps, p.at);
    return r;
  }
  if (!(std::abs(p.at) < T(1e9))) p.at = p.at > 0 ? static_cast<T>(size) + 100 : -100;  // outside
  T factor = 1;
  for (int64_t i = 0; i < order; ++i) factor *= p.slope;
  const auto put = [&](int64_t k, T place, T weight) {
    const int64_t i = static_cast<int64_t>(place);
    r.place[k] = i >= 0 && i < size ? i : -1;
    r.weight[k] = weight * factor;
  };
  const T floor = std::floor(p.at), t = p.at - floor;
  if (how.mode == PointSampling::Nearest) {
    r.taps = 1;
    put(0, std::nearbyint(p.at), order == 0 ? 1 : 0);
  } else if (how.mode == PointSampling::Linear) {
    r.taps = 2;
    put(0, floor, order == 0 ? 1 - t : order == 1 ? -1 : 0);
    put(1, floor + 1, order == 0 ? t : order == 1 ? 1 : 0);
  } else {
    r.taps = 4;
    for (int64_t k = 0; k < 4; ++k) {
      const T place = floor + static_cast<T>(k - 1);
      put(k, settled(Place<T>{place, 0}, size, how).at, cubic(place - p.at, order));
    }
  }
  return r;
}

template <class T>
struct Tile {
  int64_t points = 0, taps = 0;
  int32_t index[kMaxTaps * kTile];
  T weight[kMaxTaps * kTile];

  // `count` points at `grid` (count, dims), the last dim of the image first.
  void read(const T* grid, int64_t count, IntList spatial, const PointSampling& how,
            const int64_t* order) {
    points = count;
    const int64_t dims = spatial.ssize();
    taps = how.mode == PointSampling::Nearest ? 1
           : how.mode == PointSampling::Cubic ? 16
                                              : int64_t{1} << dims;
    for (int64_t i = 0; i < count; ++i) {
      AxisRead<T> axes[3];
      for (int64_t d = 0; d < dims; ++d)
        axes[d] = read_axis(grid[i * dims + dims - 1 - d], spatial[d], how, order[d]);
      for (int64_t k = 0; k < taps; ++k) {
        int64_t at = 0, rest = k;
        T w = 1;
        for (int64_t d = dims - 1, step = 1; d >= 0; step *= spatial[d--]) {
          const int64_t j = rest % axes[d].taps;
          rest /= axes[d].taps;
          at = at < 0 || axes[d].place[j] < 0 ? -1 : at + axes[d].place[j] * step;
          w *= axes[d].weight[j];
        }
        index[k * count + i] = static_cast<int32_t>(at);
        weight[k * count + i] = w;
      }
    }
  }
};

struct Shape {
  explicit Shape(const Tensor& x, const Tensor& grid)
      : batch(x.sizes()[0]),
        channels(x.sizes()[1]),
        points(grid.sizes()[1]),
        dims(grid.sizes()[2]) {
    spatial = x.sizes().slice(2, static_cast<size_t>(dims));
    plane = 1;
    for (int64_t s : spatial) plane *= s;
    tiles = (points + kTile - 1) / kTile;
  }
  int64_t batch, channels, points, dims, plane, tiles;
  IntList spatial;
};

template <class T>
void sample(const Tensor& out, const Tensor& x, const Tensor& grid, const PointSampling& how) {
  const Shape s(x, grid);
  const auto gather = gather_masked_taps[out.dtype()];
  parallel_for(0, s.batch * s.tiles, std::max<int64_t>(1, kGrain / (kTile * s.channels)),
               [&](int64_t begin, int64_t end) {
                 Tile<T> tile;
                 for (int64_t b = begin; b < end; ++b) {
                   const int64_t n = b / s.tiles, first = b % s.tiles * kTile;
                   const int64_t count = std::min(kTile, s.points - first);
                   tile.read(grid.data<const T>() + (n * s.points + first) * s.dims, count,
                             s.spatial, how, how.order.data());
                   for (int64_t c = 0; c < s.channels; ++c) {
                     const int64_t p = n * s.channels + c;
                     gather(count, tile.taps, tile.index, tile.weight,
                            x.data<const T>() + p * s.plane, out.data<T>() + p * s.points + first);
                   }
                 }
               });
}

template <class T>
void scatter(const Tensor& x, const Tensor& grad, const Tensor& grid, const PointSampling& how) {
  const Shape s(x, grid);
  // A plane belongs to one thread, since points may meet.
  parallel_for(0, s.batch * s.channels,
               std::max<int64_t>(1, kGrain / std::max<int64_t>(s.points, 1)),
               [&](int64_t begin, int64_t end) {
                 Tile<T> tile;
                 for (int64_t p = begin; p < end;) {
                   const int64_t n = p / s.channels, last = std::min(end, (n + 1) * s.channels);
                   for (int64_t first = 0; first < s.points; first += kTile) {
                     const int64_t count = std::min(kTile, s.points - first);
                     tile.read(grid.data<const T>() + (n * s.points + first) * s.dims, count,
                               s.spatial, how, how.order.data());
                     for (int64_t q = p; q < last; ++q) {
                       T* plane = x.data<T>() + q * s.plane;
                       const T* g = grad.data<const T>() + q * s.points + first;
                       for (int64_t k = 0; k < tile.taps; ++k) {
                         for (int64_t i = 0; i < count; ++i) {
                           const int32_t at = tile.index[k * count + i];
                           const T w = tile.weight[k * count + i];
                           // A point that is nowhere has taken nothing from the image.
                           if (at >= 0 && w == w) plane[at] += w * g[i];
                         }
                       }
                     }
                   }
                   p = last;
                 }
               });
}

template <class T>
void sample_grad(const Tensor& grad_grid, const Tensor& grad, const Tensor& x, const Tensor& grid,
                 const PointSampling& how) {
  const Shape s(x, grid);
  const auto gather = gather_masked_taps[x.dtype()];
  parallel_for(0, s.batch * s.tiles, std::max<int64_t>(1, kGrain / (kTile * s.channels)),
               [&](int64_t begin, int64_t end) {
                 Tile<T> tile;
                 T slope[kTile], sum[kTile];
                 for (int64_t b = begin; b < end; ++b) {
                   const int64_t n = b / s.tiles, first = b % s.tiles * kTile;
                   const int64_t count = std::min(kTile, s.points - first);
                   const int64_t at = (n * s.points + first) * s.dims;
                   for (int64_t d = 0; d < s.dims; ++d) {
                     Dims order(how.order);
                     ++order[d];
                     tile.read(grid.data<const T>() + at, count, s.spatial, how, order.data());
                     for (int64_t i = 0; i < count; ++i) sum[i] = 0;
                     for (int64_t c = 0; c < s.channels; ++c) {
                       const int64_t p = n * s.channels + c;
                       gather(count, tile.taps, tile.index, tile.weight,
                              x.data<const T>() + p * s.plane, slope);
                       const T* g = grad.data<const T>() + p * s.points + first;
                       for (int64_t i = 0; i < count; ++i) sum[i] += slope[i] * g[i];
                     }
                     T* to = grad_grid.data<T>() + at + s.dims - 1 - d;
                     for (int64_t i = 0; i < count; ++i) to[i * s.dims] = sum[i];
                   }
                 }
               });
}

void sample_points(const Tensor& out, const Tensor& x, const Tensor& grid,
                   const PointSampling& how) {
  if (out.dtype() == DType::Float64) return sample<double>(out, x, grid, how);
  sample<float>(out, x, grid, how);
}
void scatter_points(const Tensor& x, const Tensor& grad, const Tensor& grid,
                    const PointSampling& how) {
  if (x.dtype() == DType::Float64) return scatter<double>(x, grad, grid, how);
  scatter<float>(x, grad, grid, how);
}
void sample_points_grad(const Tensor& grad_grid, const Tensor& grad, const Tensor& x,
                        const Tensor& grid, const PointSampling& how) {
  if (x.dtype() == DType::Float64) return sample_grad<double>(grad_grid, grad, x, grid, how);
  sample_grad<float>(grad_grid, grad, x, grid, how);
}

const RegisterKernel register_sample(sample_points_kernel, DeviceType::CPU, &sample_points);
const RegisterKernel register_scatter(scatter_points_kernel, DeviceType::CPU, &scatter_points);
const RegisterKernel register_grad(sample_points_grad_kernel, DeviceType::CPU, &sample_points_grad);

}  // namespace

}  // namespace rt::cpu
