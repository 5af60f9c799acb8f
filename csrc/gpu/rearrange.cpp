// Triangles and reversals on every compute device.
#include "ops/rearrange.h"

#include "gpu/dense.h"
#include "gpu/plan.h"
#include "ops/diagonal.h"
#include "rt_creation_plans.h"

namespace rt::gpu {

namespace {

void triangle(const Tensor& out, const Tensor& x, int64_t k, bool upper) {
  ComputeDevice& device = device_of(out);
  const int64_t rows = x.size(-2), columns = x.size(-1);
  const int64_t item = static_cast<int64_t>(x.item_size());
  RT_CHECK(rows < kMaxElements && columns < kMaxElements, NotImplemented, upper ? "triu" : "tril",
           "a matrix has 2**31 rows or columns", describe(x));
  const int64_t lines = out.numel() / columns, at_once = kMaxElements / columns;
  for (int64_t first = 0; first < lines; first += at_once) {
    const int64_t n = std::min(at_once, lines - first) * columns;
    const bool packed = is_aligned(out) && is_aligned(x) && first * columns * item % 16 == 0;
    const uint64_t constants[] = {packed ? uint64_t{0} : uint64_t{1}};
    TrianglePlan plan{};
    plan.n = static_cast<uint32_t>(n);
    plan.rows = static_cast<uint32_t>(rows);
    plan.columns = static_cast<uint32_t>(columns);
    plan.first_row = static_cast<uint32_t>(first % rows);
    plan.k = k;
    plan.upper = upper ? 1 : 0;
    Arguments a;
    a.memory(*out.storage(), static_cast<uint64_t>((out.offset() + first * columns) * item));
    a.memory(*x.storage(), static_cast<uint64_t>((x.offset() + first * columns) * item));
    a.value(plan);
    const int64_t each = 16 / item;
    launch_items(device, kernel(device, "triangle_" + size_name(out), constants),
                 (n + each - 1) / each, a);
  }
}

void flip(const Tensor& out, const Tensor& x, IntList reversed) {
  ComputeDevice& device = device_of(out);
  const int64_t item = static_cast<int64_t>(x.item_size());
  Dims strides(x.strides());
  int64_t last = 0;
  for (size_t d = 0; d < strides.size(); ++d) {
    if (!reversed[d]) continue;
    last += (x.sizes()[d] - 1) * strides[d];
    strides[d] = -strides[d];
  }
  // Offsets of launches count from the reversed start; memory is bound from x's own on.
  const PlanInput in[] = {{make_view(x, x.sizes(), strides, x.offset() + last), x.dtype()}};
  plan_elementwise(out, in, [&](const PlannedLaunch& l) {
    Arguments a;
    a.memory(*out.storage(), static_cast<uint64_t>(out.offset() * item + l.offsets[0]));
    a.memory(*x.storage(), static_cast<uint64_t>(x.offset() * item));
    a.value(l.plan);
    a.value(last + l.offsets[1] / item);
    launch_items(device, kernel(device, "flip_" + size_name(out)), l.plan.n, a);
  });
}

const RegisterGpuKernel register_triangle(triangle_kernel, &triangle);
const RegisterGpuKernel register_flip(flip_kernel, &flip);

}  // namespace

}  // namespace rt::gpu
