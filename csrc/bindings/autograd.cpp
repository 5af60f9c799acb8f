// Nodes, modes, backward and hooks in Python.
#include "bindings/autograd.h"

#include <new>

#include "autograd/engine.h"

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
  return PyUnicode_FromFormat("<%s object at %p>", reinterpret_cast<NodeObject*>(o)->node->name().c_str(), o);
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
PyMethodDef methods[] = {{"name", node_name, METH_NOARGS, "name()\n--\n\nThe name of the node."}, {}};
PyGetSetDef properties[] = {
    {"next_functions", next_functions, nullptr, "Pairs of (node, result number) this node sends gradients to.",
     nullptr},
    {}};

std::vector<Tensor> tensors(PyObject* sequence) {
  std::vector<Tensor> list;
  Object fast = checked(PySequence_Fast(sequence, "expected a sequence of tensors"));
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(fast.get()); ++i) {
    PyObject* item = PySequence_Fast_GET_ITEM(fast.get(), i);
    list.push_back(item == Py_None ? Tensor() : unwrap(item));
  }
  return list;
}

// _run_backward(outputs, grads, inputs, retain_graph, create_graph, allow_unreachable, accumulate)
PyObject* run(PyObject*, PyObject* args) {
  return guard([&]() -> PyObject* {
    PyObject *outputs, *grads, *inputs;
    int retain, create, unreachable, accumulate;
    if (!PyArg_ParseTuple(args, "OOOpppp", &outputs, &grads, &inputs, &retain, &create, &unreachable,
                          &accumulate)) {
      return nullptr;
    }
    const auto o = tensors(outputs), g = tensors(grads), in = tensors(inputs);
    Gradients result;
    {
      ReleaseGil released(true);
      result = run_backward(o, g, in, {retain != 0, create != 0, unreachable != 0}, accumulate != 0);
    }
    return to_python(Value(TensorList(result)));
  });
}

PyObject* set_grad_enabled(PyObject*, PyObject* on) {
  const bool before = modes().grad;
  modes().grad = PyObject_IsTrue(on) == 1;
  return PyBool_FromLong(before);
}
PyObject* is_grad_enabled(PyObject*, PyObject*) { return PyBool_FromLong(modes().grad); }

PyMethodDef functions[] = {
    {"_run_backward", run, METH_VARARGS, nullptr},
    {"_set_grad_enabled", set_grad_enabled, METH_O, nullptr},
    {"is_grad_enabled", is_grad_enabled, METH_NOARGS,
     "is_grad_enabled()\n--\n\nWhether ops on this thread are recorded for differentiation."},
    {}};

}  // namespace

PyObject* wrap_node(const Ref<Node>& node) {
  if (!node) Py_RETURN_NONE;
  if (node->pyobj) {
    Py_INCREF(static_cast<PyObject*>(node->pyobj));
    return static_cast<PyObject*>(node->pyobj);
  }
  PyObject* o = g_node_type->tp_alloc(g_node_type, 0);
  if (!o) return nullptr;
  new (&reinterpret_cast<NodeObject*>(o)->node) Ref<Node>(node);
  node->pyobj = o;
  return o;
}

void init_autograd(PyObject* module) {
  PyType_Slot slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
                         {Py_tp_repr, reinterpret_cast<void*>(repr)},
                         {Py_tp_methods, methods},
                         {Py_tp_getset, properties},
                         {Py_tp_doc, const_cast<char*>("A step of the backward pass.")},
                         {0, nullptr}};
  PyType_Spec spec{"rustorch.autograd.Node", sizeof(NodeObject), 0, Py_TPFLAGS_DEFAULT, slots};
  g_node_type = reinterpret_cast<PyTypeObject*>(checked(PyType_FromSpec(&spec)).release());
  checked(PyModule_AddObjectRef(module, "Node", reinterpret_cast<PyObject*>(g_node_type)));
  checked(PyModule_AddFunctions(module, functions));
}

}  // namespace rt::py
