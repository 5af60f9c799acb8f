// The routing table, what was routed, and what engines there are, as rustorch.selector sees them.
#include "bindings/default_device.h"
#include "coreml/executor.h"
#include "gpu/engine.h"
#include "ops/elementwise.h"
#include "ops/reduction.h"
#include "ops/router.h"

namespace rt::py {

namespace {

Object text(const std::string& s) { return checked(PyUnicode_FromString(s.c_str())); }
Object number(int64_t v) { return checked(PyLong_FromLongLong(v)); }
void append(const Object& list, const Object& item) {
  checked(PyList_Append(list.get(), item.get()));
}
DeviceType engine_named(PyObject* name) {
  for (int i = 0; i < kNumDeviceTypes; ++i) {
    const auto type = static_cast<DeviceType>(i);
    if (PyUnicode_Check(name) && !PyUnicode_CompareWithASCIIString(name, rt::name(type))) {
      return type;
    }
  }
  RT_FAIL(
      Value, "selector", "there is no engine of this name",
      cat_str("'", PyUnicode_Check(name) ? PyUnicode_AsUTF8(name) : Py_TYPE(name)->tp_name, "'"));
}

// ---- Engines ----

// _engine_info(name): why it is not available (empty if it is), and a description and the memory of
// each of its devices. Opens the engine.
PyObject* engine_info(PyObject*, PyObject* name) {
  return guard([&]() -> PyObject* {
    const DeviceType type = engine_named(name);
    Engine* engine = find_engine(type);
    Object devices = checked(PyList_New(0));
    std::string why = "not part of this build";
    if (engine && engine->available(&why)) {
      why.clear();
      auto* gpu = dynamic_cast<gpu::GpuEngine*>(engine);
      for (int i = 0; i < engine->device_count(); ++i) {
        const Device d{type, static_cast<int8_t>(i)};
        gpu::ComputeDevice::Info info;
        if (gpu) info = gpu->compute(d).info();
        if (type == DeviceType::CoreML) {
          if (auto* executor = coreml::executor()) info.name = executor->name();
        }
        append(devices, checked(Py_BuildValue("(ssL)", to_string(d).c_str(), info.name.c_str(),
                                              static_cast<long long>(info.memory))));
      }
    }
    return Py_BuildValue("(sO)", why.c_str(), devices.get());
  });
}

DTypeMask elementwise_dtypes(const ElementwiseSlot& slot, DeviceType type) {
  DTypeMask mask = 0;
  for (int i = 0; i < kNumDTypes; ++i) {
    if (slot.supports(type, static_cast<DType>(i))) mask |= bit(static_cast<DType>(i));
  }
  return mask;
}

// The types that an op can be computed in. Of kernels that do not say, those of all formulas.
DTypeMask kernel_dtypes_of(const OpRecord& op, DeviceType type, DTypeMask computes) {
  DTypeMask mask = static_cast<DTypeMask>((1u << kNumDTypes) - 1);
  for (const KernelSlotBase* slot : op.kernels) {
    if (const auto* formula = ElementwiseSlot::find(slot->name()); formula == slot) {
      mask &= elementwise_dtypes(*formula, type);
    } else if (!slot->has(type)) {
      return 0;
    } else if (slot != &copy_kernel) {
      mask &= computes;
    }
  }
  return mask;
}

// _kernel_dtypes(engine): (names of all dtypes, the mask of those it computes in, {op: mask}).
PyObject* kernel_dtypes(PyObject*, PyObject* name) {
  return guard([&]() -> PyObject* {
    const DeviceType type = engine_named(name);
    Engine* engine = find_engine(type);
    std::string why;
    if (engine) engine->available(&why);
    DTypeMask computes = 0;
    for (const ElementwiseSlot* slot : ElementwiseSlot::all()) {
      computes |= elementwise_dtypes(*slot, type);
    }
    Object names = checked(PyList_New(0)), ops = checked(PyDict_New());
    for (int i = 0; i < kNumDTypes; ++i) append(names, text(rt::name(static_cast<DType>(i))));
    for (const OpRecord* op : all_ops()) {
      if (!op->is_kernel()) continue;
      checked(PyDict_SetItemString(ops.get(), op->schema.name.c_str(),
                                   number(kernel_dtypes_of(*op, type, computes)).get()));
    }
    return Py_BuildValue("(OiO)", names.get(), static_cast<int>(computes), ops.get());
  });
}

// ---- The table ----

// _set_routing_table(chain, engines, ops): [name], [(name, min, max, move, move_dense, strided,
// dtypes)], [(op, dense, composite, [(engine, dtypes)])]. Engines that an op does not mention have
// all dtypes.
PyObject* set_table(PyObject*, PyObject* args) {
  return guard([&]() -> PyObject* {
    PyObject *chain, *engines, *ops;
    if (!PyArg_ParseTuple(args, "O!O!O!:_set_routing_table", &PyList_Type, &chain, &PyList_Type,
                          &engines, &PyList_Type, &ops)) {
      return nullptr;
    }
    auto table = std::make_shared<RoutingTable>();
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(chain); ++i) {
      table->chain.push_back(engine_named(PyList_GET_ITEM(chain, i)));
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(engines); ++i) {
      PyObject* engine;
      long long least, most, move, move_dense;
      int strided, dtypes;
      if (!PyArg_ParseTuple(PyList_GET_ITEM(engines, i), "OLLLLpi", &engine, &least, &most, &move,
                            &move_dense, &strided, &dtypes)) {
        return nullptr;
      }
      table->engines[static_cast<size_t>(engine_named(engine))] = {
          least, most, move, move_dense, strided != 0, static_cast<DTypeMask>(dtypes)};
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(ops); ++i) {
      const char* op;
      int dense, composite;
      PyObject* masks;
      if (!PyArg_ParseTuple(PyList_GET_ITEM(ops, i), "sppO!", &op, &dense, &composite, &PyList_Type,
                            &masks)) {
        return nullptr;
      }
      const OpRecord* record = find_op(op);
      if (!record) continue;
      OpRule& rule = table->ops[record];
      rule.dense = dense != 0;
      rule.composite = composite != 0;
      rule.dtypes.fill(0xffff);
      for (Py_ssize_t k = 0; k < PyList_GET_SIZE(masks); ++k) {
        PyObject* engine;
        int mask;
        if (!PyArg_ParseTuple(PyList_GET_ITEM(masks, k), "Oi", &engine, &mask)) return nullptr;
        rule.dtypes[static_cast<size_t>(engine_named(engine))] = static_cast<DTypeMask>(mask);
      }
    }
    set_routing_table(std::move(table));
    Py_RETURN_NONE;
  });
}

Object route_tuple(const Route& route) {
  return checked(Py_BuildValue("(sis)", to_string(route.device).c_str(),
                               static_cast<int>(route.reason), to_string(route.preferred).c_str()));
}

// _route(op, dtype, size, strided, [(device, bytes)], [excluded engine]): (device, reason,
// preferred) by the table in use.
PyObject* route(PyObject*, PyObject* args) {
  return guard([&]() -> PyObject* {
    const char* op;
    PyObject *dtype, *homes, *excluded;
    long long size;
    int strided;
    if (!PyArg_ParseTuple(args, "sOLpO!O!:_route", &op, &dtype, &size, &strided, &PyList_Type,
                          &homes, &PyList_Type, &excluded)) {
      return nullptr;
    }
    RouteQuery query;
    query.op = find_op(op);
    if (dtype != Py_None) query.dtype = to_dtype(dtype);
    query.size = size;
    query.strided = strided != 0;
    std::vector<Residence> residences;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(homes); ++i) {
      const char* device;
      long long bytes;
      if (!PyArg_ParseTuple(PyList_GET_ITEM(homes, i), "sL", &device, &bytes)) return nullptr;
      residences.push_back({parse_device(device), bytes});
    }
    query.homes = residences;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(excluded); ++i) {
      query.excluded |= bit(engine_named(PyList_GET_ITEM(excluded, i)));
    }
    uint64_t version;
    return route_tuple(choose(*routing_table(&version), query)).release();
  });
}

// ---- What was done ----

PyObject* stats(PyObject*, PyObject*) {
  return guard([&]() -> PyObject* {
    const RoutingStats s = routing_stats();
    Object calls = checked(PyDict_New()), fallbacks = checked(PyList_New(0));
    for (int i = 0; i < kNumDeviceTypes; ++i) {
      if (s.calls[static_cast<size_t>(i)] == 0) continue;
      checked(PyDict_SetItemString(calls.get(), name(static_cast<DeviceType>(i)),
                                   number(s.calls[static_cast<size_t>(i)]).get()));
    }
    for (const RoutingStats::Fallback& f : s.fallbacks) {
      append(fallbacks, checked(Py_BuildValue("(sssL)", f.op.c_str(), f.device.c_str(),
                                              f.reason.c_str(), static_cast<long long>(f.count))));
    }
    return Py_BuildValue("(OOL)", calls.get(), fallbacks.get(),
                         static_cast<long long>(s.bytes_moved));
  });
}

PyObject* reset_stats(PyObject*, PyObject*) {
  reset_routing_stats();
  Py_RETURN_NONE;
}

// Logs of this thread, nested: the innermost collects.
std::vector<std::unique_ptr<std::vector<RoutingEvent>>>& logs() {
  static thread_local std::vector<std::unique_ptr<std::vector<RoutingEvent>>> all;
  return all;
}

PyObject* start_log(PyObject*, PyObject*) {
  return guard([&]() -> PyObject* {
    logs().push_back(std::make_unique<std::vector<RoutingEvent>>());
    Router::of_thread().set_log(logs().back().get());
    Py_RETURN_NONE;
  });
}

// Ends the innermost log: [(op, form, device, reason, preferred, size, bytes moved, what lacked)].
PyObject* stop_log(PyObject*, PyObject*) {
  return guard([&]() -> PyObject* {
    RT_CHECK(!logs().empty(), Runtime, "record_routing", "no log was started in this thread");
    const auto events = std::move(logs().back());
    logs().pop_back();
    Router::of_thread().set_log(logs().empty() ? nullptr : logs().back().get());
    // What an inner log saw happened in the outer ones too.
    if (!logs().empty())
      logs().back()->insert(logs().back()->end(), events->begin(), events->end());
    Object list = checked(PyList_New(0));
    static constexpr const char* forms[] = {"", "_", " out="};
    for (const RoutingEvent& e : *events) {
      append(list, checked(Py_BuildValue(
                       "(sssisLLs)", e.op.c_str(), forms[static_cast<int>(e.form)],
                       to_string(e.route.device).c_str(), static_cast<int>(e.route.reason),
                       to_string(e.route.preferred).c_str(), static_cast<long long>(e.size),
                       static_cast<long long>(e.bytes_moved), e.lacked.c_str())));
    }
    return list.release();
  });
}

PyMethodDef functions[] = {{"_engine_info", engine_info, METH_O, nullptr},
                           {"_kernel_dtypes", kernel_dtypes, METH_O, nullptr},
                           {"_set_routing_table", set_table, METH_VARARGS, nullptr},
                           {"_route", route, METH_VARARGS, nullptr},
                           {"_routing_stats", stats, METH_NOARGS, nullptr},
                           {"_reset_routing_stats", reset_stats, METH_NOARGS, nullptr},
                           {"_start_routing_log", start_log, METH_NOARGS, nullptr},
                           {"_stop_routing_log", stop_log, METH_NOARGS, nullptr},
                           {}};

}  // namespace

void init_routing(PyObject* module) { checked(PyModule_AddFunctions(module, functions)); }

}  // namespace rt::py
