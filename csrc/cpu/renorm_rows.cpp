#include <algorithm>
#include <cmath>

#include "ops/index_support.h"

namespace rt::cpu {

namespace {

template <class T>
void renorm_rows_of(const Tensor& table, const Tensor& rows, double max_norm, double p) {
  const int64_t width = table.sizes()[1];
  const int64_t* row = rows.data<int64_t>();
  for (int64_t i = 0; i < rows.numel(); ++i) {
    T* v = table.data<T>() + row[i] * width;
    double norm = 0;
    for (int64_t k = 0; k < width; ++k) {
      const double a = std::fabs(static_cast<double>(v[k]));
      norm = std::isinf(p) ? std::max(norm, a)
                           : norm + (p == 2   ? a * a
                                     : p == 1 ? a
                                              : std::pow(a, p));
    }
    if (!std::isinf(p) && p != 1) norm = p == 2 ? std::sqrt(norm) : std::pow(norm, 1 / p);
    if (norm <= max_norm) continue;
    const double scale = max_norm / (norm + 1e-7);  // PyTorch's guard
    for (int64_t k = 0; k < width; ++k) v[k] = static_cast<T>(static_cast<double>(v[k]) * scale);
  }
}

void renorm_rows(const Tensor& table, const Tensor& rows, double max_norm, double p) {
  if (table.dtype() == DType::Float64) return renorm_rows_of<double>(table, rows, max_norm, p);
  renorm_rows_of<float>(table, rows, max_norm, p);
}

const RegisterKernel register_renorm_rows(renorm_rows_kernel, DeviceType::CPU, &renorm_rows);

}  // namespace

}  // namespace rt::cpu
