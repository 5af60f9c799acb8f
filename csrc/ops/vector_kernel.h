// Functions on contiguous rows that exist for several instruction sets and types: declared where
// they are called, filled when the library is loaded.
#pragma once

#include <string_view>

#include "core/dtype.h"

namespace rt {

class VectorKernelBase {
 public:
  explicit VectorKernelBase(const char* name);
  void set(DType t, void (*f)()) { entries_[static_cast<int>(t)] = f; }
  static VectorKernelBase* find(std::string_view name);

 protected:
  void (*entries_[kNumDTypes])() = {};
};

template <class F>
class VectorKernel : public VectorKernelBase {
 public:
  using VectorKernelBase::VectorKernelBase;
  F* operator[](DType t) const { return reinterpret_cast<F*>(entries_[static_cast<int>(t)]); }
};

}  // namespace rt
