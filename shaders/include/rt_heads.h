// Where a head's matrices begin.
#pragma once

#include "rt_kernel.h"
#include "rt_plans_attention.h"

inline long rt_head_at(uint head, constant AttentionPlan& p, constant AttentionRows& rows,
                       uint group) {
  long at = long(head % p.batch_sizes[0] / group) * rows.batch[0];
  head /= p.batch_sizes[0];
  for (uint d = 1; d < p.batch_dims; d++) {
    at += long(head % p.batch_sizes[d]) * rows.batch[d];
    head /= p.batch_sizes[d];
  }
  return at;
}
