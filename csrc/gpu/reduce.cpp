// Reductions on every compute device.
#include "gpu/formulas.h"
#include "gpu/launch.h"
#include "gpu/reduce_form.h"
#include "ops/elementwise_sum.h"
#include "ops/reduce_axes.h"
#include "ops/reduction.h"
#include "rt_reduce_plan.h"

namespace rt::gpu {

namespace {

constexpr size_t kMaxDims = 8;

struct Job {
  const char* kernel;  // its name between "reduce_" and the type
  DType compute;
  Tensor x, result, second;
  ReduceAxes kept{}, reduced{};
  bool root = false;
  double parameter = 1;
  int64_t at = 0, out_at = 0;  // elements from the first of x and of the results on
};

// Kernels are named after what they compute; the rest is in the plan.
const char* kernel_of(const ReduceSlot& slot) {
  const std::string_view name = slot.name();
  return name == "std" ? "var" : slot.name();
}
bool has_root(const ReduceSlot& slot) {
  const std::string_view name = slot.name();
  return name == "std" || name == "norm2";
}
bool is_truth(std::string_view kernel) { return kernel == "any" || kernel == "all"; }

// The type whose values a kernel reads as they are, to compute in `compute`; else the input has to
// be converted first.
DType taken_type(std::string_view kernel, DType from, DType compute) {
  const bool byte = from == DType::Bool || (is_truth(kernel) && from == DType::Int8);
  if (!is_truth(kernel) && is_floating(compute) != is_floating(from)) return compute;
  return byte ? DType::UInt8 : from;
}
// The type of the states between two launches.
const char* state_type(std::string_view kernel, DType compute) {
  if (is_floating(compute)) return "float";
  if (compute == DType::Int64 && !is_truth(kernel)) return "long";
  return "int";
}

Tensor in_type(const Tensor& x, DType type) {
  if (x.dtype() == type) return x;
  if (x.dtype() == DType::Bool && type == DType::UInt8) {
    return make_view(x, x.sizes(), x.strides(), x.offset(), type);
  }
  Tensor t = empty(x.sizes(), type, x.device());
  copy_kernel(t, t, x);
  return t;
}

// The same values in a row, kept dims first.
Tensor in_order(const Tensor& x, uint64_t reduced) {
  Dims sizes, strides;
  for (const uint64_t kind : {uint64_t{0}, uint64_t{1}}) {
    for (size_t d = 0; d < x.sizes().size(); ++d) {
      if ((reduced >> d & 1) != kind) continue;
      sizes.push_back(x.sizes()[d]);
      strides.push_back(x.strides()[d]);
    }
  }
  Tensor t = empty(sizes, x.dtype(), x.device());
  copy_kernel(t, t, make_view(x, sizes, strides, x.offset()));
  return t;
}

void describe_axes(Job& job, uint64_t reduced, bool ordered) {
  job.kept = job.reduced = {};
  const Tensor& x = job.x;
  int64_t out = 1;
  Dims order;
  for (int64_t d = x.dim() - 1; d >= 0; --d) {
    if (reduced >> d & 1) {
      order.push_back(d);
    } else {
      job.kept.add(x.sizes()[d], x.strides()[d], out);
      out *= x.sizes()[d];
    }
  }
  // Reduced dims in memory order, but for reductions whose result tells positions.
  if (!ordered) {
    std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
      return std::abs(x.strides()[a]) < std::abs(x.strides()[b]);
    });
  }
  for (int64_t d : order) job.reduced.add(x.sizes()[d], x.strides()[d], 0);
}

// Whether 16 bytes along the reduced dims lie together and aligned, wherever a result's values are.
bool is_packed(const Job& job, int64_t pack) {
  const ReduceAxes& r = job.reduced;
  if (r.size.empty() || r.step[0] != 1) return false;
  if (r.size.size() > 1 && r.size[0] % pack != 0) return false;
  bool aligned = (job.x.offset() + job.at) % pack == 0;
  for (size_t d = 1; d < r.step.size(); ++d) aligned = aligned && r.step[d] % pack == 0;
  for (int64_t s : job.kept.step) aligned = aligned && s % pack == 0;
  return aligned;
}

uint32_t shader_code(const Tensor& t) {
  return t.defined() ? static_cast<uint32_t>(t.dtype()) : RT_TYPE_NONE;
}
static_assert(static_cast<uint32_t>(DType::Bool) == RT_TYPE_BOOL &&
              static_cast<uint32_t>(DType::Int64) == RT_TYPE_LONG &&
              static_cast<uint32_t>(DType::Float32) == RT_TYPE_FLOAT);

ReducePlan plan_of(const Job& job, const ReduceForm& form) {
  ReducePlan p{};
  p.total = static_cast<uint64_t>(job.reduced.count);
  p.results = static_cast<uint32_t>(job.kept.count);
  p.chunk = form.chunk;
  p.parts = form.parts;
  p.along = form.along;
  p.kept_dims = static_cast<uint32_t>(job.kept.size.size());
  p.reduced_dims = static_cast<uint32_t>(job.reduced.size.size());
  p.type = shader_code(job.result);
  p.second_type = shader_code(job.second);
  p.root = job.root;
  p.parameter = static_cast<float>(job.parameter);
  for (size_t d = 0; d < job.kept.size.size(); ++d) {
    p.kept_sizes[d] = static_cast<uint32_t>(job.kept.size[d]);
    p.kept_steps[d] = job.kept.step[d];
    p.kept_out[d] = job.kept.out[d];
  }
  for (size_t d = 0; d < job.reduced.size.size(); ++d) {
    p.reduced_sizes[d] = static_cast<uint32_t>(job.reduced.size[d]);
    p.reduced_steps[d] = job.reduced.step[d];
  }
  return p;
}

void bind_results(Arguments& a, const Job& job) {
  for (const Tensor* t : {&job.result, &job.second}) {
    const Tensor& bound = t->defined() ? *t : job.result.defined() ? job.result : job.second;
    const int64_t at = t->defined() ? job.out_at : 0;
    a.memory(*bound.storage(), static_cast<uint64_t>((bound.offset() + at) *
                                                     static_cast<int64_t>(bound.item_size())));
  }
}

// Results whose number fits 32 bits.
void launch(Job& job) {
  if (job.kept.count > kMaxElements) {
    ReduceAxes& k = job.kept;
    const size_t outer = k.size.size() - 1;
    const int64_t n = k.size[outer], rest = k.count / n, half = (n + 1) / 2;
    for (const auto& [begin, size] : {std::pair{int64_t{0}, half}, std::pair{half, n - half}}) {
      Job part = job;
      part.kept.size[outer] = size;
      part.kept.count = rest * size;
      part.at += begin * k.step[outer];
      part.out_at += begin * k.out[outer];
      launch(part);
    }
    return;
  }
  ComputeDevice& device = device_of(job.x);
  const int64_t pack = 16 / static_cast<int64_t>(job.x.item_size());
  const bool run = job.reduced.size.empty() || job.reduced.step[0] == 1;
  const bool packed = is_packed(job, pack);
  int64_t columns = 0;
  if (!run) {
    for (size_t d = 0; d < job.kept.size.size() && columns == 0; ++d) {
      if (job.kept.step[d] != 1) continue;
      job.kept.swap_to_front(d);
      columns = job.kept.size[0];
    }
  }
  const ReduceForm form =
      reduce_form({job.kept.count, job.reduced.count, run, columns,
                   packed ? static_cast<uint32_t>(pack) : 1, device.info().cores});
  const ReducePlan plan = plan_of(job, form);
  const std::string name = cat_str("reduce_", job.kernel, "_", shader_type(job.x.dtype()));
  const std::string parts =
      cat_str("reduce_parts_", job.kernel, "_", state_type(job.kernel, job.compute));
  const uint64_t constants[] = {form.by_columns, packed};
  const Tensor& some = job.result.defined() ? job.result : job.second;
  const Tensor states =
      form.parts > 1 ? empty({job.kept.count * form.parts, 2}, DType::Int64, job.x.device()) : some;
  Arguments a;
  bind_results(a, job);
  bind(a, states);
  // Of nothing there may be no memory; nothing is read then.
  if (job.x.numel() > 0) {
    a.memory(*job.x.storage(), static_cast<uint64_t>((job.x.offset() + job.at) *
                                                     static_cast<int64_t>(job.x.item_size())));
  } else {
    bind(a, some);
  }
  a.value(plan);
  device.launch(kernel_for(device, name, job.kernel, std::span(&job.x, 1), constants),
                {groups_for(job.kept.count, kThreads / form.along), form.parts}, {kThreads}, a);
  if (form.parts == 1) return;
  Arguments b;
  bind_results(b, job);
  bind(b, states);
  b.value(plan);
  launch_items(device, kernel(device, parts), job.kept.count * 32, b);
}

void reduce(const ReduceSlot& slot, DType compute, const Tensor& x, uint64_t reduced,
            double parameter, const Tensor& result, const Tensor& second) {
  if ((result.defined() ? result : second).numel() == 0) return;
  slot.check_supported(slot.name(), x, compute);
  if (!shader_type(x.dtype())) slot.check_supported(slot.name(), x, x.dtype());
  Job job{kernel_of(slot), compute, x, result, second};
  job.x = in_type(x, taken_type(job.kernel, x.dtype(), compute));
  job.root = has_root(slot);
  describe_axes(job, reduced, slot.ordered());
  const bool far = job.reduced.count > kMaxElements && job.reduced.size.size() > 1;
  if (job.kept.size.size() > kMaxDims || job.reduced.size.size() > kMaxDims || far) {
    job.x = in_order(job.x, reduced);
    const int64_t kept = job.kept.count, count = job.reduced.count;
    job.kept = job.reduced = {};
    job.kept.add(kept, count, 1);
    job.reduced.add(count, 1, 0);
  }
  job.parameter = parameter;
  if (std::string_view(job.kernel) == "var") {
    job.parameter = std::max(static_cast<double>(job.reduced.count) - parameter, 0.0);
  }
  launch(job);
}

// The values themselves, then their sum.
void sum_of_formula(const ElementwiseSlot& slot, DType compute, IntList shape, TensorList inputs,
                    double divisor, const Tensor& result) {
  const Tensor values = empty(shape, slot.result_dtype(compute), result.device());
  elementwise_launcher(values, slot, compute, values, inputs);
  reduce_launcher(result, *ReduceSlot::find("sum"), compute, values,
                  dim_mask({}, values.dim(), slot.name()), divisor, result, Tensor());
}

const RegisterGpuKernel register_reduce(reduce_launcher, &reduce);
const RegisterGpuKernel register_sum(elementwise_sum_kernel, &sum_of_formula);

}  // namespace

void register_reductions(DeviceType type, ComputeDevice& device) {
  for (ReduceSlot* slot : ReduceSlot::all()) {
    const std::string base = cat_str("reduce_", kernel_of(*slot), "_");
    for (DType compute : {DType::Bool, DType::UInt8, DType::Int32, DType::Int64, DType::Float32}) {
      const DType taken = compute == DType::Bool ? DType::UInt8 : compute;
      const bool small = compute != DType::Int64 && compute != DType::Float32;
      // Tests are made in bool alone; sums and products in the widest types.
      if (is_truth(slot->name())
              ? compute != DType::Bool
              : small && !device.has_kernel(cat_str("reduce_parts_", kernel_of(*slot), "_int"))) {
        continue;
      }
      if (device.has_kernel(base + shader_type(taken))) slot->set_supported(type, compute);
    }
  }
}

}  // namespace rt::gpu
