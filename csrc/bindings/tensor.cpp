// The Python type Tensor: life, attributes and weak references. Its methods are the ops.
#include <cstddef>
#include <new>

#include "bindings/hooks.h"
#include "bindings/python.h"

namespace rt::py {

PyTypeObject* tensor_type = nullptr;  // made once when the module is imported

namespace {

// A Python tensor takes part in garbage collection only once it can be part of a cycle: when it has
// attributes. Until then it is not tracked, which keeps small ops fast.
PyObject* alloc(PyTypeObject* type) {
  TensorObject* self = type == tensor_type
                           ? PyObject_GC_New(TensorObject, type)
                           : reinterpret_cast<TensorObject*>(type->tp_alloc(type, 0));
  if (!self) return nullptr;
  new (&self->tensor) Tensor();
  self->dict = nullptr;
  self->weakrefs = nullptr;
  return reinterpret_cast<PyObject*>(self);
}

void attach(PyObject* o, Tensor t) {
  t.impl()->pyobj_ = o;
  reinterpret_cast<TensorObject*>(o)->tensor = std::move(t);
}

void dealloc(PyObject* o) {
  auto* self = reinterpret_cast<TensorObject*>(o);
  PyTypeObject* type = Py_TYPE(o);
  PyObject_GC_UnTrack(o);
  // First of all: the code that the next two lines may run can meet this tensor again through the
  // graph, and must then get a new object.
  if (TensorImpl* impl = self->tensor.impl()) {
    if (impl->pyobj_ == o) impl->pyobj_ = nullptr;
  }
  if (self->weakrefs) PyObject_ClearWeakRefs(o);
  Py_CLEAR(self->dict);
  self->tensor.~Tensor();
  type->tp_free(o);
  Py_DECREF(type);
}

// The tensor's own hooks, if nothing but this object can reach them.
AutogradMeta* owned_meta(PyObject* o) {
  const Tensor& t = unwrap(o);
  return t.use_count() == 1 ? t.impl()->autograd_.get() : nullptr;
}

int traverse(PyObject* o, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(o));
  Py_VISIT(reinterpret_cast<TensorObject*>(o)->dict);
  if (const AutogradMeta* meta = owned_meta(o)) {
    for (const auto* list : {&meta->hooks, &meta->post_hooks}) {
      for (const HookEntry& h : *list) {
        if (h.hook.use_count() == 1) Py_VISIT(hook_callable(*h.hook));
      }
    }
  }
  return 0;
}
int clear(PyObject* o) {
  Py_CLEAR(reinterpret_cast<TensorObject*>(o)->dict);
  if (AutogradMeta* meta = owned_meta(o)) {
    const auto hooks = std::exchange(meta->hooks, {}), post = std::exchange(meta->post_hooks, {});
  }
  return 0;
}

int set_attribute(PyObject* o, PyObject* name, PyObject* value) {
  const int status = PyObject_GenericSetAttr(o, name, value);
  if (reinterpret_cast<TensorObject*>(o)->dict && !PyObject_GC_IsTracked(o)) PyObject_GC_Track(o);
  return status;
}

Py_hash_t hash(PyObject* o) { return _Py_HashPointer(o); }

Py_ssize_t length(PyObject* o) {
  return guard(
      [&]() -> Py_ssize_t {
        const Tensor& t = unwrap(o);
        RT_CHECK(t.dim() > 0, Type, "len", "len() of a 0-d tensor", describe(t));
        return t.sizes()[0];
      },
      Py_ssize_t{-1});
}

// Tensor(data): another tensor's subclass instance sharing its memory, or the values of `data`.
PyObject* new_tensor(PyTypeObject* type, PyObject* args, PyObject*) {
  return guard([&]() -> PyObject* {
    Tensor t;
    if (PyTuple_GET_SIZE(args) == 0) {
      t = empty({0}, default_dtype());
    } else if (PyTuple_GET_SIZE(args) == 1 && is_tensor(PyTuple_GET_ITEM(args, 0))) {
      t = alias(unwrap(PyTuple_GET_ITEM(args, 0)));
    } else if (PyTuple_GET_SIZE(args) == 1 && !PyLong_Check(PyTuple_GET_ITEM(args, 0))) {
      Object module = checked(PyImport_ImportModule("rustorch._C"));
      Object made = checked(PyObject_CallMethod(module.get(), "_tensor_from_data", "OO",
                                                PyTuple_GET_ITEM(args, 0),
                                                Object(dtype_object(default_dtype())).get()));
      t = alias(unwrap(made.get()));
    } else {
      t = empty(to_dims("Tensor", "size", args), default_dtype());
    }
    return wrap_as(type, std::move(t));
  });
}

}  // namespace

PyObject* wrap(Tensor t) {
  if (!t.defined()) Py_RETURN_NONE;
  if (void* existing = t.impl()->pyobj_) {
    Py_INCREF(static_cast<PyObject*>(existing));
    return static_cast<PyObject*>(existing);
  }
  PyObject* o = alloc(tensor_type);
  if (o) attach(o, std::move(t));
  return o;
}

PyObject* wrap_as(PyTypeObject* type, Tensor t) {
  if (t.impl()->pyobj_) t = alias(t);  // one object a tensor
  PyObject* o = alloc(type);
  if (o) attach(o, std::move(t));
  return o;
}

void init_tensor(PyObject* module) {
  static PyMemberDef members[] = {
      {"__dictoffset__", T_PYSSIZET, offsetof(TensorObject, dict), READONLY, nullptr},
      {"__weaklistoffset__", T_PYSSIZET, offsetof(TensorObject, weakrefs), READONLY, nullptr},
      {}};
  PyNumberMethods* n = number_methods();
#define RT_SLOT(name) {Py_##name, reinterpret_cast<void*>(n->name)}
  PyType_Slot slots[] = {
      {Py_tp_new, reinterpret_cast<void*>(new_tensor)},
      {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
      {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
      {Py_tp_clear, reinterpret_cast<void*>(clear)},
      {Py_tp_setattro, reinterpret_cast<void*>(set_attribute)},
      {Py_tp_hash, reinterpret_cast<void*>(hash)},
      {Py_tp_richcompare, reinterpret_cast<void*>(rich_compare)},
      {Py_tp_members, members},
      {Py_tp_getset, tensor_properties()},
      {Py_tp_methods, tensor_methods()},
      {Py_mp_length, reinterpret_cast<void*>(length)},
      {Py_mp_subscript, reinterpret_cast<void*>(get_item)},
      {Py_mp_ass_subscript, reinterpret_cast<void*>(set_item)},
      {Py_tp_iter, reinterpret_cast<void*>(iterate)},
      {Py_bf_getbuffer, reinterpret_cast<void*>(get_buffer)},
      {Py_bf_releasebuffer, reinterpret_cast<void*>(release_buffer)},
      RT_SLOT(nb_add),
      RT_SLOT(nb_subtract),
      RT_SLOT(nb_multiply),
      RT_SLOT(nb_true_divide),
      RT_SLOT(nb_floor_divide),
      RT_SLOT(nb_remainder),
      RT_SLOT(nb_power),
      RT_SLOT(nb_matrix_multiply),
      RT_SLOT(nb_negative),
      RT_SLOT(nb_positive),
      RT_SLOT(nb_absolute),
      RT_SLOT(nb_invert),
      RT_SLOT(nb_and),
      RT_SLOT(nb_or),
      RT_SLOT(nb_xor),
      RT_SLOT(nb_lshift),
      RT_SLOT(nb_rshift),
      RT_SLOT(nb_inplace_add),
      RT_SLOT(nb_inplace_subtract),
      RT_SLOT(nb_inplace_multiply),
      RT_SLOT(nb_inplace_true_divide),
      RT_SLOT(nb_inplace_floor_divide),
      RT_SLOT(nb_inplace_remainder),
      RT_SLOT(nb_inplace_power),
      RT_SLOT(nb_inplace_and),
      RT_SLOT(nb_inplace_or),
      RT_SLOT(nb_inplace_xor),
      RT_SLOT(nb_inplace_lshift),
      RT_SLOT(nb_inplace_rshift),
      RT_SLOT(nb_bool),
      RT_SLOT(nb_int),
      RT_SLOT(nb_float),
      RT_SLOT(nb_index),
      {Py_tp_doc,
       const_cast<char*>("An array of numbers on a device, which remembers how it was made "
                         "so that it can be differentiated.")},
      {0, nullptr}};
#undef RT_SLOT
  PyType_Spec spec{"rustorch.Tensor", sizeof(TensorObject), 0,
                   Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, slots};
  tensor_type = reinterpret_cast<PyTypeObject*>(checked(PyType_FromSpec(&spec)).release());
  checked(PyModule_AddObjectRef(module, "Tensor", reinterpret_cast<PyObject*>(tensor_type)));
}

}  // namespace rt::py
