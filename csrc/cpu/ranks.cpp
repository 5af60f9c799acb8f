#include "cpu/parallel.h"
#include "cpu/sort_keys.h"
#include "ops/rank_kernels.h"

namespace rt::cpu {

namespace {

// body(i, line, pairs, spare) for each line of x, with the keys and places of its elements.
template <class U, class F>
void for_lines(const Tensor& x, F body) {
  const int64_t n = x.size(1);
  RT_CHECK(n <= int64_t{UINT32_MAX}, Runtime, "select_ranks", "a line has more than 2**32 elements",
           describe(x));
  parallel_for(0, x.size(0), std::max<int64_t>(1, 4096 / n), [&](int64_t begin, int64_t end) {
    std::vector<U> keys(static_cast<size_t>(n));
    std::vector<KeyedPlace<U>> pairs, spare;
    for (int64_t i = begin; i < end; ++i) {
      const U* line = x.data<U>() + i * n;
      to_keys(x.dtype(), n, line, keys.data());
      pairs.resize(keys.size());
      for (size_t k = 0; k < keys.size(); ++k) pairs[k] = {keys[k], static_cast<uint32_t>(k)};
      body(i, line, pairs, spare);
    }
  });
}

template <class U>
void select(const Tensor& x, const Tensor& ranks, const Tensor& values, const Tensor& positions) {
  constexpr int64_t kSortFrom = 4;  // more ranks than this are read from a sorted line
  const int64_t q = ranks.size(1);
  for_lines<U>(x, [&](int64_t i, const U* line, auto& pairs, auto& spare) {
    if (q > kSortFrom) sort_pairs(pairs, spare);
    for (int64_t k = i * q; k < (i + 1) * q; ++k) {
      const int64_t rank = ranks.data<int64_t>()[k];
      if (q <= kSortFrom) std::nth_element(pairs.begin(), pairs.begin() + rank, pairs.end());
      const int64_t place = pairs[static_cast<size_t>(rank)].place;
      values.data<U>()[k] = line[place];
      positions.data<int64_t>()[k] = place;
    }
  });
}

template <class U>
void most_frequent(const Tensor& x, const Tensor& values, const Tensor& positions) {
  for_lines<U>(x, [&](int64_t i, const U* line, auto& pairs, auto& spare) {
    sort_pairs(pairs, spare);
    size_t most = 0;
    uint32_t best = 0;
    for (size_t first = 0, last = 0; first < pairs.size(); first = last) {
      while (last < pairs.size() && pairs[last].key == pairs[first].key) ++last;
      if (last - first > most) {
        most = last - first;
        best = pairs[last - 1].place;
      }
    }
    values.data<U>()[i] = line[best];
    positions.data<int64_t>()[i] = best;
  });
}

void ranks(const Tensor& x, const Tensor& ranks, const Tensor& values, const Tensor& positions) {
  with_key_type(x.dtype(), [&]<class U>() { select<U>(x, ranks, values, positions); });
}
void modes_of(const Tensor& x, const Tensor& values, const Tensor& positions) {
  with_key_type(x.dtype(), [&]<class U>() { most_frequent<U>(x, values, positions); });
}

const RegisterKernel register_ranks(rank_kernel, DeviceType::CPU, &ranks);
const RegisterKernel register_modes(mode_kernel, DeviceType::CPU, &modes_of);

}  // namespace

}  // namespace rt::cpu
