// What the bindings of graphs share: values as Python hands them over.
#pragma once

#include <pybind11/pybind11.h>

#include "graph/graph.h"

PYBIND11_DECLARE_HOLDER_TYPE(T, rt::Ref<T>, true)

namespace rt::py {

Tensor tensor_of(pybind11::handle o);
std::vector<Tensor> tensors_of(const pybind11::sequence& sequence);
// Numbers, lists and None as they are in a run.
Value run_value(pybind11::handle o);
const char* form_name(graph::NodeForm f);
// _GraphBuilder: graphs made node by node.
void init_graph_builder(pybind11::module_& m);

}  // namespace rt::py
