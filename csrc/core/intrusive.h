// Intrusive reference counting: one word a handle, one atomic a copy.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace rt {

class RefCounted {
 public:
  RefCounted() = default;
  RefCounted(const RefCounted&) = delete;
  RefCounted& operator=(const RefCounted&) = delete;

  int64_t use_count() const { return count_.load(std::memory_order_relaxed); }

 protected:
  virtual ~RefCounted() = default;
  // Called once, when the last handle goes; a class with a free list overrides it.
  virtual void dispose() { delete this; }

 private:
  template <class T>
  friend class Ref;
  void count_up() const { count_.fetch_add(1, std::memory_order_relaxed); }
  void count_down() const {
    if (count_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      const_cast<RefCounted*>(this)->dispose();
    }
  }
  mutable std::atomic<int64_t> count_{0};
};

template <class T>
class Ref {
 public:
  Ref() = default;
  Ref(std::nullptr_t) {}
  explicit Ref(T* p) : p_(p) {
    if (p_) p_->count_up();
  }
  Ref(const Ref& o) : p_(o.p_) {
    if (p_) p_->count_up();
  }
  Ref(Ref&& o) noexcept : p_(std::exchange(o.p_, nullptr)) {}
  template <class U>
  requires std::is_convertible_v<U*, T*> Ref(Ref<U> o) : p_(o.detach()) {}
  ~Ref() {
    if (p_) p_->count_down();
  }
  Ref& operator=(Ref o) noexcept {
    std::swap(p_, o.p_);
    return *this;
  }

  T* get() const { return p_; }
  T* operator->() const { return p_; }
  T& operator*() const { return *p_; }
  explicit operator bool() const { return p_ != nullptr; }
  friend bool operator==(const Ref& a, const Ref& b) { return a.p_ == b.p_; }

  // For a borrowed pointer whose object may be on its way out: null if its count has reached zero.
  // The caller holds a lock that the object's dispose() takes before the memory goes.
  static Ref try_retain(T* p) {
    int64_t n = p->count_.load(std::memory_order_relaxed);
    while (n > 0 && !p->count_.compare_exchange_weak(n, n + 1, std::memory_order_acq_rel)) {
    }
    return n > 0 ? adopt(p) : Ref();
  }

  // Gives up ownership without releasing; take it back with adopt().
  T* detach() { return std::exchange(p_, nullptr); }
  static Ref adopt(T* p) {
    Ref r;
    r.p_ = p;
    return r;
  }

 private:
  T* p_ = nullptr;
};

template <class T, class... A>
Ref<T> make_ref(A&&... args) {
  return Ref<T>(new T(std::forward<A>(args)...));
}

}  // namespace rt
