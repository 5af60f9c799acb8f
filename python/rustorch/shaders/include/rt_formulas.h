// Scalar formulas shared by the CPU kernels and the shaders: one definition of exp_, gelu_,
// floor_divide_, ... for float and double. Every name ends in an underscore. See rt_formulas_base.h
// for how including files must be compiled.
//
// Functions whose whole-range form needs a branch (sin_, cos_, tan_; fmod_, remainder_,
// floor_divide_) come with a branch-free X_small_ and a test: map_checked_ below shows the loop
// that keeps the common case vectorised.
#ifndef RT_FORMULAS_H
#define RT_FORMULAS_H
#include "rt_formulas_activation.h"
#include "rt_formulas_arith.h"
#include "rt_formulas_binary.h"
#include "rt_formulas_convert.h"
#include "rt_formulas_exp.h"
#include "rt_formulas_integer.h"
#include "rt_formulas_loss.h"
#include "rt_formulas_special.h"
#include "rt_formulas_trig.h"

#ifndef __METAL_VERSION__
namespace RT_FORMULAS_NAMESPACE {

#define RT_CHECKED_UNARY(Name, function, in_range) \
  struct Name {                                    \
    template <class T>                             \
    RT_INLINE_MEMBER bool inside(T x) {            \
      return in_range(x);                          \
    }                                              \
    template <class T>                             \
    RT_INLINE_MEMBER T fast(T x) {                 \
      return function##small_(x);                  \
    }                                              \
    template <class T>                             \
    RT_INLINE_MEMBER T full(T x) {                 \
      return function(x);                          \
    }                                              \
  };
#define RT_CHECKED_BINARY(Name, function, in_range) \
  struct Name {                                     \
    template <class T>                              \
    RT_INLINE_MEMBER bool inside(T x, T y) {        \
      return in_range(x, y);                        \
    }                                               \
    template <class T>                              \
    RT_INLINE_MEMBER T fast(T x, T y) {             \
      return function##small_(x, y);                \
    }                                               \
    template <class T>                              \
    RT_INLINE_MEMBER T full(T x, T y) {             \
      return function(x, y);                        \
    }                                               \
  };
RT_CHECKED_UNARY(SinOp, sin_, trig_in_range_)
RT_CHECKED_UNARY(CosOp, cos_, trig_in_range_)
RT_CHECKED_UNARY(TanOp, tan_, trig_in_range_)
RT_CHECKED_BINARY(FmodOp, fmod_, fmod_in_range_)
RT_CHECKED_BINARY(RemainderOp, remainder_, fmod_in_range_)
RT_CHECKED_BINARY(FloorDivideOp, floor_divide_, fmod_in_range_)
#undef RT_CHECKED_UNARY
#undef RT_CHECKED_BINARY

// out[i] = Op(in[i]) for contiguous data, by blocks: the vectorised form wherever a whole block is
// in its range.
template <class Op, class T>
RT_INLINE void map_checked_(const T* in, T* out, i64 n) {
  const i64 block = 512;
  for (i64 start = 0; start < n; start += block) {
    const i64 end = start + block < n ? start + block : n;
    i32 outside = 0;
    for (i64 i = start; i < end; ++i) outside += Op::inside(in[i]) ? 0 : 1;
    if (outside == 0) {
      for (i64 i = start; i < end; ++i) out[i] = Op::fast(in[i]);
    } else {
      for (i64 i = start; i < end; ++i) out[i] = Op::full(in[i]);
    }
  }
}
// out[i] = Op(a[i * step_a], b[i * step_b]); a step of 0 repeats a scalar
template <class Op, class T>
RT_INLINE void zip_checked_(const T* a, i64 step_a, const T* b, i64 step_b, T* out, i64 n) {
  const i64 block = 512;
  for (i64 start = 0; start < n; start += block) {
    const i64 end = start + block < n ? start + block : n;
    i32 outside = 0;
    for (i64 i = start; i < end; ++i) outside += Op::inside(a[i * step_a], b[i * step_b]) ? 0 : 1;
    if (outside == 0) {
      for (i64 i = start; i < end; ++i) out[i] = Op::fast(a[i * step_a], b[i * step_b]);
    } else {
      for (i64 i = start; i < end; ++i) out[i] = Op::full(a[i * step_a], b[i * step_b]);
    }
  }
}

}  // namespace RT_FORMULAS_NAMESPACE
#endif  // __METAL_VERSION__

#endif  // RT_FORMULAS_H
