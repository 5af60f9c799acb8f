// The dims of a reduction that are walked together, for the engines' launchers.
#pragma once

#include <utility>

#include "core/dims.h"

namespace rt {

// Innermost first; neighbours are merged where one step serves both. Steps of the input are in the
// unit that the engine goes by.
struct ReduceAxes {
  Dims size, step, out;  // out: of the results, in elements (kept dims only)
  int64_t count = 1;

  void add(int64_t n, int64_t in, int64_t to) {
    count *= n;
    if (n == 1) return;
    if (!size.empty() && in == step.back() * size.back() && to == out.back() * size.back()) {
      size.back() *= n;
      return;
    }
    size.push_back(n);
    step.push_back(in);
    out.push_back(to);
  }
  void swap_to_front(size_t d) {
    std::swap(size[0], size[d]);
    std::swap(step[0], step[d]);
    std::swap(out[0], out[d]);
  }
};

}  // namespace rt
