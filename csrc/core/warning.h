// Warnings to the user: Python's own, where the core runs under Python.
#pragma once

#include <string>

namespace rt {

// "op: what". May throw, where the user made warnings errors.
void warn(const char* op, const std::string& what);

// Who shows a warning; standard error until set. Global: set once, when the bindings are loaded.
using WarningHandler = void (*)(const std::string& message);
void set_warning_handler(WarningHandler handler);

}  // namespace rt
