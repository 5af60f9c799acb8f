// Lines come from anywhere in memory; a few at a time are laid side by side, real and imaginary
// parts apart, so that one vector instruction works on the same position of several lines.
#include "cpu/fft.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "core/error.h"
#include "cpu/fft_plan.h"
#include "cpu/parallel.h"
#include "cpu/scratch.h"

namespace rt::cpu {

namespace {

using detail::FftPlan;

// Working memory of a group of lines should stay in the second-level cache.
constexpr int64_t kGroupBytes = 512 * 1024;
// Values of a batch below which a second thread does not pay, and from which on a transform is
// worth splitting by itself.
constexpr int64_t kBatchGrain = 8192;
constexpr int64_t kSplitLength = 1 << 16;

int64_t line_start(const FftLines& l, int64_t i) {
  return i / l.inner * l.outer_stride + i % l.inner * l.inner_stride;
}

template <class T>
struct ComplexValue;
template <>
struct ComplexValue<float> {
  using type = Complex64;
};
template <>
struct ComplexValue<double> {
  using type = Complex128;
};

// Some lines side by side: value k of line v is at k * lines + v.
template <class T>
struct Group {
  int64_t first, count;  // which lines of the batch
  int64_t lines;         // columns, at least count; the others hold zeros
  bool parallel;         // whether the threads are free for this group
  T *re, *im, *work;
};

// Splits the batch into groups, gives each its memory and calls f. `rows` is the longest a line
// gets in the group, `extra` what the transform itself works with, a line.
template <class T, class F>
void for_each_group(const FftLines& in, int64_t rows, int64_t extra, F&& f) {
  const int64_t batch = in.outer * in.inner;
  const int64_t bytes = (2 * rows + extra) * static_cast<int64_t>(sizeof(T));
  const int64_t lanes = detail::fft_kernels_of<T>().lanes;
  // Lines that do not fit side by side go one by one, and so do too few of them.
  const int64_t lines = batch < lanes / 4 || lanes * bytes > kGroupBytes ? 1 : lanes;
  const int64_t groups = (batch + lines - 1) / lines;
  const bool split = lines == 1 && rows >= kSplitLength && batch < get_num_threads();
  const auto work = [&](int64_t begin, int64_t end) {
    const Scratch<T> memory((2 * rows + extra) * lines);
    for (int64_t i = begin; i < end; ++i) {
      T* const re = memory.data();
      f(Group<T>{i * lines, std::min(lines, batch - i * lines), lines, split, re, re + rows * lines,
                 re + 2 * rows * lines});
    }
  };
  if (split) {
    work(0, groups);
  } else {
    parallel_for(0, groups, std::max<int64_t>(kBatchGrain / (rows * lines), 1), work);
  }
}

template <class T>
void read_complex(const Group<T>& g, int64_t n, const FftLines& l,
                  const typename ComplexValue<T>::type* x) {
  const auto* line = x + line_start(l, g.first);
  if (g.lines == 1) {
    for (int64_t k = 0; k < n; ++k) {
      g.re[k] = line[k * l.step].re;
      g.im[k] = line[k * l.step].im;
    }
    return;
  }
  for (int64_t v = 0; v < g.lines; ++v) {
    if (v >= g.count) {
      for (int64_t k = 0; k < n; ++k) g.re[k * g.lines + v] = g.im[k * g.lines + v] = T{0};
      continue;
    }
    line = x + line_start(l, g.first + v);
    for (int64_t k = 0; k < n; ++k) {
      g.re[k * g.lines + v] = line[k * l.step].re;
      g.im[k * g.lines + v] = line[k * l.step].im;
    }
  }
}

template <class T>
void write_complex(const Group<T>& g, int64_t n, T scale, const FftLines& l,
                   typename ComplexValue<T>::type* y) {
  for (int64_t v = 0; v < g.count; ++v) {
    auto* line = y + line_start(l, g.first + v);
    for (int64_t k = 0; k < n; ++k) {
      line[k * l.step] = {g.re[k * g.lines + v] * scale, g.im[k * g.lines + v] * scale};
    }
  }
}

template <class T>
void check_length(int64_t n, const FftLines& in, const FftLines& out) {
  RT_CHECK(n >= 1, Value, "fft", "the length must be positive", cat_str(n));
  RT_CHECK(in.outer == out.outer && in.inner == out.inner, Value, "fft",
           "the batches of input and output differ");
}

template <class T, class C>
void complex_transform(int64_t n, bool inverse, T scale, const FftLines& in, const C* x,
                       const FftLines& out, C* y) {
  check_length<T>(n, in, out);
  if (in.outer == 0 || in.inner == 0) return;
  const auto plan = detail::fft_plan<T>(n);
  for_each_group<T>(in, n, plan->work_size(), [&](const Group<T>& g) {
    read_complex(g, n, in, x);
    // Exchanging the parts before and after turns a transform into its inverse.
    if (inverse) {
      plan->run(g.lines, g.parallel, g.im, g.re, g.work);
    } else {
      plan->run(g.lines, g.parallel, g.re, g.im, g.work);
    }
    write_complex(g, n, scale, out, y);
  });
}

template <class T, class C>
void real_to_complex(int64_t n, T scale, const FftLines& in, const T* x, const FftLines& out,
                     C* y) {
  check_length<T>(n, in, out);
  if (in.outer == 0 || in.inner == 0) return;
  // Even lengths: even and odd values are the parts of half as many complex ones.
  const bool halves = n % 2 == 0;
  const int64_t rows = halves ? n / 2 : n;
  const auto real_plan = detail::real_fft_plan<T>(n);
  const FftPlan<T>* plan = real_plan->complex.get();
  const std::vector<T>& w = real_plan->rotations;
  for_each_group<T>(in, rows + 1, plan->work_size(), [&](const Group<T>& g) {
    for (int64_t v = 0; v < g.lines; ++v) {
      const bool used = v < g.count;
      const T* line = used ? x + line_start(in, g.first + v) : nullptr;
      for (int64_t k = 0; k < rows; ++k) {
        const int64_t at = k * g.lines + v;
        if (!used) {
          g.re[at] = g.im[at] = T{0};
        } else if (halves) {
          g.re[at] = line[2 * k * in.step];
          g.im[at] = line[(2 * k + 1) * in.step];
        } else {
          g.re[at] = line[k * in.step];
          g.im[at] = T{0};
        }
      }
    }
    plan->run(g.lines, g.parallel, g.re, g.im, g.work);
    if (halves) {
      // With Z the transform: E = (Z[k] + conj Z[rows-k]) / 2 is that of the even values,
      // O = (Z[k] - conj Z[rows-k]) / 2i of the odd ones, and X[k] = E + w^k O.
      for (int64_t v = 0; v < g.lines; ++v) {
        const T re = g.re[v], im = g.im[v];
        g.re[v] = re + im;
        g.im[v] = T{0};
        g.re[rows * g.lines + v] = re - im;
        g.im[rows * g.lines + v] = T{0};
      }
      for (int64_t k = 1; 2 * k <= rows; ++k) {
        const T c = w[static_cast<size_t>(2 * k)], s = w[static_cast<size_t>(2 * k + 1)];
        for (int64_t v = 0; v < g.lines; ++v) {
          const int64_t a = k * g.lines + v, b = (rows - k) * g.lines + v;
          const T half = T{1} / 2;
          const T er = half * (g.re[a] + g.re[b]), ei = half * (g.im[a] - g.im[b]);
          const T odd_r = half * (g.im[a] + g.im[b]), odd_i = half * (g.re[b] - g.re[a]);
          const T tr = odd_r * c - odd_i * s, ti = odd_r * s + odd_i * c;
          g.re[a] = er + tr;
          g.im[a] = ei + ti;
          g.re[b] = er - tr;
          g.im[b] = ti - ei;
        }
      }
    }
    write_complex(g, n / 2 + 1, scale, out, y);
  });
}

template <class T, class C>
void complex_to_real(int64_t n, T scale, const FftLines& in, const C* x, const FftLines& out,
                     T* y) {
  check_length<T>(n, in, out);
  if (in.outer == 0 || in.inner == 0) return;
  const bool halves = n % 2 == 0;
  const int64_t rows = halves ? n / 2 : n;
  const auto real_plan = detail::real_fft_plan<T>(n);
  const FftPlan<T>* plan = real_plan->complex.get();
  const std::vector<T>& w = real_plan->rotations;
  for_each_group<T>(in, rows + 1, plan->work_size(), [&](const Group<T>& g) {
    read_complex(g, n / 2 + 1, in, x);
    if (halves) {
      for (int64_t v = 0; v < g.lines; ++v) {
        const T first = g.re[v], last = g.re[rows * g.lines + v];
        g.re[v] = first + last;
        g.im[v] = first - last;
      }
      // The steps of real_to_complex backwards, without the halves: Z = 2 E + 2 i O.
      for (int64_t k = 1; 2 * k <= rows; ++k) {
        const T c = w[static_cast<size_t>(2 * k)], s = w[static_cast<size_t>(2 * k + 1)];
        for (int64_t v = 0; v < g.lines; ++v) {
          const int64_t a = k * g.lines + v, b = (rows - k) * g.lines + v;
          const T er = g.re[a] + g.re[b], ei = g.im[a] - g.im[b];
          const T tr = g.re[a] - g.re[b], ti = g.im[a] + g.im[b];
          const T odd_r = tr * c + ti * s, odd_i = ti * c - tr * s;
          g.re[a] = er - odd_i;
          g.im[a] = ei + odd_r;
          g.re[b] = er + odd_i;
          g.im[b] = odd_r - ei;
        }
      }
    } else {
      for (int64_t v = 0; v < g.lines; ++v) g.im[v] = T{0};
      for (int64_t k = 1; 2 * k < n; ++k) {
        for (int64_t v = 0; v < g.lines; ++v) {
          g.re[(n - k) * g.lines + v] = g.re[k * g.lines + v];
          g.im[(n - k) * g.lines + v] = -g.im[k * g.lines + v];
        }
      }
    }
    plan->run(g.lines, g.parallel, g.im, g.re, g.work);
    for (int64_t v = 0; v < g.count; ++v) {
      T* line = y + line_start(out, g.first + v);
      for (int64_t k = 0; k < rows; ++k) {
        const int64_t at = k * g.lines + v;
        if (halves) {
          line[2 * k * out.step] = g.re[at] * scale;
          line[(2 * k + 1) * out.step] = g.im[at] * scale;
        } else {
          line[k * out.step] = g.re[at] * scale;
        }
      }
    }
  });
}

}  // namespace

void fft_complex(int64_t n, bool inverse, float scale, const FftLines& in, const Complex64* x,
                 const FftLines& out, Complex64* y) {
  complex_transform(n, inverse, scale, in, x, out, y);
}
void fft_complex(int64_t n, bool inverse, double scale, const FftLines& in, const Complex128* x,
                 const FftLines& out, Complex128* y) {
  complex_transform(n, inverse, scale, in, x, out, y);
}
void fft_real_to_complex(int64_t n, float scale, const FftLines& in, const float* x,
                         const FftLines& out, Complex64* y) {
  real_to_complex(n, scale, in, x, out, y);
}
void fft_real_to_complex(int64_t n, double scale, const FftLines& in, const double* x,
                         const FftLines& out, Complex128* y) {
  real_to_complex(n, scale, in, x, out, y);
}
void fft_complex_to_real(int64_t n, float scale, const FftLines& in, const Complex64* x,
                         const FftLines& out, float* y) {
  complex_to_real(n, scale, in, x, out, y);
}
void fft_complex_to_real(int64_t n, double scale, const FftLines& in, const Complex128* x,
                         const FftLines& out, double* y) {
  complex_to_real(n, scale, in, x, out, y);
}

}  // namespace rt::cpu
