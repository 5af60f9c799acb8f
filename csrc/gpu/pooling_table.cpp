#include "gpu/pooling_table.h"

#include <algorithm>

#include "gpu/kept_numbers.h"

namespace rt::gpu {

namespace {

// One axis: starts, ends, and for each place the windows [first, last) that cover it and, where
// windows have gaps, perhaps some that do not.
void add_axis(const PoolAxis& axis, int64_t size, size_t d, PoolPlan& plan,
              std::vector<int32_t>& numbers) {
  const size_t count = axis.start.size();
  const auto begin = [&](uint32_t& at) { at = static_cast<uint32_t>(numbers.size()); };
  begin(plan.start[d]);
  for (int64_t s : axis.start) numbers.push_back(static_cast<int32_t>(s));
  begin(plan.end[d]);
  for (int64_t e : axis.end) numbers.push_back(static_cast<int32_t>(e));
  begin(plan.first[d]);
  plan.last[d] = plan.first[d] + static_cast<uint32_t>(size);
  numbers.resize(numbers.size() + 2 * static_cast<size_t>(size));
  int32_t* first = numbers.data() + plan.first[d];
  int32_t* last = numbers.data() + plan.last[d];
  for (size_t i = count; i-- > 0;) {
    for (int64_t p = axis.start[i]; p < std::min(axis.end[i], size); p += axis.step) {
      if (last[p] == 0) last[p] = static_cast<int32_t>(i + 1);
      first[p] = static_cast<int32_t>(i);
    }
  }
}

}  // namespace

PoolTable pool_table(const PoolWindows& w, IntList in, Device device) {
  PoolTable t;
  std::vector<int32_t> numbers;
  t.plan.in_plane = t.plan.out_plane = 1;
  for (size_t d = 0; d < 3; ++d) {
    t.plan.in[d] = static_cast<uint32_t>(in[d]);
    t.plan.count[d] = static_cast<uint32_t>(w[d].start.size());
    t.plan.step[d] = static_cast<uint32_t>(w[d].step);
    t.plan.in_plane *= t.plan.in[d];
    t.plan.out_plane *= t.plan.count[d];
    add_axis(w[d], in[d], d, t.plan, numbers);
  }
  t.table = kept_numbers(std::move(numbers), device);
  return t;
}

}  // namespace rt::gpu
