#include "core/scalar.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "core/error.h"

namespace rt {

int64_t Scalar::to_int() const {
  if (is_integral()) return i_;
  if (!(re_ >= -9223372036854775808.0)) return std::numeric_limits<int64_t>::min();  // NaN too
  if (re_ >= 9223372036854775808.0) return std::numeric_limits<int64_t>::max();
  return static_cast<int64_t>(re_);
}

DType Scalar::dtype() const {
  switch (kind_) {
    case Kind::Bool:
      return DType::Bool;
    case Kind::Int:
      return DType::Int64;
    case Kind::Float:
      return default_dtype();
    case Kind::Complex:
      return complex_of(default_dtype());
  }
  return DType::Float32;
}

namespace {
template <class T>
void put(void* dst, T v) {
  std::memcpy(dst, &v, sizeof v);
}
template <class T>
T get(const void* src) {
  T v;
  std::memcpy(&v, src, sizeof v);
  return v;
}
}  // namespace

void Scalar::store(void* dst, DType t) const {
  switch (t) {
    case DType::Bool:
      return put<uint8_t>(dst, to_bool());
    case DType::UInt8:
      return put<uint8_t>(dst, static_cast<uint8_t>(to_int()));
    case DType::Int8:
      return put<int8_t>(dst, static_cast<int8_t>(to_int()));
    case DType::Int16:
      return put<int16_t>(dst, static_cast<int16_t>(to_int()));
    case DType::Int32:
      return put<int32_t>(dst, static_cast<int32_t>(to_int()));
    case DType::Int64:
      return put<int64_t>(dst, to_int());
    case DType::Float16:
      return put<Half>(dst, to_half(static_cast<float>(to_double())));
    case DType::BFloat16:
      return put<BFloat16>(dst, to_bfloat16(static_cast<float>(to_double())));
    case DType::Float32:
      return put<float>(dst, static_cast<float>(to_double()));
    case DType::Float64:
      return put<double>(dst, to_double());
    case DType::Complex64:
      return put<Complex64>(dst, {static_cast<float>(to_double()), static_cast<float>(im_)});
    case DType::Complex128:
      return put<Complex128>(dst, {to_double(), im_});
  }
}

Scalar Scalar::load(const void* src, DType t) {
  switch (t) {
    case DType::Bool:
      return get<uint8_t>(src) != 0;
    case DType::UInt8:
      return static_cast<int64_t>(get<uint8_t>(src));
    case DType::Int8:
      return static_cast<int64_t>(get<int8_t>(src));
    case DType::Int16:
      return static_cast<int64_t>(get<int16_t>(src));
    case DType::Int32:
      return static_cast<int64_t>(get<int32_t>(src));
    case DType::Int64:
      return get<int64_t>(src);
    case DType::Float16:
      return static_cast<double>(to_float(get<Half>(src)));
    case DType::BFloat16:
      return static_cast<double>(to_float(get<BFloat16>(src)));
    case DType::Float32:
      return static_cast<double>(get<float>(src));
    case DType::Float64:
      return get<double>(src);
    case DType::Complex64: {
      const auto c = get<Complex64>(src);
      return std::complex<double>(c.re, c.im);
    }
    case DType::Complex128: {
      const auto c = get<Complex128>(src);
      return std::complex<double>(c.re, c.im);
    }
  }
  return {};
}

std::string to_string(const Scalar& s) {
  if (s.is_bool()) return s.to_bool() ? "True" : "False";
  if (s.is_integral()) return std::to_string(s.to_int());
  if (s.is_floating()) return detail::str(s.to_double());
  return "(" + detail::str(s.to_complex().real()) + "+" + detail::str(s.to_complex().imag()) + "j)";
}

}  // namespace rt
