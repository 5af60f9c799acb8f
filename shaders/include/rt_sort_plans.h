// What the host tells the kernels of sorting and searching.
#pragma once

#include "rt_plans.h"

RT_PLANS_BEGIN

// Lines of n elements are sorted in runs of `width`, of which the first `kept` places are stored;
// pairs of runs are merged until one is left. Only the first k places of a line are wanted.
struct SortPlan {
  uint lines, n, k;
  uint width, runs, kept;
  uint next_kept;  // of the runs that a merge makes
  uint descending;
};

// Rows of a matrix in lexicographic order: the one line that is sorted is that of their numbers.
struct RowSortPlan {
  SortPlan sort;
  uint columns;
  uint unused;
};

// m values a line, n boundaries a line; `shared`: all lines have the same boundaries.
struct SearchPlan {
  uint total, m, n;
  uint shared, right, sorted_by;
};

RT_PLANS_END
