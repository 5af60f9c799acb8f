// NumPy arrays and tensors over one memory. NumPy itself is never imported here: arrays come in
// through the buffer protocol and go out through __array_interface__.
#include <cstring>

#include "bindings/python.h"

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
    RT_FAIL(Type, "from_numpy", "there is no tensor dtype for this array", cat_str("format '", f, "'"),
            "array.astype(...) to bool, uint8, int8 to int64, float16 to float64, complex64 or complex128");
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
  RT_FAIL(Type, "from_numpy",
          "can't convert an array of this dtype. The supported types are: float64, float32, float16, complex64, "
          "complex128, int64, int32, int16, int8, uint8, and bool.",
          cat_str("format '", f, "'"), "array.astype(...)");
}

}  // namespace

Tensor tensor_from_numpy(PyObject* array) {
  Py_buffer view;
  bool read_only = false;
  if (PyObject_GetBuffer(array, &view, PyBUF_STRIDES | PyBUF_FORMAT | PyBUF_WRITABLE) < 0) {
    PyErr_Clear();
    if (PyObject_GetBuffer(array, &view, PyBUF_STRIDES | PyBUF_FORMAT) < 0) throw PythonError{};
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
             "At least one stride in the given numpy array is negative, and tensors with negative strides are "
             "not currently supported.",
             "", "array.copy()");
    RT_CHECK(step % item == 0 || view.shape[d] <= 1, Value, "from_numpy",
             "given numpy array strides not a multiple of the element byte size", "", "array.copy()");
    sizes.push_back(view.shape[d]);
    strides.push_back(view.shape[d] <= 1 && step < 0 ? 1 : step / item);
    if (view.len > 0) reach += (view.shape[d] - 1) * step;
  }
  Ref<Storage> storage = wrap_memory(view.buf, static_cast<size_t>(reach), {}, std::move(owner));
  storage->set_read_only(read_only);
  return from_memory(std::move(storage), dtype, sizes, strides);
}

}  // namespace rt::py
