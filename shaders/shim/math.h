// The part of Metal's library that shaders use. Transcendental functions are not in it: shaders
// take those from rt_formulas.h, so that every engine computes the same. All are templates, so that
// a plain ::fabs(float) of the platform wins instead of clashing.
#pragma once

#if RT_CUDA
#undef INFINITY
#define INFINITY __int_as_float(0x7f800000)
#undef NAN
#define NAN __int_as_float(0x7fc00000)
#else
#undef INFINITY
#define INFINITY __builtin_huge_valf()
#undef NAN
#define NAN __builtin_nanf("")
#endif

namespace msl {
namespace platform {
#if RT_CUDA
#define RT_PLATFORM_1(name) \
  RT_FN float name(float x) { return ::name##f(x); }
RT_FN float fma(float a, float b, float c) { return ::__fmaf_rn(a, b, c); }
RT_FN float rsqrt(float x) { return ::rsqrtf(x); }
RT_FN float exp2(float x) {
  float y;
  asm("ex2.approx.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
RT_FN float fast_exp2(float x) {  // denormals are zero
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
RT_FN float fmax(float a, float b) { return ::fmaxf(a, b); }
RT_FN float fmin(float a, float b) { return ::fminf(a, b); }
#else
#define RT_PLATFORM_1(name) \
  RT_FN float name(float x) { return __builtin_##name##f(x); }
RT_FN float fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
RT_FN float rsqrt(float x) { return 1.0f / __builtin_sqrtf(x); }
RT_FN float exp2(float x) { return __builtin_exp2f(x); }
RT_FN float fast_exp2(float x) { return __builtin_exp2f(x); }
RT_FN float fmax(float a, float b) { return __builtin_fmaxf(a, b); }
RT_FN float fmin(float a, float b) { return __builtin_fminf(a, b); }
#endif
RT_PLATFORM_1(sqrt)
RT_PLATFORM_1(floor)
RT_PLATFORM_1(ceil)
RT_PLATFORM_1(rint)
RT_PLATFORM_1(round)
RT_PLATFORM_1(trunc)
RT_PLATFORM_1(fabs)
#undef RT_PLATFORM_1
}  // namespace platform
}  // namespace msl

namespace metal {

#define RT_MATH_1(name)                         \
  struct op_##name {                            \
    template <class T>                          \
    RT_FN T operator()(T a) const {             \
      return T(msl::platform::name(float(a)));  \
    }                                           \
  };                                            \
  template <class T>                            \
  RT_FN T name(T a) {                           \
    return op_##name{}(a);                      \
  }                                             \
  template <class T, int N>                     \
  RT_FN msl::vec<T, N> name(msl::vec<T, N> a) { \
    return msl::map(op_##name{}, a);            \
  }
RT_MATH_1(sqrt)
RT_MATH_1(rsqrt)
RT_MATH_1(floor)
RT_MATH_1(ceil)
RT_MATH_1(rint)
RT_MATH_1(round)
RT_MATH_1(trunc)
RT_MATH_1(fabs)
RT_MATH_1(exp2)  // as good as the hardware's: for what is rounded to 16 bits afterwards
#undef RT_MATH_1
namespace precise {
using metal::rsqrt;
using metal::sqrt;
}  // namespace precise
namespace fast {
RT_FN float exp2(float x) { return msl::platform::fast_exp2(x); }
}  // namespace fast

template <class T>
RT_FN T fma(T a, msl::same_t<T> b, msl::same_t<T> c) {
  return T(msl::platform::fma(float(a), float(b), float(c)));
}
template <class T, int N>
RT_FN msl::vec<T, N> fma(msl::vec<T, N> a, msl::same_t<msl::vec<T, N>> b,
                         msl::same_t<msl::vec<T, N>> c) {
  msl::vec<T, N> r;
  for (int i = 0; i < N; i++) r[i] = T(msl::platform::fma(float(a[i]), float(b[i]), float(c[i])));
  return r;
}
template <class T>
RT_FN T fmax(T a, msl::same_t<T> b) {
  return T(msl::platform::fmax(float(a), float(b)));
}
template <class T>
RT_FN T fmin(T a, msl::same_t<T> b) {
  return T(msl::platform::fmin(float(a), float(b)));
}
struct op_max {
  template <class T>
  RT_FN T operator()(T a, T b) const {
    return a < b ? b : a;
  }
};
struct op_min {
  template <class T>
  RT_FN T operator()(T a, T b) const {
    return b < a ? b : a;
  }
};
template <class T>
RT_FN T max(T a, T b) {
  return op_max{}(a, b);
}
template <class T>
RT_FN T min(T a, T b) {
  return op_min{}(a, b);
}
template <class T, int N>
RT_FN msl::vec<T, N> max(msl::vec<T, N> a, msl::vec<T, N> b) {
  return msl::map(op_max{}, a, b);
}
template <class T, int N>
RT_FN msl::vec<T, N> min(msl::vec<T, N> a, msl::vec<T, N> b) {
  return msl::map(op_min{}, a, b);
}
template <class T>
RT_FN T clamp(T x, msl::same_t<T> low, msl::same_t<T> high) {
  return metal::min(metal::max(x, T(low)), T(high));
}
template <class T>
RT_FN T abs(T x) {
  return x < T(0) ? T(-x) : x;
}
template <class T>
RT_FN T select(T no, T yes, bool which) {
  return which ? yes : no;
}
template <class T>
RT_FN bool isnan(T x) {
  return float(x) != float(x);
}
template <class T, int N>
RT_FN T dot(msl::vec<T, N> a, msl::vec<T, N> b) {
  T s = a[0] * b[0];
  for (int i = 1; i < N; i++) s += a[i] * b[i];
  return s;
}
template <class To, class From>
RT_FN To as_type(From from) {
  static_assert(sizeof(To) == sizeof(From), "as_type keeps the size");
  To to;
  for (unsigned i = 0; i < sizeof(To); i++) {
    reinterpret_cast<char*>(&to)[i] = reinterpret_cast<const char*>(&from)[i];
  }
  return to;
}
template <class T>
struct numeric_limits;
template <>
struct numeric_limits<float> {
  RT_FN static constexpr float lowest() { return -3.402823466e+38f; }
  RT_FN static constexpr float max() { return 3.402823466e+38f; }
  RT_FN static float infinity() { return INFINITY; }
};

enum class mem_flags { mem_none = 0, mem_device = 1, mem_threadgroup = 2, mem_texture = 4 };
RT_FN constexpr mem_flags operator|(mem_flags a, mem_flags b) { return mem_flags(int(a) | int(b)); }
enum memory_order { memory_order_relaxed };
template <class T>
struct atomic {
  T value;
};
using atomic_uint = atomic<unsigned>;
using atomic_int = atomic<int>;
using atomic_float = atomic<float>;

}  // namespace metal
