// Graphs made node by node, for files and scripts.
#include <pybind11/stl.h>

#include "bindings/graph.h"
#include "bindings/python.h"

namespace rt::py {

namespace pb = pybind11;
using graph::Graph;
using graph::kNoValue;
using graph::Node;
using graph::NodeForm;
using graph::ValueId;
using graph::ValueKind;

Tensor tensor_of(pb::handle o) {
  RT_CHECK(is_tensor(o.ptr()), Type, "graph", "expected a tensor", Py_TYPE(o.ptr())->tp_name);
  return unwrap(o.ptr());
}
std::vector<Tensor> tensors_of(const pb::sequence& sequence) {
  std::vector<Tensor> list;
  for (pb::handle o : sequence) list.push_back(tensor_of(o));
  return list;
}

Value run_value(pb::handle o) {
  PyObject* p = o.ptr();
  if (p == Py_None) return {};
  if (is_tensor(p)) return unwrap(p);
  if (PyBool_Check(p)) return p == Py_True;
  if (PyLong_Check(p) || PyFloat_Check(p)) return Value(to_scalar(p));
  if (PyUnicode_Check(p)) return o.cast<std::string>();
  if (is_dtype(p)) return to_dtype(p);
  if (is_device(p)) return to_device(p);
  RT_CHECK(PyTuple_Check(p) && PyTuple_GET_SIZE(p) == 2, Type, "graph",
           "a value is a tensor, a number, or (\"Tensor[]\", items)", Py_TYPE(p)->tp_name);
  const auto pair = pb::reinterpret_borrow<pb::sequence>(o);
  const auto kind = graph::type_kind(pair[0].cast<std::string>());
  const pb::sequence items = pair[1];
  if (kind == graph::TypeKind::Ints) return to_dims("graph", "list", items.ptr());
  if (kind == graph::TypeKind::Floats) {
    std::vector<double> list;
    for (pb::handle item : items) list.push_back(item.cast<double>());
    return list;
  }
  RT_CHECK(kind == graph::TypeKind::Tensors, Type, "graph", "no list of this kind");
  return tensors_of(items);
}

namespace {

constexpr const char* kForms[] = {"plain", "write", "scatter", "inplace", "if", "loop"};

}  // namespace

const char* form_name(NodeForm f) { return kForms[static_cast<int>(f)]; }

namespace {

std::optional<graph::TensorType> type_from(pb::handle o) {
  if (o.is_none()) return {};
  if (PyUnicode_Check(o.ptr())) {  // "int", "Tensor?"
    std::string text = o.cast<std::string>();
    const bool optional = text.ends_with('?');
    if (optional) text.pop_back();
    const auto kind = graph::type_kind(text);
    RT_CHECK(kind, Value, "graph", "there is no type of this name", text);
    return graph::any_of(*kind, optional);
  }
  const auto parts = pb::reinterpret_borrow<pb::sequence>(o);
  RT_CHECK(PySequence_Check(o.ptr()) && parts.size() == 4, Value, "graph",
           "a type is (dtype, device, shape, strides)");
  const pb::object dtype = parts[0], device = parts[1], sizes = parts[2], strides = parts[3];
  RT_CHECK(is_dtype(dtype.ptr()) && is_device(device.ptr()), Type, "graph",
           "a type is (dtype, device, shape, strides)");
  graph::TensorType t{to_dtype(dtype.ptr()), to_device(device.ptr()),
                      to_dims("graph", "shape", sizes.ptr()),
                      to_dims("graph", "strides", strides.ptr())};
  RT_CHECK(t.sizes.size() == t.strides.size() && t.sizes.size() <= 64, Value, "graph",
           "a shape and its strides do not match");
  checked_numel(t.sizes, "graph");
  return t;
}

graph::Argument argument_from(const OpRecord& op, const Argument& a, pb::handle o) {
  const auto pair = pb::reinterpret_borrow<pb::sequence>(o);
  const auto kind = pair[0].cast<std::string>();
  const pb::object value = pair[1];
  if (kind == "value") return value.cast<ValueId>();
  if (kind == "values") {
    std::vector<ValueId> list;
    for (pb::handle v : pb::reinterpret_borrow<pb::sequence>(value)) {
      list.push_back(v.is_none() ? kNoValue : v.cast<ValueId>());
    }
    return list;
  }
  RT_CHECK(kind == "attribute" && !is_tensor(value.ptr()), Value, op.schema.name,
           "an argument is a value, values or an attribute", kind);
  if (value.is_none()) return Value();
  if (a.kind == ArgKind::Void) return run_value(value);
  if (a.kind == ArgKind::Tensor && is_number(value.ptr())) return Value(to_scalar(value.ptr()));
  RT_CHECK(accepts(a, value.ptr()), Type, op.schema.name,
           cat_str("argument '", a.name, "' must be ", a.type), Py_TYPE(value.ptr())->tp_name);
  return to_value(op.name(), a, value.ptr());
}

NodeForm form_from(const std::string& name) {
  for (size_t i = 0; i < std::size(kForms); ++i) {
    if (name == kForms[i]) return static_cast<NodeForm>(i);
  }
  RT_FAIL(Value, "graph", "there is no form of nodes of this name", name);
}

std::vector<std::optional<graph::TensorType>> types_from(const pb::dict& rest) {
  std::vector<std::optional<graph::TensorType>> types;
  for (pb::handle t : pb::reinterpret_borrow<pb::sequence>(rest["types"])) {
    types.push_back(type_from(t));
  }
  return types;
}

void build_control(Graph& g, Node n, const pb::dict& rest) {
  for (pb::handle a : pb::reinterpret_borrow<pb::sequence>(rest["args"])) {
    const auto pair = pb::reinterpret_borrow<pb::sequence>(a);
    if (pair[0].cast<std::string>() == "value") {
      n.args.emplace_back(pair[1].cast<ValueId>());
    } else {
      n.args.emplace_back(run_value(pb::object(pair[1])));
    }
  }
  for (pb::handle b : pb::reinterpret_borrow<pb::sequence>(rest["blocks"])) {
    n.blocks.push_back(b.cast<Ref<Graph>>());
  }
  g.add_node(std::move(n), types_from(rest));
}

void build_node(Graph& g, const std::string& name, const std::string& form, const pb::dict& rest) {
  Node n;
  n.form = form_from(form);
  n.grad = rest["grad"].cast<bool>();
  if (rest.contains("location")) n.location = rest["location"].cast<std::string>();
  n.random = rest["random"].cast<bool>();
  if (graph::is_control(n.form)) return build_control(g, std::move(n), rest);
  const OpRecord* op = graph::find_script_op(name);
  if (!op) op = find_op(name);
  RT_CHECK(op, Value, "graph", "there is no op of this name", name);
  RT_CHECK(!graph::is_script_op(*op) || n.form == NodeForm::Plain, Value, "graph",
           "only ops are scattered or write", name);
  n.op = op;
  const pb::sequence args = rest["args"];
  RT_CHECK(args.size() == op->schema.args.size(), Value, name, "wrong number of arguments",
           cat_str(args.size()));
  for (size_t i = 0; i < args.size(); ++i) {
    n.args.push_back(argument_from(*op, op->schema.args[i], pb::object(args[i])));
  }
  n.part = rest["part"].cast<int32_t>();
  if (!rest["src"].is_none()) n.src = rest["src"].cast<ValueId>();
  for (pb::handle w : pb::reinterpret_borrow<pb::sequence>(rest["writes"])) {
    n.writes.push_back(w.cast<uint32_t>());
  }
  for (pb::handle c : pb::reinterpret_borrow<pb::sequence>(rest["counts"])) {
    n.counts.push_back(c.cast<int32_t>());
  }
  g.add_node(std::move(n), types_from(rest));
}

ValueKind kind_from(const std::string& name) {
  for (ValueKind k : {ValueKind::Parameter, ValueKind::Buffer, ValueKind::Constant}) {
    if (name == graph::name(k)) return k;
  }
  RT_FAIL(Value, "graph", "a tensor is a parameter, buffer or constant", name);
}

class Builder {
 public:
  void add_input(const std::string& name, const pb::object& type) {
    const auto t = type_from(type);
    RT_CHECK(t, Value, "graph", "an input needs a type");
    open().add_input(name, *t);
  }
  // The number of the value that comes next.
  size_t size() { return open().values().size(); }
  void add_tensor(const std::string& kind, const std::string& name, const pb::object& tensor) {
    open().add_tensor(kind_from(kind), name, tensor_of(tensor));
  }
  void add_node(const std::string& op, const std::string& form, const pb::dict& rest) {
    build_node(open(), op, form, rest);
  }
  void order_inputs(const std::vector<size_t>& order) { open().order_inputs(order); }
  void add_output(ValueId v) { open().add_output(v); }
  void add_mutation(ValueId target, ValueId value) { open().add_mutation(target, value); }
  Ref<Graph> finish() {
    open().finish();
    return std::exchange(graph_, {});
  }

 private:
  Graph& open() {
    RT_CHECK(graph_, Runtime, "graph", "the graph is finished");
    return *graph_;
  }
  Ref<Graph> graph_ = make_ref<Graph>();
};

}  // namespace

void init_graph_builder(pb::module_& m) {
  pb::class_<Builder>(m, "_GraphBuilder")
      .def(pb::init<>())
      .def("add_input", &Builder::add_input)
      .def("add_tensor", &Builder::add_tensor)
      .def("add_node", &Builder::add_node)
      .def("size", &Builder::size)
      .def("order_inputs", &Builder::order_inputs)
      .def("add_output", &Builder::add_output)
      .def("add_mutation", &Builder::add_mutation)
      .def("finish", &Builder::finish);
}

}  // namespace rt::py
