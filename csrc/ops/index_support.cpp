#include "ops/index_support.h"

#include <atomic>
#include <cmath>
#include <cstdlib>

#include "ops/ops.h"

namespace rt {

KernelSlot<void(const Tensor&, const Tensor&, const Tensor&, int64_t)> gather_kernel{"gather"};
KernelSlot<void(const Tensor&, const Tensor&, int64_t, const Tensor&, int64_t, int64_t,
                ScatterMode)>
    scatter_kernel{"scatter"};
KernelSlot<void(const Tensor&, int64_t*, int64_t*)> index_range_kernel{"index_range"};
KernelSlot<void(const Tensor&, const Tensor&, const IndexBounds&)> guard_index_kernel{
    "guard_index"};
KernelSlot<void(const Tensor&, Tensor*)> nonzero_kernel{"nonzero"};
KernelSlot<void(const Tensor&, const Tensor&, const Tensor&)> masked_fill_kernel{"masked_fill"};

const char* torch_type_name(DType t) {
  static constexpr const char* names[kNumDTypes] = {
      "Bool", "Byte",     "Char",  "Short",  "Int",          "Long",
      "Half", "BFloat16", "Float", "Double", "ComplexFloat", "ComplexDouble"};
  return names[static_cast<int>(t)];
}

void check_number_fits(const char* op, const Scalar& s, DType t) {
  if (t == DType::Bool) return;
  const auto overflow = [&] {
    RT_FAIL(Runtime, op,
            cat_str("value cannot be converted to type ", name(t), " without overflow"),
            cat_str(s));
  };
  const std::complex<double> c = s.to_complex();
  if (!is_complex(t) && c.imag() != 0) overflow();
  const double v = c.real();
  if (!is_integral(t)) {
    if (real_of(t) == DType::Float64) return;
    const double largest = t == DType::Float16    ? 65504.0
                           : t == DType::BFloat16 ? 3.3895313892515355e38
                                                  : 3.4028235677973366e38;
    for (const double part : {c.real(), c.imag()}) {
      if (std::isfinite(part) && std::fabs(part) > largest) overflow();
    }
    return;
  }
  static constexpr double low[] = {-255, -128, -32768, -2147483648.0, -9223372036854775808.0};
  static constexpr double high[] = {255, 127, 32767, 2147483647.0, 9223372036854775807.0};
  const int i = static_cast<int>(t) - static_cast<int>(DType::UInt8);
  if (std::isnan(v) || std::trunc(v) < low[i] || std::trunc(v) > high[i]) overflow();
}

void check_operand_fits(const char* op, const Tensor& operand, DType t) {
  if (!operand.defined() || !operand.is_wrapped_number()) return;
  check_number_fits(op, item(operand), t);
}

Tensor as_int64_index(const char* op, const Tensor& index, IndexTypes types, ErrorKind kind) {
  if (index.dtype() == DType::Int64) return index;
  if (index.dtype() != DType::Int32 || types == IndexTypes::Int64) {
    throw_error(kind, op,
                types == IndexTypes::Int64 ? "Expected dtype int64 for index"
                                           : "Expected dtype int32/int64 for index",
                describe(index), ".long()");
  }
  NoGradGuard guard;
  return ops::to(index, DType::Int64);
}

void IndexBounds::fail(int64_t index, std::string got, std::string hint) const {
  if (targets) {
    if (got.empty()) got = cat_str(size, " classes");
    throw_error(kind, op, cat_str("Target ", index, " is out of bounds."), got, hint);
  }
  if (size == 0) {
    throw_error(kind, op, "index is out of bounds for dimension with size 0", got, hint);
  }
  // torch.embedding's own words.
  const char* range = std::string_view(op) == "embedding" ? "index out of range in self: " : "";
  throw_error(
      kind, op,
      cat_str(range, "index ", index, " is out of bounds for dimension ", dim, " with size ", size),
      got, hint);
}

namespace {

// A copy of more is slower than to wait.
constexpr int64_t kGuardedIndices = int64_t{1} << 22;

std::atomic<bool>& checks_wait() {
  static std::atomic<bool> wait = [] {
    const char* when = std::getenv("RUSTORCH_INDEX_CHECKS");
    return when && std::string_view(when) == "now";
  }();
  return wait;
}

// Each element that strides of 0 repeat, once.
Tensor without_repeats(const Tensor& t) {
  Dims sizes(t.sizes());
  for (int64_t d = 0; d < t.dim(); ++d) {
    if (t.strides()[d] == 0) sizes[d] = 1;
  }
  return make_view(t, sizes, t.strides(), t.offset());
}

}  // namespace

bool index_checks_wait() { return checks_wait().load(std::memory_order_relaxed); }
void set_index_checks_wait(bool wait) { checks_wait().store(wait, std::memory_order_relaxed); }

Tensor check_index(const Tensor& index, const IndexBounds& bounds) {
  if (index.numel() == 0) return index;
  NoGradGuard guard;
  const Tensor dense = ops::contiguous(without_repeats(index));
  if (bounds.size > 0 && dense.numel() <= kGuardedIndices && !index_checks_wait() &&
      guard_index_kernel.has(dense.device().type)) {
    const Tensor safe = empty(dense.sizes(), DType::Int64, dense.device());
    guard_index_kernel(safe, safe, dense, bounds);
    return broadcast_view(safe, index.sizes());
  }
  int64_t smallest, largest;
  index_range_kernel(dense, dense, &smallest, &largest);
  const bool wraps = bounds.negative == Negative::Wrap;
  const bool low = smallest < (wraps ? -bounds.size : 0);
  if (low || largest >= bounds.size) bounds.fail(low ? smallest : largest);
  if (smallest >= 0) return index;
  const Tensor negative = ops::to(ops::lt(dense, Scalar(0)), DType::Int64);
  return broadcast_view(ops::add(dense, ops::mul(negative, wrapped_number(Scalar(bounds.size)))),
                        index.sizes());
}

Tensor writable(Out out, const Tensor& self) {
  NoGradGuard guard;
  if (!out) return ops::clone(self);
  if (!(*out).is_same(self)) ops::copy_(*out, self);
  return *out;
}

Tensor unshared(const Tensor& src, const Tensor& target) {
  const auto [a0, a1] = memory_extent(src);
  const auto [b0, b1] = memory_extent(target);
  if (!(src.device() == target.device()) || a0 >= b1 || b0 >= a1) return src;
  NoGradGuard guard;
  return ops::clone(src);
}

Tensor at_least_1d(const Tensor& t) { return t.dim() > 0 ? t : make_view(t, {1}, {1}, t.offset()); }

Tensor broadcast_view(const Tensor& t, IntList sizes) {
  const int64_t extra = sizes.ssize() - t.dim();
  Dims strides(sizes.size(), 0);
  for (int64_t d = 0; d < t.dim(); ++d) {
    if (t.sizes()[d] != 1) strides[d + extra] = t.strides()[d];
  }
  return make_view(t, sizes, strides, t.offset());
}

Tensor along_index(const Tensor& t, int64_t dim, IntList sizes) {
  Dims strides(t.strides());
  strides[dim] = 0;
  return make_view(t, sizes, strides, t.offset());
}

void scatter_into(const Tensor& target, const Tensor& index, int64_t step, const Tensor& values,
                  int64_t serial_begin, int64_t serial_end, ScatterMode mode) {
  if (values.numel() == 0) return;
  scatter_kernel(target, target, index, step, values, serial_begin, serial_end, mode);
}

}  // namespace rt
