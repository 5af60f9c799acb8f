// Graphs in Python: recording, running, and a view of nodes and values for those who read them.
#include "bindings/graph.h"

#include <pybind11/stl.h>

#include "bindings/python.h"
#include "graph/trace.h"

namespace rt::py {

namespace {

namespace pb = pybind11;
using graph::Graph;
using graph::kNoValue;
using graph::Node;
using graph::NodeForm;
using graph::ValueId;
using graph::ValueKind;

// What Python holds of a graph's parts: the graph, and a number.
struct NodeView {
  Ref<Graph> graph;
  size_t index;
  const Node& node() const { return graph->nodes()[index]; }
  bool operator==(const NodeView& o) const { return graph == o.graph && index == o.index; }
};
struct ValueView {
  Ref<Graph> graph;
  ValueId id;
  const graph::Value& value() const { return graph->value(id); }
  bool operator==(const ValueView& o) const { return graph == o.graph && id == o.id; }
};

pb::object owned(PyObject* o) { return pb::reinterpret_steal<pb::object>(checked(o).release()); }
pb::object value_object(const Ref<Graph>& g, ValueId v) {
  return v == kNoValue ? pb::object(pb::none()) : pb::cast(ValueView{g, v});
}
pb::list value_list(const Ref<Graph>& g, const std::vector<ValueId>& ids) {
  pb::list list;
  for (ValueId v : ids) list.append(value_object(g, v));
  return list;
}
pb::list tensors_of_kind(const Ref<Graph>& g, ValueKind kind) {
  pb::list list;
  for (ValueId v : g->tensors()) {
    if (g->value(v).kind == kind) list.append(value_object(g, v));
  }
  return list;
}

pb::list list_of(const std::vector<Tensor>& tensors) {
  pb::list list;
  for (const Tensor& t : tensors) list.append(owned(wrap(t)));
  return list;
}

pb::object argument_object(const Ref<Graph>& g, const graph::Argument& a) {
  if (const auto* one = std::get_if<ValueId>(&a)) return value_object(g, *one);
  if (const auto* list = std::get_if<std::vector<ValueId>>(&a)) return value_list(g, *list);
  return owned(to_python(std::get<Value>(a)));
}

// ---- Recording ----

std::pair<pb::object, pb::object>* g_hooks =
    nullptr;  // (warn, location); set once, by rustorch.jit

void warn_user(const std::string& message) {
  AcquireGil gil;
  try {
    g_hooks->first(message);
  } catch (pb::error_already_set& e) {
    e.restore();
    throw PythonError{};
  }
}
std::string user_location() {
  AcquireGil gil;
  try {
    return g_hooks->second().cast<std::string>();
  } catch (pb::error_already_set& e) {
    e.restore();
    throw PythonError{};
  }
}

using Named = std::vector<std::pair<std::string, Tensor>>;
Named named_tensors(const pb::sequence& pairs) {
  Named list;
  for (pb::handle item : pairs) {
    const auto pair = pb::reinterpret_borrow<pb::sequence>(item);
    list.emplace_back(pair[0].cast<std::string>(), tensor_of(pair[1]));
  }
  return list;
}

// call() -> (tensors, anything): run while recording; gives (graph, anything).
pb::tuple trace(const pb::function& call, const pb::sequence& inputs,
                const pb::sequence& parameters, const pb::sequence& buffers) {
  const Named in = named_tensors(inputs), p = named_tensors(parameters), b = named_tensors(buffers);
  graph::Tracer tracer;
  // Tensors first: they keep their names, by which a module finds them.
  for (const auto& [name, t] : p) tracer.add_tensor(ValueKind::Parameter, t, name);
  for (const auto& [name, t] : b) tracer.add_tensor(ValueKind::Buffer, t, name);
  for (const auto& [name, t] : in) tracer.add_input(t, name);
  const auto result = pb::reinterpret_borrow<pb::tuple>(call());
  for (const Tensor& t : tensors_of(result[0])) tracer.add_output(t);
  return pb::make_tuple(tracer.finish(), result[1]);
}

pb::list run(const Graph& g, const pb::sequence& inputs, const pb::object& tensors) {
  const std::vector<Tensor> in = tensors_of(inputs);
  const std::vector<Tensor> own = tensors.is_none() ? std::vector<Tensor>() : tensors_of(tensors);
  int64_t elements = 0;
  for (const Tensor& t : in) elements += t.numel();
  std::vector<Tensor> results;
  {
    ReleaseGil released(elements > kReleaseGilAbove);
    results = graph::run(g, in, own);
  }
  return list_of(results);
}

pb::list run_values(const Graph& g, const pb::sequence& inputs, const pb::object& tensors) {
  std::vector<Value> in;
  for (pb::handle o : inputs) in.push_back(run_value(o));
  const std::vector<Tensor> own = tensors.is_none() ? std::vector<Tensor>() : tensors_of(tensors);
  int64_t elements = 0;
  for (const Value& v : in) elements += v.tensor().defined() ? v.tensor().numel() : 0;
  std::vector<Value> results;
  {
    ReleaseGil released(elements > kReleaseGilAbove);
    results = graph::run_values(g, in, own);
  }
  pb::list list;
  for (const Value& v : results) {
    const bool absent = v.is<Tensor>() && !v.get<Tensor>().defined();
    list.append(absent ? pb::object(pb::none()) : owned(to_python(v)));
  }
  return list;
}

// What scripts ask of Python.
void print_value(const Value& v, const std::string& end) {
  AcquireGil gil;
  try {
    pb::object o = owned(to_python(v));
    if (PyTuple_Check(o.ptr())) o = pb::list(o);
    pb::module_::import("builtins").attr("print")(o, pb::arg("end") = end);
  } catch (pb::error_already_set& e) {
    e.restore();
    throw PythonError{};
  }
}
void raise_exception(const std::string& kind, const std::string& message) {
  AcquireGil gil;
  static constexpr const char* kinds[] = {
      "AssertionError", "AttributeError",      "Exception",         "IndexError",    "KeyError",
      "LookupError",    "NotImplementedError", "RuntimeError",      "StopIteration", "TypeError",
      "ValueError",     "ArithmeticError",     "ZeroDivisionError", "OverflowError"};
  for (const char* known : kinds) {
    if (kind != known) continue;
    Object builtins = checked(PyImport_ImportModule("builtins"));
    Object type = checked(PyObject_GetAttrString(builtins.get(), known));
    PyErr_SetString(type.get(), message.c_str());
    throw PythonError{};
  }
  RT_FAIL(Runtime, "", message);
}
void check_signals() {
  AcquireGil gil;
  if (PyErr_CheckSignals() != 0) throw PythonError{};
}

Ref<Graph> decompose(const Graph& g, const pb::iterable& names, const pb::object& inputs) {
  std::unordered_set<std::string> set;
  for (pb::handle n : names) set.insert(n.cast<std::string>());
  return graph::decompose(
      g, set, inputs.is_none() ? std::vector<Tensor>() : tensors_of(pb::sequence(inputs)));
}

pb::dict inputs_of(const NodeView& v) {
  pb::dict dict;
  const Node& n = v.node();
  if (graph::is_control(n.form)) {
    const bool loop = n.form == NodeForm::Loop;
    const size_t own = loop ? 2 : 1, carried = loop ? n.outputs.size() : 0;
    if (loop) dict["trips"] = argument_object(v.graph, n.args[0]);
    dict["condition"] = argument_object(v.graph, n.args[own - 1]);
    pb::list carries, given;
    for (size_t i = own; i < n.args.size(); ++i) {
      (i < own + carried ? carries : given).append(argument_object(v.graph, n.args[i]));
    }
    if (loop) dict["carried"] = carries;
    dict["given"] = given;
    return dict;
  }
  for (size_t i = 0; i < n.args.size(); ++i) {
    dict[n.op->schema.args[i].name.c_str()] = argument_object(v.graph, n.args[i]);
  }
  if (n.src != kNoValue) dict["src"] = value_object(v.graph, n.src);
  return dict;
}
pb::dict attributes_of(const NodeView& v) {
  pb::dict dict;
  const Node& n = v.node();
  for (size_t i = 0; n.op && i < n.args.size(); ++i) {
    if (!std::holds_alternative<Value>(n.args[i])) continue;
    dict[n.op->schema.args[i].name.c_str()] = argument_object(v.graph, n.args[i]);
  }
  return dict;
}
pb::list uses_of(const ValueView& v) {
  pb::list list;
  for (size_t i = 0; i < v.graph->nodes().size(); ++i) {
    bool uses = false;
    graph::for_each_input(v.graph->nodes()[i], [&](ValueId id) { uses |= id == v.id; });
    if (uses) list.append(NodeView{v.graph, i});
  }
  return list;
}

void bind_value(pb::module_& m) {
  pb::class_<ValueView>(m, "GraphValue",
                        "A value of a graph: what an input, a tensor or a node gives.")
      .def_property_readonly(
          "name", [](const ValueView& v) { return v.value().name; },
          "The name: of an input or tensor, or a number.")
      .def_property_readonly(
          "id", [](const ValueView& v) { return v.id; },
          "The number of the value, in the order in which values are made.")
      .def_property_readonly(
          "kind", [](const ValueView& v) { return graph::name(v.value().kind); },
          "\"input\", \"parameter\", \"buffer\", \"constant\" or \"result\".")
      .def_property_readonly(
          "type",
          [](const ValueView& v) {
            const auto& t = v.value().type;
            return cat_str(graph::name(t.kind), t.optional ? "?" : "");
          },
          "What it is in a run: Tensor, int, float, bool, number (one of these), str, dtype, "
          "device, Tensor[], int[], float[]; with ? where it may be None.")
      .def_property_readonly(
          "known", [](const ValueView& v) { return v.value().type.known; },
          "Whether dtype, device and shape were recorded; in scripted graphs they are not.")
      .def_property_readonly(
          "dtype", [](const ValueView& v) { return owned(dtype_object(v.value().type.dtype)); },
          "The dtype that was recorded.")
      .def_property_readonly(
          "device", [](const ValueView& v) { return owned(device_object(v.value().type.device)); },
          "The device that was recorded.")
      .def_property_readonly(
          "shape", [](const ValueView& v) { return owned(size_object(v.value().type.sizes)); },
          "The shape that was recorded.")
      .def_property_readonly(
          "strides",
          [](const ValueView& v) { return pb::tuple(owned(size_object(v.value().type.strides))); },
          "The strides that were recorded; a run may have others.")
      .def_property_readonly(
          "tensor", [](const ValueView& v) { return owned(wrap(v.value().tensor)); },
          "The tensor of a parameter, buffer or constant, else None.")
      .def_property_readonly(
          "node",
          [](const ValueView& v) -> pb::object {
            if (v.value().node < 0) return pb::none();
            return pb::cast(NodeView{v.graph, static_cast<size_t>(v.value().node)});
          },
          "The node that makes the value; None where it is not a result.")
      .def_property_readonly("uses", &uses_of, "The nodes that read the value.")
      .def("__eq__",
           [](const ValueView& a, const pb::object& b) {
             return pb::isinstance<ValueView>(b) && a == b.cast<ValueView>();
           })
      .def("__hash__",
           [](const ValueView& v) {
             return std::hash<const void*>()(v.graph.get()) * 31 + static_cast<size_t>(v.id);
           })
      .def("__repr__", [](const ValueView& v) {
        const auto& t = v.value().type;
        if (!t.known) return cat_str("%", v.value().name, ": ", graph::name(t.kind));
        return cat_str("%", v.value().name, ": ", name(t.dtype), IntList(t.sizes));
      });
}

void bind_node(pb::module_& m) {
  pb::class_<NodeView>(m, "GraphNode", "A call of an op in a graph.")
      .def_property_readonly(
          "op", [](const NodeView& v) { return v.node().op_name(); },
          "The name of the op, with its overload: max.dim, slice_scatter.")
      .def_property_readonly(
          "record",
          [](const NodeView& v) {
            return v.node().op ? v.node().op->schema.name : v.node().op_name();
          },
          "The name of the op's record; \"if\" or \"loop\" of control flow.")
      .def_property_readonly(
          "blocks",
          [](const NodeView& v) {
            pb::list list;
            for (const Ref<Graph>& b : v.node().blocks) list.append(b);
            return list;
          },
          "Of control flow: what runs if the condition holds and if not, or the body.")
      .def_property_readonly(
          "schema", [](const NodeView& v) { return v.node().op ? v.node().op->schema.text : ""; },
          "The op's schema as text.")
      .def_property_readonly(
          "form", [](const NodeView& v) { return form_name(v.node().form); },
          "\"plain\", \"inplace\", \"if\", \"loop\", \"write\" (the op writes into arguments: it "
          "gets copies, which are further "
          "results) or \"scatter\" (src is written into the view that the op gives of its input).")
      .def_property_readonly(
          "index", [](const NodeView& v) { return v.index; }, "The place among the nodes.")
      .def_property_readonly(
          "grad", [](const NodeView& v) { return v.node().grad; },
          "Whether it was recorded with grad mode on.")
      .def_property_readonly(
          "random", [](const NodeView& v) { return v.node().random; },
          "Whether it draws random numbers.")
      .def_property_readonly(
          "part", [](const NodeView& v) { return v.node().part; },
          "Of a scatter: which result of the op is written.")
      .def_property_readonly(
          "location", [](const NodeView& v) { return v.node().location; },
          "The user's file:line, where it is known.")
      .def_property_readonly("inputs", &inputs_of,
                             "All arguments by their names in the schema: a value, a list of "
                             "values, or a Python object.")
      .def_property_readonly("attributes", &attributes_of,
                             "The arguments that are no tensors, by name.")
      .def_property_readonly(
          "outputs", [](const NodeView& v) { return value_list(v.graph, v.node().outputs); },
          "The results in a row; None for an absent tensor.")
      .def_property_readonly(
          "writes",
          [](const NodeView& v) {
            pb::list list;
            for (uint32_t w : v.node().writes) {
              list.append(v.node().op->schema.args[w].name);
            }
            return list;
          },
          "The names of the arguments that the op writes.")
      .def_property_readonly("_counts",
                             [](const NodeView& v) {
                               pb::list list;
                               for (int32_t c : v.node().counts) list.append(c);
                               return list;
                             })
      .def_property_readonly("_writes",
                             [](const NodeView& v) {
                               pb::list list;
                               for (uint32_t w : v.node().writes) list.append(w);
                               return list;
                             })
      .def("__eq__",
           [](const NodeView& a, const pb::object& b) {
             return pb::isinstance<NodeView>(b) && a == b.cast<NodeView>();
           })
      .def("__hash__",
           [](const NodeView& v) {
             return std::hash<const void*>()(v.graph.get()) * 31 + v.index + 1;
           })
      .def("__repr__", [](const NodeView& v) {
        return cat_str("<node ", v.index, ": ", v.node().op_name(), ">");
      });
}

void bind_graph(pb::module_& m) {
  pb::class_<Graph, Ref<Graph>>(m, "_Graph")
      .def_property_readonly("nodes",
                             [](const Ref<Graph>& g) {
                               pb::list list;
                               for (size_t i = 0; i < g->nodes().size(); ++i) {
                                 list.append(NodeView{g, i});
                               }
                               return list;
                             })
      .def_property_readonly("inputs",
                             [](const Ref<Graph>& g) { return value_list(g, g->inputs()); })
      .def_property_readonly("outputs",
                             [](const Ref<Graph>& g) { return value_list(g, g->outputs()); })
      .def_property_readonly("tensors",
                             [](const Ref<Graph>& g) { return value_list(g, g->tensors()); })
      .def_property_readonly(
          "parameters",
          [](const Ref<Graph>& g) { return tensors_of_kind(g, ValueKind::Parameter); })
      .def_property_readonly(
          "buffers", [](const Ref<Graph>& g) { return tensors_of_kind(g, ValueKind::Buffer); })
      .def_property_readonly(
          "constants", [](const Ref<Graph>& g) { return tensors_of_kind(g, ValueKind::Constant); })
      .def_property_readonly(
          "mutations",
          [](const Ref<Graph>& g) {
            pb::list list;
            for (const graph::Mutation& m : g->mutations()) {
              list.append(pb::make_tuple(value_object(g, m.target), value_object(g, m.value)));
            }
            return list;
          })
      .def("run", &run, pb::arg("inputs"), pb::arg("tensors") = pb::none())
      .def("run_values", &run_values, pb::arg("inputs"), pb::arg("tensors") = pb::none())
      .def_property_readonly("depth", [](const Ref<Graph>& g) { return g->depth(); })
      .def("eliminate_dead_code", &graph::eliminate_dead_code)
      .def("fold_constants", &graph::fold_constants, pb::arg("max_bytes"))
      .def("merge_common_subexpressions", &graph::merge_common_subexpressions)
      .def("decompose", &decompose, pb::arg("names"), pb::arg("inputs") = pb::none())
      .def("same", &graph::same_graph)
      .def("__str__", [](const Graph& g) { return graph::to_string(g); });
}

}  // namespace

void init_graph(PyObject* module) {
  auto m = pb::reinterpret_borrow<pb::module_>(module);
  pb::register_local_exception_translator([](std::exception_ptr p) {
    try {
      std::rethrow_exception(p);
    } catch (const PythonError&) {
      set_error_from_exception();
    } catch (const Error&) {
      set_error_from_exception();
    }
  });
  bind_value(m);
  bind_node(m);
  bind_graph(m);
  init_graph_builder(m);
  graph::script_hooks() = {&print_value, &raise_exception, &check_signals};
  m.def("_script_op", [](const std::string& name) -> pb::object {
    const OpRecord* op = graph::find_script_op(name);
    return op ? pb::cast(op->schema.text) : pb::none();
  });
  m.def("_trace", &trace);
  m.def("_is_tracing", [] { return graph::tracer() != nullptr; });
  m.def("_set_trace_hooks", [](const pb::function& warn, const pb::function& location) {
    g_hooks = new std::pair<pb::object, pb::object>(warn, location);
    graph::set_trace_hooks(&warn_user, &user_location);
  });
}

}  // namespace rt::py
