// Attention on every compute device.
#include <algorithm>

#include "gpu/launch.h"
#include "ops/attention_kernels.h"
#include "ops/ops.h"
#include "rt_plans_attention.h"

namespace rt::gpu {

namespace {

constexpr int64_t kSide = 32;  // rows of a threadgroup
constexpr size_t kBatchDims = 6;
constexpr const char* kOp = "scaled_dot_product_attention";

int64_t rows(const Tensor& t) { return t.sizes()[t.dim() - 2]; }
int64_t width(const Tensor& t) { return t.sizes()[t.dim() - 1]; }
int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// The inputs with the dims before the last two merged where all step as one; the heads stay apart.
struct Batch {
  Dims sizes, q, k, v, mask;

  explicit Batch(const AttentionInputs& in) {
    const int64_t n = in.query.dim();
    const auto step = [](const Tensor& t, int64_t d) {
      return !t.defined() || t.sizes()[d] == 1 ? 0 : t.strides()[d];
    };
    for (int64_t d = n - 3; d >= 0; --d) {
      const int64_t size = in.query.sizes()[d];
      const int64_t steps[] = {step(in.query, d), step(in.key, d), step(in.value, d),
                               step(in.mask, d)};
      if (d < n - 3 && size == 1) continue;
      Dims* const all[] = {&q, &k, &v, &mask};
      bool merges = sizes.size() > 1;
      for (size_t t = 0; merges && t < 4; ++t) {
        merges = steps[t] == all[t]->back() * sizes.back();
      }
      if (merges) {
        sizes.back() *= size;
        continue;
      }
      sizes.push_back(size);
      for (size_t t = 0; t < 4; ++t) all[t]->push_back(steps[t]);
    }
    if (sizes.empty()) {
      sizes = Dims{1};
      q = k = v = mask = Dims{0};
    }
  }
};

// Elements of 16 bytes.
int64_t pack_of(const Tensor& t) { return 16 / static_cast<int64_t>(t.item_size()); }

bool is_packed(const Tensor& t, const Dims& steps) {
  const int64_t pack = pack_of(t);
  bool packed = t.offset() % pack == 0 && (rows(t) == 1 || t.strides()[t.dim() - 2] % pack == 0);
  for (int64_t s : steps) packed = packed && s % pack == 0;
  return packed;
}

struct Planned {
  AttentionPlan plan{};
  bool packed;
};

Planned plan_of(const AttentionInputs& in, const Batch& batch) {
  Planned r;
  AttentionPlan& p = r.plan;
  p.queries = static_cast<uint32_t>(rows(in.query));
  p.keys = static_cast<uint32_t>(rows(in.key));
  p.depth = static_cast<uint32_t>(width(in.query));
  p.values = static_cast<uint32_t>(width(in.value));
  const int64_t n = in.query.dim();
  p.heads = 1;
  for (int64_t s : batch.sizes) p.heads *= static_cast<uint32_t>(s);
  p.group = n < 3 ? 1 : static_cast<uint32_t>(in.query.sizes()[n - 3] / in.key.sizes()[n - 3]);
  p.causal = in.causal;
  p.mask = !in.mask.defined() ? 0 : in.mask.dtype() == DType::Bool ? 1 : 2;
  p.scale = static_cast<float>(in.scale);
  p.batch_dims = static_cast<uint32_t>(batch.sizes.size());
  for (size_t d = 0; d < batch.sizes.size(); ++d) {
    p.batch_sizes[d] = static_cast<uint32_t>(batch.sizes[d]);
    p.q_batch[d] = batch.q[d], p.k_batch[d] = batch.k[d], p.v_batch[d] = batch.v[d];
    p.mask_batch[d] = batch.mask[d];
  }
  p.q_row = in.query.strides()[n - 2];
  p.k_row = in.key.strides()[n - 2];
  p.v_row = in.value.strides()[n - 2];
  if (p.mask) p.mask_row = in.mask.strides()[n - 2], p.mask_col = in.mask.strides()[n - 1];
  r.packed = is_packed(in.query, batch.q) && is_packed(in.key, batch.k) &&
             is_packed(in.value, batch.v) && p.values % pack_of(in.value) == 0;
  return r;
}

// Calls f with inputs whose batch the plan has room for.
template <class F>
void with_plan(const AttentionInputs& in, F&& f) {
  const Tensor tensors[] = {in.query, in.key, in.value};
  if (in.query.dtype() != DType::Float32) {
    kernel_for(device_of(in.query), cat_str("attention_", name(in.query.dtype())), kOp, tensors);
  }
  const Batch batch(in);
  if (batch.sizes.size() <= kBatchDims) return f(in, plan_of(in, batch));
  const Tensor q = ops::contiguous(in.query), k = ops::contiguous(in.key),
               v = ops::contiguous(in.value),
               m = in.mask.defined() ? ops::contiguous(in.mask) : in.mask;
  const AttentionInputs dense{q, k, v, m, in.causal, in.scale};
  f(dense, plan_of(dense, Batch(dense)));
}

// A threadgroup for each block of rows of each matrix and each part of the result's columns.
void launch(ComputeDevice& device, const char* base, const Planned& p, int64_t matrices,
            int64_t row_count, int64_t columns, const Arguments& arguments) {
  const int64_t part = columns <= 64 ? 64 : 128;
  const int64_t groups = matrices * ceil_div(row_count, kSide) * ceil_div(columns, part);
  RT_CHECK(groups < kMaxElements, Value, kOp, "too many rows for one launch");
  const uint64_t constants[] = {p.packed};
  device.launch(kernel(device, cat_str(base, part), constants), {static_cast<uint32_t>(groups)},
                {128}, arguments);
}

// ---- Of 16-bit numbers ----

constexpr int64_t kBlockRows = 64;  // of a threadgroup
constexpr uint32_t kBlockThreads = 128;

bool is_small(const Tensor& t) {
  return t.dtype() == DType::Float16 || t.dtype() == DType::BFloat16;
}

// Whether kernels of blocks have room for the rows; they take no mask.
bool fits_blocks(const AttentionInputs& in, const Batch& batch) {
  return !in.mask.defined() && in.scale > 0 && std::max(width(in.query), width(in.value)) <= 128 &&
         width(in.query) % 8 == 0 && batch.sizes.size() <= kBatchDims && plan_of(in, batch).packed;
}

// The longest rows that a kernel has room for.
std::string room_for(const AttentionPlan& plan) {
  return plan.depth <= 64 && plan.values <= 64 ? "64" : "128";
}

const Kernel& block_kernel(const std::string& base, const Tensor& t) {
  return kernel(device_of(t), cat_str("attention_blocks_", base, "_", shader_type(t.dtype())));
}
void launch_blocks(const std::string& base, int64_t matrices, int64_t row_count,
                   const Tensor& query, const Arguments& arguments) {
  const int64_t groups = matrices * ceil_div(row_count, kBlockRows);
  RT_CHECK(groups < kMaxElements, Value, kOp, "too many rows for one launch");
  device_of(query).launch(block_kernel(base, query), {static_cast<uint32_t>(groups)},
                          {kBlockThreads}, arguments);
}

// f with inputs in float32.
template <class F>
void in_float(const AttentionInputs& in, F&& f) {
  const auto wide = [](const Tensor& t) { return ops::contiguous(ops::to(t, DType::Float32)); };
  const Tensor q = wide(in.query), k = wide(in.key), v = wide(in.value);
  f(AttentionInputs{q, k, v, in.mask, in.causal, in.scale});
}

// The product of each row of the result with its gradient.
Tensor means_of(const Tensor& out, const Tensor& grad, const Tensor& log_sum,
                const Kernel& mean_kernel) {
  const Tensor mean = empty(log_sum.sizes(), DType::Float32, out.device(), kOp);
  const int64_t all_rows = log_sum.numel(), values = width(out);
  for (int64_t first = 0; first < all_rows; first += kMaxElements / 32) {
    const int64_t count = std::min(kMaxElements / 32, all_rows - first);
    const auto from = [&](const Tensor& t, int64_t step) {
      return make_view(t, {count * step}, {1}, t.offset() + first * step);
    };
    launch_items(device_of(out), mean_kernel, count * 32,
                 arguments(from(out, values), from(grad, values), from(mean, 1),
                           static_cast<uint32_t>(count), static_cast<uint32_t>(values)));
  }
  return mean;
}

void attention(const AttentionInputs& inputs, const Tensor& out, const Tensor& log_sum) {
  if (is_small(inputs.query)) {
    if (const Batch batch(inputs); fits_blocks(inputs, batch)) {
      const AttentionPlan plan = plan_of(inputs, batch).plan;
      return launch_blocks(room_for(plan), plan.heads, plan.queries, inputs.query,
                           arguments(inputs.query, inputs.key, inputs.value, out, log_sum, plan));
    }
    return in_float(inputs, [&](const AttentionInputs& in) {
      const Tensor result = empty(out.sizes(), DType::Float32, out.device(), kOp);
      attention(in, result, log_sum);
      ops::copy_(out, result);
    });
  }
  with_plan(inputs, [&](const AttentionInputs& in, const Planned& p) {
    launch(device_of(out), "attention_", p, p.plan.heads, p.plan.queries, p.plan.values,
           arguments(in.query, in.key, in.value, in.mask.defined() ? in.mask : in.query, out,
                     log_sum, p.plan));
  });
}

void attention_backward(const AttentionInputs& inputs, const Tensor& out, const Tensor& log_sum,
                        const Tensor& grad, const Tensor& grad_query, const Tensor& grad_key,
                        const Tensor& grad_value) {
  if (is_small(inputs.query)) {
    const Batch batch(inputs);
    if (fits_blocks(inputs, batch) && grad.offset() % pack_of(grad) == 0) {
      const AttentionPlan plan = plan_of(inputs, batch).plan;
      const Tensor mean = means_of(out, grad, log_sum, block_kernel("mean", out));
      const auto run = [&](const char* side, int64_t matrices, int64_t row_count,
                           const Tensor& result, const Tensor& value_result) {
        launch_blocks(cat_str("grad_", side, "_", room_for(plan)), matrices, row_count,
                      inputs.query,
                      arguments(inputs.query, inputs.key, inputs.value, grad, log_sum, mean, result,
                                value_result, plan));
      };
      run("query", plan.heads, plan.queries, grad_query, grad_query);
      run("key", plan.heads / plan.group, plan.keys, grad_key, grad_value);
      return;
    }
    return in_float(inputs, [&](const AttentionInputs& in) {
      const auto wide = [](const Tensor& t) { return ops::to(t, DType::Float32); };
      const Tensor gq = wide(grad_query), gk = wide(grad_key), gv = wide(grad_value);
      attention_backward(in, wide(out), log_sum, wide(grad), gq, gk, gv);
      ops::copy_(grad_query, gq);
      ops::copy_(grad_key, gk);
      ops::copy_(grad_value, gv);
    });
  }
  with_plan(inputs, [&](const AttentionInputs& in, Planned p) {
    ComputeDevice& device = device_of(out);
    const AttentionPlan& plan = p.plan;
    p.packed = p.packed && grad.offset() % 4 == 0;
    const Tensor mean = means_of(out, grad, log_sum, kernel(device, "attention_mean"));
    const Tensor& mask = in.mask.defined() ? in.mask : in.query;
    const auto run = [&](const char* name, const Tensor& result, int64_t matrices) {
      launch(device, name, p, matrices, rows(result), width(result),
             arguments(in.query, in.key, in.value, mask, grad, log_sum, mean, result, plan));
    };
    run("attention_grad_query_", grad_query, plan.heads);
    run("attention_grad_key_", grad_key, plan.heads / plan.group);
    run("attention_grad_value_", grad_value, plan.heads / plan.group);
  });
}

const RegisterGpuKernel register_attention(attention_kernel, &attention);
const RegisterGpuKernel register_backward(attention_backward_kernel, &attention_backward);

}  // namespace

}  // namespace rt::gpu
