// Attributes of Tensor.
#include "autograd/node.h"
#include "bindings/autograd.h"
#include "bindings/python.h"
#include "core/warning.h"
#include "graph/trace.h"
#include "ops/ops.h"

namespace rt::py {

namespace {

template <class F>
PyObject* get(PyObject* o, F&& f) {
  return guard([&]() -> PyObject* { return f(unwrap(o)); });
}

int set_grad(PyObject* o, PyObject* value, void*) {
  return guard(
      [&] {
        const Tensor& t = unwrap(o);
        if (!value || value == Py_None) {
          if (t.impl()->autograd_) set_gradient(t, {});
          return 0;
        }
        RT_CHECK(is_tensor(value), Type, "grad", "assigned grad expected to be a Tensor or None",
                 Py_TYPE(value)->tp_name);
        const Tensor& g = unwrap(value);
        RT_CHECK(!g.is_same(t), Runtime, "grad", "can't assign Variable as its own grad");
        RT_CHECK(g.dtype() == t.dtype(), Runtime, "grad",
                 "attempting to assign a gradient with another dtype than its tensor's",
                 cat_str(describe(g), " to ", describe(t)));
        RT_CHECK(g.sizes() == t.sizes(), Runtime, "grad",
                 "assigned grad has data of a different size",
                 cat_str(describe(g), " to ", describe(t)));
        RT_CHECK(g.device() == t.device(), Runtime, "grad",
                 "assigned grad has data located on a different device",
                 cat_str(describe(g), " to ", describe(t)));
        set_gradient(t, g);
        return 0;
      },
      -1);
}

PyObject* get_grad(PyObject* o, void*) {
  return get(o, [](const Tensor& t) {
    if (requires_grad(t) && !is_leaf(t) && !t.impl()->autograd_->retains_grad &&
        !gradient(t).defined()) [[unlikely]] {
      warn("grad",
           "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad "
           "attribute won't be populated during autograd.backward(). If you indeed want the .grad "
           "field to be populated for a non-leaf Tensor, use .retain_grad() on the non-leaf "
           "Tensor.");
    }
    return wrap(gradient(t));
  });
}

int set_data(PyObject* o, PyObject* value, void*) {
  return guard(
      [&] {
        RT_CHECK(value, Runtime, "data", "cannot delete .data");
        RT_CHECK(is_tensor(value), Type, "data", "data must be a Tensor", Py_TYPE(value)->tp_name);
        const Tensor& t = unwrap(o);
        const Tensor& v = unwrap(value);
        RT_CHECK(!requires_grad(t) || is_differentiable(v.dtype()), Runtime, "data",
                 "data set to a tensor that requires gradients must be floating point or complex "
                 "dtype",
                 describe(v));
        RT_CHECK(v.device() == t.device() || !requires_grad(t) || is_leaf(t), Runtime, "data",
                 "incompatible tensor for .data", cat_str(describe(v), " to ", describe(t)));
        graph::note_unrecorded("data: assigning it is not recorded; try copy_() under no_grad()");
        t.start_version(t.version());  // the count goes on; v keeps its own
        t.impl()->set_storage(v.storage());
        t.impl()->dtype_ = v.dtype();
        t.impl()->set_geometry(v.sizes(), v.strides(), v.offset());
        return 0;
      },
      -1);
}

int set_requires(PyObject* o, PyObject* value, void*) {
  return guard(
      [&] {
        RT_CHECK(value && PyBool_Check(value), Runtime, "requires_grad",
                 "requires_grad must be a bool");
        set_requires_grad(unwrap(o), value == Py_True);
        return 0;
      },
      -1);
}

PyObject* data_of(const Tensor& t) {
  static const OpRecord* const op = find_op("detach");
  Tensor d;
  if (graph::tracer()) {
    const Value argument(t);
    Value returns[OpRecord::kMaxReturns];
    call_boxed(*op, &argument, returns);
    d = returns[0].tensor();
  } else {
    d = detach(t);
  }
  d.start_version(0);  // its writes are no concern of t's
  return wrap(std::move(d));
}

Tensor transposed(const Tensor& t, const char* name) {
  if (t.dim() == 0) return ops::permute(t, {});  // a view all the same
  RT_CHECK(t.dim() >= 2, Runtime, name,
           cat_str("tensor.", name, " is only supported on matrices or batches of matrices"),
           describe(t));
  return ops::transpose(t, -2, -1);
}
Tensor adjoint(const Tensor& t) {
  RT_CHECK(t.dim() == 2 || t.dim() == 0, Runtime, "H",
           "tensor.H is only supported on matrices (2-D tensors)", describe(t));
  return ops::conj(transposed(t, "H"));
}
Tensor reversed(const Tensor& t) {
  Dims order;
  for (int64_t d = t.dim() - 1; d >= 0; --d) order.push_back(d);
  return ops::permute(t, order);
}

// x.real = value, x.imag = value: written through the view, so that gradients flow.
template <Tensor (*Part)(const Tensor&)>
int set_part(PyObject* o, PyObject* value, void*) {
  return guard(
      [&] {
        RT_CHECK(value, Runtime, "real", "a part of a tensor cannot be deleted");
        const Object part = checked(wrap(Part(unwrap(o))));
        return set_item(part.get(), Py_Ellipsis, value);
      },
      -1);
}

#define RT_GET(expr) \
  [](PyObject* o, void*) { return get(o, [](const Tensor& t) -> PyObject* { return expr; }); }

PyGetSetDef properties[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, nullptr, nullptr},
    {"shape", RT_GET(size_object(t.sizes())), nullptr, "The sizes of the dimensions.", nullptr},
    {"dtype", RT_GET(dtype_object(t.dtype())), nullptr, "The type of the elements.", nullptr},
    {"device", RT_GET(device_object(t.device())), nullptr, "Where the memory lives.", nullptr},
    {"ndim", RT_GET(PyLong_FromLongLong(t.dim())), nullptr, "The number of dimensions.", nullptr},
    {"itemsize", RT_GET(PyLong_FromSize_t(t.item_size())), nullptr, "Bytes an element takes.",
     nullptr},
    {"nbytes", RT_GET(PyLong_FromSize_t(t.nbytes())), nullptr, "Bytes the elements take.", nullptr},
    {"requires_grad", RT_GET(PyBool_FromLong(requires_grad(t))), set_requires,
     "Whether gradients are computed for this tensor.", nullptr},
    {"is_leaf", RT_GET(PyBool_FromLong(is_leaf(t))), nullptr,
     "Whether no differentiable op made this tensor.", nullptr},
    {"retains_grad",
     RT_GET(
         PyBool_FromLong(!is_leaf(t) && t.impl()->autograd_ && t.impl()->autograd_->retains_grad)),
     nullptr, "Whether this non-leaf keeps its gradient in .grad.", nullptr},
    {"grad", get_grad, set_grad, "The gradient accumulated by backward(), or None.", nullptr},
    {"_grad", RT_GET(wrap(gradient(t))), set_grad, nullptr, nullptr},
    {"grad_fn", RT_GET(wrap_node(grad_fn(t))), nullptr,
     "The node of the op that made this tensor, or None.", nullptr},
    {"output_nr", RT_GET(PyLong_FromLong(output_number(t))), nullptr,
     "Which result of grad_fn this tensor is.", nullptr},
    {"_version", RT_GET(PyLong_FromUnsignedLong(t.version())), nullptr,
     "How often the memory was written in place.", nullptr},
    {"_base", RT_GET(wrap(Tensor(t.impl()->view_base_))), nullptr,
     "The tensor this one is a view of, or None.", nullptr},
    {"data", RT_GET(data_of(t)), set_data, "The same memory outside of autograd.", nullptr},
    {"T", RT_GET(wrap(reversed(t))), nullptr, "A view with the dimensions reversed.", nullptr},
    {"mT", RT_GET(wrap(transposed(t, "mT"))), nullptr,
     "A view with the last two dimensions swapped.", nullptr},
    {"H", RT_GET(wrap(adjoint(t))), nullptr, "The conjugate transpose of a matrix.", nullptr},
    {"mH", RT_GET(wrap(ops::conj(transposed(t, "mH")))), nullptr,
     "The conjugate of the view with the last two dimensions swapped.", nullptr},
    {"real", RT_GET(wrap(ops::real(t))), set_part<ops::real>,
     "The real part, as a view; assigning writes it.", nullptr},
    {"imag", RT_GET(wrap(ops::imag(t))), set_part<ops::imag>,
     "The imaginary part, as a view; assigning writes it.", nullptr},
    {"is_inference_", RT_GET(PyBool_FromLong(t.impl()->inference_)), nullptr, nullptr, nullptr},
    {}};

}  // namespace

PyGetSetDef* tensor_properties() { return properties; }

}  // namespace rt::py
