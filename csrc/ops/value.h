// A boxed argument or result of an op: what the bindings, the tape and the tracer see.
#pragma once

#include <complex>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/generator.h"
#include "core/tensor.h"

namespace rt {

using FloatList = std::span<const double>;

// None is std::monostate. An absent optional tensor is None or an undefined Tensor.
class Value : public std::variant<std::monostate, bool, int64_t, double, std::complex<double>,
                                  std::string, DType, Device, Tensor, Dims, std::vector<double>,
                                  std::vector<Tensor>, Ref<Generator>> {
 public:
  using variant::variant;
  Value(const Scalar& s);
  Value(IntList l) : variant(Dims(l)) {}
  Value(TensorList l) : variant(std::vector<Tensor>(l.begin(), l.end())) {}
  Value(FloatList l) : variant(std::vector<double>(l.begin(), l.end())) {}
  Value(std::string_view s) : variant(std::string(s)) {}
  Value(const char* s) : variant(std::string(s)) {}
  Value(int v) : variant(int64_t{v}) {}
  Value(Generator* g) {
    if (g) emplace<Ref<Generator>>(Ref<Generator>(g));
  }
  template <class T>
  Value(const std::optional<T>& v) {
    if (v) *this = Value(*v);
  }

  template <class T>
  bool is() const {
    return std::holds_alternative<T>(*this);
  }
  bool is_none() const { return is<std::monostate>(); }
  template <class T>
  const T& get() const {
    return std::get<T>(*this);
  }
  bool is_scalar() const { return index() >= 1 && index() <= 4; }
  Scalar scalar() const;
  const Tensor& tensor() const;  // an undefined tensor for None
};

std::string to_string(const Value& v);

// The C++ side of each schema type. `kind` is checked against the schema at registration.
enum class ArgKind : uint8_t {
  Tensor,
  TensorList,
  Scalar,
  Int,
  Float,
  Bool,
  Str,
  IntList,
  FloatList,
  DType,
  Device,
  Generator,
  Void,
};

template <class T>
struct Unbox;

#define RT_UNBOX(Type, Kind, expr)                    \
  template <>                                         \
  struct Unbox<Type> {                                \
    static constexpr ArgKind kind = ArgKind::Kind;    \
    static constexpr bool optional = false;           \
    static Type from(const Value& v) { return expr; } \
  };
RT_UNBOX(const Tensor&, Tensor, v.tensor())
RT_UNBOX(TensorList, TensorList, v.get<std::vector<Tensor>>())
RT_UNBOX(int64_t, Int, v.get<int64_t>())
RT_UNBOX(double, Float, v.scalar().to_double())
RT_UNBOX(bool, Bool, v.get<bool>())
RT_UNBOX(std::string_view, Str, v.get<std::string>())
RT_UNBOX(IntList, IntList, v.get<Dims>())
RT_UNBOX(FloatList, FloatList, v.get<std::vector<double>>())
RT_UNBOX(DType, DType, v.get<DType>())
RT_UNBOX(Device, Device, v.get<Device>())
RT_UNBOX(Generator*, Generator, v.is_none() ? nullptr : v.get<Ref<Generator>>().get())
#undef RT_UNBOX

// A Scalar has no home inside the variant, so it is rebuilt for the call.
template <>
struct Unbox<Scalar> {
  static constexpr ArgKind kind = ArgKind::Scalar;
  static constexpr bool optional = false;
  static Scalar from(const Value& v) { return v.scalar(); }
};
template <class T>
struct Unbox<std::optional<T>> {
  static constexpr ArgKind kind = Unbox<T>::kind;
  static constexpr bool optional = true;
  static std::optional<T> from(const Value& v) {
    if (v.is_none()) return std::nullopt;
    return Unbox<T>::from(v);
  }
};

}  // namespace rt
