// Sorting and searching on every compute device.
#include "gpu/sort.h"

#include <bit>

#include "gpu/dense.h"
#include "ops/index_support.h"
#include "ops/rank_kernels.h"
#include "ops/sort_support.h"
#include "rt_sort_plans.h"

namespace rt::gpu {

namespace {

constexpr uint32_t kBlock = 1024;  // elements that a group sorts in its memory: two a thread
constexpr uint32_t kLeast = 64;

// Bools sort as the bytes they are.
std::string typed(const char* base, DType t) {
  const char* type = t == DType::Bool ? "uchar" : shader_type(t);
  return cat_str(base, type ? type : name(t));
}

// f(first, count) for lines that fit one launch.
template <class F>
void for_lines(const char* op, const Tensor& x, F f) {
  const int64_t lines = x.sizes()[0], n = std::max<int64_t>(x.sizes()[1], 1);
  RT_CHECK(n < kMaxElements, NotImplemented, op, "a line has 2**31 elements or more", describe(x));
  const int64_t at_once = std::max<int64_t>(1, (kMaxElements - 1) / n);
  for (int64_t first = 0; first < lines; first += at_once) {
    f(first, std::min(at_once, lines - first));
  }
}

// Lines [first, first + count) of a contiguous matrix.
Tensor some_lines(const Tensor& t, int64_t first, int64_t count) {
  const int64_t width = t.sizes()[1];
  return make_view(t, {count, width}, {width, 1}, t.offset() + first * width);
}

void sort(const Tensor& values, const Tensor& indices, const Tensor& x, bool descending) {
  const int64_t k = values.sizes()[1];
  for_lines("sort", x, [&](int64_t first, int64_t count) {
    const Tensor part = some_lines(x, first, count);
    const SortedLines sorted = sort_lines("sort", part, k, descending);
    SortPlan plan{};
    plan.lines = static_cast<uint32_t>(count);
    plan.n = static_cast<uint32_t>(x.sizes()[1]);
    plan.k = static_cast<uint32_t>(k);
    ComputeDevice& device = device_of(x);
    launch_items(device, kernel(device, "sort_take_" + size_name(x)), count * k,
                 arguments(some_lines(values, first, count), some_lines(indices, first, count),
                           part, sorted.places, plan));
  });
}

// Ranks are read from sorted lines.
void ranks(const Tensor& x, const Tensor& ranks, const Tensor& values, const Tensor& positions) {
  const int64_t lines = x.sizes()[0], n = x.sizes()[1];
  const Tensor sorted = empty({lines, n}, x.dtype(), x.device());
  const Tensor places = empty({lines, n}, DType::Int64, x.device());
  sort(sorted, places, x, false);
  const auto along = [&](const Tensor& t) {
    return make_view(t, ranks.sizes(), {n, 0}, t.offset());
  };
  gather_kernel(values, values, along(sorted), ranks, 1);
  gather_kernel(positions, positions, along(places), ranks, 1);
}

void modes_of(const Tensor& x, const Tensor& values, const Tensor& positions) {
  const auto vector = [](const Tensor& t, int64_t first) {
    return make_view(t, {t.numel() - first}, {1}, t.offset() + first);
  };
  const auto n = static_cast<uint32_t>(x.sizes()[1]);
  for_lines("mode", x, [&](int64_t first, int64_t count) {
    const Tensor part = some_lines(x, first, count);
    const SortedLines sorted = sort_lines("mode", part, n, false);
    ComputeDevice& device = device_of(x);
    device.launch(kernel(device, "mode_" + size_name(x)), {static_cast<uint32_t>(count)},
                  {kThreads},
                  arguments(vector(values, first), vector(positions, first), part, sorted.keys,
                            sorted.places, n));
  });
}

void sort_rows(const Tensor& order, const Tensor& x) {
  ComputeDevice& device = device_of(x);
  RT_CHECK(x.sizes()[0] < kMaxElements, NotImplemented, "sort_rows", "2**31 rows or more",
           describe(x));
  const auto n = static_cast<uint32_t>(x.sizes()[0]);
  if (n == 0) return;
  RowSortPlan plan{};
  plan.columns = static_cast<uint32_t>(x.sizes()[1]);
  plan.sort.lines = 1;
  plan.sort.n = plan.sort.k = n;
  plan.sort.width = plan.sort.kept = std::clamp(std::bit_ceil(n), kLeast, kBlock);
  plan.sort.runs = (n + plan.sort.width - 1) / plan.sort.width;
  const auto room = [&] { return empty({x.sizes()[0]}, DType::Int32, x.device()); };
  Tensor places = room();
  device.launch(kernel_for(device, typed("rows_blocks_", x.dtype()), "unique", TensorList(&x, 1)),
                {plan.sort.runs}, {plan.sort.width / 2}, arguments(places, x, plan));
  const Kernel& merge = kernel(device, typed("rows_merge_", x.dtype()));
  while (plan.sort.runs > 1) {
    const Tensor from = std::exchange(places, room());
    launch_items(device, merge, n, arguments(places, from, x, plan));
    plan.sort.kept = plan.sort.width *= 2;
    plan.sort.runs = (plan.sort.runs + 1) / 2;
  }
  copy_kernel(order, order, places);
}

void search(const Tensor& out, const Tensor& boundaries, const Tensor& values, const Tensor& sorter,
            bool right) {
  if (out.numel() == 0) return;
  ComputeDevice& device = device_of(out);
  const int64_t m = values.sizes()[1], n = boundaries.sizes()[1];
  const bool shared = boundaries.sizes()[0] == 1;
  RT_CHECK(n < kMaxElements && m < kMaxElements, NotImplemented, "searchsorted",
           "a line has 2**31 elements or more", describe(boundaries));
  const Tensor both[] = {boundaries, values};
  const Kernel& k =
      kernel_for(device, typed("search_", values.dtype()), "searchsorted", TensorList(both, 2));
  for_lines("searchsorted", values, [&](int64_t first, int64_t count) {
    const SearchPlan plan{static_cast<uint32_t>(count * m),
                          static_cast<uint32_t>(m),
                          static_cast<uint32_t>(n),
                          shared ? 1u : 0u,
                          right ? 1u : 0u,
                          sorter.defined() ? 1u : 0u};
    const Tensor to = some_lines(out, first, count);
    const auto lines_of = [&](const Tensor& t) { return shared ? t : some_lines(t, first, count); };
    launch_items(device, k, count * m,
                 arguments(to, lines_of(boundaries), some_lines(values, first, count),
                           sorter.defined() ? lines_of(sorter) : to, plan));
  });
}

const RegisterGpuKernel register_sort(sort_kernel, &sort);
const RegisterGpuKernel register_ranks(rank_kernel, &ranks);
const RegisterGpuKernel register_modes(mode_kernel, &modes_of);
const RegisterGpuKernel register_sort_rows(sort_rows_kernel, &sort_rows);
const RegisterGpuKernel register_search(search_kernel, &search);

}  // namespace

SortedLines sort_lines(const char* op, const Tensor& x, int64_t k, bool descending) {
  ComputeDevice& device = device_of(x);
  const auto lines = static_cast<uint32_t>(x.sizes()[0]), n = static_cast<uint32_t>(x.sizes()[1]);
  SortPlan plan{};
  plan.lines = lines;
  plan.n = n;
  plan.k = static_cast<uint32_t>(k);
  plan.descending = descending ? 1 : 0;
  plan.width = std::min(kBlock, std::max(2u, std::bit_ceil(n)));
  plan.runs = (n + plan.width - 1) / plan.width;
  plan.kept = std::min(plan.k, plan.width);

  const DType key_type = x.item_size() == 8 ? DType::Int64 : DType::Int32;
  const auto room = [&] {
    const Dims sizes{static_cast<int64_t>(lines) * plan.runs, plan.kept};
    return SortedLines{empty(sizes, key_type, x.device(), op),
                       empty(sizes, DType::Int32, x.device(), op)};
  };
  SortedLines sorted = room();
  const uint64_t slots = uint64_t{lines} * plan.runs * plan.width;
  const auto block =
      static_cast<uint32_t>(std::clamp<uint64_t>(std::bit_ceil(slots), kLeast, kBlock));
  device.launch(kernel_for(device, typed("sort_blocks_", x.dtype()), op, TensorList(&x, 1)),
                {groups_for(static_cast<int64_t>(slots), block)}, {block / 2},
                arguments(sorted.keys, sorted.places, x, plan));

  const Kernel& merge = kernel(device, "sort_merge_" + size_name(sorted.keys));
  while (plan.runs > 1) {
    SortPlan next = plan;
    next.width *= 2;
    next.runs = (plan.runs + 1) / 2;
    next.kept = plan.next_kept = std::min(plan.k, next.width);
    const int64_t threads = int64_t{lines} * plan.runs * plan.kept;
    const SortedLines from = sorted;
    const SortPlan merged = std::exchange(plan, next);
    sorted = room();
    launch_items(device, merge, threads,
                 arguments(sorted.keys, sorted.places, from.keys, from.places, merged));
  }
  return sorted;
}

}  // namespace rt::gpu
