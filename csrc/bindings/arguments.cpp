// Python objects to boxed arguments, by the kinds that schemas know.
#include <cstring>

#include "bindings/default_device.h"
#include "bindings/generator.h"
#include "bindings/python.h"
#include "graph/trace.h"

namespace rt::py {

namespace {

bool is_numpy_scalar(PyObject* o) {
  const char* type = Py_TYPE(o)->tp_name;
  return std::strncmp(type, "numpy.", 6) == 0 && !is_numpy_array(o) &&
         PyObject_HasAttrString(o, "dtype") && PyObject_HasAttrString(o, "item");
}

// A tensor of one element may stand for a number, unless its gradient would be lost on the way.
bool is_number_tensor(PyObject* o) {
  return is_tensor(o) && unwrap(o).numel() == 1 && !requires_grad(unwrap(o));
}

bool is_int(PyObject* o) {
  if (PyLong_CheckExact(o)) return true;
  if (PyFloat_Check(o) || PyBool_Check(o)) return false;
  if (is_tensor(o)) return unwrap(o).dim() == 0 && is_integral(unwrap(o).dtype());
  return PyIndex_Check(o);
}

int64_t as_int(PyObject* o) {
  Object index;
  if (!PyLong_CheckExact(o)) index = checked(PyNumber_Index(o));
  int overflow = 0;
  const long long v = PyLong_AsLongLongAndOverflow(index ? index.get() : o, &overflow);
  if (overflow != 0) {
    PyErr_Format(PyExc_ValueError, "int: Overflow when unpacking long long; got %R; try 64 bits",
                 o);
    throw PythonError{};
  }
  if (v == -1 && PyErr_Occurred()) throw PythonError{};
  return v;
}

// Any Python number as a float, integers beyond 64 bits too.
double as_double(PyObject* o) {
  if (!PyLong_CheckExact(o)) return to_scalar(o).to_double();
  const double v = PyLong_AsDouble(o);
  if (v == -1 && PyErr_Occurred()) throw PythonError{};
  return v;
}

template <class F>
void for_each_item(PyObject* o, F&& f) {
  Object fast = checked(PySequence_Fast(o, "expected a sequence"));
  const Py_ssize_t n = PySequence_Fast_GET_SIZE(fast.get());
  for (Py_ssize_t i = 0; i < n; ++i) f(PySequence_Fast_GET_ITEM(fast.get(), i));
}

bool is_list(PyObject* o) { return PyTuple_Check(o) || PyList_Check(o); }

std::vector<Tensor> to_tensor_list(const char* op, const Argument& a, PyObject* o) {
  std::vector<Tensor> list;
  for_each_item(o, [&](PyObject* item) {
    if (item == Py_None && a.type.find('?') != std::string::npos) {
      list.emplace_back();
    } else if (is_tensor(item)) {
      list.push_back(unwrap(item));
    } else {
      RT_FAIL(Type, op,
              cat_str("expected Tensor as element ", list.size(), " in argument '", a.name,
                      "', but got ", Py_TYPE(item)->tp_name));
    }
  });
  return list;
}

}  // namespace

bool is_number(PyObject* o) {
  return PyFloat_Check(o) || PyLong_Check(o) || PyComplex_Check(o) || is_numpy_scalar(o);
}

bool is_numpy_array(PyObject* o) {
  // Subclasses too: np.memmap, np.matrix.
  for (const PyTypeObject* t = Py_TYPE(o); t; t = t->tp_base) {
    if (std::strcmp(t->tp_name, "numpy.ndarray") == 0) return true;
  }
  return false;
}

Scalar to_scalar(PyObject* o) {
  if (PyFloat_Check(o)) return PyFloat_AS_DOUBLE(o);
  if (PyBool_Check(o)) return o == Py_True;
  if (PyLong_Check(o)) {
    int overflow = 0;
    const long long v = PyLong_AsLongLongAndOverflow(o, &overflow);
    if (overflow != 0) {
      PyErr_Format(PyExc_OverflowError,
                   "scalar: a Python int does not fit in 64 bits; got %R; try a float", o);
      throw PythonError{};
    }
    return static_cast<int64_t>(v);
  }
  if (PyComplex_Check(o)) {
    const Py_complex c = PyComplex_AsCComplex(o);
    return std::complex<double>(c.real, c.imag);
  }
  if (is_tensor(o)) {
    RT_CHECK(
        unwrap(o).numel() == 1, Runtime, "item",
        cat_str("a Tensor with ", unwrap(o).numel(), " elements cannot be converted to Scalar"));
    graph::note_read(unwrap(o), "a tensor where a number is wanted");
    return item(unwrap(o));
  }
  if (is_numpy_scalar(o)) return to_scalar(checked(PyObject_CallMethod(o, "item", nullptr)).get());
  if (PyIndex_Check(o)) return as_int(o);
  const double v = PyFloat_AsDouble(o);
  if (v == -1 && PyErr_Occurred()) throw PythonError{};
  return v;
}

Dims to_dims(const char* op, const char* arg, PyObject* o, bool none_ok) {
  Dims dims;
  if (!is_list(o)) {
    dims.push_back(as_int(o));
    return dims;
  }
  for_each_item(o, [&](PyObject* item) {
    if (item == Py_None && none_ok) return dims.push_back(-1);
    RT_CHECK(is_int(item) || PyBool_Check(item), Type, op,
             cat_str("argument '", arg, "' must be tuple of ints, but found element of type ",
                     Py_TYPE(item)->tp_name, " at pos ", dims.size()));
    dims.push_back(as_int(item));
  });
  return dims;
}

// PyTorch takes None for a list that is empty by default: dim=None, dims=None.
bool is_empty_by_default(const Argument& a) {
  return a.kind == ArgKind::IntList && a.has_default && a.default_value.is<Dims>() &&
         a.default_value.get<Dims>().empty();
}

bool accepts(const Argument& a, PyObject* o) {
  if (o == Py_None) return a.optional || is_empty_by_default(a);
  switch (a.kind) {
    case ArgKind::Tensor:
      return is_tensor(o) || (a.operand && (is_number(o) || is_numpy_array(o)));
    case ArgKind::TensorList:
      return is_list(o) || (PySequence_Check(o) && !PyUnicode_Check(o) && !is_tensor(o));
    case ArgKind::Scalar:
      return is_number(o) || is_number_tensor(o);
    case ArgKind::Int:
      return is_int(o);
    case ArgKind::Float:
      return (is_number(o) && !PyComplex_Check(o)) || (is_number_tensor(o) && unwrap(o).dim() == 0);
    case ArgKind::Bool:
      return PyBool_Check(o) || std::strncmp(Py_TYPE(o)->tp_name, "numpy.bool", 10) == 0;
    case ArgKind::Str:
      return PyUnicode_Check(o);
    case ArgKind::IntList:
      if (a.list_size > 0 && is_int(o)) return true;
      if (!is_list(o)) return false;
      {
        const Py_ssize_t n = PySequence_Size(o);
        if (n == 0) return true;
        Object first(PySequence_GetItem(o, 0));
        if (first && first.get() == Py_None) return a.type.starts_with("int?");
        return first && is_int(first.get());  // further ones may be bools, as PyTorch has it
      }
    case ArgKind::FloatList:
      return is_list(o) || (a.list_size > 0 && is_number(o) && !PyComplex_Check(o));
    case ArgKind::DType:
      return is_dtype(o);
    case ArgKind::Device:
      return is_device(o);
    case ArgKind::Generator:
      return is_generator(o);
    case ArgKind::Void:
      break;
  }
  return false;
}

Value to_value(const char* op, const Argument& a, PyObject* o) {
  if (o == Py_None) return a.optional ? Value{} : a.default_value;
  switch (a.kind) {  // accepts(a, o) was true
    case ArgKind::Tensor:
      if (is_tensor(o)) return unwrap(o);
      return is_numpy_array(o) ? tensor_of_array(o) : wrapped_number(to_scalar(o));
    case ArgKind::TensorList:
      return to_tensor_list(op, a, o);
    case ArgKind::Scalar:
      return to_scalar(o);
    case ArgKind::Int:
      return as_int(o);
    case ArgKind::Float:
      return as_double(o);
    case ArgKind::Bool:
      return PyObject_IsTrue(o) == 1;
    case ArgKind::Str:
      return std::string(PyUnicode_AsUTF8(o));
    case ArgKind::IntList: {
      Dims d = to_dims(op, a.name.c_str(), o, a.type.starts_with("int?"));
      if (a.list_size > 1 && d.size() == 1 && !is_list(o))
        d.resize(static_cast<size_t>(a.list_size), d[0]);
      return d;
    }
    case ArgKind::FloatList: {
      std::vector<double> list;
      if (!is_list(o)) return std::vector<double>{as_double(o)};
      for_each_item(o, [&](PyObject* item) { list.push_back(as_double(item)); });
      return list;
    }
    case ArgKind::DType:
      return to_dtype(o);
    case ArgKind::Device:
      return to_device_or_auto(o);
    case ArgKind::Generator:
      return to_generator(o).get();
    case ArgKind::Void:
      break;
  }
  return {};
}

PyObject* to_python(const Scalar& s) {
  switch (s.kind()) {
    case Scalar::Kind::Bool:
      return PyBool_FromLong(s.to_bool());
    case Scalar::Kind::Int:
      return PyLong_FromLongLong(s.to_int());
    case Scalar::Kind::Float:
      return PyFloat_FromDouble(s.to_double());
    case Scalar::Kind::Complex:
      return PyComplex_FromDoubles(s.to_complex().real(), s.to_complex().imag());
  }
  Py_RETURN_NONE;
}

PyObject* to_python(const Value& v) {
  if (const auto* t = std::get_if<Tensor>(&v)) return wrap(*t);
  if (v.is_none()) Py_RETURN_NONE;
  if (v.is_scalar()) return to_python(v.scalar());
  if (const auto* l = std::get_if<std::vector<Tensor>>(&v)) {
    Object tuple = checked(PyTuple_New(static_cast<Py_ssize_t>(l->size())));
    for (size_t i = 0; i < l->size(); ++i) {
      PyTuple_SET_ITEM(tuple.get(), static_cast<Py_ssize_t>(i), checked(wrap((*l)[i])).release());
    }
    return tuple.release();
  }
  if (const auto* s = std::get_if<std::string>(&v)) return PyUnicode_FromString(s->c_str());
  if (const auto* d = std::get_if<Dims>(&v)) return size_object(*d);
  if (const auto* t = std::get_if<DType>(&v)) return dtype_object(*t);
  if (const auto* d = std::get_if<Device>(&v)) return device_object(*d);
  if (const auto* l = std::get_if<std::vector<double>>(&v)) {
    Object tuple = checked(PyTuple_New(static_cast<Py_ssize_t>(l->size())));
    for (size_t i = 0; i < l->size(); ++i) {
      PyTuple_SET_ITEM(tuple.get(), static_cast<Py_ssize_t>(i),
                       checked(PyFloat_FromDouble((*l)[i])).release());
    }
    return tuple.release();
  }
  Py_RETURN_NONE;
}

}  // namespace rt::py
