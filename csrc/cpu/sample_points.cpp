// Sampling at points of a grid: a tile of points at a time, whose places and weights serve all
// channels.
#include <algorithm>

#include "cpu/parallel.h"
#include "ops/resample.h"
#include "ops/vector_kernel.h"
#include "rt_formulas_sample.h"

namespace rt::cpu {

using Gather = void(int64_t, int64_t, const int32_t*, const void*, const void*, void*);
extern VectorKernel<Gather> gather_masked_taps;  // resample.cpp

namespace {

using namespace rt_formulas;

constexpr int64_t kTile = 128;    // points
constexpr int64_t kMaxTaps = 16;  // 4 x 4 of a cubic, 2 x 2 x 2 of a trilinear
constexpr int64_t kGrain = 8192;  // elements worth a thread

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
    const PointRule rule = {static_cast<int32_t>(how.mode), static_cast<int32_t>(how.padding),
                            how.align_corners};
    for (int64_t i = 0; i < count; ++i) {
      AxisRead<T> axes[3];
      for (int64_t d = 0; d < dims; ++d) {
        axes[d] = read_axis_(grid[i * dims + dims - 1 - d], static_cast<int32_t>(spatial[d]), rule,
                             static_cast<int32_t>(order[d]));
      }
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
