// Scalars, 16-bit floats and small vectors with Metal's layout and names.
#pragma once

namespace msl {

using u8 = unsigned char;
using u16 = unsigned short;
using u32 = unsigned int;
using u64 = unsigned long long;

#if RT_CUDA
RT_FN u16 to_half_bits(float f) {
  u16 h;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(h) : "f"(f));
  return h;
}
RT_FN float from_half_bits(u16 h) {
  float f;
  asm("cvt.f32.f16 %0, %1;" : "=f"(f) : "h"(h));
  return f;
}
RT_FN u16 to_bfloat_bits(float f) {
  u16 h;
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(h) : "f"(f));
  return h;
}
RT_FN float from_bfloat_bits(u16 h) { return __uint_as_float(u32(h) << 16); }
#else
RT_FN u16 to_half_bits(float f) {
  const _Float16 h = static_cast<_Float16>(f);
  u16 bits;
  memcpy(&bits, &h, 2);
  return bits;
}
RT_FN float from_half_bits(u16 bits) {
  _Float16 h;
  memcpy(&h, &bits, 2);
  return static_cast<float>(h);
}
RT_FN u16 to_bfloat_bits(float f) {  // to nearest, ties to even; NaN stays NaN
  u32 bits;
  memcpy(&bits, &f, 4);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return u16((bits >> 16) | 0x40);
  return u16((bits + 0x7fffu + ((bits >> 16) & 1)) >> 16);
}
RT_FN float from_bfloat_bits(u16 h) {
  const u32 bits = u32(h) << 16;
  float f;
  memcpy(&f, &bits, 4);
  return f;
}
#endif

// Every operation is done in float and rounded once, which for + - * / is the correctly rounded
// 16-bit result.
#define RT_SMALL_FLOAT(Name, to_bits, from_bits)                                     \
  struct alignas(2) Name {                                                           \
    u16 bits;                                                                        \
    Name() = default;                                                                \
    RT_FN Name(float f) : bits(to_bits(f)) {}                                        \
    RT_FN operator float() const { return from_bits(bits); }                         \
    RT_FN Name& operator+=(Name o) { return *this = Name(float(*this) + float(o)); } \
    RT_FN Name& operator-=(Name o) { return *this = Name(float(*this) - float(o)); } \
    RT_FN Name& operator*=(Name o) { return *this = Name(float(*this) * float(o)); } \
    RT_FN Name& operator/=(Name o) { return *this = Name(float(*this) / float(o)); } \
  };                                                                                 \
  RT_SMALL_FLOAT_OP(Name, +)                                                         \
  RT_SMALL_FLOAT_OP(Name, -)                                                         \
  RT_SMALL_FLOAT_OP(Name, *)                                                         \
  RT_SMALL_FLOAT_OP(Name, /)
#define RT_SMALL_FLOAT_OP(Name, op)                                             \
  RT_FN Name operator op(Name a, Name b) { return Name(float(a) op float(b)); } \
  RT_FN float operator op(Name a, float b) { return float(a) op b; }            \
  RT_FN float operator op(float a, Name b) { return a op float(b); }
RT_SMALL_FLOAT(half_t, to_half_bits, from_half_bits)
RT_SMALL_FLOAT(bfloat_t, to_bfloat_bits, from_bfloat_bits)
#undef RT_SMALL_FLOAT_OP
#undef RT_SMALL_FLOAT

template <class T, int N>
struct vec;
template <class T>
struct alignas(2 * sizeof(T)) vec<T, 2> {
  T x, y;
  vec() = default;
  RT_FN vec(T s) : x(s), y(s) {}
  RT_FN vec(T a, T b) : x(a), y(b) {}
  template <class U>
  RT_FN explicit vec(vec<U, 2> v) : x(T(v.x)), y(T(v.y)) {}
  RT_FN T& operator[](int i) { return (&x)[i]; }
  RT_FN T operator[](int i) const { return i == 0 ? x : y; }
};
template <class T>
struct alignas(4 * sizeof(T)) vec<T, 3> {
  T x, y, z;
  vec() = default;
  RT_FN vec(T s) : x(s), y(s), z(s) {}
  RT_FN vec(T a, T b, T c) : x(a), y(b), z(c) {}
  template <class U>
  RT_FN explicit vec(vec<U, 3> v) : x(T(v.x)), y(T(v.y)), z(T(v.z)) {}
  RT_FN T& operator[](int i) { return (&x)[i]; }
  RT_FN T operator[](int i) const { return i == 0 ? x : i == 1 ? y : z; }
};
template <class T>
struct alignas(4 * sizeof(T)) vec<T, 4> {
  T x, y, z, w;
  vec() = default;
  RT_FN vec(T s) : x(s), y(s), z(s), w(s) {}
  RT_FN vec(T a, T b, T c, T d) : x(a), y(b), z(c), w(d) {}
  template <class U>
  RT_FN explicit vec(vec<U, 4> v) : x(T(v.x)), y(T(v.y)), z(T(v.z)), w(T(v.w)) {}
  RT_FN T& operator[](int i) { return (&x)[i]; }
  RT_FN T operator[](int i) const { return i == 0 ? x : i == 1 ? y : i == 2 ? z : w; }
};

// f of each component; used by the operators here and by math.h.
#define RT_MAP(N, ...)                                                           \
  template <class F, class T>                                                    \
  RT_FN auto map(F f, vec<T, N> a)->vec<decltype(f(a.x)), N> {                   \
    return RT_MAP_1_##N;                                                         \
  }                                                                              \
  template <class F, class T>                                                    \
  RT_FN auto map(F f, vec<T, N> a, vec<T, N> b)->vec<decltype(f(a.x, b.x)), N> { \
    return RT_MAP_2_##N;                                                         \
  }
#define RT_MAP_1_2 \
  { f(a.x), f(a.y) }
#define RT_MAP_1_3 \
  { f(a.x), f(a.y), f(a.z) }
#define RT_MAP_1_4 \
  { f(a.x), f(a.y), f(a.z), f(a.w) }
#define RT_MAP_2_2 \
  { f(a.x, b.x), f(a.y, b.y) }
#define RT_MAP_2_3 \
  { f(a.x, b.x), f(a.y, b.y), f(a.z, b.z) }
#define RT_MAP_2_4 \
  { f(a.x, b.x), f(a.y, b.y), f(a.z, b.z), f(a.w, b.w) }
RT_MAP(2)
RT_MAP(3)
RT_MAP(4)
#undef RT_MAP

template <class T>
struct same {
  using type = T;
};
template <class T>
using same_t = typename same<T>::type;  // a parameter that deduces nothing

#define RT_VECTOR_OP(op, Name)                       \
  struct Name {                                      \
    template <class T>                               \
    RT_FN auto operator()(T a, T b) const {          \
      return a op b;                                 \
    }                                                \
  };                                                 \
  template <class T, int N>                          \
  RT_FN auto operator op(vec<T, N> a, vec<T, N> b) { \
    return map(Name{}, a, b);                        \
  }                                                  \
  template <class T, int N>                          \
  RT_FN auto operator op(vec<T, N> a, same_t<T> b) { \
    return map(Name{}, a, vec<T, N>(b));             \
  }                                                  \
  template <class T, int N>                          \
  RT_FN auto operator op(same_t<T> a, vec<T, N> b) { \
    return map(Name{}, vec<T, N>(a), b);             \
  }
RT_VECTOR_OP(+, Add)
RT_VECTOR_OP(-, Subtract)
RT_VECTOR_OP(*, Multiply)
RT_VECTOR_OP(/, Divide)
RT_VECTOR_OP(<, Less)
RT_VECTOR_OP(>, Greater)
RT_VECTOR_OP(<=, LessEqual)
RT_VECTOR_OP(>=, GreaterEqual)
RT_VECTOR_OP(==, Equal)
RT_VECTOR_OP(!=, NotEqual)
#undef RT_VECTOR_OP
#define RT_VECTOR_ASSIGN(op, base)                          \
  template <class T, int N>                                 \
  RT_FN vec<T, N>& operator op(vec<T, N>& a, vec<T, N> b) { \
    return a = a base b;                                    \
  }                                                         \
  template <class T, int N>                                 \
  RT_FN vec<T, N>& operator op(vec<T, N>& a, same_t<T> b) { \
    return a = a base vec<T, N>(b);                         \
  }
RT_VECTOR_ASSIGN(+=, +)
RT_VECTOR_ASSIGN(-=, -)
RT_VECTOR_ASSIGN(*=, *)
RT_VECTOR_ASSIGN(/=, /)
#undef RT_VECTOR_ASSIGN
struct Negate {
  template <class T>
  RT_FN T operator()(T a) const {
    return -a;
  }
};
template <class T, int N>
RT_FN vec<T, N> operator-(vec<T, N> a) {
  return map(Negate{}, a);
}

// A built-in's value, as the scalar or vector that a kernel asks for.
struct Builtin {
  u32 x, y, z;
  RT_FN operator u32() const { return x; }
  RT_FN operator u16() const { return u16(x); }
  RT_FN operator vec<u32, 2>() const { return {x, y}; }
  RT_FN operator vec<u32, 3>() const { return {x, y, z}; }
  RT_FN operator vec<u16, 2>() const { return {u16(x), u16(y)}; }
  RT_FN operator vec<u16, 3>() const { return {u16(x), u16(y), u16(z)}; }
};

// The types of a kernel's parameters; a buffer is a pointer or a reference.
template <class T>
struct is_buffer {
  static constexpr bool value = false;
};
template <class T>
struct is_buffer<T*> {
  static constexpr bool value = true;
};
template <class T>
struct is_buffer<T&> {
  static constexpr bool value = true;
};
struct none {};
template <int I, class... A>
struct nth {
  using type = none;
};
template <class H, class... A>
struct nth<0, H, A...> {
  using type = H;
};
template <int I, class H, class... A>
struct nth<I, H, A...> : nth<I - 1, A...> {};
template <class F>
struct signature;
template <class... A>
struct signature<void(A...)> {
  static constexpr int buffers = (0 + ... + int(is_buffer<A>::value));
  template <int I>
  using argument = typename nth<(I < buffers ? I : 1000), A..., none>::type;
};
template <class... A>
struct signature<void (*)(A...)> : signature<void(A...)> {};

}  // namespace msl

namespace metal {
using msl::vec;
}
