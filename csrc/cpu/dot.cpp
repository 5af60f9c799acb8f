// Inner products.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "cpu/dtype_dispatch.h"
#include "cpu/gemm.h"
#include "cpu/gemm_kernels.h"
#include "cpu/parallel.h"
#include "cpu/scratch.h"

namespace rt::cpu {

namespace {

// Sums of this many products are made one by one and added up in order, whatever the threads.
constexpr int64_t kDotBlock = 16384;

template <class S, class F>
S sum_blocks(int64_t n, F&& block) {
  const int64_t blocks = (n + kDotBlock - 1) / kDotBlock;
  if (blocks <= 1) return block(0, n);
  const Scratch<S> partial(blocks);
  parallel_for(0, blocks, 4, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      partial.data()[i] = block(i * kDotBlock, std::min(n, (i + 1) * kDotBlock));
    }
  });
  S total = partial.data()[0];
  for (int64_t i = 1; i < blocks; ++i) {
    if constexpr (std::is_arithmetic_v<S>) {
      total += partial.data()[i];
    } else {
      total = {total.re + partial.data()[i].re, total.im + partial.data()[i].im};
    }
  }
  return total;
}

inline float widen(Half x) { return to_float(x); }
inline float widen(BFloat16 x) { return to_float(x); }
inline float widen(float x) { return x; }
inline double widen(double x) { return x; }

template <class T, class S>
S real_dot(const detail::SkinnyKernels<T, S>& kernels, int64_t n, const T* x, int64_t incx,
           const T* y, int64_t incy) {
  return sum_blocks<S>(n, [&](int64_t b, int64_t e) {
    S sum = 0;
    if constexpr (std::is_same_v<T, S>) {
      if (incx == 1 && incy == 1) {
        kernels.rows(1, 1, e - b, x + b, 0, y + b, 0, &sum, 1);
        return sum;
      }
    }
    // The kernel multiplies values of T by values of S: gather both in pieces.
    constexpr int64_t piece = 512;
    T px[piece];
    S py[piece];
    for (int64_t i = b; i < e; i += piece) {
      const int64_t count = std::min(piece, e - i);
      for (int64_t j = 0; j < count; ++j) px[j] = x[(i + j) * incx];
      for (int64_t j = 0; j < count; ++j) py[j] = widen(y[(i + j) * incy]);
      S part = 0;
      kernels.rows(1, 1, count, px, 0, py, 0, &part, 1);
      sum += part;
    }
    return sum;
  });
}

template <class T>
T integer_dot(int64_t n, const T* x, int64_t incx, const T* y, int64_t incy) {
  return static_cast<T>(sum_blocks<uint64_t>(n, [&](int64_t b, int64_t e) {
    uint64_t sum = 0;
    for (int64_t i = b; i < e; ++i) {
      sum += static_cast<uint64_t>(x[i * incx]) * static_cast<uint64_t>(y[i * incy]);
    }
    return sum;
  }));
}

template <class T>
T complex_dot(bool conjugate, int64_t n, const T* x, int64_t incx, const T* y, int64_t incy) {
  using R = decltype(T::re);
  const R sign = conjugate ? R{-1} : R{1};
  return sum_blocks<T>(n, [&](int64_t b, int64_t e) {
    // Four sums, so that one addition need not wait for the last.
    constexpr int lanes = 4;
    R re[lanes] = {}, im[lanes] = {};
    const auto step = [&](int lane, int64_t i) {
      const T u = x[i * incx], v = y[i * incy];
      const R ui = sign * u.im;
      re[lane] += u.re * v.re - ui * v.im;
      im[lane] += u.re * v.im + ui * v.re;
    };
    int64_t i = b;
    for (; i + lanes <= e; i += lanes) {
      for (int lane = 0; lane < lanes; ++lane) step(lane, i + lane);
    }
    for (; i < e; ++i) step(0, i);
    return T{(re[0] + re[1]) + (re[2] + re[3]), (im[0] + im[1]) + (im[2] + im[3])};
  });
}

inline void store(float x, float* out) { *out = x; }
inline void store(double x, double* out) { *out = x; }
inline void store(float x, Half* out) { *out = to_half(x); }
inline void store(float x, BFloat16* out) { *out = to_bfloat16(x); }

template <class T>
const auto& kernels_of(const detail::GemmKernels& kernels) {
  if constexpr (std::is_same_v<T, float>) {
    return kernels.f32;
  } else if constexpr (std::is_same_v<T, double>) {
    return kernels.f64;
  } else if constexpr (std::is_same_v<T, Half>) {
    return kernels.f16;
  } else {
    return kernels.bf16;
  }
}

template <class T>
void typed_dot(bool conjugate_x, int64_t n, const T* x, int64_t incx, const T* y, int64_t incy,
               T* out) {
  if constexpr (std::is_same_v<T, bool>) {
    bool any = false;
    for (int64_t i = 0; i < n && !any; ++i) any = x[i * incx] && y[i * incy];
    *out = any;
  } else if constexpr (std::is_integral_v<T>) {
    *out = integer_dot(n, x, incx, y, incy);
  } else if constexpr (is_complex(DTypeOf<T>::value)) {
    *out = complex_dot(conjugate_x, n, x, incx, y, incy);
  } else {
    store(real_dot(kernels_of<T>(detail::gemm_kernels()), n, x, incx, y, incy), out);
  }
}

}  // namespace

void dot(DType dtype, bool conjugate_x, int64_t n, const void* x, int64_t incx, const void* y,
         int64_t incy, void* out) {
  if (n <= 0) {
    std::memset(out, 0, item_size(dtype));
    return;
  }
  with_type(kNumbers + kBool, dtype, "dot", [&]<class T>(T) {
    typed_dot(conjugate_x, n, static_cast<const T*>(x), incx, static_cast<const T*>(y), incy,
              static_cast<T*>(out));
  });
}

}  // namespace rt::cpu
