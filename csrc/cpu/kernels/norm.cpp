// Normalization of rows and channels, and its gradients. Sums are made of blocks in T that are
// added in double.
#include "cpu/kernels/vectors.h"
#include "cpu/reduce_loops.h"

namespace rt::cpu::RT_ISA {

namespace {

template <class T, bool kCenter>
RT_INLINE void statistics(int64_t n, const T* x, double eps, T& mean, T& rstd) {
  const f64 count = static_cast<f64>(n);
  mean = kCenter ? static_cast<T>(sum_pairwise<Plain, f64>(n, x) / count) : T(0);
  f64 sum = 0, squares = 0;
  for (int64_t i = 0; i < n; i += kBlock) {
    f64 s, s2;
    deviations(least(kBlock, n - i), x + i, mean, s, s2);
    sum += s;
    squares += s2;
  }
  // The sum corrects the rounding of the mean.
  if (kCenter) squares -= sum * (sum / count);
  rstd = static_cast<T>(1 / sqrt_((squares > 0          ? squares
                                   : squares != squares ? squares
                                                        : 0) /
                                      count +
                                  eps));
}

template <class T>
void row_statistics(int64_t n, const void* in, double eps, void* mean, void* rstd) {
  statistics<T, true>(n, static_cast<const T*>(in), eps, *static_cast<T*>(mean),
                      *static_cast<T*>(rstd));
}

// out = (x - mean) * rstd * weight + bias; without kCenter the mean is taken as 0.
template <class T, bool kCenter>
void norm_row(int64_t n, const void* in, const void* weight, const void* bias, double eps,
              void* result, void* mean_out, void* rstd_out) {
  const T* x = static_cast<const T*>(in);
  const T* w = static_cast<const T*>(weight);
  const T* b = static_cast<const T*>(bias);
  T* out = static_cast<T*>(result);
  T mean, rstd;
  statistics<T, kCenter>(n, x, eps, mean, rstd);
  if (kCenter) *static_cast<T*>(mean_out) = mean;
  *static_cast<T*>(rstd_out) = rstd;
  if (w && b) {
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) out[i] = (x[i] - mean) * rstd * w[i] + b[i];
  } else if (w) {
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) out[i] = (x[i] - mean) * rstd * w[i];
  } else if (b) {
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) out[i] = (x[i] - mean) * rstd + b[i];
  } else {
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) out[i] = (x[i] - mean) * rstd;
  }
}

// s += sum(h), z += sum(h * (x - mean)), where h = g * w; w is not read without kWeight.
template <class T, bool kWeight>
RT_INLINE void add_sums(int64_t n, const T* g, const T* x, const T* w, T mean, f64& s, f64& z) {
  constexpr int64_t W = VectorOf<T>::lanes;
  for (int64_t first = 0; first < n; first += kBlock) {
    const int64_t end = first + least(kBlock, n - first);
    Vector<T> a{}, b{}, az{}, bz{};
    int64_t i = first;
    for (; i + 2 * W <= end; i += 2 * W) {
      Vector<T> u = load_vector(g + i), v = load_vector(g + i + W);
      if (kWeight) {
        u *= load_vector(w + i);
        v *= load_vector(w + i + W);
      }
      a += u;
      b += v;
      az += u * (load_vector(x + i) - mean);
      bz += v * (load_vector(x + i + W) - mean);
    }
    a += b;
    az += bz;
    T sum = 0, sum_z = 0;
    for (int64_t l = 0; l < W; ++l) {
      sum += a[l];
      sum_z += az[l];
    }
    for (; i < end; ++i) {
      const T h = kWeight ? g[i] * w[i] : g[i];
      sum += h;
      sum_z += h * (x[i] - mean);
    }
    s += sum;
    z += sum_z;
  }
}

// out = rstd * (h - mean(h) - y * mean(h y)) with h = grad * weight and y = (x - mean) * rstd, if
// out is not null; weight_grad += grad * y and bias_grad += grad, where not null.
template <class T, bool kCenter>
void norm_backward_row(int64_t n, const void* grad, const void* in, const void* weight,
                       double mean_value, double rstd_value, void* result, void* weight_grad,
                       void* bias_grad) {
  const T* g = static_cast<const T*>(grad);
  const T* x = static_cast<const T*>(in);
  const T* w = static_cast<const T*>(weight);
  const T mean = static_cast<T>(mean_value), rstd = static_cast<T>(rstd_value);
  if (T* dw = static_cast<T*>(weight_grad)) {
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) dw[i] += g[i] * ((x[i] - mean) * rstd);
  }
  if (T* db = static_cast<T*>(bias_grad)) {
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) db[i] += g[i];
  }
  T* out = static_cast<T*>(result);
  if (!out) return;
  f64 sum = 0, sum_z = 0;
  if (w) {
    add_sums<T, true>(n, g, x, w, mean, sum, sum_z);
  } else {
    add_sums<T, false>(n, g, x, w, mean, sum, sum_z);
  }
  const f64 count = static_cast<f64>(n);
  const T s = kCenter ? static_cast<T>(sum / count) : T(0);
  const T z = static_cast<T>(sum_z * rstd_value * rstd_value / count);
  if (w) {
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) out[i] = rstd * (g[i] * w[i] - s - (x[i] - mean) * z);
  } else {
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) out[i] = rstd * (g[i] - s - (x[i] - mean) * z);
  }
}

// ---- Rows that belong to one channel: the same numbers for the whole row ----

// out = (x - mean) * scale + shift.
template <class T>
void affine_row(int64_t n, const void* in, double mean_value, double scale_value,
                double shift_value, void* result) {
  const T* x = static_cast<const T*>(in);
  T* out = static_cast<T*>(result);
  const T mean = static_cast<T>(mean_value), scale = static_cast<T>(scale_value);
  const T shift = static_cast<T>(shift_value);
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) out[i] = (x[i] - mean) * scale + shift;
}

// sums[0] += sum(g), sums[1] += sum(g * (x - mean)).
template <class T>
void sums_row(int64_t n, const void* grad, const void* in, double mean, double* sums) {
  add_sums<T, false>(n, static_cast<const T*>(grad), static_cast<const T*>(in), nullptr,
                     static_cast<T>(mean), sums[0], sums[1]);
}

// out = a * g + b * (x - mean) + c.
template <class T>
void combine_row(int64_t n, const void* grad, const void* in, double mean_value, double a_value,
                 double b_value, double c_value, void* result) {
  const T* g = static_cast<const T*>(grad);
  const T* x = static_cast<const T*>(in);
  T* out = static_cast<T*>(result);
  const T mean = static_cast<T>(mean_value), a = static_cast<T>(a_value);
  const T b = static_cast<T>(b_value), c = static_cast<T>(c_value);
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) out[i] = a * g[i] + b * (x[i] - mean) + c;
}

// ---- Rows of one element of each channel: numbers in arrays of the row's length ----

template <class T>
void affine_columns(int64_t n, const void* in, const void* means, const void* scales,
                    const void* shifts, void* result) {
  const T* x = static_cast<const T*>(in);
  const T* mean = static_cast<const T*>(means);
  const T* scale = static_cast<const T*>(scales);
  const T* shift = static_cast<const T*>(shifts);
  T* out = static_cast<T*>(result);
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) out[i] = (x[i] - mean[i]) * scale[i] + shift[i];
}

template <class T>
void sums_columns(int64_t n, const void* grad, const void* in, const void* means, void* sums,
                  void* sums_z) {
  const T* g = static_cast<const T*>(grad);
  const T* x = static_cast<const T*>(in);
  const T* mean = static_cast<const T*>(means);
  T* s = static_cast<T*>(sums);
  T* z = static_cast<T*>(sums_z);
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) {
    s[i] += g[i];
    z[i] += g[i] * (x[i] - mean[i]);
  }
}

template <class T>
void combine_columns(int64_t n, const void* grad, const void* in, const void* means, const void* as,
                     const void* bs, const void* cs, void* result) {
  const T* g = static_cast<const T*>(grad);
  const T* x = static_cast<const T*>(in);
  const T* mean = static_cast<const T*>(means);
  const T* a = static_cast<const T*>(as);
  const T* b = static_cast<const T*>(bs);
  const T* c = static_cast<const T*>(cs);
  T* out = static_cast<T*>(result);
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) out[i] = a[i] * g[i] + b[i] * (x[i] - mean[i]) + c[i];
}

template <class F>
void add(const FunctionTable& table, const char* name, int type, F* f) {
  table.add_function(name, type, reinterpret_cast<void (*)()>(f));
}

template <class T>
void add_type(const FunctionTable& table, int type) {
  add(table, "norm_row_statistics", type, &row_statistics<T>);
  add(table, "layer_norm_row", type, &norm_row<T, true>);
  add(table, "rms_norm_row", type, &norm_row<T, false>);
  add(table, "layer_norm_backward_row", type, &norm_backward_row<T, true>);
  add(table, "rms_norm_backward_row", type, &norm_backward_row<T, false>);
  add(table, "norm_affine_row", type, &affine_row<T>);
  add(table, "norm_sums_row", type, &sums_row<T>);
  add(table, "norm_combine_row", type, &combine_row<T>);
  add(table, "norm_affine_columns", type, &affine_columns<T>);
  add(table, "norm_sums_columns", type, &sums_columns<T>);
  add(table, "norm_combine_columns", type, &combine_columns<T>);
}

}  // namespace

void add_norms(const FunctionTable& table) {
  add_type<f32>(table, Float32);
  add_type<f64>(table, Float64);
}

}  // namespace rt::cpu::RT_ISA
