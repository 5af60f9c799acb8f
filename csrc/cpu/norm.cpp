#include <vector>

#include "cpu/parallel.h"
#include "ops/norm_kernels.h"
#include "ops/vector_kernel.h"

namespace rt::cpu {

namespace {

using NormRow = void(int64_t n, const void* x, const void* w, const void* b, double eps, void* out,
                     void* mean, void* rstd);
using NormBackwardRow = void(int64_t n, const void* g, const void* x, const void* w, double mean,
                             double rstd, void* out, void* dw, void* db);
using AffineRow = void(int64_t n, const void* x, double mean, double scale, double shift,
                       void* out);
using SumsRow = void(int64_t n, const void* g, const void* x, double mean, double* sums);
using CombineRow = void(int64_t n, const void* g, const void* x, double mean, double a, double b,
                        double c, void* out);
VectorKernel<void(int64_t, const void*, double, void*, void*)> row_statistics{
    "norm_row_statistics"};
VectorKernel<NormRow> layer_norm_row{"layer_norm_row"}, rms_norm_row{"rms_norm_row"};
VectorKernel<NormBackwardRow> layer_norm_backward_row{"layer_norm_backward_row"},
    rms_norm_backward_row{"rms_norm_backward_row"};
VectorKernel<AffineRow> affine_row{"norm_affine_row"};
VectorKernel<SumsRow> sums_row{"norm_sums_row"};
VectorKernel<CombineRow> combine_row{"norm_combine_row"};
VectorKernel<void(int64_t, const void*, const void*, const void*, const void*, void*)>
    affine_columns{"norm_affine_columns"};
VectorKernel<void(int64_t, const void*, const void*, const void*, void*, void*)> sums_columns{
    "norm_sums_columns"};
VectorKernel<void(int64_t, const void*, const void*, const void*, const void*, const void*,
                  const void*, void*)>
    combine_columns{"norm_combine_columns"};

constexpr int64_t kGrain = 16384;

int64_t grain_of(int64_t row) { return std::max<int64_t>(1, kGrain / row); }
char* at(const Tensor& t, int64_t i) {
  return t.defined() ? t.data<char>() + i * static_cast<int64_t>(t.item_size()) : nullptr;
}
double read(const Tensor& t, int64_t i, double missing = 0) {
  if (!t.defined()) return missing;
  return t.dtype() == DType::Float64 ? t.data<double>()[i] : t.data<float>()[i];
}

void row_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps,
              const Tensor& out, const Tensor& mean, const Tensor& rstd) {
  const int64_t n = x.size(1);
  NormRow* run = mean.defined() ? layer_norm_row[x.dtype()] : rms_norm_row[x.dtype()];
  parallel_for(0, x.size(0), grain_of(n), [&](int64_t b, int64_t e) {
    for (int64_t i = b; i < e; ++i) {
      run(n, at(x, i * n), at(weight, 0), at(bias, 0), eps, at(out, i * n), at(mean, i),
          at(rstd, i));
    }
  });
}

// Two sums over rows for each of n columns. The rows are cut into chunks, whatever the number of
// threads, so that results do not depend on it; add_row(i, first, second) adds row i to sums in T,
// which move to double before rounding errors grow.
template <class T, class F>
std::vector<double> column_sums(int64_t rows, int64_t n, F add_row) {
  constexpr int64_t kRows = 64;
  const int64_t chunks = std::clamp<int64_t>(rows / 16, 1, 16);
  std::vector<double> totals(static_cast<size_t>(chunks * 2 * n));
  parallel_for(0, chunks, grain_of(rows * n / chunks), [&](int64_t first, int64_t last) {
    std::vector<T> part(static_cast<size_t>(2 * n));
    for (int64_t c = first; c < last; ++c) {
      double* total = totals.data() + c * 2 * n;
      const int64_t end = (c + 1) * rows / chunks;
      for (int64_t i = c * rows / chunks; i < end;) {
        const int64_t stop = std::min(end, i + kRows);
        for (; i < stop; ++i) add_row(i, part.data(), part.data() + n);
        for (int64_t k = 0; k < 2 * n; ++k) {
          total[k] += part[static_cast<size_t>(k)];
          part[static_cast<size_t>(k)] = 0;
        }
      }
    }
  });
  for (int64_t c = 1; c < chunks; ++c) {
    for (int64_t k = 0; k < 2 * n; ++k)
      totals[static_cast<size_t>(k)] += totals[static_cast<size_t>(c * 2 * n + k)];
  }
  return totals;
}

template <class T>
void store(const Tensor& t, const double* values) {
  if (!t.defined()) return;
  for (int64_t k = 0; k < t.numel(); ++k) t.data<T>()[k] = static_cast<T>(values[k]);
}

template <class T>
void row_norm_backward_of(const Tensor& grad, const Tensor& x, const Tensor& weight,
                          const Tensor& mean, const Tensor& rstd, const Tensor& grad_x,
                          const Tensor& grad_weight, const Tensor& grad_bias) {
  const int64_t rows = x.size(0), n = x.size(1);
  NormBackwardRow* run =
      mean.defined() ? layer_norm_backward_row[x.dtype()] : rms_norm_backward_row[x.dtype()];
  const auto row = [&](int64_t i, T* dw, T* db) {
    run(n, at(grad, i * n), at(x, i * n), at(weight, 0), read(mean, i), read(rstd, i),
        at(grad_x, i * n), dw, db);
  };
  if (!grad_weight.defined() && !grad_bias.defined()) {
    return parallel_for(0, rows, grain_of(n), [&](int64_t b, int64_t e) {
      for (int64_t i = b; i < e; ++i) row(i, nullptr, nullptr);
    });
  }
  const bool dw = grad_weight.defined(), db = grad_bias.defined();
  const std::vector<double> sums = column_sums<T>(rows, n, [&](int64_t i, T* first, T* second) {
    row(i, dw ? first : nullptr, db ? second : nullptr);
  });
  store<T>(grad_weight, sums.data());
  store<T>(grad_bias, sums.data() + n);
}
void row_norm_backward(const Tensor& grad, const Tensor& x, const Tensor& weight,
                       const Tensor& mean, const Tensor& rstd, const Tensor& grad_x,
                       const Tensor& grad_weight, const Tensor& grad_bias) {
  const auto run =
      x.dtype() == DType::Float64 ? &row_norm_backward_of<double> : &row_norm_backward_of<float>;
  run(grad, x, weight, mean, rstd, grad_x, grad_weight, grad_bias);
}

// ---- Groups of channels of each sample. Where a channel has one element, a group is a row with a
// weight for each element. ----

void group_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps,
                const Tensor& out, const Tensor& mean, const Tensor& rstd) {
  const int64_t channels = x.size(1), inner = x.size(2), groups = mean.size(1),
                width = channels / groups;
  const DType t = x.dtype();
  parallel_for(0, x.size(0) * groups, grain_of(width * inner), [&](int64_t b, int64_t e) {
    for (int64_t i = b; i < e; ++i) {
      const int64_t channel = i % groups * width, first = i * width * inner;
      if (inner == 1) {
        layer_norm_row[t](width, at(x, first), at(weight, channel), at(bias, channel), eps,
                          at(out, first), at(mean, i), at(rstd, i));
        continue;
      }
      row_statistics[t](width * inner, at(x, first), eps, at(mean, i), at(rstd, i));
      const double m = read(mean, i), r = read(rstd, i);
      for (int64_t c = 0; c < width; ++c) {
        affine_row[t](inner, at(x, first + c * inner), m, r * read(weight, channel + c, 1),
                      read(bias, channel + c), at(out, first + c * inner));
      }
    }
  });
}

void group_norm_backward(const Tensor& grad, const Tensor& x, const Tensor& weight,
                         const Tensor& mean, const Tensor& rstd, const Tensor& grad_x,
                         const Tensor& grad_weight, const Tensor& grad_bias) {
  const int64_t channels = x.size(1), inner = x.size(2), groups = mean.size(1),
                width = channels / groups;
  const DType t = x.dtype();
  const auto write = [t](const Tensor& to, int64_t i, double v) {
    if (!to.defined()) return;
    if (t == DType::Float64) {
      to.data<double>()[i] = v;
    } else {
      to.data<float>()[i] = static_cast<float>(v);
    }
  };
  parallel_for(0, x.size(0) * groups, grain_of(width * inner), [&](int64_t b, int64_t e) {
    std::vector<double> sums(static_cast<size_t>(2 * width));
    for (int64_t i = b; i < e; ++i) {
      const int64_t channel = i % groups * width, first = i * width * inner, row = i * width;
      const double m = read(mean, i), r = read(rstd, i);
      if (inner == 1) {
        layer_norm_backward_row[t](width, at(grad, first), at(x, first), at(weight, channel), m, r,
                                   at(grad_x, first), at(grad_weight, row), at(grad_bias, row));
        continue;
      }
      double s = 0, z = 0;
      for (int64_t c = 0; c < width; ++c) {
        double pair[2] = {0, 0};
        sums_row[t](inner, at(grad, first + c * inner), at(x, first + c * inner), m, pair);
        write(grad_bias, row + c, pair[0]);
        write(grad_weight, row + c, pair[1] * r);
        s += pair[0] * read(weight, channel + c, 1);
        z += pair[1] * read(weight, channel + c, 1);
      }
      if (!grad_x.defined()) continue;
      const double count = static_cast<double>(width * inner);
      for (int64_t c = 0; c < width; ++c) {
        const int64_t here = first + c * inner;
        combine_row[t](inner, at(grad, here), at(x, here), m, r * read(weight, channel + c, 1),
                       -z * r * r * r / count, -s * r / count, at(grad_x, here));
      }
    }
  });
}

// ---- Channels over the batch ----

void channel_affine(const Tensor& x, const Tensor& mean, const Tensor& scale, const Tensor& shift,
                    const Tensor& out) {
  const int64_t channels = x.size(1), inner = x.size(2);
  const DType t = x.dtype();
  if (inner == 1) {
    return parallel_for(0, x.size(0), grain_of(channels), [&](int64_t b, int64_t e) {
      for (int64_t i = b * channels; i < e * channels; i += channels) {
        affine_columns[t](channels, at(x, i), at(mean, 0), at(scale, 0), at(shift, 0), at(out, i));
      }
    });
  }
  parallel_for(0, x.size(0) * channels, grain_of(inner), [&](int64_t b, int64_t e) {
    for (int64_t i = b; i < e; ++i) {
      const int64_t c = i % channels;
      affine_row[t](inner, at(x, i * inner), read(mean, c), read(scale, c), read(shift, c),
                    at(out, i * inner));
    }
  });
}

template <class T>
void flat_channel_sums(const Tensor& grad, const Tensor& x, const Tensor& mean,
                       const Tensor& sums) {
  const int64_t channels = x.size(1);
  const auto totals = column_sums<T>(x.size(0), channels, [&](int64_t i, T* first, T* second) {
    sums_columns[x.dtype()](channels, at(grad, i * channels), at(x, i * channels), at(mean, 0),
                            first, second);
  });
  store<double>(sums, totals.data());
}
void channel_sums(const Tensor& grad, const Tensor& x, const Tensor& mean, const Tensor& sums) {
  const int64_t batch = x.size(0), channels = x.size(1), inner = x.size(2);
  const DType t = x.dtype();
  if (inner == 1) {
    return (t == DType::Float64 ? &flat_channel_sums<double>
                                : &flat_channel_sums<float>)(grad, x, mean, sums);
  }
  parallel_for(0, channels, grain_of(inner * batch), [&](int64_t b, int64_t e) {
    for (int64_t c = b; c < e; ++c) {
      double pair[2] = {0, 0};
      for (int64_t i = 0; i < batch; ++i) {
        const int64_t here = (i * channels + c) * inner;
        sums_row[t](inner, at(grad, here), at(x, here), read(mean, c), pair);
      }
      sums.data<double>()[c] = pair[0];
      sums.data<double>()[channels + c] = pair[1];
    }
  });
}

void channel_combine(const Tensor& grad, const Tensor& x, const Tensor& mean, const Tensor& a,
                     const Tensor& b, const Tensor& shift, const Tensor& out) {
  const int64_t channels = x.size(1), inner = x.size(2);
  const DType t = x.dtype();
  if (inner == 1) {
    return parallel_for(0, x.size(0), grain_of(channels), [&](int64_t first, int64_t last) {
      for (int64_t i = first * channels; i < last * channels; i += channels) {
        combine_columns[t](channels, at(grad, i), at(x, i), at(mean, 0), at(a, 0), at(b, 0),
                           at(shift, 0), at(out, i));
      }
    });
  }
  parallel_for(0, x.size(0) * channels, grain_of(inner), [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      const int64_t c = i % channels, here = i * inner;
      combine_row[t](inner, at(grad, here), at(x, here), read(mean, c), read(a, c), read(b, c),
                     read(shift, c), at(out, here));
    }
  });
}

const RegisterKernel register_row_norm(row_norm_kernel, DeviceType::CPU, &row_norm);
const RegisterKernel register_row_norm_backward(row_norm_backward_kernel, DeviceType::CPU,
                                                &row_norm_backward);
const RegisterKernel register_group_norm(group_norm_kernel, DeviceType::CPU, &group_norm);
const RegisterKernel register_group_backward(group_norm_backward_kernel, DeviceType::CPU,
                                             &group_norm_backward);
const RegisterKernel register_affine(channel_affine_kernel, DeviceType::CPU, &channel_affine);
const RegisterKernel register_sums(channel_sums_kernel, DeviceType::CPU, &channel_sums);
const RegisterKernel register_combine(channel_combine_kernel, DeviceType::CPU, &channel_combine);

}  // namespace

}  // namespace rt::cpu
