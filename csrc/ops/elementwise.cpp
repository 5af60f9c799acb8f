#include "ops/elementwise.h"

#include <algorithm>
#include <unordered_map>

#include "ops/index_support.h"
#include "ops/memory_format.h"
#include "ops/ops.h"

namespace rt {

ElementwiseLauncher elementwise_launcher{"elementwise"};
KernelSlot<void(const Tensor&, const Tensor&)> copy_kernel{"copy"};

namespace {

// Global: slots are static objects of the program, entered while it loads.
std::unordered_map<std::string_view, ElementwiseSlot*>& slots() {
  static std::unordered_map<std::string_view, ElementwiseSlot*> map;
  return map;
}

[[noreturn]] void unsupported(const ElementwiseSlot& slot, const char* op, Device device,
                              DType compute, TensorList inputs) {
  std::string got, can;
  for (const Tensor& t : inputs) got += (got.empty() ? "" : ", ") + describe(t);
  for (int i = 0; i < kNumDTypes; ++i) {
    const DType t = static_cast<DType>(i);
    if (slot.supports(device.type, t)) can += (can.empty() ? "" : ", ") + std::string(name(t));
  }
  if (device.is_cpu()) {
    RT_FAIL(NotImplemented, op,
            cat_str("\"", op, "\" not implemented for '", torch_type_name(compute), "'"), got,
            "one of the dtypes " + can);
  }
  RT_FAIL(MissingKernel, op,
          cat_str("device '", to_string(device), "' has no kernel for '", slot.name(), "' in ",
                  name(compute)),
          got,
          can.empty()
              ? "moving the inputs to the CPU with .cpu(), or rustorch.routing(\"fallback\")"
              : cat_str("one of the dtypes ", can,
                        ", or moving the inputs to the CPU with .cpu(), or "
                        "rustorch.routing(\"fallback\")"));
}

// A write to `out` must not change what is still to be read. Windows whose overlap is plain are an
// error, as in PyTorch; harder ones are read from a copy.
Tensor disentangle(const char* op, const Tensor& out, const Tensor& in) {
  if (!partially_overlaps(out, in)) return in;
  if (is_non_overlapping_and_dense(out) && is_non_overlapping_and_dense(in)) {
    RT_FAIL(
        Runtime, op,
        "unsupported operation: some elements of the input tensor and the written-to tensor refer "
        "to a single memory location",
        cat_str(describe(in), " and ", describe(out)), "clone() on the input first");
  }
  Tensor copy = empty(in.sizes(), in.dtype(), in.device(), op);
  copy_kernel(copy, copy, in);
  return copy;
}

Tensor run(const ElementwiseSlot& slot, const char* op, Out out, TensorList inputs, DType promoted,
           const Dims& shape) {
  const DType compute = slot.compute_dtype(promoted);
  const DType result = slot.result_dtype(compute);
  const Device device = out ? (*out).device() : common_device(op, inputs);
  if (!slot.supports(device.type, promoted)) [[unlikely]]
    unsupported(slot, op, device, compute, inputs);
  if (!out) {
    const bool plain = inputs[0].is_contiguous() && inputs[0].sizes() == IntList(shape) &&
                       (inputs.size() == 1 || (inputs[1].is_contiguous() && inputs.size() == 2));
    Tensor r = plain ? empty(shape, result, device, op)
                     : empty_strided(shape, elementwise_strides(shape, inputs), result, device, op);
    elementwise_launcher(r, slot, compute, r, inputs);
    return r;
  }
  const Tensor& target = *out;
  for (const Tensor& t : inputs) {
    RT_CHECK(t.device() == device || (t.dim() == 0 && t.device().is_cpu()), Runtime, op,
             "Expected all tensors to be on the same device",
             cat_str(describe(target), " and ", describe(t)), "x.to(device) on one of them");
  }
  RT_CHECK(can_cast(result, target.dtype()), Runtime, op,
           cat_str("result type ", torch_type_name(result),
                   " can't be cast to the desired output type ", torch_type_name(target.dtype())),
           describe(target));
  RT_CHECK(
      target.sizes() == IntList(shape), Runtime, op,
      cat_str("output with shape ", target.sizes(), " doesn't match the broadcast shape ", shape),
      "", "the out-of-place form");
  Tensor safe[ElementwiseSlot::kMaxInputs];
  for (size_t i = 0; i < inputs.size(); ++i) safe[i] = disentangle(op, target, inputs[i]);
  elementwise_launcher(target, slot, compute, target, TensorList(safe, inputs.size()));
  return target;
}

}  // namespace

void not_implemented_for(const char* op, const Tensor& x, const char* hint) {
  RT_FAIL(NotImplemented, op,
          cat_str("\"", op, "\" not implemented for '", torch_type_name(x.dtype()), "'"),
          describe(x), hint);
}

ElementwiseSlot::ElementwiseSlot(const char* name, EwCompute compute, EwResult result, int inputs,
                                 bool masked)
    : KernelSlotBase(name), compute_(compute), result_(result), inputs_(inputs), masked_(masked) {
  RT_CHECK(slots().emplace(name, this).second, Value, name, "an elementwise slot is defined twice");
}

void ElementwiseSlot::set_kernel(DeviceType device, DType compute, const void* kernel) {
  kernels_[static_cast<int>(device)][static_cast<int>(compute)] = kernel;
  entries_[static_cast<int>(device)] = reinterpret_cast<void (*)()>(const_cast<void*>(kernel));
}

ElementwiseSlot* ElementwiseSlot::find(std::string_view name) {
  const auto it = slots().find(name);
  return it == slots().end() ? nullptr : it->second;
}

const ElementwiseSlot* ElementwiseSlot::of(const OpRecord& op) {
  if (op.kernels.empty()) return nullptr;
  const ElementwiseSlot* slot = find(op.kernels[0]->name());
  return slot == op.kernels[0] ? slot : nullptr;
}

std::vector<ElementwiseSlot*> ElementwiseSlot::all() {
  std::vector<ElementwiseSlot*> list;
  for (const auto& [name, slot] : slots()) list.push_back(slot);
  return list;
}

Dims elementwise_strides(IntList shape, TensorList operands) {
  const int64_t n = shape.ssize();
  const auto all = [&](auto&& is_so) {
    return std::all_of(operands.begin(), operands.end(),
                       [&](const Tensor& t) { return t.sizes() == shape && is_so(t); });
  };
  // What all operands share is kept; an order of dims that has a name, as that name has it.
  for (const MemoryFormat format :
       {MemoryFormat::Contiguous, MemoryFormat::ChannelsLast, MemoryFormat::ChannelsLast3d}) {
    if (all([&](const Tensor& t) { return has_format(t, format); }))
      return format_strides("strides", format, shape);
  }
  if (is_non_overlapping_and_dense(operands[0]) &&
      all([&](const Tensor& t) { return t.strides() == operands[0].strides(); }))
    return Dims(operands[0].strides());
  // Order of dims, innermost first: by the first operand whose strides tell two dims apart.
  const auto stride_of = [&](const Tensor& t, int64_t d) -> int64_t {
    const int64_t own = d - (n - t.dim());
    // A dim of size 1 has its stride's place among the others, unless it is broadcast.
    return own < 0 || t.sizes()[own] != shape[d] ? 0 : t.strides()[own];
  };
  const auto inner_first = [&](int64_t a, int64_t b) {  // <0: a lies inside b
    for (const Tensor& t : operands) {
      const int64_t x = stride_of(t, a), y = stride_of(t, b);
      if (x == 0 || y == 0) continue;
      if (x != y) return x < y ? -1 : 1;
      if (shape[a] > shape[b]) return 1;
    }
    return 0;
  };
  Dims order(n);
  for (int64_t i = 0; i < n; ++i) order[i] = n - 1 - i;
  for (int64_t i = 1; i < n; ++i) {
    int64_t at = i;
    for (int64_t j = i - 1; j >= 0; --j) {
      const int c = inner_first(order[j], order[at]);
      if (c > 0) {
        std::swap(order[j], order[at]);
        at = j;
      } else if (c < 0) {
        break;
      }
    }
  }
  Dims strides(n);
  int64_t step = 1;
  for (int64_t d : order) {
    strides[d] = step;
    step *= std::max<int64_t>(shape[d], 1);
  }
  return strides;
}

Tensor elementwise(const ElementwiseSlot& slot, const char* op, Out out, TensorList inputs,
                   std::optional<DType> promoted) {
  Dims shape(inputs[0].sizes());
  for (size_t i = 1; i < inputs.size(); ++i) {
    if (!(inputs[i].sizes() == IntList(shape)))
      shape = broadcast_shapes(shape, inputs[i].sizes(), op);
  }
  return run(slot, op, out, inputs, promoted ? *promoted : result_type(inputs), shape);
}

Tensor elementwise(const ElementwiseSlot& slot, const char* op, Out out, const Tensor& a,
                   const Tensor& b) {
  const Tensor inputs[] = {a, b};
  const Dims shape = a.sizes() == b.sizes() || b.dim() == 0
                         ? Dims(a.sizes())
                         : broadcast_shapes(a.sizes(), b.sizes(), op);
  return run(slot, op, out, inputs, result_type(a, b), shape);
}

}  // namespace rt
