// A graph as text.
#include <cmath>

#include "graph/graph.h"

namespace rt::graph {

namespace {

std::string type_text(const TensorType& t) {
  if (!t.known) return cat_str(name(t.kind), t.optional ? "?" : "");
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

void add_lines(const Graph& g, const std::string& indent, std::string* s);

// The block's inputs and nodes, and what it gives.
std::string block_text(const Graph& block, const std::string& indent) {
  std::string s = "(";
  for (size_t i = 0; i < block.inputs().size(); ++i) {
    const Value& v = block.value(block.inputs()[i]);
    s += cat_str(i ? ", " : "", "%", v.name, ": ", type_text(v.type));
  }
  s += ") {\n";
  add_lines(block, indent + "  ", &s);
  s += indent + "  give (";
  for (size_t i = 0; i < block.outputs().size(); ++i) {
    s += cat_str(i ? ", " : "", "%", block.value(block.outputs()[i]).name);
  }
  return s + ")\n" + indent + "}";
}

std::string control_text(const Graph& g, const Node& n, const std::string& indent) {
  const bool loop = n.form == NodeForm::Loop;
  std::string s = cat_str(n.op_name(), "(");
  for (size_t i = 0; i < n.args.size(); ++i) {
    if (i) s += ", ";
    if (i == 0 && loop) s += "trips=";
    if (i == (loop ? 1 : 0)) s += "condition=";
    s += argument_text(g, n.args[i]);
  }
  s += ") ";
  for (size_t i = 0; i < n.blocks.size(); ++i) {
    s += cat_str(i ? " else " : loop ? "do " : "then ", block_text(*n.blocks[i], indent));
  }
  return s;
}

std::string node_text(const Graph& g, const Node& n, const std::string& indent) {
  std::string s;
  for (size_t i = 0; i < n.outputs.size(); ++i) {
    if (i) s += ", ";
    const ValueId v = n.outputs[i];
    s += v == kNoValue ? "_" : cat_str("%", g.value(v).name, ": ", type_text(g.value(v).type));
  }
  if (!n.outputs.empty()) s += " = ";
  if (is_control(n.form)) return s + control_text(g, n, indent) + (n.grad ? "" : " without grad");
  s += n.op_name() + "(";
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

void add_lines(const Graph& g, const std::string& indent, std::string* s) {
  for (ValueId v : g.tensors()) {
    *s += cat_str(indent, name(g.value(v).kind), " %", g.value(v).name, ": ",
                  type_text(g.value(v).type), "\n");
  }
  for (const Node& n : g.nodes()) *s += cat_str(indent, node_text(g, n, indent), "\n");
}

}  // namespace

std::string to_string(const Graph& g) {
  std::string s = "graph(";
  for (size_t i = 0; i < g.inputs().size(); ++i) {
    const Value& v = g.value(g.inputs()[i]);
    s += cat_str(i ? ", " : "", "%", v.name, ": ", type_text(v.type));
  }
  s += ") {\n";
  add_lines(g, "  ", &s);
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
