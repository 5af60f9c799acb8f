#include "gpu/reduce_form.h"

#include <algorithm>
#include <bit>

namespace rt::gpu {

namespace {

constexpr int64_t kGroup = 256;
constexpr int64_t kGroupsPerCore = 8;  // that keep a core's memory pipes full
constexpr int64_t kShare = 8;          // packs of a thread before more threads share a result
constexpr int64_t kMaxChunk = int64_t{1} << 30;

int64_t divided(int64_t a, int64_t b) { return (a + b - 1) / b; }
uint32_t power_of_two(int64_t n) { return std::bit_ceil(static_cast<uint32_t>(n)); }

}  // namespace

ReduceForm reduce_form(const ReduceProblem& p) {
  ReduceForm f;
  const int64_t target = p.cores * kGroupsPerCore, packs = divided(p.count, p.pack);
  f.by_columns = !p.run && p.columns > 1;
  if (f.by_columns) {
    // As many neighbours as make whole memory lines; all of the group where that fills the device.
    uint32_t across = power_of_two(std::min<int64_t>(p.columns, 32));
    if (p.count < 2 * kGroup / across || p.results >= target * kGroup) across = kGroup;
    f.along = kGroup / across;
  } else if (packs <= 32 * kShare) {
    f.along = power_of_two(std::clamp<int64_t>(packs, 1, 32));
  } else {
    f.along = kGroup;
  }
  const int64_t groups = divided(p.results, kGroup / f.along);
  int64_t parts = std::max<int64_t>(p.count / (int64_t{f.along} * p.pack * kShare), 1);
  parts = std::min(parts, std::min<int64_t>(divided(target, std::max<int64_t>(groups, 1)), 1024));
  // A short range in one part costs less than a second launch.
  if (2 * groups > target || p.count < 2048) parts = 1;
  parts = std::max(parts, divided(p.count, kMaxChunk));
  const int64_t chunk = divided(divided(std::max<int64_t>(p.count, 1), parts), p.pack) * p.pack;
  f.chunk = static_cast<uint32_t>(chunk);
  f.parts = static_cast<uint32_t>(std::max<int64_t>(divided(p.count, chunk), 1));
  return f;
}

}  // namespace rt::gpu
