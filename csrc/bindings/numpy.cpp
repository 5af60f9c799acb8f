// NumPy arrays and tensors over one memory. NumPy itself is never imported here: arrays come in
// through the buffer protocol and go out through __array_interface__.
#include <cstring>

#include "bindings/python.h"
#include "core/warning.h"

namespace rt::py {

namespace {

// Keeps an exported buffer, and through it its array, alive.
class BufferOwner final : public MemoryOwner {
 public:
  explicit BufferOwner(const Py_buffer& view) : view_(view) {}
  ~BufferOwner() override {
    if (!Py_IsInitialized()) return;
    AcquireGil gil;
    PyBuffer_Release(&view_);
  }

 private:
  Py_buffer view_;
};

[[noreturn]] void unsupported(const std::string& what) {
  RT_FAIL(Type, "from_numpy",
          "can't convert an array of this dtype. The supported types are: float64, float32, "
          "float16, complex64, "
          "complex128, int64, int32, int16, int8, uint8, and bool.",
          what, "array.astype(...)");
}

DType dtype_of_format(const Py_buffer& v) {
  const char* f = v.format ? v.format : "B";
  if (*f == '@' || *f == '=' || *f == '<') ++f;
  RT_CHECK(*f != '>' && *f != '!', Value, "from_numpy",
           "given numpy array has byte order different from the native byte order", v.format,
           "array.astype(array.dtype.newbyteorder('='))");
  const auto sized_int = [&](bool is_signed) {
    switch (v.itemsize) {
      case 1:
        return is_signed ? DType::Int8 : DType::UInt8;
      case 2:
        if (is_signed) return DType::Int16;
        break;
      case 4:
        if (is_signed) return DType::Int32;
        break;
      case 8:
        if (is_signed) return DType::Int64;
        break;
    }
    unsupported(cat_str("format '", f, "' of ", static_cast<int64_t>(v.itemsize), " bytes"));
  };
  switch (*f) {
    case '?':
      return DType::Bool;
    case 'b':
    case 'h':
    case 'i':
    case 'l':
    case 'q':
    case 'n':
      return sized_int(true);
    case 'B':
    case 'H':
    case 'I':
    case 'L':
    case 'Q':
    case 'N':
      return sized_int(false);
    case 'e':
      return DType::Float16;
    case 'f':
      return DType::Float32;
    case 'd':
      return DType::Float64;
    case 'Z':
      if (f[1] == 'f') return DType::Complex64;
      if (f[1] == 'd') return DType::Complex128;
      break;
  }
  unsupported(cat_str("format '", f, "'"));
}

}  // namespace

Tensor tensor_from_numpy(PyObject* array) {
  Py_buffer view;
  bool read_only = false;
  if (PyObject_GetBuffer(array, &view, PyBUF_STRIDES | PyBUF_FORMAT | PyBUF_WRITABLE) < 0) {
    PyErr_Clear();
    if (PyObject_GetBuffer(array, &view, PyBUF_STRIDES | PyBUF_FORMAT) < 0) {
      PyErr_Clear();
      Object dtype = checked(PyObject_GetAttrString(array, "dtype"));
      unsupported(PyUnicode_AsUTF8(checked(PyObject_Str(dtype.get())).get()));
    }
    read_only = true;
  }
  auto owner = std::make_unique<BufferOwner>(view);
  const DType dtype = dtype_of_format(view);
  const int64_t item = static_cast<int64_t>(view.itemsize);
  Dims sizes, strides;
  int64_t reach = view.len == 0 ? 0 : item;
  for (int d = 0; d < view.ndim; ++d) {
    const int64_t step = view.strides ? view.strides[d] : item;
    RT_CHECK(step >= 0 || view.shape[d] <= 1, Value, "from_numpy",
             "At least one stride in the given numpy array is negative, and tensors with negative "
             "strides are "
             "not currently supported.",
             "", "array.copy()");
    RT_CHECK(step % item == 0 || view.shape[d] <= 1, Value, "from_numpy",
             "given numpy array strides not a multiple of the element byte size", "",
             "array.copy()");
    sizes.push_back(view.shape[d]);
    strides.push_back(view.shape[d] <= 1 && step < 0 ? 1 : step / item);
    if (view.len > 0) reach += (view.shape[d] - 1) * step;
  }
  const int64_t alignment = is_complex(dtype) ? item / 2 : item;
  RT_CHECK(reinterpret_cast<uintptr_t>(view.buf) % static_cast<uintptr_t>(alignment) == 0, Value,
           "from_numpy", "the array's memory is not aligned to its element type", name(dtype),
           "array.copy()");
  Ref<Storage> storage = wrap_memory(view.buf, static_cast<size_t>(reach), {}, std::move(owner));
  storage->set_read_only(read_only);
  return from_memory(std::move(storage), dtype, sizes, strides);
}

Tensor tensor_of_array(PyObject* array) {
  try {
    return tensor_from_numpy(array);
  } catch (const Error& e) {
    // Negative strides, foreign byte order, odd alignment: a copy has none of them.
    if (e.kind() != ErrorKind::Value) throw;
  }
  Object dtype = checked(PyObject_GetAttrString(array, "dtype"));
  Object native = checked(PyObject_CallMethod(dtype.get(), "newbyteorder", "s", "="));
  return tensor_from_numpy(
      checked(PyObject_CallMethod(array, "astype", "Os", native.get(), "C")).get());
}

namespace {

Tensor over_array(PyObject* array) {
  RT_CHECK(is_numpy_array(array), Type, "from_numpy",
           cat_str("expected np.ndarray (got ", Py_TYPE(array)->tp_name, ")"), "",
           "rustorch.tensor(...) or rustorch.asarray(...)");
  return tensor_from_numpy(array);
}

PyObject* from_numpy(PyObject*, PyObject* array) {
  return guard([&]() -> PyObject* {
    Tensor t = over_array(array);
    if (t.storage()->read_only()) {
      warn("from_numpy",
           "The given NumPy array is not writable, so its tensor is non-writable too: to write to "
           "it in place is an error; try a copy");
    }
    return wrap(std::move(t));
  });
}

// The same for arrays that the library itself was handed: nobody is told that they are read-only.
PyObject* from_array(PyObject*, PyObject* array) {
  return guard([&]() -> PyObject* { return wrap(over_array(array)); });
}

// _frombuffer(buffer, dtype, count, offset): a 1-D tensor over the bytes of any buffer.
PyObject* from_buffer(PyObject*, PyObject* args) {
  PyObject *buffer, *dtype;
  long long count = -1, offset = 0;
  if (!PyArg_ParseTuple(args, "OOLL:_frombuffer", &buffer, &dtype, &count, &offset)) return nullptr;
  return guard([&]() -> PyObject* {
    const DType type = to_dtype(dtype);
    Py_buffer view;
    bool read_only = false;
    if (PyObject_GetBuffer(buffer, &view, PyBUF_WRITABLE) < 0) {
      if (!PyErr_ExceptionMatches(PyExc_BufferError)) {
        PyErr_Clear();
        RT_FAIL(Value, "frombuffer", "object does not implement Python buffer protocol.",
                Py_TYPE(buffer)->tp_name);
      }
      PyErr_Clear();
      if (PyObject_GetBuffer(buffer, &view, PyBUF_SIMPLE) < 0) throw PythonError{};
      read_only = true;
    }
    auto owner = std::make_unique<BufferOwner>(view);
    const int64_t length = view.len, item = static_cast<int64_t>(item_size(type));
    RT_CHECK(length > 0 && count != 0, Value, "frombuffer",
             cat_str("both buffer length (", length, ") and count (", int64_t{count},
                     ") must not be 0"));
    RT_CHECK(offset >= 0 && offset < length, Value, "frombuffer",
             cat_str("offset (", int64_t{offset},
                     " bytes) must be non-negative and no greater than buffer length (", length,
                     " bytes) minus 1"));
    RT_CHECK(count > 0 || (length - offset) % item == 0, Value, "frombuffer",
             cat_str("buffer length (", int64_t{length - offset}, " bytes) after offset (",
                     int64_t{offset}, " bytes) must be a multiple of element size (", item, ")"));
    const int64_t n = count < 0 ? (length - offset) / item : count;
    RT_CHECK(n <= (length - offset) / item, Value, "frombuffer",
             cat_str("requested buffer length (", n, " * ", item, " bytes) after offset (",
                     int64_t{offset}, " bytes) must not be greater than actual buffer length (",
                     length, " bytes)"));
    char* data = static_cast<char*>(view.buf) + offset;
    const size_t alignment = static_cast<size_t>(is_complex(type) ? item / 2 : item);
    RT_CHECK(reinterpret_cast<uintptr_t>(data) % alignment == 0, Value, "frombuffer",
             "the memory is not aligned to the element type", name(type), "a copy of the buffer");
    Ref<Storage> storage = wrap_memory(data, static_cast<size_t>(n * item), {}, std::move(owner));
    storage->set_read_only(read_only);
    return wrap(from_memory(std::move(storage), type, Dims{n}, Dims{1}));
  });
}

PyMethodDef functions[] = {
    {"from_numpy", from_numpy, METH_O,
     "from_numpy(ndarray)\n--\n\n"
     "A tensor over the memory of a NumPy array; writes through either are seen by both.\n\n"
     "A read-only array gives a tensor that refuses in-place writes, and a warning. Raises "
     "TypeError for other "
     "objects and\n"
     "for dtypes without a counterpart, ValueError for negative strides and foreign byte order.\n"
     "Follows `torch.from_numpy`.\n\n"
     ">>> import numpy as np\n"
     ">>> array = np.zeros(2)\n"
     ">>> rt.from_numpy(array).add_(1)\n"
     "tensor([1., 1.], dtype=rustorch.float64)\n"
     ">>> array\n"
     "array([1., 1.])\n"},
    {"_from_numpy", from_array, METH_O, nullptr},
    {"_frombuffer", from_buffer, METH_VARARGS, nullptr},
    {}};

}  // namespace

void init_numpy(PyObject* module) { checked(PyModule_AddFunctions(module, functions)); }

}  // namespace rt::py
