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

TensorObject* as_object(PyObject* o) { return reinterpret_cast<TensorObject*>(o); }

void attach(PyObject* o, Tensor t) {
  t.impl()->pyobj_ = o;
  as_object(o)->tensor = std::move(t);
}

// ---- Objects that outlive Python's last reference ----
//
// An object with something of its own (attributes, a subclass, weak references) must be the same
// one when its tensor comes back out of the graph. So when Python lets go of it while the tensor
// lives on, the roles flip: the tensor holds the object, and the object points at the tensor
// without counting. They flip back when the tensor is handed to Python again. A plain object goes;
// a new one could not be told from it.

// Makes the object's handle one that does not count, and gives back the count it had.
Tensor uncount(TensorObject* self) {
  Tensor counted = std::move(self->tensor);
  new (&self->tensor) Tensor(Ref<TensorImpl>::adopt(counted.impl()));
  return counted;
}
void forget_uncounted(TensorObject* self) { std::move(self->tensor).take().detach(); }

bool outlives_python(const TensorObject* self) {
  const TensorImpl* impl = self->tensor.impl();
  return impl && impl->pyobj_ == self && impl->use_count() > 1 &&
         (self->dict || self->weakrefs || Py_TYPE(self) != tensor_type);
}

// Python's last reference has gone: the tensor takes the object over.
void hand_to_tensor(TensorObject* self) {
  Py_SET_REFCNT(reinterpret_cast<PyObject*>(self), 1);
  TensorImpl* impl = self->tensor.impl();
  impl->owned_pyobj_ever_.store(true, std::memory_order_relaxed);
  impl->owns_pyobj_.store(true, std::memory_order_relaxed);
  // Other threads may have let go of the tensor meanwhile: then this ends it, and the object.
  const Tensor last = uncount(self);
}

// The count of a tensor that has ever owned its object has reached zero, on any thread. Until this
// thread has the GIL, Python may find the object through a weak reference and use the tensor again.
void dispose_tensor(TensorImpl* impl) {
  if (impl->disposing_.exchange(true)) return;  // whoever is at it will look again
  if (!Py_IsInitialized()) return;  // the object is out of reach, and so the tensor stays
  AcquireGil gil;
  impl->disposing_.store(false);
  if (impl->use_count() != 0 || impl->disposing_.exchange(true)) return;
  if (impl->owns_pyobj_.load(std::memory_order_relaxed)) {
    auto* self = static_cast<TensorObject*>(impl->pyobj_);
    PyObject* o = reinterpret_cast<PyObject*>(self);
    forget_uncounted(self);
    impl->owns_pyobj_.store(false, std::memory_order_relaxed);
    if (Py_REFCNT(o) > 1) {
      self->tensor = Tensor(Ref<TensorImpl>(impl));
      impl->disposing_.store(false);
      Py_DECREF(o);
      return;
    }
    impl->pyobj_ = nullptr;
    Py_DECREF(o);
  }
  delete impl;
}

// Members of __slots__, which a type below Tensor may have.
void clear_slots(PyObject* o) {
  for (PyTypeObject* type = Py_TYPE(o); type && type != tensor_type; type = type->tp_base) {
    if (type->tp_basicsize == type->tp_base->tp_basicsize) continue;
    PyObject *name, *member;
    Py_ssize_t at = 0;
    while (PyDict_Next(type->tp_dict, &at, &name, &member)) {
      if (Py_TYPE(member) != &PyMemberDescr_Type) continue;
      if (Py_TYPE(member)->tp_descr_set(member, o, nullptr) < 0) PyErr_Clear();  // was not set
    }
  }
}

// Of Tensor and of every type below it: CPython's own for those would take the attributes away
// before it asks.
void dealloc(PyObject* o) {
  auto* self = as_object(o);
  if (outlives_python(self)) return hand_to_tensor(self);
  PyTypeObject* type = Py_TYPE(o);
  if (type != tensor_type && type->tp_finalize) {
    if (!PyObject_GC_IsTracked(o)) PyObject_GC_Track(o);
    if (PyObject_CallFinalizerFromDealloc(o) < 0) return;  // __del__ has kept it
  }
  PyObject_GC_UnTrack(o);
  // First of all: the code that the next lines may run can meet this tensor again through the
  // graph, and must then get a new object.
  if (TensorImpl* impl = self->tensor.impl()) {
    if (impl->pyobj_ == o) impl->pyobj_ = nullptr;
  }
  if (self->weakrefs) PyObject_ClearWeakRefs(o);
  if (type != tensor_type) clear_slots(o);
  Py_CLEAR(self->dict);
  self->tensor.~Tensor();
  type->tp_free(o);
  Py_DECREF(type);
}

// The tensor's own hooks, if nothing but this object can reach them.
AutogradMeta* owned_meta(PyObject* o) {
  const Tensor& t = unwrap(o);
  return t.defined() && t.use_count() == 1 && !t.impl()->owns_pyobj_ ? t.impl()->autograd_.get()
                                                                     : nullptr;
}

int traverse(PyObject* o, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(o));
  // What C++ can bring back is no garbage, however its attributes lie.
  if (outlives_python(as_object(o))) return 0;
  Py_VISIT(as_object(o)->dict);
  if (const AutogradMeta* meta = owned_meta(o)) {
    for (const auto* list : {&meta->hooks, &meta->post_hooks}) {
      for (const HookRef& h : list->snapshot()) {
        if (h.use_count() == 2) Py_VISIT(hook_callable(*h));  // the list's, and this loop's
      }
    }
  }
  return 0;
}
int clear(PyObject* o) {
  if (outlives_python(as_object(o))) return 0;
  Py_CLEAR(as_object(o)->dict);
  if (AutogradMeta* meta = owned_meta(o)) {
    const auto hooks = meta->hooks.take(), post = meta->post_hooks.take();
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

// The keywords that the older constructors know; a subclass may have others, for its __init__.
Object older_keywords(PyTypeObject* type, PyObject* keywords) {
  if (!keywords || type == tensor_type) {
    Py_XINCREF(keywords);
    return Object(keywords);
  }
  Object known = checked(PyDict_New());
  for (const char* name : {"data", "size", "device"}) {
    if (PyObject* value = PyDict_GetItemString(keywords, name);
        value && PyDict_SetItemString(known.get(), name, value) < 0)
      throw PythonError{};
  }
  return known;
}

// Tensor(data): another tensor's subclass instance sharing its memory, or the values of `data`.
PyObject* new_tensor(PyTypeObject* type, PyObject* args, PyObject* keywords) {
  return guard([&]() -> PyObject* {
    const Object named = older_keywords(type, keywords);
    const bool plain = !named || PyDict_Size(named.get()) == 0;
    const Py_ssize_t n = PyTuple_GET_SIZE(args);
    Tensor t;
    if (plain && n == 0) {
      t = empty({0}, default_dtype());
    } else if (plain && n == 1 && is_tensor(PyTuple_GET_ITEM(args, 0))) {
      t = alias(unwrap(PyTuple_GET_ITEM(args, 0)));
    } else {
      Object module = checked(PyImport_ImportModule("rustorch._typed_tensors"));
      Object make = checked(PyObject_GetAttrString(module.get(), "default_made_of"));
      t = alias(unwrap(checked(PyObject_Call(make.get(), args, named.get())).get()));
    }
    return wrap_as(type, std::move(t));
  });
}

}  // namespace

PyObject* wrap(Tensor t) {
  if (!t.defined()) Py_RETURN_NONE;
  if (void* existing = t.impl()->pyobj_) {
    auto* o = static_cast<PyObject*>(existing);
    if (t.impl()->owns_pyobj_.load(std::memory_order_relaxed)) [[unlikely]] {
      // Back to Python: the reference that the tensor had is the caller's.
      t.impl()->owns_pyobj_.store(false, std::memory_order_relaxed);
      forget_uncounted(as_object(o));
      as_object(o)->tensor = std::move(t);
      return o;
    }
    Py_INCREF(o);
    return o;
  }
  PyObject* o = alloc(tensor_type);
  if (o) attach(o, std::move(t));
  return o;
}

PyObject* wrap_as(PyTypeObject* type, Tensor t) {
  type->tp_dealloc = dealloc;
  if (t.impl()->pyobj_) t = alias(t);  // one object a tensor
  PyObject* o = alloc(type);
  if (o) attach(o, std::move(t));
  return o;
}

void init_tensor(PyObject* module) {
  dispose_with_pyobj = &dispose_tensor;
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
