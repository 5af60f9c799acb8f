// Nodes whose backward is written in Python: rustorch.autograd.Function.
#include <mutex>
#include <new>

#include "bindings/autograd.h"
#include "bindings/hooks.h"
#include "ops/ops.h"

namespace rt::py {

namespace {

// Tensors that a Function saved. The node and Python's context share it; the node's end is told, so
// that the context never keeps the graph alive. A pass may release it while Python reads it.
struct SavedState {
  std::mutex mutex;  // nothing is let go under it: that could need the GIL
  std::vector<SavedTensor> items;
  Node* owner = nullptr;
  bool released = false;
};

class FunctionNode final : public Node {
 public:
  FunctionNode(PyObject* context, std::string name) : context_(context), name_(std::move(name)) {
    saved_->owner = this;
  }
  ~FunctionNode() override {
    std::lock_guard lock(saved_->mutex);
    saved_->owner = nullptr;
  }

  std::string name() const override { return name_; }
  void release() override {
    std::vector<SavedTensor> items;
    std::lock_guard lock(saved_->mutex);
    saved_->released = true;
    items.swap(saved_->items);
  }
  void* python_object() const override { return context_.get(); }

  Gradients apply(Gradients grads, const std::vector<bool>& needed) override {
    AcquireGil gil;
    const bool materialize = truth("materialize_grads");
    for (size_t i = 0; i < results.size(); ++i) {
      if (!grads[i].defined() && materialize) {
        grads[i] = ops::zeros(results[i].sizes, results[i].dtype, results[i].device);
      }
    }
    Object args = checked(gradient_tuple(grads));
    Object want = checked(PyTuple_New(static_cast<Py_ssize_t>(needed.size())));
    for (size_t i = 0; i < needed.size(); ++i) {
      PyTuple_SET_ITEM(want.get(), static_cast<Py_ssize_t>(i), PyBool_FromLong(needed[i]));
    }
    Object r =
        checked(PyObject_CallMethod(context_.get(), "_run_backward", "OO", args.get(), want.get()));
    Gradients out = gradients_from(r.get(), name_.c_str());
    for (size_t i = 0; i < out.size() && i < inputs.size(); ++i) fit(out[i], inputs[i], i);
    return out;
  }

  std::vector<InputMeta> inputs;
  std::shared_ptr<SavedState> saved_ = std::make_shared<SavedState>();

 private:
  bool truth(const char* attribute) const {
    Object v = checked(PyObject_GetAttrString(context_.get(), attribute));
    return PyObject_IsTrue(v.get()) == 1;
  }

  void fit(Tensor& g, const InputMeta& m, size_t i) const {
    if (!g.defined()) return;
    if (!(g.sizes() == IntList(m.sizes))) {
      RT_CHECK(is_expandable_to(m.sizes, g.sizes()), Runtime, name_,
               cat_str("Function ", name_, " returned an invalid gradient at index ", i, " - got ",
                       g.sizes(), " but expected shape compatible with ", m.sizes));
      g = ops::sum_to_size(g, m.sizes);
    }
    if (is_complex(g.dtype()) && !is_complex(m.dtype)) g = ops::real(g);
    if (g.dtype() != m.dtype) g = ops::to(g, m.dtype);
  }

  SharedObject context_;
  std::string name_;
};

struct SavedObject {
  PyObject_HEAD
  std::shared_ptr<SavedState> state;
};
PyTypeObject* g_saved_type;  // made once when the module is imported

void saved_dealloc(PyObject* o) {
  PyTypeObject* type = Py_TYPE(o);
  reinterpret_cast<SavedObject*>(o)->state.~shared_ptr();
  type->tp_free(o);
  Py_DECREF(type);
}

PyObject* saved_unpack(PyObject* o, PyObject*) {
  return guard([&]() -> PyObject* {
    SavedState& s = *reinterpret_cast<SavedObject*>(o)->state;
    Ref<Node> owner;
    std::vector<SavedTensor> items;
    bool released;
    {
      std::lock_guard lock(s.mutex);
      released = s.released;
      if (s.owner) owner = Ref<Node>::try_retain(s.owner);
      items = s.items;
    }
    RT_CHECK(
        !released && owner, Runtime, owner ? owner->name() : "backward",
        "Trying to backward through the graph a second time (or directly access saved tensors "
        "after they have already been freed). Specify retain_graph=True when calling .backward() "
        "or autograd.grad() the first time",
        "", "retain_graph=True in the first backward");
    std::vector<Tensor> list;
    for (const SavedTensor& t : items) list.push_back(t.unpack(owner));
    return to_python(Value(TensorList(list)));
  });
}
PyMethodDef saved_methods[] = {{"unpack", saved_unpack, METH_NOARGS, nullptr}, {}};

std::vector<PyObject*> items(PyObject* sequence) {
  std::vector<PyObject*> list;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(sequence); ++i)
    list.push_back(PyTuple_GET_ITEM(sequence, i));
  return list;
}
bool contains(const std::vector<PyObject*>& list, PyObject* o) {
  for (PyObject* p : list) {
    if (p == o) return true;
  }
  return false;
}

// PyTorch's conditions on an input that forward changed in place.
void check_written(PyObject* o, const std::vector<PyObject*>& in, const std::vector<PyObject*>& out,
                   const char* name) {
  RT_CHECK(contains(out, o), Runtime, name,
           "Some elements marked as dirty during the forward method were not returned as output. "
           "The inputs that are "
           "modified inplace must all be outputs of the Function.");
  const Tensor& t = unwrap(o);
  if (!contains(in, o) || !is_differentiable(t.dtype())) return;
  RT_CHECK(!t.impl()->view_base_ || out.size() == 1, Runtime, name,
           "If your Function modifies inplace an input that is a view of another Tensor, your "
           "Function cannot return "
           "more than one Tensor.",
           describe(t), "clone() on the input, or two Functions");
  RT_CHECK(!requires_grad(t) || !is_leaf(t), Runtime, name,
           "a leaf Variable that requires grad has been used in an in-place operation.",
           describe(t));
}

// _attach_function(context, name, inputs, outputs, dirty, non_differentiable, to_save)
//   -> (outputs, saved): outputs with this node as their history; all arguments are tuples.
PyObject* attach(PyObject*, PyObject* args) {
  return guard([&]() -> PyObject* {
    PyObject *context, *inputs, *outputs, *dirty, *plain, *to_save;
    const char* name;
    if (!PyArg_ParseTuple(args, "OsO!O!O!O!O!", &context, &name, &PyTuple_Type, &inputs,
                          &PyTuple_Type, &outputs, &PyTuple_Type, &dirty, &PyTuple_Type, &plain,
                          &PyTuple_Type, &to_save)) {
      return nullptr;
    }
    const auto in = items(inputs), out = items(outputs), written = items(dirty),
               flat = items(plain), save = items(to_save);
    auto node = make_ref<FunctionNode>(context, name);
    for (PyObject* o : in) {
      node->edges.push_back(is_tensor(o) ? gradient_edge(unwrap(o)) : Edge{});
      node->inputs.push_back(is_tensor(o) ? InputMeta(unwrap(o)) : InputMeta());
    }
    for (PyObject* o : written) check_written(o, in, out, name);
    int64_t differentiable_results = 0;
    std::vector<Tensor> results;
    for (size_t i = 0; i < out.size(); ++i) {
      Tensor t = unwrap(out[i]);
      node->results.emplace_back(t);
      const bool differentiable = is_differentiable(t.dtype()) && !contains(flat, out[i]);
      differentiable_results += differentiable;
      if (contains(written, out[i])) {
        if (differentiable) {
          if (t.impl()->view_base_) {
            rebase_history(t, node);
          } else {
            set_history(t, node, static_cast<uint32_t>(i));
          }
        }
      } else if (contains(in, out[i])) {
        t = alias(t);  // an input handed through unchanged is a new result
        set_view_of(t, unwrap(out[i]), ViewOrigin::Function);
        if (differentiable) set_history(t, node, static_cast<uint32_t>(i));
      } else if (differentiable) {
        if (t.impl()->view_base_) t.impl()->view_origin_ = ViewOrigin::Function;
        set_history(t, node, static_cast<uint32_t>(i));
      }
      results.push_back(std::move(t));
    }
    if (differentiable_results > 1) mark_multi_output(results);
    for (PyObject* o : save) {
      if (o == Py_None) {
        node->saved_->items.emplace_back();
        continue;
      }
      int output = -1;
      for (size_t i = 0; i < out.size(); ++i) {
        if (out[i] == o && !contains(in, o)) output = static_cast<int>(i);
      }
      node->saved_->items.emplace_back(unwrap(o), output);
    }
    Object saved = checked(g_saved_type->tp_alloc(g_saved_type, 0));
    new (&reinterpret_cast<SavedObject*>(saved.get())->state)
        std::shared_ptr<SavedState>(node->saved_);
    Object made = checked(to_python(Value(TensorList(results))));
    return Py_BuildValue("(OO)", made.get(), saved.get());
  });
}

PyObject* mark_written(PyObject*, PyObject* tensor) {
  return guard([&]() -> PyObject* {
    unwrap(tensor).bump_version();
    Py_RETURN_NONE;
  });
}

PyMethodDef functions[] = {{"_attach_function", attach, METH_VARARGS, nullptr},
                           {"_bump_version", mark_written, METH_O, nullptr},
                           {}};

}  // namespace

void init_function_node(PyObject* module) {
  PyType_Slot slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(saved_dealloc)},
                         {Py_tp_methods, saved_methods},
                         {0, nullptr}};
  PyType_Spec spec{"rustorch._C.SavedTensors", sizeof(SavedObject), 0,
                   Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
  g_saved_type = reinterpret_cast<PyTypeObject*>(checked(PyType_FromSpec(&spec)).release());
  checked(PyModule_AddFunctions(module, functions));
}

}  // namespace rt::py
