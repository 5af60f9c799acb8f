#include "bindings/libraries.h"

#include <string_view>

#include "gpu/dense_library.h"
#include "gpu/engine.h"

namespace rt::py {

namespace {

// Of the libraries of a device, opened if they are not yet.
PyObject* library_reports(PyObject*, PyObject* device) {
  return guard([&]() -> PyObject* {
    const Device d = to_device(device);
    auto& engine = static_cast<gpu::GpuEngine&>(engine_for(d, "libraries"));
    std::vector<gpu::LibraryReport> reports;
    if (gpu::DenseLibrary* library = engine.compute(d).dense_library()) {
      const ReleaseGil released(true);
      reports = library->reports();
    }
    Object list = checked(PyList_New(0));
    for (const gpu::LibraryReport& r : reports) {
      Object refusals = checked(PyList_New(0));
      for (const std::string& text : r.refusals) {
        checked(PyList_Append(refusals.get(), checked(PyUnicode_FromString(text.c_str())).get()));
      }
      const Object report = checked(
          Py_BuildValue("{s:s,s:s,s:s,s:L,s:L,s:O}", "name", r.name.c_str(), "path", r.path.c_str(),
                        "why_not", r.why_not.c_str(), "version", static_cast<long long>(r.version),
                        "calls", static_cast<long long>(r.calls), "refusals", refusals.get()));
      checked(PyList_Append(list.get(), report.get()));
    }
    return list.release();
  });
}

std::atomic<bool>& setting(PyObject* name) {
  RT_CHECK(PyUnicode_Check(name), Type, "_library_setting", "expects the name of a setting");
  const char* text = PyUnicode_AsUTF8(name);
  const std::string_view wanted = text ? text : "";
  gpu::LibrarySettings& all = gpu::library_settings();
  const std::pair<const char*, std::atomic<bool>*> named[] = {
      {"products", &all.products},
      {"products_tf32", &all.products_tf32},
      {"convolutions", &all.convolutions},
      {"convolutions_tf32", &all.convolutions_tf32},
      {"deterministic", &all.deterministic}};
  for (const auto& [known, value] : named) {
    if (wanted == known) return *value;
  }
  RT_FAIL(Value, "_library_setting", "there is no such setting", std::string(wanted));
}

PyObject* library_setting(PyObject*, PyObject* name) {
  return guard([&]() -> PyObject* { return PyBool_FromLong(setting(name)); });
}

PyObject* set_library_setting(PyObject*, PyObject* args) {
  PyObject* name = nullptr;
  int value = 0;
  if (!PyArg_ParseTuple(args, "Op:_set_library_setting", &name, &value)) return nullptr;
  return guard([&]() -> PyObject* {
    setting(name) = value != 0;
    Py_RETURN_NONE;
  });
}

// A line of the logger's lowest level. What goes wrong here is no concern of the op that runs.
void log_in_python(const std::string& message) {
  if (!Py_IsInitialized()) return;
  AcquireGil gil;
  PyObject *type, *value, *trace;
  PyErr_Fetch(&type, &value, &trace);
  const Object log(PyImport_ImportModule("rustorch._log"));
  if (log.get()) {
    const Object done(PyObject_CallMethod(log.get(), "debug", "ss", "%s", message.c_str()));
  }
  if (PyErr_Occurred()) PyErr_WriteUnraisable(nullptr);
  PyErr_Restore(type, value, trace);
}

}  // namespace

PyMethodDef library_functions[] = {
    {"_library_reports", library_reports, METH_O, nullptr},
    {"_library_setting", library_setting, METH_O, nullptr},
    {"_set_library_setting", set_library_setting, METH_VARARGS, nullptr},
    {}};

void start_library_log() { gpu::set_library_log(&log_in_python); }

}  // namespace rt::py
