// What a line of the lists of formulas (shaders/include/rt_ops_*.h) makes on the CPU: one loop per
// compute type, added to `table`. Include a list in the body of a function that has it.
#pragma once

#include "cpu/kernels/kernels.h"

#define RT_FLOATS(arity, name, formula) RT_FOR_FLOATS(RT_LOOP##arity, #name, formula);
#define RT_FAST_FLOATS(arity, name, formula, fast_formula) RT_FLOATS(arity, name, formula)
#define RT_FULL_FLOATS(arity, name, formula) RT_FLOATS(arity, name, formula)
#define RT_HALVES(arity, name, formula) RT_LOOP##arity(#name, Float32, f32, f32, formula);
#define RT_BFLOATS(arity, name, formula) RT_LOOP##arity(#name, Float32, f32, f32, formula);
#define RT_INTEGERS(arity, name, formula) RT_FOR_INTEGERS(RT_LOOP##arity, #name, formula);
#define RT_BOOLS(arity, name, formula) RT_LOOP##arity(#name, Bool, u8, u8, formula);
#define RT_FLOAT_TESTS(arity, name, formula) RT_TEST_FLOATS(RT_LOOP##arity, #name, formula);
#define RT_INTEGER_TESTS(arity, name, formula) RT_TEST_INTEGERS(RT_LOOP##arity, #name, formula);
#define RT_BOOL_TESTS(arity, name, formula) RT_LOOP##arity(#name, Bool, u8, u8, formula);

// Functions with a short formula for small arguments: whole blocks of them are vectorised.
#define RT_CHECKED_FLOATS(arity, name, Op, formula) \
  RT_CHECKED##arity(#name, Float32, f32, Op);       \
  RT_CHECKED##arity(#name, Float64, f64, Op);
#define RT_CHECKED1(slot, type, T, Op)                                       \
  table.add(slot, type, [](int64_t n, void* const* p) {                      \
    map_checked_<Op>(static_cast<const T*>(p[1]), static_cast<T*>(p[0]), n); \
  })
#define RT_CHECKED2(slot, type, T, Op)                                               \
  table.add(slot, type, [](int64_t n, void* const* p) {                              \
    zip_checked_<Op>(static_cast<const T*>(p[1]), 1, static_cast<const T*>(p[2]), 1, \
                     static_cast<T*>(p[0]), n);                                      \
  })

// A formula whose loop is written out, as the function template `run` of the including file.
#define RT_RUN_FLOATS(arity, name, run, formula) \
  table.add(#name, Float32, &run<f32>);          \
  table.add(#name, Float64, &run<f64>);

// x is a bool, y and z are of any type, which moves unchanged.
#define RT_SELECT(name, formula)             \
  RT_CHOICE(#name, Bool, u8, formula);       \
  RT_CHOICE(#name, UInt8, u8, formula);      \
  RT_CHOICE(#name, Int8, s8, formula);       \
  RT_CHOICE(#name, Int16, s16, formula);     \
  RT_CHOICE(#name, Int32, s32, formula);     \
  RT_CHOICE(#name, Int64, s64, formula);     \
  RT_CHOICE(#name, Float32, f32, formula);   \
  RT_CHOICE(#name, Float64, f64, formula);   \
  RT_CHOICE(#name, Complex64, c64, formula); \
  RT_CHOICE(#name, Complex128, c128, formula);
#define RT_CHOICE(slot, type, T, formula)                                                          \
  table.add(slot, type, [](int64_t n, void* const* p) {                                            \
    map3<T, u8, T, T>(                                                                             \
        n, p,                                                                                      \
        [](u8 x, T y, T z) __attribute__((always_inline))->T { return static_cast<T>(formula); }); \
  })
