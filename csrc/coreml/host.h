// Tensors of "coreml" as tensors of the CPU: the same memory under another name.
#pragma once

#include <memory>
#include <utility>

#include "core/tensor.h"
#include "ops/record.h"

namespace rt::coreml {

class StorageOwner final : public MemoryOwner {
 public:
  explicit StorageOwner(Ref<Storage> s) : storage_(std::move(s)) {}

 private:
  Ref<Storage> storage_;
};

inline Tensor host_alias(const Tensor& t) {
  if (t.device().is_cpu()) return t;
  const Ref<Storage>& s = t.storage();
  Ref<Storage> host =
      wrap_memory(s->data(), s->nbytes(), Device{}, std::make_unique<StorageOwner>(s));
  return from_memory(std::move(host), t.dtype(), t.sizes(), t.strides(), t.offset());
}

template <class F>
void for_each_tensor_of(const OpRecord& op, const Value* args, F&& f) {
  for (size_t i = 0; i < op.schema.args.size(); ++i) {
    if (const auto* t = std::get_if<Tensor>(&args[i])) {
      if (t->defined()) f(*t);
    } else if (const auto* l = std::get_if<std::vector<Tensor>>(&args[i])) {
      for (const Tensor& t : *l) {
        if (t.defined()) f(t);
      }
    }
  }
}

}  // namespace rt::coreml
