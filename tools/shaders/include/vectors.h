#pragma once

namespace metal {

template <class T, int N>
struct vec;
// The type of a vector's components.
template <class T>
struct __metal_component {
  using type = T;
};
template <class T, int N>
struct __metal_component<vec<T, N>> {
  using type = T;
};

// A method serves objects of one address space: without a word that is any but constant. What gives
// a reference to a component comes once for each, so that it stays in the object's own.
#define RT_COPIES                       \
  vec() = default;                      \
  constexpr vec(const vec&) = default;  \
  constexpr vec(const __constant vec&); \
  constexpr vec(const vec&) __constant; \
  constexpr vec& operator=(const vec&); \
  constexpr vec& operator=(const __constant vec&);
#define RT_ELEMENTS                                       \
  T& operator[](int);                                     \
  const T& operator[](int) const;                         \
  thread T& operator[](int) thread;                       \
  const thread T& operator[](int) const thread;           \
  device T& operator[](int) device;                       \
  const device T& operator[](int) const device;           \
  threadgroup T& operator[](int) threadgroup;             \
  const threadgroup T& operator[](int) const threadgroup; \
  const __constant T& operator[](int) const __constant;
#define RT_ARITHMETIC(op)                     \
  friend constexpr vec operator op(vec, vec); \
  vec& operator op##=(vec);
#define RT_OPERATORS(N)                               \
  RT_ARITHMETIC(+)                                    \
  RT_ARITHMETIC(-)                                    \
  RT_ARITHMETIC(*)                                    \
  RT_ARITHMETIC(/)                                    \
  RT_ARITHMETIC(%)                                    \
  RT_ARITHMETIC(&)                                    \
  RT_ARITHMETIC(|)                                    \
  RT_ARITHMETIC(^)                                    \
  RT_ARITHMETIC(<<)                                   \
  RT_ARITHMETIC(>>)                                   \
  friend constexpr vec operator-(vec);                \
  friend constexpr vec operator~(vec);                \
  friend constexpr vec<bool, N> operator!(vec);       \
  friend constexpr vec<bool, N> operator==(vec, vec); \
  friend constexpr vec<bool, N> operator!=(vec, vec); \
  friend constexpr vec<bool, N> operator<(vec, vec);  \
  friend constexpr vec<bool, N> operator>(vec, vec);  \
  friend constexpr vec<bool, N> operator<=(vec, vec); \
  friend constexpr vec<bool, N> operator>=(vec, vec); \
  friend constexpr vec<bool, N> operator&&(vec, vec); \
  friend constexpr vec<bool, N> operator||(vec, vec);
#define RT_COMMON(N)                 \
  RT_COPIES                          \
  template <class U>                 \
  constexpr explicit vec(vec<U, N>); \
  RT_ELEMENTS                        \
  RT_OPERATORS(N)

template <class T>
struct alignas(2 * sizeof(T)) vec<T, 2> {
  T x, y;
  constexpr vec(T s) : x(s), y(s) {}
  constexpr vec(T s) __constant : x(s), y(s) {}
  constexpr vec(T a, T b) : x(a), y(b) {}
  constexpr vec(T a, T b) __constant : x(a), y(b) {}
  RT_COMMON(2)
};
template <class T>
struct alignas(4 * sizeof(T)) vec<T, 3> {
  T x, y, z;
  constexpr vec(T s) : x(s), y(s), z(s) {}
  constexpr vec(T s) __constant : x(s), y(s), z(s) {}
  constexpr vec(T a, T b, T c) : x(a), y(b), z(c) {}
  constexpr vec(T a, T b, T c) __constant : x(a), y(b), z(c) {}
  RT_COMMON(3)
};
template <class T>
struct alignas(4 * sizeof(T)) vec<T, 4> {
  T x, y, z, w;
  constexpr vec(T s) : x(s), y(s), z(s), w(s) {}
  constexpr vec(T s) __constant : x(s), y(s), z(s), w(s) {}
  constexpr vec(T a, T b, T c, T d) : x(a), y(b), z(c), w(d) {}
  constexpr vec(T a, T b, T c, T d) __constant : x(a), y(b), z(c), w(d) {}
  RT_COMMON(4)
};
#undef RT_COMMON
#undef RT_OPERATORS
#undef RT_ARITHMETIC
#undef RT_ELEMENTS
#undef RT_COPIES

}  // namespace metal

// These names are global in Metal.
#define RT_NAMES(T)              \
  using T##2 = metal::vec<T, 2>; \
  using T##3 = metal::vec<T, 3>; \
  using T##4 = metal::vec<T, 4>;
RT_NAMES(bool)
RT_NAMES(char)
RT_NAMES(uchar)
RT_NAMES(short)
RT_NAMES(ushort)
RT_NAMES(int)
RT_NAMES(uint)
RT_NAMES(long)
RT_NAMES(ulong)
RT_NAMES(half)
RT_NAMES(bfloat)
RT_NAMES(float)
#undef RT_NAMES
