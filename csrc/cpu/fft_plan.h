// How a transform of one length is made: the steps, their factors, and the working memory.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "cpu/fft_kernels.h"

namespace rt::cpu::detail {

template <class T>
class FftPlan {
 public:
  explicit FftPlan(int64_t n);

  int64_t size() const { return n_; }
  // Values of T that run() needs as working memory for each line.
  int64_t work_size() const;

  // Transforms `lines` interleaved lines (value k of line v at k * lines + v), forward. The result
  // is in re and im again. For the inverse swap re and im. With `parallel`, each step is split
  // over the threads.
  void run(int64_t lines, bool parallel, T* re, T* im, T* work) const;

 private:
  void run_steps(int64_t lines, bool parallel, T*& re, T*& im, T*& other_re, T*& other_im) const;
  void run_chirp(int64_t lines, bool parallel, T* re, T* im, T* work) const;

  int64_t n_;
  std::vector<FftStep<T>> steps_;
  std::vector<T> factors_;  // what the steps point to
  // Bluestein's transform for a length with a large prime factor: a convolution with a chirp,
  // made with transforms of a convenient length.
  std::unique_ptr<FftPlan> convolution_;
  std::vector<T> chirp_;            // exp(-pi i k^2 / n) as (re, im)
  std::vector<T> chirp_transform_;  // of the conjugate chirp, divided by the length
};

// The plan for a length, kept for later calls on this thread.
template <class T>
std::shared_ptr<const FftPlan<T>> fft_plan(int64_t n);

// For a real transform. Even lengths take a complex plan of half the length, and rotations
// exp(-2 pi i k / n), k <= n / 4, as (re, im), that join its two halves.
template <class T>
struct RealFftPlan {
  std::shared_ptr<const FftPlan<T>> complex;
  std::vector<T> rotations;
};
template <class T>
std::shared_ptr<const RealFftPlan<T>> real_fft_plan(int64_t n);

// exp(-2 pi i k / n), computed in double precision from an angle of at most pi / 4.
struct UnitRoot {
  double re, im;
};
UnitRoot unit_root(int64_t k, int64_t n);

const FftKernelTable& fft_kernels();
template <class T>
const FftKernels<T>& fft_kernels_of();

}  // namespace rt::cpu::detail
