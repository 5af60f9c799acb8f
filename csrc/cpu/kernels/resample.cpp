// Weighted sums of rows, and of elements picked from a row or plane: what every resampling is made
// of.
#include "cpu/kernels/kernels.h"
#include "cpu/reduce_loops.h"

namespace rt::cpu::RT_ISA {

namespace {

// out[i] = the sum of weights[r] * rows[r][i].
template <class T>
void blend_rows(int64_t n, int64_t rows, const void* const* sources, const void* weights,
                void* result) {
  T* out = static_cast<T*>(result);
  const T* w = static_cast<const T*>(weights);
  const auto row = [&](int64_t r) { return static_cast<const T*>(sources[r]); };
  if (rows == 0) {
    for (int64_t i = 0; i < n; ++i) out[i] = T(0);
  } else if (rows == 1) {
    const T *a = row(0), u = w[0];
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) out[i] = u * a[i];
  } else {
    const T *a = row(0), *b = row(1), u = w[0], v = w[1];
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) out[i] = mad_(u, a[i], v * b[i]);
  }
  int64_t r = 2;
  for (; r + 2 <= rows; r += 2) {
    const T *a = row(r), *b = row(r + 1), u = w[r], v = w[r + 1];
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) out[i] += mad_(u, a[i], v * b[i]);
  }
  if (r < rows) {
    const T *a = row(r), u = w[r];
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) out[i] = mad_(u, a[i], out[i]);
  }
}

// out[i] = the sum over taps k of weights[k][i] * source[indices[k][i]]; kMasked: a negative index
// counts nothing.
template <class T, bool kMasked>
void gather_taps(int64_t n, int64_t taps, const int32_t* indices, const void* weights,
                 const void* source, void* result) {
  T* out = static_cast<T*>(result);
  const T* x = static_cast<const T*>(source);
  const T* w = static_cast<const T*>(weights);
  if (taps == 0) {
    for (int64_t i = 0; i < n; ++i) out[i] = T(0);
  }
  for (int64_t k = 0; k < taps; ++k) {
    const int32_t* at = indices + k * n;
    const T* u = w + k * n;
    if (kMasked) {
#pragma GCC ivdep
      for (int64_t i = 0; i < n; ++i) {
        const int32_t j = at[i];
        const T v = x[j < 0 ? 0 : j] * u[i];
        const T term = j < 0 ? T(0) : v;
        out[i] = k == 0 ? term : out[i] + term;
      }
    } else if (k == 0) {
#pragma GCC ivdep
      for (int64_t i = 0; i < n; ++i) out[i] = u[i] * x[at[i]];
    } else {
#pragma GCC ivdep
      for (int64_t i = 0; i < n; ++i) out[i] = mad_(u[i], x[at[i]], out[i]);
    }
  }
}

template <class F>
void add(const FunctionTable& table, const char* name, int type, F* f) {
  table.add_function(name, type, reinterpret_cast<void (*)()>(f));
}
template <class T>
void add_type(const FunctionTable& table, int type) {
  add(table, "blend_rows", type, &blend_rows<T>);
  add(table, "gather_taps", type, &gather_taps<T, false>);
  add(table, "gather_masked_taps", type, &gather_taps<T, true>);
}

}  // namespace

void add_resample(const FunctionTable& table) {
  add_type<f32>(table, Float32);
  add_type<f64>(table, Float64);
}

}  // namespace rt::cpu::RT_ISA
