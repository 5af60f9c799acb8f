// Normalization of rows and channels, and its gradients, on every compute device.
#include "gpu/rows.h"
#include "ops/norm_kernels.h"
#include "ops/reduction.h"
#include "rt_norm_plan.h"

namespace rt::gpu {

namespace {

constexpr int64_t kValues = 8;  // of a thread, where groups share rows

NormPlan plan_of(const Shape3& s) {
  NormPlan p{};
  p.rows = static_cast<uint32_t>(s.outer);
  p.n = static_cast<uint32_t>(s.size);
  p.groups = p.inner = p.parts = 1;
  p.width = p.n;
  p.chunk = p.rows;
  return p;
}
// What is not there is not read: something else is bound in its place.
const Tensor& or_else(const Tensor& t, const Tensor& other) { return t.defined() ? t : other; }

// Rows of a launch, with the function constants from 2 on.
struct RowNorm {
  const char* op;
  Shape3 rows;
  NormPlan plan;
  Tensor x, weight, bias;  // x: for its type and layout
  bool center, by_channel;

  void launch(const std::string& base, uint32_t most, std::span<const Tensor> walked,
              Arguments bound) const {
    check_positions(rows, op);
    ComputeDevice& device = device_of(x);
    const RowForm form = row_form(rows.size, most);
    const Tensor& parameter = or_else(weight, bias);
    const bool wide = parameter.defined() && parameter.dtype() != x.dtype();
    bool packed = are_packed(walked, rows.size);
    for (const Tensor* t : {&weight, &bias}) {
      if (t->defined() && !by_channel) packed = packed && are_packed(std::span(t, 1), 0);
    }
    const std::string name =
        cat_str(base, form.held ? std::to_string(form.held) : "long", "_", kernel_type(x));
    const uint64_t constants[] = {form.whole_group, packed, center, by_channel, wide};
    bound.value(plan);
    const uint32_t each = form.whole_group ? 1 : form.threads / kSimdWidth;
    device.launch(kernel_for(device, name, op, walked, constants), {groups_for(rows.outer, each)},
                  {form.threads}, bound);
  }
  void forward(const Tensor& out, const Tensor& mean, const Tensor& rstd, double eps) {
    plan.eps = static_cast<float>(eps);
    plan.given = (weight.defined() ? RT_NORM_WEIGHT : 0) | (bias.defined() ? RT_NORM_BIAS : 0);
    const Tensor walked[] = {x, out};
    launch("row_norm_", 32, walked,
           arguments(out, or_else(mean, rstd), rstd, x, or_else(weight, x), or_else(bias, x)));
  }
  void backward(const Tensor& grad, const Tensor& mean, const Tensor& rstd, const Tensor& grad_x) {
    plan.given = weight.defined() ? RT_NORM_WEIGHT : 0;
    const Tensor walked[] = {x, grad, grad_x};
    launch("row_norm_backward_", 16, walked,
           arguments(grad_x, grad, x, or_else(weight, x), or_else(mean, rstd), rstd));
  }
};

// t (parts, n) summed over the parts into `to`.
void sum_parts(const Tensor& t, const Tensor& to) {
  reduce_launcher(to, *ReduceSlot::find("sum"), DType::Float32, t, 1, 1, to, Tensor());
}

// The sums of grad and of grad * (x - mean) (* rstd) over the rows (count, n), into what is
// defined.
void column_sums(const char* op, const Tensor& grad, const Tensor& x, int64_t count, int64_t n,
                 const Tensor& mean, const Tensor& rstd, const Tensor& sums, const Tensor& sums_d) {
  const Shape3 rows{count, n, 1};
  check_positions(rows, op);
  ComputeDevice& device = device_of(x);
  const uint32_t groups = groups_for(n, 128);
  // Enough groups for the device, each with some rows for every thread.
  const int64_t parts = std::clamp<int64_t>(
      std::min<int64_t>(int64_t{device.info().cores} * 8 / groups, count / 64), 1, 256);
  NormPlan plan = plan_of(rows);
  plan.chunk = static_cast<uint32_t>((count + parts - 1) / parts);
  plan.parts = groups_for(count, plan.chunk);
  plan.given = mean.defined() ? RT_NORM_BIAS : 0;
  const bool of_rows = rstd.defined();
  const Tensor found = empty({2, plan.parts, n}, DType::Float32, x.device());
  const Tensor all[] = {x, grad};
  const uint64_t constants[] = {1, are_packed(all, n), of_rows};
  device.launch(
      kernel_for(device, cat_str("norm_column_sums_", kernel_type(x)), op, all, constants),
      {groups, plan.parts}, {kThreads},
      arguments(found, grad, x, or_else(mean, rstd), or_else(rstd, mean), plan));
  const Dims sizes{plan.parts, n}, strides{n, 1};
  if (sums.defined()) sum_parts(make_view(found, sizes, strides, 0), sums);
  if (sums_d.defined()) sum_parts(make_view(found, sizes, strides, plan.parts * n), sums_d);
}

void row_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps,
              const Tensor& out, const Tensor& mean, const Tensor& rstd) {
  const Shape3 rows{x.size(0), x.size(1), 1};
  const char* op = mean.defined() ? "layer_norm" : "rms_norm";
  RowNorm{op, rows, plan_of(rows), x, weight, bias, mean.defined(), false}.forward(out, mean, rstd,
                                                                                   eps);
}
void row_norm_backward(const Tensor& grad, const Tensor& x, const Tensor& weight,
                       const Tensor& mean, const Tensor& rstd, const Tensor& grad_x,
                       const Tensor& grad_weight, const Tensor& grad_bias) {
  const Shape3 rows{x.size(0), x.size(1), 1};
  const char* op = mean.defined() ? "layer_norm_backward" : "rms_norm_backward";
  if (grad_x.defined()) {
    RowNorm{op, rows, plan_of(rows), x, weight, {}, mean.defined(), false}.backward(grad, mean,
                                                                                    rstd, grad_x);
  }
  if (grad_weight.defined() || grad_bias.defined()) {
    column_sums(op, grad, x, rows.outer, rows.size, mean, rstd, grad_bias, grad_weight);
  }
}

// ---- Groups of channels of each sample: rows whose weight has a number a channel ----

RowNorm of_groups(const char* op, const Tensor& x, const Tensor& weight, const Tensor& bias,
                  int64_t groups) {
  const int64_t width = x.size(1) / groups, inner = x.size(2);
  const Shape3 rows{x.size(0) * groups, width * inner, 1};
  NormPlan plan = plan_of(rows);
  plan.groups = static_cast<uint32_t>(groups);
  plan.width = static_cast<uint32_t>(width);
  plan.inner = static_cast<uint32_t>(inner);
  return {op, rows, plan, x, weight, bias, true, true};
}

// The sums over rows of channels, a simdgroup or a group for each.
void row_sums(const char* op, const Tensor& grad, const Tensor& x, const Shape3& rows,
              int64_t channels, int64_t width, const Tensor& mean, const Tensor& rstd,
              const Tensor& sums, const Tensor& sums_d) {
  check_positions(rows, op);
  ComputeDevice& device = device_of(x);
  NormPlan plan = plan_of(rows);
  plan.groups = static_cast<uint32_t>(channels);
  plan.width = static_cast<uint32_t>(width);
  plan.given = (sums.defined() ? RT_NORM_BIAS : 0) | (sums_d.defined() ? RT_NORM_WEIGHT : 0);
  const Tensor walked[] = {x, grad};
  const bool whole_group = rows.size > 1024;
  const uint64_t constants[] = {whole_group, are_packed(walked, rows.size), rstd.defined()};
  const std::string name =
      cat_str("norm_row_sums", x.dtype() == DType::Float32 ? "" : kernel_type(x));
  device.launch(kernel_for(device, name, op, walked, constants),
                {groups_for(rows.outer, whole_group ? 1 : kThreads / kSimdWidth)}, {kThreads},
                arguments(or_else(sums, sums_d), or_else(sums_d, sums), grad, x, mean,
                          or_else(rstd, mean), plan));
}

void group_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps,
                const Tensor& out, const Tensor& mean, const Tensor& rstd) {
  of_groups("group_norm", x, weight, bias, mean.size(1)).forward(out, mean, rstd, eps);
}
void group_norm_backward(const Tensor& grad, const Tensor& x, const Tensor& weight,
                         const Tensor& mean, const Tensor& rstd, const Tensor& grad_x,
                         const Tensor& grad_weight, const Tensor& grad_bias) {
  const char* op = "group_norm_backward";
  const int64_t groups = mean.size(1), channels = x.size(1);
  if (grad_x.defined()) of_groups(op, x, weight, {}, groups).backward(grad, mean, rstd, grad_x);
  if (!grad_weight.defined() && !grad_bias.defined()) return;
  row_sums(op, grad, x, {x.size(0) * channels, x.size(2), 1}, channels, channels / groups, mean,
           rstd, grad_bias, grad_weight);
}

// ---- Channels over the batch: x (N, C, L), or (N, C, 1), where everything is one row ----

// `bound`: from the elements on, all tensors that are walked first, to be moved along.
void run_channels(const char* kernel_name, const Tensor& out, const Tensor& x,
                  std::span<const Tensor> walked, std::span<const Tensor> numbers) {
  const char* op = "batch_norm";
  const int64_t channels = x.size(1), inner = x.size(2);
  const bool of_rows = inner > 1;
  ComputeDevice& device = device_of(out);
  RT_CHECK(x.dtype() == DType::Float32, MissingKernel, op,
           cat_str("device '", to_string(x.device()), "' has no kernel '", kernel_name, "' in ",
                   name(x.dtype())),
           describe(x), "moving the inputs to the CPU with .cpu()");
  // Whole rows, or samples, whose positions fit 32 bits.
  const int64_t step = of_rows ? channels * inner : channels;
  const int64_t most = std::max<int64_t>(kMaxElements / step, 1);
  for (int64_t first = 0; first < x.size(0); first += most) {
    const int64_t samples = std::min(most, x.size(0) - first);
    const Shape3 rows =
        of_rows ? Shape3{samples * channels, inner, 1} : Shape3{1, samples * channels, 1};
    check_positions(rows, op);
    NormPlan plan = plan_of(rows);
    plan.groups = static_cast<uint32_t>(channels);
    const uint32_t threads = static_cast<uint32_t>(
        std::min<int64_t>(groups_for(rows.size, 32 * kValues) * 32, kThreads));
    const bool packed = are_packed(walked, rows.size) && (first * step) % 4 == 0;
    Arguments a;
    for (const Tensor& t : walked) {
      a.memory(*t.storage(), static_cast<uint64_t>(t.offset() + first * step) * t.item_size());
    }
    for (const Tensor& t : numbers) bind(a, t);
    a.value(plan);
    const uint64_t constants[] = {1, packed, of_rows};
    device.launch(kernel(device, kernel_name, constants),
                  {static_cast<uint32_t>(rows.outer) *
                   groups_for(rows.size, threads * static_cast<uint32_t>(kValues))},
                  {threads}, a);
  }
}

void channel_affine(const Tensor& x, const Tensor& mean, const Tensor& scale, const Tensor& shift,
                    const Tensor& out) {
  const Tensor walked[] = {out, x}, numbers[] = {mean, scale, shift};
  run_channels("channel_affine", out, x, walked, numbers);
}
void channel_combine(const Tensor& grad, const Tensor& x, const Tensor& mean, const Tensor& a,
                     const Tensor& b, const Tensor& shift, const Tensor& out) {
  const Tensor walked[] = {out, grad, x}, numbers[] = {mean, a, b, shift};
  run_channels("channel_combine", out, x, walked, numbers);
}

void channel_sums(const Tensor& grad, const Tensor& x, const Tensor& mean, const Tensor& sums) {
  const char* op = "batch_norm_backward";
  const int64_t batch = x.size(0), channels = x.size(1), inner = x.size(2);
  const Tensor sum = make_view(sums, Dims{channels}, Dims{1}, sums.offset()),
               sum_d = make_view(sums, Dims{channels}, Dims{1}, sums.offset() + channels);
  if (inner == 1) {
    return column_sums(op, grad, x, batch, channels, mean, Tensor(), sum, sum_d);
  }
  const Tensor found = empty({2, batch, channels}, DType::Float32, x.device());
  const Dims sizes{batch, channels}, strides{channels, 1};
  const Tensor parts = make_view(found, sizes, strides, 0),
               parts_d = make_view(found, sizes, strides, batch * channels);
  row_sums(op, grad, x, {batch * channels, inner, 1}, channels, 1, mean, Tensor(), parts, parts_d);
  sum_parts(parts, sum);
  sum_parts(parts_d, sum_d);
}

const RegisterGpuKernel register_row_norm(row_norm_kernel, &row_norm);
const RegisterGpuKernel register_row_backward(row_norm_backward_kernel, &row_norm_backward);
const RegisterGpuKernel register_group_norm(group_norm_kernel, &group_norm);
const RegisterGpuKernel register_group_backward(group_norm_backward_kernel, &group_norm_backward);
const RegisterGpuKernel register_affine(channel_affine_kernel, &channel_affine);
const RegisterGpuKernel register_combine(channel_combine_kernel, &channel_combine);
const RegisterGpuKernel register_sums(channel_sums_kernel, &channel_sums);

}  // namespace

}  // namespace rt::gpu
