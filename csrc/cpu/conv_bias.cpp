// Per-channel sums and additions over N, C, spatial... data.
#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "cpu/conv_backends.h"
#include "cpu/dtype_dispatch.h"
#include "cpu/parallel.h"

namespace rt::cpu::detail {

namespace {

// Integers wrap; unsigned arithmetic does so without undefined behaviour.
template <class T>
using SumOf =
    std::conditional_t<std::is_integral_v<T>, uint64_t,
                       std::conditional_t<is_reduced_floating(DTypeOf<T>::value), float, T>>;

template <class T>
inline SumOf<T> wide(T x) {
  if constexpr (is_reduced_floating(DTypeOf<T>::value)) {
    return to_float(x);
  } else {
    return static_cast<SumOf<T>>(x);
  }
}
template <class T, class S>
inline T narrow(S x) {
  if constexpr (std::is_same_v<T, Half>) {
    return to_half(x);
  } else if constexpr (std::is_same_v<T, BFloat16>) {
    return to_bfloat16(x);
  } else {
    return static_cast<T>(x);
  }
}
template <class S>
inline S plus(S a, S b) {
  return a + b;
}
inline Complex64 plus(Complex64 a, Complex64 b) { return {a.re + b.re, a.im + b.im}; }
inline Complex128 plus(Complex128 a, Complex128 b) { return {a.re + b.re, a.im + b.im}; }

constexpr int64_t kGrain = 16384;

template <class T>
void add_bias(int64_t batch, int64_t channels, int64_t plane, const T* bias, T* data) {
  parallel_for(0, batch * channels, std::max<int64_t>(kGrain / plane, 1),
               [&](int64_t begin, int64_t end) {
                 for (int64_t i = begin; i < end; ++i) {
                   const auto b = wide(bias[i % channels]);
                   T* row = data + i * plane;
                   for (int64_t j = 0; j < plane; ++j) row[j] = narrow<T>(plus(wide(row[j]), b));
                 }
               });
}

template <class T>
void sum(int64_t batch, int64_t channels, int64_t plane, const T* data, T* out) {
  using S = SumOf<T>;
  const int64_t work = std::max<int64_t>(batch * plane, 1);
  parallel_for(0, channels, std::max<int64_t>(kGrain / work, 1), [&](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; ++c) {
      S total{};
      for (int64_t n = 0; n < batch; ++n) {
        const T* row = data + (n * channels + c) * plane;
        // Sixteen sums of short runs: fast, and closer to the true sum than one long run.
        constexpr int64_t lanes = 16;
        S lane[lanes] = {};
        int64_t j = 0;
        for (; j + lanes <= plane; j += lanes) {
          for (int64_t l = 0; l < lanes; ++l) lane[l] = plus(lane[l], wide(row[j + l]));
        }
        for (int64_t l = 0; j + l < plane; ++l) lane[l] = plus(lane[l], wide(row[j + l]));
        for (int64_t step = lanes / 2; step > 0; step /= 2) {
          for (int64_t l = 0; l < step; ++l) lane[l] = plus(lane[l], lane[l + step]);
        }
        total = plus(total, lane[0]);
      }
      out[c] = narrow<T>(total);
    }
  });
}

template <class F>
void dispatch(DType dtype, F&& f) {
  if (!try_with_type(kNumbers, dtype, f)) {
    RT_FAIL(NotImplemented, "convolution", "not implemented for bool");
  }
}

}  // namespace

void add_channel_bias(DType dtype, int64_t batch, int64_t channels, int64_t plane, const void* bias,
                      void* data) {
  dispatch(dtype, [&]<class T>(T) {
    add_bias(batch, channels, plane, static_cast<const T*>(bias), static_cast<T*>(data));
  });
}

void sum_channels(DType dtype, int64_t batch, int64_t channels, int64_t plane, const void* data,
                  void* out) {
  dispatch(dtype, [&]<class T>(T) {
    sum(batch, channels, plane, static_cast<const T*>(data), static_cast<T*>(out));
  });
}

}  // namespace rt::cpu::detail
