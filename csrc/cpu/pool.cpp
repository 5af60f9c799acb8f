// Pooling kernels: planes in parallel, windows in order.
#include "ops/pool.h"

#include <limits>

#include "cpu/dtype_dispatch.h"
#include "cpu/parallel.h"

namespace rt::cpu {

namespace {

// Reads and writes an element in the type it is computed in.
template <class T>
struct Cell {
  using Compute = T;
  static T load(T x) { return x; }
  static T store(T x) { return x; }
};
template <>
struct Cell<Half> {
  using Compute = float;
  static float load(Half x) { return to_float(x); }
  static Half store(float x) { return to_half(x); }
};
template <>
struct Cell<BFloat16> {
  using Compute = float;
  static float load(BFloat16 x) { return to_float(x); }
  static BFloat16 store(float x) { return to_bfloat16(x); }
};

int64_t plane_size(const Tensor& t) { return t.numel() / std::max<int64_t>(t.sizes()[0], 1); }

// Planes a thread should take at least, so that it has some thousand elements to do.
int64_t grain(const Tensor& t) {
  return std::max<int64_t>(1, 16384 / std::max<int64_t>(plane_size(t), 1));
}

template <class F>
void for_each_window(const PoolWindows& w, F&& f) {
  int64_t at = 0;
  for (size_t i = 0; i < w[0].start.size(); ++i) {
    for (size_t j = 0; j < w[1].start.size(); ++j) {
      for (size_t k = 0; k < w[2].start.size(); ++k) f(at++, i, j, k);
    }
  }
}

template <class F>
void for_each_place(const PoolWindows& w, size_t i, size_t j, size_t k, int64_t height,
                    int64_t width, F&& f) {
  for (int64_t a = w[0].start[i]; a < w[0].end[i]; a += w[0].step) {
    for (int64_t b = w[1].start[j]; b < w[1].end[j]; b += w[1].step) {
      const int64_t row = (a * height + b) * width;
      for (int64_t c = w[2].start[k]; c < w[2].end[k]; c += w[2].step) f(row + c);
    }
  }
}

void pool_max(const Tensor& out, const Tensor& index, const Tensor& x, const PoolWindows& w) {
  const int64_t height = x.sizes()[2], width = x.sizes()[3], in = plane_size(x),
                size = plane_size(out);
  with_type(kReals, x.dtype(), "max_pool", [&]<class T>(T) {
    using C = typename Cell<T>::Compute;
    const T* source = x.data<const T>();
    T* target = out.data<T>();
    int64_t* where = index.data<int64_t>();
    parallel_for(0, x.sizes()[0], grain(x), [&](int64_t begin, int64_t end) {
      for (int64_t p = begin; p < end; ++p) {
        const T* plane = source + p * in;
        for_each_window(w, [&](int64_t at, size_t i, size_t j, size_t k) {
          C best = std::numeric_limits<C>::has_infinity ? -std::numeric_limits<C>::infinity()
                                                        : std::numeric_limits<C>::lowest();
          int64_t found = -1;
          for_each_place(w, i, j, k, height, width, [&](int64_t place) {
            const C v = Cell<T>::load(plane[place]);
            if (found < 0 || v > best || v != v) {  // NaN wins
              best = v;
              found = place;
            }
          });
          target[p * size + at] = Cell<T>::store(best);
          where[p * size + at] = std::max<int64_t>(found, 0);
        });
      }
    });
  });
}

template <class T>
using Divisor = std::conditional_t<std::is_same_v<T, double>, double, float>;

void pool_mean(const Tensor& out, const Tensor& x, const PoolWindows& w, const Tensor& divisor) {
  const int64_t height = x.sizes()[2], width = x.sizes()[3], in = plane_size(x),
                size = plane_size(out);
  with_type(kFloats, x.dtype(), "avg_pool", [&]<class T>(T) {
    using C = typename Cell<T>::Compute;
    const T* source = x.data<const T>();
    T* target = out.data<T>();
    const auto* by = divisor.data<const Divisor<C>>();
    parallel_for(0, x.sizes()[0], grain(x), [&](int64_t begin, int64_t end) {
      for (int64_t p = begin; p < end; ++p) {
        const T* plane = source + p * in;
        for_each_window(w, [&](int64_t at, size_t i, size_t j, size_t k) {
          C sum = 0;
          for_each_place(w, i, j, k, height, width,
                         [&](int64_t place) { sum += Cell<T>::load(plane[place]); });
          target[p * size + at] = Cell<T>::store(sum / by[at]);
        });
      }
    });
  });
}

void pool_mean_grad(const Tensor& grad_x, const Tensor& grad, const PoolWindows& w,
                    const Tensor& divisor) {
  const int64_t height = grad_x.sizes()[2], width = grad_x.sizes()[3];
  const int64_t in = plane_size(grad_x), size = plane_size(grad);
  with_type(kFloats, grad.dtype(), "avg_pool", [&]<class T>(T) {
    using C = typename Cell<T>::Compute;
    const T* source = grad.data<const T>();
    T* target = grad_x.data<T>();
    const auto* by = divisor.data<const Divisor<C>>();
    parallel_for(0, grad.sizes()[0], grain(grad_x), [&](int64_t begin, int64_t end) {
      std::vector<C> plane(static_cast<size_t>(in));  // sums in the compute type, rounded once
      for (int64_t p = begin; p < end; ++p) {
        std::fill(plane.begin(), plane.end(), C(0));
        for_each_window(w, [&](int64_t at, size_t i, size_t j, size_t k) {
          const C share = Cell<T>::load(source[p * size + at]) / by[at];
          for_each_place(w, i, j, k, height, width,
                         [&](int64_t place) { plane[static_cast<size_t>(place)] += share; });
        });
        for (int64_t e = 0; e < in; ++e)
          target[p * in + e] = Cell<T>::store(plane[static_cast<size_t>(e)]);
      }
    });
  });
}

void plane_scatter(const Tensor& out, const Tensor& values, const Tensor& index,
                   const PoolWindows&) {
  const int64_t in = plane_size(out), size = plane_size(values);
  const int64_t* where = index.data<const int64_t>();
  with_type(kFloats, out.dtype(), "max_pool", [&]<class T>(T) {
    const T* source = values.data<const T>();
    T* target = out.data<T>();
    parallel_for(0, values.sizes()[0], grain(out), [&](int64_t begin, int64_t end) {
      for (int64_t p = begin; p < end; ++p) {
        for (int64_t e = 0; e < size; ++e) {
          T& cell = target[p * in + where[p * size + e]];
          cell = Cell<T>::store(Cell<T>::load(cell) + Cell<T>::load(source[p * size + e]));
        }
      }
    });
  });
}

void plane_gather(const Tensor& out, const Tensor& values, const Tensor& index) {
  const int64_t in = plane_size(values), size = plane_size(out);
  const int64_t* where = index.data<const int64_t>();
  with_type(kFloats, out.dtype(), "max_pool", [&]<class T>(T) {
    const T* source = values.data<const T>();
    T* target = out.data<T>();
    parallel_for(0, out.sizes()[0], grain(out), [&](int64_t begin, int64_t end) {
      for (int64_t p = begin; p < end; ++p) {
        for (int64_t e = 0; e < size; ++e)
          target[p * size + e] = source[p * in + where[p * size + e]];
      }
    });
  });
}

const RegisterKernel register_max(pool_max_kernel, DeviceType::CPU, &pool_max);
const RegisterKernel register_mean(pool_mean_kernel, DeviceType::CPU, &pool_mean);
const RegisterKernel register_mean_grad(pool_mean_grad_kernel, DeviceType::CPU, &pool_mean_grad);
const RegisterKernel register_scatter(plane_scatter_kernel, DeviceType::CPU, &plane_scatter);
const RegisterKernel register_gather(plane_gather_kernel, DeviceType::CPU, &plane_gather);

}  // namespace

}  // namespace rt::cpu
