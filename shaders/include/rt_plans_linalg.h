// What the host tells the kernels of linear algebra. Matrices are stored by columns.
#pragma once

#include "rt_plans.h"

RT_PLANS_BEGIN

// A matrix, and the next one.
struct MatrixPlan {
  uint rows, cols;
  uint first, last;  // the columns, or reflectors, to work on
  ulong lead;        // between columns
  ulong step;        // between matrices
};

// A symmetric matrix whose factor may stand in the lower or the upper triangle: element (i, j) of
// the lower one is at i * along + j * across.
struct CholeskyPlan {
  uint n, first, last;
  uint upper;
  ulong along, across, step;
};

// Rows of `b` that trade places: row i with pivots[i] - 1, in order.
struct SwapPlan {
  uint n;            // threads: a column each
  uint columns;      // of a matrix
  uint first, last;  // pivots
  uint pivots;       // of a matrix
  ulong lead, step;  // of b
};

// b = a^-1 b, each column by a simdgroup.
struct TriangularSolvePlan {
  uint n, columns, count;  // of one matrix; of all
  uint upper, unit;
  ulong a_lead, a_step;
  ulong b_along, b_across, b_step;
};

// Reflectors first to last - 1 on each column of c, by a simdgroup; backwards from the columns of
// the identity if `make`.
struct ReflectPlan {
  uint rows, columns, count;
  uint first, last, make;
  uint factors;  // of a matrix
  ulong v_lead, v_step;
  ulong c_lead, c_step;
};

struct JacobiPlan {
  uint rows, cols;
  uint vectors;  // whether they are wanted
  uint upper;    // the triangle that is read
  ulong step, v_step;
};

// Columns of `from` in an order.
struct OrderPlan {
  uint n;  // elements
  uint rows, cols;
};

RT_PLANS_END
