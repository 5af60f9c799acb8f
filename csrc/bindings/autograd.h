// Nodes, modes, backward and hooks in Python.
#pragma once

#include "autograd/node.h"
#include "bindings/python.h"

namespace rt::py {

PyObject* wrap_node(const Ref<Node>& node);  // None for null
void init_autograd(PyObject* module);
void init_function_node(PyObject* module);

}  // namespace rt::py
