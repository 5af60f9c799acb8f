// Optimizer steps on every compute device: as many parameters a launch as its buffers hold.
#include "ops/optim.h"

#include <algorithm>

#include "gpu/dense.h"
#include "rt_optim_plans.h"

namespace rt::gpu {

namespace {

// What differs between the optimizers.
struct Sgd {
  using Plan = SgdPlan;
  static constexpr size_t kEntries = RT_SGD_ENTRIES, kTensors = 3;
  static void tell(Plan& plan, size_t k, const StepEntry& e) {
    plan.numbers[k] = rt_formulas::sgd_numbers_<float>(e.sgd);
  }
};
struct Adam {
  using Plan = AdamPlan;
  static constexpr size_t kEntries = RT_ADAM_ENTRIES, kTensors = 5;
  static void tell(Plan& plan, size_t k, const StepEntry& e) {
    plan.numbers[k] = rt_formulas::adam_numbers_<float>(e.adam);
  }
};
struct Rule {
  using Plan = RulePlan;
  static constexpr size_t kEntries = RT_RULE_ENTRIES, kTensors = 5;
  static void tell(Plan& plan, size_t k, const StepEntry& e) {
    std::transform(e.rule, e.rule + kRuleNumbers, plan.numbers[k],
                   [](double x) { return static_cast<float>(x); });
  }
};
static_assert(kRuleNumbers == rt_formulas::RT_RULE_NUMBERS);

// Elements [begin, begin + n) of a parameter.
struct Chunk {
  const StepEntry* entry;
  int64_t begin, n;
  bool aligned() const {
    const auto item = static_cast<int64_t>(entry->tensors[0].item_size());
    bool all = begin * item % 16 == 0;
    for (size_t i = 0; i < entry->count; ++i) all = all && is_aligned(entry->tensors[i]);
    return all;
  }
};

template <class O>
void launch(const char* op, std::span<const Chunk> chunks) {
  const Tensor& first = chunks[0].entry->tensors[0];
  ComputeDevice& device = device_of(first);
  const int64_t each = 16 / static_cast<int64_t>(first.item_size());
  typename O::Plan plan{};
  Arguments a;
  uint32_t groups = 0;
  bool aligned = true;
  for (size_t k = 0; k < O::kEntries; ++k) {
    // Places that are left over have no elements, and memory that is not touched.
    const Chunk& c = chunks[std::min(k, chunks.size() - 1)];
    if (k < chunks.size()) {
      plan.n[k] = static_cast<uint32_t>(c.n);
      O::tell(plan, k, *c.entry);
      groups += groups_for((c.n + each - 1) / each);
      aligned = aligned && c.aligned();
    }
    plan.last_group[k] = groups;
    for (size_t i = 0; i < O::kTensors; ++i) {
      const Tensor& t = c.entry->tensors[i < c.entry->count ? i : 0];
      a.memory(*t.storage(), static_cast<uint64_t>(t.offset() + c.begin) * t.item_size());
    }
  }
  a.value(plan);
  const uint64_t constants[] = {aligned ? uint64_t{0} : uint64_t{1}};
  const char* type = shader_type(first.dtype());
  const Kernel& k =
      kernel_for(device, cat_str(op, type ? type : name(first.dtype())), op,
                 TensorList(chunks[0].entry->tensors, chunks[0].entry->count), constants);
  device.launch(k, {groups}, {kThreads}, a);
}

template <class O>
void steps(const char* op, std::span<const StepEntry> entries) {
  std::vector<Chunk> chunks;
  const auto flush = [&] {
    if (!chunks.empty()) launch<O>(op, chunks);
    chunks.clear();
  };
  for (const StepEntry& e : entries) {
    const Tensor& p = e.tensors[0];
    for (int64_t begin = 0; begin < p.numel(); begin += kMaxElements) {
      // A parameter that is listed twice takes its steps one after the other.
      for (const Chunk& c : chunks) {
        if (c.entry->tensors[0].storage() == p.storage()) {
          flush();
          break;
        }
      }
      chunks.push_back({&e, begin, std::min(kMaxElements, p.numel() - begin)});
      if (chunks.size() == O::kEntries) flush();
    }
  }
  flush();
}

void fused_step(const ElementwiseSlot& slot, std::span<const StepEntry> entries, size_t) {
  const auto run = &slot == &fused_sgd_slot    ? &steps<Sgd>
                   : &slot == &fused_adam_slot ? &steps<Adam>
                                               : &steps<Rule>;
  run(slot.name(), entries);
}

const RegisterGpuKernel register_step(fused_step_kernel, &fused_step);

}  // namespace

}  // namespace rt::gpu
