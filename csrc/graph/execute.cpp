// Running a graph: its nodes are op calls like any others, seen by the tape and by interceptors.
#include "graph/trace.h"
#include "ops/ops.h"

namespace rt::graph {

namespace {

class Arguments {
 public:
  Arguments(const Node& n, std::span<const Tensor> values) : node_(n) {
    for (size_t i = 0; i < n.args.size(); ++i) boxed_.push_back(box(i, values));
    boxed_.emplace_back();  // an op without arguments still gets an address
  }
  // Copies take the place of what will be written.
  void copy(uint32_t arg) {
    rt::Value& v = boxed_[arg];
    if (auto* list = std::get_if<std::vector<Tensor>>(&v)) {
      for (Tensor& t : *list) t = ops::clone(t);
    } else {
      v = ops::clone(v.tensor());
    }
  }
  rt::Value* data() { return boxed_.data(); }
  rt::Value& operator[](size_t i) { return boxed_[i]; }

 private:
  rt::Value box(size_t i, std::span<const Tensor> values) const {
    const Argument& a = node_.args[i];
    if (const auto* one = std::get_if<ValueId>(&a)) return values[static_cast<size_t>(*one)];
    if (const auto* list = std::get_if<std::vector<ValueId>>(&a)) {
      std::vector<Tensor> tensors;
      for (ValueId v : *list) {
        tensors.push_back(v == kNoValue ? Tensor() : values[static_cast<size_t>(v)]);
      }
      return tensors;
    }
    const auto& attribute = std::get<rt::Value>(a);
    const bool number = node_.op->schema.args[i].kind == ArgKind::Tensor && attribute.is_scalar();
    return number ? rt::Value(wrapped_number(attribute.scalar())) : attribute;
  }

  const Node& node_;
  std::vector<rt::Value> boxed_;
};

void append(const rt::Value& v, std::vector<Tensor>* out) {
  if (const auto* list = std::get_if<std::vector<Tensor>>(&v)) {
    out->insert(out->end(), list->begin(), list->end());
  } else if (v.is<Tensor>()) {
    out->push_back(v.get<Tensor>());
  } else if (v.is_none()) {
    out->emplace_back();
  }
}

void append_results(const Node& n, const rt::Value* returns, std::vector<Tensor>* out) {
  for (size_t i = 0; i < n.counts.size(); ++i) {
    if (n.counts[i] == 0) continue;  // no tensor
    const size_t before = out->size();
    append(returns[i], out);
    const size_t wanted = n.counts[i] < 0 ? 1 : static_cast<size_t>(n.counts[i]);
    RT_CHECK(out->size() - before == wanted, Runtime, n.op_name(),
             cat_str("the graph was recorded with ", wanted, " results here"),
             cat_str(out->size() - before), "recording it with inputs like these");
  }
}

}  // namespace

void run_node(const Node& n, std::span<const Tensor> values, std::vector<Tensor>* results) {
  GradModeGuard guard(n.grad && modes().grad);
  Arguments args(n, values);
  rt::Value returns[OpRecord::kMaxReturns];
  if (n.form == NodeForm::Scatter) {
    args.copy(0);
    const Tensor base = args[0].tensor();
    call_boxed(*n.op, args.data(), returns);
    std::vector<Tensor> parts;
    append_results(n, returns, &parts);
    ops::copy_(parts[static_cast<size_t>(n.part)], values[static_cast<size_t>(n.src)]);
    results->push_back(base);
    return;
  }
  for (uint32_t w : n.writes) args.copy(w);
  call_boxed(*n.op, args.data(), returns);
  append_results(n, returns, results);
  for (uint32_t w : n.writes) append(args[w], results);
}

void run_node_inside(Tracer& tracer, const Node& n, std::span<const Tensor> values,
                     std::vector<Tensor>* results) {
  Arguments args(n, values);
  rt::Value returns[OpRecord::kMaxReturns];
  tracer.run_inside(*n.op, args.data(), returns, n.grad);
  append_results(n, returns, results);
}

std::vector<Tensor> run(const Graph& g, std::span<const Tensor> inputs,
                        std::span<const Tensor> tensors) {
  RT_CHECK(inputs.size() == g.inputs().size(), Type, "graph",
           cat_str("takes ", g.inputs().size(), " tensor(s)"), cat_str(inputs.size()));
  RT_CHECK(tensors.empty() || tensors.size() == g.tensors().size(), Type, "graph",
           cat_str("has ", g.tensors().size(), " parameters, buffers and constants"),
           cat_str(tensors.size()));
  std::vector<Tensor> values(g.values().size());
  for (size_t i = 0; i < inputs.size(); ++i) values[static_cast<size_t>(g.inputs()[i])] = inputs[i];
  for (size_t i = 0; i < g.tensors().size(); ++i) {
    const ValueId v = g.tensors()[i];
    values[static_cast<size_t>(v)] = tensors.empty() ? g.value(v).tensor : tensors[i];
  }
  std::vector<Tensor> results;
  for (size_t i = 0; i < g.nodes().size(); ++i) {
    const Node& n = g.nodes()[i];
    results.clear();
    run_node(n, values, &results);
    for (size_t k = 0; k < n.outputs.size(); ++k) {
      if (n.outputs[k] != kNoValue)
        values[static_cast<size_t>(n.outputs[k])] = std::move(results[k]);
    }
    for (ValueId v : g.last_uses(i)) values[static_cast<size_t>(v)] = Tensor();
  }
  for (const Mutation& m : g.mutations()) {
    Tensor& target = values[static_cast<size_t>(m.target)];
    Tensor& value = values[static_cast<size_t>(m.value)];
    if (target.is_same(value)) continue;
    // State is written outside of autograd, as layers do; an input may carry the history on.
    GradModeGuard guard(modes().grad && g.value(m.target).kind == ValueKind::Input);
    ops::copy_(target, value);
    value =
        target;  // an output of this value is the tensor that was written, as it was in eager mode
  }
  std::vector<Tensor> outputs;
  for (ValueId v : g.outputs()) {
    const Tensor& t = values[static_cast<size_t>(v)];
    // The graph keeps its constants to itself.
    outputs.push_back(g.value(v).kind == ValueKind::Constant ? ops::clone(t) : t);
  }
  return outputs;
}

}  // namespace rt::graph
