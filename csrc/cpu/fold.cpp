// Windows of planes copied to columns, and columns added back.
#include "ops/fold.h"

#include <cstring>

#include "cpu/dtype_dispatch.h"
#include "cpu/items.h"
#include "cpu/parallel.h"

namespace rt::cpu {

namespace {

constexpr int64_t kGrain = 32768;  // elements worth a thread

Complex64 operator+(Complex64 a, Complex64 b) { return {a.re + b.re, a.im + b.im}; }
Complex128 operator+(Complex128 a, Complex128 b) { return {a.re + b.re, a.im + b.im}; }

// The windows along the width whose element at `offset` lies inside: [begin, end).
struct Inside {
  Inside(int64_t offset, int64_t stride, int64_t width, int64_t windows) {
    begin = offset >= 0 ? 0 : std::min(windows, (-offset + stride - 1) / stride);
    end = offset >= width ? begin
                          : std::clamp((width - offset + stride - 1) / stride, begin, windows);
  }
  int64_t begin, end;
};

// Calls f(row of the image, where the run starts in it, place in the columns, count) for each run
// of windows inside, and gap(place, count) for what lies beyond the edges.
template <class F, class G>
void for_each_run(const FoldGeometry& g, int64_t ky, int64_t kx, F&& f, G&& gap) {
  const int64_t rows = g.windows(0), columns = g.windows(1);
  const int64_t offset = kx * g.dilation[1] - g.padding[1];
  const Inside inside(offset, g.stride[1], g.width, columns);
  for (int64_t i = 0; i < rows; ++i) {
    const int64_t y = i * g.stride[0] - g.padding[0] + ky * g.dilation[0], at = i * columns;
    if (y < 0 || y >= g.height) {
      gap(at, columns);
      continue;
    }
    gap(at, inside.begin);
    gap(at + inside.end, columns - inside.end);
    if (inside.end > inside.begin) {
      f(y * g.width + offset + inside.begin * g.stride[1], at + inside.begin,
        inside.end - inside.begin);
    }
  }
}

template <class T>
void unfold_items(T* columns, const T* x, int64_t planes, const FoldGeometry& g) {
  const int64_t taps = g.kernel[0] * g.kernel[1], windows = g.windows(0) * g.windows(1),
                step = g.stride[1];
  parallel_for(
      0, planes * taps, std::max<int64_t>(1, kGrain / windows), [&](int64_t begin, int64_t end) {
        for (int64_t r = begin; r < end; ++r) {
          const T* plane = x + r / taps * g.height * g.width;
          T* to = columns + r * windows;
          for_each_run(
              g, r % taps / g.kernel[1], r % g.kernel[1],
              [&](int64_t from, int64_t at, int64_t n) {
                if (step == 1) {
                  std::memcpy(to + at, plane + from, static_cast<size_t>(n) * sizeof(T));
                } else {
                  for (int64_t i = 0; i < n; ++i) to[at + i] = plane[from + i * step];
                }
              },
              [&](int64_t at, int64_t n) {
                std::memset(static_cast<void*>(to + at), 0, static_cast<size_t>(n) * sizeof(T));
              });
        }
      });
}

template <class T>
void fold_items(T* x, const T* columns, int64_t planes, const FoldGeometry& g) {
  const int64_t taps = g.kernel[0] * g.kernel[1], windows = g.windows(0) * g.windows(1),
                step = g.stride[1];
  parallel_for(0, planes, std::max<int64_t>(1, kGrain / (windows * taps)),
               [&](int64_t begin, int64_t end) {
                 for (int64_t p = begin; p < end; ++p) {
                   T* plane = x + p * g.height * g.width;
                   for (int64_t k = 0; k < taps; ++k) {
                     const T* from = columns + (p * taps + k) * windows;
                     for_each_run(
                         g, k / g.kernel[1], k % g.kernel[1],
                         [&](int64_t to, int64_t at, int64_t n) {
                           if (step == 1) {
                             for (int64_t i = 0; i < n; ++i)
                               plane[to + i] = plane[to + i] + from[at + i];
                           } else {
                             for (int64_t i = 0; i < n; ++i)
                               plane[to + i * step] = plane[to + i * step] + from[at + i];
                           }
                         },
                         [](int64_t, int64_t) {});
                   }
                 }
               });
}

int64_t planes_of(const Tensor& x, const FoldGeometry& g) {
  return x.numel() / (g.height * g.width);
}

void unfold(const Tensor& columns, const Tensor& x, const FoldGeometry& g) {
  with_item(x.item_size(), [&]<class T>(T) {
    unfold_items(columns.data<T>(), x.data<const T>(), planes_of(x, g), g);
  });
}

void fold(const Tensor& x, const Tensor& columns, const FoldGeometry& g) {
  with_type(kFullFloats + kComplexes + kBool, x.dtype(), "fold", [&]<class T>(T) {
    fold_items(x.data<T>(), columns.data<const T>(), planes_of(x, g), g);
  });
}

const RegisterKernel register_unfold(unfold_kernel, DeviceType::CPU, &unfold);
const RegisterKernel register_fold(fold_kernel, DeviceType::CPU, &fold);

}  // namespace

}  // namespace rt::cpu
