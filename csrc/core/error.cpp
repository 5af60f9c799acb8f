#include "core/error.h"

#include <cstdio>

namespace rt {

Error::Error(ErrorKind kind, std::string op, std::string what, std::string got, std::string hint)
    : kind_(kind),
      op_(std::move(op)),
      what_(std::move(what)),
      got_(std::move(got)),
      hint_(std::move(hint)) {
  if (!op_.empty()) message_ = op_ + ": ";
  message_ += what_;
  if (!got_.empty()) message_ += "; got " + got_;
  if (!hint_.empty()) message_ += "; try " + hint_;
}

void throw_error(ErrorKind kind, std::string_view op, std::string what, std::string got,
                 std::string hint) {
  throw Error(kind, std::string(op), std::move(what), std::move(got), std::move(hint));
}

namespace detail {
std::string str(std::string_view s) { return std::string(s); }
std::string str(const char* s) { return s; }
std::string str(int64_t v) { return std::to_string(v); }
std::string str(int v) { return std::to_string(v); }
std::string str(size_t v) { return std::to_string(v); }
std::string str(bool v) { return v ? "True" : "False"; }
std::string str(double v) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%g", v);
  return buffer;
}
}  // namespace detail

}  // namespace rt
