// A plan, built in a framework and run there. Every answer of the framework is checked, and an
// error names the call and the layer. Threads take turns; they hold no GIL, which memory that the
// framework lets go of may want.
#pragma once

#include <mutex>
#include <span>

#include "mlcompute/framework.h"

namespace rt::mlcompute {

class Program {
 public:
  Program(Framework& framework, Plan plan, Unit unit);

  const Plan& plan() const { return plan_; }
  // Of inference graphs. Inputs in the order of plan().inputs, of their dtypes and shapes.
  std::vector<Tensor> run(std::span<const Tensor> inputs);
  // Of training graphs: one step on a batch; gives the loss before it.
  double step(std::span<const Tensor> inputs, std::span<const Tensor> labels);
  void set_learning_rate(double lr);
  // Writes what the steps have made of weights and statistics into the tensors of the plan.
  void write_back();

 private:
  Handle make_tensor(const TensorPlan& t);
  void build(Unit unit);
  void build_layers(const Handle& graph);
  NamedHandles named(std::span<const TensorId> ids) const;
  NamedMemory bind(std::span<const TensorId> ids, std::span<const Tensor> tensors,
                   const char* what) const;

  std::mutex mutex_;
  Framework& framework_;
  Plan plan_;
  std::vector<Handle> tensors_;  // of each tensor of the plan
  Handle loss_, optimizer_, runnable_;
  double lr_ = 0;
  int64_t steps_ = 0;  // since the last write_back()
};

// What the framework reads of a tensor: float32 on the host, contiguous; class numbers as rows that
// are 1 in one place. The tensor's own memory where that is possible.
Tensor prepare(const TensorPlan& plan, const Tensor& given);

}  // namespace rt::mlcompute
