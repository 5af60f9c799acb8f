#include "core/tensor.h"

#include <cstring>

#include "core/modes.h"

namespace rt {

TensorImpl::TensorImpl(Ref<Storage> storage, DType dtype, IntList sizes, IntList strides,
                       int64_t offset)
    : storage_(std::move(storage)),
      sizes_(sizes),
      strides_(strides),
      offset_(offset),
      dtype_(dtype) {
  refresh();
}

TensorImpl::~TensorImpl() = default;

void (*dispose_with_pyobj)(TensorImpl*) = nullptr;

void TensorImpl::dispose() {
  if (owned_pyobj_ever_.load(std::memory_order_relaxed)) [[unlikely]] {
    dispose_with_pyobj(this);
  } else {
    delete this;
  }
}

void* Tensor::synchronised_data() const {
  Engine& engine = *find_engine(device().type);  // that made the memory
  RT_CHECK(engine.host_visible(device()), Type, "host_data",
           cat_str("the host cannot address the memory of device '", to_string(device()), "'"),
           describe(*this), ".cpu()");
  engine.synchronize(device());
  return data();
}

Scalar item(const Tensor& t) {
  RT_CHECK(t.numel() == 1, Runtime, "item",
           cat_str("a Tensor with ", t.numel(), " elements cannot be converted to Scalar"),
           describe(t), "indexing one element");
  if (t.device().is_cpu()) return Scalar::load(t.data(), t.dtype());
  alignas(16) char bytes[16];
  find_engine(t.device().type)
      ->copy_to_host(bytes, *t.storage(), static_cast<size_t>(t.offset()) * t.item_size(),
                     t.item_size());
  return Scalar::load(bytes, t.dtype());
}

void TensorImpl::set_geometry(IntList sizes, IntList strides, int64_t offset) {
  (void)checked_numel(sizes, "tensor");  // throws before anything changes
  sizes_ = Dims(sizes);
  strides_ = Dims(strides);
  offset_ = offset;
  refresh();
}

void TensorImpl::refresh() {
  int64_t n = 1;
  bool overflow = false;
  for (int64_t s : sizes_) overflow |= __builtin_mul_overflow(n, s, &n);
  numel_ = overflow ? checked_numel(sizes_, "tensor") : n;  // a zero among the sizes makes it right
  contiguous_ = true;
  if (numel_ > 1) {
    int64_t expected = 1;
    for (size_t i = sizes_.size(); i-- > 0;) {
      if (sizes_[i] == 1) continue;
      if (strides_[i] != expected) {
        contiguous_ = false;
        return;
      }
      expected *= sizes_[i];
    }
  }
}

std::string describe(const Tensor& t) {
  if (!t.defined()) return "None";
  std::string s = name(t.dtype());
  s += to_string(t.sizes());
  if (!t.device().is_cpu()) s += " on " + to_string(t.device());
  return s;
}

Tensor from_memory(Ref<Storage> storage, DType dtype, IntList sizes, IntList strides,
                   int64_t offset) {
  return Tensor(make_ref<TensorImpl>(std::move(storage), dtype, sizes, strides, offset));
}

namespace {
// What is made under inference_mode stays out of graphs for good.
Tensor fresh(Ref<Storage> storage, DType dtype, IntList sizes, IntList strides) {
  Tensor t = from_memory(std::move(storage), dtype, sizes, strides);
  t.impl()->inference_ = modes().inference;
  return t;
}
}  // namespace

Tensor empty(IntList sizes, DType dtype, Device device, const char* op) {
  const int64_t n = checked_numel(sizes, op);
  int64_t bytes;
  RT_CHECK(!__builtin_mul_overflow(n, static_cast<int64_t>(item_size(dtype)), &bytes), Runtime, op,
           cat_str("Storage size calculation overflowed with sizes=", sizes));
  auto storage = engine_for(device, op).allocate(static_cast<size_t>(bytes), device);
  return fresh(std::move(storage), dtype, sizes, contiguous_strides(sizes));
}

Tensor empty_strided(IntList sizes, IntList strides, DType dtype, Device device, const char* op) {
  RT_CHECK(sizes.size() == strides.size(), Runtime, op,
           "the number of sizes and strides must match",
           cat_str("sizes ", sizes, ", strides ", strides));
  int64_t extent = checked_numel(sizes, op) == 0 ? 0 : 1;
  for (size_t i = 0; i < sizes.size() && extent > 0; ++i) {
    RT_CHECK(strides[i] >= 0, Runtime, op, "negative strides are not supported",
             cat_str("strides ", strides));
    int64_t step;
    RT_CHECK(!__builtin_mul_overflow(sizes[i] - 1, strides[i], &step) &&
                 !__builtin_add_overflow(extent, step, &extent) && extent < (int64_t{1} << 58),
             Runtime, op, "the size in bytes does not fit in 64 bits", cat_str("sizes ", sizes));
  }
  auto storage =
      engine_for(device, op).allocate(static_cast<size_t>(extent) * item_size(dtype), device);
  return fresh(std::move(storage), dtype, sizes, strides);
}

Tensor empty_like(const Tensor& x, std::optional<DType> dtype) {
  const DType t = dtype.value_or(x.dtype());
  if (x.is_contiguous()) return empty(x.sizes(), t, x.device());
  if (is_non_overlapping_and_dense(x)) {
    return empty_strided(x.sizes(), x.strides(), t, x.device());
  }
  // Keep the order of the strides but close the gaps; broadcast dims come out dense.
  const int64_t n = x.dim();
  Dims order(n);
  for (int64_t i = 0; i < n; ++i) order[i] = n - 1 - i;
  const auto strides = x.strides();
  // Insertion sort, innermost first; dims with stride 0 have no order of their own, and of dims
  // with one stride the smaller lies inside.
  for (int64_t i = 1; i < n; ++i) {
    int64_t at = i;
    for (int64_t j = i - 1; j >= 0; --j) {
      const int64_t a = strides[order[j]], b = strides[order[at]];
      if (a == 0 || b == 0) continue;
      if (a < b) break;
      if (a == b && x.sizes()[order[j]] <= x.sizes()[order[at]]) continue;
      std::swap(order[j], order[at]);
      at = j;
    }
  }
  Dims out(n);
  int64_t step = 1;
  for (int64_t d : order) {
    out[d] = step;
    step *= std::max<int64_t>(x.sizes()[d], 1);
  }
  return empty_strided(x.sizes(), out, t, x.device());
}

Tensor scalar_tensor(const Scalar& v, DType dtype, Device device) {
  Engine& engine = engine_for(device, "scalar_tensor");
  auto storage = engine.allocate(item_size(dtype), device);
  if (device.is_cpu()) {
    v.store(storage->data(), dtype);
  } else {
    alignas(16) char bytes[16];
    v.store(bytes, dtype);
    engine.copy_from_host(*storage, 0, bytes, item_size(dtype));
  }
  return from_memory(std::move(storage), dtype, {}, {});
}

Tensor wrapped_number(const Scalar& v) {
  Tensor t = scalar_tensor(v, v.is_floating()  ? DType::Float64
                              : v.is_complex() ? DType::Complex128
                                               : v.dtype());
  t.impl()->wrapped_number_ = true;
  return t;
}

Tensor make_view(const Tensor& base, IntList sizes, IntList strides, int64_t offset) {
  return make_view(base, sizes, strides, offset, base.dtype());
}

Tensor make_view(const Tensor& base, IntList sizes, IntList strides, int64_t offset, DType dtype) {
  Tensor t = from_memory(base.storage(), dtype, sizes, strides, offset);
  t.impl()->inference_ = base.impl()->inference_;
  t.impl()->own_version_ = base.impl()->own_version_;
  return t;
}

Tensor alias(const Tensor& t) { return make_view(t, t.sizes(), t.strides(), t.offset()); }

namespace {
// Dims of size > 1 sorted by stride, innermost first.
Dims dims_by_stride(const Tensor& t) {
  Dims order;
  for (int64_t i = 0; i < t.dim(); ++i) {
    if (t.sizes()[i] != 1) order.push_back(i);
  }
  std::sort(order.begin(), order.end(),
            [&](int64_t a, int64_t b) { return t.strides()[a] < t.strides()[b]; });
  return order;
}
}  // namespace

bool is_non_overlapping_and_dense(const Tensor& t) {
  if (t.is_contiguous() || t.numel() == 0) return true;
  int64_t expected = 1;
  for (int64_t d : dims_by_stride(t)) {
    if (t.strides()[d] != expected) return false;
    expected *= t.sizes()[d];
  }
  return true;
}

bool repeats_elements(const Tensor& t) {
  if (t.is_contiguous() || t.numel() <= 1) return false;
  for (int64_t d = 0; d < t.dim(); ++d) {
    if (t.strides()[d] == 0 && t.sizes()[d] > 1) return true;
  }
  return false;
}

bool has_internal_overlap(const Tensor& t) {
  if (t.is_contiguous() || t.numel() <= 1) return false;
  // Sufficient for every layout that views make: each stride steps over all that lies inside it.
  int64_t reach = 0;
  for (int64_t d : dims_by_stride(t)) {
    if (t.strides()[d] <= reach) return true;
    reach += t.strides()[d] * (t.sizes()[d] - 1);
  }
  return false;
}

std::pair<const char*, const char*> memory_extent(const Tensor& t) {
  const char* first = t.data<const char>();
  if (t.numel() == 0) return {first, first};
  int64_t reach = 1;
  for (int64_t i = 0; i < t.dim(); ++i) reach += t.strides()[i] * (t.sizes()[i] - 1);
  return {first, first + reach * static_cast<int64_t>(t.item_size())};
}

bool partially_overlaps(const Tensor& out, const Tensor& in) {
  if (out.impl() == in.impl() || out.numel() == 0 || in.numel() == 0) return false;
  if (!out.device().is_cpu() && !(out.storage() == in.storage())) return false;
  const auto [a0, a1] = memory_extent(out);
  const auto [b0, b1] = memory_extent(in);
  if (a0 >= b1 || b0 >= a1) return false;
  return !(a0 == b0 && out.dtype() == in.dtype() && out.sizes() == in.sizes() &&
           out.strides() == in.strides());
}

}  // namespace rt
