// Runs the tape backwards.
#pragma once

#include "autograd/node.h"

namespace rt {

struct BackwardOptions {
  bool retain_graph = false;
  bool create_graph = false;
  bool allow_unreachable = true;  // false: an input that no gradient reaches is an error
};

// With no inputs: accumulates into every leaf's .grad and returns nothing.
// With inputs: returns their gradients (undefined where unreachable); accumulates into them instead
// if `accumulate` is set.
Gradients run_backward(TensorList outputs, TensorList grad_outputs, TensorList inputs,
                       const BackwardOptions& options, bool accumulate);

}  // namespace rt
