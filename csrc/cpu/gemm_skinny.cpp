// A few vectors against a matrix. Each element of the matrix is used once or a few times, so what
// counts is reading it at the memory's speed.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <type_traits>

#include "cpu/gemm_backends.h"
#include "cpu/gemm_kernels.h"
#include "cpu/parallel.h"
#include "cpu/scratch.h"
#include "cpu/simd_level.h"

namespace rt::cpu::detail {

const GemmKernels& gemm_kernels() {
#if defined(__x86_64__)
  static const GemmKernels& chosen = simd_level() == SimdLevel::Avx512 ? gemm_kernels_avx512()
                                     : simd_level() == SimdLevel::Avx2 ? gemm_kernels_avx2()
                                                                       : gemm_kernels_baseline();
  return chosen;
#else
  return gemm_kernels_baseline();
#endif
}

namespace {

// Elements of the matrix below which a second thread does not pay.
constexpr int64_t kGrain = 32768;

inline float wide(float x) { return x; }
inline double wide(double x) { return x; }
inline float wide(Half x) { return to_float(x); }
inline float wide(BFloat16 x) { return to_float(x); }
inline void narrow(float x, float& y) { y = x; }
inline void narrow(double x, double& y) { y = x; }
inline void narrow(float x, Half& y) { y = to_half(x); }
inline void narrow(float x, BFloat16& y) { y = to_bfloat16(x); }

// A buffer on the stack for small sizes, else from the allocator.
template <class S>
class Buffer {
 public:
  explicit Buffer(int64_t count) {
    if (count > kInline) {
      large_ = Scratch<S>(count);
      data_ = large_->data();
    }
  }
  S* data() { return data_; }

 private:
  static constexpr int64_t kInline = 512;
  alignas(64) S small_[kInline];
  std::optional<Scratch<S>> large_;
  S* data_ = small_;
};

template <class T, class S>
void write_out(const SkinnyArgs<T, S>& s, const S* sums, int64_t ld_sums, int64_t begin,
               int64_t end) {
  for (int q = 0; q < s.vectors; ++q) {
    T* y = s.y + q * s.y_vector;
    const S* v = sums + q * ld_sums;
    if (s.beta == S{0}) {
      for (int64_t i = begin; i < end; ++i) narrow(s.alpha * v[i], y[i * s.y_step]);
    } else {
      for (int64_t i = begin; i < end; ++i) {
        T& out = y[i * s.y_step];
        narrow(s.alpha * v[i] + s.beta * wide(out), out);
      }
    }
  }
}

template <class T, class S>
void by_rows(const SkinnyArgs<T, S>& s, const SkinnyKernels<T, S>& kernels, const S* x,
             int64_t ldx) {
  Buffer<S> sums(s.vectors * s.outputs);
  parallel_for(0, s.outputs, std::max<int64_t>(kGrain / s.inner, 1), [&](int64_t b, int64_t e) {
    kernels.rows(s.vectors, e - b, s.inner, s.matrix + b * s.ld, s.ld, x, ldx, sums.data() + b,
                 s.outputs);
    write_out(s, sums.data(), s.outputs, b, e);
  });
}

template <class T, class S>
void by_columns(const SkinnyArgs<T, S>& s, const SkinnyKernels<T, S>& kernels, const S* x,
                int64_t ldx) {
  const int64_t size = s.vectors * s.outputs;
  constexpr int64_t line = 64 / static_cast<int64_t>(sizeof(S));
  const int64_t lines = (s.outputs + line - 1) / line;
  // Narrow and tall: each thread sums a share of the rows, and the shares are added up.
  const int64_t shares = lines >= 8 * get_num_threads()
                             ? 1
                             : std::min<int64_t>(library_threads(), s.inner * s.outputs / kGrain);
  if (shares > 1) {
    Buffer<S> sums(shares * size);
    const int64_t rows = (s.inner + shares - 1) / shares;
    parallel_for(0, shares, 1, [&](int64_t b, int64_t e) {
      for (int64_t t = b; t < e; ++t) {
        S* out = sums.data() + t * size;
        std::memset(out, 0, static_cast<size_t>(size) * sizeof(S));
        const int64_t first = std::min(t * rows, s.inner);
        const int64_t last = std::min(first + rows, s.inner);
        kernels.columns(s.vectors, last - first, s.outputs, s.matrix + first * s.ld, s.ld,
                        x + first, ldx, out, s.outputs);
      }
    });
    S* total = sums.data();
    for (int64_t t = 1; t < shares; ++t) {
      for (int64_t i = 0; i < size; ++i) total[i] += total[t * size + i];
    }
    write_out(s, total, s.outputs, 0, s.outputs);
    return;
  }
  Buffer<S> sums(size);
  const int64_t grain = std::max<int64_t>(kGrain / (s.inner * line), 1);
  parallel_for(0, lines, grain, [&](int64_t b, int64_t e) {
    const int64_t first = b * line, last = std::min(e * line, s.outputs);
    for (int q = 0; q < s.vectors; ++q) {
      std::memset(sums.data() + q * s.outputs + first, 0,
                  static_cast<size_t>(last - first) * sizeof(S));
    }
    kernels.columns(s.vectors, s.inner, last - first, s.matrix + first, s.ld, x, ldx,
                    sums.data() + first, s.outputs);
    write_out(s, sums.data(), s.outputs, first, last);
  });
}

template <class T, class S>
void skinny(const SkinnyArgs<T, S>& s, const SkinnyKernels<T, S>& kernels) {
  // The kernels read vectors of S with unit steps.
  const bool direct = std::is_same_v<T, S> && s.x_step == 1;
  Buffer<S> gathered(direct ? 0 : s.vectors * s.inner);
  const S* x = gathered.data();
  int64_t ldx = s.inner;
  if (direct) {
    x = reinterpret_cast<const S*>(s.x);
    ldx = s.x_vector;
  } else {
    for (int q = 0; q < s.vectors; ++q) {
      S* out = gathered.data() + q * s.inner;
      const T* in = s.x + q * s.x_vector;
      for (int64_t j = 0; j < s.inner; ++j) out[j] = wide(in[j * s.x_step]);
    }
  }
  if (s.by_rows) {
    by_rows(s, kernels, x, ldx);
  } else {
    by_columns(s, kernels, x, ldx);
  }
}

}  // namespace

void skinny_gemm(const SkinnyArgs<float, float>& s) { skinny(s, gemm_kernels().f32); }
void skinny_gemm(const SkinnyArgs<double, double>& s) { skinny(s, gemm_kernels().f64); }
void skinny_gemm(const SkinnyArgs<Half, float>& s) { skinny(s, gemm_kernels().f16); }
void skinny_gemm(const SkinnyArgs<BFloat16, float>& s) { skinny(s, gemm_kernels().bf16); }

}  // namespace rt::cpu::detail
