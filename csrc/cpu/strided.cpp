#include "cpu/strided.h"

#include <cstring>

#include "cpu/items.h"

namespace rt::cpu {

void StridedPlan::add(const Tensor& t) {
  const int64_t n = shape_.ssize();
  const int64_t item = static_cast<int64_t>(t.item_size());
  Dims strides(n, 0);
  for (int64_t d = 0; d < t.dim(); ++d) {
    if (t.sizes()[d] != 1) strides[d + n - t.dim()] = t.strides()[d] * item;
  }
  operands_.push_back({static_cast<char*>(t.data()), std::move(strides)});
}

void StridedPlan::add(void* data, IntList byte_strides) {
  operands_.push_back({static_cast<char*>(data), Dims(byte_strides)});
}

void StridedPlan::finish() {
  Dims order;
  for (int64_t d = shape_.ssize() - 1; d >= 0; --d) {
    numel_ *= shape_[d];
    if (shape_[d] != 1) order.push_back(d);
  }
  // Insertion sort, stable: innermost is what the first operand that can tell steps least along.
  const auto inner_first = [&](int64_t a, int64_t b) {
    for (const StridedOperand& o : operands_) {
      const int64_t x = std::abs(o.strides[a]), y = std::abs(o.strides[b]);
      if (x == 0 || y == 0 || x == y) continue;
      return x < y;
    }
    return true;
  };
  for (size_t i = 1; i < order.size(); ++i) {
    for (size_t j = i; j > 0 && !inner_first(order[j - 1], order[j]); --j) {
      std::swap(order[j - 1], order[j]);
    }
  }
  // Merge a dim into the one inside it where every operand steps over the two as over one.
  Dims kept;
  for (int64_t d : order) {
    if (!sizes_.empty()) {
      const int64_t last = kept.back();
      bool merge = true;
      for (const StridedOperand& o : operands_) {
        merge = merge && o.strides[d] == o.strides[last] * sizes_.back();
      }
      if (merge) {
        sizes_.back() *= shape_[d];
        continue;
      }
    }
    sizes_.push_back(shape_[d]);
    kept.push_back(d);
  }
  for (StridedOperand& o : operands_) {
    Dims strides;
    for (int64_t d : kept) strides.push_back(o.strides[d]);
    if (strides.empty()) strides.push_back(0);
    o.strides = std::move(strides);
  }
  if (sizes_.empty()) sizes_.push_back(1);
}

RowCursor::RowCursor(const StridedPlan& plan, int64_t start)
    : plan_(plan), index_(static_cast<size_t>(plan.ndim())) {
  for (int64_t d = 0; d < plan.ndim(); ++d) {
    index_[d] = start % plan.sizes()[d];
    start /= plan.sizes()[d];
  }
  for (size_t i = 0; i < plan_.operands(); ++i) {
    const StridedOperand& o = plan.operand(i);
    pointers_[i] = o.data;
    for (int64_t d = 0; d < plan.ndim(); ++d) pointers_[i] += index_[d] * o.strides[d];
  }
}

void RowCursor::advance(int64_t n) {
  for (size_t i = 0; i < plan_.operands(); ++i) pointers_[i] += n * plan_.operand(i).strides[0];
  index_[0] += n;
  for (int64_t d = 0; index_[d] == plan_.sizes()[d]; ++d) {
    for (size_t i = 0; i < plan_.operands(); ++i) {
      pointers_[i] -= plan_.sizes()[d] * plan_.operand(i).strides[d];
    }
    index_[d] = 0;
    if (d + 1 == plan_.ndim()) return;
    ++index_[d + 1];
    for (size_t i = 0; i < plan_.operands(); ++i) pointers_[i] += plan_.operand(i).strides[d + 1];
  }
}

namespace {
template <class T>
void copy_as(int64_t n, char* dst, int64_t dst_step, const char* src, int64_t src_step) {
  for (int64_t i = 0; i < n; ++i) {
    std::memcpy(dst + i * dst_step, src + i * src_step, sizeof(T));
  }
}
}  // namespace

void copy_items(size_t item, int64_t n, char* dst, int64_t dst_step, const char* src,
                int64_t src_step) {
  const int64_t size = static_cast<int64_t>(item);
  if (dst_step == size && src_step == size) {
    std::memcpy(dst, src, static_cast<size_t>(n) * item);
    return;
  }
  with_item(item, [&]<class T>(T) { copy_as<T>(n, dst, dst_step, src, src_step); });
}

}  // namespace rt::cpu
