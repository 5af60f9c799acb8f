#include "ops/write_overlap.h"

#include <algorithm>
#include <string_view>

#include "core/warning.h"

namespace rt {

namespace {

enum class Sharing { None, Same };  // what is allowed: nothing, or the same window
struct Rule {
  std::string_view op;
  Sharing allowed;
};
constexpr Rule kRules[] = {{"index_add", Sharing::None},      {"index_copy", Sharing::None},
                           {"index_fill", Sharing::None},     {"index_put", Sharing::None},
                           {"index_reduce", Sharing::None},   {"put", Sharing::None},
                           {"scatter", Sharing::None},        {"scatter_add", Sharing::None},
                           {"scatter_reduce", Sharing::None}, {"masked_fill", Sharing::Same},
                           {"masked_scatter", Sharing::Same}};

bool same_window(const Tensor& a, const Tensor& b) {
  return a.storage().get() == b.storage().get() && a.offset() == b.offset() && a.numel() > 0 &&
         a.sizes() == b.sizes() && a.strides() == b.strides();
}

void check_pair(const OpRecord& op, const Tensor& self, const Tensor& other, Sharing allowed) {
  if (!other.defined() || other.storage().get() != self.storage().get()) return;
  // Windows with gaps may interleave, as x[::2] and x[1::2] do: only what is plain is an error.
  const bool plain = is_non_overlapping_and_dense(self) && is_non_overlapping_and_dense(other);
  const bool clash = (plain && partially_overlaps(self, other)) ||
                     (allowed == Sharing::None && same_window(self, other));
  RT_CHECK(
      !clash, Runtime, op.name(),
      "unsupported operation: some elements of the input tensor and the written-to tensor refer "
      "to a single memory location",
      cat_str(describe(other), " and ", describe(self)), "clone() on the input first");
}

}  // namespace

void check_write_overlap(const OpRecord& op, const Value* args) {
  const std::string_view name = op.name();
  const auto* rule = std::find_if(std::begin(kRules), std::end(kRules),
                                  [&](const Rule& r) { return r.op == name; });
  if (rule == std::end(kRules)) return;
  const Tensor& self = args[0].tensor();
  for (size_t i = 1; i < op.schema.args.size(); ++i) {
    if (const auto* t = std::get_if<Tensor>(&args[i])) {
      check_pair(op, self, *t, rule->allowed);
    } else if (const auto* list = std::get_if<std::vector<Tensor>>(&args[i])) {
      for (const Tensor& t : *list) check_pair(op, self, t, rule->allowed);
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
    if (const auto* t = std::get_if<Tensor>(&args[i])) check_pair(op, out, *t, Sharing::Same);
  }
}

}  // namespace rt
