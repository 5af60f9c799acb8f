// Core ML's engine in Python.
#pragma once

#include <Python.h>

namespace rt::py {

void init_coreml(PyObject* module);

}  // namespace rt::py
