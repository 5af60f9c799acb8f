// Storages as Python sees them: bytes, an identity, and tensors laid over them. Saving, pickling
// and copying keep with these what views share.
#include "bindings/python.h"
#include "gpu/engine.h"

namespace rt::py {

namespace {

// _storage_id(tensor): equal for tensors that share memory; valid while one of them lives.
PyObject* storage_id(PyObject*, PyObject* o) {
  return guard([&]() -> PyObject* {
    RT_CHECK(is_tensor(o), Type, "_storage_id", "expected a tensor", Py_TYPE(o)->tp_name);
    return PyLong_FromVoidPtr(unwrap(o).storage().get());
  });
}

// _data_pointer(tensor): the address of its first element.
PyObject* data_pointer(PyObject*, PyObject* o) {
  return guard([&]() -> PyObject* {
    RT_CHECK(is_tensor(o), Type, "_data_pointer", "expected a tensor", Py_TYPE(o)->tp_name);
    return PyLong_FromVoidPtr(unwrap(o).data());
  });
}

// _keep_in_place(tensor): its memory may no longer be exchanged for larger, as its address is out.
PyObject* keep_in_place(PyObject*, PyObject* o) {
  return guard([&]() -> PyObject* {
    RT_CHECK(is_tensor(o), Type, "_keep_in_place", "expected a tensor", Py_TYPE(o)->tp_name);
    unwrap(o).storage()->set_resizable(false);
    Py_RETURN_NONE;
  });
}

// _storage_resizable(tensor): whether its memory may be exchanged for larger.
PyObject* storage_resizable(PyObject*, PyObject* o) {
  return guard([&]() -> PyObject* {
    RT_CHECK(is_tensor(o), Type, "_storage_resizable", "expected a tensor", Py_TYPE(o)->tp_name);
    return PyBool_FromLong(unwrap(o).storage()->resizable());
  });
}

// _storage_bytes(tensor): its whole storage as a one-dimensional uint8 tensor.
PyObject* storage_bytes(PyObject*, PyObject* o) {
  return guard([&]() -> PyObject* {
    RT_CHECK(is_tensor(o), Type, "_storage_bytes", "expected a tensor", Py_TYPE(o)->tp_name);
    const Ref<Storage>& s = unwrap(o).storage();
    return wrap(from_memory(s, DType::UInt8, Dims{static_cast<int64_t>(s->nbytes())}, Dims{1}));
  });
}

// _geometry(tensor): (strides, storage offset), in elements.
PyObject* geometry(PyObject*, PyObject* o) {
  return guard([&]() -> PyObject* {
    RT_CHECK(is_tensor(o), Type, "_geometry", "expected a tensor", Py_TYPE(o)->tp_name);
    const Tensor& t = unwrap(o);
    Object strides = checked(PyTuple_New(static_cast<Py_ssize_t>(t.dim())));
    for (size_t d = 0; d < t.strides().size(); ++d) {
      PyTuple_SET_ITEM(strides.get(), static_cast<Py_ssize_t>(d),
                       checked(PyLong_FromLongLong(t.strides()[d])).release());
    }
    return Py_BuildValue("(NL)", strides.release(), static_cast<long long>(t.offset()));
  });
}

// _tensor_over(bytes, dtype, size, stride, offset): a window on the storage of `bytes`; `offset` in
// elements. Everything is checked: the numbers may come from a file.
PyObject* tensor_over(PyObject*, PyObject* args) {
  PyObject *bytes, *dtype, *size, *stride;
  long long offset = 0;
  if (!PyArg_ParseTuple(args, "OOOOL:_tensor_over", &bytes, &dtype, &size, &stride, &offset))
    return nullptr;
  return guard([&]() -> PyObject* {
    const char* op = "tensor_over";
    RT_CHECK(is_tensor(bytes), Type, op, "expected a tensor", Py_TYPE(bytes)->tp_name);
    const Ref<Storage>& storage = unwrap(bytes).storage();
    const DType type = to_dtype(dtype);
    const Dims sizes = to_dims(op, "size", size), strides = to_dims(op, "stride", stride);
    RT_CHECK(sizes.size() == strides.size(), Value, op, "sizes and strides differ in number",
             cat_str(sizes, " and ", strides));
    const int64_t numel = checked_numel(sizes, op);
    const int64_t room = static_cast<int64_t>(storage->nbytes() / item_size(type));
    int64_t last = offset;
    bool fits = offset >= 0 && (numel > 0 || offset <= room);
    for (size_t d = 0; fits && numel > 0 && d < sizes.size(); ++d) {
      int64_t step = 0;
      fits = strides[d] >= 0 && !__builtin_mul_overflow(sizes[d] - 1, strides[d], &step) &&
             !__builtin_add_overflow(last, step, &last);
    }
    RT_CHECK(fits && (numel == 0 || last < room), Value, op,
             "the tensor does not lie within its storage",
             cat_str("sizes ", sizes, ", strides ", strides, ", offset ", int64_t{offset},
                     ", room for ", room));
    const size_t alignment = is_complex(type) ? item_size(type) / 2 : item_size(type);
    RT_CHECK(reinterpret_cast<uintptr_t>(storage->data()) % alignment == 0, Value, op,
             "the memory is not aligned to the element type", name(type), "a copy");
    return wrap(from_memory(storage, type, sizes, strides, offset));
  });
}

class StorageOwner final : public MemoryOwner {
 public:
  explicit StorageOwner(Ref<Storage> s) : storage_(std::move(s)) {}

 private:
  Ref<Storage> storage_;
};
// _storage_part(bytes, begin, end): these bytes as a storage of their own, over the same memory.
PyObject* part_of_storage(PyObject*, PyObject* args) {
  PyObject* bytes = nullptr;
  long long begin = 0, end = 0;
  if (!PyArg_ParseTuple(args, "OLL:_storage_part", &bytes, &begin, &end)) return nullptr;
  return guard([&]() -> PyObject* {
    RT_CHECK(is_tensor(bytes), Type, "_storage_part", "expected a tensor", Py_TYPE(bytes)->tp_name);
    const Ref<Storage>& whole = unwrap(bytes).storage();
    RT_CHECK(0 <= begin && begin <= end && end <= static_cast<int64_t>(whole->nbytes()), Value,
             "_storage_part", "the part does not lie within the storage",
             cat_str(int64_t{begin}, " to ", int64_t{end}));
    char* data = static_cast<char*>(whole->data()) + begin;
    const auto size = static_cast<size_t>(end - begin);
    const Device device = whole->device();
    auto owner = std::make_unique<StorageOwner>(whole);
    RT_CHECK(device.type != DeviceType::Metal, Runtime, "_storage_part",
             "a part of Metal's memory is no memory of its own", "", ".cpu()");
    Ref<Storage> part = device.is_cpu()
                            ? wrap_memory(data, size, device, std::move(owner))
                            : static_cast<gpu::GpuEngine&>(engine_for(device, "_storage_part"))
                                  .wrap(data, size, device, std::move(owner));
    part->set_read_only(whole->read_only());
    part->set_resizable(whole->resizable());
    return wrap(from_memory(std::move(part), DType::UInt8, Dims{end - begin}, Dims{1}));
  });
}

PyMethodDef functions[] = {{"_storage_id", storage_id, METH_O, nullptr},
                           {"_keep_in_place", keep_in_place, METH_O, nullptr},
                           {"_storage_resizable", storage_resizable, METH_O, nullptr},
                           {"_storage_bytes", storage_bytes, METH_O, nullptr},
                           {"_data_pointer", data_pointer, METH_O, nullptr},
                           {"_geometry", geometry, METH_O, nullptr},
                           {"_tensor_over", tensor_over, METH_VARARGS, nullptr},
                           {"_storage_part", part_of_storage, METH_VARARGS, nullptr},
                           {}};

}  // namespace

void init_storage(PyObject* module) { checked(PyModule_AddFunctions(module, functions)); }

}  // namespace rt::py
