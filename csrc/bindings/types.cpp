// dtype, device and Size: small immutable Python types.
#include <cstring>

#include "bindings/default_device.h"

namespace rt::py {

namespace {

struct DTypeObject {
  PyObject_HEAD
  DType value;
};
struct DeviceObject {
  PyObject_HEAD
  Device value;
};

// Global: made once when the module is imported and alive as long as the interpreter.
PyTypeObject* g_dtype_type;
PyTypeObject* g_device_type;
PyObject* g_dtypes[kNumDTypes];
PyTypeObject g_size_type = [] {
  PyTypeObject t{};
  Py_SET_REFCNT(reinterpret_cast<PyObject*>(&t), 1);
  return t;
}();

DType dtype_of(PyObject* o) { return reinterpret_cast<DTypeObject*>(o)->value; }
Device device_of(PyObject* o) { return reinterpret_cast<DeviceObject*>(o)->value; }

PyObject* dtype_repr(PyObject* o) { return PyUnicode_FromFormat("rustorch.%s", name(dtype_of(o))); }
PyObject* dtype_reduce(PyObject* o, PyObject*) { return PyUnicode_FromString(name(dtype_of(o))); }
PyObject* dtype_to_complex(PyObject* o, PyObject*) { return dtype_object(complex_of(dtype_of(o))); }
PyObject* dtype_to_real(PyObject* o, PyObject*) { return dtype_object(real_of(dtype_of(o))); }
PyMethodDef dtype_methods[] = {
    {"__reduce__", dtype_reduce, METH_NOARGS, nullptr},
    {"to_complex", dtype_to_complex, METH_NOARGS, "The complex dtype of the same precision."},
    {"to_real", dtype_to_real, METH_NOARGS, "The real dtype of the same precision."},
    {}};
PyGetSetDef dtype_properties[] = {
    {"is_floating_point",
     [](PyObject* o, void*) { return PyBool_FromLong(is_floating(dtype_of(o))); }, nullptr,
     "Whether this is a real floating-point dtype.", nullptr},
    {"is_complex", [](PyObject* o, void*) { return PyBool_FromLong(is_complex(dtype_of(o))); },
     nullptr, "Whether this is a complex dtype.", nullptr},
    {"is_signed",
     [](PyObject* o, void*) {
       const DType t = dtype_of(o);
       return PyBool_FromLong(t != DType::Bool && t != DType::UInt8);
     },
     nullptr, "Whether values can be negative.", nullptr},
    {"itemsize", [](PyObject* o, void*) { return PyLong_FromSize_t(item_size(dtype_of(o))); },
     nullptr, "Bytes an element takes.", nullptr},
    {}};

PyObject* device_repr(PyObject* o) {
  const Device d = device_of(o);
  if (is_auto(d)) return PyUnicode_FromString("device(type='auto')");
  const bool indexed = d.index != 0 || d.type == DeviceType::CUDA;
  return indexed ? PyUnicode_FromFormat("device(type='%s', index=%d)", name(d.type), d.index)
                 : PyUnicode_FromFormat("device(type='%s')", name(d.type));
}
PyObject* device_str(PyObject* o) {
  return PyUnicode_FromString(device_text(device_of(o)).c_str());
}
PyObject* device_compare(PyObject* a, PyObject* b, int op) {
  if (Py_TYPE(a) != g_device_type || Py_TYPE(b) != g_device_type || (op != Py_EQ && op != Py_NE)) {
    Py_RETURN_NOTIMPLEMENTED;
  }
  return PyBool_FromLong((device_of(a) == device_of(b)) == (op == Py_EQ));
}
Py_hash_t device_hash(PyObject* o) {
  return static_cast<Py_hash_t>(device_of(o).type) * 1000 + device_of(o).index + 1;
}
PyObject* device_new(PyTypeObject*, PyObject* args, PyObject* kwargs) {
  return guard([&]() -> PyObject* {
    static const char* names[] = {"type", "index", nullptr};
    PyObject* type;
    PyObject* given = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|O", const_cast<char**>(names), &type,
                                     &given)) {
      return nullptr;
    }
    Device d = to_device_or_auto(type);
    const bool bare = given == Py_None;
    const Object number = bare ? Object() : checked(PyNumber_Index(given));
    int overflow = 0;
    const int64_t index = bare ? -1 : PyLong_AsLongLongAndOverflow(number.get(), &overflow);
    RT_CHECK(bare || overflow > 0 || index >= 0, Runtime, "device",
             "Device index must not be negative");
    RT_CHECK(index < 100 && !overflow, Runtime, "device", "the device index is too large", "",
             "an index below 100");
    RT_CHECK(index < 0 || !is_auto(d), Runtime, "device", "'auto' has no index", cat_str(index));
    if (index >= 0) d.index = static_cast<int8_t>(index);
    return device_object(d);
  });
}
PyObject* device_reduce(PyObject* o, PyObject*) {
  return Py_BuildValue("(O(s))", reinterpret_cast<PyObject*>(g_device_type),
                       device_text(device_of(o)).c_str());
}
// `with device:` makes it the default of the thread.
PyObject* device_enter(PyObject* o, PyObject*) {
  return guard([&]() -> PyObject* {
    push_default_device(device_of(o));
    Py_INCREF(o);
    return o;
  });
}
PyObject* device_exit(PyObject*, PyObject*) {
  return guard([&]() -> PyObject* {
    pop_default_device();
    Py_RETURN_FALSE;
  });
}
PyMethodDef device_methods[] = {{"__reduce__", device_reduce, METH_NOARGS, nullptr},
                                {"__enter__", device_enter, METH_NOARGS, nullptr},
                                {"__exit__", device_exit, METH_VARARGS, nullptr},
                                {}};
PyGetSetDef device_properties[] = {
    {"type",
     [](PyObject* o, void*) {
       const Device d = device_of(o);
       return PyUnicode_FromString(is_auto(d) ? "auto" : name(d.type));
     },
     nullptr, "The engine's name, such as \"cpu\".", nullptr},
    {"index",
     [](PyObject* o, void*) -> PyObject* {
       const Device d = device_of(o);
       if (d.index <= 0 && d.type != DeviceType::CUDA) Py_RETURN_NONE;
       return PyLong_FromLong(d.index);
     },
     nullptr, "Which device of that type, or None.", nullptr},
    {}};

PyObject* size_repr(PyObject* o) {
  std::string s = "rustorch.Size([";
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(o); ++i) {
    Object item = Object(PyObject_Repr(PyTuple_GET_ITEM(o, i)));
    if (!item) return nullptr;
    if (i) s += ", ";
    s += PyUnicode_AsUTF8(item.get());
  }
  return PyUnicode_FromString((s + "])").c_str());
}
PyObject* size_numel(PyObject* o, PyObject*) {
  Object n(PyLong_FromLong(1));
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(o); ++i) {
    n = Object(PyNumber_Multiply(n.get(), PyTuple_GET_ITEM(o, i)));
    if (!n) return nullptr;
  }
  return n.release();
}
// Slices and sums of a Size are Sizes.
PyObject* as_size(PyObject* tuple) {
  Object t(tuple);
  if (!t || !PyTuple_Check(t.get())) return t.release();
  return PyObject_CallFunctionObjArgs(reinterpret_cast<PyObject*>(&g_size_type), t.get(), nullptr);
}
PyObject* size_subscript(PyObject* o, PyObject* key) {
  return as_size(PyTuple_Type.tp_as_mapping->mp_subscript(o, key));
}
// Size(iterable): every item an int, or something that stands for one.
PyObject* size_new(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  return guard([&]() -> PyObject* {
    Object made = checked(PyTuple_Type.tp_new(type, args, kwargs));
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(made.get()); ++i) {
      PyObject* item = PyTuple_GET_ITEM(made.get(), i);
      if (PyLong_CheckExact(item)) continue;
      const bool whole = is_tensor(item)
                             ? unwrap(item).numel() == 1 && is_integral(unwrap(item).dtype())
                             : PyIndex_Check(item) != 0;
      RT_CHECK(whole, Type, "Size",
               cat_str("rustorch.Size() takes an iterable of 'int' (item ", int64_t{i}, " is '",
                       Py_TYPE(item)->tp_name, "')"));
      Object number = checked(PyNumber_Index(item));
      PyTuple_SET_ITEM(made.get(), i, number.release());
      Py_DECREF(item);
    }
    return made.release();
  });
}
// Reached when nothing else knows the sum.
PyObject* size_concat(PyObject*, PyObject* b) {
  return PyErr_Format(PyExc_TypeError, "can only concatenate tuple (not %s) to rustorch.Size",
                      Py_TYPE(b)->tp_name);
}
// A Size on either side makes a Size; types that are no tuples may have their own idea of the sum.
PyObject* size_add(PyObject* a, PyObject* b) {
  if (!PyTuple_Check(a) || !PyTuple_Check(b)) Py_RETURN_NOTIMPLEMENTED;
  return as_size(PyTuple_Type.tp_as_sequence->sq_concat(a, b));
}
PyObject* size_repeat(PyObject* o, Py_ssize_t n) {
  return as_size(PyTuple_Type.tp_as_sequence->sq_repeat(o, n));
}
PyObject* size_reduce(PyObject* o, PyObject*) {
  Object plain(PyTuple_GetSlice(o, 0, PyTuple_GET_SIZE(o)));
  return plain ? Py_BuildValue("(O(O))", reinterpret_cast<PyObject*>(&g_size_type), plain.get())
               : nullptr;
}
PyMethodDef size_methods[] = {{"numel", size_numel, METH_NOARGS, "The product of the sizes."},
                              {"__reduce__", size_reduce, METH_NOARGS, nullptr},
                              {}};
PyNumberMethods size_number = [] {
  PyNumberMethods methods{};
  methods.nb_add = size_add;
  return methods;
}();
PyMappingMethods size_mapping = {nullptr, size_subscript, nullptr};
PySequenceMethods size_sequence = {nullptr, size_concat, size_repeat, nullptr, nullptr,
                                   nullptr, nullptr,     nullptr,     nullptr, nullptr};

PyTypeObject* make_type(const char* name, size_t size, PyType_Slot* slots) {
  PyType_Spec spec{name, static_cast<int>(size), 0, Py_TPFLAGS_DEFAULT, slots};
  return reinterpret_cast<PyTypeObject*>(checked(PyType_FromSpec(&spec)).release());
}

}  // namespace

PyObject* dtype_object(DType t) {
  PyObject* o = g_dtypes[static_cast<int>(t)];
  Py_INCREF(o);
  return o;
}

bool is_dtype(PyObject* o) {
  if (Py_TYPE(o) == g_dtype_type) return true;
  if (o == reinterpret_cast<PyObject*>(&PyFloat_Type) ||
      o == reinterpret_cast<PyObject*>(&PyLong_Type) ||
      o == reinterpret_cast<PyObject*>(&PyBool_Type) ||
      o == reinterpret_cast<PyObject*>(&PyComplex_Type)) {
    return true;
  }
  // NumPy's types and dtypes, without importing it.
  const char* module =
      PyType_Check(o) ? reinterpret_cast<PyTypeObject*>(o)->tp_name : Py_TYPE(o)->tp_name;
  return std::strncmp(module, "numpy.", 6) == 0 &&
         (PyType_Check(o) || std::strstr(module, "dtype"));
}

DType to_dtype(PyObject* o) {
  if (Py_TYPE(o) == g_dtype_type) return dtype_of(o);
  if (o == reinterpret_cast<PyObject*>(&PyFloat_Type)) return DType::Float64;
  if (o == reinterpret_cast<PyObject*>(&PyLong_Type)) return DType::Int64;
  if (o == reinterpret_cast<PyObject*>(&PyBool_Type)) return DType::Bool;
  if (o == reinterpret_cast<PyObject*>(&PyComplex_Type)) return DType::Complex128;
  Object attr(PyObject_GetAttrString(o, PyType_Check(o) ? "__name__" : "name"));
  if (!attr) throw PythonError{};
  std::string text = PyUnicode_AsUTF8(attr.get());
  if (text == "bool_") text = "bool";
  for (int i = 0; i < kNumDTypes; ++i) {
    if (text == name(static_cast<DType>(i))) return static_cast<DType>(i);
  }
  RT_FAIL(Type, "dtype", "there is no tensor dtype for this NumPy type", text,
          "one of bool, uint8, int8 to int64, float16 to float64, complex64, complex128");
}

PyObject* device_object(Device d) {
  PyObject* o = g_device_type->tp_alloc(g_device_type, 0);
  if (o) reinterpret_cast<DeviceObject*>(o)->value = d;
  return o;
}
bool is_device(PyObject* o) { return Py_TYPE(o) == g_device_type || PyUnicode_Check(o); }
bool is_auto_device(PyObject* o) {
  if (Py_TYPE(o) == g_device_type) return is_auto(device_of(o));
  return PyUnicode_Check(o) && PyUnicode_CompareWithASCIIString(o, "auto") == 0;
}
Device to_device(PyObject* o) {
  if (Py_TYPE(o) == g_device_type) {
    RT_CHECK(!is_auto(device_of(o)), Runtime, "device", "'auto' is no device by itself", "",
             "the name of one; rustorch.devices() lists them");
    return device_of(o);
  }
  RT_CHECK(PyUnicode_Check(o), Type, "device", "a device is a string or a rustorch.device",
           Py_TYPE(o)->tp_name);
  return parse_device(PyUnicode_AsUTF8(o));
}

PyObject* size_object(IntList sizes) {
  PyObject* t = PyTuple_Type.tp_alloc(&g_size_type, sizes.ssize());
  if (!t) return nullptr;
  for (size_t i = 0; i < sizes.size(); ++i) {
    PyObject* v = PyLong_FromLongLong(sizes[i]);
    if (!v) {
      Py_DECREF(t);
      return nullptr;
    }
    PyTuple_SET_ITEM(t, static_cast<Py_ssize_t>(i), v);
  }
  return t;
}

void init_types(PyObject* module) {
  PyType_Slot dtype_slots[] = {
      {Py_tp_repr, reinterpret_cast<void*>(dtype_repr)},
      {Py_tp_methods, dtype_methods},
      {Py_tp_getset, dtype_properties},
      {Py_tp_doc, const_cast<char*>("The type of a tensor's elements, such as rustorch.float32.")},
      {0, nullptr}};
  g_dtype_type = make_type("rustorch.dtype", sizeof(DTypeObject), dtype_slots);
  g_dtype_type->tp_new = nullptr;
  PyType_Slot device_slots[] = {
      {Py_tp_new, reinterpret_cast<void*>(device_new)},
      {Py_tp_repr, reinterpret_cast<void*>(device_repr)},
      {Py_tp_str, reinterpret_cast<void*>(device_str)},
      {Py_tp_richcompare, reinterpret_cast<void*>(device_compare)},
      {Py_tp_hash, reinterpret_cast<void*>(device_hash)},
      {Py_tp_methods, device_methods},
      {Py_tp_getset, device_properties},
      {Py_tp_doc,
       const_cast<char*>("device(type, index=None)\n--\n\nWhere a tensor's memory lives: "
                         "\"cpu\", \"metal\", \"cuda:1\".")},
      {0, nullptr}};
  g_device_type = make_type("rustorch.device", sizeof(DeviceObject), device_slots);

  g_size_type.tp_name = "rustorch.Size";
  g_size_type.tp_base = &PyTuple_Type;
  g_size_type.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE;
  g_size_type.tp_repr = size_repr;
  g_size_type.tp_methods = size_methods;
  g_size_type.tp_new = size_new;
  g_size_type.tp_as_number = &size_number;
  g_size_type.tp_as_mapping = &size_mapping;
  g_size_type.tp_as_sequence = &size_sequence;
  g_size_type.tp_doc = "The shape of a tensor: a tuple of ints.";
  checked(PyType_Ready(&g_size_type));

  checked(PyModule_AddObjectRef(module, "dtype", reinterpret_cast<PyObject*>(g_dtype_type)));
  checked(PyModule_AddObjectRef(module, "device", reinterpret_cast<PyObject*>(g_device_type)));
  checked(PyModule_AddObjectRef(module, "Size", reinterpret_cast<PyObject*>(&g_size_type)));
  for (int i = 0; i < kNumDTypes; ++i) {
    PyObject* o = g_dtype_type->tp_alloc(g_dtype_type, 0);
    if (!o) throw PythonError{};
    reinterpret_cast<DTypeObject*>(o)->value = static_cast<DType>(i);
    g_dtypes[i] = o;
    checked(PyModule_AddObjectRef(module, name(static_cast<DType>(i)), o));
  }
}

}  // namespace rt::py
