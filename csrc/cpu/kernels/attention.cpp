// Rows of a tile of attention scores: scaled, masked, turned into weights or into their gradients.
#include "cpu/kernels/vectors.h"
#include "cpu/reduce_loops.h"

namespace rt::cpu::RT_ISA {

namespace {

template <class T>
RT_INLINE void store_vector(T* p, Vector<T> v) {
  __builtin_memcpy(p, &v, sizeof v);
}

// s = s * scale + mask; the largest that is not NaN.
template <class T, bool kMask>
RT_INLINE T scaled_max(int64_t n, T* s, const T* mask, T scale) {
  constexpr int64_t W = VectorOf<T>::lanes;
  T max = -inf_(T(0));
  int64_t i = 0;
  if (n >= W) {
    Vector<T> a = Vector<T>{} + max;
    for (; i + W <= n; i += W) {
      Vector<T> v = load_vector(s + i) * scale;
      if (kMask) v += load_vector(mask + i);
      store_vector(s + i, v);
      a = v > a ? v : a;
    }
    for (int64_t l = 0; l < W; ++l) max = a[l] > max ? a[l] : max;
  }
  for (; i < n; ++i) {
    s[i] = kMask ? s[i] * scale + mask[i] : s[i] * scale;
    max = s[i] > max ? s[i] : max;
  }
  return max;
}

// scores become exp(score - largest so far). state: the largest so far, the sum of the weights so
// far, and the factor that weights made before this call take. mask: null, or numbers to add.
template <class T>
void attention_row(int64_t n, void* scores, const void* mask, double scale, void* state) {
  T* s = static_cast<T*>(scores);
  T* so_far = static_cast<T*>(state);
  const T f = static_cast<T>(scale);
  const T own = mask ? scaled_max<T, true>(n, s, static_cast<const T*>(mask), f)
                     : scaled_max<T, false>(n, s, nullptr, f);
  const T max = own > so_far[0] ? own : so_far[0];
  const T shift = max == -inf_(T(0)) ? T(0) : max;
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) s[i] = exp_(s[i] - shift);
  so_far[2] = so_far[0] == max ? T(1) : exp_(so_far[0] - shift);
  so_far[1] = so_far[1] * so_far[2] + sum_pairwise<Plain, T>(n, s);
  so_far[0] = max;
}

// scores become the weights, and the gradients of the weights those of the scores before scaling.
// log_sum: of the row; infinite where it attends to nothing. mean: of the gradients by weight.
template <class T>
void attention_backward_row(int64_t n, void* scores, void* grads, const void* mask, double scale,
                            double log_sum, double mean) {
  T* s = static_cast<T*>(scores);
  T* g = static_cast<T*>(grads);
  const T* m = static_cast<const T*>(mask);
  const T f = static_cast<T>(scale), l = static_cast<T>(log_sum), d = static_cast<T>(mean);
  if (m) {
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) s[i] = exp_(s[i] * f + m[i] - l);
  } else {
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) s[i] = exp_(s[i] * f - l);
  }
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) g[i] = s[i] * (g[i] - d) * f;
}

template <class F>
void add(const FunctionTable& table, const char* name, int type, F* f) {
  table.add_function(name, type, reinterpret_cast<void (*)()>(f));
}

}  // namespace

void add_attention(const FunctionTable& table) {
  add(table, "attention_row", Float32, &attention_row<f32>);
  add(table, "attention_row", Float64, &attention_row<f64>);
  add(table, "attention_backward_row", Float32, &attention_backward_row<f32>);
  add(table, "attention_backward_row", Float64, &attention_backward_row<f64>);
}

}  // namespace rt::cpu::RT_ISA
