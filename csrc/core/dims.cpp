#include "core/dims.h"

#include "core/error.h"

namespace rt {

std::string to_string(IntList l) {
  std::string s = "[";
  for (size_t i = 0; i < l.size(); ++i) {
    if (i) s += ", ";
    s += std::to_string(l[i]);
  }
  return s + "]";
}

int64_t checked_numel(IntList sizes, const char* op) {
  int64_t n = 1;
  bool zero = false;
  for (int64_t s : sizes) {
    RT_CHECK(s >= 0, Runtime, op,
             cat_str("Trying to create tensor with negative dimension ", s, ": ", sizes),
             cat_str("shape ", sizes), "sizes of zero or more");
    zero |= s == 0;
  }
  if (zero) return 0;
  for (int64_t s : sizes) {
    RT_CHECK(!__builtin_mul_overflow(n, s, &n), Runtime, op,
             cat_str("Storage size calculation overflowed with sizes=", sizes));
  }
  return n;
}

Dims contiguous_strides(IntList sizes) {
  Dims strides(sizes.size());
  int64_t step = 1;
  for (size_t i = sizes.size(); i-- > 0;) {
    strides[i] = step;
    // The outermost stride is not multiplied on: it need not fit.
    RT_CHECK(i == 0 || !__builtin_mul_overflow(step, std::max<int64_t>(sizes[i], 1), &step),
             Runtime, "tensor", cat_str("Stride calculation overflowed with sizes=", sizes));
  }
  return strides;
}

int64_t wrap_dim(int64_t dim, int64_t rank, const char* op) {
  const int64_t n = std::max<int64_t>(rank, 1);
  RT_CHECK(dim >= -n && dim < n, Index, op,
           cat_str("Dimension out of range (expected to be in range of [", -n, ", ", n - 1,
                   "], but got ", dim, ")"));
  return dim < 0 ? dim + n : dim;
}

Dims wrap_dims(IntList dims, int64_t rank, const char* op, bool empty_is_all) {
  Dims out;
  if (dims.empty() && empty_is_all) {
    for (int64_t i = 0; i < rank; ++i) out.push_back(i);
    return out;
  }
  for (int64_t d : dims) {
    const int64_t w = wrap_dim(d, rank, op);
    RT_CHECK(std::find(out.begin(), out.end(), w) == out.end(), Runtime, op,
             cat_str("dim ", w, " appears multiple times in the list of dims"),
             cat_str("dims ", dims));
    out.push_back(w);
  }
  return out;
}

Dims broadcast_shapes(IntList a, IntList b, const char* op) {
  const size_t n = std::max(a.size(), b.size());
  Dims out(n);
  for (size_t i = 0; i < n; ++i) {
    const size_t at = n - 1 - i;
    const int64_t x = i < a.size() ? a[a.size() - 1 - i] : 1;
    const int64_t y = i < b.size() ? b[b.size() - 1 - i] : 1;
    RT_CHECK(x == y || x == 1 || y == 1, Runtime, op,
             cat_str("The size of tensor a (", x, ") must match the size of tensor b (", y,
                     ") at non-singleton dimension ", at),
             cat_str("shapes ", a, " and ", b),
             "shapes that broadcast (equal or 1 from the right)");
    out[at] = x == 1 ? y : x;
  }
  return out;
}

bool is_expandable_to(IntList from, IntList to) {
  if (from.size() > to.size()) return false;
  for (size_t i = 0; i < from.size(); ++i) {
    const int64_t f = from[from.size() - 1 - i];
    if (f != 1 && f != to[to.size() - 1 - i]) return false;
  }
  return true;
}

bool view_strides(IntList sizes, IntList strides, IntList new_sizes, Dims* out) {
  out->resize(new_sizes.size());
  int64_t numel = 1;
  for (int64_t s : sizes) numel *= s;
  if (numel == 0) {
    *out = contiguous_strides(new_sizes);
    return true;
  }
  // Walk from the last dim, matching runs of old dims that lie contiguously in memory
  // against runs of new dims with the same number of elements.
  int64_t view_d = new_sizes.ssize() - 1;
  int64_t chunk_stride = sizes.empty() ? 1 : strides.back();
  int64_t tensor_numel = 1, view_numel = 1;
  for (int64_t d = sizes.ssize() - 1; d >= 0; --d) {
    tensor_numel *= sizes[d];
    const bool run_ends =
        d == 0 || (sizes[d - 1] != 1 && strides[d - 1] != tensor_numel * chunk_stride);
    if (!run_ends) continue;
    while (view_d >= 0 && (view_numel < tensor_numel || new_sizes[view_d] == 1)) {
      (*out)[view_d] = view_numel * chunk_stride;
      view_numel *= new_sizes[view_d];
      --view_d;
    }
    if (view_numel != tensor_numel) return false;
    if (d > 0) {
      chunk_stride = strides[d - 1];
      tensor_numel = 1;
      view_numel = 1;
    }
  }
  if (sizes.empty()) {
    while (view_d >= 0 && new_sizes[view_d] == 1) (*out)[view_d--] = 1;
  }
  return view_d == -1;
}

Dims infer_size(IntList shape, int64_t numel, const char* op) {
  Dims out(shape);
  int64_t known = 1;
  int64_t hole = -1;
  for (size_t i = 0; i < out.size(); ++i) {
    if (out[i] == -1) {
      RT_CHECK(hole == -1, Runtime, op, "only one dimension can be inferred",
               cat_str("shape ", shape));
      hole = static_cast<int64_t>(i);
      continue;
    }
    RT_CHECK(out[i] >= 0, Runtime, op, "invalid shape dimension", cat_str("shape ", shape),
             "sizes of zero or more, or one -1");
    RT_CHECK(!__builtin_mul_overflow(known, out[i], &known), Runtime, op,
             "the number of elements does not fit in 64 bits", cat_str("shape ", shape));
  }
  const bool fits = hole < 0 ? known == numel : known != 0 && numel % known == 0;
  if (hole >= 0 && known == 0 && numel == 0) {
    RT_FAIL(
        Runtime, op,
        cat_str("cannot reshape tensor of 0 elements into shape ", shape,
                " because the unspecified dimension size -1 can be any value and is ambiguous"));
  }
  RT_CHECK(fits, Runtime, op, cat_str("shape '", shape, "' is invalid for input of size ", numel),
           "", "a shape with the same number of elements");
  if (hole >= 0) out[hole] = numel / known;
  return out;
}

}  // namespace rt
