#include "ops/reduction.h"

#include <unordered_map>

#include "ops/ops.h"

namespace rt {

ReduceLauncher reduce_launcher{"reduce"};

namespace {
// Global: slots are static objects of the program, entered while it loads.
std::unordered_map<std::string_view, ReduceSlot*>& slots() {
  static std::unordered_map<std::string_view, ReduceSlot*> map;
  return map;
}
}  // namespace

ReduceSlot::ReduceSlot(const char* name, bool ordered) : KernelSlotBase(name), ordered_(ordered) {
  RT_CHECK(slots().emplace(name, this).second, Value, name, "a reduction is defined twice");
}

void ReduceSlot::set_cpu_loops(DType compute, const cpu::ReduceLoops& loops) {
  cpu_[static_cast<int>(compute)] = loops;
  set_supported(DeviceType::CPU, compute);
}

void ReduceSlot::set_supported(DeviceType device, DType compute) {
  supported_[static_cast<int>(device)] |= 1u << static_cast<int>(compute);
  // Kernels are reached through the launcher: the entry only says that there are some.
  entries_[static_cast<int>(device)] = [] {};
}

void ReduceSlot::check_supported(const char* op, const Tensor& x, DType compute) const {
  const DeviceType device = x.device().type;
  if (supports(device, compute)) return;
  RT_CHECK(!x.device().is_cpu(), Runtime, op,
           cat_str("\"", op, "\" not implemented for '", rt::name(compute), "'"), describe(x));
  RT_FAIL(MissingKernel, op,
          cat_str("device '", to_string(x.device()), "' has no kernel for '", name(), "' in ",
                  rt::name(compute)),
          describe(x),
          "moving the inputs to the CPU with .cpu(), or rustorch.routing(\"fallback\")");
}

ReduceSlot* ReduceSlot::find(std::string_view name) {
  const auto it = slots().find(name);
  return it == slots().end() ? nullptr : it->second;
}

std::vector<ReduceSlot*> ReduceSlot::all() {
  std::vector<ReduceSlot*> list;
  for (const auto& [name, slot] : slots()) list.push_back(slot);
  return list;
}

uint64_t dim_mask(IntList dim, int64_t rank, const char* op) {
  RT_CHECK(rank <= 64, Runtime, op, "only tensors with up to 64 dims are supported",
           cat_str(rank, " dims"));
  uint64_t mask = 0;
  if (dim.empty()) return rank == 0 ? 0 : ~uint64_t{0} >> (64 - rank);
  for (int64_t d : dim) {
    const uint64_t bit = uint64_t{1} << wrap_dim(d, rank, op);
    RT_CHECK(!(mask & bit), Runtime, op,
             cat_str("dim ", wrap_dim(d, rank, op), " appears multiple times in the list of dims"),
             cat_str("dim=", dim));
    mask |= bit;
  }
  return mask;
}

Dims reduced_shape(IntList sizes, uint64_t reduced, bool keepdim) {
  Dims shape;
  for (size_t d = 0; d < sizes.size(); ++d) {
    if (!(reduced >> d & 1)) {
      shape.push_back(sizes[d]);
    } else if (keepdim) {
      shape.push_back(1);
    }
  }
  return shape;
}

int64_t reduced_count(IntList sizes, uint64_t reduced) {
  int64_t n = 1;
  for (size_t d = 0; d < sizes.size(); ++d) n *= reduced >> d & 1 ? sizes[d] : 1;
  return n;
}

Tensor with_reduced_dims(const Tensor& t, IntList sizes, uint64_t reduced, bool keepdim) {
  return keepdim || t.dim() == sizes.ssize() ? t
                                             : ops::reshape(t, reduced_shape(sizes, reduced, true));
}

Reduced reduce(const ReduceSlot& slot, const char* op, const Tensor& x, uint64_t reduced,
               bool keepdim, DType compute, DType type, double parameter,
               std::optional<DType> second_type) {
  const Dims shape = reduced_shape(x.sizes(), reduced, keepdim);
  slot.check_supported(op, x, compute);
  Reduced r{empty(shape, type, x.device(), op), {}};
  if (second_type) r.second = empty(shape, *second_type, x.device(), op);
  reduce_launcher(x, slot, compute, x, reduced, parameter, r.result, r.second);
  return r;
}

DType order_type(DType t) {
  if (t == DType::Int8 || t == DType::Int16) return DType::Int32;
  return compute_type(t);
}

}  // namespace rt
