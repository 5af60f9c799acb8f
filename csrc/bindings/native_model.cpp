// Users' models in Core ML, for rustorch.coreml.native. Not in builds without Core ML: there is
// then only the reason why not.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "bindings/python.h"
#include "coreml/native.h"

PYBIND11_DECLARE_HOLDER_TYPE(T, rt::Ref<T>, true)

namespace rt::py {

namespace {

namespace pb = pybind11;
using coreml::NamedTensors;
using coreml::NativeModel;
using coreml::NativeState;

coreml::NativeModels& models() {
  std::string why;
  coreml::NativeModels* m = coreml::native_models(&why);
  RT_CHECK(m, DeviceNotAvailable, "coreml", why, "engine='coreml'", "engine='rustorch'");
  return *m;
}

NamedTensors named(const pb::dict& values) {
  NamedTensors list;
  for (const auto& [name, value] : values) {
    RT_CHECK(is_tensor(value.ptr()), Type, "predict", "expected a tensor",
             Py_TYPE(value.ptr())->tp_name);
    list.emplace_back(name.cast<std::string>(), unwrap(value.ptr()));
  }
  return list;
}
pb::dict named(const NamedTensors& tensors) {
  pb::dict d;
  for (const auto& [name, t] : tensors) {
    d[name.c_str()] = pb::reinterpret_steal<pb::object>(checked(wrap(t)).release());
  }
  return d;
}

pb::dict predict(NativeModel& model, const pb::dict& inputs, NativeState* state) {
  const NamedTensors given = named(inputs);
  NamedTensors outputs;
  {
    ReleaseGil released(true);
    outputs = model.predict(given, state);
  }
  return named(outputs);
}

// A Python callable that may be called, and let go of, on a thread of Core ML's.
class Callback {
 public:
  explicit Callback(pb::function f) : f_(new pb::function(std::move(f))) {}
  Callback(const Callback&) = delete;
  ~Callback() {
    AcquireGil gil;
    delete f_;
  }
  // done(outputs, None), or done(None, error).
  void call(const NamedTensors& outputs, const std::exception_ptr& error) const {
    AcquireGil gil;
    try {
      if (error) {
        (*f_)(pb::none(), python_error(error));
      } else {
        (*f_)(named(outputs), pb::none());
      }
    } catch (pb::error_already_set& e) {
      e.discard_as_unraisable("a callback of predict_async");
    }
  }

 private:
  static pb::object python_error(const std::exception_ptr& error) {
    try {
      std::rethrow_exception(error);
    } catch (...) {
      set_error_from_exception();
    }
    PyObject *type = nullptr, *value = nullptr, *trace = nullptr;
    PyErr_Fetch(&type, &value, &trace);
    PyErr_NormalizeException(&type, &value, &trace);
    Py_XDECREF(type);
    Py_XDECREF(trace);
    return pb::reinterpret_steal<pb::object>(value);
  }
  pb::function* f_;
};

void predict_async(NativeModel& model, const pb::dict& inputs, NativeState* state,
                   pb::function done) {
  const NamedTensors given = named(inputs);
  const auto callback = std::make_shared<Callback>(std::move(done));
  ReleaseGil released(true);
  model.predict_async(given, state,
                      [callback](const NamedTensors& outputs, const std::exception_ptr& error) {
                        callback->call(outputs, error);
                      });
}

pb::tuple report(NativeModel& model) {
  std::vector<coreml::OperationReport> found;
  {
    ReleaseGil released(true);
    found = model.report();
  }
  pb::list rows;
  for (const coreml::OperationReport& r : found) {
    pb::list supported;
    for (coreml::Where w : r.supported) supported.append(coreml::name(w));
    pb::dict row;
    row["operation"] = r.op;
    row["result"] = r.name;
    row["runs_on"] = coreml::name(r.preferred);
    row["could_run_on"] = supported;
    row["cost"] = r.cost;
    rows.append(row);
  }
  return pb::make_tuple(rows, coreml::table(found));
}

}  // namespace

void init_native_model(PyObject* module) {
  auto m = pb::reinterpret_borrow<pb::module_>(module);
  pb::class_<NativeState, Ref<NativeState>>(m, "_NativeState");
  pb::class_<NativeModel, Ref<NativeModel>>(m, "_NativeModel")
      .def("predict", &predict, pb::arg("inputs"), pb::arg("state").none(true))
      .def("predict_async", &predict_async, pb::arg("inputs"), pb::arg("state").none(true),
           pb::arg("done"))
      .def("make_state", &NativeModel::make_state)
      .def("report", &report);
  m.def("_native_models_why_not", []() -> pb::object {
    std::string why;
    return coreml::native_models(&why) ? pb::object(pb::none()) : pb::object(pb::str(why));
  });
  m.def("_native_models_version", [] { return models().version(); });
  m.def("_native_models_compile", [](const std::string& package, const std::string& compiled) {
    coreml::NativeModels& all = models();
    ReleaseGil released(true);
    all.compile(package, compiled);
  });
  m.def("_native_models_open",
        [](const std::string& compiled, const std::string& units, const std::string& function) {
          coreml::NativeModels& all = models();
          const coreml::ComputeUnits u = coreml::parse_compute_units(units);
          ReleaseGil released(true);
          return all.open(compiled, u, function);
        });
}

}  // namespace rt::py
