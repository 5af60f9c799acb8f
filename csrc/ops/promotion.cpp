#include "ops/promotion.h"

namespace rt {

namespace {

enum class Category : uint8_t { Bool, Integer, Float, Complex };

Category category(DType t) {
  if (is_complex(t)) return Category::Complex;
  if (is_floating(t)) return Category::Float;
  return t == DType::Bool ? Category::Bool : Category::Integer;
}

struct Ranks {
  std::optional<DType> dimensioned, zero_dim, number;

  void add(const Tensor& t) {
    std::optional<DType>* slot = t.is_wrapped_number() ? &number
                                 : t.dim() == 0        ? &zero_dim
                                                       : &dimensioned;
    DType type = t.dtype();
    if (t.is_wrapped_number()) {
      if (type == DType::Float64) type = default_dtype();
      if (type == DType::Complex128) type = complex_of(default_dtype());
    }
    *slot = *slot ? promote(**slot, type) : type;
  }

  // A lower rank matters only if its category is higher.
  static std::optional<DType> join(std::optional<DType> high, std::optional<DType> low) {
    if (!high) return low;
    if (!low || category(*low) <= category(*high)) return high;
    if (category(*low) == Category::Complex && category(*high) == Category::Float) {
      return complex_of(*high);
    }
    return promote(*high, *low);
  }
};

}  // namespace

DType result_type(TensorList tensors) {
  Ranks r;
  for (const Tensor& t : tensors) {
    if (t.defined()) r.add(t);
  }
  return Ranks::join(r.dimensioned, Ranks::join(r.zero_dim, r.number)).value_or(default_dtype());
}

DType result_type(const Tensor& a, const Tensor& b) {
  if (a.dtype() == b.dtype() && !a.is_wrapped_number() && !b.is_wrapped_number()) return a.dtype();
  Ranks r;
  r.add(a);
  r.add(b);
  return *Ranks::join(r.dimensioned, Ranks::join(r.zero_dim, r.number));
}

}  // namespace rt
