#include "mlcompute/planner.h"

#include <algorithm>

namespace rt::mlcompute {

using graph::Graph;
using graph::kNoValue;
using graph::Node;
using graph::NodeForm;
using graph::TensorType;
using graph::ValueId;
using graph::ValueKind;

Dims framework_shape(IntList sizes) {
  switch (sizes.size()) {
    case 1:
      return {sizes[0], 1, 1, 1};
    case 2:
      return {sizes[0], sizes[1], 1, 1};
    case 3:
      return {sizes[0], sizes[1], 1, sizes[2]};
    case 4:
      return Dims(sizes);
    default:
      throw Refusal{cat_str("its tensors have one to four dims, not ", sizes.size())};
  }
}

// ---- NodeContext ----

bool NodeContext::training() const { return planner_.training(); }

const graph::Argument& NodeContext::argument(const char* arg) const {
  const int i = node_.op->schema.index_of(arg);
  RT_CHECK(i >= 0, Runtime, "mlcompute", cat_str("no argument '", arg, "'"), node_.op_name());
  return node_.args[static_cast<size_t>(i)];
}
const Value& NodeContext::attribute(const char* arg) const {
  return std::get<Value>(argument(arg));
}
ValueId NodeContext::value(const char* arg) const {
  const auto* id = std::get_if<ValueId>(&argument(arg));
  if (!id || *id == kNoValue) throw Refusal{cat_str("'", arg, "' has to be a tensor")};
  return *id;
}
bool NodeContext::has(const char* arg) const {
  const graph::Argument& a = argument(arg);
  if (const auto* id = std::get_if<ValueId>(&a)) return *id != kNoValue;
  if (const auto* v = std::get_if<Value>(&a)) return !v->is_none();
  return true;
}
int64_t NodeContext::integer(const char* arg) const { return attribute(arg).get<int64_t>(); }
double NodeContext::number(const char* arg) const { return attribute(arg).scalar().to_double(); }
bool NodeContext::flag(const char* arg) const { return attribute(arg).get<bool>(); }
Dims NodeContext::dims(const char* arg) const { return attribute(arg).get<Dims>(); }
const std::string& NodeContext::text(const char* arg) const {
  return attribute(arg).get<std::string>();
}
bool NodeContext::in_place() const {
  return takes("inplace") && flag("inplace") && node_.outputs.size() == 2;
}
Pair NodeContext::pair(const char* arg) const {
  const Dims d = dims(arg);
  return {d[0], d[d.size() - 1]};
}
bool NodeContext::is_number(const char* arg) const {
  const auto* v = std::get_if<Value>(&argument(arg));
  return v && v->is_scalar();
}
const TensorType& NodeContext::type(const char* arg) const {
  return planner_.graph().value(value(arg)).type;
}
const TensorType& NodeContext::result_type() const {
  return planner_.graph().value(node_.outputs[0]).type;
}
TensorId NodeContext::source(const char* arg) { return planner_.of(value(arg)); }
std::vector<TensorId> NodeContext::sources(const char* arg) {
  std::vector<TensorId> list;
  for (ValueId v : std::get<std::vector<ValueId>>(argument(arg))) list.push_back(planner_.of(v));
  return list;
}
Weight NodeContext::weight(const char* arg, IntList shape, Role role) {
  if (!has(arg)) return {};
  return {planner_.add_weight(value(arg), shape, role)};
}
Weight NodeContext::filled(const char* what, int64_t count, float fill, Role role) {
  return {planner_.add_filled(what, count, fill, role)};
}
TensorId NodeContext::label(const char* arg, int64_t classes) {
  return planner_.add_label(value(arg), classes);
}
int64_t NodeContext::next_seed() { return planner_.next_seed(); }

TensorId NodeContext::put(LayerSpec spec, std::vector<TensorId> sources, IntList shape) {
  return planner_.add_layer(std::move(spec), std::move(sources), shape, shape, node_);
}
void NodeContext::give(LayerSpec spec, std::vector<TensorId> sources) {
  const TensorType& type = result_type();
  const Dims shape = type.sizes.empty() ? Dims{1, 1, 1, 1} : framework_shape(type.sizes);
  planner_.set(node_.outputs[0],
               planner_.add_layer(std::move(spec), std::move(sources), shape, type.sizes, node_));
}
void NodeContext::give(TensorId t) {
  const TensorType& type = result_type();
  const Dims shape = framework_shape(type.sizes);
  if (IntList(planner_.tensor(t).shape) == IntList(shape)) {
    planner_.set(node_.outputs[0], t);
  } else {
    give(Reshape{shape}, {t});
  }
}
void NodeContext::writes_statistics() {
  for (size_t i = 1; i < node_.outputs.size(); ++i) {
    if (node_.outputs[i] != kNoValue) planner_.note_written(node_.outputs[i]);
  }
}

// ---- Planner ----

Planner::Planner(const Graph& g, std::span<const Tensor> trained, bool training, int64_t seed)
    : graph_(g),
      trained_(trained),
      training_(training),
      seed_(seed),
      of_value_(g.values().size(), kNoTensor),
      written_(g.values().size()),
      failed_(g.values().size()) {}

bool Planner::is_trained(const Tensor& t) const {
  return std::any_of(trained_.begin(), trained_.end(),
                     [&](const Tensor& p) { return p.is_same(t); });
}

TensorId Planner::add(TensorPlan t) {
  plan_.tensors.push_back(std::move(t));
  return static_cast<TensorId>(plan_.tensors.size() - 1);
}

void check_float32(const char* what, const std::string& name, DType dtype) {
  if (dtype != DType::Float32) {
    throw Refusal{cat_str(what, " '", name, "' must be float32, not ", dtype)};
  }
}

TensorId Planner::of(ValueId v) {
  TensorId& known = of_value_[static_cast<size_t>(v)];
  if (known != kNoTensor) return known;
  const graph::Value& value = graph_.value(v);
  if (failed_[static_cast<size_t>(v)]) throw Refusal{};
  if (value.kind == ValueKind::Input) {
    check_float32("input", value.name, value.type.dtype);
    known = add({.role = Role::Input,
                 .name = value.name,
                 .shape = framework_shape(value.type.sizes),
                 .outside = value.type.sizes});
    return known;
  }
  if (!value.tensor.defined())
    throw Refusal{cat_str("it reads ", value.name, ", which no layer gives")};
  if (is_trained(value.tensor)) {
    throw Refusal{cat_str("parameter '", value.name, "' is trained outside of a layer")};
  }
  known = add_weight(v, framework_shape(value.type.sizes), Role::Weight);
  return known;
}

TensorId Planner::add_weight(ValueId v, IntList shape, Role role) {
  const graph::Value& value = graph_.value(v);
  if (!value.tensor.defined()) {
    throw Refusal{
        cat_str("its weight ", value.name, " is computed; layers have weights of their own")};
  }
  check_float32("weight", value.name, value.type.dtype);
  int64_t wanted = 1;
  for (int64_t n : shape) wanted *= n;
  if (wanted != value.tensor.numel()) {
    throw Refusal{cat_str("weight '", value.name, "' has ", value.tensor.numel(),
                          " elements where the layer has ", wanted)};
  }
  const bool trained = training_ && role == Role::Weight && is_trained(value.tensor);
  if (trained) {
    for (const TensorPlan& t : plan_.tensors) {
      if (t.tensor.is_same(value.tensor)) {
        throw Refusal{cat_str("parameter '", value.name, "' is trained in two layers at once")};
      }
    }
  }
  return add({.role = role,
              .name = value.name,
              .shape = Dims(shape),
              .outside = value.type.sizes,
              .tensor = value.tensor,
              .trained = trained});
}

TensorId Planner::add_filled(std::string name, int64_t count, float value, Role role) {
  const Tensor t = empty({count}, DType::Float32, {}, "mlcompute");
  std::fill_n(t.data<float>(), count, value);
  return add({.role = role,
              .name = std::move(name),
              .shape = {1, count, 1, 1},
              .outside = {count},
              .tensor = t});
}

TensorId Planner::add_label(ValueId v, int64_t classes) {
  const graph::Value& value = graph_.value(v);
  if (value.kind != ValueKind::Input || of_value_[static_cast<size_t>(v)] != kNoTensor) {
    throw Refusal{"its target has to be an input that nothing else reads"};
  }
  Dims shape =
      classes ? Dims{value.type.sizes[0], classes, 1, 1} : framework_shape(value.type.sizes);
  if (classes) {
    if (value.type.dtype != DType::Int64) throw Refusal{"class numbers must be int64"};
  } else {
    check_float32("label", value.name, value.type.dtype);
  }
  const TensorId t = add({.role = Role::Label,
                          .name = value.name,
                          .shape = std::move(shape),
                          .outside = value.type.sizes,
                          .classes = classes});
  of_value_[static_cast<size_t>(v)] = t;
  return t;
}

std::string origin(const Node& node) {
  const std::string op = node.op->schema.base_name;
  return node.location.empty() ? op : cat_str(op, " at ", node.location);
}

TensorId Planner::add_layer(LayerSpec spec, std::vector<TensorId> sources, IntList shape,
                            IntList outside, const Node& node) {
  const std::string name = cat_str(node.op->schema.base_name, "_", plan_.layers.size());
  const TensorId result =
      add({.role = Role::Result, .name = name, .shape = Dims(shape), .outside = Dims(outside)});
  plan_.layers.push_back({std::move(spec), std::move(sources), result, false, origin(node)});
  return result;
}

void Planner::refuse(const Node& node, const std::string& what) {
  for (ValueId v : node.outputs) {
    if (v != kNoValue) failed_[static_cast<size_t>(v)] = true;
  }
  // An empty one is a consequence of another.
  if (!what.empty()) refusals_.push_back(cat_str(origin(node), " (", what, ")"));
}

// Batch norms count their steps in an integer: num_batches_tracked = num_batches_tracked + 1.
bool Planner::count_step(const Node& node) {
  if (node.op->schema.name != "add" || node.outputs.size() != 1) return false;
  const auto* counter = std::get_if<ValueId>(&node.args[0]);
  const auto* step = std::get_if<Value>(&node.args[1]);
  if (!counter || !step || !step->is<int64_t>()) return false;
  const graph::Value& value = graph_.value(*counter);
  if (value.kind != ValueKind::Buffer || !is_integral(value.type.dtype)) return false;
  plan_.counters.emplace_back(value.tensor, step->get<int64_t>());
  note_written(node.outputs[0]);
  return true;
}

void Planner::lower(const Node& node) {
  const std::string& op = node.op->schema.name;
  const Lowering lowering = find_lowering(op);
  NodeContext context(*this, node);
  try {
    const bool statistics = node.form == NodeForm::Write && op == "batch_norm";
    const bool in_place = node.form == NodeForm::Write && context.in_place();
    if (!lowering || (node.form != NodeForm::Plain && !statistics && !in_place)) {
      throw Refusal{"no layer for it"};
    }
    if (!training_ && is_loss(op)) throw Refusal{"losses are part of training graphs"};
    if (node.outputs[0] != kNoValue && !is_floating(context.result_type().dtype)) {
      throw Refusal{"its result must be float32"};
    }
    lowering(context);
    // What was written into the argument is the result.
    if (in_place) set(node.outputs[1], of_value_[static_cast<size_t>(node.outputs[0])]);
  } catch (const Refusal& r) {
    refuse(node, r.what);
  }
}

void Planner::check_mutations() {
  for (const graph::Mutation& m : graph_.mutations()) {
    if (written_[static_cast<size_t>(m.value)] || failed_[static_cast<size_t>(m.value)]) continue;
    const graph::Value& target = graph_.value(m.target);
    refusals_.push_back(cat_str("a write to ", name(target.kind), " '", target.name, "'"));
  }
}

void Planner::freeze_layers() {
  for (LayerPlan& layer : plan_.layers) {
    size_t trained = 0, weights = 0;
    for (TensorId t : weights_of(layer.spec)) {
      weights += plan_.tensor(t).role == Role::Weight;
      trained += plan_.tensor(t).trained;
    }
    layer.frozen = weights > 0 && trained == 0;
    if (trained > 0 && trained < weights) {
      refusals_.push_back(cat_str(layer.origin, " (some of its weights are trained, some not)"));
    }
  }
}

Plan Planner::finish() {
  for (ValueId v : graph_.inputs()) {
    const Dims& sizes = graph_.value(v).type.sizes;
    if (!sizes.empty() && plan_.batch == 0) plan_.batch = sizes[0];
  }
  for (const Node& node : graph_.nodes()) {
    RT_CHECK(node.op, NotImplemented, "mlcompute", "there is no layer for control flow",
             node.op_name(), "rustorch.jit.trace of the scripted module");
    if (!count_step(node)) lower(node);
  }
  check_mutations();
  if (training_) freeze_layers();
  std::string all;
  for (const std::string& r : refusals_) all += (all.empty() ? "" : ", ") + r;
  RT_CHECK(all.empty(), NotImplemented, "mlcompute", "there is no layer of MLCompute for it all",
           all, "the same module on another device");

  for (ValueId v : graph_.outputs()) {
    const TensorId t = of_value_[static_cast<size_t>(v)];
    const bool computed = t != kNoTensor && plan_.tensor(t).role == Role::Result;
    RT_CHECK(computed, NotImplemented, "mlcompute", "an output is not computed by any layer",
             graph_.value(v).name);
    plan_.outputs.push_back(t);
    plan_.output_sizes.push_back(graph_.value(v).type.sizes);
  }
  RT_CHECK(!plan_.outputs.empty(), Value, "mlcompute", "there is nothing to compute");
  for (ValueId v : graph_.inputs()) {
    const TensorId t = of_value_[static_cast<size_t>(v)];
    RT_CHECK(t != kNoTensor, Value, "mlcompute", "an input is not used", graph_.value(v).name);
    (plan_.tensor(t).role == Role::Label ? plan_.labels : plan_.inputs).push_back(t);
    RT_CHECK(plan_.tensor(t).shape[0] == plan_.batch, Value, "mlcompute",
             "all inputs and labels begin with the batch", graph_.value(v).name);
  }
  RT_CHECK(!plan_.inputs.empty(), Value, "mlcompute", "there is no input");
  return std::move(plan_);
}

Plan plan_inference(const Graph& g) { return Planner(g, {}, false, 0).finish(); }

Plan plan_training(const Graph& g, const OptimizerPlan& optimizer,
                   std::span<const Tensor> parameters, int64_t seed) {
  RT_CHECK(g.outputs().size() == 1, Value, "mlcompute", "a training graph gives one loss",
           cat_str(g.outputs().size(), " results"));
  Plan plan = Planner(g, parameters, true, seed).finish();
  const LayerPlan& last = plan.layers.back();
  RT_CHECK(std::holds_alternative<Loss>(last.spec) && last.result == plan.outputs[0],
           NotImplemented, "mlcompute", "a training graph ends in its loss", last.origin,
           "a loss that is one call of rustorch.nn.functional");
  const bool any = std::any_of(plan.tensors.begin(), plan.tensors.end(),
                               [](const TensorPlan& t) { return t.trained; });
  RT_CHECK(any, Value, "mlcompute", "the optimizer has no parameter of the graph");
  plan.optimizer = optimizer;
  return plan;
}

}  // namespace rt::mlcompute
