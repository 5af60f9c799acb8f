// The Python type Generator (generator.cpp), as arguments see it.
#pragma once

#include "bindings/python.h"
#include "core/generator.h"

namespace rt::py {

bool is_generator(PyObject* o);
Ref<Generator> to_generator(PyObject* o);
void init_generator(PyObject* module);

}  // namespace rt::py
