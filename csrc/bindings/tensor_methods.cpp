// Methods of Tensor that ask for plain numbers or change its window: no ops, bound directly.
#include <cstring>

#include "autograd/node.h"
#include "bindings/python.h"
#include "graph/trace.h"
#include "ops/memory_format.h"
#include "ops/ops.h"

namespace rt::py {

namespace {

Tensor on_host(const Tensor& t) {
  if (t.device().is_cpu()) return t;
  NoGradGuard guard;
  return ops::to(t, Device{});
}

template <class F>
PyObject* answer(PyObject* o, F&& f) {
  return guard([&]() -> PyObject* { return f(unwrap(o)); });
}
constexpr PyMethodDef question(const char* name, PyCFunction f, const char* doc) {
  return {name, f, METH_NOARGS, doc};
}
#define RT_ASK(name, expr, doc)                                              \
  question(                                                                  \
      #name,                                                                 \
      [](PyObject* o, PyObject*) {                                           \
        return answer(o, [](const Tensor& t) -> PyObject* { return expr; }); \
      },                                                                     \
      #name "()\n--\n\n" doc)

// ---- Values ----

PyObject* item(PyObject* o, PyObject*) {
  return guard([&]() -> PyObject* {
    const Tensor& t = unwrap(o);
    RT_CHECK(t.numel() == 1, Runtime, "item",
             cat_str("a Tensor with ", t.numel(), " elements cannot be converted to Scalar"),
             describe(t), "indexing one element, or tolist()");
    graph::note_read(t, "item()");
    return to_python(rt::item(t));
  });
}

PyObject* list_of(const Tensor& t, int64_t dim, const char* at) {
  if (dim == t.dim()) return to_python(Scalar::load(at, t.dtype()));
  const int64_t n = t.sizes()[dim], step = t.strides()[dim] * static_cast<int64_t>(t.item_size());
  Object list = checked(PyList_New(static_cast<Py_ssize_t>(n)));
  for (int64_t i = 0; i < n; ++i) {
    PyList_SET_ITEM(list.get(), static_cast<Py_ssize_t>(i),
                    checked(list_of(t, dim + 1, at + i * step)).release());
  }
  return list.release();
}
PyObject* tolist(PyObject* o, PyObject*) {
  return guard([&]() -> PyObject* {
    graph::note_read(unwrap(o), "tolist()");
    const Tensor host = on_host(unwrap(o));
    return list_of(host, 0, host.host_data<char>());
  });
}

// ---- Geometry ----

// size() and stride(): all of them, or that of one dim.
template <PyObject* (*All)(IntList)>
PyObject* one_or_all(PyObject* o, PyObject* const* args, Py_ssize_t n, PyObject* names,
                     bool strides) {
  return guard([&]() -> PyObject* {
    const Tensor& t = unwrap(o);
    const IntList values = strides ? t.strides() : t.sizes();
    const char* method = strides ? "stride" : "size";
    const Py_ssize_t keywords = names ? PyTuple_GET_SIZE(names) : 0;
    RT_CHECK(n + keywords <= 1, Type, method, cat_str(method, "() takes at most one argument"),
             cat_str(static_cast<int64_t>(n + keywords)));
    if (keywords) {
      RT_CHECK(!std::strcmp(PyUnicode_AsUTF8(PyTuple_GET_ITEM(names, 0)), "dim"), Type, method,
               cat_str(method, "() got an unexpected keyword argument"));
    }
    if (n + keywords == 0 || args[0] == Py_None) return All(values);
    RT_CHECK(PyIndex_Check(args[0]) && !PyBool_Check(args[0]), Type, method,
             cat_str(method, "(): argument 'dim' must be int"), Py_TYPE(args[0])->tp_name);
    const Object index = checked(PyNumber_Index(args[0]));
    const int64_t dim = PyLong_AsLongLong(index.get());
    if (dim == -1 && PyErr_Occurred()) throw PythonError{};
    RT_CHECK(t.dim() > 0, Index, method, "Dimension specified as 0 but tensor has no dimensions",
             describe(t));
    return PyLong_FromLongLong(values[static_cast<size_t>(wrap_dim(dim, t.dim(), method))]);
  });
}
PyObject* plain_tuple(IntList values) {
  Object tuple = checked(PyTuple_New(values.ssize()));
  for (size_t i = 0; i < values.size(); ++i) {
    PyTuple_SET_ITEM(tuple.get(), static_cast<Py_ssize_t>(i),
                     checked(PyLong_FromLongLong(values[i])).release());
  }
  return tuple.release();
}
PyObject* size(PyObject* o, PyObject* const* args, Py_ssize_t n, PyObject* names) {
  return one_or_all<size_object>(o, args, n, names, false);
}
PyObject* stride(PyObject* o, PyObject* const* args, Py_ssize_t n, PyObject* names) {
  return one_or_all<plain_tuple>(o, args, n, names, true);
}
PyObject* is_contiguous(PyObject* o, PyObject* args, PyObject* kwargs) {
  return guard([&]() -> PyObject* {
    static const char* names[] = {"memory_format", nullptr};
    const char* format = nullptr;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|s:is_contiguous", const_cast<char**>(names),
                                     &format)) {
      throw PythonError{};
    }
    FormatName name;
    if (format) name = format;
    const MemoryFormat wanted = memory_format("is_contiguous", name, MemoryFormat::Contiguous);
    RT_CHECK(wanted != MemoryFormat::Preserve, Runtime, "is_contiguous",
             "preserve memory format is unsupported here");
    return PyBool_FromLong(has_format(unwrap(o), wanted));
  });
}

const Tensor& tensor_argument(const char* method, PyObject* o) {
  RT_CHECK(is_tensor(o), Type, method, cat_str(method, "(): argument must be Tensor"),
           Py_TYPE(o)->tp_name);
  return unwrap(o);
}
PyObject* is_same_size(PyObject* o, PyObject* other) {
  return guard([&]() -> PyObject* {
    return PyBool_FromLong(unwrap(o).sizes() == tensor_argument("is_same_size", other).sizes());
  });
}
PyObject* is_set_to(PyObject* o, PyObject* other) {
  return guard([&]() -> PyObject* {
    const Tensor &a = unwrap(o), &b = tensor_argument("is_set_to", other);
    return PyBool_FromLong(a.storage().get() == b.storage().get() && a.offset() == b.offset() &&
                           a.sizes() == b.sizes() && a.strides() == b.strides());
  });
}

// ---- Another window or other memory, in place ----

void check_resizable(const Tensor& t, const char* method) {
  RT_CHECK(!requires_grad(t), Runtime, method, "cannot resize variables that require grad",
           describe(t), "detach() first");
}
PyObject* resize(PyObject* o, PyObject* args, PyObject* kwargs) {
  return guard([&]() -> PyObject* {
    static const char* names[] = {"memory_format", nullptr};
    const char* format = nullptr;
    if (!PyArg_ParseTupleAndKeywords(checked(PyTuple_New(0)).get(), kwargs, "|$z:resize_",
                                     const_cast<char**>(names), &format)) {
      throw PythonError{};
    }
    FormatName name;
    if (format) name = format;
    const MemoryFormat wanted = memory_format("resize_", name, MemoryFormat::Contiguous);
    RT_CHECK(wanted != MemoryFormat::Preserve, Runtime, "resize_",
             "Unsupported memory format: preserve_format", "", "contiguous_format");
    check_resizable(unwrap(o), "resize_");
    graph::note_unrecorded("resize_(): it is not recorded; try a new tensor");
    const bool packed = PyTuple_GET_SIZE(args) == 1 && !PyIndex_Check(PyTuple_GET_ITEM(args, 0));
    const Dims sizes = to_dims("resize_", "size", packed ? PyTuple_GET_ITEM(args, 0) : args);
    const Dims strides = format_strides("resize_", wanted, sizes);
    const Tensor& t = ops::resize_(unwrap(o), sizes);
    if (wanted != MemoryFormat::Contiguous) t.impl()->set_geometry(sizes, strides, t.offset());
    Py_INCREF(o);
    return o;
  });
}
PyObject* set(PyObject* o, PyObject* args) {
  return guard([&]() -> PyObject* {
    PyObject* source = nullptr;
    if (!PyArg_ParseTuple(args, "|O", &source)) return nullptr;
    const Tensor& t = unwrap(o);
    const Tensor from =
        source ? tensor_argument("set_", source) : empty({0}, t.dtype(), t.device());
    RT_CHECK(!requires_grad(t), Runtime, "set_",
             "a tensor that requires grad cannot be set to other memory", describe(t), ".data");
    RT_CHECK(
        from.dtype() == t.dtype(), Runtime, "set_",
        cat_str("Expected a Tensor of type ", name(t.dtype()), " but got ", name(from.dtype())));
    graph::note_unrecorded("set_(): it is not recorded; try a new tensor");
    t.start_version(t.version() + 1);
    t.impl()->view_base_ = {};  // a view no longer
    t.impl()->set_storage(from.storage());
    t.impl()->set_geometry(from.sizes(), from.strides(), from.offset());
    Py_INCREF(o);
    return o;
  });
}

// ---- Types ----

struct TypeName {
  const char* name;
  DType dtype;
};
constexpr TypeName type_names[] = {{"FloatTensor", DType::Float32},
                                   {"DoubleTensor", DType::Float64},
                                   {"HalfTensor", DType::Float16},
                                   {"BFloat16Tensor", DType::BFloat16},
                                   {"LongTensor", DType::Int64},
                                   {"IntTensor", DType::Int32},
                                   {"ShortTensor", DType::Int16},
                                   {"CharTensor", DType::Int8},
                                   {"ByteTensor", DType::UInt8},
                                   {"BoolTensor", DType::Bool},
                                   {"ComplexFloatTensor", DType::Complex64},
                                   {"ComplexDoubleTensor", DType::Complex128}};

// type(): the name of the tensor's type; type(dtype): the tensor converted.
PyObject* type(PyObject* o, PyObject* args, PyObject* kwargs) {
  return guard([&]() -> PyObject* {
    static const char* names[] = {"dtype", "non_blocking", nullptr};
    PyObject* wanted = Py_None;
    int non_blocking = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|Op", const_cast<char**>(names), &wanted,
                                     &non_blocking)) {
      return nullptr;
    }
    const Tensor& t = unwrap(o);
    if (wanted == Py_None) {
      for (const TypeName& n : type_names) {
        if (n.dtype == t.dtype()) return PyUnicode_FromString(cat_str("rustorch.", n.name).c_str());
      }
    }
    if (!PyUnicode_Check(wanted)) {
      if (is_dtype(wanted)) return wrap(ops::to(t, to_dtype(wanted)));
      if (wanted == reinterpret_cast<PyObject*>(tensor_type)) {
        return wrap(ops::to(t, default_dtype()));
      }
      // rustorch.FloatTensor and its like, which know their dtype.
      const Object named(PyObject_GetAttrString(wanted, "dtype"));
      if (!named) PyErr_Clear();
      RT_CHECK(named && is_dtype(named.get()), Type, "type",
               "dtype must be a type, str, or dtype object", Py_TYPE(wanted)->tp_name);
      return wrap(ops::to(t, to_dtype(named.get())));
    }
    const char* text = PyUnicode_AsUTF8(wanted);
    const char* dot = std::strrchr(text, '.');
    for (const TypeName& n : type_names) {
      if (!std::strcmp(n.name, dot ? dot + 1 : text)) return wrap(ops::to(t, n.dtype));
    }
    RT_FAIL(Value, "type", "invalid type", cat_str("'", text, "'"), "a dtype");
  });
}

// as_subclass(cls): a view of all of it, so that gradients flow, as an object of another class.
PyObject* as_subclass(PyObject* o, PyObject* cls) {
  return guard([&]() -> PyObject* {
    auto* type = reinterpret_cast<PyTypeObject*>(cls);
    RT_CHECK(
        PyType_Check(cls) && PyType_IsSubtype(type, tensor_type), Runtime, "as_subclass",
        "Creating a Tensor subclass from a class that does not inherit from Tensor is not possible",
        PyType_Check(cls) ? type->tp_name : Py_TYPE(cls)->tp_name);
    const Tensor& t = unwrap(o);
    return wrap_as(type, ops::expand(t, t.sizes()));
  });
}

PyObject* new_tensor(PyObject* o, PyObject* args, PyObject* kwargs) {
  return guard([&]() -> PyObject* {
    static const char* names[] = {"data", "dtype", "device", "requires_grad", nullptr};
    PyObject *data, *dtype = Py_None, *device = Py_None;
    int grad = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|OOp", const_cast<char**>(names), &data,
                                     &dtype, &device, &grad)) {
      return nullptr;
    }
    const Tensor& t = unwrap(o);
    const Object type = dtype == Py_None ? checked(dtype_object(t.dtype())) : Object::borrow(dtype);
    const Object module = checked(PyImport_ImportModule("rustorch._C"));
    const Object made =
        checked(PyObject_CallMethod(module.get(), "_tensor_from_data", "OO", data, type.get()));
    NoGradGuard no_grad;
    const Tensor result =
        ops::to(unwrap(made.get()), device == Py_None ? t.device() : to_device(device));
    if (grad) set_requires_grad(result, true);
    return wrap(result);
  });
}

template <class F>
PyCFunction as_method(F f) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(f));
}

PyMethodDef methods[] = {
    {"item", item, METH_NOARGS, "item()\n--\n\nThe only element as a Python number."},
    {"tolist", tolist, METH_NOARGS,
     "tolist()\n--\n\nThe elements as nested lists, or a number if it has no dims."},
    {"size", as_method(size), METH_FASTCALL | METH_KEYWORDS,
     "size(dim=None)\n--\n\nThe shape, or the size of one dim."},
    {"stride", as_method(stride), METH_FASTCALL | METH_KEYWORDS,
     "stride(dim=None)\n--\n\nThe steps in elements between neighbours, of all dims or one."},
    RT_ASK(dim, PyLong_FromLongLong(t.dim()), "The number of dimensions."),
    RT_ASK(ndimension, PyLong_FromLongLong(t.dim()), "The number of dimensions."),
    RT_ASK(numel, PyLong_FromLongLong(t.numel()), "The number of elements."),
    RT_ASK(nelement, PyLong_FromLongLong(t.numel()), "The number of elements."),
    RT_ASK(storage_offset, PyLong_FromLongLong(t.offset()),
           "The place of the first element in its memory, in elements."),
    RT_ASK(element_size, PyLong_FromSize_t(t.item_size()), "Bytes an element takes."),
    RT_ASK(data_ptr, PyLong_FromVoidPtr(t.numel() == 0 ? nullptr : t.data()),
           "The address of the first element."),
    RT_ASK(get_device, PyLong_FromLong(t.device().is_cpu() ? -1 : t.device().index),
           "The device's index; -1 for the CPU."),
    RT_ASK(is_floating_point, PyBool_FromLong(is_floating(t.dtype())),
           "Whether the dtype is a real floating-point one."),
    RT_ASK(is_complex, PyBool_FromLong(is_complex(t.dtype())),
           "Whether the dtype is a complex one."),
    RT_ASK(is_signed, PyBool_FromLong(t.dtype() != DType::Bool && t.dtype() != DType::UInt8),
           "Whether the dtype has negative values."),
    RT_ASK(is_inference, PyBool_FromLong(t.impl()->inference_),
           "Whether it was made under inference_mode()."),
    RT_ASK(is_conj, (static_cast<void>(t), PyBool_FromLong(0)),
           "Whether a conjugate is pending: never."),
    RT_ASK(is_neg, (static_cast<void>(t), PyBool_FromLong(0)),
           "Whether a negation is pending: never."),
    {"is_contiguous", as_method(is_contiguous), METH_VARARGS | METH_KEYWORDS,
     "is_contiguous(memory_format=None)\n--\n\nWhether the elements lie in row-major order, or "
     "that of the format, without gaps."},
    {"is_same_size", is_same_size, METH_O, "is_same_size(other)\n--\n\nWhether the shapes agree."},
    {"is_set_to", is_set_to, METH_O,
     "is_set_to(tensor)\n--\n\nWhether both are the same window on the same memory."},
    {"resize_", as_method(resize), METH_VARARGS | METH_KEYWORDS,
     "resize_(*sizes, memory_format=None)\n--\n\nChanges the shape, with new memory if the old is "
     "too "
     "small; values stay in memory order, dims lie in the order that the format says."},
    {"set_", set, METH_VARARGS,
     "set_(source=None)\n--\n\nUses the memory and window of another tensor, or none."},
    {"type", as_method(type), METH_VARARGS | METH_KEYWORDS,
     "type(dtype=None)\n--\n\nThe name of the tensor's type, or the tensor converted."},
    {"as_subclass", as_subclass, METH_O,
     "as_subclass(subclass)\n--\n\nThis tensor as an instance of a subclass, over the same memory; "
     "gradients flow through.\n\nRaises RuntimeError if it is no subclass of Tensor. Follows "
     "`torch.Tensor.as_subclass`."},
    {"new_tensor", as_method(new_tensor), METH_VARARGS | METH_KEYWORDS,
     "new_tensor(data, dtype=None, device=None, requires_grad=False)\n--\n\nA tensor of the data "
     "with this one's dtype and device."},
    {}};

}  // namespace

PyMethodDef* tensor_methods() { return methods; }

}  // namespace rt::py
