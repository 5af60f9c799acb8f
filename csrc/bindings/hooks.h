// Python callables behind the core's hooks, and Python objects that outlive the GIL's holder.
#pragma once

#include "autograd/vjp.h"
#include "bindings/python.h"

namespace rt::py {

// Owns a Python object from C++; takes the GIL to let it go, whatever thread that happens on.
class SharedObject {
 public:
  explicit SharedObject(PyObject* borrowed) : p_(borrowed) { Py_INCREF(p_); }
  ~SharedObject() {
    if (!p_ || !Py_IsInitialized()) return;
    AcquireGil gil;
    Py_DECREF(p_);
  }
  SharedObject(const SharedObject&) = delete;
  SharedObject& operator=(const SharedObject&) = delete;
  PyObject* get() const { return p_; }
  // Lets it go now; the GIL is held.
  void reset() { Py_CLEAR(p_); }

 private:
  PyObject* p_;
};

// fn(gradient) -> a gradient in its place, or None.
HookRef tensor_hook(PyObject* fn);
// fn(gradients of results) -> the same, changed, or None.
HookRef node_pre_hook(PyObject* fn);
// fn(gradients of inputs, gradients of results) -> gradients of inputs, or None.
HookRef node_post_hook(PyObject* fn);
// fn(tensor), for its effect.
HookRef observer_hook(PyObject* fn);

// What register_hook keeps: its remove() takes the hook away wherever it hangs by then.
PyObject* hook_handle(const HookRef& hook);
void init_hooks();

// The Python callable behind a hook (borrowed), for the garbage collector; null if there is none.
PyObject* hook_callable(const Hook& hook);

PyObject* gradient_tuple(const Gradients& grads);
Gradients gradients_from(PyObject* sequence, const char* who);

}  // namespace rt::py
