#include "cpu/parallel.h"
#include "ops/softmax_kernels.h"
#include "ops/vector_kernel.h"

namespace rt::cpu {

namespace {

using Row = void(int64_t n, const void* in, void* out);
using Columns = void(int64_t rows, int64_t n, int64_t step, const void* in, void* out);
using BackwardRow = void(int64_t n, const void* grad, const void* y, void* out);
using BackwardColumns = void(int64_t rows, int64_t n, int64_t step, const void* grad, const void* y,
                             void* out);

VectorKernel<Row> softmax_row{"softmax_row"}, log_softmax_row{"log_softmax_row"};
VectorKernel<Columns> softmax_columns{"softmax_columns"},
    log_softmax_columns{"log_softmax_columns"};
VectorKernel<BackwardRow> backward_row{"softmax_backward_row"},
    log_backward_row{"log_softmax_backward_row"};
VectorKernel<BackwardColumns> backward_columns{"softmax_backward_columns"},
    log_backward_columns{"log_softmax_backward_columns"};
VectorKernel<void(int64_t, const void*, double, double, void*)> exp_shifted_row{"exp_shifted_row"};
VectorKernel<void(int64_t, const void*, const void*, const void*, void*)> exp_shifted_columns{
    "exp_shifted_columns"};

constexpr int64_t kGrain = 16384;
constexpr int64_t kTile = 128;  // columns

struct Shape3 {
  int64_t outer = 1, size = 1, inner = 1;
};
Shape3 around(const Tensor& x, int64_t dim) {
  Shape3 s;
  for (int64_t d = 0; d < x.dim(); ++d)
    (d < dim ? s.outer : d == dim ? s.size : s.inner) *= x.sizes()[d];
  return s;
}

void softmax(SoftmaxStep step, const Tensor& a, const Tensor& b, int64_t dim, const Tensor& out) {
  const Shape3 s = around(a, dim);
  const DType t = a.dtype();
  const int64_t item = static_cast<int64_t>(a.item_size());
  const bool log = step == SoftmaxStep::LogForward || step == SoftmaxStep::LogBackward;
  const bool back = step == SoftmaxStep::Backward || step == SoftmaxStep::LogBackward;
  const char* pa = a.data<char>();
  const char* pb = b.data<char>();
  char* po = out.data<char>();
  if (s.inner == 1) {
    parallel_for(
        0, s.outer, std::max<int64_t>(1, kGrain / s.size), [&](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i) {
            const int64_t at = i * s.size * item;
            if (back) {
              (log ? log_backward_row : backward_row)[t](s.size, pa + at, pb + at, po + at);
            } else {
              (log ? log_softmax_row : softmax_row)[t](s.size, pa + at, po + at);
            }
          }
        });
    return;
  }
  const int64_t tiles = (s.inner + kTile - 1) / kTile;
  parallel_for(
      0, s.outer * tiles, std::max<int64_t>(1, kGrain / (s.size * std::min(s.inner, kTile))),
      [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          const int64_t first = i % tiles * kTile, n = std::min(kTile, s.inner - first);
          const int64_t at = (i / tiles * s.size * s.inner + first) * item;
          if (back) {
            (log ? log_backward_columns : backward_columns)[t](s.size, n, s.inner, pa + at, pb + at,
                                                               po + at);
          } else {
            (log ? log_softmax_columns : softmax_columns)[t](s.size, n, s.inner, pa + at, po + at);
          }
        }
      });
}

double read(DType t, const char* p) {
  return t == DType::Float64 ? *reinterpret_cast<const double*>(p)
                             : *reinterpret_cast<const float*>(p);
}
void subtract(DType t, char* p, double v) {
  if (t == DType::Float64) {
    *reinterpret_cast<double*>(p) -= v;
  } else {
    *reinterpret_cast<float*>(p) -= static_cast<float>(v);
  }
}

void cross_entropy_backward(const Tensor& logits, const Tensor& target, const Tensor& lse,
                            const Tensor& scale, const Tensor& out) {
  const int64_t outer = logits.size(0), classes = logits.size(1), inner = logits.size(2);
  const DType t = logits.dtype();
  const int64_t item = static_cast<int64_t>(logits.item_size());
  const int64_t* y = target.data<int64_t>();
  const char* x = logits.data<char>();
  const char* l = lse.data<char>();
  const char* s = scale.data<char>();
  char* o = out.data<char>();
  if (inner == 1) {
    parallel_for(0, outer, std::max<int64_t>(1, kGrain / classes), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        char* row = o + i * classes * item;
        const double factor = read(t, s + i * item);
        exp_shifted_row[t](classes, x + i * classes * item, read(t, l + i * item), factor, row);
        subtract(t, row + y[i] * item, factor);
      }
    });
    return;
  }
  parallel_for(
      0, outer * classes, std::max<int64_t>(1, kGrain / inner), [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          const int64_t n = i / classes, at = i * inner * item;
          exp_shifted_columns[t](inner, x + at, l + n * inner * item, s + n * inner * item, o + at);
        }
      });
  for (int64_t n = 0; n < outer; ++n) {
    for (int64_t j = 0; j < inner; ++j) {
      const int64_t i = n * inner + j;
      subtract(t, o + ((n * classes + y[i]) * inner + j) * item, read(t, s + i * item));
    }
  }
}

const RegisterKernel register_softmax(softmax_kernel, DeviceType::CPU, &softmax);
const RegisterKernel register_cross_entropy(cross_entropy_backward_kernel, DeviceType::CPU,
                                            &cross_entropy_backward);

}  // namespace

}  // namespace rt::cpu
