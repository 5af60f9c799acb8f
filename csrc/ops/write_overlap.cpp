#include "ops/write_overlap.h"

#include "core/warning.h"

namespace rt {

namespace {

bool same_window(const Tensor& a, const Tensor& b) {
  return a.storage().get() == b.storage().get() && a.offset() == b.offset() && a.numel() > 0 &&
         a.sizes() == b.sizes() && a.strides() == b.strides();
}

void check_pair(const OpRecord& op, const Tensor& self, const Tensor& other, Operands may) {
  if (!other.defined() || other.storage().get() != self.storage().get()) return;
  // Windows with gaps may interleave, as x[::2] and x[1::2] do: only what is plain is an error.
  const bool plain = is_non_overlapping_and_dense(self) && is_non_overlapping_and_dense(other);
  const bool clash = (plain && partially_overlaps(self, other)) ||
                     (may == Operands::Apart && same_window(self, other));
  RT_CHECK(
      !clash, Runtime, op.name(),
      "unsupported operation: some elements of the input tensor and the written-to tensor refer "
      "to a single memory location",
      cat_str(describe(other), " and ", describe(self)), "clone() on the input first");
}

}  // namespace

void check_write_overlap(const OpRecord& op, const Value* args) {
  if (op.spec.operands == Operands::Anywhere) return;
  const Tensor& self = args[0].tensor();
  for (size_t i = 1; i < op.schema.args.size(); ++i) {
    if (const auto* t = std::get_if<Tensor>(&args[i])) {
      check_pair(op, self, *t, op.spec.operands);
    } else if (const auto* list = std::get_if<std::vector<Tensor>>(&args[i])) {
      for (const Tensor& t : *list) check_pair(op, self, t, op.spec.operands);
    }
  }
  if (op.spec.overlap_ok && repeats_elements(self)) {
    warn(op.name(),
         cat_str("Use of ", op.name(),
                 "_ on expanded tensors is deprecated. Please clone() the tensor before "
                 "performing this operation. This also applies to advanced indexing e.g. "
                 "tensor[indices] = tensor"));
  }
}

void check_out_overlap(const OpRecord& op, const Value* args, const Tensor& out) {
  for (size_t i = 0; i < op.schema.args.size(); ++i) {
    if (const auto* t = std::get_if<Tensor>(&args[i]))
      check_pair(op, out, *t, Operands::SameWindow);
  }
}

}  // namespace rt
