// Sums and means of bags of rows of a table.
#include <algorithm>

#include "cpu/dtype_dispatch.h"
#include "cpu/parallel.h"
#include "ops/embedding_kernels.h"

namespace rt::cpu {

namespace {

constexpr int64_t kGrain = 16384;  // elements worth a thread

float wide(float x) { return x; }
double wide(double x) { return x; }
float wide(Half x) { return to_float(x); }
float wide(BFloat16 x) { return to_float(x); }

template <class T>
void bags_of(const Tensor& out, const Tensor& table, const Tensor& rows, const Tensor& bags,
             const Tensor& scale, bool mean) {
  using C = decltype(wide(T{}));
  const int64_t width = out.sizes()[1], n = rows.numel(), count = out.sizes()[0];
  const int64_t *row = rows.data<const int64_t>(), *bag = bags.data<const int64_t>();
  const C* factor = scale.defined() ? scale.data<const C>() : nullptr;
  const int64_t per_bag = std::max<int64_t>(1, (n / std::max<int64_t>(count, 1) + 1) * width);
  parallel_for(0, count, std::max<int64_t>(1, kGrain / per_bag), [&](int64_t begin, int64_t end) {
    int64_t i = std::lower_bound(bag, bag + n, begin) - bag;
    for (int64_t b = begin; b < end; ++b) {
      C* to = out.data<C>() + b * width;
      std::fill(to, to + width, C(0));
      const int64_t first = i;
      for (; i < n && bag[i] == b; ++i) {
        const T* from = table.data<const T>() + row[i] * width;
        if (factor) {
          for (int64_t k = 0; k < width; ++k) to[k] += factor[i] * wide(from[k]);
        } else {
          for (int64_t k = 0; k < width; ++k) to[k] += wide(from[k]);
        }
      }
      if (mean && i > first + 1) {
        const C members = static_cast<C>(i - first);
        for (int64_t k = 0; k < width; ++k) to[k] /= members;
      }
    }
  });
}

void bag_rows(const Tensor& out, const Tensor& table, const Tensor& rows, const Tensor& bags,
              const Tensor& scale, bool mean) {
  with_type(kFloats, table.dtype(), "embedding_bag",
            [&]<class T>(T) { bags_of<T>(out, table, rows, bags, scale, mean); });
}

const RegisterKernel register_bags(bag_rows_kernel, DeviceType::CPU, &bag_rows);

}  // namespace

}  // namespace rt::cpu
