// Exponentials, logarithms, roots, trigonometric functions of one real argument.
#include "cpu/kernels/lists.h"

namespace rt::cpu::RT_ISA {

void add_exponential(const LoopTable& table) {
#include "rt_ops_exponential.h"
}

void add_trigonometric(const LoopTable& table) {
#include "rt_ops_trigonometric.h"
}

}  // namespace rt::cpu::RT_ISA
