#include "ops/value.h"

namespace rt {

Value::Value(const Scalar& s) {
  switch (s.kind()) {
    case Scalar::Kind::Bool:
      emplace<bool>(s.to_bool());
      break;
    case Scalar::Kind::Int:
      emplace<int64_t>(s.to_int());
      break;
    case Scalar::Kind::Float:
      emplace<double>(s.to_double());
      break;
    case Scalar::Kind::Complex:
      emplace<std::complex<double>>(s.to_complex());
      break;
  }
}

Scalar Value::scalar() const {
  if (const auto* b = std::get_if<bool>(this)) return *b;
  if (const auto* i = std::get_if<int64_t>(this)) return *i;
  if (const auto* d = std::get_if<double>(this)) return *d;
  return std::get<std::complex<double>>(*this);
}

const Tensor& Value::tensor() const {
  static const Tensor undefined;
  const Tensor* t = std::get_if<Tensor>(this);
  return t ? *t : undefined;
}

std::string to_string(const Value& v) {
  struct Printer {
    std::string operator()(std::monostate) const { return "None"; }
    std::string operator()(bool x) const { return x ? "True" : "False"; }
    std::string operator()(int64_t x) const { return std::to_string(x); }
    std::string operator()(double x) const { return detail::str(x); }
    std::string operator()(std::complex<double> x) const { return to_string(Scalar(x)); }
    std::string operator()(const std::string& x) const { return "'" + x + "'"; }
    std::string operator()(DType x) const { return name(x); }
    std::string operator()(Device x) const { return to_string(x); }
    std::string operator()(const Tensor& x) const { return describe(x); }
    std::string operator()(const Dims& x) const { return to_string(x); }
    std::string operator()(const std::vector<double>& x) const {
      std::string s = "[";
      for (size_t i = 0; i < x.size(); ++i) s += (i ? ", " : "") + detail::str(x[i]);
      return s + "]";
    }
    std::string operator()(const std::vector<Tensor>& x) const {
      std::string s = "[";
      for (size_t i = 0; i < x.size(); ++i) s += (i ? ", " : "") + describe(x[i]);
      return s + "]";
    }
    std::string operator()(const Ref<Generator>&) const { return "Generator"; }
  };
  return std::visit(Printer{}, static_cast<const Value::variant&>(v));
}

}  // namespace rt
