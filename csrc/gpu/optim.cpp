// Optimizer steps on every compute device: as many parameters a launch as its buffers hold.
#include "ops/optim.h"

#include <algorithm>

#include "gpu/dense.h"
#include "rt_optim_plans.h"

namespace rt::gpu {

namespace {

// What differs between the optimizers: the numbers of a parameter's step, and the kernels for more
// tensors than the fewest.
struct Sgd {
  using Numbers = rt_formulas::SgdNumbers<float>;
  static constexpr size_t kFewest = 2;
  static constexpr const char* kMore = "momentum_";
  static Numbers numbers(const StepEntry& e) { return rt_formulas::sgd_numbers_<float>(e.sgd); }
};
struct Adam {
  using Numbers = rt_formulas::AdamNumbers<float>;
  static constexpr size_t kFewest = 4;
  static constexpr const char* kMore = "amsgrad_";
  static Numbers numbers(const StepEntry& e) { return rt_formulas::adam_numbers_<float>(e.adam); }
};
struct Rule {
  using Numbers = RuleNumbers;
  static constexpr size_t kFewest = 3;
  static constexpr const char* kMore = "";
  static Numbers numbers(const StepEntry& e) {
    Numbers n;
    std::transform(e.rule, e.rule + kRuleNumbers, n.n,
                   [](double x) { return static_cast<float>(x); });
    return n;
  }
};
static_assert(kRuleNumbers == rt_formulas::RT_RULE_NUMBERS);
static_assert(2 * RT_STEP_ENTRIES(2) < Arguments::kMax);

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

// Of dense tensors.
bool overlap(const Tensor& a, const Tensor& b) {
  return a.storage() == b.storage() && a.offset() < b.offset() + b.numel() &&
         b.offset() < a.offset() + a.numel();
}

template <class O, size_t Tensors>
void launch(const char* op, std::span<const Chunk> chunks) {
  constexpr size_t entries = RT_STEP_ENTRIES(Tensors);
  const Tensor& first = chunks[0].entry->tensors[0];
  ComputeDevice& device = device_of(first);
  const int64_t each = 16 / static_cast<int64_t>(first.item_size());
  StepPlan<typename O::Numbers, entries> plan{};
  Arguments a;
  uint32_t groups = 0;
  bool aligned = true;
  for (size_t k = 0; k < entries; ++k) {
    // Places that are left over have no elements, and memory that is not touched.
    const Chunk& c = chunks[std::min(k, chunks.size() - 1)];
    if (k < chunks.size()) {
      plan.n[k] = static_cast<uint32_t>(c.n);
      plan.numbers[k] = O::numbers(*c.entry);
      groups += groups_for((c.n + each - 1) / each);
      aligned = aligned && c.aligned();
    }
    plan.last_group[k] = groups;
    for (size_t i = 0; i < Tensors; ++i) {
      const Tensor& t = c.entry->tensors[i];
      a.memory(*t.storage(), static_cast<uint64_t>(t.offset() + c.begin) * t.item_size());
    }
  }
  a.value(plan);
  const uint64_t constants[] = {aligned ? uint64_t{0} : uint64_t{1}};
  const char* type = shader_type(first.dtype());
  const Kernel& k = kernel_for(
      device, cat_str(op, Tensors > O::kFewest ? O::kMore : "", type ? type : name(first.dtype())),
      op, TensorList(chunks[0].entry->tensors, Tensors), constants);
  device.launch(k, {groups}, {kThreads}, a);
}

template <class O, size_t Tensors>
void run(const char* op, std::span<const StepEntry> entries) {
  std::vector<Chunk> chunks;
  const auto flush = [&] {
    if (!chunks.empty()) launch<O, Tensors>(op, chunks);
    chunks.clear();
  };
  for (const StepEntry& e : entries) {
    const Tensor& p = e.tensors[0];
    for (int64_t begin = 0; begin < p.numel(); begin += kMaxElements) {
      // A parameter that is listed twice takes its steps one after the other.
      for (const Chunk& c : chunks) {
        if (overlap(c.entry->tensors[0], p)) {
          flush();
          break;
        }
      }
      chunks.push_back({&e, begin, std::min(kMaxElements, p.numel() - begin)});
      if (chunks.size() == RT_STEP_ENTRIES(Tensors)) flush();
    }
  }
  flush();
}

// All entries of a call have as many tensors.
template <class O>
void steps(const char* op, std::span<const StepEntry> entries) {
  const size_t tensors = entries[0].count;
  RT_CHECK(std::all_of(entries.begin(), entries.end(),
                       [&](const StepEntry& e) { return e.count == tensors; }),
           Runtime, op, "parameters of one step have more or less state than others");
  if (tensors == O::kFewest) return run<O, O::kFewest>(op, entries);
  if constexpr (O::kFewest < 4) {
    if (tensors == 4) return run<O, 4>(op, entries);
  }
  run<O, O::kFewest == 2 ? 3 : 5>(op, entries);
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
