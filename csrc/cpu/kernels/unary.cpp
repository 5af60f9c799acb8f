// Exponentials, logarithms, roots, trigonometric functions of one real argument.
#include "cpu/kernels/kernels.h"

namespace rt::cpu::RT_ISA {

// Functions with a short formula for small arguments: whole blocks of them are vectorised.
#define RT_CHECKED1(slot, type, T, Op)                                       \
  table.add(slot, type, [](int64_t n, void* const* p) {                      \
    map_checked_<Op>(static_cast<const T*>(p[1]), static_cast<T*>(p[0]), n); \
  })

void add_exponential(const LoopTable& table) {
  RT_FOR_FLOATS(RT_LOOP1, "exp", exp_(x));
  RT_FOR_FLOATS(RT_LOOP1, "exp2", exp2_(x));
  RT_FOR_FLOATS(RT_LOOP1, "expm1", expm1_(x));
  RT_FOR_FLOATS(RT_LOOP1, "log", log_(x));
  RT_FOR_FLOATS(RT_LOOP1, "log2", log2_(x));
  RT_FOR_FLOATS(RT_LOOP1, "log10", log10_(x));
  RT_FOR_FLOATS(RT_LOOP1, "log1p", log1p_(x));
  RT_FOR_FLOATS(RT_LOOP1, "sqrt", sqrt_(x));
  RT_FOR_FLOATS(RT_LOOP1, "rsqrt", rsqrt_(x));
  RT_FOR_FLOATS(RT_LOOP1, "reciprocal", reciprocal_(x));
}

void add_trigonometric(const LoopTable& table) {
  RT_CHECKED1("sin", Float32, f32, SinOp);
  RT_CHECKED1("sin", Float64, f64, SinOp);
  RT_CHECKED1("cos", Float32, f32, CosOp);
  RT_CHECKED1("cos", Float64, f64, CosOp);
  RT_CHECKED1("tan", Float32, f32, TanOp);
  RT_CHECKED1("tan", Float64, f64, TanOp);
  RT_FOR_FLOATS(RT_LOOP1, "asin", asin_(x));
  RT_FOR_FLOATS(RT_LOOP1, "acos", acos_(x));
  RT_FOR_FLOATS(RT_LOOP1, "atan", atan_(x));
  RT_FOR_FLOATS(RT_LOOP1, "sinh", sinh_(x));
  RT_FOR_FLOATS(RT_LOOP1, "cosh", cosh_(x));
  RT_FOR_FLOATS(RT_LOOP1, "tanh", tanh_(x));
  RT_FOR_FLOATS(RT_LOOP1, "asinh", asinh_(x));
  RT_FOR_FLOATS(RT_LOOP1, "acosh", acosh_(x));
  RT_FOR_FLOATS(RT_LOOP1, "atanh", atanh_(x));
  RT_FOR_FLOATS(RT_LOOP2, "atan2", atan2_(x, y));
  RT_FOR_FLOATS(RT_LOOP1, "sinc", sinc_(x));
}

}  // namespace rt::cpu::RT_ISA
