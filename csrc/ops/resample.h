// Images at other resolutions, and at arbitrary points.
#pragma once

#include <vector>

#include "ops/kernel.h"

namespace rt {

// Along one dim, what each output element reads: at most `taps` elements with their weights, as
// [taps][size]; an index of -1 reads nothing.
struct AxisTaps {
  int64_t taps = 0, size = 0;
  std::vector<int32_t> index;
  std::vector<double> weight;

  int32_t& index_at(int64_t tap, int64_t i) { return index[static_cast<size_t>(tap * size + i)]; }
  double& weight_at(int64_t tap, int64_t i) { return weight[static_cast<size_t>(tap * size + i)]; }
  int32_t index_at(int64_t tap, int64_t i) const {
    return index[static_cast<size_t>(tap * size + i)];
  }
  double weight_at(int64_t tap, int64_t i) const {
    return weight[static_cast<size_t>(tap * size + i)];
  }
};

// out (planes, d, h, w) = x (planes, d', h', w') blended along d, h and w by `axes`; float32 or
// float64, contiguous.
extern KernelSlot<void(const Tensor& out, const Tensor& x, const AxisTaps* axes)> resample_kernel;

// How grid points are read. Values as in the arguments of the ops.
struct PointSampling {
  enum Mode : int64_t { Linear, Nearest, Cubic };
  enum Padding : int64_t { Zeros, Border, Reflection };
  int64_t mode, padding;
  bool align_corners;
  // Along each spatial dim (outermost first), how often the weights are derived by the coordinate.
  IntList order;
};

// x (n, c, *spatial), grid (n, points, dims), out (n, c, points); float32 or float64, contiguous.
extern KernelSlot<void(const Tensor& out, const Tensor& x, const Tensor& grid,
                       const PointSampling& how)>
    sample_points_kernel;
// Its adjoint: x += what grad read of it.
extern KernelSlot<void(const Tensor& x, const Tensor& grad, const Tensor& grid,
                       const PointSampling& how)>
    scatter_points_kernel;
// The gradient of the grid, of first order.
extern KernelSlot<void(const Tensor& grad_grid, const Tensor& grad, const Tensor& x,
                       const Tensor& grid, const PointSampling& how)>
    sample_points_grad_kernel;

}  // namespace rt
