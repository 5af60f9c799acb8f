#include "ops/optim.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "autograd/node.h"
#include "ops/ops.h"
#include "rt_formulas_optim.h"

namespace rt {

ElementwiseSlot fused_sgd_slot{"fused_sgd_", EwCompute::Promoted, EwResult::Same, 3};
ElementwiseSlot fused_adam_slot{"fused_adam_", EwCompute::Promoted, EwResult::Same, 5};
KernelSlot<void(const ElementwiseSlot&, std::span<const StepEntry>, size_t)> fused_step_kernel{
    "fused_step"};

namespace {

// The rules of rt_formulas_optim.h.
#define RT_RULE(name, ...) \
  ElementwiseSlot fused_##name##_slot{"fused_" #name "_", EwCompute::Promoted, EwResult::Same, 5};
RT_FOR_EACH_RULE(RT_RULE)
#undef RT_RULE
struct Rule {
  std::string_view name;
  ElementwiseSlot& slot;
  size_t states;  // tensors of state
};
#define RT_RULE(name, tensors, ...) {#name, fused_##name##_slot, (tensors)-2},
const Rule rules[] = {RT_FOR_EACH_RULE(RT_RULE)};
#undef RT_RULE

void check_lists(const char* op, TensorList params, std::initializer_list<TensorList> lists) {
  for (TensorList l : lists) {
    RT_CHECK(l.empty() || l.size() == params.size(), Runtime, op,
             "the lists have different lengths",
             cat_str(params.size(), " parameters and ", l.size(), " tensors"));
  }
}

void check_entry(const char* op, const StepEntry& e) {
  const Tensor& p = e.tensors[0];
  RT_CHECK(is_floating(p.dtype()), Runtime, op, "parameters must be real floating point",
           describe(p));
  for (size_t i = 1; i < e.count; ++i) {
    const Tensor& t = e.tensors[i];
    RT_CHECK(t.sizes() == p.sizes() && t.dtype() == p.dtype() && t.device() == p.device(), Runtime,
             op, "a parameter, its gradient and its state must have one shape, dtype and device",
             cat_str(describe(p), " and ", describe(t)));
  }
  for (size_t i = 0; i < e.count; ++i) {
    if (i != 1) check_inplace(e.tensors[i], op);
  }
}

// Whether its tensors are dense and lie alike.
bool lies_alike(const StepEntry& e) {
  const Tensor& p = e.tensors[0];
  bool alike = is_non_overlapping_and_dense(p);
  for (size_t i = 1; i < e.count; ++i) alike = alike && e.tensors[i].strides() == p.strides();
  return alike;
}

// The entry on copies that lie alike.
StepEntry laid_alike(const char* op, const StepEntry& e) {
  const Tensor& p = e.tensors[0];
  StepEntry dense = e;
  for (size_t i = 0; i < e.count; ++i) {
    dense.tensors[i] = empty(p.sizes(), p.dtype(), p.device(), op);
    copy_kernel(dense.tensors[i], dense.tensors[i], e.tensors[i]);
  }
  return dense;
}

void run_entries(const ElementwiseSlot& slot, std::vector<StepEntry> entries, size_t slots) {
  // Found out before anything is written: all of it can then run elsewhere.
  for (const StepEntry& e : entries) {
    const Tensor& p = e.tensors[0];
    RT_CHECK(slot.supports(p.device().type, p.dtype()), MissingKernel, slot.name(),
             cat_str("device '", to_string(p.device()), "' has no kernel for '", slot.name(),
                     "' in ", name(p.dtype())),
             describe(p), "float32 parameters, or rustorch.routing(\"fallback\")");
  }
  // Those that take their step on copies, as they came.
  std::vector<std::pair<size_t, StepEntry>> copied;
  for (size_t k = 0; k < entries.size(); ++k) {
    if (lies_alike(entries[k])) continue;
    StepEntry dense = laid_alike(slot.name(), entries[k]);
    copied.emplace_back(k, std::exchange(entries[k], std::move(dense)));
  }
  // Those of one device and dtype go to the engine together.
  for (size_t begin = 0, end = 0; begin < entries.size(); begin = end) {
    const Tensor& first = entries[begin].tensors[0];
    for (end = begin; end < entries.size(); ++end) {
      const Tensor& p = entries[end].tensors[0];
      if (p.dtype() != first.dtype() || !(p.device() == first.device())) break;
    }
    fused_step_kernel(first, slot, std::span(entries).subspan(begin, end - begin), slots);
  }
  for (auto& [k, own] : copied) {
    for (size_t i = 0; i < own.count; ++i) {
      if (i != 1) copy_kernel(own.tensors[i], own.tensors[i], entries[k].tensors[i]);
    }
    entries[k] = std::move(own);
  }
  for (const StepEntry& e : entries) {
    for (size_t i = 0; i < e.count; ++i) {
      if (i != 1) e.tensors[i].bump_version();
    }
  }
}

int64_t sgd_forward(TensorList params, TensorList grads, TensorList momentum_buffers, double lr,
                    double momentum, double dampening, double weight_decay, bool nesterov,
                    bool maximize, bool is_first_step) {
  const char* op = fused_sgd_slot.name();
  check_lists(op, params, {momentum_buffers});
  RT_CHECK(
      grads.size() == params.size() && (momentum == 0 || momentum_buffers.size() == params.size()),
      Runtime, op, "the lists have different lengths",
      cat_str(params.size(), " parameters, ", grads.size(), " gradients, ", momentum_buffers.size(),
              " buffers"));
  NoGradGuard guard;
  const SgdScalars s{lr,       momentum, dampening,     weight_decay,
                     nesterov, maximize, is_first_step, momentum != 0};
  std::vector<StepEntry> entries;
  entries.reserve(params.size());
  for (size_t i = 0; i < params.size(); ++i) {
    StepEntry e{{params[i], grads[i]}, 2, {.sgd = s}};
    if (momentum != 0) e.tensors[e.count++] = momentum_buffers[i];
    check_entry(op, e);
    if (params[i].numel() > 0) entries.push_back(std::move(e));
  }
  run_entries(fused_sgd_slot, std::move(entries), 3);
  return static_cast<int64_t>(params.size());
}
const Op sgd_op(
    "fused_sgd_(Tensor[] params, Tensor[] grads, Tensor[] momentum_buffers, *, float lr, float "
    "momentum, float "
    "dampening, float weight_decay, bool nesterov, bool maximize, bool is_first_step) -> int",
    sgd_forward,
    {.in = "optim",
     .integer_result = true,
     .kernels = {&fused_sgd_slot},
     .doc = R"(One step of stochastic gradient descent for every parameter of a group, in place.

Returns the number of parameters. The rule is that of `torch.optim.SGD`.

>>> p, g = rt.ones(1), rt.ones(1)
>>> rt._C._namespaces["optim"]["fused_sgd_"]([p], [g], [], lr=0.5, momentum=0.0, dampening=0.0,
...                                          weight_decay=0.0, nesterov=False, maximize=False, is_first_step=True)
1
>>> p
tensor([0.5000])
)"});

int64_t adam_forward(TensorList params, TensorList grads, TensorList exp_avgs,
                     TensorList exp_avg_sqs, TensorList max_exp_avg_sqs, TensorList steps,
                     double lr, double beta1, double beta2, double eps, double weight_decay,
                     bool amsgrad, bool maximize, bool decoupled) {
  const char* op = fused_adam_slot.name();
  const size_t n = params.size();
  RT_CHECK(grads.size() == n && exp_avgs.size() == n && exp_avg_sqs.size() == n &&
               steps.size() == n && (!amsgrad || max_exp_avg_sqs.size() == n),
           Runtime, op, "the lists have different lengths",
           cat_str(n, " parameters, ", grads.size(), " gradients, ", exp_avgs.size(), " and ",
                   exp_avg_sqs.size(), " moments, ", max_exp_avg_sqs.size(), " maxima, ",
                   steps.size(), " steps"));
  NoGradGuard guard;
  AdamScalars s{0, 0, beta1, beta2, eps, weight_decay, lr, amsgrad, maximize, decoupled};
  std::vector<StepEntry> entries;
  entries.reserve(n);
  double counted = NAN;  // the count that the corrections are of: as a rule all have one
  for (size_t i = 0; i < n; ++i) {
    RT_CHECK(
        steps[i].dtype() == DType::Float32 && steps[i].numel() == 1 && steps[i].device().is_cpu(),
        Runtime, op, "a step must be a zero-dim float32 tensor on the CPU", describe(steps[i]));
    const double t = static_cast<double>(*steps[i].host_data<float>() + 1.0f);
    if (t != counted) {
      s.step_size = lr / (1 - std::pow(beta1, t));
      s.root_correction = std::sqrt(1 - std::pow(beta2, t));
      counted = t;
    }
    StepEntry e{{params[i], grads[i], exp_avgs[i], exp_avg_sqs[i]}, 4, {.adam = s}};
    if (amsgrad) e.tensors[e.count++] = max_exp_avg_sqs[i];
    check_entry(op, e);
    if (params[i].numel() > 0) entries.push_back(std::move(e));
  }
  run_entries(fused_adam_slot, std::move(entries), 5);
  for (const Tensor& step : steps) {
    *step.host_data<float>() += 1;
    step.bump_version();
  }
  return static_cast<int64_t>(n);
}
const Op adam_op(
    "fused_adam_(Tensor[] params, Tensor[] grads, Tensor[] exp_avgs, Tensor[] exp_avg_sqs, "
    "Tensor[] max_exp_avg_sqs, "
    "Tensor[] steps, *, float lr, float beta1, float beta2, float eps, float weight_decay, bool "
    "amsgrad, bool "
    "maximize, bool decoupled) -> int",
    adam_forward,
    {.in = "optim",
     .integer_result = true,
     .kernels = {&fused_adam_slot},
     .doc = R"(One step of Adam, or AdamW if `decoupled`, for every parameter of a group, in place.

Returns the number of parameters. The rules are those of `torch.optim.Adam` and `AdamW`.

>>> p, g, m, v, t = rt.ones(1), rt.ones(1), rt.zeros(1), rt.zeros(1), rt.tensor(0.0)
>>> rt._C._namespaces["optim"]["fused_adam_"]([p], [g], [m], [v], [], [t], lr=0.5, beta1=0.9, beta2=0.99,
...                                           eps=0.0, weight_decay=0.0, amsgrad=False, maximize=False, decoupled=False)
1
>>> p
tensor([0.5000])
)"});

int64_t rule_forward(std::string_view rule, TensorList params, TensorList grads, TensorList first,
                     TensorList second, TensorList third, FloatList numbers) {
  constexpr const char* op = "fused_rule_";
  const Rule* found = std::find_if(std::begin(rules), std::end(rules),
                                   [&](const Rule& r) { return r.name == rule; });
  RT_CHECK(found != std::end(rules), Value, op, "there is no such rule", std::string(rule));
  const TensorList states[] = {first, second, third};
  for (size_t i = 0; i < std::size(states); ++i) {
    const size_t expected = i < found->states ? params.size() : 0;
    RT_CHECK(states[i].size() == expected, Runtime, op, "the lists have different lengths",
             cat_str(params.size(), " parameters and ", states[i].size(), " tensors of state ", i,
                     " of the rule '", rule, "'"));
  }
  RT_CHECK(grads.size() == params.size() && numbers.size() == params.size() * kRuleNumbers, Runtime,
           op, "the lists have different lengths",
           cat_str(params.size(), " parameters, ", grads.size(), " gradients, ", numbers.size(),
                   " numbers"));
  NoGradGuard guard;
  std::vector<StepEntry> entries;
  entries.reserve(params.size());
  for (size_t i = 0; i < params.size(); ++i) {
    StepEntry e{{params[i], grads[i]}, 2, {.rule = {}}};
    for (size_t k = 0; k < found->states; ++k) e.tensors[e.count++] = states[k][i];
    std::copy_n(&numbers[i * kRuleNumbers], kRuleNumbers, e.rule);
    check_entry(found->slot.name(), e);
    if (params[i].numel() > 0) entries.push_back(std::move(e));
  }
  run_entries(found->slot, std::move(entries), 5);
  return static_cast<int64_t>(params.size());
}
#define RT_RULE(name, ...) &fused_##name##_slot,
const Op rule_op(
    "fused_rule_(str rule, Tensor[] params, Tensor[] grads, Tensor[] first, Tensor[] second, "
    "Tensor[] third, *, float[] numbers) -> int",
    rule_forward,
    {.in = "optim",
     .integer_result = true,
     .kernels = {RT_FOR_EACH_RULE(RT_RULE)},
     .doc = R"(One step of an optimizer's rule for every parameter of a group, in place.

Returns the number of parameters. A rule has up to three tensors of state for a parameter, and ten numbers, which
shaders/include/rt_formulas_optim.h describes. Raises ValueError for a rule that does not exist.

>>> p, g, squares = rt.ones(1), rt.ones(1), rt.zeros(1)
>>> rt._C._namespaces["optim"]["fused_rule_"]("adagrad", [p], [g], [squares], [], [],
...                                           numbers=[1.0, 0.0, 0.5, 0.0] + 6 * [0.0])
1
>>> p
tensor([0.5000])
)"});
#undef RT_RULE

}  // namespace

}  // namespace rt
