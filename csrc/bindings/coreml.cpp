// Core ML's engine as rustorch.coreml sees it: who executes, what compiles, programs, statistics.
// The compiler and the reference executor are Python; here they get their C++ faces.
#include "bindings/coreml.h"

#include <pybind11/pybind11.h>

#include "bindings/default_device.h"
#include "coreml/engine.h"
#include "coreml/programs.h"

PYBIND11_DECLARE_HOLDER_TYPE(T, rt::Ref<T>, true)

namespace rt::py {

namespace {

namespace pb = pybind11;
using coreml::Compiled;
using coreml::ComputeUnits;
using coreml::Executor;
using coreml::Failure;
using coreml::FailureKind;
using coreml::Feature;
using coreml::Interface;
using coreml::Program;

// Runs f with the GIL; what it raises goes on to Python through the core. `retried` errors are
// those of a prediction that may be made again.
template <class F>
auto with_gil(F&& f) {
  AcquireGil gil;
  const HostDefault on_host;
  try {
    return f();
  } catch (pb::error_already_set& e) {
    const pb::object failed = pb::module_::import("rustorch.errors").attr("InferenceFailed");
    if (e.matches(failed)) {
      throw Failure(FailureKind::InferenceFailed, e.value().attr("op").cast<std::string>(),
                    pb::str(e.value()).cast<std::string>());
    }
    e.restore();
    throw PythonError{};
  }
}

// A Python object that C++ holds; it is let go of with the GIL.
class Held {
 public:
  explicit Held(pb::object o) : object_(std::move(o)) {}
  ~Held() {
    AcquireGil gil;
    object_ = pb::object();
  }
  Held(const Held&) = delete;
  const pb::object& operator*() const { return object_; }

 private:
  pb::object object_;
};

pb::object owned(PyObject* o) { return pb::reinterpret_steal<pb::object>(checked(o).release()); }

pb::list list_of(TensorList tensors) {
  pb::list list;
  for (const Tensor& t : tensors) list.append(owned(wrap(t)));
  return list;
}
std::vector<Tensor> tensors_of(const pb::sequence& sequence) {
  std::vector<Tensor> list;
  for (pb::handle o : sequence) {
    RT_CHECK(is_tensor(o.ptr()), Type, "coreml", "expected a tensor", Py_TYPE(o.ptr())->tp_name);
    list.push_back(unwrap(o.ptr()));
  }
  return list;
}

pb::list features_object(const std::vector<Feature>& features) {
  pb::list list;
  for (const Feature& f : features) {
    list.append(pb::make_tuple(f.name, owned(dtype_object(f.dtype)), owned(size_object(f.sizes))));
  }
  return list;
}
std::vector<Feature> features_from(const pb::sequence& list) {
  std::vector<Feature> features;
  for (pb::handle o : list) {
    const auto f = pb::reinterpret_borrow<pb::sequence>(o);
    const pb::object dtype = f[1], sizes = f[2];
    features.push_back(
        {f[0].cast<std::string>(), to_dtype(dtype.ptr()), to_dims("coreml", "shape", sizes.ptr())});
  }
  return features;
}

class PythonProgram final : public Program {
 public:
  explicit PythonProgram(pb::object predict) : predict_(std::move(predict)) {}
  void predict(TensorList inputs, TensorList outputs) override {
    with_gil([&] { (*predict_)(list_of(inputs), list_of(outputs)); });
  }

 private:
  Held predict_;
};

class PythonExecutor final : public Executor {
 public:
  explicit PythonExecutor(pb::object o) : object_(std::move(o)) {}
  bool available(std::string*) override { return true; }
  std::string name() override { return text("name"); }
  std::string version() override { return text("version"); }
  void compile(const std::string& package, const std::string& compiled) override {
    with_gil([&] { (*object_).attr("compile")(package, compiled); });
  }
  Ref<Program> load(const std::string& compiled, const Interface& interface,
                    ComputeUnits units) override {
    return with_gil([&]() -> Ref<Program> {
      return make_ref<PythonProgram>(
          (*object_).attr("load")(compiled, features_object(interface.inputs),
                                  features_object(interface.outputs), static_cast<int>(units)));
    });
  }

 private:
  std::string text(const char* what) {
    return with_gil([&] { return (*object_).attr(what).cast<std::string>(); });
  }
  Held object_;
};

// A program with its interface, as Python holds it.
struct Loaded final : public RefCounted {
  Ref<Program> program;
  Interface interface;
};

Executor& executor_in_use(const char* op) {
  Executor* e = coreml::executor();
  std::string why = "Core ML is part of macOS";
  RT_CHECK(e && e->available(&why), DeviceNotAvailable, op,
           cat_str("device 'coreml' is not available: ", why), "",
           "rustorch.coreml.use_reference()");
  return *e;
}

// _coreml_set_executor(object or None): Python's executor, or the platform's again.
void set_executor(const pb::object& o) {
  if (o.is_none()) return coreml::set_executor(nullptr);
  // They live as long as the process, as a call may be under way in any thread.
  static auto& known = *new std::vector<std::pair<PyObject*, PythonExecutor*>>;
  PythonExecutor* found = nullptr;
  for (const auto& [object, executor] : known) found = object == o.ptr() ? executor : found;
  if (!found) known.emplace_back(o.ptr(), found = new PythonExecutor(o));
  coreml::set_executor(found);
  coreml::use_whole_ops();
}

// (name, version), or None without an executor.
pb::object executor_info() {
  Executor* e = coreml::executor();
  if (!e || !e->available(nullptr)) return pb::none();
  return pb::make_tuple(e->name(), e->version());
}

void compile_package(const std::string& package, const std::string& compiled) {
  Executor& e = executor_in_use("coreml");
  ReleaseGil released(true);
  e.compile(package, compiled);
}

Ref<Loaded> load_program(const std::string& path, const pb::sequence& inputs,
                         const pb::sequence& outputs, int units) {
  RT_CHECK(units >= 0 && units <= static_cast<int>(ComputeUnits::CpuOnly), Value, "coreml",
           "there are no such compute units", cat_str(units));
  Executor& e = executor_in_use("coreml");
  auto loaded = make_ref<Loaded>();
  loaded->interface = {features_from(inputs), features_from(outputs)};
  ReleaseGil released(true);
  loaded->program = e.load(path, loaded->interface, static_cast<ComputeUnits>(units));
  return loaded;
}

void predict(const Loaded& loaded, const pb::sequence& inputs, const pb::sequence& outputs) {
  const std::vector<Tensor> in = tensors_of(inputs), out = tensors_of(outputs);
  ReleaseGil released(true);
  coreml::predict(*loaded.program, loaded.interface, in, out);
}

// ---- The compiler ----

PyObject* g_compiler = nullptr;  // set by rustorch.coreml, with the GIL; never let go of

Compiled compile_op(const OpRecord& op, const Ref<graph::Graph>& graph) {
  return with_gil([&]() -> Compiled {
    const pb::object made =
        pb::reinterpret_borrow<pb::object>(g_compiler)(op.schema.name, pb::cast(graph));
    Compiled compiled;
    if (pb::isinstance<pb::str>(made)) {
      compiled.lacks = made.cast<std::string>();
    } else {
      const auto& loaded = made.cast<const Loaded&>();
      compiled.program = loaded.program;
      compiled.interface = loaded.interface;
    }
    return compiled;
  });
}

// _coreml_set_compiler(f, ops): f(op, graph) gives a program, or says why there is none.
void set_compiler(const pb::object& f, const pb::sequence& ops) {
  std::vector<const OpRecord*> records;
  for (pb::handle name : ops) {
    if (const OpRecord* op = find_op(name.cast<std::string>())) records.push_back(op);
  }
  PyObject* before = std::exchange(g_compiler, pb::object(f).release().ptr());
  coreml::set_compiler(&compile_op, std::move(records));
  Py_XDECREF(before);
}

void load_compiler() {
  with_gil([] { pb::module_::import("rustorch.coreml.engine"); });
}

pb::dict stats() {
  const coreml::EngineStats s = coreml::engine_stats();
  pb::dict d;
  d["programs"] = s.programs;
  d["program_hits"] = s.program_hits;
  d["program_misses"] = s.program_misses;
  d["predictions"] = s.predictions;
  d["predict_seconds"] = static_cast<double>(s.predict_ns) * 1e-9;
  d["retries"] = s.retries;
  d["refusals"] = s.refusals;
  d["copied_bytes"] = s.copied_bytes;
  d["on_host"] = s.on_host;
  pb::dict ops;
  for (const coreml::OpProfile& p : coreml::op_profiles()) {
    ops[pb::str(p.op)] = pb::make_tuple(p.calls, static_cast<double>(p.nanoseconds) * 1e-9);
  }
  d["ops"] = ops;
  return d;
}

}  // namespace

void init_coreml(PyObject* module) {
  auto m = pb::reinterpret_borrow<pb::module_>(module);
  pb::class_<Loaded, Ref<Loaded>>(m, "_CoreMLProgram")
      .def_property_readonly("inputs",
                             [](const Loaded& l) { return features_object(l.interface.inputs); })
      .def_property_readonly("outputs",
                             [](const Loaded& l) { return features_object(l.interface.outputs); })
      .def("predict", &predict);
  m.def("_coreml_set_executor", &set_executor);
  m.def("_coreml_executor", &executor_info);
  m.def("_coreml_compile", &compile_package);
  m.def("_coreml_load", &load_program);
  m.def("_coreml_set_compiler", &set_compiler);
  m.def("_coreml_forget", &coreml::forget_programs);
  m.def("_coreml_set_profiling", &coreml::set_profiling);
  m.def("_coreml_stats", &stats);
  m.def("_coreml_reset_stats", &coreml::reset_engine_stats);
  coreml::set_compiler_loader(&load_compiler);
}

}  // namespace rt::py
