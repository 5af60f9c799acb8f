// What the host tells kernels that read and write at indices.
#pragma once

#include "rt_plans.h"

RT_PLANS_BEGIN

// One item of up to 16 bytes: a number, or memory's first (then bound memory is read).
struct ItemValue {
  ulong bits[2];
  uint is_number;
  uint unused;
};

// n indices of a dimension of `size`.
struct IndexGuard {
  long size;
  uint n;
  uint wraps;  // negative ones count from the end
};

// What a check found, for the host.
struct IndexFault {
  uint found;  // whether there is an index
  uint unused;
  long index;
};

// Elements of which those that differ along the serial dims may meet. Operands: the target, the
// values, the index.
struct ScatterPlan {
  ElementwisePlan free;
  long step;    // elements per unit of the index
  uint serial;  // elements along the serial dims, which are in row-major order, innermost first
  uint ndim;
  uint sizes[4];
  long value_strides[4], index_strides[4];
};

// The same with the index sorted: a thread has one element of `rest` and one place of one line of
// the sorted index. Lines are the free dims along which the index varies (merged, innermost first).
struct ScatterRunsPlan {
  ElementwisePlan rest;  // the target and the values
  long step;
  uint serial, first, count;  // places of a line; places [first, first + count) of all lines
  uint chunk;  // where a run crosses a multiple of it, what follows is summed up beforehand
  uint line_dims, serial_dims;
  uint unused;
  uint line_sizes[4], serial_sizes[4];
  long line_target_strides[4], line_value_strides[4], serial_value_strides[4];
};

// n bytes, of which those that are not 0 are counted; `total` of them.
struct NonzeroPlan {
  uint n;
  uint rank;
  ulong total;
  uint sizes[16];  // outermost first
};

// Bags [0, bags) of rows of a table; `count` samples.
struct BagPlan {
  uint bags, width, count;
  uint mean, scaled;
  uint unused;
};

struct RenormPlan {
  uint width;
  float max_norm, p;
  uint is_max;  // p is infinite
};

RT_PLANS_END
