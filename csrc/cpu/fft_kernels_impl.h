// The bodies of fft_kernels.h, included by one file per instruction set. Everything here has
// internal linkage and calls inline functions of no other header but vector_types.h: the linker
// would otherwise be free to use a copy compiled for AVX-512 everywhere.
#pragma once

#include "cpu/fft_kernels.h"
#include "cpu/vector_types.h"

namespace rt::cpu::detail {
namespace {

// X is T, or a vector of T's; its size says how many neighbours are treated at once.
template <class X>
struct Pair {
  X re, im;
};
template <class X, class T>
inline Pair<X> load(const T* re, const T* im, int64_t at) {
  Pair<X> p;
  __builtin_memcpy(&p.re, re + at, sizeof(X));
  __builtin_memcpy(&p.im, im + at, sizeof(X));
  return p;
}
template <class X, class T>
inline void store(T* re, T* im, int64_t at, Pair<X> p) {
  __builtin_memcpy(re + at, &p.re, sizeof(X));
  __builtin_memcpy(im + at, &p.im, sizeof(X));
}
template <class X>
inline Pair<X> operator+(Pair<X> a, Pair<X> b) {
  return {a.re + b.re, a.im + b.im};
}
template <class X>
inline Pair<X> operator-(Pair<X> a, Pair<X> b) {
  return {a.re - b.re, a.im - b.im};
}
// Times -i.
template <class X>
inline Pair<X> turn(Pair<X> a) {
  return {a.im, -a.re};
}
template <class X, class T>
inline Pair<X> rotate(Pair<X> a, T re, T im) {
  return {a.re * re - a.im * im, a.re * im + a.im * re};
}

template <class X>
inline void butterfly4(Pair<X>& a, Pair<X>& b, Pair<X>& c, Pair<X>& d) {
  const Pair<X> sum_ac = a + c, dif_ac = a - c, sum_bd = b + d, dif_bd = turn(b - d);
  a = sum_ac + sum_bd;
  b = dif_ac + dif_bd;
  c = sum_ac - sum_bd;
  d = dif_ac - dif_bd;
}

// The transform of P values, in place.
template <int P, class X, class T>
inline void butterfly(Pair<X>* x, const T* roots) {
  if constexpr (P == 2) {
    const Pair<X> a = x[0];
    x[0] = a + x[1];
    x[1] = a - x[1];
  } else if constexpr (P == 4) {
    butterfly4(x[0], x[1], x[2], x[3]);
  } else if constexpr (P == 8) {
    constexpr T h = static_cast<T>(0.70710678118654752440);
    butterfly4(x[0], x[2], x[4], x[6]);
    butterfly4(x[1], x[3], x[5], x[7]);
    const Pair<X> odd[4] = {x[1],
                            {(x[3].re + x[3].im) * h, (x[3].im - x[3].re) * h},
                            turn(x[5]),
                            {(x[7].im - x[7].re) * h, -(x[7].re + x[7].im) * h}};
    const Pair<X> even[4] = {x[0], x[2], x[4], x[6]};
    for (int k = 0; k < 4; ++k) {
      x[k] = even[k] + odd[k];
      x[k + 4] = even[k] - odd[k];
    }
  } else {
    // Values i and P - i share their cosine, and their sine but for the sign.
    constexpr int H = (P - 1) / 2;
    Pair<X> sum[H], dif[H];
    Pair<X> total = x[0];
    for (int i = 0; i < H; ++i) {
      sum[i] = x[i + 1] + x[P - 1 - i];
      dif[i] = x[i + 1] - x[P - 1 - i];
      total = total + sum[i];
    }
    const Pair<X> first = x[0];
    x[0] = total;
    for (int k = 1; k <= H; ++k) {
      Pair<X> a = first, b{};
      for (int i = 1; i <= H; ++i) {
        const T c = roots[2 * (i * k % P)], s = roots[2 * (i * k % P) + 1];
        a.re += sum[i - 1].re * c;
        a.im += sum[i - 1].im * c;
        b.re += dif[i - 1].im * s;
        b.im += dif[i - 1].re * s;
      }
      x[k] = {a.re - b.re, a.im + b.im};
      x[P - k] = {a.re + b.re, a.im - b.im};
    }
  }
}

// The same for an odd radix that is known at run time only.
template <class X, class T>
inline void butterfly_any(int p, Pair<X>* x, const T* roots) {
  const int h = (p - 1) / 2;
  Pair<X> sum[kMaxFftRadix / 2], dif[kMaxFftRadix / 2];
  Pair<X> total = x[0];
  for (int i = 0; i < h; ++i) {
    sum[i] = x[i + 1] + x[p - 1 - i];
    dif[i] = x[i + 1] - x[p - 1 - i];
    total = total + sum[i];
  }
  const Pair<X> first = x[0];
  x[0] = total;
  for (int k = 1; k <= h; ++k) {
    Pair<X> a = first, b{};
    for (int i = 1, at = k; i <= h; ++i, at = at + k >= p ? at + k - p : at + k) {
      const T c = roots[2 * at], s = roots[2 * at + 1];
      a.re += sum[i - 1].re * c;
      a.im += sum[i - 1].im * c;
      b.re += dif[i - 1].im * s;
      b.im += dif[i - 1].re * s;
    }
    x[k] = {a.re - b.re, a.im + b.im};
    x[p - k] = {a.re + b.re, a.im - b.im};
  }
}

// Positions q .. q + sizeof(X) / sizeof(T) of the inner loop. P = 0: the radix is step.radix.
template <int P, class X, class T>
inline void step_at(const FftStep<T>& step, int64_t s, int64_t j, int64_t q, const T* in_re,
                    const T* in_im, T* out_re, T* out_im) {
  const int p = P == 0 ? step.radix : P;
  Pair<X> x[P == 0 ? kMaxFftRadix : P];
  for (int k = 0; k < p; ++k) x[k] = load<X>(in_re, in_im, q + s * (j + step.m * k));
  if constexpr (P == 0) {
    butterfly_any(p, x, step.roots);
  } else {
    butterfly<P>(x, step.roots);
  }
  store(out_re, out_im, q + s * (p * j), x[0]);
  const T* w = step.twiddles + 2 * (p - 1) * j;
  for (int k = 1; k < p; ++k) {
    const Pair<X> y = j == 0 ? x[k] : rotate(x[k], w[2 * (k - 1)], w[2 * (k - 1) + 1]);
    store(out_re, out_im, q + s * (p * j + k), y);
  }
}

template <int P, class T>
void step_of(const FftStep<T>& step, int64_t s, int64_t j0, int64_t j1, int64_t q0, int64_t q1,
             const T* in_re, const T* in_im, T* out_re, T* out_im) {
  using Full = typename VecOf<T, kVecBytes>::type;
  using Quarter = typename VecOf<T, 16>::type;
  constexpr int64_t full = kLanes<T>, quarter = 16 / static_cast<int>(sizeof(T));
  for (int64_t j = j0; j < j1; ++j) {
    int64_t q = q0;
    for (; q + full <= q1; q += full) {
      step_at<P, Full>(step, s, j, q, in_re, in_im, out_re, out_im);
    }
    for (; q + quarter <= q1; q += quarter) {
      step_at<P, Quarter>(step, s, j, q, in_re, in_im, out_re, out_im);
    }
    for (; q < q1; ++q) step_at<P, T>(step, s, j, q, in_re, in_im, out_re, out_im);
  }
}

template <class T>
void step(const FftStep<T>& step, int64_t lines, int64_t j0, int64_t j1, int64_t q0, int64_t q1,
          const T* in_re, const T* in_im, T* out_re, T* out_im) {
  const int64_t s = step.s * lines;
  switch (step.radix) {
    case 2:
      return step_of<2>(step, s, j0, j1, q0, q1, in_re, in_im, out_re, out_im);
    case 3:
      return step_of<3>(step, s, j0, j1, q0, q1, in_re, in_im, out_re, out_im);
    case 4:
      return step_of<4>(step, s, j0, j1, q0, q1, in_re, in_im, out_re, out_im);
    case 5:
      return step_of<5>(step, s, j0, j1, q0, q1, in_re, in_im, out_re, out_im);
    case 7:
      return step_of<7>(step, s, j0, j1, q0, q1, in_re, in_im, out_re, out_im);
    case 8:
      return step_of<8>(step, s, j0, j1, q0, q1, in_re, in_im, out_re, out_im);
    default:
      return step_of<0>(step, s, j0, j1, q0, q1, in_re, in_im, out_re, out_im);
  }
}

constexpr FftKernelTable kKernels{{kLanes<float>, step<float>}, {kLanes<double>, step<double>}};

}  // namespace
}  // namespace rt::cpu::detail
