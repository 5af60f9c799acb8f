// Scaled dot-product attention by tiles: a block of queries against a block of keys at a time, with
// the softmax kept running (Milakov and Gimelshein, 2018; Dao et al., 2022, arXiv:2205.14135).
#include <cmath>

#include "cpu/gemm.h"
#include "cpu/parallel.h"
#include "cpu/scratch.h"
#include "ops/attention_kernels.h"
#include "ops/vector_kernel.h"

namespace rt::cpu {

namespace {

VectorKernel<void(int64_t, void*, const void*, double, void*)> attention_row{"attention_row"};
VectorKernel<void(int64_t, void*, void*, const void*, double, double, double)>
    attention_backward_row{"attention_backward_row"};

// A tile of scores stays in the second-level cache.
constexpr int64_t kQueries = 64;
constexpr int64_t kKeys = 512;
// Multiplications worth a thread.
constexpr int64_t kGrain = 1 << 18;

int64_t rows(const Tensor& t) { return t.sizes()[t.dim() - 2]; }
int64_t width(const Tensor& t) { return t.sizes()[t.dim() - 1]; }
int64_t row_step(const Tensor& t) { return std::max(t.strides()[t.dim() - 2], width(t)); }

// How many heads of the query share one of `t`.
int64_t group_of(const Tensor& query, const Tensor& t) {
  if (query.dim() < 3) return 1;
  return query.sizes()[query.dim() - 3] / std::max<int64_t>(t.sizes()[t.dim() - 3], 1);
}

// The first element of matrix `index` (counted over the query's leading dims), in elements.
int64_t matrix_at(const Tensor& t, const Tensor& query, int64_t index, int64_t group = 1) {
  int64_t at = 0;
  for (int64_t d = query.dim() - 3; d >= 0; --d) {
    int64_t i = index % query.sizes()[d];
    index /= query.sizes()[d];
    if (d == query.dim() - 3) i /= group;
    at += i * t.strides()[d];
  }
  return at;
}

// Rows of the mask as numbers to add.
template <class T>
class MaskRows {
 public:
  MaskRows(const AttentionInputs& in, int64_t index) : mask_(in.mask) {
    if (!mask_.defined()) return;
    at_ = matrix_at(mask_, in.query, index);
    row_step_ = mask_.strides()[mask_.dim() - 2];
    step_ = mask_.strides()[mask_.dim() - 1];
  }
  const T* row(int64_t i, int64_t j, int64_t n) {
    if (!mask_.defined()) return nullptr;
    const int64_t at = at_ + i * row_step_ + j * step_;
    if (mask_.dtype() == DType::Bool) {
      const bool* m = mask_.data<const bool>() + at;
      for (int64_t k = 0; k < n; ++k)
        buffer_[k] = m[k * step_] ? T(0) : -std::numeric_limits<T>::infinity();
      return buffer_;
    }
    const T* m = mask_.data<const T>() + at;
    if (step_ == 1) return m;
    for (int64_t k = 0; k < n; ++k) buffer_[k] = m[k * step_];
    return buffer_;
  }

 private:
  const Tensor& mask_;
  int64_t at_ = 0, row_step_ = 0, step_ = 0;
  T buffer_[kKeys];
};

template <class T>
void forward_block(const AttentionInputs& in, int64_t index, int64_t first, int64_t count,
                   T* scores, MaskRows<T>& mask, T* out, int64_t step, T* log_sum) {
  const DType type = in.query.dtype();
  const int64_t keys = rows(in.key), depth = width(in.query), values = width(in.value);
  const T* q =
      in.query.data<const T>() + matrix_at(in.query, in.query, index) + first * row_step(in.query);
  const T* k =
      in.key.data<const T>() + matrix_at(in.key, in.query, index, group_of(in.query, in.key));
  const T* v =
      in.value.data<const T>() + matrix_at(in.value, in.query, index, group_of(in.query, in.value));
  T state[kQueries][3];
  for (int64_t i = 0; i < count; ++i)
    state[i][0] = -std::numeric_limits<T>::infinity(), state[i][1] = 0;
  const int64_t end = in.causal ? std::min(keys, first + count) : keys;
  for (int64_t j = 0; j < end; j += kKeys) {
    const int64_t n = std::min(kKeys, end - j);
    gemm(type, Trans::No, Trans::Yes, count, n, depth, 1, q, row_step(in.query),
         k + j * row_step(in.key), row_step(in.key), 0, scores, n);
    for (int64_t i = 0; i < count; ++i) {
      const int64_t seen = in.causal ? std::clamp<int64_t>(first + i + 1 - j, 0, n) : n;
      T* row = scores + i * n;
      attention_row[type](seen, row, mask.row(first + i, j, seen), in.scale, state[i]);
      for (int64_t t = seen; t < n; ++t) row[t] = 0;
      if (j > 0 && state[i][2] != T(1)) {
        for (int64_t e = 0; e < values; ++e) out[i * step + e] *= state[i][2];
      }
    }
    gemm(type, Trans::No, Trans::No, count, values, n, 1, scores, n, v + j * row_step(in.value),
         row_step(in.value), j > 0 ? 1 : 0, out, step);
  }
  for (int64_t i = 0; i < count; ++i) {
    const bool none = state[i][1] == 0;
    const T factor = none ? T(0) : 1 / state[i][1];
    for (int64_t e = 0; e < values; ++e)
      out[i * step + e] = none ? T(0) : out[i * step + e] * factor;
    log_sum[i] = none ? std::numeric_limits<T>::infinity() : state[i][0] + std::log(state[i][1]);
  }
}

template <class T>
void forward(const AttentionInputs& in, const Tensor& out, const Tensor& log_sum) {
  const int64_t queries = rows(in.query), values = width(in.value), step = row_step(out);
  const int64_t blocks = (queries + kQueries - 1) / kQueries;
  const int64_t matrices = log_sum.numel() / queries;
  const int64_t work = kQueries * rows(in.key) * (width(in.query) + values);
  parallel_for(0, matrices * blocks, std::max<int64_t>(1, kGrain / std::max<int64_t>(work, 1)),
               [&](int64_t begin, int64_t end) {
                 Scratch<T> scores(kQueries * std::min(kKeys, rows(in.key)));
                 for (int64_t b = begin; b < end; ++b) {
                   const int64_t index = b / blocks, first = b % blocks * kQueries;
                   MaskRows<T> mask(in, index);
                   forward_block(in, index, first, std::min(kQueries, queries - first),
                                 scores.data(), mask,
                                 out.data<T>() + matrix_at(out, in.query, index) + first * step,
                                 step, log_sum.data<T>() + index * queries + first);
                 }
               });
}

// The result and its gradient, and where the gradients of the inputs belong.
struct Gradients {
  const Tensor &out, &grad, &grad_q, &grad_k, &grad_v;
};

// What one head of the query adds to the gradients of its key and value head, and its own.
template <class T>
void backward_matrix(const AttentionInputs& in, int64_t index, const Gradients& all,
                     const T* log_sum, T* weights, T* slopes) {
  const DType type = in.query.dtype();
  const int64_t queries = rows(in.query), keys = rows(in.key), depth = width(in.query),
                values = width(in.value);
  const T* q = in.query.data<const T>() + matrix_at(in.query, in.query, index);
  const T* k =
      in.key.data<const T>() + matrix_at(in.key, in.query, index, group_of(in.query, in.key));
  const T* v =
      in.value.data<const T>() + matrix_at(in.value, in.query, index, group_of(in.query, in.value));
  const auto at = [&](const Tensor& t) {
    return t.data<T>() + matrix_at(t, in.query, index, group_of(in.query, t));
  };
  const T *out = at(all.out), *grad = at(all.grad);
  T *grad_q = at(all.grad_q), *grad_k = at(all.grad_k), *grad_v = at(all.grad_v);
  const int64_t lq = row_step(in.query), lk = row_step(in.key), lv = row_step(in.value);
  const int64_t lo = row_step(all.out), lg = row_step(all.grad), lgq = row_step(all.grad_q),
                lgk = row_step(all.grad_k), lgv = row_step(all.grad_v);
  if (index % group_of(in.query, in.key) == 0) {
    for (int64_t j = 0; j < keys; ++j) {
      std::fill_n(grad_k + j * lgk, depth, T(0));
      std::fill_n(grad_v + j * lgv, values, T(0));
    }
  }
  MaskRows<T> mask(in, index);
  for (int64_t first = 0; first < queries; first += kQueries) {
    const int64_t count = std::min(kQueries, queries - first);
    const T* go = grad + first * lg;
    T mean[kQueries];
    for (int64_t i = 0; i < count; ++i) {
      dot(type, false, values, go + i * lg, 1, out + (first + i) * lo, 1, &mean[i]);
    }
    const int64_t end = in.causal ? std::min(keys, first + count) : keys;
    for (int64_t j = 0; j < end; j += kKeys) {
      const int64_t n = std::min(kKeys, end - j);
      gemm(type, Trans::No, Trans::Yes, count, n, depth, 1, q + first * lq, lq, k + j * lk, lk, 0,
           weights, n);
      gemm(type, Trans::No, Trans::Yes, count, n, values, 1, go, lg, v + j * lv, lv, 0, slopes, n);
      for (int64_t i = 0; i < count; ++i) {
        const int64_t seen = in.causal ? std::clamp<int64_t>(first + i + 1 - j, 0, n) : n;
        T *w = weights + i * n, *s = slopes + i * n;
        attention_backward_row[type](seen, w, s, mask.row(first + i, j, seen), in.scale,
                                     log_sum[first + i], mean[i]);
        for (int64_t t = seen; t < n; ++t) w[t] = s[t] = 0;
      }
      gemm(type, Trans::Yes, Trans::No, n, values, count, 1, weights, n, go, lg, 1,
           grad_v + j * lgv, lgv);
      gemm(type, Trans::Yes, Trans::No, n, depth, count, 1, slopes, n, q + first * lq, lq, 1,
           grad_k + j * lgk, lgk);
      gemm(type, Trans::No, Trans::No, count, depth, n, 1, slopes, n, k + j * lk, lk, j > 0 ? 1 : 0,
           grad_q + first * lgq, lgq);
    }
  }
}

template <class T>
void backward(const AttentionInputs& in, const Tensor& log_sum, const Gradients& all) {
  const int64_t queries = rows(in.query), depth = width(in.query), values = width(in.value),
                keys = rows(in.key);
  const int64_t group = group_of(in.query, in.key), heads = log_sum.numel() / queries;
  const int64_t work = group * queries * keys * (3 * depth + 2 * values);
  // Heads that share a key stay on one thread, which alone writes its gradient.
  parallel_for(0, heads / group, std::max<int64_t>(1, kGrain / std::max<int64_t>(work, 1)),
               [&](int64_t begin, int64_t end) {
                 const int64_t tile = kQueries * std::min(kKeys, keys);
                 Scratch<T> weights(tile), slopes(tile);
                 for (int64_t i = begin * group; i < end * group; ++i) {
                   backward_matrix(in, i, all, log_sum.data<const T>() + i * queries,
                                   weights.data(), slopes.data());
                 }
               });
}

void attention(const AttentionInputs& in, const Tensor& out, const Tensor& log_sum) {
  if (in.query.dtype() == DType::Float64) return forward<double>(in, out, log_sum);
  forward<float>(in, out, log_sum);
}
void attention_backward(const AttentionInputs& in, const Tensor& out, const Tensor& log_sum,
                        const Tensor& grad, const Tensor& grad_q, const Tensor& grad_k,
                        const Tensor& grad_v) {
  const Gradients all{out, grad, grad_q, grad_k, grad_v};
  if (in.query.dtype() == DType::Float64) return backward<double>(in, log_sum, all);
  backward<float>(in, log_sum, all);
}

const RegisterKernel register_attention(attention_kernel, DeviceType::CPU, &attention);
const RegisterKernel register_backward(attention_backward_kernel, DeviceType::CPU,
                                       &attention_backward);

}  // namespace

}  // namespace rt::cpu
