// Streams, events, pinned memory and foreign memory of GPUs, as rustorch.cuda builds on them.
#include "bindings/python.h"
#include "core/current_device.h"
#include "core/pinned.h"
#include "gpu/engine.h"

namespace rt::py {

namespace {

gpu::GpuEngine& gpu_engine(Device d, const char* op) {
  auto* engine = dynamic_cast<gpu::GpuEngine*>(&engine_for(d, op));
  RT_CHECK(engine != nullptr, Value, op, "the device has no streams", to_string(d),
           "a device of type cuda, metal or emulator");
  return *engine;
}
gpu::ComputeDevice& compute_device(PyObject* device, const char* op) {
  const Device d = to_device(device);
  return gpu_engine(d, op).compute(d);
}
gpu::Stream to_stream(PyObject* handle) {
  void* stream = PyLong_AsVoidPtr(handle);
  if (!stream && PyErr_Occurred()) throw PythonError{};
  return stream;
}

// ---- Devices ----

PyObject* current_device(PyObject*, PyObject* type) {
  return guard([&]() -> PyObject* { return PyLong_FromLong(current_index(to_device(type).type)); });
}
PyObject* set_current_device(PyObject*, PyObject* device) {
  return guard([&]() -> PyObject* {
    const Device d = to_device(device);
    engine_for(d, "set_device");
    set_current_index(d.type, d.index);
    Py_RETURN_NONE;
  });
}

// _device_info(device): what it says of itself, by name.
PyObject* device_info(PyObject*, PyObject* device) {
  return guard([&]() -> PyObject* {
    const gpu::ComputeDevice::Info& info = compute_device(device, "device_info").info();
    Object all = checked(Py_BuildValue("{s:s,s:L}", "name", info.name.c_str(), "total_memory",
                                       static_cast<long long>(info.memory)));
    for (const auto& [name, value] : info.properties) {
      const Object number = checked(PyLong_FromLongLong(value));
      checked(PyDict_SetItemString(all.get(), name.c_str(), number.get()));
    }
    return all.release();
  });
}

PyObject* memory_info(PyObject*, PyObject* device) {
  return guard([&]() -> PyObject* {
    const auto [free, total] = compute_device(device, "mem_get_info").memory_info();
    return Py_BuildValue("(LL)", static_cast<long long>(free), static_cast<long long>(total));
  });
}

PyObject* peak_reserved(PyObject*, PyObject* device) {
  return guard([&]() -> PyObject* {
    const Device d = to_device(device);
    return PyLong_FromLongLong(gpu_engine(d, "memory_stats").pool(d).peak_reserved());
  });
}

// ---- Streams: (device, handle), the handle being 0 for the first ----

// _stream_create(device, priority) -> handle
PyObject* stream_create(PyObject*, PyObject* args) {
  PyObject* device = nullptr;
  int priority = 0;
  if (!PyArg_ParseTuple(args, "Oi:_stream_create", &device, &priority)) return nullptr;
  return guard([&]() -> PyObject* {
    return PyLong_FromVoidPtr(compute_device(device, "Stream").create_stream(priority));
  });
}
PyObject* stream_priorities(PyObject*, PyObject* device) {
  return guard([&]() -> PyObject* {
    const auto [least, greatest] = compute_device(device, "priority_range").priorities();
    return Py_BuildValue("(ii)", least, greatest);
  });
}
PyObject* stream_current(PyObject*, PyObject* device) {
  return guard(
      [&]() -> PyObject* { return PyLong_FromVoidPtr(gpu::current_stream(to_device(device))); });
}

template <class F>
PyObject* with_stream(PyObject* args, const char* op, F&& f) {
  PyObject *device = nullptr, *handle = nullptr;
  if (!PyArg_UnpackTuple(args, op, 2, 2, &device, &handle)) return nullptr;
  return guard([&]() -> PyObject* {
    return f(to_device(device), compute_device(device, op), to_stream(handle));
  });
}
PyObject* stream_set(PyObject*, PyObject* args) {
  return with_stream(args, "set_stream",
                     [](Device d, gpu::ComputeDevice&, gpu::Stream stream) -> PyObject* {
                       gpu::set_current_stream(d, stream);
                       Py_RETURN_NONE;
                     });
}
PyObject* stream_query(PyObject*, PyObject* args) {
  return with_stream(args, "query", [](Device, gpu::ComputeDevice& device, gpu::Stream stream) {
    bool done;
    {
      const ReleaseGil released(true);
      done = device.query(stream);
    }
    return PyBool_FromLong(done);
  });
}
PyObject* stream_synchronize(PyObject*, PyObject* args) {
  return with_stream(args, "synchronize",
                     [](Device d, gpu::ComputeDevice& device, gpu::Stream stream) -> PyObject* {
                       {
                         const ReleaseGil released(true);
                         device.synchronize(stream);
                         gpu::engine_of(d).index_faults(d).raise();
                       }
                       Py_RETURN_NONE;
                     });
}

// _record_stream(tensor, handle): a stream of the tensor's device uses its memory.
PyObject* record_stream(PyObject*, PyObject* args) {
  PyObject *tensor = nullptr, *handle = nullptr;
  if (!PyArg_UnpackTuple(args, "_record_stream", 2, 2, &tensor, &handle)) return nullptr;
  return guard([&]() -> PyObject* {
    RT_CHECK(is_tensor(tensor), Type, "record_stream", "expected a tensor",
             Py_TYPE(tensor)->tp_name);
    const Tensor& t = unwrap(tensor);
    (void)gpu_engine(t.device(), "record_stream");
    const gpu::Stream stream = to_stream(handle);
    if (stream) gpu::g_streams_in_use = true;
    static_cast<const gpu::DeviceStorage&>(*t.storage()).note_use(stream);
    Py_RETURN_NONE;
  });
}
// _note_shown(tensor): its memory is shown to others, whose streams are not known.
PyObject* note_shown(PyObject*, PyObject* tensor) {
  return guard([&]() -> PyObject* {
    RT_CHECK(is_tensor(tensor), Type, "_note_shown", "expected a tensor", Py_TYPE(tensor)->tp_name);
    const Tensor& t = unwrap(tensor);
    (void)gpu_engine(t.device(), "_note_shown");
    static_cast<gpu::DeviceStorage&>(*t.storage()).note_shown();
    Py_RETURN_NONE;
  });
}

// ---- Events: capsules ----

struct EventBox {
  std::unique_ptr<gpu::Event> event;
  Device device;
};
constexpr const char* kEvent = "rustorch.event";

EventBox& to_box(PyObject* capsule) {
  auto* box = static_cast<EventBox*>(PyCapsule_GetPointer(capsule, kEvent));
  if (!box) throw PythonError{};
  return *box;
}
gpu::Event& to_event(PyObject* capsule) { return *to_box(capsule).event; }

// _event_create(device, timed)
PyObject* event_create(PyObject*, PyObject* args) {
  PyObject* device = nullptr;
  int timed = 0;
  if (!PyArg_ParseTuple(args, "Op:_event_create", &device, &timed)) return nullptr;
  return guard([&]() -> PyObject* {
    auto box = std::make_unique<EventBox>();
    box->event = compute_device(device, "Event").create_event(timed != 0);
    box->device = to_device(device);
    Object capsule = checked(PyCapsule_New(box.get(), kEvent, [](PyObject* o) {
      delete static_cast<EventBox*>(PyCapsule_GetPointer(o, kEvent));
    }));
    (void)box.release();
    return capsule.release();
  });
}
// _event_record(event, handle)
PyObject* event_record(PyObject*, PyObject* args) {
  PyObject *event = nullptr, *handle = nullptr;
  if (!PyArg_UnpackTuple(args, "_event_record", 2, 2, &event, &handle)) return nullptr;
  return guard([&]() -> PyObject* {
    to_event(event).record(to_stream(handle));
    Py_RETURN_NONE;
  });
}
// _event_wait(event, device, handle)
PyObject* event_wait(PyObject*, PyObject* args) {
  PyObject *event = nullptr, *device = nullptr, *handle = nullptr;
  if (!PyArg_UnpackTuple(args, "_event_wait", 3, 3, &event, &device, &handle)) return nullptr;
  return guard([&]() -> PyObject* {
    to_event(event).wait(compute_device(device, "wait_event"), to_stream(handle));
    Py_RETURN_NONE;
  });
}
PyObject* event_query(PyObject*, PyObject* event) {
  return guard([&]() -> PyObject* {
    gpu::Event& e = to_event(event);
    bool done;
    {
      const ReleaseGil released(true);
      done = e.query();
    }
    return PyBool_FromLong(done);
  });
}
PyObject* event_synchronize(PyObject*, PyObject* event) {
  return guard([&]() -> PyObject* {
    const EventBox& box = to_box(event);
    {
      const ReleaseGil released(true);
      box.event->synchronize();
      gpu::engine_of(box.device).index_faults(box.device).raise();
    }
    Py_RETURN_NONE;
  });
}
// _event_elapsed(event, end): both have happened.
PyObject* event_elapsed(PyObject*, PyObject* args) {
  PyObject *event = nullptr, *end = nullptr;
  if (!PyArg_UnpackTuple(args, "_event_elapsed", 2, 2, &event, &end)) return nullptr;
  return guard([&]() -> PyObject* {
    return PyFloat_FromDouble(to_event(event).milliseconds_until(to_event(end)));
  });
}
PyObject* event_handle(PyObject*, PyObject* event) {
  return guard([&]() -> PyObject* { return PyLong_FromVoidPtr(to_event(event).handle()); });
}

// ---- Pinned memory ----

// _pinned_empty(tensor, device): as empty_like of a tensor on the CPU, pinned for the device.
PyObject* pinned_empty(PyObject*, PyObject* args) {
  PyObject *like = nullptr, *device = nullptr;
  if (!PyArg_UnpackTuple(args, "_pinned_empty", 2, 2, &like, &device)) return nullptr;
  return guard([&]() -> PyObject* {
    RT_CHECK(is_tensor(like), Type, "pin_memory", "expected a tensor", Py_TYPE(like)->tp_name);
    const Tensor& t = unwrap(like);
    const Device d = to_device(device);
    RT_CHECK(t.device().is_cpu(), Runtime, "pin_memory", "only dense CPU tensors can be pinned",
             describe(t));
    (void)gpu_engine(d, "pin_memory");
    const size_t bytes = static_cast<size_t>(t.numel()) * t.item_size();
    Ref<Storage> storage = pinned_copies(d.type)->allocate_pinned(bytes, d);
    const Dims strides =
        is_non_overlapping_and_dense(t) ? Dims(t.strides()) : contiguous_strides(t.sizes());
    return wrap(from_memory(std::move(storage), t.dtype(), t.sizes(), strides));
  });
}
PyObject* pinned_for(PyObject*, PyObject* args) {
  PyObject *tensor = nullptr, *device = nullptr;
  if (!PyArg_UnpackTuple(args, "_is_pinned", 2, 2, &tensor, &device)) return nullptr;
  return guard([&]() -> PyObject* {
    RT_CHECK(is_tensor(tensor), Type, "is_pinned", "expected a tensor", Py_TYPE(tensor)->tp_name);
    return PyBool_FromLong(is_pinned(*unwrap(tensor).storage(), to_device(device).type));
  });
}

// ---- Memory of a device that is somebody else's ----

class ObjectOwner final : public MemoryOwner {
 public:
  explicit ObjectOwner(PyObject* o) : object_(o) { Py_INCREF(o); }
  ~ObjectOwner() override {
    if (!Py_IsInitialized()) return;
    AcquireGil gil;
    Py_DECREF(object_);
  }

 private:
  PyObject* object_;
};

// _wrap_device_memory(owner, address, device, dtype, sizes, strides, read_only); strides in
// elements.
PyObject* wrap_device_memory(PyObject*, PyObject* args) {
  PyObject *owner, *address, *device, *dtype, *size, *stride;
  int read_only = 0;
  if (!PyArg_ParseTuple(args, "OOOOOOp:_wrap_device_memory", &owner, &address, &device, &dtype,
                        &size, &stride, &read_only)) {
    return nullptr;
  }
  return guard([&]() -> PyObject* {
    constexpr const char* op = "as_tensor";
    const Device d = to_device(device);
    const DType type = to_dtype(dtype);
    const Dims sizes = to_dims(op, "shape", size), strides = to_dims(op, "strides", stride);
    RT_CHECK(sizes.size() == strides.size(), Value, op, "as many strides as sizes are needed",
             cat_str("shape ", sizes, ", strides ", strides));
    const int64_t numel = checked_numel(sizes, op);
    int64_t reach = numel == 0 ? 0 : 1;
    for (size_t i = 0; i < sizes.size(); ++i) {
      RT_CHECK(strides[i] >= 0, Value, op, "negative strides are not supported",
               cat_str("strides ", strides), "a copy");
      int64_t step = 0;
      RT_CHECK(numel == 0 || (!__builtin_mul_overflow(sizes[i] - 1, strides[i], &step) &&
                              !__builtin_add_overflow(reach, step, &reach)),
               Value, op, "the extent does not fit in 64 bits", cat_str("strides ", strides));
    }
    void* data = PyLong_AsVoidPtr(address);
    if (!data && PyErr_Occurred()) throw PythonError{};
    RT_CHECK(data || numel == 0, Value, op, "a null pointer to elements");
    const size_t alignment = is_complex(type) ? item_size(type) / 2 : item_size(type);
    RT_CHECK(reinterpret_cast<uintptr_t>(data) % alignment == 0, Value, op,
             "the memory is not aligned to its element type", name(type), "a copy");
    if (numel == 0) return wrap(empty_strided(sizes, strides, type, d, op));
    Ref<Storage> storage =
        gpu_engine(d, op).wrap(data, static_cast<size_t>(reach) * item_size(type), d,
                               std::make_unique<ObjectOwner>(owner));
    storage->set_read_only(read_only);
    return wrap(from_memory(std::move(storage), type, sizes, strides));
  });
}

// _pointer_device(type, address): the index of the device of that type that the memory is of, or
// -1.
PyObject* pointer_device(PyObject*, PyObject* args) {
  PyObject *device = nullptr, *address = nullptr;
  if (!PyArg_UnpackTuple(args, "_pointer_device", 2, 2, &device, &address)) return nullptr;
  return guard([&]() -> PyObject* {
    const Device d = to_device(device);
    const void* p = PyLong_AsVoidPtr(address);
    if (!p && PyErr_Occurred()) throw PythonError{};
    return PyLong_FromLong(gpu_engine(d, "as_tensor").compute(d).owner_of(p));
  });
}

PyMethodDef functions[] = {{"_current_device", current_device, METH_O, nullptr},
                           {"_set_current_device", set_current_device, METH_O, nullptr},
                           {"_device_info", device_info, METH_O, nullptr},
                           {"_memory_info", memory_info, METH_O, nullptr},
                           {"_peak_reserved", peak_reserved, METH_O, nullptr},
                           {"_stream_create", stream_create, METH_VARARGS, nullptr},
                           {"_stream_priorities", stream_priorities, METH_O, nullptr},
                           {"_stream_current", stream_current, METH_O, nullptr},
                           {"_stream_set", stream_set, METH_VARARGS, nullptr},
                           {"_stream_query", stream_query, METH_VARARGS, nullptr},
                           {"_stream_synchronize", stream_synchronize, METH_VARARGS, nullptr},
                           {"_record_stream", record_stream, METH_VARARGS, nullptr},
                           {"_note_shown", note_shown, METH_O, nullptr},
                           {"_event_create", event_create, METH_VARARGS, nullptr},
                           {"_event_record", event_record, METH_VARARGS, nullptr},
                           {"_event_wait", event_wait, METH_VARARGS, nullptr},
                           {"_event_query", event_query, METH_O, nullptr},
                           {"_event_synchronize", event_synchronize, METH_O, nullptr},
                           {"_event_elapsed", event_elapsed, METH_VARARGS, nullptr},
                           {"_event_handle", event_handle, METH_O, nullptr},
                           {"_pinned_empty", pinned_empty, METH_VARARGS, nullptr},
                           {"_is_pinned", pinned_for, METH_VARARGS, nullptr},
                           {"_wrap_device_memory", wrap_device_memory, METH_VARARGS, nullptr},
                           {"_pointer_device", pointer_device, METH_VARARGS, nullptr},
                           {}};

}  // namespace

void init_streams(PyObject* module) { checked(PyModule_AddFunctions(module, functions)); }

}  // namespace rt::py
