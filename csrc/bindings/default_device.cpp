#include "bindings/default_device.h"

#include <cmath>

#include "ops/router.h"

namespace rt::py {

namespace {

// Per thread, as the modes of the core are.
struct Settings {
  std::optional<Device> device;  // none: the CPU
  std::vector<std::optional<Device>> outer;
  std::optional<RoutingMode> mode;  // as set by routing(); none: as the default device has it

  void apply() const {
    const bool placed = device && is_auto(*device);
    Router::of_thread().set_mode(mode.value_or(placed ? RoutingMode::Auto : RoutingMode::Off));
  }
};
Settings& settings() {
  static thread_local Settings s;
  return s;
}

// The table is made when somebody first asks for routing: it opens the engines of the chain.
void prepare_table() {
  Object module = checked(PyImport_ImportModule("rustorch.selector"));
  checked(PyObject_CallMethod(module.get(), "table", nullptr));
}

bool makes_tensors(const OpRecord& op) {
  for (const Argument& a : op.schema.args) {
    if (a.kind == ArgKind::Tensor || a.kind == ArgKind::TensorList) return false;
  }
  return true;
}

// What a new tensor will hold, as far as its arguments say.
struct Plan {
  DType dtype = default_dtype();
  int64_t size = 1;
};

Plan plan_of(const OpRecord& op, const Value* args) {
  Plan plan;
  double from = 0, to = 0, step = 1;
  const bool square = op.schema.name == "eye";
  bool range = false, shaped = false;
  for (size_t i = 0; i < op.schema.args.size(); ++i) {
    const std::string& name = op.schema.args[i].name;
    const Value& v = args[i];
    if (const auto* t = std::get_if<Tensor>(&v); t && t->defined() && !shaped) {
      plan = {t->dtype(), t->numel()};
      shaped = true;
    } else if (const auto* size = std::get_if<Dims>(&v); size && name == "size") {
      plan.size = 1;
      for (int64_t n : *size) plan.size *= std::max<int64_t>(n, 0);
    } else if (const auto* n = std::get_if<int64_t>(&v);
               n && (name == "n" || name == "m" || name == "steps")) {
      plan.size *= std::max<int64_t>(*n, 0) * (square ? std::max<int64_t>(*n, 0) : 1);
    } else if (v.is_scalar()) {
      if (v.scalar().is_complex()) {
        plan.dtype = complex_of(plan.dtype);
        continue;
      }
      if (name == "start") from = v.scalar().to_double();
      if (name == "step") step = v.scalar().to_double();
      if (name == "end") {
        to = v.scalar().to_double();
        range = true;
      }
    }
  }
  if (range && op.schema.index_of("steps") < 0 && step != 0) {
    const double count = std::ceil((to - from) / step);
    plan.size = count > 0 && count < 9e18 ? static_cast<int64_t>(count) : 0;
  }
  const int dtype = op.schema.index_of("dtype");
  if (dtype >= 0 && args[dtype].is<DType>()) plan.dtype = args[dtype].get<DType>();
  return plan;
}

}  // namespace

std::string device_text(Device d) { return is_auto(d) ? "auto" : to_string(d); }

Device to_device_or_auto(PyObject* o) { return is_auto_device(o) ? kAutoDevice : to_device(o); }

void settle_device(const OpRecord& op, Value* args, int at) {
  Value& device = args[at];
  if (device.is_none()) {
    const std::optional<Device>& preset = settings().device;
    if (!preset || !makes_tensors(op)) return;
    device = *preset;
  }
  if (!is_auto(device.get<Device>())) return;
  prepare_table();
  const Plan plan = plan_of(op, args);
  device = place(plan.dtype, plan.size);
}

void push_default_device(Device d) {
  if (is_auto(d)) prepare_table();
  Settings& s = settings();
  s.outer.push_back(s.device);
  s.device = d;
  s.apply();
}

// The mode of routing stays: what runs meanwhile is not seen by the router.
HostDefault::HostDefault() : saved_(std::exchange(settings().device, std::nullopt)) {}
HostDefault::~HostDefault() { settings().device = saved_; }

void pop_default_device() {
  Settings& s = settings();
  if (s.outer.empty()) return;
  s.device = s.outer.back();
  s.outer.pop_back();
  s.apply();
}

namespace {

PyObject* get_default_device(PyObject*, PyObject*) {
  if (!settings().device) Py_RETURN_NONE;
  return device_object(*settings().device);
}

PyObject* set_default_device(PyObject*, PyObject* device) {
  return guard([&]() -> PyObject* {
    std::optional<Device> wanted;
    if (device != Py_None) {
      RT_CHECK(is_device(device), Type, "set_default_device", "expects a device or its name",
               Py_TYPE(device)->tp_name, "\"cpu\", \"auto\" or None");
      wanted = to_device_or_auto(device);
      if (is_auto(*wanted)) {
        prepare_table();
      } else {
        engine_for(*wanted, "set_default_device");
      }
    }
    settings().device = wanted;
    settings().apply();
    Py_RETURN_NONE;
  });
}

// _set_routing(mode or None) -> what was set before.
PyObject* set_routing(PyObject*, PyObject* mode) {
  return guard([&]() -> PyObject* {
    Settings& s = settings();
    Object before =
        s.mode ? checked(PyLong_FromLong(static_cast<long>(*s.mode))) : Object::borrow(Py_None);
    if (mode == Py_None) {
      s.mode.reset();
    } else {
      const long m = PyLong_AsLong(mode);
      if (m == -1 && PyErr_Occurred()) throw PythonError{};
      RT_CHECK(m >= 0 && m <= static_cast<long>(RoutingMode::Strict), Value, "routing",
               "there is no such mode", cat_str(int64_t{m}));
      s.mode = static_cast<RoutingMode>(m);
    }
    s.apply();
    return before.release();
  });
}

PyObject* get_routing(PyObject*, PyObject*) {
  return PyLong_FromLong(static_cast<long>(Router::of_thread().mode()));
}

PyMethodDef functions[] = {{"_get_default_device", get_default_device, METH_NOARGS, nullptr},
                           {"_set_default_device", set_default_device, METH_O, nullptr},
                           {"_set_routing", set_routing, METH_O, nullptr},
                           {"_get_routing", get_routing, METH_NOARGS, nullptr},
                           {}};

}  // namespace

void init_default_device(PyObject* module) { checked(PyModule_AddFunctions(module, functions)); }

}  // namespace rt::py
