// Sorting of lines: a stable radix sort of (key, place) pairs, and selection where few are wanted.
#include <algorithm>
#include <vector>

#include "cpu/parallel.h"
#include "cpu/sort_keys.h"
#include "ops/sort_support.h"

namespace rt::cpu {

namespace {

template <class U>
void sort_lines(const Tensor& values, const Tensor& indices, const Tensor& x, bool descending) {
  const int64_t lines = x.sizes()[0], n = x.sizes()[1], k = values.sizes()[1];
  const int64_t grain = std::max<int64_t>(1, 4096 / std::max<int64_t>(n, 1));
  parallel_for(0, lines, grain, [&](int64_t begin, int64_t end) {
    std::vector<U> keys(static_cast<size_t>(n));
    std::vector<KeyedPlace<U>> pairs, spare;
    for (int64_t line = begin; line < end; ++line) {
      const U* from = x.data<U>() + line * n;
      to_keys(x.dtype(), n, from, keys.data());
      pairs.resize(static_cast<size_t>(n));
      for (int64_t i = 0; i < n; ++i) {
        const U key = keys[static_cast<size_t>(i)];
        pairs[static_cast<size_t>(i)] = {descending ? static_cast<U>(~key) : key,
                                         static_cast<uint32_t>(i)};
      }
      if (k < n) std::nth_element(pairs.begin(), pairs.begin() + k, pairs.end());
      if (k == n) {
        sort_pairs(pairs, spare);
      } else {
        std::sort(pairs.begin(), pairs.begin() + k);
      }
      U* to = values.data<U>() + line * k;
      int64_t* places = indices.data<int64_t>() + line * k;
      for (int64_t i = 0; i < k; ++i) {
        places[i] = pairs[static_cast<size_t>(i)].place;
        to[i] = from[places[i]];
      }
    }
  });
}

void sort(const Tensor& values, const Tensor& indices, const Tensor& x, bool descending) {
  RT_CHECK(x.sizes()[1] <= int64_t{UINT32_MAX}, Runtime, "sort",
           "a line has more than 2**32 elements", describe(x));
  with_key_type(x.dtype(), [&]<class U>() { sort_lines<U>(values, indices, x, descending); });
}

void sort_rows(const Tensor& order, const Tensor& x) {
  const int64_t n = x.sizes()[0], width = x.sizes()[1];
  int64_t* places = order.data<int64_t>();
  for (int64_t i = 0; i < n; ++i) places[i] = i;
  with_key_type(x.dtype(), [&]<class U>() {
    std::vector<U> keys(static_cast<size_t>(n * width));
    to_keys(x.dtype(), n * width, x.data(), keys.data());
    std::stable_sort(places, places + n, [&](int64_t a, int64_t b) {
      const U *p = keys.data() + a * width, *q = keys.data() + b * width;
      return std::lexicographical_compare(p, p + width, q, q + width);
    });
  });
}

template <class U>
void search_lines(const Tensor& out, const Tensor& boundaries, const Tensor& values,
                  const Tensor& sorter, bool right) {
  const int64_t n = boundaries.sizes()[1], m = values.sizes()[1], lines = values.sizes()[0];
  std::vector<U> keys(static_cast<size_t>(boundaries.numel()));
  to_keys(boundaries.dtype(), boundaries.numel(), boundaries.data(), keys.data());
  parallel_for(0, lines * m, 2048, [&](int64_t begin, int64_t end) {
    for (int64_t e = begin; e < end; ++e) {
      const int64_t line = boundaries.sizes()[0] == 1 ? 0 : e / m;
      const U* from = keys.data() + line * n;
      const int64_t* order = sorter.defined() ? sorter.data<int64_t>() + line * n : nullptr;
      U v;
      to_keys(values.dtype(), 1, values.data<U>() + e, &v);
      int64_t low = 0, high = n;
      while (low < high) {
        const int64_t mid = low + (high - low) / 2;
        const U b = from[order ? order[mid] : mid];
        if (right ? b <= v : b < v) {
          low = mid + 1;
        } else {
          high = mid;
        }
      }
      out.data<int64_t>()[e] = low;
    }
  });
}

void search(const Tensor& out, const Tensor& boundaries, const Tensor& values, const Tensor& sorter,
            bool right) {
  with_key_type(values.dtype(),
                [&]<class U>() { search_lines<U>(out, boundaries, values, sorter, right); });
}

void number_runs(const Tensor& numbers, const Tensor& first) {
  const uint8_t* f = first.data<uint8_t>();
  int64_t* to = numbers.data<int64_t>();
  int64_t run = -1;
  for (int64_t i = 0; i < first.numel(); ++i) to[i] = run += f[i];
}

const RegisterKernel register_number_runs(number_runs_kernel, DeviceType::CPU, &number_runs);
const RegisterKernel register_sort(sort_kernel, DeviceType::CPU, &sort);
const RegisterKernel register_sort_rows(sort_rows_kernel, DeviceType::CPU, &sort_rows);
const RegisterKernel register_search(search_kernel, DeviceType::CPU, &search);

}  // namespace

}  // namespace rt::cpu
