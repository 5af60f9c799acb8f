// One exception for the core. The bindings turn its kind into a class of rustorch.errors.
#pragma once

#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

namespace rt {

enum class ErrorKind : uint8_t {
  Runtime,
  Type,
  Value,
  Index,
  NotImplemented,
  MissingKernel,  // to users the same as NotImplemented
  OutOfMemory,
  LinAlg,
  DeviceNotAvailable,
};

class Error : public std::exception {
 public:
  Error(ErrorKind kind, std::string op, std::string what, std::string got = {},
        std::string hint = {});

  const char* what() const noexcept override { return message_.c_str(); }
  ErrorKind kind() const { return kind_; }
  const std::string& op() const { return op_; }
  const std::string& problem() const { return what_; }
  const std::string& got() const { return got_; }
  const std::string& hint() const { return hint_; }

 private:
  ErrorKind kind_;
  std::string op_, what_, got_, hint_;
  std::string message_;  // "op: what; got ...; try ..."
};

namespace detail {
std::string str(std::string_view s);
inline const std::string& str(const std::string& s) { return s; }
std::string str(const char* s);
std::string str(int64_t v);
std::string str(int v);
std::string str(size_t v);
std::string str(double v);
std::string str(bool v);
// Anything else provides to_string, found by argument-dependent lookup.
template <class T>
std::string str(const T& v) {
  return to_string(v);
}
}  // namespace detail

// Joins strings, numbers, dtypes, shapes and tensors (described as "float32[2, 3]") into a message.
template <class... A>
std::string cat_str(const A&... parts) {
  std::string s;
  (s.append(detail::str(parts)), ...);
  return s;
}

[[noreturn]] void throw_error(ErrorKind kind, std::string_view op, std::string what,
                              std::string got = {}, std::string hint = {});

}  // namespace rt

// RT_CHECK(condition, Kind, "op", "what is wrong"[, "what was given"[, "what to try"]])
#define RT_CHECK(cond, kind, ...)                            \
  do {                                                       \
    if (!(cond)) [[unlikely]]                                \
      ::rt::throw_error(::rt::ErrorKind::kind, __VA_ARGS__); \
  } while (0)
#define RT_FAIL(kind, ...) ::rt::throw_error(::rt::ErrorKind::kind, __VA_ARGS__)
