// Activations and the products of their derivatives with a gradient (g, then x).
#include "cpu/kernels/kernels.h"

namespace rt::cpu::RT_ISA {

namespace {

// As a clamp, but with the bounds as given: NaN stays NaN.
template <class T>
RT_INLINE T relu(T x) {
  return x < T(0) ? T(0) : x;
}
template <class T>
RT_INLINE T elu_backward(T g, T x, T negative, T positive, T input_scale) {
  const T below = exp_(x * input_scale) * (negative * input_scale);
  return g * (x > T(0) ? positive : below);
}
template <class T>
RT_INLINE T elu(T x, T negative, T positive, T input_scale) {
  const T below = expm1_(x * input_scale) * negative;
  return x > T(0) ? x * positive : below;
}

template <class T, class F>
inline void map_elu_backward(int64_t n, void* const* p, F f) {
  T* out = static_cast<T*>(p[0]);
  const T *g = static_cast<const T*>(p[1]), *x = static_cast<const T*>(p[2]);
  const T *a = static_cast<const T*>(p[3]), *b = static_cast<const T*>(p[4]),
          *c = static_cast<const T*>(p[5]);
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) out[i] = f(g[i], x[i], a[i], b[i], c[i]);
}
#define RT_ELU_BACKWARD(type, T)                                           \
  table.add("elu_backward", type, [](int64_t n, void* const* p) {          \
    map_elu_backward<T>(                                                   \
        n, p, [](T g, T x, T a, T b, T c) __attribute__((always_inline)) { \
          return elu_backward(g, x, a, b, c);                              \
        });                                                                \
  })

}  // namespace

void add_activation(const LoopTable& table) {
  RT_FOR_FLOATS(RT_LOOP1, "relu", relu(x));
  RT_FOR_INTEGERS(RT_LOOP1, "relu", x > 0 ? x : 0);
  RT_FOR_FLOATS(RT_LOOP1, "sigmoid", sigmoid_(x));
  RT_FOR_FLOATS(RT_LOOP1, "logsigmoid", logsigmoid_(x));
  RT_FOR_FLOATS(RT_LOOP1, "silu", silu_(x));
  RT_FOR_FLOATS(RT_LOOP1, "mish", mish_(x));
  RT_FOR_FLOATS(RT_LOOP1, "gelu", gelu_(x));
  RT_FOR_FLOATS(RT_LOOP1, "gelu_tanh", gelu_tanh_(x));
  RT_FOR_FLOATS(RT_LOOP1, "hardsigmoid", hardsigmoid_(x));
  RT_FOR_FLOATS(RT_LOOP1, "hardswish", hardswish_(x));
  RT_FOR_FLOATS(RT_LOOP2, "leaky_relu", leaky_relu_(x, y));
  RT_FOR_FLOATS(RT_LOOP2, "softshrink", softshrink_(x, y));
  RT_FOR_FLOATS(RT_LOOP2, "hardshrink", hardshrink_(x, y));
  RT_FOR_FLOATS(RT_LOOP3, "softplus", softplus_(x, y, z));
  RT_FOR_FLOATS(RT_LOOP3, "threshold", x <= y ? z : x);
  RT_FOR_INTEGERS(RT_LOOP3, "threshold", x <= y ? z : x);
  RT_FOR_FLOATS(RT_LOOP4, "elu", elu(x, y, z, w));
}

void add_activation_backward(const LoopTable& table) {
  RT_FOR_FLOATS(RT_LOOP2, "sigmoid_backward", x * (1 - y) * y);
  RT_FOR_FLOATS(RT_LOOP2, "tanh_backward", x * (1 - y * y));
  RT_FOR_FLOATS(RT_LOOP2, "logsigmoid_backward", x * sigmoid_(-y));
  RT_FOR_FLOATS(RT_LOOP2, "silu_backward", x * silu_grad_(y));
  RT_FOR_FLOATS(RT_LOOP2, "mish_backward", x * mish_grad_(y));
  RT_FOR_FLOATS(RT_LOOP2, "gelu_backward", x * gelu_grad_(y));
  RT_FOR_FLOATS(RT_LOOP2, "gelu_tanh_backward", x * gelu_tanh_grad_(y));
  RT_FOR_FLOATS(RT_LOOP2, "hardsigmoid_backward", y > -3 && y < 3 ? x / 6 : 0);
  RT_FOR_FLOATS(RT_LOOP2, "hardswish_backward",
                y <= -3 ? 0 : (y >= 3 ? x : x * (y / 3 + static_cast<decltype(y)>(0.5))));
  RT_FOR_FLOATS(RT_LOOP3, "leaky_relu_backward", y > 0 ? x : x * z);
  RT_FOR_FLOATS(RT_LOOP3, "threshold_backward", y <= z ? 0 : x);
  RT_FOR_FLOATS(RT_LOOP4, "interval_backward", y >= z && y <= w ? x : 0);
  RT_FOR_FLOATS(RT_LOOP4, "open_interval_backward", y > z && y < w ? x : 0);
  RT_FOR_FLOATS(RT_LOOP4, "outside_backward", y < z || y > w ? x : 0);
  RT_FOR_FLOATS(RT_LOOP4, "softplus_backward", x * softplus_grad_(y, z, w));
  RT_ELU_BACKWARD(Float32, f32);
  RT_ELU_BACKWARD(Float64, f64);
}

}  // namespace rt::cpu::RT_ISA
