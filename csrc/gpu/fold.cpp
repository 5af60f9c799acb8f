// Fold and unfold on every compute device.
#include "ops/fold.h"

#include <algorithm>

#include "gpu/launch.h"
#include "rt_plans_fold.h"

namespace rt::gpu {

namespace {

// Launches `name` for as many planes of `out` and `in` at a time as one launch takes.
void by_planes(const Kernel& kernel, const Tensor& out, const Tensor& in, const FoldGeometry& g,
               int64_t planes) {
  FoldPlan p{};
  for (size_t d = 0; d < 2; ++d) {
    p.size[d] = static_cast<uint32_t>(d == 0 ? g.height : g.width);
    p.kernel_size[d] = static_cast<uint32_t>(g.kernel[d]);
    p.dilation[d] = static_cast<uint32_t>(g.dilation[d]);
    p.padding[d] = static_cast<uint32_t>(g.padding[d]);
    p.stride[d] = static_cast<uint32_t>(g.stride[d]);
    p.windows[d] = static_cast<uint32_t>(g.windows(d));
  }
  const int64_t to = out.numel() / planes, from = in.numel() / planes;
  const int64_t step = std::max<int64_t>(1, kMaxElements / to);
  for (int64_t first = 0; first < planes; first += step) {
    const int64_t count = std::min(step, planes - first);
    p.n = static_cast<uint32_t>(count * to);
    const auto some = [&](const Tensor& t, int64_t each) {
      return make_view(t, {count * each}, {1}, t.offset() + first * each);
    };
    launch_items(device_of(out), kernel, p.n, arguments(some(out, to), some(in, from), p));
  }
}

void unfold(const Tensor& columns, const Tensor& x, const FoldGeometry& g) {
  const Kernel& k = kernel(device_of(x), cat_str("unfold_", x.item_size()));
  by_planes(k, columns, x, g, x.numel() / (g.height * g.width));
}

void fold(const Tensor& x, const Tensor& columns, const FoldGeometry& g) {
  const char* type = shader_type(x.dtype());
  const Kernel& k = kernel_for(device_of(x), cat_str("fold_", type ? type : name(x.dtype())),
                               "fold", TensorList(&columns, 1));
  by_planes(k, x, columns, g, x.numel() / (g.height * g.width));
}

const RegisterGpuKernel register_unfold(unfold_kernel, &unfold);
const RegisterGpuKernel register_fold(fold_kernel, &fold);

}  // namespace

}  // namespace rt::gpu
