// Loops for elementwise formulas. Files in this folder are compiled once per instruction set, with
// RT_ISA naming it, so everything here lives in that namespace and nothing from the standard
// library is instantiated: the linker must never merge an AVX-512 copy into the code older CPUs
// run.
#pragma once

#include <stdint.h>

#ifndef RT_ISA
#error "compiled through the kernel targets of CMakeLists.txt, which define RT_ISA"
#endif
#define RT_FORMULAS_NAMESPACE rt::cpu::RT_ISA
#include "rt_formulas.h"

namespace rt::cpu {
using Loop = void (*)(int64_t n, void* const* pointers);
// Receives each loop by slot name and compute type; lives outside the per-ISA code.
struct LoopTable {
  void (*add)(const char* slot, int dtype, Loop loop);
};
}  // namespace rt::cpu

namespace rt::cpu::RT_ISA {

using u8 = uint8_t;  // also bool, as 0 and 1
using s8 = int8_t;
using s16 = int16_t;
using s32 = int32_t;
using s64 = int64_t;
using f32 = float;
using f64 = double;

// The order of rt::DType.
enum Type {
  Bool,
  UInt8,
  Int8,
  Int16,
  Int32,
  Int64,
  Float16,
  BFloat16,
  Float32,
  Float64,
  Complex64,
  Complex128
};

template <class F>
struct Complex {
  F re, im;
};
using c64 = Complex<f32>;
using c128 = Complex<f64>;

// Outputs may be the very memory of an input: each element is read before it is written, so the
// loops carry no dependence and may be vectorised.
template <class R, class A, class F>
inline void map1(int64_t n, void* const* p, F f) {
  R* out = static_cast<R*>(p[0]);
  const A* a = static_cast<const A*>(p[1]);
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) out[i] = f(a[i]);
}
template <class R, class A, class B, class F>
inline void map2(int64_t n, void* const* p, F f) {
  R* out = static_cast<R*>(p[0]);
  const A* a = static_cast<const A*>(p[1]);
  const B* b = static_cast<const B*>(p[2]);
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) out[i] = f(a[i], b[i]);
}
template <class R, class A, class B, class C, class F>
inline void map3(int64_t n, void* const* p, F f) {
  R* out = static_cast<R*>(p[0]);
  const A* a = static_cast<const A*>(p[1]);
  const B* b = static_cast<const B*>(p[2]);
  const C* c = static_cast<const C*>(p[3]);
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) out[i] = f(a[i], b[i], c[i]);
}

template <class R, class A, class B, class C, class D, class F>
inline void map4(int64_t n, void* const* p, F f) {
  R* out = static_cast<R*>(p[0]);
  const A* a = static_cast<const A*>(p[1]);
  const B* b = static_cast<const B*>(p[2]);
  const C* c = static_cast<const C*>(p[3]);
  const D* d = static_cast<const D*>(p[4]);
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) out[i] = f(a[i], b[i], c[i], d[i]);
}
template <class R, class A, class F>
inline void map5(int64_t n, void* const* p, F f) {
  R* out = static_cast<R*>(p[0]);
  const A *a = static_cast<const A*>(p[1]), *b = static_cast<const A*>(p[2]);
  const A *c = static_cast<const A*>(p[3]), *d = static_cast<const A*>(p[4]);
  const A* e = static_cast<const A*>(p[5]);
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) out[i] = f(a[i], b[i], c[i], d[i], e[i]);
}

}  // namespace rt::cpu::RT_ISA

// RT_LOOP1("exp", Float32, f32, f32, exp_(x)): slot, compute type, C types of result and input,
// formula of x. RT_LOOP2 has inputs x, y; RT_LOOP3 x, y, z; RT_LOOP4 x, y, z, w; RT_LOOP5 v too.
#define RT_LOOP1(slot, type, R, A, formula)                                                   \
  table.add(slot, type, [](int64_t n, void* const* p) {                                       \
    map1<R, A>(                                                                               \
        n, p, [](A x) __attribute__((always_inline))->R { return static_cast<R>(formula); }); \
  })
#define RT_LOOP2(slot, type, R, A, formula)                                                        \
  table.add(slot, type, [](int64_t n, void* const* p) {                                            \
    map2<R, A, A>(                                                                                 \
        n, p, [](A x, A y) __attribute__((always_inline))->R { return static_cast<R>(formula); }); \
  })
#define RT_LOOP3(slot, type, R, A, formula)                                                       \
  table.add(slot, type, [](int64_t n, void* const* p) {                                           \
    map3<R, A, A, A>(                                                                             \
        n, p,                                                                                     \
        [](A x, A y, A z) __attribute__((always_inline))->R { return static_cast<R>(formula); }); \
  })
#define RT_LOOP4(slot, type, R, A, formula)                              \
  table.add(slot, type, [](int64_t n, void* const* p) {                  \
    map4<R, A, A, A, A>(                                                 \
        n, p, [](A x, A y, A z, A w) __attribute__((always_inline))->R { \
          return static_cast<R>(formula);                                \
        });                                                              \
  })
#define RT_LOOP5(slot, type, R, A, formula)                                   \
  table.add(slot, type, [](int64_t n, void* const* p) {                       \
    map5<R, A>(                                                               \
        n, p, [](A x, A y, A z, A w, A v) __attribute__((always_inline))->R { \
          return static_cast<R>(formula);                                     \
        });                                                                   \
  })

// The same formula for several types, results of the compute type.
#define RT_FOR_INTEGERS(M, slot, formula) \
  M(slot, UInt8, u8, u8, formula);        \
  M(slot, Int8, s8, s8, formula);         \
  M(slot, Int16, s16, s16, formula);      \
  M(slot, Int32, s32, s32, formula);      \
  M(slot, Int64, s64, s64, formula)
#define RT_FOR_FLOATS(M, slot, formula) \
  M(slot, Float32, f32, f32, formula);  \
  M(slot, Float64, f64, f64, formula)
#define RT_FOR_COMPLEX(M, slot, formula) \
  M(slot, Complex64, c64, c64, formula); \
  M(slot, Complex128, c128, c128, formula)
// Results of type bool.
#define RT_TEST_INTEGERS(M, slot, formula) \
  M(slot, UInt8, u8, u8, formula);         \
  M(slot, Int8, u8, s8, formula);          \
  M(slot, Int16, u8, s16, formula);        \
  M(slot, Int32, u8, s32, formula);        \
  M(slot, Int64, u8, s64, formula)
#define RT_TEST_FLOATS(M, slot, formula) \
  M(slot, Float32, u8, f32, formula);    \
  M(slot, Float64, u8, f64, formula)
#define RT_TEST_COMPLEX(M, slot, formula) \
  M(slot, Complex64, u8, c64, formula);   \
  M(slot, Complex128, u8, c128, formula)
