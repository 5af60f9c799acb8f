#include "ops/out_dtype.h"

#include <algorithm>
#include <string_view>

#include "ops/elementwise.h"

namespace rt {

namespace {

// Elementwise functions that keep the dtype of their input, or answer in bools.
constexpr std::string_view kExactElementwise[] = {
    "_softplus", "abs",        "bitwise_not", "ceil",       "complex",   "conj_physical",
    "floor",     "frac",       "gelu",        "hardshrink", "heaviside", "isneginf",
    "isposinf",  "logsigmoid", "nan_to_num",  "neg",        "round",     "sgn",
    "sign",      "signbit",    "softplus",    "softshrink", "trunc",     "where"};
// Among the others, those that convert; of max and min the elementwise forms.
constexpr std::string_view kConverting[] = {"addr",
                                            "bernoulli",
                                            "cat",
                                            "cholesky",
                                            "cholesky_inverse",
                                            "cholesky_solve",
                                            "column_stack",
                                            "cond",
                                            "cumprod",
                                            "cumsum",
                                            "deg2rad",
                                            "diff",
                                            "dstack",
                                            "eig",
                                            "eigvals",
                                            "fft",
                                            "fft2",
                                            "fftn",
                                            "geqrf",
                                            "hfft",
                                            "hfft2",
                                            "hfftn",
                                            "householder_product",
                                            "hstack",
                                            "ifft2",
                                            "ifftn",
                                            "ihfft2",
                                            "ihfftn",
                                            "inner",
                                            "irfft",
                                            "irfft2",
                                            "irfftn",
                                            "kron",
                                            "ldexp",
                                            "logsumexp",
                                            "lstsq",
                                            "matrix_power",
                                            "matrix_rank",
                                            "mean",
                                            "mvlgamma",
                                            "nanmean",
                                            "nansum",
                                            "ndtr",
                                            "normal",
                                            "normalize",
                                            "outer",
                                            "pinv",
                                            "polygamma",
                                            "prod",
                                            "rad2deg",
                                            "rfft",
                                            "rfft2",
                                            "rfftn",
                                            "stack",
                                            "std",
                                            "sum",
                                            "tensorinv",
                                            "tensorsolve",
                                            "var",
                                            "vstack"};

template <size_t N>
bool contains(const std::string_view (&names)[N], std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

}  // namespace

bool out_converts(const OpRecord& op) {
  if (op.schema.returns.size() == 1 && ElementwiseSlot::of(op)) {
    return !contains(kExactElementwise, op.name());
  }
  return contains(kConverting, op.name()) || op.schema.name == "max.other" ||
         op.schema.name == "min.other";
}

bool out_converts(const OpRecord& op, const Value* args, DType out) {
  const std::string_view name = op.name();
  if (name == "abs" || name == "angle") {
    const auto* x = std::get_if<Tensor>(&args[0]);
    if (x && is_complex(x->dtype()) && is_complex(out)) return true;
  }
  if ((name == "all" || name == "any") && out == DType::UInt8) return true;
  return out_converts(op);
}

std::string wrong_out_dtype(const OpRecord& op, DType result, DType out) {
  const std::string_view op_name = op.name();
  if (op_name == "all" || op_name == "any") {
    return cat_str(op_name, " only supports bool tensor for result, got: ", name(out));
  }
  return cat_str("Expected out tensor to have dtype ", name(result), ", but got ", name(out),
                 " instead");
}

bool draws_bits(const OpRecord& op) { return op.schema.base_name == "bernoulli"; }

}  // namespace rt
