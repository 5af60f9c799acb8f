// Where the operands of an ElementwisePlan have their i-th element.
#pragma once

#include "rt_kernel.h"
//
#include "rt_plans.h"

template <int K>
struct rt_places {
  long at[K];
};

template <int K>
inline rt_places<K> rt_walk(constant ElementwisePlan& plan, uint i) {
  rt_places<K> p = {};
  for (uint d = 0; d < plan.ndim; d++) {
    const uint next = i / plan.sizes[d];
    const long along = long(i - next * plan.sizes[d]);
    for (int k = 0; k < K; k++) p.at[k] += along * plan.strides[k][d];
    i = next;
  }
  return p;
}
