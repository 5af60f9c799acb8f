// The extension module rustorch._C.
#include <pybind11/pybind11.h>

#include "bindings/autograd.h"
#include "bindings/coreml.h"
#include "bindings/default_device.h"
#include "bindings/generator.h"
#include "bindings/python.h"
#include "core/device.h"

PYBIND11_MODULE(_C, m) {
  m.doc() = "The compiled core of rustorch.";
  rt::load_engines();
  try {
    using namespace rt::py;
    init_types(m.ptr());
    init_generator(m.ptr());
    init_tensor(m.ptr());
    init_autograd(m.ptr());
    init_ops(m.ptr());
    init_construct(m.ptr());
    init_numpy(m.ptr());
    init_storage(m.ptr());
    init_streams(m.ptr());
    init_dlpack(m.ptr());
    init_printing(m.ptr());
    init_registry(m.ptr());
    init_runtime(m.ptr());
    init_default_device(m.ptr());
    init_routing(m.ptr());
    init_bench(m.ptr());
    init_graph(m.ptr());
    init_mlcompute(m.ptr());
    init_native_model(m.ptr());
    init_coreml(m.ptr());
  } catch (...) {
    rt::py::set_error_from_exception();
    throw pybind11::error_already_set();
  }
}
