// The one entry of an instruction set's kernels.
#include "cpu/kernels/kernels.h"

namespace rt::cpu::RT_ISA {

void register_kernels(const LoopTable& loops, const CastTable& casts,
                      const FunctionTable& functions) {
  add_casts(casts);
  add_arithmetic(loops);
  add_compare(loops);
  add_random(loops);
  add_unary(loops);
  add_sums(functions);
  add_extremes(functions);
  add_optim(loops);
}

}  // namespace rt::cpu::RT_ISA
