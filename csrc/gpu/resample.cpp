// Images at other resolutions, and at the points of a grid, on every compute device.
#include "ops/resample.h"

#include <bit>

#include "gpu/kept_numbers.h"
#include "gpu/launch.h"
#include "gpu/sort.h"
#include "rt_plans_resample.h"

namespace rt::gpu {

namespace {

// Elements that an output may read at once; more are blended one axis after the other.
constexpr int64_t kMostTaps = 32;

const Kernel& float_kernel(const Tensor& t, const char* base, const char* op) {
  return kernel_for(device_of(t),
                    cat_str(base, t.dtype() == DType::Float32 ? "float" : name(t.dtype())), op,
                    TensorList(&t, 1));
}

// ---- Resolutions ----

int64_t plane_of(const Tensor& t) {
  const int64_t plane = t.sizes()[1] * t.sizes()[2] * t.sizes()[3];
  RT_CHECK(plane < kMaxElements, NotImplemented, "interpolate", "an image has 2**31 elements",
           describe(t));
  return plane;
}

void resample_at_once(const Tensor& out, const Tensor& x, const AxisTaps* axes) {
  ResamplePlan plan{};
  std::vector<int32_t> numbers;
  const auto here = [&] { return static_cast<uint32_t>(numbers.size()); };
  for (size_t d = 0; d < 3; ++d) {
    plan.in[d] = static_cast<uint32_t>(x.sizes()[d + 1]);
    plan.out[d] = static_cast<uint32_t>(out.sizes()[d + 1]);
    plan.taps[d] = static_cast<uint32_t>(axes[d].taps);
    plan.index[d] = here();
    numbers.insert(numbers.end(), axes[d].index.begin(), axes[d].index.end());
    plan.weight[d] = here();
    for (double w : axes[d].weight) numbers.push_back(std::bit_cast<int32_t>(float(w)));
  }
  plan.in_plane = static_cast<uint32_t>(plane_of(x));
  plan.out_plane = static_cast<uint32_t>(plane_of(out));
  if (numbers.empty()) numbers.push_back(0);
  const Tensor table = kept_numbers(std::move(numbers), out.device());
  const Kernel& k = float_kernel(out, "resample_", "interpolate");
  const int64_t each = plan.out_plane, step = std::max<int64_t>(1, kMaxElements / each);
  for (int64_t first = 0; first < out.sizes()[0]; first += step) {
    const int64_t count = std::min(step, out.sizes()[0] - first);
    plan.n = static_cast<uint32_t>(count * each);
    const auto from = [&](const Tensor& t, int64_t plane) {
      return make_view(t, t.sizes(), t.strides(), t.offset() + first * plane);
    };
    launch_items(device_of(out), k, plan.n,
                 arguments(from(out, each), from(x, plan.in_plane), table, plan));
  }
}

AxisTaps straight(int64_t size) {
  AxisTaps t{1, size, {}, std::vector<double>(static_cast<size_t>(size), 1)};
  for (int64_t i = 0; i < size; ++i) t.index.push_back(static_cast<int32_t>(i));
  return t;
}

void resample(const Tensor& out, const Tensor& x, const AxisTaps* axes) {
  int64_t taps = 1;
  size_t several = 0;
  for (size_t d = 0; d < 3; ++d) {
    taps *= axes[d].taps;
    several += axes[d].taps > 1;
  }
  if (taps <= kMostTaps || several < 2) return resample_at_once(out, x, axes);
  Tensor from = x;
  for (size_t left = 3, done[3] = {}; left > 0; --left) {
    // The axis that shrinks the most comes first.
    size_t next = 3;
    const auto growth = [&](size_t d) {
      return static_cast<double>(out.sizes()[d + 1]) / static_cast<double>(x.sizes()[d + 1]);
    };
    for (size_t d = 0; d < 3; ++d) {
      if (!done[d] && (next == 3 || growth(d) < growth(next))) next = d;
    }
    done[next] = 1;
    AxisTaps now[3];
    Dims sizes(from.sizes());
    sizes[static_cast<int64_t>(next) + 1] = out.sizes()[next + 1];
    for (size_t d = 0; d < 3; ++d) now[d] = d == next ? axes[d] : straight(from.sizes()[d + 1]);
    const Tensor to = left == 1 ? out : empty(sizes, out.dtype(), out.device(), "interpolate");
    resample_at_once(to, from, now);
    from = to;
  }
}

// ---- Points ----

PointsPlan points_plan(const Tensor& x, const Tensor& grid, const PointSampling& how) {
  PointsPlan p{};
  p.channels = static_cast<uint32_t>(x.sizes()[1]);
  RT_CHECK(grid.sizes()[1] < kMaxElements / 16, NotImplemented, "grid_sample",
           "2**27 points or more of an image", describe(grid));
  p.points = static_cast<uint32_t>(grid.sizes()[1]);
  p.dims = static_cast<uint32_t>(grid.sizes()[2]);
  p.taps = how.mode == PointSampling::Nearest ? 1
           : how.mode == PointSampling::Cubic ? 16
                                              : 1 << p.dims;
  p.plane = 1;
  for (uint32_t d = 0; d < p.dims; ++d) {
    p.sizes[d] = static_cast<uint32_t>(x.sizes()[d + 2]);
    p.plane *= p.sizes[d];
    p.order[d] = static_cast<uint32_t>(how.order[d]);
  }
  p.mode = static_cast<uint32_t>(how.mode);
  p.padding = static_cast<uint32_t>(how.padding);
  p.align_corners = how.align_corners ? 1 : 0;
  p.chunk = p.channels;
  p.chunks = 1;
  return p;
}

// From the image `first` of a contiguous batch on.
Tensor images(const Tensor& t, int64_t first, int64_t count) {
  Dims sizes(t.sizes());
  sizes[0] = count;
  return make_view(t, sizes, t.strides(), t.offset() + first * t.strides()[0]);
}

// f(first, count) for as many images at a time as `each` threads of one allow.
template <class F>
void by_images(int64_t batch, int64_t each, F&& f) {
  RT_CHECK(each < kMaxElements, NotImplemented, "grid_sample", "too many points of an image");
  const int64_t step = std::max<int64_t>(1, (kMaxElements - 1) / each);
  for (int64_t first = 0; first < batch; first += step) f(first, std::min(step, batch - first));
}

void sample_points(const Tensor& out, const Tensor& x, const Tensor& grid,
                   const PointSampling& how) {
  PointsPlan p = points_plan(x, grid, how);
  const Kernel& k = float_kernel(out, "sample_points_", "grid_sample");
  ComputeDevice& device = device_of(out);
  // Channels share what is worked out of a point, as long as enough threads are left.
  const int64_t batch = x.sizes()[0], wanted = int64_t{device.info().cores} * 2048;
  p.chunks = static_cast<uint32_t>(std::clamp<int64_t>(wanted / (batch * p.points), 1, p.channels));
  p.chunk = (p.channels + p.chunks - 1) / p.chunks;
  p.chunks = (p.channels + p.chunk - 1) / p.chunk;
  const int64_t each = int64_t{p.points} * p.chunks;
  by_images(batch, each, [&](int64_t first, int64_t count) {
    p.n = static_cast<uint32_t>(count * each);
    launch_items(device, k, p.n,
                 arguments(images(out, first, count), images(x, first, count),
                           images(grid, first, count), p));
  });
}

void sample_points_grad(const Tensor& grad_grid, const Tensor& grad, const Tensor& x,
                        const Tensor& grid, const PointSampling& how) {
  PointsPlan p = points_plan(x, grid, how);
  const Kernel& k = float_kernel(grad_grid, "sample_points_grad_", "grid_sample");
  by_images(x.sizes()[0], p.points, [&](int64_t first, int64_t count) {
    p.n = static_cast<uint32_t>(count * p.points);
    launch_items(device_of(x), k, p.n,
                 arguments(images(grad_grid, first, count), images(grad, first, count),
                           images(x, first, count), images(grid, first, count), p));
  });
}

void scatter_points(const Tensor& x, const Tensor& grad, const Tensor& grid,
                    const PointSampling& how) {
  PointsPlan p = points_plan(x, grid, how);
  const Kernel& k = float_kernel(x, "scatter_points_", "grid_sample");
  ComputeDevice& device = device_of(x);
  const int64_t taps = int64_t{p.points} * p.taps;
  by_images(x.sizes()[0], taps * p.channels, [&](int64_t first, int64_t count) {
    const Tensor places = empty({count, taps}, DType::Int32, x.device());
    const Tensor weights = empty({count, taps}, DType::Float32, x.device());
    p.n = static_cast<uint32_t>(count * p.points);
    launch_items(device, kernel(device, "point_taps"), p.n,
                 arguments(places, weights, images(grid, first, count), p));
    const SortedLines sorted = sort_lines("grid_sample", places, taps, false);
    p.n = static_cast<uint32_t>(count * taps * p.channels);
    launch_items(device, k, p.n,
                 arguments(images(x, first, count), images(grad, first, count), places, weights,
                           sorted.places, p));
  });
}

const RegisterGpuKernel register_resample(resample_kernel, &resample);
const RegisterGpuKernel register_sample(sample_points_kernel, &sample_points);
const RegisterGpuKernel register_scatter(scatter_points_kernel, &scatter_points);
const RegisterGpuKernel register_grad(sample_points_grad_kernel, &sample_points_grad);

}  // namespace

}  // namespace rt::gpu
