// The kernels of sorting and searching.
#pragma once

#include <cmath>

#include "ops/kernel.h"

namespace rt {

// The first `k` places of each line along the last dim in (stable) order. All contiguous: x [n,
// len], values [n, k], indices int64 [n, k]. NaN counts as the largest value.
extern KernelSlot<void(const Tensor& values, const Tensor& indices, const Tensor& x,
                       bool descending)>
    sort_kernel;
// The stable lexicographic order of the rows of x [n, width]: int64 [n].
extern KernelSlot<void(const Tensor& order, const Tensor& x)> sort_rows_kernel;
// out [lines, m] (int64): places of values [lines, m] among boundaries [lines or 1, n]; `sorter` is
// undefined or int64 with the boundaries' shape, in range. All contiguous.
extern KernelSlot<void(const Tensor& out, const Tensor& boundaries, const Tensor& values,
                       const Tensor& sorter, bool right)>
    search_kernel;

// numbers[i] = how many of first[0..i] are set, minus one: the run that element i belongs to.
extern KernelSlot<void(const Tensor& numbers, const Tensor& first)> number_runs_kernel;
// Counts of x (contiguous floats) in equal bins over [low, high]; equal bounds: those of the data.
extern KernelSlot<void(const Tensor& counts, const Tensor& x, double low, double high)>
    histogram_kernel;
// The last word on its bounds: equal ones are moved apart, infinite ones refused.
template <class T>
void settle_bins(T* low, T* high) {
  if (*low == *high) {
    *low -= 1;
    *high += 1;
  }
  RT_CHECK(std::isfinite(*low) && std::isfinite(*high), Runtime, "histc",
           cat_str("range of [", static_cast<double>(*low), ", ", static_cast<double>(*high),
                   "] is not finite"));
}

}  // namespace rt
