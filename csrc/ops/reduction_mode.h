// How a loss of many elements becomes one number: the `reduction` argument and its older forms.
#pragma once

#include <optional>
#include <string_view>

#include "core/error.h"
#include "core/warning.h"

namespace rt {

enum class Reduction : uint8_t { None, Mean, Sum };

inline Reduction reduction_of(const char* op, std::optional<bool> size_average,
                              std::optional<bool> reduce, std::string_view reduction) {
  if (size_average || reduce) {
    const Reduction r = !reduce.value_or(true)        ? Reduction::None
                        : size_average.value_or(true) ? Reduction::Mean
                                                      : Reduction::Sum;
    warn(op, cat_str("size_average and reduce args will be deprecated, please use reduction='",
                     r == Reduction::None   ? "none"
                     : r == Reduction::Mean ? "mean"
                                            : "sum",
                     "' instead."));
    return r;
  }
  if (reduction == "mean") return Reduction::Mean;
  if (reduction == "sum") return Reduction::Sum;
  RT_CHECK(reduction == "none", Value, op,
           cat_str(reduction, " is not a valid value for reduction"), "",
           "'mean', 'sum' or 'none'");
  return Reduction::None;
}

}  // namespace rt
