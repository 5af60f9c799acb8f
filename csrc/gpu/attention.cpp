// Attention on every compute device.
#include <algorithm>
#include <array>

#include "gpu/launch.h"
#include "ops/attention_kernels.h"
#include "ops/ops.h"
#include "rt_plans_attention.h"

namespace rt::gpu {

namespace {

constexpr int64_t kSide = 32;       // rows of a threadgroup
constexpr int64_t kBlockRows = 64;  // of a threadgroup that multiplies 16-bit numbers
constexpr uint32_t kGroupThreads = 128;
constexpr size_t kBatchDims = 6;
constexpr const char* kOp = "scaled_dot_product_attention";

int64_t rows(const Tensor& t) { return t.sizes()[t.dim() - 2]; }
int64_t width(const Tensor& t) { return t.sizes()[t.dim() - 1]; }
int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// What kernels read and write, by its place in the plan; undefined where a kernel has none.
enum Role { kQuery, kKey, kValue, kMask, kOut, kSlope, kGradQuery, kGradKey, kGradValue, kRoles };
using Operands = std::array<Tensor, kRoles>;

struct Problem {
  Operands t;
  bool causal;
  double scale;
};

bool is_small(const Problem& in) {
  const DType type = in.t[kQuery].dtype();
  return type == DType::Float16 || type == DType::BFloat16;
}

// The dims before the last two, merged where all operands step as one; the heads stay apart.
struct Batch {
  Dims sizes;
  std::array<Dims, kRoles> steps;

  explicit Batch(const Operands& all) {
    const Tensor& query = all[kQuery];
    const int64_t n = query.dim();
    for (int64_t d = n - 3; d >= 0; --d) {
      const int64_t size = query.sizes()[d];
      if (d < n - 3 && size == 1) continue;
      std::array<int64_t, kRoles> own;
      bool merges = sizes.size() > 1;
      for (size_t r = 0; r < kRoles; ++r) {
        const Tensor& t = all[r];
        own[r] = !t.defined() || t.sizes()[d] == 1 ? 0 : t.strides()[d];
        merges = merges && own[r] == steps[r].back() * sizes.back();
      }
      if (merges) {
        sizes.back() *= size;
        continue;
      }
      sizes.push_back(size);
      for (size_t r = 0; r < kRoles; ++r) steps[r].push_back(own[r]);
    }
    if (sizes.empty()) {
      sizes = Dims{1};
      steps.fill(Dims{0});
    }
  }
  bool fits() const { return sizes.size() <= kBatchDims; }
};

// Whether rows begin at addresses of 16 bytes.
bool is_packed(const Tensor& t, const Dims& steps) {
  const int64_t pack = 16 / static_cast<int64_t>(t.item_size());
  bool packed = t.offset() % pack == 0 && (rows(t) == 1 || t.strides()[t.dim() - 2] % pack == 0);
  for (int64_t s : steps) packed = packed && s % pack == 0;
  return packed;
}
// Whether they do in all that is read by packs, and values end with a pack.
bool is_packed(const Problem& in, const Batch& batch) {
  bool packed = width(in.t[kValue]) % (16 / static_cast<int64_t>(in.t[kValue].item_size())) == 0;
  for (Role r : {kQuery, kKey, kValue, kSlope}) {
    packed = packed && (!in.t[r].defined() || is_packed(in.t[r], batch.steps[r]));
  }
  return packed;
}

AttentionPlan plan_of(const Problem& in, const Batch& batch) {
  AttentionPlan p{};
  const Tensor &query = in.t[kQuery], &key = in.t[kKey], &mask = in.t[kMask];
  const int64_t n = query.dim();
  p.queries = static_cast<uint32_t>(rows(query));
  p.keys = static_cast<uint32_t>(rows(key));
  p.depth = static_cast<uint32_t>(width(query));
  p.values = static_cast<uint32_t>(width(in.t[kValue]));
  p.heads = 1;
  for (int64_t s : batch.sizes) p.heads *= static_cast<uint32_t>(s);
  p.group = n < 3 ? 1 : static_cast<uint32_t>(query.sizes()[n - 3] / key.sizes()[n - 3]);
  p.causal = in.causal;
  p.mask = !mask.defined() ? 0 : mask.dtype() == DType::Bool ? 1 : 2;
  p.scale = static_cast<float>(in.scale);
  p.batch_dims = static_cast<uint32_t>(batch.sizes.size());
  std::copy(batch.sizes.begin(), batch.sizes.end(), p.batch_sizes);
  AttentionRows* const all[kRoles] = {&p.q,     &p.k,      &p.v,      &p.bias,  &p.out,
                                      &p.slope, &p.grad_q, &p.grad_k, &p.grad_v};
  for (size_t r = 0; r < kRoles; ++r) {
    if (!in.t[r].defined()) continue;
    std::copy(batch.steps[r].begin(), batch.steps[r].end(), all[r]->batch);
    all[r]->row = in.t[r].strides()[n - 2];
  }
  if (mask.defined()) p.bias_col = mask.strides()[n - 1];
  return p;
}

// Inputs that no kernel takes as they are, dense and in float32, and memory for results of f,
// which are copied to where they belong.
template <class F>
void in_float(const Problem& in, std::initializer_list<Role> results, F&& f) {
  Problem wide = in;
  for (Role r : results) {
    wide.t[r] = empty(in.t[r].sizes(), DType::Float32, in.t[r].device(), kOp);
  }
  for (Role r : {kQuery, kKey, kValue, kOut, kSlope}) {
    if (in.t[r].defined()) wide.t[r] = ops::contiguous(ops::to(wide.t[r], DType::Float32));
  }
  if (!Batch(wide.t).fits()) wide.t[kMask] = ops::contiguous(wide.t[kMask]);
  f(wide);
  for (Role r : results) ops::copy_(in.t[r], wide.t[r]);
}

// ---- Of float32 ----

// A threadgroup for each block of rows of each matrix and each part of the result's columns.
void launch(const char* base, bool packed, int64_t matrices, const Tensor& result,
            const Arguments& arguments) {
  const int64_t part = width(result) <= 64 ? 64 : 128;
  const int64_t groups = matrices * ceil_div(rows(result), kSide) * ceil_div(width(result), part);
  RT_CHECK(groups < kMaxElements, Value, kOp, "too many rows for one launch");
  const uint64_t constants[] = {packed};
  ComputeDevice& device = device_of(result);
  device.launch(kernel(device, cat_str(base, part), constants), {static_cast<uint32_t>(groups)},
                {kGroupThreads}, arguments);
}
// The mask, or what is bound where there is none and never read.
const Tensor& mask_of(const Problem& in) {
  return in.t[kMask].defined() ? in.t[kMask] : in.t[kQuery];
}

// ---- Of 16-bit numbers ----

// Whether kernels of blocks have room for the rows; they take no mask.
bool fits_blocks(const Problem& in, const Batch& batch) {
  const int64_t depth = width(in.t[kQuery]);
  return !in.t[kMask].defined() && in.scale > 0 && std::max(depth, width(in.t[kValue])) <= 128 &&
         depth % 8 == 0 && is_packed(in, batch);
}

void launch_blocks(const char* base, const AttentionPlan& plan, int64_t matrices,
                   const Tensor& result, const Arguments& arguments) {
  const int64_t groups = matrices * ceil_div(rows(result), kBlockRows);
  RT_CHECK(groups < kMaxElements, Value, kOp, "too many rows for one launch");
  // The shortest rows of registers that the matrices' rows fit in.
  const char* room = plan.depth <= 64 && plan.values <= 64 ? "_64_" : "_128_";
  ComputeDevice& device = device_of(result);
  device.launch(kernel(device, cat_str(base, room, shader_type(result.dtype()))),
                {static_cast<uint32_t>(groups)}, {kGroupThreads}, arguments);
}

// The error where the device has no kernels of the type.
void check_type(const Problem& in) {
  const Tensor& query = in.t[kQuery];
  if (query.dtype() == DType::Float32 || is_small(in)) return;
  kernel_for(device_of(query), cat_str("attention_", name(query.dtype())), kOp,
             TensorList(in.t.data(), kMask));
}

void forward(const Problem& in, const Tensor& log_sum) {
  check_type(in);
  const Operands& t = in.t;
  const Batch batch(t);
  const bool fits = batch.fits() && (!is_small(in) || fits_blocks(in, batch));
  if (!fits) return in_float(in, {kOut}, [&](const Problem& wide) { forward(wide, log_sum); });
  const AttentionPlan plan = plan_of(in, batch);
  if (is_small(in)) {
    return launch_blocks("attention_blocks", plan, plan.heads, t[kOut],
                         arguments(t[kQuery], t[kKey], t[kValue], t[kOut], log_sum, plan));
  }
  launch("attention_", is_packed(in, batch), plan.heads, t[kOut],
         arguments(t[kQuery], t[kKey], t[kValue], mask_of(in), t[kOut], log_sum, plan));
}

// The product of each row of the result with its gradient.
Tensor means_of(const Problem& in, const AttentionPlan& plan, const Tensor& log_sum) {
  const Tensor &out = in.t[kOut], mean = empty(log_sum.sizes(), DType::Float32, out.device(), kOp);
  ComputeDevice& device = device_of(out);
  const Kernel& by_row = kernel(device, cat_str("attention_mean_", shader_type(out.dtype())));
  const int64_t most = kMaxElements / 32, all = log_sum.numel();
  for (int64_t first = 0; first < all; first += most) {
    const AttentionSpan span{static_cast<uint32_t>(first / plan.queries),
                             static_cast<uint32_t>(first % plan.queries),
                             static_cast<uint32_t>(std::min(most, all - first))};
    launch_items(device, by_row, int64_t{span.count} * 32,
                 arguments(out, in.t[kSlope], mean, plan, span));
  }
  return mean;
}

void backward(const Problem& in, const Tensor& log_sum) {
  check_type(in);
  const Operands& t = in.t;
  const Batch batch(t);
  const bool fits = batch.fits() && (!is_small(in) || fits_blocks(in, batch));
  if (!fits) {
    return in_float(in, {kGradQuery, kGradKey, kGradValue},
                    [&](const Problem& wide) { backward(wide, log_sum); });
  }
  const AttentionPlan plan = plan_of(in, batch);
  const int64_t key_heads = plan.heads / plan.group;
  const Tensor mean = means_of(in, plan, log_sum);
  if (is_small(in)) {
    const auto run = [&](const char* name, int64_t matrices, const Tensor& grad,
                         const Tensor& value_grad) {
      launch_blocks(name, plan, matrices, grad,
                    arguments(t[kQuery], t[kKey], t[kValue], t[kSlope], log_sum, mean, grad,
                              value_grad, plan));
    };
    run("attention_blocks_grad_query", plan.heads, t[kGradQuery], t[kGradQuery]);
    run("attention_blocks_grad_key", key_heads, t[kGradKey], t[kGradValue]);
    return;
  }
  const bool packed = is_packed(in, batch);
  const auto run = [&](const char* name, const Tensor& grad, int64_t matrices) {
    launch(name, packed, matrices, grad,
           arguments(t[kQuery], t[kKey], t[kValue], mask_of(in), t[kSlope], log_sum, mean, grad,
                     plan));
  };
  run("attention_grad_query_", t[kGradQuery], plan.heads);
  run("attention_grad_key_", t[kGradKey], key_heads);
  run("attention_grad_value_", t[kGradValue], key_heads);
}

void attention(const AttentionInputs& in, const Tensor& out, const Tensor& log_sum) {
  forward({{in.query, in.key, in.value, in.mask, out}, in.causal, in.scale}, log_sum);
}
void attention_backward(const AttentionInputs& in, const Tensor& out, const Tensor& log_sum,
                        const Tensor& grad, const Tensor& grad_query, const Tensor& grad_key,
                        const Tensor& grad_value) {
  Problem all{{in.query, in.key, in.value, in.mask, out, grad, grad_query, grad_key, grad_value},
              in.causal,
              in.scale};
  // A gradient whose rows begin at odd places is copied, rather than all the others.
  if (is_small(all) && !is_packed(grad, Batch(all.t).steps[kSlope])) {
    all.t[kSlope] = empty(grad.sizes(), grad.dtype(), grad.device(), kOp);
    ops::copy_(all.t[kSlope], grad);
  }
  backward(all, log_sum);
}

const RegisterGpuKernel register_attention(attention_kernel, &attention);
const RegisterGpuKernel register_backward(attention_backward_kernel, &attention_backward);

}  // namespace

}  // namespace rt::gpu
