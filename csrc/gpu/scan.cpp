// Running sums, products, logarithms of sums and extremes on every compute device.
#include "gpu/rows.h"
#include "ops/elementwise.h"
#include "ops/scan_kernels.h"
#include "rt_scan_plan.h"

namespace rt::gpu {

namespace {

constexpr int64_t kTile = 1024;  // values that a group takes at once
constexpr int64_t kShortColumn = 1024;

const char* name_of(ScanStep step) {
  static constexpr const char* names[] = {"sum", "prod", "logsumexp", "max", "min"};
  return names[static_cast<int>(step)];
}

// Parts of a row: one, unless rows are long and too few for the device.
int64_t parts_of(int64_t rows, int64_t n, uint32_t cores) {
  const int64_t wanted = (int64_t{cores} * 8 + rows - 1) / rows;
  return std::clamp<int64_t>(std::min(wanted, n / (4 * kTile)), 1, 1024);
}

struct Scan {
  ScanStep step;
  bool reverse;
  const char* op = name_of(step);

  const Kernel& find(ComputeDevice& device, const char* form, const Tensor& x) const {
    return kernel_for(device, cat_str("scan_", form, "_", name_of(step), "_", kernel_type(x)), op,
                      TensorList(&x, 1));
  }
  ScanPlan plan_of(const Shape3& s) const {
    const uint32_t n = static_cast<uint32_t>(s.size);
    return {
        static_cast<uint32_t>(s.outer * s.inner), n, static_cast<uint32_t>(s.inner), 1, n, reverse};
  }

  // index may be undefined: what is bound in its place is not written.
  void rows(const Tensor& x, const Shape3& s, const Tensor& out, const Tensor& index) const {
    ComputeDevice& device = device_of(out);
    ScanPlan plan = plan_of(s);
    const int64_t parts = parts_of(s.outer, s.size, device.info().cores);
    plan.chunk = static_cast<uint32_t>(((s.size + parts - 1) / parts + kTile - 1) / kTile * kTile);
    plan.parts = groups_for(s.size, plan.chunk);
    const uint32_t groups = plan.rows * plan.parts;
    const Kernel& walk = find(device, "rows", x);
    Tensor before = out;
    if (plan.parts > 1) {
      before = empty({groups, 2}, DType::Int64, x.device());
      device.launch(find(device, "totals", x), {groups}, {kThreads}, arguments(before, x, plan));
      launch_items(device, find(device, "carries", x), int64_t{plan.rows} * kSimdWidth,
                   arguments(before, plan));
    }
    device.launch(walk, {groups}, {kThreads},
                  arguments(out, index.defined() ? index : out, x, before, plan));
  }
  void columns(const Tensor& x, const Shape3& s, const Tensor& out, const Tensor& index) const {
    ComputeDevice& device = device_of(out);
    launch_items(device, find(device, "columns", x), s.outer * s.inner,
                 arguments(out, index.defined() ? index : out, x, plan_of(s)));
  }
  // Few long columns: as rows of a copy.
  void turned(const Tensor& x, const Shape3& s, const Tensor& out, const Tensor& index) const {
    const auto across = [&](const Tensor& t) {
      return make_view(t, Dims{s.outer, s.inner, s.size}, Dims{s.size * s.inner, 1, s.inner},
                       t.offset());
    };
    const auto fresh = [&](DType type) {
      return empty({s.outer, s.inner, s.size}, type, x.device());
    };
    const Tensor in = fresh(x.dtype()), result = fresh(x.dtype());
    const Tensor places = index.defined() ? fresh(DType::Int64) : Tensor();
    copy_kernel(in, in, across(x));
    rows(in, {s.outer * s.inner, s.size, 1}, result, places);
    copy_kernel(out, across(out), result);
    if (places.defined()) copy_kernel(out, across(index), places);
  }
};

void scan(ScanStep step, const Tensor& x, int64_t dim, bool reverse, const Tensor& out,
          const Tensor& index) {
  const Scan run{step, reverse};
  const Shape3 s = around(x, dim, run.op);
  if (s.inner == 1) return run.rows(x, s, out, index);
  const bool few = s.outer * s.inner < int64_t{device_of(out).info().cores} * kThreads;
  few&& s.size > kShortColumn ? run.turned(x, s, out, index) : run.columns(x, s, out, index);
}

const RegisterGpuKernel register_scan(scan_kernel, &scan);

}  // namespace

}  // namespace rt::gpu
