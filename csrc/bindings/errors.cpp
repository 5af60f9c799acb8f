// rustorch.errors holds the classes; here a C++ exception finds its own.
#include <unistd.h>

#include <new>

#include "bindings/python.h"
#include "core/assertion.h"
#include "core/warning.h"
#include "coreml/executor.h"

namespace rt::py {

namespace {

const char* class_name(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::Runtime:
      return "OpError";
    case ErrorKind::Type:
      return "DTypeError";
    case ErrorKind::Value:
      return "ArgumentError";
    case ErrorKind::Index:
      return "OutOfRangeError";
    case ErrorKind::NotImplemented:
    case ErrorKind::MissingKernel:
      return "UnsupportedOperation";
    case ErrorKind::OutOfMemory:
      return "OutOfMemoryError";
    case ErrorKind::LinAlg:
      return "LinAlgError";
    case ErrorKind::DeviceNotAvailable:
      return "DeviceNotAvailable";
  }
  return "OpError";
}

const char* class_name(coreml::FailureKind kind) {
  switch (kind) {
    case coreml::FailureKind::ModelCompilationFailed:
      return "ModelCompilationFailed";
    case coreml::FailureKind::InferenceFailed:
      return "InferenceFailed";
    case coreml::FailureKind::MemoryAllocationFailed:
      return "MemoryAllocationFailed";
    case coreml::FailureKind::TensorShapeMismatch:
      return "TensorShapeMismatch";
  }
  return "OpError";
}

const char* class_name(const Error& e) {
  if (dynamic_cast<const AssertionFailed*>(&e)) return "AssumptionError";
  if (const auto* f = dynamic_cast<const coreml::Failure*>(&e)) return class_name(f->failure());
  return class_name(e.kind());
}

void raise(const Error& e) {
  Object module(PyImport_ImportModule("rustorch.errors"));
  if (!module) return;
  Object cls(PyObject_GetAttrString(module.get(), class_name(e)));
  if (!cls) return;
  Object kwargs(Py_BuildValue("{s:s,s:s,s:s}", "op", e.op().c_str(), "got", e.got().c_str(), "hint",
                              e.hint().c_str()));
  Object args(Py_BuildValue("(s)", e.what()));
  if (!kwargs || !args) return;
  Object instance(PyObject_Call(cls.get(), args.get(), kwargs.get()));
  if (instance) PyErr_SetObject(cls.get(), instance.get());
}

}  // namespace

namespace {
[[noreturn]] void sleep_until_exit() {
  for (;;) pause();
}
}  // namespace

void restore_gil(PyThreadState* state) noexcept {
  try {
    PyEval_RestoreThread(state);
  } catch (...) {
    sleep_until_exit();
  }
}

PyGILState_STATE ensure_gil() noexcept {
  try {
    return PyGILState_Ensure();
  } catch (...) {
    sleep_until_exit();
  }
}

namespace {
// The core's warnings are Python's; an error where the user made them so.
void warn_in_python(const std::string& message) {
  AcquireGil gil;
  checked(PyErr_WarnEx(PyExc_UserWarning, message.c_str(), 1));
}
const bool warnings_set = (set_warning_handler(&warn_in_python), true);
}  // namespace

void set_error_from_exception() noexcept {
  try {
    throw;
  } catch (const PythonError&) {
    // already set
  } catch (const Error& e) {
    if (!PyErr_Occurred()) raise(e);
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
  } catch (const std::exception& e) {
    PyErr_SetString(PyExc_RuntimeError, e.what());
  }
}

}  // namespace rt::py
