#include <algorithm>

#include "ops/sort_support.h"

namespace rt::cpu {

namespace {

// Counted one after the other: histograms are small beside the reading of the data.
template <class T>
void count_bins(const Tensor& counts, const Tensor& x, T low, T high) {
  const T* from = x.data<T>();
  const int64_t n = x.numel(), bins = counts.numel();
  T* to = counts.data<T>();
  std::fill(to, to + bins, T{0});
  if (low == high && n > 0) {
    low = high = from[0];
    for (int64_t i = 0; i < n; ++i) {
      if (!(from[i] >= low)) low = from[i];
      if (!(from[i] <= high)) high = from[i];
    }
  }
  settle_bins(&low, &high);
  for (int64_t i = 0; i < n; ++i) {
    if (!(from[i] >= low && from[i] <= high)) continue;
    const auto bin = static_cast<int64_t>((from[i] - low) * static_cast<T>(bins) / (high - low));
    to[std::min(bin, bins - 1)] += 1;
  }
}

void histogram(const Tensor& counts, const Tensor& x, double low, double high) {
  if (x.dtype() == DType::Float64) return count_bins<double>(counts, x, low, high);
  count_bins<float>(counts, x, static_cast<float>(low), static_cast<float>(high));
}

const RegisterKernel register_histogram(histogram_kernel, DeviceType::CPU, &histogram);

}  // namespace

}  // namespace rt::cpu
