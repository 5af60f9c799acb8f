// Activations and the products of their derivatives with a gradient.
#include "cpu/kernels/lists.h"

namespace rt::cpu::RT_ISA {

void add_activation(const LoopTable& table) {
#include "rt_ops_activation.h"
}

void add_activation_backward(const LoopTable& table) {
#include "rt_ops_activation_backward.h"
}

}  // namespace rt::cpu::RT_ISA
