#include "graph/graph.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "ops/ops.h"

namespace rt::graph {

namespace {

constexpr size_t kMaxValues = size_t{1} << 30;  // ids are 32-bit

bool kind_fits(const rt::Argument& a, const rt::Value& v) {
  if (v.is_none()) return a.optional || a.kind == ArgKind::Generator;
  switch (a.kind) {
    case ArgKind::Tensor:
      return a.operand && v.is_scalar();
    case ArgKind::Scalar:
      return v.is_scalar();
    case ArgKind::Int:
      return v.is<int64_t>();
    case ArgKind::Float:
      return v.is_scalar() && !v.is<std::complex<double>>();
    case ArgKind::Bool:
      return v.is<bool>();
    case ArgKind::Str:
      return v.is<std::string>();
    case ArgKind::IntList:
      return v.is<Dims>();
    case ArgKind::FloatList:
      return v.is<std::vector<double>>();
    case ArgKind::DType:
      return v.is<DType>();
    case ArgKind::Device:
      return v.is<Device>();
    default:
      return false;
  }
}

}  // namespace

const char* name(ValueKind kind) {
  static constexpr const char* names[] = {"input", "parameter", "buffer", "constant", "result"};
  return names[static_cast<int>(kind)];
}

TensorType type_of(const Tensor& t) {
  return {t.dtype(), t.device(), Dims(t.sizes()), Dims(t.strides())};
}

std::string Node::op_name() const {
  return form == NodeForm::Scatter ? op->schema.name + "_scatter" : op->schema.name;
}

std::string Graph::free_name(std::string wanted) {
  if (wanted.empty()) wanted = cat_str("constant_", next_constant_++);
  if (!names_.insert(wanted).second) {
    const std::string stem = wanted;
    for (size_t i = 1; !names_.insert(wanted = cat_str(stem, "_", i)).second; ++i) {
    }
  }
  return wanted;
}

ValueId Graph::add(Value v) {
  RT_CHECK(values_.size() < kMaxValues, Runtime, "graph", "too many values");
  values_.push_back(std::move(v));
  return static_cast<ValueId>(values_.size() - 1);
}

ValueId Graph::add_input(std::string name, TensorType type) {
  const ValueId v = add({ValueKind::Input, std::move(type), free_name(std::move(name)), {}, -1});
  inputs_.push_back(v);
  return v;
}

ValueId Graph::add_tensor(ValueKind kind, std::string name, Tensor tensor) {
  RT_CHECK(tensor.defined(), Value, "graph", "a parameter, buffer or constant needs a tensor");
  const TensorType type = type_of(tensor);
  const ValueId v = add({kind, type, free_name(std::move(name)), std::move(tensor), -1});
  tensors_.push_back(v);
  return v;
}

void Graph::check_value(ValueId v, const char* what) const {
  RT_CHECK(v >= 0 && static_cast<size_t>(v) < values_.size(), Value, "graph",
           cat_str(what, " is a value that is not made before"), cat_str(int64_t{v}));
}

void Graph::check_node(const Node& n) const {
  const auto& params = n.op->schema.args;
  const std::string where = n.op_name();
  RT_CHECK(n.args.size() == params.size(), Value, where,
           cat_str("the op has ", params.size(), " arguments"), cat_str(n.args.size()));
  for (size_t i = 0; i < params.size(); ++i) {
    const auto wrong = [&](const char* what) {
      RT_FAIL(Type, where, cat_str("argument '", params[i].name, "' must be ", params[i].type),
              what);
    };
    if (const auto* attribute = std::get_if<rt::Value>(&n.args[i])) {
      if (!kind_fits(params[i], *attribute)) wrong(to_string(*attribute).c_str());
    } else if (const auto* one = std::get_if<ValueId>(&n.args[i])) {
      if (params[i].kind != ArgKind::Tensor) wrong("a value");
      check_value(*one, "an argument");
    } else {
      if (params[i].kind != ArgKind::TensorList) wrong("a list of values");
      for (ValueId v : std::get<std::vector<ValueId>>(n.args[i])) {
        if (v != kNoValue) check_value(v, "an argument");
        if (v == kNoValue && params[i].type.find('?') == std::string::npos) wrong("None in a list");
      }
    }
  }
  size_t expected = 0;
  RT_CHECK(n.counts.size() == n.op->schema.returns.size(), Value, where,
           cat_str("the op has ", n.op->schema.returns.size(), " results"),
           cat_str(n.counts.size()));
  for (size_t i = 0; i < n.counts.size(); ++i) {
    const std::string& type = n.op->schema.returns[i].type;
    // Some ops give several tensors where options ask for them, though the schema says one.
    const bool fits = type == "Tensor"     ? n.counts[i] >= -1
                      : type == "Tensor[]" ? n.counts[i] >= 0
                                           : n.counts[i] == 0;
    RT_CHECK(fits, Value, where, cat_str("result ", i, " is ", type), cat_str(n.counts[i]));
    expected += n.counts[i] < 0 ? 1 : static_cast<size_t>(n.counts[i]);
  }
  if (n.form == NodeForm::Scatter) {
    check_value(n.src, "src");
    RT_CHECK(n.part >= 0 && static_cast<size_t>(n.part) < expected, Value, where,
             "the written result does not exist", cat_str(n.part));
    const auto* base = n.args.empty() ? nullptr : std::get_if<ValueId>(&n.args[0]);
    RT_CHECK(base && *base != kNoValue, Value, where, "the first argument must be a tensor");
    expected = 1;
  } else {
    RT_CHECK(n.src == kNoValue, Value, where, "only a scatter has src");
  }
  RT_CHECK(n.form == NodeForm::Write || n.writes.empty(), Value, where,
           "only an op that writes has written arguments");
  for (uint32_t w : n.writes) {
    RT_CHECK(w < n.args.size() && !std::holds_alternative<rt::Value>(n.args[w]), Value, where,
             "a written argument is no tensor", cat_str(size_t{w}));
    const auto* list = std::get_if<std::vector<ValueId>>(&n.args[w]);
    expected += list ? list->size() : 1;
  }
  RT_CHECK(n.outputs.size() == expected, Value, where, cat_str("there are ", expected, " results"),
           cat_str(n.outputs.size()));
}

size_t Graph::add_node(Node node, std::span<const std::optional<TensorType>> types) {
  RT_CHECK(node.op, Value, "graph", "a node needs an op");
  node.outputs.assign(types.size(), kNoValue);
  check_node(node);
  const auto at = static_cast<int32_t>(nodes_.size());
  for (size_t i = 0; i < types.size(); ++i) {
    if (!types[i]) continue;
    node.outputs[i] =
        add({ValueKind::Result, *types[i], free_name(cat_str(values_.size())), {}, at});
  }
  nodes_.push_back(std::move(node));
  return nodes_.size() - 1;
}

void Graph::add_output(ValueId v) {
  check_value(v, "an output");
  outputs_.push_back(v);
}

void Graph::add_mutation(ValueId target, ValueId value) {
  check_value(target, "a mutation's target");
  check_value(value, "a mutation's value");
  RT_CHECK(this->value(target).kind != ValueKind::Result, Value, "graph",
           "only inputs, parameters, buffers and constants can be written");
  mutations_.push_back({target, value});
}

void Graph::finish() {
  std::vector<int64_t> last(values_.size(), -1);
  for (size_t i = 0; i < nodes_.size(); ++i) {
    for_each_input(nodes_[i],
                   [&](ValueId v) { last[static_cast<size_t>(v)] = static_cast<int64_t>(i); });
    for (ValueId v : nodes_[i].outputs) {
      if (v != kNoValue) last[static_cast<size_t>(v)] = static_cast<int64_t>(i);
    }
  }
  for (ValueId v : outputs_) last[static_cast<size_t>(v)] = -1;
  for (const Mutation& m : mutations_) {
    last[static_cast<size_t>(m.value)] = last[static_cast<size_t>(m.target)] = -1;
  }
  last_uses_.assign(nodes_.size(), {});
  for (size_t v = 0; v < last.size(); ++v) {
    if (last[v] >= 0) last_uses_[static_cast<size_t>(last[v])].push_back(static_cast<ValueId>(v));
  }
}

bool operator==(const TensorType& a, const TensorType& b) {
  return a.dtype == b.dtype && a.device == b.device && a.sizes == b.sizes;
}

bool same_bytes(const Tensor& a, const Tensor& b) {
  if (a.is_same(b)) return true;
  if (!a.defined() || !b.defined() || a.dtype() != b.dtype() || !(a.sizes() == b.sizes()) ||
      !(a.device() == b.device())) {
    return false;
  }
  NoGradGuard guard;
  const Tensor x = ops::contiguous(ops::to(a, Device{})), y = ops::contiguous(ops::to(b, Device{}));
  return x.nbytes() == 0 || std::memcmp(x.host_data(), y.host_data(), x.nbytes()) == 0;
}

bool same_attribute(const rt::Value& a, const rt::Value& b) {
  if (a.index() != b.index()) return false;
  // NaN equals itself here, and -0.0 is not 0.0.
  const auto bits = [](double x) { return std::bit_cast<uint64_t>(x); };
  const auto same = [&]<class T>(const T& x, const T& y) {
    if constexpr (std::is_same_v<T, double>) {
      return bits(x) == bits(y);
    } else if constexpr (std::is_same_v<T, std::complex<double>>) {
      return bits(x.real()) == bits(y.real()) && bits(x.imag()) == bits(y.imag());
    } else if constexpr (std::is_same_v<T, std::vector<double>>) {
      return std::equal(x.begin(), x.end(), y.begin(), y.end(),
                        [&](double p, double q) { return bits(p) == bits(q); });
    } else if constexpr (std::is_same_v<T, Tensor> || std::is_same_v<T, std::vector<Tensor>> ||
                         std::is_same_v<T, Ref<Generator>>) {
      return false;  // no attributes
    } else {
      return x == y;
    }
  };
  return std::visit([&]<class T>(const T& x) { return same(x, std::get<T>(b)); },
                    static_cast<const rt::Value::variant&>(a));
}

bool same_argument(const Argument& a, const Argument& b) {
  if (a.index() != b.index()) return false;
  if (const auto* v = std::get_if<rt::Value>(&a)) return same_attribute(*v, std::get<rt::Value>(b));
  if (const auto* v = std::get_if<ValueId>(&a)) return *v == std::get<ValueId>(b);
  return std::get<std::vector<ValueId>>(a) == std::get<std::vector<ValueId>>(b);
}

bool same_graph(const Graph& a, const Graph& b) {
  const auto same_value = [](const Value& x, const Value& y) {
    return x.kind == y.kind && x.type == y.type && x.name == y.name &&
           (!x.tensor.defined() || same_bytes(x.tensor, y.tensor));
  };
  const auto same_node = [&](const Node& x, const Node& y) {
    return x.op == y.op && x.form == y.form && x.grad == y.grad && x.random == y.random &&
           x.src == y.src && x.part == y.part && x.writes == y.writes && x.counts == y.counts &&
           x.outputs == y.outputs &&
           std::equal(x.args.begin(), x.args.end(), y.args.begin(), y.args.end(), same_argument);
  };
  return a.inputs() == b.inputs() && a.outputs() == b.outputs() &&
         std::equal(a.mutations().begin(), a.mutations().end(), b.mutations().begin(),
                    b.mutations().end(),
                    [](const Mutation& x, const Mutation& y) {
                      return x.target == y.target && x.value == y.value;
                    }) &&
         std::equal(a.nodes().begin(), a.nodes().end(), b.nodes().begin(), b.nodes().end(),
                    same_node) &&
         std::equal(a.values().begin(), a.values().end(), b.values().begin(), b.values().end(),
                    same_value);
}

}  // namespace rt::graph
