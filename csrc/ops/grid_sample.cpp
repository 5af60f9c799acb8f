// grid_sample and the grids of affine maps (Jaderberg et al., 2015).
#include "autograd/vjp.h"
#include "core/warning.h"
#include "ops/elementwise.h"
#include "ops/ops.h"
#include "ops/resample.h"

namespace rt {

KernelSlot<void(const Tensor&, const Tensor&, const Tensor&, const PointSampling&)>
    sample_points_kernel{"sample_points"}, scatter_points_kernel{"scatter_points"};
KernelSlot<void(const Tensor&, const Tensor&, const Tensor&, const Tensor&, const PointSampling&)>
    sample_points_grad_kernel{"sample_points_grad"};

namespace {

constexpr const char* kName = "grid_sample";

// The arguments of the internal ops: (..., int mode, int padding, bool align_corners, int[] order).
struct How {
  int64_t mode, padding;
  bool align;
  Dims order;

  PointSampling sampling() const { return {mode, padding, align, order}; }
  How derived(int64_t d) const {
    How h = *this;
    ++h.order[d];
    return h;
  }
};
How how_of(const VjpContext& c, int first) {
  return {c.arg<int64_t>(first), c.arg<int64_t>(first + 1), c.arg<bool>(first + 2),
          Dims(c.arg<IntList>(first + 3))};
}

Tensor sample(const Tensor& x, const Tensor& grid, const How& how);
Tensor scatter(const Tensor& g, const Tensor& grid, IntList spatial, const How& how);
Tensor points_grad(const Tensor& g, const Tensor& x, const Tensor& grid, const How& how);

// The gradient of the grid (n, points, dims), in ops: the sum over channels of g times the samples
// with weights derived once more along each dim.
Tensor grid_gradient(const Tensor& g, const Tensor& x, const Tensor& grid, const How& how) {
  const int64_t dims = grid.sizes()[2], channel[] = {1};
  std::vector<Tensor> parts;
  for (int64_t d = dims - 1; d >= 0; --d) {
    parts.push_back(ops::sum(g * sample(x, grid, how.derived(d)), IntList(channel, 1)));
  }
  return ops::stack(parts, -1);
}

Tensor sample_forward(const Tensor& x, const Tensor& grid, int64_t mode, int64_t padding,
                      bool align, IntList order) {
  NoGradGuard guard;
  const Tensor out =
      empty({x.sizes()[0], x.sizes()[1], grid.sizes()[1]}, x.dtype(), x.device(), kName);
  if (out.numel() > 0) {
    sample_points_kernel(out, out, ops::contiguous(x), ops::contiguous(grid),
                         {mode, padding, align, order});
  }
  return out;
}
void sample_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const Tensor x = c.input(0), grid = c.input(1);
  const How how = how_of(c, 2);
  if (c.needs(0)) c.set(0, scatter(c.grad(), grid, x.sizes().slice(2, x.sizes().size() - 2), how));
  if (!c.needs(1)) return;
  c.set(1,
        modes().grad ? grid_gradient(c.grad(), x, grid, how) : points_grad(c.grad(), x, grid, how));
}
const Op sample_op(
    "_sample_points(Tensor input, Tensor grid, int mode, int padding, bool align_corners, int[] "
    "order) -> Tensor",
    sample_forward,
    {.vjp = sample_vjp, .saves = "input grid", .in = "", .kernels = {&sample_points_kernel}});

Tensor scatter_forward(const Tensor& g, const Tensor& grid, IntList spatial, int64_t mode,
                       int64_t padding, bool align, IntList order) {
  NoGradGuard guard;
  Dims size{g.sizes()[0], g.sizes()[1]};
  for (int64_t s : spatial) size.push_back(s);
  const Tensor x = ops::zeros(size, g.dtype(), g.device());
  if (g.numel() > 0) {
    scatter_points_kernel(x, x, ops::contiguous(g), ops::contiguous(grid),
                          {mode, padding, align, order});
  }
  return x;
}
void scatter_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const How how = how_of(c, 3);
  const Tensor grid = c.input(1);
  if (c.needs(0)) c.set(0, sample(c.grad(), grid, how));
  if (c.needs(1)) c.set(1, grid_gradient(c.input(0), c.grad(), grid, how));
}
const Op scatter_op(
    "_scatter_points(Tensor grad, Tensor grid, int[] size, int mode, int padding, bool "
    "align_corners, "
    "int[] order) -> Tensor",
    scatter_forward,
    {.vjp = scatter_vjp, .saves = "grad grid", .in = "", .kernels = {&scatter_points_kernel}});

Tensor points_grad_forward(const Tensor& g, const Tensor& x, const Tensor& grid, int64_t mode,
                           int64_t padding, bool align, IntList order) {
  const Tensor out = ops::zeros(grid.sizes(), grid.dtype(), grid.device());
  if (g.numel() > 0) {
    sample_points_grad_kernel(out, out, ops::contiguous(g), ops::contiguous(x),
                              ops::contiguous(grid), {mode, padding, align, order});
  }
  return out;
}
const Op points_grad_op(
    "_sample_points_grad(Tensor grad, Tensor input, Tensor grid, int mode, int padding, bool "
    "align_corners, "
    "int[] order) -> Tensor",
    points_grad_forward, {.in = "", .kernels = {&sample_points_grad_kernel}});

Tensor sample(const Tensor& x, const Tensor& grid, const How& how) {
  return sample_op(x, grid, how.mode, how.padding, how.align, how.order);
}
Tensor scatter(const Tensor& g, const Tensor& grid, IntList spatial, const How& how) {
  return scatter_op(g, grid, spatial, how.mode, how.padding, how.align, how.order);
}
Tensor points_grad(const Tensor& g, const Tensor& x, const Tensor& grid, const How& how) {
  return points_grad_op(g, x, grid, how.mode, how.padding, how.align, how.order);
}

template <size_t N>
int64_t choice(const char* const (&names)[N], std::string_view given) {
  for (size_t i = 0; i < N; ++i) {
    if (given == names[i]) return static_cast<int64_t>(i);
  }
  return -1;
}

void check(const Tensor& x, const Tensor& grid, int64_t mode) {
  const int64_t dims = x.dim() - 2;
  RT_CHECK(x.device() == grid.device(), Runtime, kName,
           "expected input and grid to be on same device",
           cat_str(describe(x), " and ", describe(grid)));
  RT_CHECK((dims == 2 || dims == 3) && grid.dim() == x.dim(), Runtime, kName,
           cat_str("expected 4D or 5D input and grid with same number of dimensions, but got input "
                   "with sizes ",
                   x.sizes(), " and grid with sizes ", grid.sizes()));
  RT_CHECK(x.sizes()[0] == grid.sizes()[0], Runtime, kName,
           cat_str("expected grid and input to have same batch size, but got input with sizes ",
                   x.sizes(), " and grid with sizes ", grid.sizes()));
  RT_CHECK(grid.sizes().back() == dims, Runtime, kName,
           cat_str("expected grid to have size ", dims,
                   " in last dimension, but got grid with sizes ", grid.sizes()));
  int64_t plane = 1;
  for (int64_t d = 2; d < x.dim(); ++d) {
    RT_CHECK(x.sizes()[d] > 0, Runtime, kName,
             cat_str("expected input to have non-empty spatial dimensions, but input has sizes ",
                     x.sizes()));
    plane *= x.sizes()[d];
  }
  RT_CHECK(plane < INT32_MAX, Runtime, kName, "an image has too many elements", describe(x));
  RT_CHECK(mode != PointSampling::Cubic || dims == 2, Runtime, kName,
           "bicubic interpolation only supports 4D input");
  RT_CHECK(x.dtype() == grid.dtype(), Runtime, kName,
           cat_str("expected input and grid to have same dtype, but input has ", x.dtype(),
                   " and grid has ", grid.dtype()));
  if (!is_floating(x.dtype())) not_implemented_for(kName, x);
}

Tensor grid_sample_forward(const Tensor& x, const Tensor& grid, std::string_view mode_name,
                           std::string_view padding_name, std::optional<bool> align_corners) {
  const int64_t mode = choice({"bilinear", "nearest", "bicubic"}, mode_name);
  RT_CHECK(mode >= 0, Value, kName,
           cat_str("expected mode to be 'bilinear', 'nearest' or 'bicubic', but got: '", mode_name,
                   "'"));
  const int64_t padding = choice({"zeros", "border", "reflection"}, padding_name);
  RT_CHECK(padding >= 0, Value, kName,
           cat_str("expected padding_mode to be 'zeros', 'border', or 'reflection', but got: '",
                   padding_name, "'"));
  if (!align_corners) {
    warn(kName,
         "Default grid_sample and affine_grid behavior has changed to align_corners=False since "
         "1.3.0. Please specify "
         "align_corners=True if the old behavior is desired. See the documentation of grid_sample "
         "for details.");
  }
  check(x, grid, mode);
  const int64_t dims = x.dim() - 2;
  int64_t points = 1;
  Dims size{x.sizes()[0], x.sizes()[1]};
  for (int64_t d = 1; d <= dims; ++d) {
    points *= grid.sizes()[d];
    size.push_back(grid.sizes()[d]);
  }
  const DType wide = compute_type(x.dtype());
  const Tensor flat = ops::reshape(ops::to(grid, wide), {grid.sizes()[0], points, dims});
  const How how{mode, padding, align_corners.value_or(false), Dims(static_cast<size_t>(dims))};
  return ops::to(ops::reshape(sample(ops::to(x, wide), flat, how), size), x.dtype());
}
const Op grid_sample_op(
    "grid_sample(Tensor input, Tensor grid, str mode='bilinear', str padding_mode='zeros', "
    "bool? align_corners=None) -> Tensor",
    grid_sample_forward,
    {.in = "nn.functional",
     .doc =
         R"(The input (N, C, [D,] H, W) at points of `grid` (N, ..., 2 or 3), whose coordinates run from -1 to 1.

The last dim of the grid is (x, y[, z]). `mode` is "bilinear", "nearest" or "bicubic" (4-D); outside the
image `padding_mode` "zeros", "border" or "reflection" rules. Follows
`torch.nn.functional.grid_sample`.

>>> image = rt.tensor([[[[1., 2.], [3., 4.]]]])
>>> nn.functional.grid_sample(image, rt.zeros(1, 1, 1, 2), align_corners=False)
tensor([[[[2.5000]]]])
)"});

// ---- affine_grid ----

// The coordinates of n elements along a dim.
Tensor coordinates(int64_t n, bool align_corners, const Tensor& like) {
  if (n == 1) return ops::zeros({1}, like.dtype(), like.device());
  const double edge = align_corners ? 1 : 1 - 1 / static_cast<double>(n);
  return ops::linspace(-edge, edge, n, like.dtype(), like.device());
}

Tensor affine_grid_forward(const Tensor& theta, IntList size, std::optional<bool> align_corners) {
  const char* op = "affine_grid";
  if (!align_corners) {
    warn(op,
         "Default grid_sample and affine_grid behavior has changed to align_corners=False since "
         "1.3.0. Please specify "
         "align_corners=True if the old behavior is desired. See the documentation of grid_sample "
         "for details.");
  }
  RT_CHECK(is_floating(theta.dtype()), Value, op, "Expected theta to have floating point type",
           describe(theta));
  const int64_t dims = size.ssize() - 2;
  RT_CHECK(
      dims == 2 || dims == 3, NotImplemented, op,
      "affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, respectively.",
      cat_str(size));
  RT_CHECK(theta.dim() == 3 && theta.sizes()[1] == dims && theta.sizes()[2] == dims + 1, Value, op,
           cat_str("Expected a batch of ", dims, "D affine matrices of shape Nx", dims, "x",
                   dims + 1, " for size ", size, ". Got ", theta.sizes(), "."));
  for (int64_t s : size) {
    RT_CHECK(s > 0, Value, op, cat_str("Expected non-zero, positive output size. Got ", size));
  }
  Dims spatial(size.slice(2, static_cast<size_t>(dims)));
  std::vector<Tensor> parts;  // (x, y[, z], 1): the last dim first
  for (int64_t d = dims - 1; d >= 0; --d) {
    Dims shape(static_cast<size_t>(dims), 1);
    shape[d] = spatial[d];
    parts.push_back(ops::expand(
        ops::reshape(coordinates(spatial[d], align_corners.value_or(false), theta), shape),
        spatial));
  }
  parts.push_back(ops::ones(spatial, theta.dtype(), theta.device()));
  int64_t points = 1;
  for (int64_t s : spatial) points *= s;
  const Tensor base = ops::reshape(ops::stack(parts, -1), {1, points, dims + 1});
  Dims out(spatial);
  out.insert(0, size[0]);
  out.push_back(dims);
  return ops::reshape(ops::matmul(base, ops::transpose(theta, 1, 2)), out);
}
const Op affine_grid_op(
    "affine_grid(Tensor theta, int[] size, bool? align_corners=None) -> Tensor",
    affine_grid_forward,
    {.in = "nn.functional",
     .doc =
         R"(Sampling positions for `grid_sample`: maps (N, 2, 3) and a size (N, C, H, W) give (N, H, W, 2).

The same in 3-D: (N, 3, 4) and (N, C, D, H, W). ValueError for other shapes of theta. Follows
`torch.nn.functional.affine_grid`.

>>> identity = rt.tensor([[[1., 0, 0], [0, 1, 0]]])
>>> nn.functional.affine_grid(identity, (1, 1, 1, 2), align_corners=True)[0, 0, :, 0]
tensor([-1.,  1.])
)"});

}  // namespace

}  // namespace rt
