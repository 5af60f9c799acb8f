// What every binding file shares: the wrappers between Python objects and the core's types, and the
// turn of C++ exceptions into Python's.
#pragma once

#include <Python.h>
#include <structmember.h>

#include <utility>

#include "core/tensor.h"
#include "ops/record.h"

namespace rt::py {

// Owns one reference.
class Object {
 public:
  Object() = default;
  explicit Object(PyObject* owned) : p_(owned) {}
  static Object borrow(PyObject* p) {
    Py_XINCREF(p);
    return Object(p);
  }
  Object(Object&& o) noexcept : p_(std::exchange(o.p_, nullptr)) {}
  Object(const Object& o) : p_(o.p_) { Py_XINCREF(p_); }
  Object& operator=(Object o) noexcept {
    std::swap(p_, o.p_);
    return *this;
  }
  ~Object() { Py_XDECREF(p_); }
  PyObject* get() const { return p_; }
  PyObject* release() { return std::exchange(p_, nullptr); }
  explicit operator bool() const { return p_ != nullptr; }

 private:
  PyObject* p_ = nullptr;
};

// A Python exception is set; unwinds to the nearest guard().
struct PythonError {};
inline Object checked(PyObject* p) {
  if (!p) throw PythonError{};
  return Object(p);
}
inline void checked(int status) {
  if (status < 0) throw PythonError{};
}

// Sets the Python exception for the C++ exception in flight.
void set_error_from_exception() noexcept;

// Runs f; a C++ exception becomes a Python one and `failure` is returned.
template <class F, class R>
R guard(F&& f, R failure) noexcept {
  try {
    return f();
  } catch (...) {
    set_error_from_exception();
    return failure;
  }
}
template <class F>
PyObject* guard(F&& f) noexcept {
  return guard(std::forward<F>(f), static_cast<PyObject*>(nullptr));
}

// Take the lock again, or for the first time. Once the interpreter is going down, CPython ends any
// other thread that asks (pthread_exit), which would unwind through our destructors and abort the
// process; such a thread sleeps instead until the process is gone.
void restore_gil(PyThreadState* state) noexcept;
PyGILState_STATE ensure_gil() noexcept;

class ReleaseGil {
 public:
  // Small work keeps the lock: handing it over costs more than the work.
  explicit ReleaseGil(bool release) : state_(release ? PyEval_SaveThread() : nullptr) {}
  ~ReleaseGil() {
    if (state_) restore_gil(state_);
  }
  ReleaseGil(const ReleaseGil&) = delete;

 private:
  PyThreadState* state_;
};
class AcquireGil {
 public:
  AcquireGil() : state_(ensure_gil()) {}
  ~AcquireGil() { PyGILState_Release(state_); }
  AcquireGil(const AcquireGil&) = delete;

 private:
  PyGILState_STATE state_;
};
// Elements above which an op runs without the lock.
inline constexpr int64_t kReleaseGilAbove = 8192;

// ---- Tensors ----
struct TensorObject {
  PyObject_HEAD
  Tensor tensor;
  PyObject* dict;
  PyObject* weakrefs;
};
extern PyTypeObject* tensor_type;
inline bool is_tensor(PyObject* o) {
  return Py_TYPE(o) == tensor_type || PyType_IsSubtype(Py_TYPE(o), tensor_type);
}
inline const Tensor& unwrap(PyObject* o) { return reinterpret_cast<TensorObject*>(o)->tensor; }
PyObject* wrap(Tensor t);  // None if undefined; the same object while one lives
PyObject* wrap_as(PyTypeObject* type, Tensor t);  // a new object of a subclass of Tensor
PyObject* to_python(const Value& v);
PyObject* to_python(const Scalar& s);

// ---- dtype, device, Size ----
PyObject* dtype_object(DType t);  // new reference
bool is_dtype(PyObject* o);       // a dtype, a Python number type, or a NumPy type
DType to_dtype(PyObject* o);
PyObject* device_object(Device d);
bool is_device(PyObject* o);
Device to_device(PyObject* o);
PyObject* size_object(IntList sizes);

// ---- Numbers and arrays ----
bool is_number(PyObject* o);  // bool, int, float, complex or a NumPy scalar
Scalar to_scalar(PyObject* o);
bool is_numpy_array(PyObject* o);
Tensor tensor_from_numpy(PyObject* array);  // shares memory, or raises
Tensor tensor_of_array(PyObject* array);    // shares memory where it can, else copies

// Converts one argument that accepts() has let through.
Value to_value(const char* op, const Argument& a, PyObject* o);
// Whether the object has a type that the argument takes (overloads are chosen by it).
bool accepts(const Argument& a, PyObject* o);
// none_ok: None among the ints stands for -1, as in int?[2].
Dims to_dims(const char* op, const char* arg, PyObject* o, bool none_ok = false);

// Calls an op with boxed arguments and wraps what it returns.
PyObject* call_op(const OpRecord& op, const Value* args);
PyObject* call_op_inplace(const OpRecord& op, PyObject* self, const Value* args);

// A callable over the overloads of a name, as a function or as a method.
PyObject* make_op_callable(const char* name, std::vector<const OpRecord*> overloads, bool method,
                           bool inplace);

// ---- Parts of the module, one a file ----
void init_errors(PyObject* module);
void init_types(PyObject* module);
void init_tensor(PyObject* module);
void init_ops(PyObject* module);
void init_construct(PyObject* module);
void init_numpy(PyObject* module);
void init_storage(PyObject* module);
void init_streams(PyObject* module);
void init_dlpack(PyObject* module);
void init_printing(PyObject* module);
void init_registry(PyObject* module);
void init_runtime(PyObject* module);
void init_bench(PyObject* module);
void init_graph(PyObject* module);
void init_mlcompute(PyObject* module);
void init_native_model(PyObject* module);
PyNumberMethods* number_methods();
PyObject* rich_compare(PyObject* a, PyObject* b, int op);
PyGetSetDef* tensor_properties();
PyObject* get_item(PyObject* self, PyObject* key);
int set_item(PyObject* self, PyObject* key, PyObject* value);
PyObject* iterate(PyObject* self);
int get_buffer(PyObject* tensor, Py_buffer* view, int flags);
void release_buffer(PyObject* tensor, Py_buffer* view);
PyMethodDef* tensor_methods();

}  // namespace rt::py
