#include "ops/out_dtype.h"

#include <algorithm>
#include <string_view>

#include "ops/elementwise.h"
#include "ops/index_support.h"

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

bool computes_in(const OpRecord& op, const Value& input, DType out) {
  const std::string_view name = op.name();
  const auto* x = std::get_if<Tensor>(&input);
  if (!x || !x->defined() || (is_complex(x->dtype()) && !is_complex(out))) return false;
  if (name == "mean" || name == "nansum") return !is_integral(out, true);
  return name == "sum" || name == "prod" || name == "cumsum" || name == "cumprod";
}

std::string wrong_out_dtype(const OpRecord& op, DType result, DType out) {
  const std::string_view op_name = op.name();
  const auto one_of = [&](auto... names) { return ((op_name == names) || ...); };
  const char *wanted = torch_type_name(result), *got = torch_type_name(out);
  // PyTorch says it in many ways, and its users search for them.
  if (one_of("all", "any"))
    return cat_str(op_name, " only supports bool tensor for result, got: ", name(out));
  if (one_of("cummax", "cummin", "logcumsumexp"))
    return cat_str("expected scalar_type ", wanted, " but found ", got);
  if (one_of("complex", "polar")) {
    return cat_str("Expected object of scalar type ", wanted, " but got scalar type ", got,
                   " for argument 'out'");
  }
  if (one_of("nonzero"))
    return cat_str("Expected out tensor to have scalar type ", wanted, " but got scalar type ",
                   got);
  if (one_of("take")) {
    return cat_str("take(): self and out expected to have the same dtype, but got self.dtype = ",
                   wanted, " and out.dtype = ", got);
  }
  if (one_of("index_select", "masked_select"))
    return cat_str(op_name, "(): self and result must have the same scalar type; got ", wanted,
                   " and ", got);
  if (one_of("dot", "vdot"))
    return cat_str("result dtype ", got, " does not match input dtype ", wanted);
  if (one_of("searchsorted", "bucketize")) {
    return cat_str(
        "torch.searchsorted(): output tensor's dtype is wrong, it can only be Int(int32) "
        "or Long(int64) depending on whether out_int32 flag is True, but we got output "
        "tensor's dtype ",
        got, " and out_int32 flag is ", result == DType::Int32 ? "True" : "False");
  }
  if (one_of("multinomial")) return cat_str("multinomial expects Long tensor out, got: ", got);
  if (one_of("quantile", "nanquantile"))
    return cat_str(op_name, "() out tensor must be same dtype as the input tensor; got ", got,
                   " and ", wanted);
  if (one_of("where")) return cat_str("Expected out type to be ", wanted, " but got ", got);
  return cat_str("Expected out tensor to have dtype ", name(result), ", but got ", name(out),
                 " instead");
}

bool draws_bits(const OpRecord& op) { return op.schema.base_name == "bernoulli"; }

}  // namespace rt
