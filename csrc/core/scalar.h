// A Python number: bool, int, float or complex.
#pragma once

#include <complex>
#include <cstdint>
#include <string>

#include "core/dtype.h"

namespace rt {

class Scalar {
 public:
  enum class Kind : uint8_t { Bool, Int, Float, Complex };

  Scalar() : Scalar(int64_t{0}) {}
  Scalar(bool v) : kind_(Kind::Bool), i_(v) {}
  Scalar(int v) : Scalar(static_cast<int64_t>(v)) {}
  Scalar(int64_t v) : kind_(Kind::Int), i_(v) {}
  Scalar(double v) : kind_(Kind::Float), re_(v) {}
  Scalar(std::complex<double> v) : kind_(Kind::Complex), re_(v.real()), im_(v.imag()) {}

  Kind kind() const { return kind_; }
  bool is_integral() const { return kind_ <= Kind::Int; }
  bool is_bool() const { return kind_ == Kind::Bool; }
  bool is_floating() const { return kind_ == Kind::Float; }
  bool is_complex() const { return kind_ == Kind::Complex; }

  int64_t to_int() const;  // truncates a float; saturates one that is out of range
  double to_double() const { return is_integral() ? static_cast<double>(i_) : re_; }
  std::complex<double> to_complex() const { return {to_double(), im_}; }
  bool to_bool() const { return is_integral() ? i_ != 0 : (re_ != 0 || im_ != 0); }

  // bool, int64, the default float type, or its complex partner.
  DType dtype() const;
  // Writes the value, converted, as one element of dtype t.
  void store(void* dst, DType t) const;
  static Scalar load(const void* src, DType t);

 private:
  Kind kind_;
  int64_t i_ = 0;
  double re_ = 0, im_ = 0;
};

std::string to_string(const Scalar& s);

}  // namespace rt
