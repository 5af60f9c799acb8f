// From a recorded graph to a plan for MLCompute. What it has no layer for is collected into one
// error.
#pragma once

#include <span>

#include "graph/graph.h"
#include "mlcompute/plan.h"

namespace rt::mlcompute {

Plan plan_inference(const graph::Graph& g);
// The graph ends in a loss, whose target is an input of its own: the label. `parameters` are those
// that the optimizer changes. `seed` is where dropout starts.
Plan plan_training(const graph::Graph& g, const OptimizerPlan& optimizer,
                   std::span<const Tensor> parameters, int64_t seed);

// The framework's shape of a tensor of one to four dims.
Dims framework_shape(IntList sizes);

// ---- For the lowerings (lowerings.cpp) ----

// Thrown within a lowering: the op, as it is called here, has no layer.
struct Refusal {
  std::string what;
};

class Planner;

// One node, with its arguments by their names in the schema.
class NodeContext {
 public:
  NodeContext(Planner& planner, const graph::Node& node) : planner_(planner), node_(node) {}

  bool training() const;
  bool takes(const char* arg) const { return node_.op->schema.index_of(arg) >= 0; }
  bool has(const char* arg) const;  // not None
  int64_t integer(const char* arg) const;
  double number(const char* arg) const;
  bool flag(const char* arg) const;
  Dims dims(const char* arg) const;
  Pair pair(const char* arg) const;
  const std::string& text(const char* arg) const;
  bool in_place() const;                  // a function that writes its result into its argument
  bool is_number(const char* arg) const;  // a number where a tensor may stand
  const graph::TensorType& type(const char* arg) const;
  const graph::TensorType& result_type() const;

  // What flows in: an input, a result, or a constant.
  TensorId source(const char* arg);
  std::vector<TensorId> sources(const char* arg);
  // What belongs to the layer, in the framework's shape; none where the argument is None.
  Weight weight(const char* arg, IntList shape, Role role = Role::Weight);
  // A vector of ones or zeros, of which the framework wants one and the op has none.
  Weight filled(const char* what, int64_t count, float value, Role role = Role::Weight);
  TensorId label(const char* arg, int64_t classes);
  int64_t next_seed();

  // A layer on its sources. The last one's result is the node's.
  TensorId put(LayerSpec spec, std::vector<TensorId> sources, IntList shape);
  void give(LayerSpec spec, std::vector<TensorId> sources);
  void give(TensorId t);  // the same values, perhaps in another shape
  // The further results of the node are written to the statistics by the layer itself.
  void writes_statistics();

 private:
  const graph::Argument& argument(const char* arg) const;
  const Value& attribute(const char* arg) const;
  graph::ValueId value(const char* arg) const;

  Planner& planner_;
  const graph::Node& node_;
};

using Lowering = void (*)(NodeContext&);
// By the name of an op's record; null where there is none.
Lowering find_lowering(std::string_view op);
bool is_loss(std::string_view op);

class Planner {
 public:
  Planner(const graph::Graph& g, std::span<const Tensor> trained, bool training, int64_t seed);
  Plan finish();

  const graph::Graph& graph() const { return graph_; }
  bool training() const { return training_; }
  TensorId of(graph::ValueId v);  // what flows: errors on weights that are trained
  TensorId add_weight(graph::ValueId v, IntList shape, Role role);
  TensorId add_filled(std::string name, int64_t count, float value, Role role);
  TensorId add_label(graph::ValueId v, int64_t classes);
  TensorId add_layer(LayerSpec spec, std::vector<TensorId> sources, IntList shape, IntList outside,
                     const graph::Node& node);
  void set(graph::ValueId v, TensorId t) { of_value_[static_cast<size_t>(v)] = t; }
  void note_written(graph::ValueId v) { written_[static_cast<size_t>(v)] = true; }
  int64_t next_seed() { return seed_++; }
  const TensorPlan& tensor(TensorId t) const { return plan_.tensor(t); }

 private:
  TensorId add(TensorPlan t);
  void lower(const graph::Node& node);
  bool count_step(const graph::Node& node);
  void check_mutations();
  void freeze_layers();
  bool is_trained(const Tensor& t) const;
  void refuse(const graph::Node& node, const std::string& what);

  const graph::Graph& graph_;
  std::span<const Tensor> trained_;
  bool training_;
  int64_t seed_;
  Plan plan_;
  std::vector<TensorId> of_value_;
  std::vector<bool> written_;  // values that a layer keeps by itself
  std::vector<bool> failed_;   // values that nothing makes: their users are not to blame
  std::vector<std::string> refusals_;
};

}  // namespace rt::mlcompute
