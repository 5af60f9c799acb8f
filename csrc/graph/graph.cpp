#include "graph/graph.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "ops/ops.h"

namespace rt::graph {

namespace {

constexpr size_t kMaxValues = size_t{1} << 30;  // ids are 32-bit

constexpr int kMaxDepth = 64;  // of blocks in blocks, which a run goes into by recursion

// Whether a value of this kind may stand for the argument; a run looks at the value itself.
bool takes(const rt::Argument& a, const TensorType& t) {
  switch (t.kind) {
    case TypeKind::Tensor:
      return a.kind == ArgKind::Tensor || a.kind == ArgKind::Void;
    case TypeKind::Int:
    case TypeKind::Bool:
    case TypeKind::Float:
    case TypeKind::Number:
      return a.operand || a.kind == ArgKind::Scalar || a.kind == ArgKind::Int ||
             a.kind == ArgKind::Float || a.kind == ArgKind::Bool || a.kind == ArgKind::Void;
    case TypeKind::Str:
      return a.kind == ArgKind::Str || a.kind == ArgKind::Void;
    case TypeKind::DType:
      return a.kind == ArgKind::DType || a.kind == ArgKind::Void;
    case TypeKind::Device:
      return a.kind == ArgKind::Device || a.kind == ArgKind::Void;
    case TypeKind::Tensors:
      return a.kind == ArgKind::TensorList || a.kind == ArgKind::Void;
    case TypeKind::Ints:
      return a.kind == ArgKind::IntList || a.kind == ArgKind::FloatList || a.kind == ArgKind::Void;
    case TypeKind::Floats:
      return a.kind == ArgKind::FloatList || a.kind == ArgKind::Void;
  }
  return false;
}

bool is_number(TypeKind k) {
  return k == TypeKind::Int || k == TypeKind::Float || k == TypeKind::Bool || k == TypeKind::Number;
}

// Whether a block may be given `from` where it wants `to`.
bool passes_for(const TensorType& from, const TensorType& to) {
  return from.kind == to.kind || (to.kind == TypeKind::Number && is_number(from.kind));
}

}  // namespace

bool takes(const rt::Argument& a, const rt::Value& v) {
  if (v.is_none()) return a.optional || a.kind == ArgKind::Generator || a.kind == ArgKind::Void;
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
    case ArgKind::Void:
      return true;
    default:
      return false;
  }
}

const char* name(ValueKind kind) {
  static constexpr const char* names[] = {"input", "parameter", "buffer", "constant", "result"};
  return names[static_cast<int>(kind)];
}

namespace {
constexpr const char* kTypeNames[] = {"Tensor", "int",    "float",    "bool",  "number", "str",
                                      "dtype",  "device", "Tensor[]", "int[]", "float[]"};
}
const char* name(TypeKind kind) { return kTypeNames[static_cast<int>(kind)]; }
std::optional<TypeKind> type_kind(std::string_view text) {
  for (size_t i = 0; i < std::size(kTypeNames); ++i) {
    if (text == kTypeNames[i]) return static_cast<TypeKind>(i);
  }
  return {};
}

TensorType any_of(TypeKind kind, bool optional) {
  TensorType t;
  t.kind = kind;
  t.optional = optional;
  t.known = false;
  return t;
}

TensorType type_of(const Tensor& t) {
  return {t.dtype(), t.device(), Dims(t.sizes()), Dims(t.strides())};
}

std::string Node::op_name() const {
  if (form == NodeForm::If) return "if";
  if (form == NodeForm::Loop) return "loop";
  if (form == NodeForm::Inplace) return op->schema.name + "_";
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
      if (!takes(params[i], *attribute)) wrong(to_string(*attribute).c_str());
    } else if (const auto* one = std::get_if<ValueId>(&n.args[i])) {
      check_value(*one, "an argument");
      if (!takes(params[i], value(*one).type)) wrong(name(value(*one).type.kind));
    } else {
      const bool numbers =
          params[i].kind == ArgKind::IntList || params[i].kind == ArgKind::FloatList;
      if (params[i].kind != ArgKind::TensorList && !numbers) wrong("a list of values");
      for (ValueId v : std::get<std::vector<ValueId>>(n.args[i])) {
        if (v == kNoValue) {
          if (params[i].type.find('?') == std::string::npos) wrong("None in a list");
          continue;
        }
        check_value(v, "an argument");
        const TypeKind kind = value(v).type.kind;
        if (numbers ? !is_number(kind) : kind != TypeKind::Tensor) wrong(name(kind));
      }
    }
  }
  check_results(n);
}

void Graph::check_results(const Node& n) const {
  const std::string where = n.op_name();
  size_t expected = 0;
  RT_CHECK(n.counts.size() == n.op->schema.returns.size(), Value, where,
           cat_str("the op has ", n.op->schema.returns.size(), " results"),
           cat_str(n.counts.size()));
  for (size_t i = 0; i < n.counts.size(); ++i) {
    const std::string& type = n.op->schema.returns[i].type;
    // Some ops give several tensors where options ask for them, though the schema says one.
    const bool fits = type == "Tensor"     ? n.counts[i] >= -1
                      : type == "Tensor[]" ? n.counts[i] >= 0 || n.counts[i] == kWhole
                                           : n.counts[i] == 0 || n.counts[i] == kWhole;
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
  if (n.form == NodeForm::Inplace) {
    const auto* self = n.args.empty() ? nullptr : std::get_if<ValueId>(&n.args[0]);
    RT_CHECK(n.op->spec.inplace && self && value(*self).type.kind == TypeKind::Tensor, Value, where,
             "the op has no in-place form, or writes no tensor");
    RT_CHECK(n.counts.size() == 1 && n.counts[0] == -1, Value, where,
             "an op in place gives the tensor that it wrote");
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

void Graph::check_blocks(const Node& n, std::span<const std::optional<TensorType>> types) const {
  const std::string where = n.op_name();
  const bool loop = n.form == NodeForm::Loop;
  RT_CHECK(!n.op && n.src == kNoValue && n.writes.empty() && n.counts.empty(), Value, where,
           "control flow calls no op");
  RT_CHECK(n.blocks.size() == (loop ? 1 : 2), Value, where, "wrong number of blocks",
           cat_str(n.blocks.size()));
  const size_t own = loop ? 2 : 1;  // trips and condition
  RT_CHECK(n.args.size() >= own + (loop ? types.size() : 0), Value, where,
           "too few arguments for what is carried", cat_str(n.args.size()));
  for (size_t i = 0; i < n.args.size(); ++i) {
    if (const auto* attribute = std::get_if<rt::Value>(&n.args[i])) {
      const bool trips = loop && i == 0;
      const bool fits = trips ? attribute->is_none() || attribute->is<int64_t>()
                              : i + 1 == own && attribute->is<bool>();
      RT_CHECK(fits, Value, where, cat_str("argument ", i, " must be a value"),
               rt::to_string(*attribute));
      continue;
    }
    const auto* one = std::get_if<ValueId>(&n.args[i]);
    RT_CHECK(one, Value, where, cat_str("argument ", i, " must be one value"));
    check_value(*one, "an argument");
    if (i < own) {
      const TypeKind wanted = i + 1 == own ? TypeKind::Bool : TypeKind::Int;
      RT_CHECK(value(*one).type.kind == wanted, Type, where,
               cat_str("argument ", i, " must be ", name(wanted)), name(value(*one).type.kind));
    }
  }
  for (const auto& t : types) {
    RT_CHECK(t, Value, where, "the results of control flow cannot be absent");
  }
  for (const Ref<Graph>& block : n.blocks) {
    RT_CHECK(block && block->finished_, Value, where, "a block is missing or not finished");
    RT_CHECK(block->depth() < kMaxDepth, Value, where,
             cat_str("blocks lie more than ", kMaxDepth, " deep in blocks"));
    RT_CHECK(block->mutations().empty(), Value, where, "a block has no state to write");
    for (ValueId v : block->tensors()) {
      RT_CHECK(block->value(v).kind == ValueKind::Constant, Value, where,
               "a block has no parameters and buffers of its own", block->value(v).name);
    }
    const size_t turn = loop ? 1 : 0;
    const size_t given = n.args.size() - own;
    RT_CHECK(block->inputs().size() == given + turn, Value, where,
             cat_str("a block must take ", given + turn, " values"),
             cat_str(block->inputs().size()));
    RT_CHECK(block->outputs().size() == types.size() + turn, Value, where,
             cat_str("a block must give ", types.size() + turn, " values"),
             cat_str(block->outputs().size()));
    const auto kind = [&](ValueId v) -> const TensorType& { return block->value(v).type; };
    const auto fits = [&](const TensorType& from, const TensorType& to, const char* what,
                          size_t i) {
      RT_CHECK(passes_for(from, to), Type, where,
               cat_str(what, " ", i, " of a block must be ", name(to.kind)), name(from.kind));
    };
    for (size_t i = 0; i < given; ++i) {
      fits(value(std::get<ValueId>(n.args[own + i])).type, kind(block->inputs()[turn + i]), "input",
           turn + i);
    }
    for (size_t i = 0; i < types.size(); ++i) {
      fits(kind(block->outputs()[turn + i]), *types[i], "result", turn + i);
    }
    if (!loop) continue;
    fits(any_of(TypeKind::Int), kind(block->inputs()[0]), "input", 0);
    fits(kind(block->outputs()[0]), any_of(TypeKind::Bool), "result", 0);
    for (size_t i = 0; i < types.size(); ++i) {  // what a turn gives, the next one takes
      fits(*types[i], kind(block->inputs()[1 + i]), "input", 1 + i);
    }
  }
}

size_t Graph::add_node(Node node, std::span<const std::optional<TensorType>> types) {
  node.outputs.assign(types.size(), kNoValue);
  if (is_control(node.form)) {
    check_blocks(node, types);
    for (const Ref<Graph>& block : node.blocks) {
      depth_ = std::max(depth_, block->depth() + 1);
      has_writes_ |= block->has_writes();
      has_effects_ |= block->has_effects();
    }
  } else {
    RT_CHECK(node.op && node.blocks.empty(), Value, "graph", "a node needs an op, or blocks");
    check_node(node);
    has_writes_ |= node.form == NodeForm::Inplace;
    has_effects_ |= node.form == NodeForm::Inplace || graph::has_effects(*node.op);
  }
  const auto at = static_cast<int32_t>(nodes_.size());
  for (size_t i = 0; i < types.size(); ++i) {
    if (!types[i]) continue;
    node.outputs[i] =
        add({ValueKind::Result, *types[i], free_name(cat_str(values_.size())), {}, at});
  }
  nodes_.push_back(std::move(node));
  return nodes_.size() - 1;
}

void Graph::order_inputs(std::span<const size_t> order) {
  std::vector<ValueId> now;
  for (size_t at : order) {
    RT_CHECK(at < inputs_.size(), Value, "graph", "there is no such input", cat_str(at));
    now.push_back(inputs_[at]);
  }
  std::vector<ValueId> before = inputs_, after = now;
  std::sort(before.begin(), before.end());
  std::sort(after.begin(), after.end());
  RT_CHECK(before == after, Value, "graph", "an order names every input once");
  inputs_ = std::move(now);
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
  finished_ = true;
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
  return a.kind == b.kind && a.optional == b.optional && a.known == b.known && a.dtype == b.dtype &&
         a.device == b.device && a.sizes == b.sizes;
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
           std::equal(
               x.blocks.begin(), x.blocks.end(), y.blocks.begin(), y.blocks.end(),
               [](const Ref<Graph>& p, const Ref<Graph>& q) { return same_graph(*p, *q); }) &&
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
