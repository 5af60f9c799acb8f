// The one entry of an instruction set's kernels.
#include "cpu/kernels/kernels.h"

namespace rt::cpu::RT_ISA {

void register_kernels(const LoopTable& loops, const CastTable& casts,
                      const FunctionTable& functions) {
  add_casts(casts);
  add_arithmetic(loops);
  add_compare(loops);
  add_random(loops);
  add_sums(functions);
  add_extremes(functions);
  add_optim(loops);
  add_exponential(loops);
  add_trigonometric(loops);
  add_special(loops);
  add_rounding(loops);
  add_tests(loops);
  add_complex(loops);
  add_binary(loops);
  add_extremum(loops);
  add_division(loops);
  add_integer(loops);
  add_fused(loops);
  add_activation(loops);
  add_activation_backward(loops);
  add_moments(functions);
  add_losses(loops);
  add_attention(functions);
  add_norms(functions);
  add_resample(functions);
  add_softmax(functions);
  add_scans(functions);
}

}  // namespace rt::cpu::RT_ISA
