// Scaled dot-product attention (Vaswani et al., 2017, arXiv:1706.03762).
#include <cmath>

#include "autograd/vjp.h"
#include "ops/attention_kernels.h"
#include "ops/ops.h"

namespace rt {

KernelSlot<void(const AttentionInputs&, const Tensor&, const Tensor&)> attention_kernel{
    "attention"};
KernelSlot<void(const AttentionInputs&, const Tensor&, const Tensor&, const Tensor&, const Tensor&,
                const Tensor&, const Tensor&)>
    attention_backward_kernel{"attention_backward"};

namespace {

constexpr const char* kName = "scaled_dot_product_attention";
const int64_t kLast[] = {-1};

// ---- In ops: dropout, gradients of the mask, second derivatives ----

int64_t heads_of(const Tensor& t) { return t.dim() < 3 ? 1 : t.sizes()[t.dim() - 3]; }

// Each head repeated for its group of query heads.
Tensor spread(const Tensor& t, int64_t heads) {
  const int64_t own = heads_of(t);
  if (own == heads) return t;
  Dims wide(t.sizes()), flat(t.sizes());
  wide.insert(static_cast<size_t>(t.dim() - 2), heads / own);
  flat[t.dim() - 3] = heads;
  return ops::reshape(ops::expand(ops::unsqueeze(t, t.dim() - 2), wide), flat);
}
// Its adjoint.
Tensor gathered(const Tensor& g, int64_t own) {
  const int64_t heads = heads_of(g);
  if (own == heads) return g;
  Dims wide(g.sizes());
  wide[g.dim() - 3] = own;
  wide.insert(static_cast<size_t>(g.dim() - 2), heads / own);
  const int64_t dim[] = {g.dim() - 2};
  return ops::sum(ops::reshape(g, wide), IntList(dim, 1));
}

Tensor weights_of(const Tensor& q, const Tensor& k, const Tensor& mask, bool causal, double scale) {
  Tensor scores = ops::matmul(q * Scalar(scale), ops::transpose(k, -2, -1));
  const Scalar never(-INFINITY);
  if (causal) {
    const int64_t length = scores.size(-2), columns = scores.size(-1);
    const Tensor row = ops::cumsum(ops::ones({length, 1}, DType::Int64, q.device()), 0);
    const Tensor column = ops::cumsum(ops::ones({1, columns}, DType::Int64, q.device()), 1);
    scores = ops::masked_fill(scores, ops::gt(column, row), never);
  }
  if (!mask.defined() && !causal) return ops::softmax(scores, -1);
  if (mask.defined()) {
    scores = mask.dtype() == DType::Bool ? ops::masked_fill(scores, ops::logical_not(mask), never)
                                         : scores + ops::to(mask, scores.dtype());
  }
  // A row that attends to nothing attends to everything first, lest its gradient be NaN.
  const Tensor nowhere = ops::all(ops::eq(scores, never), IntList(kLast, 1), true);
  return ops::masked_fill(ops::softmax(ops::masked_fill(scores, nowhere, Scalar(0)), -1), nowhere,
                          Scalar(0));
}

Tensor in_ops(const Tensor& query, const Tensor& key, const Tensor& value, const Tensor& mask,
              bool causal, double scale, double dropout) {
  const DType wide = compute_type(query.dtype());
  const int64_t heads = heads_of(query);
  Tensor w =
      weights_of(ops::to(query, wide), spread(ops::to(key, wide), heads), mask, causal, scale);
  if (dropout > 0) w = ops::dropout(w, dropout, true, false);
  return ops::to(ops::matmul(w, spread(ops::to(value, wide), heads)), query.dtype());
}

// ---- Fused ----

// What kernels take: the CPU's a type that they compute in; GPUs multiply 16-bit numbers as they
// are.
DType kernel_type(const Tensor& t) {
  return t.device().is_cpu() ? compute_type(t.dtype()) : t.dtype();
}

// In the given type, rows apart and elements side by side.
Tensor plain_rows(const Tensor& t, DType type) {
  const Tensor wide = ops::to(t, type);
  const int64_t n = wide.dim();
  const bool plain = (wide.size(-1) == 1 || wide.strides()[n - 1] == 1) &&
                     (wide.size(-2) == 1 || wide.strides()[n - 2] >= wide.size(-1));
  return plain ? wide : ops::contiguous(wide);
}
Tensor mask_rows(const Tensor& mask, const Tensor& query, const Tensor& key) {
  if (!mask.defined()) return mask;
  Dims sizes(query.sizes());
  sizes.back() = key.size(-2);
  const Tensor numbers =
      mask.dtype() == DType::Bool ? mask : ops::to(mask, compute_type(query.dtype()));
  return ops::expand(numbers, sizes);
}

// Memory for rows of `width` as t's lie, dense in the order of its strides. PyTorch's are so where
// there are four dims, and contiguous where there are not.
Tensor rows_like(const Tensor& t, int64_t width, DType type) {
  Dims sizes(t.sizes()), strides(t.strides());
  sizes.back() = width;
  for (int64_t& s : strides) s *= 2;  // so that no other dim lies as close
  strides.back() = 1;                 // rows of one element have any
  if (t.dim() != 4) return empty(sizes, type, t.device(), kName);
  return empty_like(make_view(t, sizes, strides, t.offset()), type);
}

std::tuple<Tensor, Tensor> fused_forward(const Tensor& query, const Tensor& key,
                                         const Tensor& value, const Tensor& mask, bool causal,
                                         double scale) {
  const DType wide = compute_type(query.dtype());
  const IntList sizes = query.sizes();
  const Tensor log_sum = empty(sizes.slice(0, sizes.size() - 1), wide, query.device(), kName);
  if (log_sum.numel() == 0 || value.size(-1) == 0 || key.size(-2) == 0 || query.size(-1) == 0) {
    return {ops::to(in_ops(query, key, value, mask, causal, scale, 0), query.dtype()),
            ops::full_like(log_sum, 0.0)};
  }
  const DType type = kernel_type(query);
  const Tensor q = plain_rows(query, type), k = plain_rows(key, type), v = plain_rows(value, type),
               m = mask_rows(mask, query, key);
  const Tensor out = rows_like(q, value.size(-1), type);
  attention_kernel(out, {q, k, v, m, causal, scale}, out, log_sum);
  return {ops::to(out, query.dtype()), log_sum};
}

std::tuple<Tensor, Tensor, Tensor> backward_forward(const Tensor& grad, const Tensor& query,
                                                    const Tensor& key, const Tensor& value,
                                                    const Tensor& mask, const Tensor& out,
                                                    const Tensor& log_sum, bool causal,
                                                    double scale) {
  const DType type = kernel_type(query);
  const DType own = query.dtype();
  if (grad.numel() == 0 || key.size(-2) == 0 || query.size(-1) == 0) {
    const auto zeros = [&](const Tensor& t) { return ops::zeros(t.sizes(), own, t.device()); };
    return {zeros(query), zeros(key), zeros(value)};
  }
  const Tensor q = plain_rows(query, type), k = plain_rows(key, type), v = plain_rows(value, type),
               m = mask_rows(mask, query, key);
  const Tensor gq = rows_like(q, q.size(-1), type), gk = rows_like(k, k.size(-1), type),
               gv = rows_like(v, v.size(-1), type);
  attention_backward_kernel(gq, {q, k, v, m, causal, scale}, plain_rows(out, type), log_sum,
                            plain_rows(grad, type), gq, gk, gv);
  return {ops::to(gq, own), ops::to(gk, own), ops::to(gv, own)};
}
const Op backward_op(
    "_scaled_dot_product_attention_backward(Tensor grad, Tensor query, Tensor key, Tensor value, "
    "Tensor? attn_mask, "
    "Tensor output, Tensor logsumexp, bool is_causal, float scale) -> (Tensor grad_query, Tensor "
    "grad_key, "
    "Tensor grad_value)",
    backward_forward, {.in = "", .kernels = {&attention_backward_kernel}});

void fused_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const Tensor q = c.input(0), k = c.input(1), v = c.input(2),
               mask = c.has_input(3) ? c.input(3) : Tensor();
  const bool causal = c.arg<bool>(4);
  const double scale = c.arg<double>(5);
  Tensor gq, gk, gv;
  if (modes().grad) {
    const DType wide = compute_type(q.dtype());
    const int64_t heads = heads_of(q);
    const Tensor all_k = spread(ops::to(k, wide), heads), all_v = spread(ops::to(v, wide), heads);
    const Tensor wide_q = ops::to(q, wide), g = ops::to(c.grad(), wide);
    const Tensor w = weights_of(wide_q, all_k, mask, causal, scale);
    const Tensor slope = ops::matmul(g, ops::transpose(all_v, -2, -1));
    const Tensor s = w * (slope - ops::sum(slope * w, IntList(kLast, 1), true)) * Scalar(scale);
    gq = ops::matmul(s, all_k);
    gk = gathered(ops::matmul(ops::transpose(s, -2, -1), wide_q), heads_of(k));
    gv = gathered(ops::matmul(ops::transpose(w, -2, -1), g), heads_of(v));
  } else {
    std::tie(gq, gk, gv) =
        backward_op(c.grad(), q, k, v, mask, c.result(0), c.result(1), causal, scale);
  }
  if (c.needs(0)) c.set(0, gq);
  if (c.needs(1)) c.set(1, gk);
  if (c.needs(2)) c.set(2, gv);
}
const Op fused_op(
    "_scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, Tensor? attn_mask, bool "
    "is_causal, "
    "float scale) -> (Tensor output, Tensor logsumexp)",
    fused_forward,
    {.vjp = fused_vjp,
     .saves = "query key value attn_mask output logsumexp",
     .in = "",
     .kernels = {&attention_kernel}});

// ---- The public op ----

void check(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask, bool causal) {
  const std::string got = cat_str(describe(q), ", ", describe(k), " and ", describe(v));
  RT_CHECK(
      q.dtype() == k.dtype() && q.dtype() == v.dtype(), Runtime, kName,
      cat_str("Expected query, key, and value to have the same dtype, but got query.dtype: ",
              q.dtype(), " key.dtype: ", k.dtype(), " and value.dtype: ", v.dtype(), " instead."));
  RT_CHECK(q.device() == k.device() && q.device() == v.device(), Runtime, kName,
           "Expected query, key, and value to have the same device type", got);
  RT_CHECK(q.dim() >= 2 && k.dim() >= 2 && v.dim() >= 2, Runtime, kName,
           "Expected query, key, and value to all be  at least 2 dimensional", got);
  RT_CHECK(is_floating(q.dtype()), Runtime, kName, "the dtype has to be a floating-point one", got);
  RT_CHECK(q.size(-1) == k.size(-1), Runtime, kName,
           "query and key must have the same size in their last dim", got);
  RT_CHECK(k.size(-2) == v.size(-2), Runtime, kName,
           "key and value must have the same size in the dim before their last", got);
  RT_CHECK(!mask.defined() || !causal, Runtime, kName,
           "Explicit attn_mask should not be set when is_causal=True");
  RT_CHECK(!mask.defined() || mask.dtype() == DType::Bool || mask.dtype() == q.dtype() ||
               mask.dtype() == DType::Float32,
           Runtime, kName,
           cat_str("Expected attn_mask dtype to be bool or float or to match query dtype, but got "
                   "attn_mask.dtype: ",
                   mask.defined() ? mask.dtype() : DType::Bool, " and  query.dtype: ", q.dtype(),
                   " instead."));
}

// t with the given dims before its last two.
Tensor with_batch(const Tensor& t, const Dims& batch) {
  Dims sizes(batch);
  sizes.push_back(t.size(-2));
  sizes.push_back(t.size(-1));
  return t.sizes() == IntList(sizes) ? t : ops::expand(t, sizes);
}
Dims batch_of(const Tensor& t) { return Dims(t.sizes().slice(0, t.sizes().size() - 2)); }

Tensor attention_forward(const Tensor& query, const Tensor& key, const Tensor& value,
                         const Tensor& mask, double dropout_p, bool causal,
                         std::optional<double> given_scale, bool enable_gqa) {
  check(query, key, value, mask, causal);
  RT_CHECK(dropout_p >= 0 && dropout_p <= 1, Value, kName,
           cat_str("dropout probability has to be between 0 and 1, but got ", dropout_p));
  const double scale = given_scale.value_or(1 / std::sqrt(static_cast<double>(query.size(-1))));
  Tensor q = query, k = key, v = value;
  Dims batch = batch_of(query);
  const int64_t heads = heads_of(query);
  const bool groups =
      enable_gqa && query.dim() >= 3 && (heads_of(key) != heads || heads_of(value) != heads);
  if (groups) {
    for (const Tensor* t : {&key, &value}) {
      RT_CHECK(t->dim() == query.dim() && heads_of(*t) > 0 && heads % heads_of(*t) == 0, Runtime,
               kName, "Number of heads in key and value must divide the number of heads in query",
               cat_str(describe(*t), " for ", describe(query)));
    }
    if (heads_of(key) != heads_of(value)) k = spread(key, heads), v = spread(value, heads);
  }
  if (!groups || heads_of(k) == heads) {
    batch = broadcast_shapes(broadcast_shapes(batch, batch_of(k), kName), batch_of(v), kName);
    if (mask.defined() && mask.dim() > 2) batch = broadcast_shapes(batch, batch_of(mask), kName);
    q = with_batch(q, batch), k = with_batch(k, batch), v = with_batch(v, batch);
  } else {
    const IntList own = batch, first = own.slice(0, own.size() - 1);
    RT_CHECK(IntList(batch_of(key)).slice(0, own.size() - 1) == first &&
                 IntList(batch_of(value)).slice(0, own.size() - 1) == first,
             Runtime, kName, "query, key and value must have the same batch sizes with enable_gqa",
             cat_str(describe(query), ", ", describe(key), " and ", describe(value)));
  }
  if (mask.defined()) {
    Dims scores(batch);
    scores.push_back(query.size(-2));
    scores.push_back(key.size(-2));
    RT_CHECK(is_expandable_to(mask.sizes(), scores), Runtime, kName,
             cat_str("The shape of the attn_mask ", mask.sizes(),
                     " must broadcast to the shape of the scores ", scores));
  }
  const bool mask_grad = modes().grad && mask.defined() && requires_grad(mask);
  if (dropout_p > 0 || mask_grad) return in_ops(q, k, v, mask, causal, scale, dropout_p);
  return std::get<0>(fused_op(q, k, v, mask, causal, scale));
}
const Op attention_op(
    "scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, Tensor? attn_mask=None, "
    "float dropout_p=0.0, bool is_causal=False, *, float? scale=None, bool enable_gqa=False) -> "
    "Tensor",
    attention_forward,
    {.in = "nn.functional",
     .doc = R"(Softmax of scaled, masked query-key products, applied to the values.

query (..., L, E), key (..., S, E) and value (..., S, Ev), of one floating-point dtype, give
(..., L, Ev). A bool mask marks what may be attended to; another is added to the scores; `is_causal`
masks what lies to the right of the diagonal. A row that may attend to nothing gives zeros. `scale` is
`1 / sqrt(E)` unless given. With `enable_gqa` fewer key heads serve groups of query heads. The matrix
of weights is never stored, unless they are dropped out. Follows
`torch.nn.functional.scaled_dot_product_attention`.

>>> q = rt.ones(1, 2, 4)
>>> nn.functional.scaled_dot_product_attention(q, q, rt.arange(4.0).reshape(1, 2, 2))
tensor([[[1., 2.],
         [1., 2.]]])
)"});

}  // namespace

}  // namespace rt
