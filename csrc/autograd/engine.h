// Runs the tape backwards.
#pragma once

#include "autograd/node.h"

namespace rt {

struct BackwardOptions {
  bool retain_graph = false;
  bool create_graph = false;
  bool allow_unreachable = true;  // false: an input that no gradient reaches is an error
};

// What is differentiated, or with respect to what: a tensor, or a node's result by itself.
struct Differentiated {
  Tensor tensor;
  Edge edge;
};

// The number of the backward pass that this thread runs, -1 outside; whether that pass runs `node`,
// or has run it.
int64_t current_pass();
bool pass_runs(const Node& node);

// Whether anomaly mode, on this thread, looks for NaN in every gradient.
bool& anomaly_checks_nan();

// With no inputs: accumulates into every leaf's .grad and returns nothing.
// With inputs: returns their gradients (undefined where unreachable); accumulates into them instead
// if `accumulate` is set.
Gradients run_backward(const std::vector<Differentiated>& outputs, TensorList grad_outputs,
                       const std::vector<Differentiated>& inputs, const BackwardOptions& options,
                       bool accumulate);
// The same of tensors.
Gradients run_backward(TensorList outputs, TensorList grad_outputs, TensorList inputs,
                       const BackwardOptions& options, bool accumulate);

}  // namespace rt
