#include "core/warning.h"

#include <cstdio>

namespace rt {

namespace {
void print(const std::string& message) { std::fprintf(stderr, "warning: %s\n", message.c_str()); }
WarningHandler g_handler = &print;
}  // namespace

void warn(const char* op, const std::string& what) { g_handler(std::string(op) + ": " + what); }

void set_warning_handler(WarningHandler handler) { g_handler = handler; }

}  // namespace rt
