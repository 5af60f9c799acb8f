// Running a graph: its nodes are op calls like any others, seen by the tape and by interceptors.
#include "graph/trace.h"
#include "ops/ops.h"

namespace rt::graph {

namespace {

using Values = std::span<const rt::Value>;

[[noreturn]] void unfit(const Node& n, const rt::Argument& param, const rt::Value& v) {
  RT_FAIL(Type, n.op->schema.base_name, cat_str("argument '", param.name, "' must be ", param.type),
          v.is_none() || (v.is<Tensor>() && !v.get<Tensor>().defined()) ? "None" : to_string(v));
}

// A value of the run as the argument that the schema asks for.
rt::Value converted(const Node& n, const rt::Argument& param, const rt::Value& v) {
  if (param.kind == ArgKind::Void) return v;
  if (param.kind == ArgKind::Tensor) {
    if (const auto* t = std::get_if<Tensor>(&v)) {
      if (!t->defined() && !param.optional) unfit(n, param, v);
      return v;
    }
    if (v.is_scalar() && param.operand) return wrapped_number(v.scalar());
    if (!v.is_none() || !param.optional) unfit(n, param, v);
    return v;
  }
  if (param.kind == ArgKind::TensorList) {
    const auto* list = std::get_if<std::vector<Tensor>>(&v);
    if (!list && !(v.is_none() && param.optional)) unfit(n, param, v);
    return v;
  }
  if (param.kind == ArgKind::Int && v.is<bool>()) return int64_t{v.get<bool>()};
  if (param.kind == ArgKind::FloatList && v.is<Dims>()) {
    const Dims& ints = v.get<Dims>();
    return std::vector<double>(ints.begin(), ints.end());
  }
  if (param.kind == ArgKind::IntList && param.list_size > 0 && v.is<int64_t>()) {
    return Dims(static_cast<size_t>(param.list_size), v.get<int64_t>());
  }
  if (!takes(param, v)) unfit(n, param, v);
  return v;
}

const Tensor& present(const Node& n, const rt::Value& v) {
  RT_CHECK(v.tensor().defined(), Type, n.op_name(), "what is written or copied must be a tensor",
           to_string(v));
  return v.tensor();
}

class Arguments {
 public:
  Arguments(const Node& n, Values values) : node_(n) {
    for (size_t i = 0; i < n.args.size(); ++i) boxed_.push_back(box(i, values));
    boxed_.emplace_back();  // an op without arguments still gets an address
  }
  // Copies take the place of what will be written.
  void copy(uint32_t arg) {
    rt::Value& v = boxed_[arg];
    if (auto* list = std::get_if<std::vector<Tensor>>(&v)) {
      for (Tensor& t : *list) t = copied(t);
    } else {
      v = copied(v.tensor());
    }
  }
  rt::Value* data() { return boxed_.data(); }
  rt::Value& operator[](size_t i) { return boxed_[i]; }

 private:
  Tensor copied(const Tensor& t) const { return ops::clone(present(node_, t)); }

  rt::Value box(size_t i, Values values) const {
    const Argument& a = node_.args[i];
    const rt::Argument& param = node_.op->schema.args[i];
    if (const auto* one = std::get_if<ValueId>(&a)) {
      return converted(node_, param, values[static_cast<size_t>(*one)]);
    }
    if (const auto* list = std::get_if<std::vector<ValueId>>(&a)) {
      return gathered(param, *list, values);
    }
    const auto& attribute = std::get<rt::Value>(a);
    const bool number = param.kind == ArgKind::Tensor && attribute.is_scalar();
    return number ? rt::Value(wrapped_number(attribute.scalar())) : attribute;
  }

  rt::Value gathered(const rt::Argument& param, const std::vector<ValueId>& list,
                     Values values) const {
    std::vector<Tensor> tensors;
    std::vector<double> floats;
    Dims ints;
    for (ValueId id : list) {
      const rt::Value v = id == kNoValue ? rt::Value() : values[static_cast<size_t>(id)];
      if (param.kind == ArgKind::IntList) {
        if (!v.is<int64_t>() && !v.is<bool>()) unfit(node_, param, v);
        ints.push_back(v.scalar().to_int());
      } else if (param.kind == ArgKind::FloatList) {
        if (!v.is_scalar()) unfit(node_, param, v);
        floats.push_back(v.scalar().to_double());
      } else {
        const bool absent = v.is_none() || !v.tensor().defined();
        if (absent && param.type.find('?') == std::string::npos) unfit(node_, param, v);
        tensors.push_back(absent ? Tensor() : v.tensor());
      }
    }
    if (param.kind == ArgKind::IntList) return ints;
    if (param.kind == ArgKind::FloatList) return floats;
    return tensors;
  }

  const Node& node_;
  std::vector<rt::Value> boxed_;
};

void append(const rt::Value& v, std::vector<rt::Value>* out) {
  if (const auto* list = std::get_if<std::vector<Tensor>>(&v)) {
    for (const Tensor& t : *list) out->emplace_back(t);
  } else if (v.is<Tensor>()) {
    out->push_back(v);
  } else if (v.is_none()) {
    out->emplace_back(Tensor());
  }
}

void append_results(const Node& n, const rt::Value* returns, std::vector<rt::Value>* out) {
  for (size_t i = 0; i < n.counts.size(); ++i) {
    if (n.counts[i] == 0) continue;  // no tensor
    if (n.counts[i] == kWhole) {
      out->push_back(returns[i]);
      continue;
    }
    const size_t before = out->size();
    append(returns[i], out);
    const size_t wanted = n.counts[i] < 0 ? 1 : static_cast<size_t>(n.counts[i]);
    RT_CHECK(out->size() - before == wanted, Runtime, n.op_name(),
             cat_str("the graph was recorded with ", wanted, " results here"),
             cat_str(out->size() - before), "recording it with inputs like these");
  }
}

// The blocks of control flow are given the values after the node's own arguments.
std::vector<rt::Value> given(const Node& n, size_t from, Values values) {
  std::vector<rt::Value> list;
  for (size_t i = from; i < n.args.size(); ++i) {
    list.push_back(values[static_cast<size_t>(std::get<ValueId>(n.args[i]))]);
  }
  return list;
}

const rt::Value& own_argument(const Node& n, size_t i, Values values) {
  if (const auto* one = std::get_if<ValueId>(&n.args[i])) return values[static_cast<size_t>(*one)];
  return std::get<rt::Value>(n.args[i]);
}

bool holds(const Node& n, const rt::Value& condition) {
  RT_CHECK(condition.is<bool>(), Type, n.op_name(), "the condition must be bool",
           to_string(condition));
  return condition.get<bool>();
}

void run_if(const Node& n, Values values, std::vector<rt::Value>* results) {
  const bool taken = holds(n, own_argument(n, 0, values));
  *results = run_values(*n.blocks[taken ? 0 : 1], given(n, 1, values));
}

void run_loop(const Node& n, Values values, std::vector<rt::Value>* results) {
  const rt::Value& trips = own_argument(n, 0, values);
  RT_CHECK(trips.is_none() || trips.is<int64_t>(), Type, "loop", "the number of turns must be int",
           to_string(trips));
  bool go = holds(n, own_argument(n, 1, values));
  const size_t carried = n.outputs.size();
  std::vector<rt::Value> inputs = given(n, 2, values);
  inputs.insert(inputs.begin(), rt::Value());
  for (int64_t turn = 0; go && (trips.is_none() || turn < trips.get<int64_t>()); ++turn) {
    if (script_hooks().interrupt) script_hooks().interrupt();
    inputs[0] = turn;
    std::vector<rt::Value> now = run_values(*n.blocks[0], inputs);
    go = holds(n, now[0]);
    std::move(now.begin() + 1, now.end(), inputs.begin() + 1);
  }
  results->assign(inputs.begin() + 1, inputs.begin() + 1 + static_cast<ptrdiff_t>(carried));
}

}  // namespace

void run_node(const Node& n, Values values, std::vector<rt::Value>* results) {
  GradModeGuard guard(n.grad && modes().grad);
  if (n.form == NodeForm::If) return run_if(n, values, results);
  if (n.form == NodeForm::Loop) return run_loop(n, values, results);
  Arguments args(n, values);
  rt::Value returns[OpRecord::kMaxReturns];
  if (n.form == NodeForm::Inplace) {
    call_inplace(*n.op, args.data());
    results->push_back(args[0]);
    return;
  }
  if (n.form == NodeForm::Scatter) {
    args.copy(0);
    const Tensor base = args[0].tensor();
    call_boxed(*n.op, args.data(), returns);
    std::vector<rt::Value> parts;
    append_results(n, returns, &parts);
    ops::copy_(parts[static_cast<size_t>(n.part)].tensor(),
               present(n, values[static_cast<size_t>(n.src)]));
    results->emplace_back(base);
    return;
  }
  for (uint32_t w : n.writes) args.copy(w);
  if (is_script_op(*n.op)) {
    n.op->boxed(*n.op, args.data(), returns);
  } else {
    call_boxed(*n.op, args.data(), returns);
  }
  append_results(n, returns, results);
  for (uint32_t w : n.writes) append(args[w], results);
}

void run_node_inside(Tracer& tracer, const Node& n, Values values,
                     std::vector<rt::Value>* results) {
  Arguments args(n, values);
  rt::Value returns[OpRecord::kMaxReturns];
  tracer.run_inside(*n.op, args.data(), returns, n.grad);
  append_results(n, returns, results);
}

std::vector<Tensor> run(const Graph& g, std::span<const Tensor> inputs,
                        std::span<const Tensor> tensors) {
  const std::vector<rt::Value> given(inputs.begin(), inputs.end());
  std::vector<Tensor> outputs;
  for (const rt::Value& v : run_values(g, given, tensors)) {
    RT_CHECK(v.is<Tensor>(), Type, "graph", "a result is no tensor", to_string(v));
    outputs.push_back(v.get<Tensor>());
  }
  return outputs;
}

std::vector<rt::Value> run_values(const Graph& g, Values inputs, std::span<const Tensor> tensors) {
  RT_CHECK(inputs.size() == g.inputs().size(), Type, "graph",
           cat_str("takes ", g.inputs().size(), " value(s)"), cat_str(inputs.size()));
  RT_CHECK(tensors.empty() || tensors.size() == g.tensors().size(), Type, "graph",
           cat_str("has ", g.tensors().size(), " parameters, buffers and constants"),
           cat_str(tensors.size()));
  std::vector<rt::Value> values(g.values().size());
  for (size_t i = 0; i < inputs.size(); ++i) values[static_cast<size_t>(g.inputs()[i])] = inputs[i];
  for (size_t i = 0; i < g.tensors().size(); ++i) {
    const ValueId v = g.tensors()[i];
    values[static_cast<size_t>(v)] = tensors.empty() ? g.value(v).tensor : tensors[i];
  }
  std::vector<rt::Value> results;
  for (size_t i = 0; i < g.nodes().size(); ++i) {
    const Node& n = g.nodes()[i];
    results.clear();
    run_node(n, values, &results);
    for (size_t k = 0; k < n.outputs.size(); ++k) {
      if (n.outputs[k] != kNoValue)
        values[static_cast<size_t>(n.outputs[k])] = std::move(results[k]);
    }
    for (ValueId v : g.last_uses(i)) values[static_cast<size_t>(v)] = rt::Value();
  }
  for (const Mutation& m : g.mutations()) {
    const Tensor target = values[static_cast<size_t>(m.target)].tensor();
    const Tensor value = values[static_cast<size_t>(m.value)].tensor();
    RT_CHECK(target.defined() && value.defined() && target.sizes() == value.sizes(), Runtime,
             "graph", cat_str("'", g.value(m.target).name, "' keeps its shape when it is written"));
    if (target.is_same(value)) continue;
    // State is written outside of autograd, as layers do; an input may carry the history on.
    GradModeGuard guard(modes().grad && g.value(m.target).kind == ValueKind::Input);
    ops::copy_(target, value);
    // An output of this value is the tensor that was written, as it was in eager mode.
    values[static_cast<size_t>(m.value)] = target;
  }
  std::vector<rt::Value> outputs;
  for (ValueId v : g.outputs()) {
    const rt::Value& t = values[static_cast<size_t>(v)];
    // The graph keeps its constants to itself.
    const bool own = g.value(v).kind == ValueKind::Constant;
    outputs.push_back(own ? rt::Value(ops::clone(t.tensor())) : t);
  }
  return outputs;
}

}  // namespace rt::graph
