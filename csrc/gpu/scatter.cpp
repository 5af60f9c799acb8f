// Writes at indices on every compute device.
#include <optional>

#include "cpu/strided.h"
#include "gpu/dense.h"
#include "gpu/index.h"
#include "gpu/plan.h"
#include "gpu/sort.h"
#include "ops/index_support.h"
#include "rt_index_plans.h"

namespace rt::gpu {

namespace {

constexpr int64_t kMaxDims = 4;  // of the serial dims, and of lines

// Runs of equal indices are taken in order, element by element, where no line has more than this;
// else in chunks, whose order is fixed as well.
constexpr int64_t kInOrder = 2048;
constexpr int64_t kChunk = 256;

// The kernel that combines in this way, for the type or, where items are only moved, its size.
std::string kernel_name(const char* base, ScatterMode mode, DType t) {
  if (mode == ScatterMode::Assign) return cat_str(base, "assign_", item_size(t));
  static constexpr const char* names[] = {"", "add_", "mul_", "max_", "min_"};
  // Of bools, the larger is the sum and the smaller the product.
  const int i = static_cast<int>(mode) - (t == DType::Bool && mode >= ScatterMode::Max ? 2 : 0);
  const char* type = shader_type(t);
  return cat_str(base, names[i], type ? type : name(t));
}

// t over some of its dims.
Tensor over(const Tensor& t, const Dims& dims) {
  Dims sizes, strides;
  for (int64_t d : dims) {
    sizes.push_back(t.sizes()[d]);
    strides.push_back(t.strides()[d]);
  }
  return make_view(t, sizes, strides, t.offset());
}

// Dims in row-major order merged where two operands allow it, innermost first.
struct Merged {
  uint32_t numel = 1, ndim = 0;
  uint32_t sizes[kMaxDims] = {};
  int64_t a[kMaxDims] = {}, b[kMaxDims] = {};
};
// Nothing if more dims are left than kernels take.
std::optional<Merged> merge(IntList sizes, IntList a, IntList b) {
  // The first operand keeps the order.
  cpu::StridedPlan plan(sizes);
  plan.add(nullptr, contiguous_strides(sizes));
  plan.add(nullptr, a);
  plan.add(nullptr, b);
  plan.finish();
  if (plan.ndim() > kMaxDims) return {};
  RT_CHECK(plan.numel() < kMaxElements, NotImplemented, "scatter", "2**31 elements may meet",
           cat_str(sizes));
  Merged m;
  m.numel = static_cast<uint32_t>(plan.numel());
  m.ndim = static_cast<uint32_t>(plan.ndim());
  for (int64_t d = 0; d < plan.ndim(); ++d) {
    m.sizes[d] = static_cast<uint32_t>(plan.sizes()[d]);
    m.a[d] = plan.operand(1).strides[d];
    m.b[d] = plan.operand(2).strides[d];
  }
  return m;
}

Tensor dense(const Tensor& t) {
  const Tensor copy = empty(t.sizes(), t.dtype(), t.device());
  copy_kernel(copy, copy, t);
  return copy;
}

uint64_t byte_offset(const Tensor& t, int64_t extra) {
  return static_cast<uint64_t>(t.offset() * static_cast<int64_t>(t.item_size()) + extra);
}

// What all ways of scattering are given.
struct Scatter {
  Tensor target, values, index;
  int64_t step;
  Dims free, serial;  // dims of values
  ScatterMode mode;

  const Kernel& kernel_of(const char* base) const {
    const Tensor tensors[] = {target, values, index};
    return kernel_for(device_of(target), kernel_name(base, mode, values.dtype()), "scatter",
                      TensorList(tensors, 3));
  }
};

// A thread for each place of the free dims. False if there are too many serial dims.
bool scatter_in_order(const Scatter& s) {
  const Tensor values = over(s.values, s.serial), index = over(s.index, s.serial);
  const auto serial = merge(values.sizes(), values.strides(), index.strides());
  if (!serial) return false;
  ScatterPlan plan{};
  plan.step = s.step;
  plan.serial = serial->numel;
  plan.ndim = serial->ndim;
  for (int d = 0; d < kMaxDims; ++d) {
    plan.sizes[d] = serial->sizes[d];
    plan.value_strides[d] = serial->a[d];
    plan.index_strides[d] = serial->b[d];
  }
  const Kernel& k = s.kernel_of("scatter_");
  const PlanInput in[] = {{over(s.values, s.free), s.values.dtype()},
                          {over(s.index, s.free), s.index.dtype()}};
  plan_elementwise(over(s.target, s.free), in, [&](const PlannedLaunch& l) {
    plan.free = l.plan;
    Arguments a;
    a.memory(*s.target.storage(), byte_offset(s.target, l.offsets[0]));
    a.memory(*s.values.storage(), byte_offset(s.values, l.offsets[1]));
    a.memory(*s.index.storage(), byte_offset(s.index, l.offsets[2]));
    a.value(plan);
    launch_items(device_of(s.target), k, l.plan.n, a);
  });
  return true;
}

// The index is sorted along the serial dims, for each line of the free dims that it varies along.
// False if there are too many dims.
bool scatter_sorted(const Scatter& s) {
  Dims line_dims, rest_dims;
  int64_t rest = 1;
  for (int64_t d : s.free) {
    const bool varies = s.index.strides()[d] != 0;
    (varies ? line_dims : rest_dims).push_back(d);
    if (!varies) rest *= s.values.sizes()[d];
  }
  const Tensor line_target = over(s.target, line_dims), line_values = over(s.values, line_dims);
  const Tensor serial_values = over(s.values, s.serial);
  const auto lines = merge(line_values.sizes(), line_target.strides(), line_values.strides());
  const auto serial =
      merge(serial_values.sizes(), serial_values.strides(), serial_values.strides());
  if (!lines || !serial) return false;

  Dims order(line_dims);
  for (int64_t d : s.serial) order.push_back(d);
  const Tensor index = dense(over(s.index, order));
  const int64_t serial_n = serial->numel, places = index.numel();
  if (places >= kMaxElements) return false;
  const Tensor matrix = make_view(index, {places / serial_n, serial_n}, {serial_n, 1}, 0);
  const SortedLines sorted = sort_lines("scatter", matrix, serial_n, false);

  ScatterRunsPlan plan{};
  plan.step = s.step;
  plan.serial = serial->numel;
  plan.line_dims = lines->ndim;
  plan.serial_dims = serial->ndim;
  for (int d = 0; d < kMaxDims; ++d) {
    plan.line_sizes[d] = lines->sizes[d];
    plan.line_target_strides[d] = lines->a[d];
    plan.line_value_strides[d] = lines->b[d];
    plan.serial_sizes[d] = serial->sizes[d];
    plan.serial_value_strides[d] = serial->a[d];
  }
  const bool chunked =
      s.mode != ScatterMode::Assign && serial_n > kInOrder && places / kChunk * rest < kMaxElements;
  plan.chunk = chunked ? kChunk : 0;
  ComputeDevice& device = device_of(s.target);
  const Kernel& k = s.kernel_of("scatter_runs_");
  const PlanInput in[] = {{over(s.values, rest_dims), s.values.dtype()}};
  plan_elementwise(over(s.target, rest_dims), in, [&](const PlannedLaunch& l) {
    plan.rest = l.plan;
    const auto bound = [&](const Tensor& to, int64_t offset) {
      Arguments a;
      a.memory(*to.storage(), byte_offset(to, offset));
      a.memory(*s.values.storage(), byte_offset(s.values, l.offsets[1]));
      bind(a, sorted.keys);
      bind(a, sorted.places);
      return a;
    };
    Tensor partials = s.target;
    if (chunked) {
      const int64_t chunks = (places + kChunk - 1) / kChunk;
      partials = empty({chunks, l.plan.n}, s.values.dtype(), s.target.device());
      plan.count = static_cast<uint32_t>(places);
      launch_items(device, s.kernel_of("scatter_partials_"), chunks * l.plan.n,
                   bound(partials, 0).value(plan));
    }
    const int64_t at_once = std::max<int64_t>(1, (kMaxElements - 1) / l.plan.n);
    for (int64_t first = 0; first < places; first += at_once) {
      plan.first = static_cast<uint32_t>(first);
      plan.count = static_cast<uint32_t>(std::min(at_once, places - first));
      Arguments a = bound(s.target, l.offsets[0]);
      bind(a, partials);
      a.value(plan);
      launch_items(device, k, int64_t{plan.count} * l.plan.n, a);
    }
  });
  return true;
}

void scatter(const Tensor& target, const Tensor& index, int64_t step, const Tensor& values,
             int64_t begin, int64_t end, ScatterMode mode) {
  if (values.numel() == 0) return;
  Scatter s{target, values, index, step, {}, {}, mode};
  int64_t free = 1, serial = 1;
  for (int64_t d = 0; d < values.dim(); ++d) {
    const bool meets = d >= begin && d < end;
    (meets ? s.serial : s.free).push_back(d);
    (meets ? serial : free) *= values.sizes()[d];
  }
  if (sorts_scatter(free, serial) && scatter_sorted(s)) return;
  if (scatter_in_order(s)) return;
  // The dims of copies in row-major order merge.
  s.values = dense(values);
  s.index = dense(index);
  scatter_in_order(s);
}

const RegisterGpuKernel register_scatter(scatter_kernel, &scatter);

}  // namespace

bool sorts_scatter(int64_t free, int64_t serial) {
  constexpr int64_t kShort = 32;         // as quick in order
  constexpr int64_t kBusy = 128 * 1024;  // threads that keep a device busy
  return serial > kShort && free < kBusy;
}

}  // namespace rt::gpu
