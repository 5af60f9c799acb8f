// Softmax, its logarithm, their gradients, and the gradient of the cross entropy, for single rows
// and for columns side by side.
#include "cpu/kernels/vectors.h"
#include "cpu/reduce_loops.h"

namespace rt::cpu::RT_ISA {

namespace {

template <class T>
RT_INLINE T higher(T a, T b) {
  return b > a || b != b ? b : a;
}

template <class T>
T max_of_row(int64_t n, const T* x) {
  constexpr int64_t W = VectorOf<T>::lanes;
  T max = x[0];
  int64_t i = 1;
  if (n >= W) {
    Vector<T> a = load_vector(x), b = a;
    for (i = W; i + 2 * W <= n; i += 2 * W) {
      const Vector<T> u = load_vector(x + i), v = load_vector(x + i + W);
      a = ((u > a) | (u != u)) ? u : a;
      b = ((v > b) | (v != v)) ? v : b;
    }
    for (int64_t l = 0; l < W; ++l) max = higher(higher<T>(max, a[l]), static_cast<T>(b[l]));
  }
  for (; i < n; ++i) max = higher(max, x[i]);
  return max;
}

template <class T, bool kLog>
void softmax_row(int64_t n, const void* in, void* result) {
  const T* x = static_cast<const T*>(in);
  T* out = static_cast<T*>(result);
  const T max = max_of_row(n, x);
  f64 sum = 0;
  if (kLog) {
    T e[kBlock];
    for (int64_t i = 0; i < n; i += kBlock) {
      const int64_t count = least(kBlock, n - i);
#pragma GCC ivdep
      for (int64_t k = 0; k < count; ++k) e[k] = exp_(x[i + k] - max);
      sum += sum_block<Plain>(count, e);
    }
    const T log = static_cast<T>(log_(sum));
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) out[i] = (x[i] - max) - log;
  } else {
    for (int64_t i = 0; i < n; i += kBlock) {
      const int64_t count = least(kBlock, n - i);
#pragma GCC ivdep
      for (int64_t k = 0; k < count; ++k) out[i + k] = exp_(x[i + k] - max);
      sum += sum_block<Plain>(count, out + i);
    }
    const T scale = static_cast<T>(1 / sum);
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) out[i] *= scale;
  }
}

// The sum of a[i] * b[i], or of a[i] alone.
template <class T, bool kProduct>
f64 dot_row(int64_t n, const T* a, const T* b) {
  if (!kProduct) return sum_pairwise<Plain, f64>(n, a);
  T p[kBlock];
  f64 sum = 0;
  for (int64_t i = 0; i < n; i += kBlock) {
    const int64_t count = least(kBlock, n - i);
#pragma GCC ivdep
    for (int64_t k = 0; k < count; ++k) p[k] = a[i + k] * b[i + k];
    sum += sum_block<Plain>(count, p);
  }
  return sum;
}

template <class T, bool kLog>
void softmax_backward_row(int64_t n, const void* grad, const void* y, void* result) {
  const T* g = static_cast<const T*>(grad);
  const T* r = static_cast<const T*>(y);
  T* out = static_cast<T*>(result);
  const T s = static_cast<T>(dot_row<T, !kLog>(n, g, r));
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) out[i] = kLog ? g[i] - exp_(r[i]) * s : r[i] * (g[i] - s);
}

constexpr int64_t kColumns = 128;

// `rows` values along the dim, `step` elements apart, for `n` columns.
template <class T, bool kLog>
void softmax_columns(int64_t rows, int64_t n, int64_t step, const void* in, void* result) {
  for (int64_t j = 0; j < n; j += kColumns) {
    const int64_t w = least(kColumns, n - j);
    const T* x = static_cast<const T*>(in) + j;
    T* out = static_cast<T*>(result) + j;
    T max[kColumns], sum[kColumns];
    for (int64_t k = 0; k < w; ++k) {
      max[k] = x[k];
      sum[k] = 0;
    }
    for (int64_t r = 1; r < rows; ++r) {
#pragma GCC ivdep
      for (int64_t k = 0; k < w; ++k) max[k] = higher(max[k], x[r * step + k]);
    }
    for (int64_t r = 0; r < rows; ++r) {
#pragma GCC ivdep
      for (int64_t k = 0; k < w; ++k) {
        const T e = exp_(x[r * step + k] - max[k]);
        if (!kLog) out[r * step + k] = e;
        sum[k] += e;
      }
    }
    for (int64_t k = 0; k < w; ++k) sum[k] = kLog ? log_(sum[k]) : 1 / sum[k];
    for (int64_t r = 0; r < rows; ++r) {
#pragma GCC ivdep
      for (int64_t k = 0; k < w; ++k) {
        const int64_t i = r * step + k;
        out[i] = kLog ? (x[i] - max[k]) - sum[k] : out[i] * sum[k];
      }
    }
  }
}

template <class T, bool kLog>
void softmax_backward_columns(int64_t rows, int64_t n, int64_t step, const void* grad,
                              const void* y, void* result) {
  for (int64_t j = 0; j < n; j += kColumns) {
    const int64_t w = least(kColumns, n - j);
    const T* g = static_cast<const T*>(grad) + j;
    const T* v = static_cast<const T*>(y) + j;
    T* out = static_cast<T*>(result) + j;
    T sum[kColumns];
    for (int64_t k = 0; k < w; ++k) sum[k] = 0;
    for (int64_t r = 0; r < rows; ++r) {
#pragma GCC ivdep
      for (int64_t k = 0; k < w; ++k)
        sum[k] += kLog ? g[r * step + k] : g[r * step + k] * v[r * step + k];
    }
    for (int64_t r = 0; r < rows; ++r) {
#pragma GCC ivdep
      for (int64_t k = 0; k < w; ++k) {
        const int64_t i = r * step + k;
        out[i] = kLog ? g[i] - exp_(v[i]) * sum[k] : v[i] * (g[i] - sum[k]);
      }
    }
  }
}

// out = exp(x - shift) * scale.
template <class T>
void exp_shifted_row(int64_t n, const void* in, double shift, double scale, void* result) {
  const T* x = static_cast<const T*>(in);
  T* out = static_cast<T*>(result);
  const T a = static_cast<T>(shift), b = static_cast<T>(scale);
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) out[i] = exp_(x[i] - a) * b;
}
template <class T>
void exp_shifted_columns(int64_t n, const void* in, const void* shift, const void* scale,
                         void* result) {
  const T* x = static_cast<const T*>(in);
  const T* a = static_cast<const T*>(shift);
  const T* b = static_cast<const T*>(scale);
  T* out = static_cast<T*>(result);
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) out[i] = exp_(x[i] - a[i]) * b[i];
}

template <class F>
void add(const FunctionTable& table, const char* name, int type, F* f) {
  table.add_function(name, type, reinterpret_cast<void (*)()>(f));
}

template <class T>
void add_type(const FunctionTable& table, int type) {
  add(table, "softmax_row", type, &softmax_row<T, false>);
  add(table, "log_softmax_row", type, &softmax_row<T, true>);
  add(table, "softmax_columns", type, &softmax_columns<T, false>);
  add(table, "log_softmax_columns", type, &softmax_columns<T, true>);
  add(table, "softmax_backward_row", type, &softmax_backward_row<T, false>);
  add(table, "log_softmax_backward_row", type, &softmax_backward_row<T, true>);
  add(table, "softmax_backward_columns", type, &softmax_backward_columns<T, false>);
  add(table, "log_softmax_backward_columns", type, &softmax_backward_columns<T, true>);
  add(table, "exp_shifted_row", type, &exp_shifted_row<T>);
  add(table, "exp_shifted_columns", type, &exp_shifted_columns<T>);
}

}  // namespace

void add_softmax(const FunctionTable& table) {
  add_type<f32>(table, Float32);
  add_type<f64>(table, Float64);
}

}  // namespace rt::cpu::RT_ISA
