// The registry of ops as Python data: what the tests, the docs and the stubs are made from.
#include <cstring>

#include "bindings/python.h"
#include "core/device.h"
#include "ops/elementwise.h"

namespace rt::py {

namespace {

PyObject* text(const char* s) { return PyUnicode_FromString(s); }

Object list_of(const std::vector<std::string>& items) {
  Object list = checked(PyList_New(0));
  for (const std::string& s : items)
    checked(PyList_Append(list.get(), checked(text(s.c_str())).get()));
  return list;
}

bool runs_on(const KernelSlotBase& slot, DeviceType t) {
  // Elementwise formulas run through the launcher of their engine.
  if (ElementwiseSlot::find(slot.name()) == &slot) return elementwise_launcher.has(t);
  return slot.has(t);
}

// The engines that have every kernel of the op; none for a composite, which runs where its parts
// do.
std::vector<std::string> engines(const OpRecord& op) {
  std::vector<std::string> found;
  if (!op.is_kernel()) return found;
  for (int i = 0; i < kNumDeviceTypes; ++i) {
    const auto type = static_cast<DeviceType>(i);
    if (!find_engine(type)) continue;
    bool all = true;
    for (const KernelSlotBase* slot : op.kernels) all = all && runs_on(*slot, type);
    if (all) found.emplace_back(name(type));
  }
  return found;
}

void put(const Object& dict, const char* key, Object value) {
  checked(PyDict_SetItemString(dict.get(), key, checked(value.release()).get()));
}
void put(const Object& dict, const char* key, bool value) {
  put(dict, key, Object(PyBool_FromLong(value)));
}
void put(const Object& dict, const char* key, const char* value) {
  put(dict, key, Object(text(value)));
}

Object row(const OpRecord& op) {
  Object dict = checked(PyDict_New());
  put(dict, "name", op.schema.name.c_str());
  put(dict, "python_name", op.name());
  put(dict, "schema", op.schema.text.c_str());
  put(dict, "namespaces", list_of(op.namespaces));
  put(dict, "aliases", list_of(op.aliases));
  put(dict, "inplace", op.spec.inplace);
  put(dict, "out", op.spec.out);
  put(dict, "vjp", op.spec.vjp != nullptr);
  put(dict, "differentiable", op.spec.vjp != nullptr && !op.spec.integer_result);
  put(dict, "view", op.spec.view);
  put(dict, "random", op.spec.random);
  put(dict, "integer_result", op.spec.integer_result);
  put(dict, "kind", op.is_kernel() ? "kernel" : "composite");
  put(dict, "engines", list_of(engines(op)));
  put(dict, "lowering",
      op.spec.lowering ? Object(text(op.spec.lowering)) : Object::borrow(Py_None));
  put(dict, "doc", op.spec.doc);
  return dict;
}

PyObject* op_table(PyObject*, PyObject*) {
  return guard([&]() -> PyObject* {
    Object list = checked(PyList_New(0));
    for (const OpRecord* op : all_ops()) checked(PyList_Append(list.get(), row(*op).get()));
    return list.release();
  });
}

PyObject* namespaces(PyObject* module, PyObject*) {
  return PyObject_GetAttrString(module, "_namespaces");
}

// _find_callable(name, method, inplace, namespace): what a pickled op was. `inplace` is part of the
// name. Older pickles name no namespace.
PyObject* find_callable(PyObject* module, PyObject* args) {
  return guard([&]() -> PyObject* {
    const char* name = nullptr;
    int method = 0, inplace = 0;
    const char* space = nullptr;
    if (!PyArg_ParseTuple(args, "spp|z:_find_callable", &name, &method, &inplace, &space))
      return nullptr;
    Object spaces = checked(PyObject_GetAttrString(module, "_namespaces"));
    PyObject *key, *functions;
    if (space && (functions = PyDict_GetItemString(spaces.get(), space))) {
      if (PyObject* found = PyDict_GetItemString(functions, name)) {
        Py_INCREF(found);
        return found;
      }
    }
    for (Py_ssize_t at = 0; PyDict_Next(spaces.get(), &at, &key, &functions);) {
      const bool is_method = std::strcmp(PyUnicode_AsUTF8(key), "Tensor") == 0;
      if (is_method != (method != 0)) continue;
      if (PyObject* found = PyDict_GetItemString(functions, name)) {
        Py_INCREF(found);
        return found;
      }
    }
    RT_FAIL(Runtime, "unpickle", "this version of rustorch has no such op", name);
  });
}

PyMethodDef functions[] = {{"op_table", op_table, METH_NOARGS,
                            "op_table()\n--\n\nOne dict an op: name, python_name, schema, "
                            "namespaces (empty for an internal op),\n"
                            "aliases, inplace, out, vjp, differentiable, view, random, "
                            "integer_result, kind, engines, lowering, doc."},
                           {"namespaces", namespaces, METH_NOARGS,
                            "namespaces()\n--\n\nThe callables of the ops: {\"rt\": {name: op}, "
                            "\"Tensor\": ..., \"nn.functional\": ...}."},
                           {"_find_callable", find_callable, METH_VARARGS, nullptr},
                           {}};

}  // namespace

void init_registry(PyObject* module) { checked(PyModule_AddFunctions(module, functions)); }

}  // namespace rt::py
