// Kernels of elementwise formulas: one for each formula, type and number of inputs, for any layout.
//
// Contiguous operands move 16 bytes a thread of the widest operand, or 32 where the result is
// narrower; any others one element a thread. A thread computes in float where the type is half or
// bfloat, and rounds once.
#pragma once

// Ordinary C++ on the host, so before Metal's words.
#include "rt_formulas.h"
//
#include "rt_pack.h"
#include "rt_plans.h"

using namespace rt_formulas;

// An operand that is a number, from the plan.
template <class C>
struct rt_number {
  static C of(ulong bits) { return C(long(bits)); }
};
template <>
struct rt_number<float> {
  static float of(ulong bits) { return as_type<float>(uint(bits)); }
};

// The inputs: the first may have a type of its own (the mask of a selection).
template <class M, class T>
struct rt_inputs {
  device const M* first;
  device const T* rest[4];
};

template <class M, class T>
struct rt_values {
  M first;
  T rest[4];
};

// Formula is a class with of(x, y, z, w, v); Inputs of them are read.
template <class Formula, int Inputs, class R, class M, class T>
inline void rt_elementwise(device R* out, rt_inputs<M, T> in, constant ElementwisePlan& plan,
                           uint thread_index) {
  typedef typename rt_compute<M>::type CM;
  typedef typename rt_compute<T>::type C;
  constexpr int most = sizeof(T) > sizeof(R) ? sizeof(T) : sizeof(R);
  constexpr int wide = most > int(sizeof(M)) ? most : int(sizeof(M));
  constexpr int N = RT_ELEMENTS_A_THREAD(wide, int(sizeof(R)));
  const uint i = rt_strided ? thread_index : thread_index * N;
  if (i >= plan.n) return;  // reads nothing either, for others may write to what is one element
  const uint fixed = plan.single | plan.number;
  rt_values<CM, C> x = {CM(0), {C(0), C(0), C(0), C(0)}};
  // What is one element is read once.
  if (fixed & 2u) {
    x.first = plan.number & 2u ? rt_number<CM>::of(plan.numbers[0]) : CM(in.first[0]);
  }
  for (int k = 0; k < Inputs - 1; k++) {
    if (fixed & (4u << k)) {
      x.rest[k] =
          plan.number & (4u << k) ? rt_number<C>::of(plan.numbers[k + 1]) : C(in.rest[k][0]);
    }
  }
  if (rt_strided) {
    uint left = thread_index;
    long at[Inputs + 1] = {};
    for (uint d = 0; d < plan.ndim; d++) {
      const uint next = left / plan.sizes[d];
      const long step = long(left - next * plan.sizes[d]);
      for (int k = 0; k <= Inputs; k++) at[k] += step * plan.strides[k][d];
      left = next;
    }
    if (!(fixed & 2u)) x.first = CM(in.first[at[1]]);
    for (int k = 0; k < Inputs - 1; k++) {
      if (!(fixed & (4u << k))) x.rest[k] = C(in.rest[k][at[k + 2]]);
    }
    out[at[0]] = R(Formula::of(x.first, x.rest[0], x.rest[1], x.rest[2], x.rest[3]));
    return;
  }
  if (i + N <= plan.n) {
    rt_pack<M, N> first;
    rt_pack<T, N> rest[Inputs];
    rt_pack<R, N> result;
    if (!(fixed & 2u)) first = *(device const rt_pack<M, N>*)(in.first + i);
    for (int k = 0; k < Inputs - 1; k++) {
      if (!(fixed & (4u << k))) rest[k] = *(device const rt_pack<T, N>*)(in.rest[k] + i);
    }
    for (int j = 0; j < N; j++) {
      if (!(fixed & 2u)) x.first = CM(first.v[j]);
      for (int k = 0; k < Inputs - 1; k++) {
        if (!(fixed & (4u << k))) x.rest[k] = C(rest[k].v[j]);
      }
      result.v[j] = R(Formula::of(x.first, x.rest[0], x.rest[1], x.rest[2], x.rest[3]));
    }
    *(device rt_pack<R, N>*)(out + i) = result;
    return;
  }
  for (uint j = i; j < plan.n; j++) {
    if (!(fixed & 2u)) x.first = CM(in.first[j]);
    for (int k = 0; k < Inputs - 1; k++) {
      if (!(fixed & (4u << k))) x.rest[k] = C(in.rest[k][j]);
    }
    out[j] = R(Formula::of(x.first, x.rest[0], x.rest[1], x.rest[2], x.rest[3]));
  }
}

template <class Formula, class R, class M, class T>
kernel void rt_elementwise_1(device R* out [[buffer(0)]], device const M* a [[buffer(1)]],
                             constant ElementwisePlan& plan [[buffer(2)]],
                             uint i [[thread_position_in_grid]]) {
  rt_elementwise<Formula, 1, R, M, T>(out, {a, {}}, plan, i);
}
template <class Formula, class R, class M, class T>
kernel void rt_elementwise_2(device R* out [[buffer(0)]], device const M* a [[buffer(1)]],
                             device const T* b [[buffer(2)]],
                             constant ElementwisePlan& plan [[buffer(3)]],
                             uint i [[thread_position_in_grid]]) {
  rt_elementwise<Formula, 2, R, M, T>(out, {a, {b}}, plan, i);
}
template <class Formula, class R, class M, class T>
kernel void rt_elementwise_3(device R* out [[buffer(0)]], device const M* a [[buffer(1)]],
                             device const T* b [[buffer(2)]], device const T* c [[buffer(3)]],
                             constant ElementwisePlan& plan [[buffer(4)]],
                             uint i [[thread_position_in_grid]]) {
  rt_elementwise<Formula, 3, R, M, T>(out, {a, {b, c}}, plan, i);
}
template <class Formula, class R, class M, class T>
kernel void rt_elementwise_4(device R* out [[buffer(0)]], device const M* a [[buffer(1)]],
                             device const T* b [[buffer(2)]], device const T* c [[buffer(3)]],
                             device const T* d [[buffer(4)]],
                             constant ElementwisePlan& plan [[buffer(5)]],
                             uint i [[thread_position_in_grid]]) {
  rt_elementwise<Formula, 4, R, M, T>(out, {a, {b, c, d}}, plan, i);
}
template <class Formula, class R, class M, class T>
kernel void rt_elementwise_5(device R* out [[buffer(0)]], device const M* a [[buffer(1)]],
                             device const T* b [[buffer(2)]], device const T* c [[buffer(3)]],
                             device const T* d [[buffer(4)]], device const T* e [[buffer(5)]],
                             constant ElementwisePlan& plan [[buffer(6)]],
                             uint i [[thread_position_in_grid]]) {
  rt_elementwise<Formula, 5, R, M, T>(out, {a, {b, c, d, e}}, plan, i);
}

// ---- The lines of the lists rt_ops_*.h as kernels: name_type for each type of the line. ----

#define RT_FORMULA(class_name, formula)            \
  struct class_name {                              \
    template <class C>                             \
    static auto of(C x, C y, C z, C w, C v) {      \
      (void)x, (void)y, (void)z, (void)w, (void)v; \
      return formula;                              \
    }                                              \
  };
#define RT_EXPORT_FORMULA(host, inputs, class_name, R, T) \
  RT_EXPORT_AS(host, rt_elementwise_##inputs<class_name, R, T, T>)

#define RT_FLOATS(inputs, name, formula)                                  \
  RT_FORMULA(rt_floats_##name, formula)                                   \
  RT_EXPORT_FORMULA(name##_float, inputs, rt_floats_##name, float, float) \
  RT_EXPORT_FORMULA(name##_half, inputs, rt_floats_##name, half, half)    \
  RT_EXPORT_FORMULA(name##_bfloat, inputs, rt_floats_##name, bfloat, bfloat)
// With a formula of its own for what is rounded to 16 bits.
#define RT_FAST_FLOATS(inputs, name, formula, fast_formula)               \
  RT_FORMULA(rt_floats_##name, formula)                                   \
  RT_FORMULA(rt_fast_##name, fast_formula)                                \
  RT_EXPORT_FORMULA(name##_float, inputs, rt_floats_##name, float, float) \
  RT_EXPORT_FORMULA(name##_half, inputs, rt_fast_##name, half, half)      \
  RT_EXPORT_FORMULA(name##_bfloat, inputs, rt_fast_##name, bfloat, bfloat)
#define RT_FULL_FLOATS(inputs, name, formula) \
  RT_FORMULA(rt_floats_##name, formula)       \
  RT_EXPORT_FORMULA(name##_float, inputs, rt_floats_##name, float, float)
#define RT_HALVES(inputs, name, formula) \
  RT_FORMULA(rt_floats_##name, formula)  \
  RT_EXPORT_FORMULA(name##_half, inputs, rt_floats_##name, half, half)
#define RT_BFLOATS(inputs, name, formula) \
  RT_FORMULA(rt_floats_##name, formula)   \
  RT_EXPORT_FORMULA(name##_bfloat, inputs, rt_floats_##name, bfloat, bfloat)
#define RT_CHECKED_FLOATS(inputs, name, op, formula) RT_FLOATS(inputs, name, formula)
#define RT_RUN_FLOATS(inputs, name, run, formula) RT_FLOATS(inputs, name, formula)
#define RT_INTEGERS(inputs, name, formula)                                  \
  RT_FORMULA(rt_integers_##name, formula)                                   \
  RT_EXPORT_FORMULA(name##_uchar, inputs, rt_integers_##name, uchar, uchar) \
  RT_EXPORT_FORMULA(name##_char, inputs, rt_integers_##name, char, char)    \
  RT_EXPORT_FORMULA(name##_short, inputs, rt_integers_##name, short, short) \
  RT_EXPORT_FORMULA(name##_int, inputs, rt_integers_##name, int, int)       \
  RT_EXPORT_FORMULA(name##_long, inputs, rt_integers_##name, long, long)
#define RT_BOOLS(inputs, name, formula) \
  RT_FORMULA(rt_bools_##name, formula)  \
  RT_EXPORT_FORMULA(name##_bool, inputs, rt_bools_##name, uchar, uchar)
#define RT_FLOAT_TESTS(inputs, name, formula)                                  \
  RT_FORMULA(rt_float_tests_##name, formula)                                   \
  RT_EXPORT_FORMULA(name##_float, inputs, rt_float_tests_##name, uchar, float) \
  RT_EXPORT_FORMULA(name##_half, inputs, rt_float_tests_##name, uchar, half)   \
  RT_EXPORT_FORMULA(name##_bfloat, inputs, rt_float_tests_##name, uchar, bfloat)
#define RT_INTEGER_TESTS(inputs, name, formula)                                  \
  RT_FORMULA(rt_integer_tests_##name, formula)                                   \
  RT_EXPORT_FORMULA(name##_uchar, inputs, rt_integer_tests_##name, uchar, uchar) \
  RT_EXPORT_FORMULA(name##_char, inputs, rt_integer_tests_##name, uchar, char)   \
  RT_EXPORT_FORMULA(name##_short, inputs, rt_integer_tests_##name, uchar, short) \
  RT_EXPORT_FORMULA(name##_int, inputs, rt_integer_tests_##name, uchar, int)     \
  RT_EXPORT_FORMULA(name##_long, inputs, rt_integer_tests_##name, uchar, long)
#define RT_BOOL_TESTS(inputs, name, formula) RT_BOOLS(inputs, name, formula)

// Two classes, because bool and uchar are one type and no kernel is instantiated twice.
#define RT_SELECT_FORMULA(class_name, formula) \
  struct class_name {                          \
    template <class M, class C>                \
    static C of(M x, C y, C z, C, C) {         \
      return formula;                          \
    }                                          \
  };
#define RT_SELECT(name, formula)                                                          \
  RT_SELECT_FORMULA(rt_select_##name, formula)                                            \
  RT_SELECT_FORMULA(rt_select_bool_##name, formula)                                       \
  RT_EXPORT_AS(name##_float, rt_elementwise_3<rt_select_##name, float, uchar, float>)     \
  RT_EXPORT_AS(name##_half, rt_elementwise_3<rt_select_##name, half, uchar, half>)        \
  RT_EXPORT_AS(name##_bfloat, rt_elementwise_3<rt_select_##name, bfloat, uchar, bfloat>)  \
  RT_EXPORT_AS(name##_bool, rt_elementwise_3<rt_select_bool_##name, uchar, uchar, uchar>) \
  RT_EXPORT_AS(name##_uchar, rt_elementwise_3<rt_select_##name, uchar, uchar, uchar>)     \
  RT_EXPORT_AS(name##_char, rt_elementwise_3<rt_select_##name, char, uchar, char>)        \
  RT_EXPORT_AS(name##_short, rt_elementwise_3<rt_select_##name, short, uchar, short>)     \
  RT_EXPORT_AS(name##_int, rt_elementwise_3<rt_select_##name, int, uchar, int>)           \
  RT_EXPORT_AS(name##_long, rt_elementwise_3<rt_select_##name, long, uchar, long>)
