#include "ops/schema.h"

#include <cctype>
#include <cstdlib>

namespace rt {

namespace {

class Parser {
 public:
  explicit Parser(const char* text) : text_(text) {}

  Schema parse() {
    Schema s;
    s.text = text_;
    s.name = take_until("(");
    s.base_name = s.name.substr(0, s.name.find('.'));
    expect("(");
    bool keyword_only = false;
    while (!accept(")")) {
      if (accept("*")) {
        keyword_only = true;
      } else {
        s.args.push_back(argument(keyword_only));
      }
      accept(",");
    }
    expect("->");
    if (accept("(")) {
      while (!accept(")")) {
        s.returns.push_back(result());
        accept(",");
      }
    } else {
      s.returns.push_back(result());
    }
    skip();
    if (at_ != text_.size()) fail("text after the end");
    return s;
  }

 private:
  [[noreturn]] void fail(const char* what) const {
    RT_FAIL(Value, "schema", cat_str(what, " at column ", at_), text_);
  }
  void skip() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  bool accept(std::string_view token) {
    skip();
    if (std::string_view(text_).substr(at_, token.size()) != token) return false;
    at_ += token.size();
    return true;
  }
  void expect(std::string_view token) {
    if (!accept(token)) fail("a token is missing");
  }
  std::string take_until(const char* stops) {
    skip();
    const size_t end = std::min(text_.find_first_of(stops, at_), text_.size());
    std::string s = text_.substr(at_, end - at_);
    at_ = end;
    while (!s.empty() && s.back() == ' ') s.pop_back();
    return s;
  }

  Return result() {
    Return r;
    r.type = take_until(" ,)");
    skip();
    if (at_ < text_.size() && (std::isalpha(static_cast<unsigned char>(text_[at_])))) {
      r.name = take_until(" ,)");
    }
    return r;
  }

  Argument argument(bool keyword_only) {
    Argument a;
    a.keyword_only = keyword_only;
    a.type = take_until(" ");
    a.name = take_until("=,)");
    if (a.name.empty()) fail("an argument has no name");
    std::string_view type = a.type;
    if (type.ends_with('?')) {
      a.optional = true;
      type.remove_suffix(1);
    }
    bool list = false;
    if (type.ends_with(']')) {
      list = true;
      const size_t open = type.find('[');
      a.list_size = std::atoi(std::string(type.substr(open + 1)).c_str());
      type = type.substr(0, open);
      if (type.ends_with('?')) type.remove_suffix(1);  // Tensor?[]: elements may be None
    }
    a.kind = kind_of(type, list);
    a.operand = type == "Operand";
    if (accept("=")) {
      a.has_default = true;
      a.default_value = literal(a);
    }
    return a;
  }

  ArgKind kind_of(std::string_view type, bool list) const {
    if (type == "Tensor" || type == "Operand") return list ? ArgKind::TensorList : ArgKind::Tensor;
    if (type == "int") return list ? ArgKind::IntList : ArgKind::Int;
    if (type == "float") return list ? ArgKind::FloatList : ArgKind::Float;
    if (list) fail("no list of this type");
    if (type == "Scalar") return ArgKind::Scalar;
    if (type == "bool") return ArgKind::Bool;
    if (type == "str") return ArgKind::Str;
    if (type == "DType") return ArgKind::DType;
    if (type == "Device") return ArgKind::Device;
    if (type == "Generator") return ArgKind::Generator;
    fail("unknown type");
  }

  Value literal(const Argument& a) {
    if (accept("None")) return {};
    if (accept("True")) return true;
    if (accept("False")) return false;
    if (accept("[")) {
      Dims l;
      while (!accept("]")) {
        l.push_back(std::strtoll(take_until(",]").c_str(), nullptr, 10));
        accept(",");
      }
      return Value(std::move(l));
    }
    if (accept("'")) {
      std::string s = take_until("'");
      expect("'");
      return Value(std::move(s));
    }
    const std::string number = take_until(",)");
    if (a.kind == ArgKind::IntList) {
      Dims l(static_cast<size_t>(std::max(a.list_size, 1)),
             std::strtoll(number.c_str(), nullptr, 10));
      return Value(std::move(l));
    }
    char* end = nullptr;
    const bool integral = number.find_first_of(".en") == std::string::npos;
    Value v = integral && a.kind != ArgKind::Float
                  ? Value(static_cast<int64_t>(std::strtoll(number.c_str(), &end, 10)))
                  : Value(std::strtod(number.c_str(), &end));
    if (number.empty() || *end != '\0') fail("a default value cannot be read");
    return v;
  }

  std::string text_;
  size_t at_ = 0;
};

}  // namespace

int Schema::index_of(std::string_view arg) const {
  for (size_t i = 0; i < args.size(); ++i) {
    if (args[i].name == arg) return static_cast<int>(i);
  }
  return -1;
}

Schema parse_schema(const char* text) { return Parser(text).parse(); }

}  // namespace rt
