// Calls that PyTorch still takes from its early days: numbers before the tensors that they scale.
#pragma once

#include <vector>

#include "bindings/python.h"

namespace rt::py {

// A call rewritten: the arguments that are left by position, then those by name.
struct RewrittenCall {
  std::vector<PyObject*> args;
  Object names;  // of the last ones, a tuple
  const char* advice = nullptr;
};

// Rewrites addcmul(x, 2, y, z) to addcmul(x, tensor1=y, tensor2=z, value=2), and its like; false if
// `name` has no older form of `n` arguments. `name` is that of an op, with or without "_".
bool rewrite_older_form(const char* name, bool method, PyObject* const* args, size_t n,
                        PyObject* kwnames, RewrittenCall* out);

}  // namespace rt::py
