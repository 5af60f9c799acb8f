// Functions of two real arguments.
#include "cpu/kernels/lists.h"

namespace rt::cpu::RT_ISA {

void add_binary(const LoopTable& table) {
#include "rt_ops_binary.h"
}

void add_extremum(const LoopTable& table) {
#include "rt_ops_extremum.h"
}

void add_division(const LoopTable& table) {
#include "rt_ops_division.h"
}

}  // namespace rt::cpu::RT_ISA
