// Elementwise formulas and copies on every compute device.
#include "ops/elementwise.h"

#include <deque>

#include "gpu/formulas.h"
#include "gpu/launch.h"
#include "gpu/plan.h"
#include "ops/index_support.h"

namespace rt::gpu {

namespace {

// What a slot holds for a compute device: the name of its kernel.
struct Formula {
  std::string name;
};

uint64_t strided_constant(const PlannedLaunch& l) { return l.strided ? 1 : 0; }

// Runs one kernel over out and inputs. A number binds the output's memory, which it does not read.
void run(const std::string& name, const Tensor& out, std::span<const PlanInput> inputs) {
  ComputeDevice& device = device_of(out);
  plan_elementwise(out, inputs, [&](const PlannedLaunch& l) {
    const uint64_t constants[] = {strided_constant(l)};
    Arguments a;
    const auto add = [&](const Tensor& t, int64_t offset) {
      a.memory(*t.storage(),
               static_cast<uint64_t>(t.offset() * static_cast<int64_t>(t.item_size()) + offset));
    };
    add(out, l.offsets[0]);
    for (size_t k = 0; k < inputs.size(); ++k) {
      const bool number = (l.plan.number >> (k + 1) & 1) != 0;
      number ? add(out, l.offsets[0]) : add(inputs[k].tensor, l.offsets[k + 1]);
    }
    a.value(l.plan);
    launch_items(device, kernel(device, name, constants), l.threads, a);
  });
}

// Items as integers of their size; those of 16 bytes as pairs.
Tensor raw(const Tensor& t) {
  switch (t.item_size()) {
    case 1:
      return make_view(t, t.sizes(), t.strides(), t.offset(), DType::UInt8);
    case 2:
      return make_view(t, t.sizes(), t.strides(), t.offset(), DType::Int16);
    case 4:
      return make_view(t, t.sizes(), t.strides(), t.offset(), DType::Int32);
    case 8:
      return make_view(t, t.sizes(), t.strides(), t.offset(), DType::Int64);
    default:
      break;
  }
  Dims sizes(t.sizes()), strides;
  for (int64_t s : t.strides()) strides.push_back(2 * s);
  sizes.push_back(2);
  strides.push_back(1);
  return make_view(t, sizes, strides, 2 * t.offset(), DType::Int64);
}

void move(const Tensor& out, const Tensor& src) {
  const PlanInput in[] = {{src, src.dtype()}};
  run("copy_" + std::to_string(out.item_size()), out, in);
}

// A number on the CPU, converted here.
void fill(const Tensor& out, const Tensor& number) {
  Tensor value = empty({}, out.dtype());
  Scalar::load(number.data(), number.dtype()).store(value.data(), out.dtype());
  if (out.item_size() <= 8) return move(raw(out), raw(value));
  const Tensor there = empty({}, out.dtype(), out.device());
  engine_for(out.device(), "copy_").copy_from_host(*there.storage(), 0, value.data(), 16);
  move(raw(out), raw(broadcast_view(there, out.sizes())));
}

void copy(const Tensor& out, const Tensor& src) {
  if (out.numel() == 0) return;
  if (src.device().is_cpu()) return fill(out, src);
  const DType to = out.dtype(), from = src.dtype();
  if (to == from) return move(raw(out), raw(broadcast_view(src, out.sizes())));
  if (!shader_type(to) || !shader_type(from)) {
    RT_FAIL(MissingKernel, "copy_",
            cat_str("device '", to_string(out.device()), "' has no kernel that converts ",
                    name(from), " to ", name(to)),
            cat_str(describe(src), " to ", describe(out)), "converting on the CPU, with .cpu()");
  }
  const PlanInput in[] = {{src, from}};
  run(cat_str("cast_", shader_type(from), "_", shader_type(to)), out, in);
}

// `t` in another type, with its layout where that is dense.
Tensor converted(const Tensor& t, DType type) {
  Dims sizes(t.sizes()), strides(t.strides());
  // What is broadcast stays one element.
  for (size_t d = 0; d < sizes.size(); ++d) {
    if (strides[d] == 0) sizes[d] = 1;
  }
  const Tensor source = make_view(t, sizes, strides, t.offset());
  Tensor result = empty_like(source, type);
  copy(result, source);
  Dims steps(result.strides());
  for (size_t d = 0; d < sizes.size(); ++d) {
    if (strides[d] == 0) steps[d] = 0;
  }
  return make_view(result, t.sizes(), steps, 0);
}

void launch_formula(const ElementwiseSlot& slot, DType compute, const Tensor& out,
                    TensorList inputs) {
  if (out.numel() == 0) return;
  const DeviceType device = out.device().type;
  const void* found = slot.kernel(device, compute);
  if (!found) found = slot.kernel(device, compute = compute_type(compute));
  RT_CHECK(found != nullptr, MissingKernel, slot.name(),
           cat_str("device '", to_string(out.device()), "' has no kernel for '", slot.name(),
                   "' in ", name(compute)),
           describe(inputs[0]),
           "float32, moving the inputs with .cpu(), or rustorch.routing(\"fallback\")");
  const Formula& formula = *static_cast<const Formula*>(found);
  const DType result = slot.result_dtype(compute);
  std::array<PlanInput, ElementwiseSlot::kMaxInputs> in;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const DType needed = slot.input_dtype(i, compute);
    const bool as_is = inputs[i].device().is_cpu() || inputs[i].dtype() == needed;
    in[i] = {as_is ? inputs[i] : converted(inputs[i], needed), needed};
  }
  const std::span<const PlanInput> used(in.data(), inputs.size());
  if (out.dtype() == result) return run(formula.name, out, used);
  Tensor exact = empty_like(out, result);
  run(formula.name, exact, used);
  copy(out, exact);
}

const RegisterGpuKernel register_copy(copy_kernel, &copy);
const RegisterGpuKernel register_launcher(elementwise_launcher, &launch_formula);

}  // namespace

void register_formulas(DeviceType type, ComputeDevice& device) {
  // Kept for the life of the process: slots point to them.
  static std::deque<Formula>* formulas = new std::deque<Formula>;
  for (ElementwiseSlot* slot : ElementwiseSlot::all()) {
    for (int i = 0; i < kNumDTypes; ++i) {
      const DType dtype = static_cast<DType>(i);
      const char* suffix = shader_type(dtype);
      if (!suffix) continue;
      // Names of ops that write their arguments end in "_" already.
      const bool written = std::string_view(slot->name()).ends_with('_');
      std::string name = cat_str(slot->name(), written ? "" : "_", suffix);
      if (!device.has_kernel(name)) continue;
      formulas->push_back({std::move(name)});
      slot->set_kernel(type, dtype, &formulas->back());
    }
  }
}

}  // namespace rt::gpu
