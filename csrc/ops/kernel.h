// Where engines hang their kernels. A slot is named and typed once, by the op that launches it; an
// engine fills its entry at load time; an engine without a kernel simply has none.
#pragma once

#include "core/tensor.h"

namespace rt {

class KernelSlotBase {
 public:
  constexpr explicit KernelSlotBase(const char* name) : name_(name) {}
  const char* name() const { return name_; }
  bool has(DeviceType t) const { return entries_[static_cast<int>(t)] != nullptr; }

 protected:
  // The error of a call that the engine of `device` has no kernel for.
  [[noreturn]] void missing(Device device, TensorList tensors) const;
  // Of one that would read the memory of another device as its own.
  [[noreturn]] void foreign(TensorList tensors) const;
  const char* name_;
  void (*entries_[kNumDeviceTypes])() = {};
};

namespace detail {
void collect_tensors(std::vector<Tensor>& to, const Tensor& t);
void collect_tensors(std::vector<Tensor>& to, TensorList l);
template <class T>
void collect_tensors(std::vector<Tensor>&, const T&) {}

inline bool on_host(const Tensor& t) { return !t.defined() || t.device().is_cpu(); }
inline bool on_host(TensorList l) {
  for (const Tensor& t : l) {
    if (!on_host(t)) return false;
  }
  return true;
}
template <class T>
bool on_host(const T&) {
  return true;
}
}  // namespace detail

template <class F>
class KernelSlot;

template <class... A>
class KernelSlot<void(A...)> : public KernelSlotBase {
 public:
  using KernelSlotBase::KernelSlotBase;
  void set(DeviceType t, void (*f)(A...)) {
    entries_[static_cast<int>(t)] = reinterpret_cast<void (*)()>(f);
  }
  // Runs the kernel of the engine that `out` lives on. What an op forgot to ask about devices would
  // be a wild read on the CPU; GPUs look for themselves, as numbers may come along.
  void operator()(const Tensor& out, A... args) const {
    const DeviceType type = out.device().type;
    const auto f = entries_[static_cast<int>(type)];
    if (!f) [[unlikely]]
      missing_for(out, args...);
    if (type == DeviceType::CPU && !(detail::on_host(args) && ...)) [[unlikely]]
      foreign_for(args...);
    reinterpret_cast<void (*)(A...)>(f)(std::forward<A>(args)...);
  }

 private:
  [[noreturn, gnu::noinline, gnu::cold]] void missing_for(const Tensor& out,
                                                          const A&... args) const {
    std::vector<Tensor> tensors;
    (detail::collect_tensors(tensors, args), ...);
    missing(out.device(), tensors);
  }
  [[noreturn, gnu::noinline, gnu::cold]] void foreign_for(const A&... args) const {
    std::vector<Tensor> tensors;
    (detail::collect_tensors(tensors, args), ...);
    foreign(tensors);
  }
};

// static const RegisterKernel r(softmax_kernel, DeviceType::CPU, &softmax);
struct RegisterKernel {
  template <class... A>
  RegisterKernel(KernelSlot<void(A...)>& slot, DeviceType t, void (*f)(A...)) {
    slot.set(t, f);
  }
};

// All tensors on one device (zero-dim CPU numbers may mix in); returns it.
Device common_device(const char* op, TensorList tensors);

}  // namespace rt
