// Composites of a graph taken apart: it is run again, and inside of them the calls are recorded.
#include "graph/trace.h"
#include "ops/ops.h"

namespace rt::graph {

namespace {

// An input like the recorded one, of numbers that show mistakes: no two alike, none zero.
Tensor made_up(const TensorType& type) {
  const Tensor steps = ops::arange(
      Scalar(1.0), Scalar(1.0 + static_cast<double>(checked_numel(type.sizes, "decompose"))),
      Scalar(1.0), DType::Float64, Device{});
  const Tensor waves = ops::sin(steps * Scalar(0.7)) * Scalar(0.5) + Scalar(0.6);
  const Tensor shaped = ops::reshape(waves, type.sizes);
  return ops::to(ops::to(shaped, type.dtype), type.device);
}

// The calls that a node made are its results only if they left them in tensors that were recorded.
ValueId recorded(Tracer& t, const Node& n, const Tensor& result) {
  RT_CHECK(t.knows(result), Runtime, "decompose",
           cat_str("'", n.op->schema.name, "' is not made of other ops"), "",
           "leaving it out of the names");
  return t.read(result);
}

}  // namespace

Ref<Graph> decompose(const Graph& g, const std::unordered_set<std::string>& names,
                     std::span<const Tensor> given) {
  NoGradGuard guard;
  RT_CHECK(given.empty() || given.size() == g.inputs().size(), Type, "decompose",
           cat_str("takes ", g.inputs().size(), " example tensor(s)"), cat_str(given.size()));
  for (const Node& n : g.nodes()) {
    RT_CHECK(n.op && !is_script_op(*n.op) && n.form != NodeForm::Inplace, Runtime, "decompose",
             "takes recorded graphs, not those with control flow", n.op_name(),
             "trace() of the scripted function");
  }
  std::vector<rt::Value> values(g.values().size());
  std::vector<Tensor> inputs;
  std::vector<ValueId> now(g.values().size(), kNoValue);
  for (size_t i = 0; i < g.inputs().size(); ++i) {
    inputs.push_back(given.empty() ? made_up(g.value(g.inputs()[i]).type) : ops::clone(given[i]));
  }
  Tracer tracer;
  Interceptor* const outer = tracer.outer;
  const auto recording = [&](bool on) { modes().interceptor = on ? &tracer : outer; };
  recording(false);
  for (size_t i = 0; i < inputs.size(); ++i) {
    const auto v = static_cast<size_t>(g.inputs()[i]);
    values[v] = inputs[i];
    now[v] = tracer.add_input(inputs[i], g.value(g.inputs()[i]).name);
  }
  for (ValueId id : g.tensors()) {
    const Value& value = g.value(id);
    values[static_cast<size_t>(id)] = value.tensor;
    now[static_cast<size_t>(id)] = tracer.add_tensor(value.kind, value.tensor, value.name);
  }
  const auto at = [&](ValueId v) { return v == kNoValue ? v : now[static_cast<size_t>(v)]; };
  bool random = false;
  for (const Node& n : g.nodes()) {
    random |= n.random;
    const bool wanted = names.count(n.op->schema.name) || names.count(n.op->schema.base_name);
    std::vector<rt::Value> results;
    if (wanted && n.form == NodeForm::Plain) {
      RT_CHECK(!n.op->is_kernel(), Runtime, "decompose",
               cat_str("'", n.op->schema.name, "' is computed by a kernel, not made of other ops"),
               "", "leaving it out of the names");
      // Each value on memory of its own, so that it is found as itself.
      for_each_input(n, [&](ValueId v) {
        if (g.value(v).kind != ValueKind::Result) return;
        const Tensor t = alias(values[static_cast<size_t>(v)].tensor());
        values[static_cast<size_t>(v)] = t;
        tracer.see(t, at(v));
      });
      recording(true);
      struct Stop {
        Interceptor* outer;
        ~Stop() { modes().interceptor = outer; }
      } stop{outer};
      run_node_inside(tracer, n, values, &results);
      for (size_t i = 0; i < n.outputs.size(); ++i) {
        if (n.outputs[i] == kNoValue) continue;
        now[static_cast<size_t>(n.outputs[i])] = recorded(tracer, n, results[i].tensor());
      }
    } else {
      run_node(n, values, &results);
      Node copy = n;
      for (Argument& a : copy.args) {
        if (auto* one = std::get_if<ValueId>(&a)) *one = at(*one);
        if (auto* list = std::get_if<std::vector<ValueId>>(&a)) {
          for (ValueId& v : *list) v = at(v);
        }
      }
      copy.src = at(n.src);
      std::vector<std::optional<TensorType>> types;
      for (ValueId v : n.outputs) {
        types.push_back(v == kNoValue ? std::nullopt : std::optional(g.value(v).type));
      }
      const Node& added = tracer.copy_node(std::move(copy), types);
      for (size_t i = 0; i < n.outputs.size(); ++i) {
        if (n.outputs[i] != kNoValue) now[static_cast<size_t>(n.outputs[i])] = added.outputs[i];
      }
    }
    for (size_t i = 0; i < n.outputs.size(); ++i) {
      if (n.outputs[i] != kNoValue) values[static_cast<size_t>(n.outputs[i])] = results[i];
    }
  }
  for (ValueId v : g.outputs()) tracer.add_output(at(v));
  for (const Mutation& m : g.mutations()) tracer.add_mutation({at(m.target), at(m.value)});
  const Ref<Graph> made = eliminate_dead_code(*tracer.finish());
  if (random || !g.mutations().empty()) return made;
  // What a composite did past the ops would be missing, or be what it was for these inputs: both
  // graphs must give the same for others.
  for (Tensor& t : inputs) {
    Dims all(static_cast<size_t>(t.dim()));
    for (size_t d = 0; d < all.size(); ++d) all[d] = static_cast<int64_t>(d);
    t = ops::flip(t, all);
  }
  const auto before = run(g, inputs), after = run(*made, inputs);
  for (size_t i = 0; i < before.size(); ++i) {
    RT_CHECK(same_bytes(before[i], after[i]), Runtime, "decompose",
             "the parts of an op do not give what it gives", "", "leaving it out of the names");
  }
  return made;
}

}  // namespace rt::graph
