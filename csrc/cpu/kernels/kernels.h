// What each file of this folder contributes; register.cpp calls them all, once per instruction set.
#pragma once

#include "cpu/kernels/loops.h"

namespace rt::cpu {
struct FunctionTable;  // cpu/reduce_loops.h
struct CastTable {
  void (*add)(int to, int from, Loop loop);
};
}  // namespace rt::cpu

namespace rt::cpu::RT_ISA {
void add_casts(const CastTable& table);
void add_arithmetic(const LoopTable& table);
void add_compare(const LoopTable& table);
void add_random(const LoopTable& table);
void add_sums(const FunctionTable& table);
void add_extremes(const FunctionTable& table);
void add_optim(const LoopTable& table);
void add_exponential(const LoopTable& table);
void add_trigonometric(const LoopTable& table);
void add_special(const LoopTable& table);
void add_rounding(const LoopTable& table);
void add_tests(const LoopTable& table);
void add_complex(const LoopTable& table);
void add_binary(const LoopTable& table);
void add_extremum(const LoopTable& table);
void add_division(const LoopTable& table);
void add_integer(const LoopTable& table);
void add_fused(const LoopTable& table);
void add_activation(const LoopTable& table);
void add_activation_backward(const LoopTable& table);
void add_moments(const FunctionTable& table);
void add_losses(const LoopTable& table);
void add_attention(const FunctionTable& table);
void add_norms(const FunctionTable& table);
void add_resample(const FunctionTable& table);
void add_softmax(const FunctionTable& table);
void add_scans(const FunctionTable& table);
}  // namespace rt::cpu::RT_ISA
