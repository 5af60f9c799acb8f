// The thin layer: one method for each call of MLCompute that a plan needs. Objects of the framework
// are handles, null where a call gave nil; a BOOL is a bool. Nothing is decided behind it, and
// whoever calls checks what comes back (program.cpp). framework.mm is the one over Apple's; a test
// has one that records.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "mlcompute/plan.h"

namespace rt::mlcompute {

using Handle = std::shared_ptr<void>;
using NamedHandles = std::vector<std::pair<std::string, Handle>>;

// Memory that the framework may read and write until it lets go of `owner`, on any thread.
struct Memory {
  void* data = nullptr;
  size_t bytes = 0;
  Ref<Storage> owner;
};
using NamedMemory = std::vector<std::pair<std::string, Memory>>;

enum class Unit : uint8_t { Any, Cpu, Gpu, NeuralEngine };
const char* name(Unit u);
Unit parse_unit(const std::string& name);  // "any", "cpu", "gpu", "ane"

class Framework {
 public:
  virtual ~Framework() = default;
  virtual bool available(std::string* why_not) = 0;

  virtual Handle device(Unit unit) = 0;
  // Float32, of this shape; `memory` is what it begins with.
  virtual Handle tensor(IntList shape) = 0;
  virtual Handle tensor(IntList shape, const Memory& memory) = 0;
  virtual Handle graph() = 0;
  // `weights`: the handle of each tensor of the plan, null where it has none.
  virtual Handle layer(const LayerSpec& spec, std::span<const Handle> weights) = 0;
  virtual Handle node(const Handle& graph, const Handle& layer, std::span<const Handle> sources,
                      bool frozen) = 0;
  virtual Handle optimizer(const OptimizerPlan& plan) = 0;
  virtual Handle inference_graph(const Handle& graph) = 0;
  virtual Handle training_graph(const Handle& graph, const Handle& loss,
                                const Handle& optimizer) = 0;
  // Of the graphs made last: `runnable`. Inference graphs have no labels.
  virtual bool add_inputs(const Handle& runnable, const NamedHandles& inputs,
                          const NamedHandles& labels) = 0;
  virtual bool add_outputs(const Handle& runnable, const NamedHandles& outputs) = 0;
  virtual bool compile(const Handle& runnable, const Handle& device) = 0;

  // Waits for the end. False where the call was refused; `failure` is what was wrong in the run.
  virtual bool execute_inference(const Handle& runnable, const NamedMemory& inputs,
                                 const NamedMemory& outputs, int64_t batch,
                                 std::string* failure) = 0;
  // Forward, backward and the optimizer's step; the loss as it was before the step.
  virtual bool execute_training(const Handle& runnable, const NamedMemory& inputs,
                                const NamedMemory& labels, int64_t batch, double* loss,
                                std::string* failure) = 0;
  virtual void set_learning_rate(const Handle& optimizer, double lr) = 0;
  // Brings what the device has changed to the host's side of the tensors; read() then copies it.
  virtual void synchronize_updates(const Handle& runnable) = 0;
  virtual bool read(const Handle& tensor, void* to, size_t bytes) = 0;
};

// Registered while the library loads, on macOS alone.
void register_framework(Framework* framework);
// Null, and why, where there is none.
Framework* system_framework(std::string* why_not);

}  // namespace rt::mlcompute
