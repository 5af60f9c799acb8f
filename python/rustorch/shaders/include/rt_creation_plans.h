// What the host tells kernels that make tensors from numbers.
#pragma once

#include "rt_plans.h"

RT_PLANS_BEGIN

// Elements [begin, begin + n) of a sequence: first + i * step as integers, or start + i * step for
// i < turn and end - (last - i) * step from there on. Real numbers are pairs of floats that add up
// to them, divided by scale[0] * scale[1], so that no intermediate overflows.
struct SequencePlan {
  uint n;
  uint unused;
  ulong begin, turn, last;
  long first, step;
  float start[2], real_step[2], end[2], scale[2];
};

// n elements of a random fill (csrc/ops/random.h); the first one has the counter `block`.
struct RandomPlan {
  uint n;
  uint mask;  // the bits of a word that count
  ulong seed, block;
  long base;
  ulong range;        // the integers' range, or the threshold of true
  float a, b, width;  // parameters; width = b - a, rounded once
  float unused;
};

// n elements of a batch of matrices in a row, from the start of row `first_row` on. Those whose
// column - row is at least k (upper) or at most k stay.
struct TrianglePlan {
  uint n;
  uint rows, columns, first_row;
  long k;
  uint upper;
  uint unused;
};

RT_PLANS_END
