// Formulas of three and four arguments: selection, interpolation, scaled products.
#include "cpu/kernels/complex.h"
#include "cpu/kernels/kernels.h"

namespace rt::cpu::RT_ISA {

namespace {

// From the nearer end, so that weights 0 and 1 give the ends exactly.
template <class T>
RT_INLINE T lerp(T a, T b, T w) {
  return abs_(w) < T(0.5) ? a + w * (b - a) : b - (b - a) * (T(1) - w);
}
template <class F>
RT_INLINE Complex<F> lerp(Complex<F> a, Complex<F> b, Complex<F> w) {
  const Complex<F> d = c_sub(b, a), rest = {F(1) - w.re, -w.im};
  return c_abs(w) < F(0.5) ? c_add(a, c_mul(w, d)) : c_sub(b, c_mul(d, rest));
}

#define RT_WHERE(type, T)                                                               \
  table.add("where", type, [](int64_t n, void* const* p) {                              \
    map3<T, u8, T, T>(                                                                  \
        n, p, [](u8 c, T x, T y) __attribute__((always_inline)) { return c ? x : y; }); \
  })

}  // namespace

void add_fused(const LoopTable& table) {
  RT_WHERE(Bool, u8);
  RT_WHERE(UInt8, u8);
  RT_WHERE(Int8, s8);
  RT_WHERE(Int16, s16);
  RT_WHERE(Int32, s32);
  RT_WHERE(Int64, s64);
  RT_WHERE(Float32, f32);
  RT_WHERE(Float64, f64);
  RT_WHERE(Complex64, c64);
  RT_WHERE(Complex128, c128);

  RT_FOR_FLOATS(RT_LOOP3, "lerp", lerp(x, y, z));
  RT_FOR_COMPLEX(RT_LOOP3, "lerp", lerp(x, y, z));
  RT_FOR_FLOATS(RT_LOOP4, "addcmul", x + w * y * z);
  RT_FOR_COMPLEX(RT_LOOP4, "addcmul", c_add(x, c_mul(c_mul(w, y), z)));
  RT_FOR_FLOATS(RT_LOOP4, "addcdiv", x + w * y / z);
  RT_FOR_COMPLEX(RT_LOOP4, "addcdiv", c_add(x, c_div(c_mul(w, y), z)));
#define RT_ADDCMUL(type, T, U)    \
  RT_LOOP4("addcmul", type, T, T, \
           static_cast<U>(x) + static_cast<U>(w) * static_cast<U>(y) * static_cast<U>(z))
  RT_ADDCMUL(UInt8, u8, uint32_t);
  RT_ADDCMUL(Int8, s8, uint32_t);
  RT_ADDCMUL(Int16, s16, uint32_t);
  RT_ADDCMUL(Int32, s32, uint32_t);
  RT_ADDCMUL(Int64, s64, uint64_t);
}

}  // namespace rt::cpu::RT_ISA
