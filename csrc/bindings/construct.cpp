// Tensors from Python data: numbers and nested sequences.
#include "bindings/python.h"
#include "graph/trace.h"
#include "ops/ops.h"

namespace rt::py {

namespace {

bool is_sequence(PyObject* o) {
  return PyList_Check(o) || PyTuple_Check(o) ||
         (PySequence_Check(o) && !PyUnicode_Check(o) && !PyBytes_Check(o) && !is_tensor(o) &&
          !is_number(o) && !is_numpy_array(o) && PySequence_Size(o) >= 0);
}

// The shape is that of the first element at each depth; all others must agree.
void find_shape(PyObject* o, Dims* shape, int depth) {
  RT_CHECK(depth < 128, Type, "tensor",
           "too many dimensions in nested sequences: self-referential lists are incompatible", "",
           "at most 128");
  if (is_tensor(o)) {  // a number among numbers, whatever its dims are
    RT_CHECK(unwrap(o).numel() == 1, Value, "tensor",
             "only one element tensors can be converted to Python scalars", describe(unwrap(o)),
             "rustorch.stack(tensors)");
    return;
  }
  if (is_numpy_array(o)) {
    const Tensor t = tensor_of_array(o);
    for (int64_t s : t.sizes()) shape->push_back(s);
    return;
  }
  if (!is_sequence(o)) {
    PyErr_Clear();
    return;
  }
  const Py_ssize_t n = PySequence_Size(o);
  shape->push_back(n);
  if (n == 0) return;
  Object first(PySequence_GetItem(o, 0));
  if (!first && PyErr_ExceptionMatches(PyExc_Exception)) {
    PyErr_Clear();
    RT_FAIL(Value, "tensor",
            cat_str("could not determine the shape of object type '", Py_TYPE(o)->tp_name, "'"));
  }
  find_shape(first.get(), shape, depth + 1);
}

DType dtype_of_leaf(PyObject* o) {
  if (is_tensor(o)) return unwrap(o).dtype();
  if (is_numpy_array(o)) return tensor_of_array(o).dtype();
  if (PyBool_Check(o)) return DType::Bool;
  if (PyLong_Check(o)) return DType::Int64;
  if (PyFloat_CheckExact(o)) return default_dtype();
  if (PyComplex_CheckExact(o)) return complex_of(default_dtype());
  // NumPy scalars keep their own type; a np.float64 is also a Python float.
  if (PyObject_HasAttrString(o, "dtype"))
    return to_dtype(checked(PyObject_GetAttrString(o, "dtype")).get());
  if (PyFloat_Check(o)) return default_dtype();
  RT_CHECK(!PyUnicode_Check(o), Type, "tensor", "invalid data type 'str'");
  RT_FAIL(Runtime, "tensor", cat_str("Could not infer dtype of ", Py_TYPE(o)->tp_name), "",
          "numbers, nested lists of numbers, NumPy arrays or tensors");
}

void infer_dtype(PyObject* o, std::optional<DType>* found, int depth = 0) {
  RT_CHECK(depth < 128, Type, "tensor", "self-referential lists are incompatible");
  if (is_sequence(o)) {
    Object fast = checked(PySequence_Fast(o, ""));
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(fast.get()); ++i) {
      infer_dtype(PySequence_Fast_GET_ITEM(fast.get(), i), found, depth + 1);
    }
    return;
  }
  PyErr_Clear();
  const DType t = dtype_of_leaf(o);
  *found = *found ? promote(**found, t) : t;
}

[[noreturn]] void ragged(int64_t expected, Py_ssize_t got, size_t depth) {
  RT_FAIL(Value, "tensor",
          cat_str("expected sequence of length ", expected, " at dim ", depth, " (got ",
                  static_cast<int64_t>(got), ")"));
}

void check_range(const Scalar& s, DType t, PyObject* o) {
  if (!s.is_integral() || !is_integral(t)) return;
  // Small negative numbers wrap into uint8, as in PyTorch: -1 is 255.
  static constexpr int64_t low[] = {-255, -128, -32768, INT32_MIN, INT64_MIN};
  static constexpr int64_t high[] = {255, 127, 32767, INT32_MAX, INT64_MAX};
  const int i = static_cast<int>(t) - static_cast<int>(DType::UInt8);
  RT_CHECK(s.to_int() >= low[i] && s.to_int() <= high[i], Runtime, "tensor",
           cat_str("value cannot be converted to type ", name(t), " without overflow"),
           PyUnicode_AsUTF8(checked(PyObject_Repr(o)).get()));
}

// An int of any size is a float; an integer dtype has room for 64 bits.
Scalar leaf_scalar(PyObject* o, DType t) {
  if (!PyLong_CheckExact(o)) return to_scalar(o);
  int overflow = 0;
  const long long v = PyLong_AsLongLongAndOverflow(o, &overflow);
  if (overflow == 0) return static_cast<int64_t>(v);
  if (t == DType::Bool) return true;
  RT_CHECK(!is_integral(t, true), Value, "tensor", "Overflow when unpacking long long",
           PyUnicode_AsUTF8(checked(PyObject_Repr(o)).get()), "a floating dtype");
  const double wide = PyLong_AsDouble(o);
  if (wide == -1 && PyErr_Occurred()) throw PythonError{};
  return wide;
}

void fill(PyObject* o, const Tensor& t, const Dims& shape, size_t depth, int64_t* at) {
  if (is_tensor(o) || is_numpy_array(o)) {
    Tensor src = is_tensor(o) ? unwrap(o) : tensor_of_array(o);
    if (is_tensor(o) && src.numel() == 1) src = make_view(src, {}, {}, src.offset());
    const IntList rest = IntList(shape).slice(depth, shape.size() - depth);
    for (size_t d = 0; d < rest.size() && src.dim() == rest.ssize(); ++d) {
      if (src.sizes()[d] != rest[d])
        ragged(rest[d], static_cast<Py_ssize_t>(src.sizes()[d]), depth + d);
    }
    RT_CHECK(src.sizes() == rest, Value, "tensor", "nested tensors must have equal shapes",
             cat_str(src.sizes(), " and ", rest));
    if (graph::Tracer* r = graph::tracer()) r->note_read(src, "a tensor in a list of data");
    NoGradGuard guard;
    ops::copy_(make_view(t, rest, contiguous_strides(rest), *at), src);
    *at += src.numel();
    return;
  }
  if (depth == shape.size()) {
    RT_CHECK(!is_sequence(o), Value, "tensor",
             cat_str("expected a number at dim ", depth, ", got a sequence"));
    PyErr_Clear();
    if (PyUnicode_Check(o) || o == Py_None) (void)dtype_of_leaf(o);
    const Scalar s = leaf_scalar(o, t.dtype());
    check_range(s, t.dtype(), o);
    RT_CHECK(!s.is_complex() || is_complex(t.dtype()), Type, "tensor",
             "a complex number needs a complex dtype", name(t.dtype()));
    s.store(t.host_data<char>() + *at * static_cast<int64_t>(t.item_size()), t.dtype());
    ++*at;
    return;
  }
  if (!is_sequence(o)) {
    PyErr_Clear();
    RT_FAIL(Type, "tensor",
            cat_str("expected a sequence of length ", shape[depth], " at dim ", depth, ", got ",
                    Py_TYPE(o)->tp_name));
  }
  Object fast = checked(PySequence_Fast(o, ""));
  const Py_ssize_t n = PySequence_Fast_GET_SIZE(fast.get());
  if (n != shape[depth]) ragged(shape[depth], n, depth);
  for (Py_ssize_t i = 0; i < n; ++i)
    fill(PySequence_Fast_GET_ITEM(fast.get(), i), t, shape, depth + 1, at);
}

// _tensor_from_data(data, dtype or None) -> a new CPU tensor that shares nothing.
PyObject* tensor_from_data(PyObject*, PyObject* args) {
  return guard([&]() -> PyObject* {
    PyObject *data, *dtype;
    if (!PyArg_ParseTuple(args, "OO", &data, &dtype)) return nullptr;
    std::optional<DType> type;
    if (dtype != Py_None) type = to_dtype(dtype);
    if (is_tensor(data) || is_numpy_array(data)) {
      const Tensor src = is_tensor(data) ? unwrap(data) : tensor_of_array(data);
      NoGradGuard guard;
      Tensor t = empty(src.sizes(), type.value_or(src.dtype()), {}, "tensor");
      graph::note_made(t);
      return wrap(ops::copy_(t, src));
    }
    Dims shape;
    find_shape(data, &shape, 0);
    if (!type) {
      infer_dtype(data, &type);
      if (!type) type = default_dtype();
    }
    Tensor t = empty(shape, *type, {}, "tensor");
    int64_t at = 0;
    {
      // The data is a constant of a recording, however it is put together.
      struct Unseen {
        Interceptor* saved = modes().interceptor;
        ~Unseen() { modes().interceptor = saved; }
      } unseen;
      if (graph::tracer()) modes().interceptor = nullptr;
      fill(data, t, shape, 0, &at);
    }
    graph::note_made(t);
    return wrap(std::move(t));
  });
}

PyMethodDef functions[] = {{"_tensor_from_data", tensor_from_data, METH_VARARGS, nullptr}, {}};

}  // namespace

void init_construct(PyObject* module) { checked(PyModule_AddFunctions(module, functions)); }

}  // namespace rt::py
