// The values that a tensor is printed from.
#include "bindings/python.h"
#include "ops/ops.h"

namespace rt::py {

namespace {

// Nested lists of Python numbers. Of a dim longer than 2 * edge only `edge` values at either end
// are kept; a negative edge keeps all.
Object values(const Tensor& t, size_t dim, int64_t offset, int64_t edge) {
  if (dim == t.sizes().size()) {
    const char* at = t.host_data<char>() + offset * static_cast<int64_t>(t.item_size());
    return checked(to_python(Scalar::load(at, t.dtype())));
  }
  const int64_t size = t.sizes()[dim], stride = t.strides()[dim];
  const bool cut = edge >= 0 && size > 2 * edge;
  Object list = checked(PyList_New(cut ? 2 * edge : size));
  for (int64_t i = 0; i < (cut ? 2 * edge : size); ++i) {
    const int64_t at = cut && i >= edge ? size - 2 * edge + i : i;
    PyList_SET_ITEM(list.get(), i, values(t, dim + 1, offset + at * stride, edge).release());
  }
  return list;
}

PyObject* printed_values(PyObject*, PyObject* args) {
  PyObject* o = nullptr;
  long long edge = 0;
  if (!PyArg_ParseTuple(args, "OL:_printed_values", &o, &edge)) return nullptr;
  return guard([&]() -> PyObject* {
    RT_CHECK(is_tensor(o), Type, "_printed_values", "expected a tensor", Py_TYPE(o)->tp_name);
    NoGradGuard no_grad;
    const Tensor t = unwrap(o).device().is_cpu() ? unwrap(o) : ops::to(unwrap(o), Device{});
    return values(t, 0, 0, edge).release();
  });
}

PyMethodDef functions[] = {{"_printed_values", printed_values, METH_VARARGS, nullptr}, {}};

}  // namespace

void init_printing(PyObject* module) { checked(PyModule_AddFunctions(module, functions)); }

}  // namespace rt::py
