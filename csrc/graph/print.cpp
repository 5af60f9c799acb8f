// A graph as text.
#include <cmath>

#include "graph/graph.h"

namespace rt::graph {

namespace {

std::string type_text(const TensorType& t) {
  std::string s = cat_str(rt::name(t.dtype), rt::to_string(IntList(t.sizes)));
  if (!t.device.is_cpu()) s += cat_str(" on ", rt::to_string(t.device));
  return s;
}

std::string argument_text(const Graph& g, const Argument& a) {
  const auto named = [&](ValueId v) {
    return v == kNoValue ? std::string("None") : "%" + g.value(v).name;
  };
  if (const auto* attribute = std::get_if<rt::Value>(&a)) return to_string(*attribute);
  if (const auto* one = std::get_if<ValueId>(&a)) return named(*one);
  std::string s = "[";
  for (ValueId v : std::get<std::vector<ValueId>>(a)) s += (s.size() > 1 ? ", " : "") + named(v);
  return s + "]";
}

std::string node_text(const Graph& g, const Node& n) {
  std::string s;
  for (size_t i = 0; i < n.outputs.size(); ++i) {
    if (i) s += ", ";
    const ValueId v = n.outputs[i];
    s += v == kNoValue ? "_" : cat_str("%", g.value(v).name, ": ", type_text(g.value(v).type));
  }
  s += cat_str(n.outputs.empty() ? "" : " = ", n.op_name(), "(");
  bool first = true;
  const auto& params = n.op->schema.args;
  for (size_t i = 0; i < params.size(); ++i) {
    const auto* attribute = std::get_if<rt::Value>(&n.args[i]);
    // What has its default says nothing.
    if (attribute && params[i].has_default && same_attribute(*attribute, params[i].default_value))
      continue;
    s += cat_str(first ? "" : ", ", params[i].name, "=", argument_text(g, n.args[i]));
    first = false;
  }
  if (n.form == NodeForm::Scatter) {
    s += cat_str(", src=%", g.value(n.src).name);
    if (n.part) s += cat_str(", part=", n.part);
  }
  s += ")";
  if (n.form == NodeForm::Write) s += " on copies";
  if (!n.grad) s += " without grad";
  return s;
}

}  // namespace

std::string to_string(const Graph& g) {
  std::string s = "graph(";
  for (size_t i = 0; i < g.inputs().size(); ++i) {
    const Value& v = g.value(g.inputs()[i]);
    s += cat_str(i ? ", " : "", "%", v.name, ": ", type_text(v.type));
  }
  s += ") {\n";
  for (ValueId v : g.tensors()) {
    s += cat_str("  ", name(g.value(v).kind), " %", g.value(v).name, ": ",
                 type_text(g.value(v).type), "\n");
  }
  for (const Node& n : g.nodes()) s += cat_str("  ", node_text(g, n), "\n");
  for (const Mutation& m : g.mutations()) {
    s += cat_str("  write %", g.value(m.value).name, " to %", g.value(m.target).name, "\n");
  }
  s += "  return (";
  for (size_t i = 0; i < g.outputs().size(); ++i) {
    s += cat_str(i ? ", " : "", "%", g.value(g.outputs()[i]).name);
  }
  return s + ")\n}";
}

}  // namespace rt::graph
