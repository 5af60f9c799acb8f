#include "bindings/hooks.h"

#include <atomic>
#include <new>

namespace rt::py {

PyObject* gradient_tuple(const Gradients& grads) { return to_python(Value(TensorList(grads))); }

Gradients gradients_from(PyObject* sequence, const char* who) {
  Gradients grads;
  Object fast = checked(PySequence_Fast(sequence, "expected a tuple of gradients"));
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(fast.get()); ++i) {
    PyObject* item = PySequence_Fast_GET_ITEM(fast.get(), i);
    RT_CHECK(item == Py_None || is_tensor(item), Type, who,
             cat_str("expected Variable or None (got ", Py_TYPE(item)->tp_name, ")"));
    grads.push_back(item == Py_None ? Tensor() : unwrap(item));
  }
  return grads;
}

namespace {

class PythonHook : public Hook {
 public:
  explicit PythonHook(PyObject* fn) : fn_(fn) {}
  PyObject* callable() const { return fn_.get(); }
  bool removed() const override { return removed_.load(std::memory_order_relaxed); }
  // The GIL is held.
  void remove() {
    removed_.store(true, std::memory_order_relaxed);
    fn_.reset();
  }

 protected:
  // The callable while it is called, even if it removes itself; none once the hook was removed.
  Object function() const { return Object::borrow(fn_.get()); }

 private:
  SharedObject fn_;
  std::atomic<bool> removed_{false};
};

class TensorHook final : public PythonHook {
 public:
  using PythonHook::PythonHook;
  void call(Gradients& grads, const Gradients*) override {
    AcquireGil gil;
    const Object fn = function();
    if (!fn) return;
    Object g = checked(wrap(grads[0]));
    Object r = checked(PyObject_CallOneArg(fn.get(), g.get()));
    if (r.get() == Py_None) return;
    RT_CHECK(is_tensor(r.get()), Type, "hook", "a gradient hook must return a Tensor or None",
             Py_TYPE(r.get())->tp_name);
    RT_CHECK(!grads[0].defined() || unwrap(r.get()).sizes() == grads[0].sizes(), Runtime, "hook",
             "hook has changed the size of value",
             cat_str(describe(unwrap(r.get())), " for ", describe(grads[0])));
    RT_CHECK(!grads[0].defined() || unwrap(r.get()).dtype() == grads[0].dtype(), Runtime, "hook",
             cat_str("hook has changed the type of value (was ", name(grads[0].dtype()), " got ",
                     name(unwrap(r.get()).dtype()), ")"));
    grads[0] = unwrap(r.get());
  }
};

class ObserverHook final : public PythonHook {
 public:
  using PythonHook::PythonHook;
  void call(Gradients& tensors, const Gradients*) override {
    AcquireGil gil;
    const Object fn = function();
    if (!fn) return;
    Object t = checked(wrap(tensors[0]));
    const Object r = checked(PyObject_CallOneArg(fn.get(), t.get()));
    RT_CHECK(r.get() == Py_None, Runtime, "hook", "post accumulate grad hooks should return None.",
             Py_TYPE(r.get())->tp_name);
  }
};

class NodeHook final : public PythonHook {
 public:
  NodeHook(PyObject* fn, bool post) : PythonHook(fn), post_(post) {}
  void call(Gradients& grads, const Gradients* outputs) override {
    AcquireGil gil;
    const Object fn = function();
    if (!fn) return;
    Object first = checked(gradient_tuple(grads));
    Object second = post_ ? checked(gradient_tuple(outputs ? *outputs : Gradients())) : Object();
    Object r = checked(PyObject_CallFunctionObjArgs(fn.get(), first.get(), second.get(), nullptr));
    if (r.get() == Py_None) return;
    Gradients changed;
    if (is_tensor(r.get())) {
      changed.push_back(unwrap(r.get()));
    } else {
      changed = gradients_from(r.get(), "hook");
    }
    RT_CHECK(changed.size() == grads.size(), Runtime, "hook",
             "hook has returned an incorrect number of values",
             cat_str("got ", changed.size(), ", but expected ", grads.size()));
    grads = std::move(changed);
  }

 private:
  bool post_;
};

}  // namespace

PyObject* hook_callable(const Hook& hook) {
  const auto* python = dynamic_cast<const PythonHook*>(&hook);
  return python ? python->callable() : nullptr;
}

HookRef tensor_hook(PyObject* fn) { return std::make_shared<TensorHook>(fn); }
HookRef observer_hook(PyObject* fn) { return std::make_shared<ObserverHook>(fn); }
HookRef node_pre_hook(PyObject* fn) { return std::make_shared<NodeHook>(fn, false); }
HookRef node_post_hook(PyObject* fn) { return std::make_shared<NodeHook>(fn, true); }

namespace {

struct HandleObject {
  PyObject_HEAD
  std::weak_ptr<Hook> hook;
};
PyTypeObject* g_handle_type;  // made once when the module is imported

void handle_dealloc(PyObject* o) {
  PyTypeObject* type = Py_TYPE(o);
  reinterpret_cast<HandleObject*>(o)->hook.~weak_ptr();
  type->tp_free(o);
  Py_DECREF(type);
}
PyObject* handle_remove(PyObject* o, PyObject*) {
  const HookRef hook = reinterpret_cast<HandleObject*>(o)->hook.lock();
  if (auto* python = dynamic_cast<PythonHook*>(hook.get())) python->remove();
  Py_RETURN_NONE;
}
PyMethodDef handle_methods[] = {{"remove", handle_remove, METH_NOARGS, nullptr}, {}};

}  // namespace

PyObject* hook_handle(const HookRef& hook) {
  PyObject* o = g_handle_type->tp_alloc(g_handle_type, 0);
  if (o) new (&reinterpret_cast<HandleObject*>(o)->hook) std::weak_ptr<Hook>(hook);
  return o;
}

void init_hooks() {
  PyType_Slot slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(handle_dealloc)},
                         {Py_tp_methods, handle_methods},
                         {0, nullptr}};
  PyType_Spec spec{"rustorch._C.HookHandle", sizeof(HandleObject), 0,
                   Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
  g_handle_type = reinterpret_cast<PyTypeObject*>(checked(PyType_FromSpec(&spec)).release());
}

}  // namespace rt::py
