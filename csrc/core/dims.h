// Sizes, strides and dimension lists: int64 with inline room for six dimensions.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

namespace rt {

// A view of int64 values that someone else owns; constructible from a braced list for calls.
class IntList {
 public:
  constexpr IntList() = default;
  constexpr IntList(const int64_t* data, size_t size) : data_(data), size_(size) {}
  // The list outlives the full expression it is written in, which is what a call needs.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winit-list-lifetime"
#endif
  constexpr IntList(std::initializer_list<int64_t> l) : data_(l.begin()), size_(l.size()) {}
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
  IntList(const std::vector<int64_t>& v) : data_(v.data()), size_(v.size()) {}

  constexpr size_t size() const { return size_; }
  constexpr int64_t ssize() const { return static_cast<int64_t>(size_); }
  constexpr bool empty() const { return size_ == 0; }
  constexpr const int64_t* data() const { return data_; }
  constexpr const int64_t* begin() const { return data_; }
  constexpr const int64_t* end() const { return data_ + size_; }
  constexpr int64_t operator[](size_t i) const { return data_[i]; }
  constexpr int64_t back() const { return data_[size_ - 1]; }
  IntList slice(size_t start, size_t n) const { return {data_ + start, n}; }
  friend bool operator==(IntList a, IntList b) {
    return a.size_ == b.size_ && std::equal(a.begin(), a.end(), b.begin());
  }

 private:
  const int64_t* data_ = nullptr;
  size_t size_ = 0;
};

class Dims {
 public:
  static constexpr size_t kInline = 6;

  Dims() = default;
  explicit Dims(size_t n, int64_t fill = 0) { resize(n, fill); }
  Dims(IntList l) { assign(l); }
  Dims(std::initializer_list<int64_t> l) { assign(IntList(l)); }
  Dims(const Dims& o) { assign(o); }
  Dims(Dims&& o) noexcept : size_(o.size_), capacity_(o.capacity_), heap_(std::move(o.heap_)) {
    std::copy(o.inline_, o.inline_ + kInline, inline_);
    o.size_ = 0;
    o.capacity_ = kInline;
  }
  Dims& operator=(const Dims& o) {
    if (this != &o) assign(o);
    return *this;
  }
  Dims& operator=(Dims&& o) noexcept {
    size_ = o.size_;
    capacity_ = o.capacity_;
    heap_ = std::move(o.heap_);
    std::copy(o.inline_, o.inline_ + kInline, inline_);
    o.size_ = 0;
    o.capacity_ = kInline;
    return *this;
  }

  size_t size() const { return size_; }
  int64_t ssize() const { return static_cast<int64_t>(size_); }
  bool empty() const { return size_ == 0; }
  int64_t* data() { return heap_ ? heap_.get() : inline_; }
  const int64_t* data() const { return heap_ ? heap_.get() : inline_; }
  int64_t* begin() { return data(); }
  int64_t* end() { return data() + size_; }
  const int64_t* begin() const { return data(); }
  const int64_t* end() const { return data() + size_; }
  int64_t& operator[](size_t i) { return data()[i]; }
  int64_t operator[](size_t i) const { return data()[i]; }
  int64_t& back() { return data()[size_ - 1]; }
  int64_t back() const { return data()[size_ - 1]; }
  operator IntList() const { return {data(), size_}; }

  void assign(IntList l) {
    if (l.size() > capacity_) reserve(l.size());
    std::copy(l.begin(), l.end(), data());
    size_ = l.size();
  }
  void resize(size_t n, int64_t fill = 0) {
    reserve(n);
    if (n > size_) std::fill(data() + size_, data() + n, fill);
    size_ = n;
  }
  void reserve(size_t n) {
    if (n <= capacity_) return;
    const size_t capacity = std::max(n, 2 * capacity_);
    auto heap = std::make_unique<int64_t[]>(capacity);
    std::copy(begin(), end(), heap.get());
    heap_ = std::move(heap);
    capacity_ = capacity;
  }
  void push_back(int64_t v) {
    reserve(size_ + 1);
    data()[size_++] = v;
  }
  void pop_back() { --size_; }
  void clear() { size_ = 0; }
  void insert(size_t at, int64_t v) {
    push_back(v);
    std::rotate(begin() + at, end() - 1, end());
  }
  void erase(size_t at) {
    std::copy(begin() + at + 1, end(), begin() + at);
    --size_;
  }
  friend bool operator==(const Dims& a, const Dims& b) { return IntList(a) == IntList(b); }

 private:
  size_t size_ = 0;
  size_t capacity_ = kInline;
  int64_t inline_[kInline];
  std::unique_ptr<int64_t[]> heap_;
};

std::string to_string(IntList l);  // "[2, 3]"
inline std::string to_string(const Dims& d) { return to_string(IntList(d)); }

// The product of sizes; an error that names `op` if it does not fit in int64 or a size is negative.
int64_t checked_numel(IntList sizes, const char* op);
Dims contiguous_strides(IntList sizes);
// Maps -rank..rank-1 to 0..rank-1, with PyTorch's IndexError otherwise. A scalar counts as rank 1.
int64_t wrap_dim(int64_t dim, int64_t rank, const char* op);
// Wraps every dim and rejects repeats; an empty list means all dims.
Dims wrap_dims(IntList dims, int64_t rank, const char* op, bool empty_is_all = true);
// NumPy's broadcasting of two shapes; an error that names `op` if they do not match.
Dims broadcast_shapes(IntList a, IntList b, const char* op);
bool is_expandable_to(IntList from, IntList to);
// Strides that give a view of (sizes, strides) with new sizes without copying; false if none exist.
bool view_strides(IntList sizes, IntList strides, IntList new_sizes, Dims* out);
// Replaces one -1 by what numel leaves; errors as PyTorch's view/reshape.
Dims infer_size(IntList shape, int64_t numel, const char* op);

}  // namespace rt
