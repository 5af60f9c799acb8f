#include "gpu/plan.h"

#include <bit>

#include "cpu/strided.h"
#include "gpu/launch.h"

namespace rt::gpu {

namespace {

constexpr int64_t kMaxDims = 8;

// A box of the merged dims, from `offsets` (bytes) on; split along its outermost dim until its
// elements and dims fit one launch.
class Splitter {
 public:
  Splitter(const Tensor& out, std::span<const PlanInput> inputs,
           const std::function<void(const PlannedLaunch&)>& f)
      : out_(out), inputs_(inputs), f_(f) {}

  void box(Dims sizes, std::vector<Dims> strides, std::array<int64_t, 6> offsets) {
    int64_t n = 1;
    for (int64_t s : sizes) n *= s;
    if (n == 0) return;
    if (n <= kMaxElements && sizes.ssize() <= kMaxDims) return emit(n, sizes, strides, offsets);
    // Halves of the outermost dim, or, where there are too many dims, its single steps.
    const size_t outer = sizes.size() - 1;
    const int64_t step = sizes.ssize() > kMaxDims ? 1 : (sizes[outer] + 1) / 2;
    for (int64_t begin = 0; begin < sizes[outer]; begin += step) {
      Dims part = sizes;
      std::vector<Dims> part_strides = strides;
      part[outer] = std::min(step, sizes[outer] - begin);
      auto at = offsets;
      for (size_t k = 0; k < strides.size(); ++k) at[k] += begin * strides[k][outer];
      if (part[outer] == 1 && outer > 0) {
        part.pop_back();
        for (Dims& s : part_strides) s.pop_back();
      }
      box(part, part_strides, at);
    }
  }

 private:
  const Tensor& tensor(size_t k) const { return k == 0 ? out_ : inputs_[k - 1].tensor; }

  void emit(int64_t n, const Dims& sizes, const std::vector<Dims>& strides,
            const std::array<int64_t, 6>& offsets) {
    PlannedLaunch launch;
    launch.offsets = offsets;
    ElementwisePlan& plan = launch.plan;
    plan.n = static_cast<uint32_t>(n);
    plan.ndim = static_cast<uint32_t>(sizes.size());
    size_t wide = out_.item_size();
    for (const PlanInput& in : inputs_) wide = std::max(wide, item_size(in.as));
    const int64_t pack = static_cast<int64_t>(RT_ELEMENTS_A_THREAD(wide, out_.item_size()));
    for (size_t k = 0; k < strides.size(); ++k) {
      const Tensor& t = tensor(k);
      const int64_t item = static_cast<int64_t>(t.item_size());
      if (k > 0 && t.device().is_cpu()) {
        plan.number |= 1u << k;
        plan.numbers[k - 1] = number_bits(item_of(t), inputs_[k - 1].as);
        continue;
      }
      bool one = k > 0;
      for (int64_t s : strides[k]) one = one && s == 0;
      if (one) {
        plan.single |= 1u << k;
        continue;
      }
      for (size_t d = 0; d < sizes.size(); ++d) plan.strides[k][d] = strides[k][d] / item;
      const int64_t at = t.offset() * item + offsets[k];
      launch.strided = launch.strided || sizes.size() > 1 || strides[k][0] != item ||
                       at % std::min<int64_t>(item * pack, 16) != 0;
    }
    for (size_t d = 0; d < sizes.size(); ++d) plan.sizes[d] = static_cast<uint32_t>(sizes[d]);
    launch.threads = static_cast<uint32_t>(launch.strided ? n : (n + pack - 1) / pack);
    f_(launch);
  }
  static Scalar item_of(const Tensor& t) { return Scalar::load(t.data(), t.dtype()); }

  const Tensor& out_;
  std::span<const PlanInput> inputs_;
  const std::function<void(const PlannedLaunch&)>& f_;
};

}  // namespace

uint64_t number_bits(const Scalar& value, DType as) {
  if (is_floating(as)) {
    return std::bit_cast<uint32_t>(static_cast<float>(value.to_double()));
  }
  if (as == DType::Bool) return value.to_double() != 0;
  return static_cast<uint64_t>(value.to_int());
}

void plan_elementwise(const Tensor& out, std::span<const PlanInput> inputs,
                      const std::function<void(const PlannedLaunch&)>& f) {
  if (out.numel() == 0) return;
  cpu::StridedPlan merged(out.sizes());
  merged.add(out);
  for (const PlanInput& in : inputs) merged.add(in.tensor);
  merged.finish();
  std::vector<Dims> strides;
  for (size_t k = 0; k < merged.operands(); ++k) strides.push_back(merged.operand(k).strides);
  Splitter(out, inputs, f).box(merged.sizes(), strides, {});
}

}  // namespace rt::gpu
