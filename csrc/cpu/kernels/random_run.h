// What a random loop is told: which part of which stream, and the distribution's parameters.
#pragma once

#include <stdint.h>

namespace rt::cpu {

struct RandomRun {
  uint64_t seed, block;  // block: the counter of the run's first element
  double a, b;           // low and high, mean and deviation, ...; the loop says which
  int64_t base;          // integers: the smallest value
  uint64_t range;        // integers: how many values (0: all 2^64); bernoulli: the threshold
  uint32_t mask;         // uniform floats: the bits of a word that count
};

}  // namespace rt::cpu
