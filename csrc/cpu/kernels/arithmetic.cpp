// Sums, products and quotients, for every type.
#include "cpu/kernels/complex.h"
#include "cpu/kernels/kernels.h"

namespace rt::cpu::RT_ISA {

void add_arithmetic(const LoopTable& table) {
  RT_LOOP2("add", Bool, u8, u8, x | y);
  RT_WRAP_INTEGERS(RT_LOOP2, "add", x, +, y);
  RT_FOR_FLOATS(RT_LOOP2, "add", x + y);
  RT_FOR_COMPLEX(RT_LOOP2, "add", c_add(x, y));

  RT_WRAP_INTEGERS(RT_LOOP2, "sub", x, -, y);
  RT_FOR_FLOATS(RT_LOOP2, "sub", x - y);
  RT_FOR_COMPLEX(RT_LOOP2, "sub", c_sub(x, y));

  RT_LOOP2("mul", Bool, u8, u8, x & y);
  RT_WRAP_INTEGERS(RT_LOOP2, "mul", x, *, y);
  RT_FOR_FLOATS(RT_LOOP2, "mul", x * y);
  RT_FOR_COMPLEX(RT_LOOP2, "mul", c_mul(x, y));

  RT_FOR_FLOATS(RT_LOOP2, "div", x / y);
  RT_FOR_COMPLEX(RT_LOOP2, "div", c_div(x, y));

  // x + z * y: the alpha of add and sub.
  RT_LOOP3("add_scaled", Bool, u8, u8, x | (y & z));
  RT_LOOP3("add_scaled", UInt8, u8, u8, x + z * y);
  RT_LOOP3("add_scaled", Int8, s8, s8, x + z * y);
  RT_LOOP3("add_scaled", Int16, s16, s16,
           static_cast<uint32_t>(x) + static_cast<uint32_t>(z) * static_cast<uint32_t>(y));
  RT_LOOP3("add_scaled", Int32, s32, s32,
           static_cast<uint32_t>(x) + static_cast<uint32_t>(z) * static_cast<uint32_t>(y));
  RT_LOOP3("add_scaled", Int64, s64, s64,
           static_cast<uint64_t>(x) + static_cast<uint64_t>(z) * static_cast<uint64_t>(y));
  RT_FOR_FLOATS(RT_LOOP3, "add_scaled", x + z * y);
  RT_FOR_COMPLEX(RT_LOOP3, "add_scaled", c_add(x, c_mul(z, y)));

  RT_LOOP1("neg", UInt8, u8, u8, -x);
  RT_LOOP1("neg", Int8, s8, s8, -x);
  RT_LOOP1("neg", Int16, s16, s16, -x);
  RT_LOOP1("neg", Int32, s32, s32, 0u - static_cast<uint32_t>(x));
  RT_LOOP1("neg", Int64, s64, s64, uint64_t{0} - static_cast<uint64_t>(x));
  RT_FOR_FLOATS(RT_LOOP1, "neg", -x);
  RT_LOOP1("neg", Complex64, c64, c64, c_neg(x));
  RT_LOOP1("neg", Complex128, c128, c128, c_neg(x));
}

}  // namespace rt::cpu::RT_ISA
