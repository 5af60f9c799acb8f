#include "cpu/fft_plan.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <utility>

#include "cpu/lru_cache.h"
#include "cpu/parallel.h"
#include "cpu/simd_level.h"

namespace rt::cpu::detail {

namespace {

// Values handled by one thread below which a second does not pay.
constexpr int64_t kGrain = 16384;
// Plans of small lengths are kept by the dozen, the memory of larger ones is too much for that.
constexpr int64_t kSmallLength = 1 << 16;
constexpr size_t kSmallPlans = 64;
constexpr size_t kLargePlans = 2;

// The factors of n: eights first, then a four or a two, then odd primes. Empty if a prime is too
// large for a step.
std::vector<int> radices(int64_t n) {
  std::vector<int> found;
  while (n % 8 == 0 && n != 16) {  // 16 is better as 4 times 4 than as 8 times 2
    found.push_back(8);
    n /= 8;
  }
  while (n % 4 == 0) {
    found.push_back(4);
    n /= 4;
  }
  for (int p = 2; p <= kMaxFftRadix; ++p) {
    while (n % p == 0) {
      found.push_back(p);
      n /= p;
    }
  }
  if (n != 1) found.clear();
  return found;
}

// The 2^a 3^b 5^c of at least n that is fastest to transform.
int64_t convenient_length(int64_t n) {
  // The time of a step with each radix relative to one that only moves the values.
  const auto cost = [](int64_t length) {
    double steps = 0;
    for (const int p : radices(length)) {
      steps += p == 2 ? 1.0 : p == 3 ? 1.4 : p == 4 ? 1.2 : p == 5 ? 2.0 : 1.8;
    }
    return steps * static_cast<double>(length);
  };
  int64_t best = 1;
  while (best < n) best *= 2;
  const int64_t limit = best;
  for (int64_t five = 1; five < limit; five *= 5) {
    for (int64_t three = five; three < limit; three *= 3) {
      int64_t length = three;
      while (length < n) length *= 2;
      if (cost(length) < cost(best)) best = length;
    }
  }
  return best;
}

template <class F>
void maybe_parallel(bool parallel, int64_t count, int64_t grain, F&& f) {
  if (parallel) {
    parallel_for(0, count, grain, f);
  } else {
    f(0, count);
  }
}

}  // namespace

UnitRoot unit_root(int64_t k, int64_t n) {
  constexpr double two_pi = 6.283185307179586476925286766559;
  // Symmetry brings the angle into the first eighth of the circle, exactly, since k and n are
  // integers: first 8 k / n in [0, 8), then mirrored.
  k %= n;
  if (k < 0) k += n;
  const auto root = [&](int64_t num) {  // angle 2 pi num / (8 n) at most pi / 4
    return two_pi * static_cast<double>(num) / (8.0 * static_cast<double>(n));
  };
  int64_t eighths = 8 * k;
  const bool lower = eighths > 4 * n;  // the other half of the circle: mirror the sine
  if (lower) eighths = 8 * n - eighths;
  const bool left = eighths > 2 * n;  // the left half: mirror the cosine
  if (left) eighths = 4 * n - eighths;
  const bool steep = eighths > n;  // swap sine and cosine
  if (steep) eighths = 2 * n - eighths;
  double c = std::cos(root(eighths)), s = std::sin(root(eighths));
  if (steep) std::swap(c, s);
  if (left) c = -c;
  if (lower) s = -s;
  return {c, -s};
}

const FftKernelTable& fft_kernels() {
#if defined(__x86_64__)
  static const FftKernelTable& chosen = simd_level() == SimdLevel::Avx512 ? fft_kernels_avx512()
                                        : simd_level() == SimdLevel::Avx2 ? fft_kernels_avx2()
                                                                          : fft_kernels_baseline();
  return chosen;
#else
  return fft_kernels_baseline();
#endif
}
template <>
const FftKernels<float>& fft_kernels_of<float>() {
  return fft_kernels().f32;
}
template <>
const FftKernels<double>& fft_kernels_of<double>() {
  return fft_kernels().f64;
}

template <class T>
FftPlan<T>::FftPlan(int64_t n) : n_(n) {
  const std::vector<int> factors = radices(n);
  if (factors.empty() && n > 1) {
    const int64_t length = convenient_length(2 * n - 1);
    convolution_ = std::make_unique<FftPlan>(length);
    chirp_.resize(static_cast<size_t>(2 * n));
    std::vector<T> re(static_cast<size_t>(length)), im(re),
        work(static_cast<size_t>(convolution_->work_size()));
    int64_t square = 0;  // k^2 modulo 2 n
    for (int64_t k = 0; k < n; ++k) {
      const UnitRoot r = unit_root(square, 2 * n);
      const size_t at = static_cast<size_t>(k);
      chirp_[2 * at] = static_cast<T>(r.re);
      chirp_[2 * at + 1] = static_cast<T>(r.im);
      re[at] = static_cast<T>(r.re);
      im[at] = static_cast<T>(-r.im);
      if (k > 0) {
        re[static_cast<size_t>(length - k)] = re[at];
        im[static_cast<size_t>(length - k)] = im[at];
      }
      square = (square + 2 * k + 1) % (2 * n);
    }
    convolution_->run(1, false, re.data(), im.data(), work.data());
    chirp_transform_.resize(static_cast<size_t>(2 * length));
    for (size_t k = 0; k < static_cast<size_t>(length); ++k) {
      chirp_transform_[2 * k] = re[k] / static_cast<T>(length);
      chirp_transform_[2 * k + 1] = im[k] / static_cast<T>(length);
    }
    return;
  }
  std::vector<std::pair<size_t, size_t>> offsets;  // of each step's factors; the array still grows
  int64_t s = 1, rest = n;
  for (const int p : factors) {
    const int64_t m = rest / p;
    offsets.emplace_back(factors_.size(), factors_.size() + static_cast<size_t>(2 * m * (p - 1)));
    for (int64_t j = 0; j < m; ++j) {
      for (int64_t k = 1; k < p; ++k) {
        const UnitRoot r = unit_root(j * k, rest);
        factors_.push_back(static_cast<T>(r.re));
        factors_.push_back(static_cast<T>(r.im));
      }
    }
    for (int64_t k = 0; k < p; ++k) {
      const UnitRoot r = unit_root(k, p);
      factors_.push_back(static_cast<T>(r.re));
      factors_.push_back(static_cast<T>(r.im));
    }
    steps_.push_back({p, m, s, nullptr, nullptr});
    s *= p;
    rest = m;
  }
  for (size_t i = 0; i < steps_.size(); ++i) {
    steps_[i].twiddles = factors_.data() + offsets[i].first;
    steps_[i].roots = factors_.data() + offsets[i].second;
  }
}

template <class T>
int64_t FftPlan<T>::work_size() const {
  if (!convolution_) return 2 * n_;
  return 2 * convolution_->size() + convolution_->work_size();
}

template <class T>
void FftPlan<T>::run_steps(int64_t lines, bool parallel, T*& re, T*& im, T*& other_re,
                           T*& other_im) const {
  const FftKernels<T>& kernels = fft_kernels_of<T>();
  for (const FftStep<T>& step : steps_) {
    const int64_t positions = step.s * lines;
    if (step.m >= positions) {  // split what there is more of
      maybe_parallel(parallel, step.m, std::max<int64_t>(kGrain / (step.radix * positions), 1),
                     [&](int64_t b, int64_t e) {
                       kernels.step(step, lines, b, e, 0, positions, re, im, other_re, other_im);
                     });
    } else {
      maybe_parallel(parallel, positions, std::max<int64_t>(kGrain / (step.radix * step.m), 1),
                     [&](int64_t b, int64_t e) {
                       kernels.step(step, lines, 0, step.m, b, e, re, im, other_re, other_im);
                     });
    }
    std::swap(re, other_re);
    std::swap(im, other_im);
  }
}

template <class T>
void FftPlan<T>::run(int64_t lines, bool parallel, T* re, T* im, T* work) const {
  if (convolution_) return run_chirp(lines, parallel, re, im, work);
  T *a = re, *b = im, *c = work, *d = work + n_ * lines;
  run_steps(lines, parallel, a, b, c, d);
  if (a != re) {
    std::memcpy(re, a, static_cast<size_t>(n_ * lines) * sizeof(T));
    std::memcpy(im, b, static_cast<size_t>(n_ * lines) * sizeof(T));
  }
}

template <class T>
void FftPlan<T>::run_chirp(int64_t lines, bool parallel, T* re, T* im, T* work) const {
  const int64_t length = convolution_->size();
  T* const are = work;
  T* const aim = are + length * lines;
  T* const rest = aim + length * lines;
  const int64_t grain = std::max<int64_t>(kGrain / lines, 1);
  // Row k of `to` becomes row k of `from` times factor k.
  const auto multiply = [&](int64_t count, const std::vector<T>& factors, const T* from_re,
                            const T* from_im, T* to_re, T* to_im) {
    maybe_parallel(parallel, count, grain, [&](int64_t b, int64_t e) {
      for (int64_t k = b; k < e; ++k) {
        const T c = factors[static_cast<size_t>(2 * k)];
        const T s = factors[static_cast<size_t>(2 * k + 1)];
        for (int64_t i = k * lines; i < (k + 1) * lines; ++i) {
          const T x = from_re[i], y = from_im[i];
          to_re[i] = x * c - y * s;
          to_im[i] = x * s + y * c;
        }
      }
    });
  };
  multiply(n_, chirp_, re, im, are, aim);
  std::memset(are + n_ * lines, 0, static_cast<size_t>((length - n_) * lines) * sizeof(T));
  std::memset(aim + n_ * lines, 0, static_cast<size_t>((length - n_) * lines) * sizeof(T));
  convolution_->run(lines, parallel, are, aim, rest);
  multiply(length, chirp_transform_, are, aim, are, aim);
  convolution_->run(lines, parallel, aim, are, rest);  // swapped: the inverse
  multiply(n_, chirp_, are, aim, re, im);
}

namespace {
// Keeps what make(n) returns for the lengths used last.
template <class Plan, class Make>
std::shared_ptr<const Plan> cached(int64_t n, Make&& make) {
  using Cache = LruCache<int64_t, std::shared_ptr<const Plan>, std::hash<int64_t>>;
  thread_local Cache small(kSmallPlans), large(kLargePlans);
  return (n <= kSmallLength ? small : large).get(n, make);
}
}  // namespace

template <class T>
std::shared_ptr<const FftPlan<T>> fft_plan(int64_t n) {
  return cached<FftPlan<T>>(n, [n] { return std::make_shared<const FftPlan<T>>(n); });
}

template <class T>
std::shared_ptr<const RealFftPlan<T>> real_fft_plan(int64_t n) {
  return cached<RealFftPlan<T>>(n, [n] {
    RealFftPlan<T> p{n % 2 == 0 ? fft_plan<T>(n / 2) : fft_plan<T>(n), {}};
    for (int64_t k = 0; n % 2 == 0 && k <= n / 4; ++k) {
      const UnitRoot r = unit_root(k, n);
      p.rotations.push_back(static_cast<T>(r.re));
      p.rotations.push_back(static_cast<T>(r.im));
    }
    return std::make_shared<const RealFftPlan<T>>(std::move(p));
  });
}

template class FftPlan<float>;
template class FftPlan<double>;
template std::shared_ptr<const FftPlan<float>> fft_plan<float>(int64_t);
template std::shared_ptr<const FftPlan<double>> fft_plan<double>(int64_t);
template std::shared_ptr<const RealFftPlan<float>> real_fft_plan<float>(int64_t);
template std::shared_ptr<const RealFftPlan<double>> real_fft_plan<double>(int64_t);

}  // namespace rt::cpu::detail
