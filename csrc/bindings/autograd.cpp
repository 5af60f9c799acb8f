// Nodes, modes, backward and hooks in Python.
#include "bindings/autograd.h"

#include <new>
#include <string>
#include <unordered_map>

#include "autograd/engine.h"
#include "autograd/vjp.h"
#include "bindings/hooks.h"
#include "graph/trace.h"
#include "ops/ops.h"

namespace rt::py {

namespace {

struct NodeObject {
  PyObject_HEAD
  Ref<Node> node;
};
PyTypeObject* g_node_type;  // made once when the module is imported

void dealloc(PyObject* o) {
  PyTypeObject* type = Py_TYPE(o);
  auto& node = reinterpret_cast<NodeObject*>(o)->node;
  if (node->pyobj == o) node->pyobj = nullptr;
  node.~Ref();
  type->tp_free(o);
  Py_DECREF(type);
}
PyObject* repr(PyObject* o) {
  return PyUnicode_FromFormat("<%s object at %p>",
                              reinterpret_cast<NodeObject*>(o)->node->name().c_str(), o);
}
PyObject* node_name(PyObject* o, PyObject*) {
  return PyUnicode_FromString(reinterpret_cast<NodeObject*>(o)->node->name().c_str());
}
PyObject* next_functions(PyObject* o, void*) {
  const auto& edges = reinterpret_cast<NodeObject*>(o)->node->edges;
  Object tuple(PyTuple_New(static_cast<Py_ssize_t>(edges.size())));
  for (size_t i = 0; tuple && i < edges.size(); ++i) {
    PyObject* pair = Py_BuildValue("(NI)", wrap_node(edges[i].node), edges[i].output);
    if (!pair) return nullptr;
    PyTuple_SET_ITEM(tuple.get(), static_cast<Py_ssize_t>(i), pair);
  }
  return tuple.release();
}
Node& node_of(PyObject* o) { return *reinterpret_cast<NodeObject*>(o)->node; }

PyObject* add_pre_hook(PyObject* o, PyObject* fn) {
  return guard([&] {
    const HookRef hook = node_pre_hook(fn);
    node_of(o).pre_hooks.add(hook);
    return hook_handle(hook);
  });
}
PyObject* add_post_hook(PyObject* o, PyObject* fn) {
  return guard([&] {
    const HookRef hook = node_post_hook(fn);
    node_of(o).post_hooks.add(hook);
    return hook_handle(hook);
  });
}
PyObject* node_leaf(PyObject* o, void*) {
  const auto* leaf = dynamic_cast<const AccumulateGrad*>(&node_of(o));
  return leaf ? wrap(leaf->leaf()) : nullptr;
}
PyObject* node_variable(PyObject* o, void* unused) {
  PyObject* leaf = node_leaf(o, unused);
  if (!leaf) PyErr_SetString(PyExc_AttributeError, "only AccumulateGrad nodes have a variable");
  return leaf;
}
PyObject* node_context(PyObject* o, void*) {
  auto* context = static_cast<PyObject*>(node_of(o).python_object());
  if (!context) Py_RETURN_NONE;
  Py_INCREF(context);
  return context;
}
// ---- What an op keeps for backward, as PyTorch names it: _saved_self, _saved_dim, _saved_result.

std::string saved_name(const OpNode& node, size_t argument) {
  const std::string& name = node.op().schema.args[argument].name;
  return "_saved_" + (argument == 0 && name == "input" ? "self" : name);
}
std::string saved_result_name(const OpNode& node, size_t result) {
  const auto& returns = node.op().schema.returns;
  if (returns.size() == 1) return "_saved_result";
  return returns[result].name.empty() ? cat_str("_saved_result", result)
                                      : "_saved_" + returns[result].name;
}
bool keeps_argument(const OpNode& node, size_t i) {
  const ArgKind kind = node.op().schema.args[i].kind;
  const bool tensor = kind == ArgKind::Tensor || kind == ArgKind::TensorList;
  return !tensor || ((node.op().saved_args >> i) & 1u);
}

std::vector<std::string> saved_names(const Node& node) {
  std::vector<std::string> names;
  const auto* op = dynamic_cast<const OpNode*>(&node);
  if (!op) return names;
  for (size_t i = 0; i < op->op().schema.args.size(); ++i) {
    if (keeps_argument(*op, i)) names.push_back(saved_name(*op, i));
  }
  for (size_t i = 0; i < op->op().schema.returns.size(); ++i) {
    if ((op->op().saved_returns >> i) & 1u) names.push_back(saved_result_name(*op, i));
  }
  return names;
}

// The saved thing of that name; null, without an error, if there is none.
PyObject* saved_attribute(Node& node, std::string_view name) {
  auto* op = dynamic_cast<OpNode*>(&node);
  if (!op || !name.starts_with("_saved_")) return nullptr;
  Gradients none(op->results.size());
  const std::vector<bool> needed(op->edges.size(), true);
  const VjpContext context(*op, none, needed, nullptr);
  const auto& args = op->op().schema.args;
  for (size_t i = 0; i < args.size(); ++i) {
    if (!keeps_argument(*op, i) || name != saved_name(*op, i)) continue;
    const int n = static_cast<int>(i);
    if (args[i].kind == ArgKind::Tensor) return wrap(context.input(n));
    if (args[i].kind != ArgKind::TensorList) {
      Object value = checked(to_python(context.value(n)));
      // Lists of numbers as PyTorch shows them here: plain tuples.
      if (!PyTuple_Check(value.get())) return value.release();
      return PyTuple_GetSlice(value.get(), 0, PyTuple_GET_SIZE(value.get()));
    }
    std::vector<Tensor> list;
    for (int64_t k = 0; k < context.list_size(n); ++k) {
      list.push_back(context.input(n, static_cast<int>(k)));
    }
    return to_python(Value(TensorList(list)));
  }
  for (size_t i = 0; i < op->op().schema.returns.size(); ++i) {
    if (((op->op().saved_returns >> i) & 1u) && name == saved_result_name(*op, i)) {
      return wrap(context.result(static_cast<int>(i)));
    }
  }
  return nullptr;
}

// A custom function's node has the attributes of its context too, as in PyTorch, where it is one.
PyObject* node_attribute(PyObject* o, PyObject* name) {
  PyObject* found = PyObject_GenericGetAttr(o, name);
  if (found || !PyErr_ExceptionMatches(PyExc_AttributeError)) return found;
  if (auto* context = static_cast<PyObject*>(node_of(o).python_object())) {
    PyErr_Clear();
    return PyObject_GetAttr(context, name);
  }
  PyErr_Clear();
  PyObject* saved = guard([&] { return saved_attribute(node_of(o), PyUnicode_AsUTF8(name)); });
  if (!saved && !PyErr_Occurred()) {
    PyErr_Format(PyExc_AttributeError, "'%s' object has no attribute '%U'", Py_TYPE(o)->tp_name,
                 name);
  }
  return saved;
}
PyObject* node_dir(PyObject* o, PyObject*) {
  return guard([&]() -> PyObject* {
    Object names = checked(
        PyObject_CallMethod(reinterpret_cast<PyObject*>(&PyBaseObject_Type), "__dir__", "O", o));
    for (const std::string& name : saved_names(node_of(o))) {
      Object text = checked(PyUnicode_FromString(name.c_str()));
      if (PyList_Append(names.get(), text.get()) < 0) throw PythonError{};
    }
    return names.release();
  });
}
PyObject* node_zeros(PyObject* o, PyObject* output) {
  return guard([&]() -> PyObject* {
    const size_t i = PyLong_AsSize_t(output);
    if (PyErr_Occurred()) throw PythonError{};
    RT_CHECK(i < node_of(o).results.size(), Value, "grad", "the node has no such result",
             std::to_string(i));
    const InputMeta& m = node_of(o).results[i];
    return wrap(ops::zeros(m.sizes, m.dtype, m.device));
  });
}
PyMethodDef methods[] = {{"_zeros", node_zeros, METH_O, nullptr},
                         {"__dir__", node_dir, METH_NOARGS, nullptr},
                         {"name", node_name, METH_NOARGS, "name()\n--\n\nThe name of the node."},
                         {"_add_pre_hook", add_pre_hook, METH_O, nullptr},
                         {"_add_post_hook", add_post_hook, METH_O, nullptr},
                         {}};
PyGetSetDef properties[] = {
    {"next_functions", next_functions, nullptr,
     "Pairs of (node, result number) this node sends gradients to.", nullptr},
    {"variable", node_variable, nullptr, "The leaf whose gradient this node accumulates.", nullptr},
    {"_context", node_context, nullptr, "The context of a Python Function, or None.", nullptr},
    {}};

// Tensors, and pairs of a node and the number of its result.
std::vector<Differentiated> differentiated(PyObject* sequence) {
  std::vector<Differentiated> list;
  Object fast = checked(PySequence_Fast(sequence, "expected a sequence of tensors"));
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(fast.get()); ++i) {
    PyObject* item = PySequence_Fast_GET_ITEM(fast.get(), i);
    if (PyTuple_Check(item) && PyTuple_GET_SIZE(item) == 2 &&
        PyObject_TypeCheck(PyTuple_GET_ITEM(item, 0), g_node_type)) {
      const int64_t output = PyLong_AsLongLong(PyTuple_GET_ITEM(item, 1));
      if (output == -1 && PyErr_Occurred()) throw PythonError{};
      RT_CHECK(output >= 0 && output <= INT32_MAX, Value, "backward",
               "the number of a node's result is out of range", std::to_string(output));
      list.push_back({{},
                      {reinterpret_cast<NodeObject*>(PyTuple_GET_ITEM(item, 0))->node,
                       static_cast<uint32_t>(output)}});
      continue;
    }
    RT_CHECK(is_tensor(item), Type, "backward",
             "outputs and inputs can be either Tensors or GradientEdges", Py_TYPE(item)->tp_name);
    list.push_back({unwrap(item), {}});
  }
  return list;
}

std::vector<Tensor> tensors(PyObject* sequence) {
  std::vector<Tensor> list;
  Object fast = checked(PySequence_Fast(sequence, "expected a sequence of tensors"));
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(fast.get()); ++i) {
    PyObject* item = PySequence_Fast_GET_ITEM(fast.get(), i);
    RT_CHECK(item == Py_None || is_tensor(item), Type, "backward",
             "gradients can be either Tensors or None", Py_TYPE(item)->tp_name);
    list.push_back(item == Py_None ? Tensor() : unwrap(item));
  }
  return list;
}

// _run_backward(outputs, grads, inputs, retain_graph, create_graph, allow_unreachable, accumulate)
PyObject* run(PyObject*, PyObject* args) {
  return guard([&]() -> PyObject* {
    PyObject *outputs, *grads, *inputs;
    int retain, create, unreachable, accumulate;
    if (!PyArg_ParseTuple(args, "OOOpppp", &outputs, &grads, &inputs, &retain, &create,
                          &unreachable, &accumulate)) {
      return nullptr;
    }
    const auto o = differentiated(outputs), in = differentiated(inputs);
    const auto g = tensors(grads);
    Gradients result;
    {
      ReleaseGil released(true);
      result =
          run_backward(o, g, in, {retain != 0, create != 0, unreachable != 0}, accumulate != 0);
    }
    return to_python(Value(TensorList(result)));
  });
}

PyObject* add_hook(PyObject*, PyObject* args) {
  return guard([&]() -> PyObject* {
    PyObject *tensor, *fn;
    if (!PyArg_ParseTuple(args, "OO", &tensor, &fn)) return nullptr;
    const HookRef hook = tensor_hook(fn);
    add_tensor_hook(unwrap(tensor), hook);
    if (!PyObject_GC_IsTracked(tensor)) PyObject_GC_Track(tensor);  // fn may lead back to it
    return hook_handle(hook);
  });
}
PyObject* add_post_accumulate(PyObject*, PyObject* args) {
  return guard([&]() -> PyObject* {
    PyObject *tensor, *fn;
    if (!PyArg_ParseTuple(args, "OO", &tensor, &fn)) return nullptr;
    const HookRef hook = observer_hook(fn);
    add_post_accumulate_hook(unwrap(tensor), hook);
    if (!PyObject_GC_IsTracked(tensor)) PyObject_GC_Track(tensor);
    return hook_handle(hook);
  });
}
PyObject* retain(PyObject*, PyObject* tensor) {
  return guard([&]() -> PyObject* {
    retain_grad(unwrap(tensor));
    Py_RETURN_NONE;
  });
}
PyObject* detached(PyObject*, PyObject* tensor) {
  return guard([&]() -> PyObject* {
    const Tensor& t = unwrap(tensor);
    if (!graph::tracer()) return wrap(detach(t));
    static const OpRecord* const op = find_op("detach");
    const Value argument(t);
    return call_op(*op, &argument);
  });
}
PyObject* detach_inplace(PyObject*, PyObject* tensor) {
  return guard([&]() -> PyObject* {
    const Tensor& t = unwrap(tensor);
    RT_CHECK(!t.impl()->view_base_, Runtime, "detach_",
             "Can't detach views in-place. Use detach() instead.", describe(t), "detach()");
    graph::note_unrecorded("detach_(): it is not recorded; try detach()");
    if (t.impl()->autograd_) set_history(t, nullptr, 0);
    t.impl()->requires_grad_ = false;
    Py_INCREF(tensor);
    return tensor;
  });
}
PyObject* accumulator(PyObject*, PyObject* tensor) {
  return guard([&] { return wrap_node(gradient_edge(unwrap(tensor)).node); });
}

PyObject* set_inference(PyObject*, PyObject* on) {
  const bool before = modes().inference;
  modes().inference = PyObject_IsTrue(on) == 1;
  return PyBool_FromLong(before);
}
PyObject* is_inference(PyObject*, PyObject*) { return PyBool_FromLong(modes().inference); }

// Where Python is now, innermost frame last, for anomaly mode.
std::string python_trace() {
  AcquireGil gil;
  Object module(PyImport_ImportModule("rustorch.autograd.anomaly_mode"));
  Object text(module ? PyObject_CallMethod(module.get(), "_describe_stack", nullptr) : nullptr);
  if (!text) {
    PyErr_Clear();
    return "(no Python stack)";
  }
  return PyUnicode_AsUTF8(text.get());
}
PyObject* set_anomaly(PyObject*, PyObject* on) {
  const bool before = modes().anomaly;
  modes().anomaly = PyObject_IsTrue(on) == 1;
  return PyBool_FromLong(before);
}
PyObject* set_anomaly_checks_nan(PyObject*, PyObject* on) {
  const bool before = anomaly_checks_nan();
  anomaly_checks_nan() = PyObject_IsTrue(on) == 1;
  return PyBool_FromLong(before);
}
PyObject* is_anomaly(PyObject*, PyObject*) { return PyBool_FromLong(modes().anomaly); }

// Saved tensors through Python: pack(tensor) -> anything, unpack(anything) -> tensor.
class PythonPacked final : public PackedTensor {
 public:
  PythonPacked(PyObject* packed, std::shared_ptr<SharedObject> unpack)
      : packed_(packed), unpack_(std::move(unpack)) {}
  Tensor unpack() override {
    AcquireGil gil;
    Object t = checked(PyObject_CallOneArg(unpack_->get(), packed_.get()));
    RT_CHECK(is_tensor(t.get()), Type, "saved_tensors_hooks",
             "Output of saved tensor unpack_hook expected to be a Tensor",
             Py_TYPE(t.get())->tp_name);
    return unwrap(t.get());
  }

 private:
  SharedObject packed_;
  std::shared_ptr<SharedObject> unpack_;
};
class PythonSavedHooks final : public SavedTensorHooks {
 public:
  PythonSavedHooks(PyObject* pack, PyObject* unpack)
      : pack_(pack), unpack_(std::make_shared<SharedObject>(unpack)) {}
  std::shared_ptr<PackedTensor> pack(const Tensor& t) override {
    AcquireGil gil;
    Object tensor = checked(wrap(t));
    const uint32_t version = t.version();
    Object packed = checked(PyObject_CallOneArg(pack_.get(), tensor.get()));
    RT_CHECK(t.version() == version, Runtime, "saved_tensors_hooks",
             "A saved tensor pack hook is modifying its input in place. Tensors provided as input "
             "to pack hook can not be modified by in-place operations",
             describe(t), "a clone() in the hook");
    return std::make_shared<PythonPacked>(packed.get(), unpack_);
  }

 private:
  SharedObject pack_;
  std::shared_ptr<SharedObject> unpack_;
};
PyObject* push_saved_hooks(PyObject*, PyObject* args) {
  PyObject *pack, *unpack;
  if (!PyArg_ParseTuple(args, "OO", &pack, &unpack)) return nullptr;
  auto hooks = std::make_unique<PythonSavedHooks>(pack, unpack);
  hooks->outer = modes().saved_hooks;
  modes().saved_hooks = hooks.release();  // owned by this thread's stack of hooks until popped
  Py_RETURN_NONE;
}
PyObject* pop_saved_hooks(PyObject*, PyObject*) {
  const std::unique_ptr<SavedTensorHooks> top(modes().saved_hooks);
  if (top) modes().saved_hooks = top->outer;
  Py_RETURN_NONE;
}

PyObject* pass_number(PyObject*, PyObject*) { return PyLong_FromLongLong(current_pass()); }
PyObject* will_run(PyObject*, PyObject* node) {
  return guard([&] {
    RT_CHECK(PyObject_TypeCheck(node, g_node_type), Type, "backward", "expected a node",
             Py_TYPE(node)->tp_name);
    return PyBool_FromLong(pass_runs(node_of(node)));
  });
}

PyObject* set_grad_enabled(PyObject*, PyObject* on) {
  const bool before = modes().grad;
  modes().grad = PyObject_IsTrue(on) == 1;
  return PyBool_FromLong(before);
}
PyObject* is_grad_enabled(PyObject*, PyObject*) { return PyBool_FromLong(modes().grad); }

PyMethodDef functions[] = {
    {"_current_pass", pass_number, METH_NOARGS, nullptr},
    {"_will_run", will_run, METH_O, nullptr},
    {"_run_backward", run, METH_VARARGS, nullptr},
    {"_set_grad_enabled", set_grad_enabled, METH_O, nullptr},
    {"_set_inference_mode", set_inference, METH_O, nullptr},
    {"is_inference_mode_enabled", is_inference, METH_NOARGS,
     "is_inference_mode_enabled()\n--\n\nWhether inference_mode is on for this thread."},
    {"_set_anomaly", set_anomaly, METH_O, nullptr},
    {"_set_anomaly_checks_nan", set_anomaly_checks_nan, METH_O, nullptr},
    {"is_anomaly_enabled", is_anomaly, METH_NOARGS,
     "is_anomaly_enabled()\n--\n\nWhether anomaly detection is on for this thread."},
    {"_push_saved_hooks", push_saved_hooks, METH_VARARGS, nullptr},
    {"_pop_saved_hooks", pop_saved_hooks, METH_NOARGS, nullptr},
    {"_add_tensor_hook", add_hook, METH_VARARGS, nullptr},
    {"_add_post_accumulate_hook", add_post_accumulate, METH_VARARGS, nullptr},
    {"_retain_grad", retain, METH_O, nullptr},
    {"_detach", detached, METH_O, nullptr},
    {"_detach_", detach_inplace, METH_O, nullptr},
    {"_gradient_node", accumulator, METH_O, nullptr},
    {"is_grad_enabled", is_grad_enabled, METH_NOARGS,
     "is_grad_enabled()\n--\n\nWhether ops on this thread are recorded for differentiation."},
    {}};

// The type of nodes of that name, for those who tell nodes by their type; made on first use, and
// kept, as the types of an extension are.
PyTypeObject* type_named(const std::string& name) {
  static auto& types = *new std::unordered_map<std::string, PyTypeObject*>();
  const auto [it, fresh] = types.try_emplace(name);
  if (!it->second) {
    static auto& full_names = *new std::unordered_map<std::string, std::string>();
    const std::string& full =
        full_names.try_emplace(name, "rustorch.autograd." + name).first->second;
    PyType_Slot slots[] = {{0, nullptr}};
    PyType_Spec spec{full.c_str(), sizeof(NodeObject), 0,
                     Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
    it->second = reinterpret_cast<PyTypeObject*>(
        PyType_FromSpecWithBases(&spec, reinterpret_cast<PyObject*>(g_node_type)));
  }
  return it->second;
}

}  // namespace

PyObject* wrap_node(const Ref<Node>& node) {
  if (!node) Py_RETURN_NONE;
  if (node->pyobj) {
    Py_INCREF(static_cast<PyObject*>(node->pyobj));
    return static_cast<PyObject*>(node->pyobj);
  }
  PyTypeObject* type = type_named(node->name());
  PyObject* o = type ? type->tp_alloc(type, 0) : nullptr;
  if (!o) return nullptr;
  new (&reinterpret_cast<NodeObject*>(o)->node) Ref<Node>(node);
  node->pyobj = o;
  return o;
}

void init_autograd(PyObject* module) {
  PyType_Slot slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
                         {Py_tp_repr, reinterpret_cast<void*>(repr)},
                         {Py_tp_getattro, reinterpret_cast<void*>(node_attribute)},
                         {Py_tp_methods, methods},
                         {Py_tp_getset, properties},
                         {Py_tp_doc, const_cast<char*>("A step of the backward pass.")},
                         {0, nullptr}};
  PyType_Spec spec{"rustorch.autograd.Node", sizeof(NodeObject), 0,
                   Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                   slots};
  g_node_type = reinterpret_cast<PyTypeObject*>(checked(PyType_FromSpec(&spec)).release());
  checked(PyModule_AddObjectRef(module, "Node", reinterpret_cast<PyObject*>(g_node_type)));
  checked(PyModule_AddFunctions(module, functions));
  capture_trace = &python_trace;
  init_hooks();
  init_function_node(module);
}

}  // namespace rt::py
