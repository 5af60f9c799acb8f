// Sequences: each chunk is made in int64 or float64 and converted once.
#include "ops/range.h"

#include <cmath>

#include "cpu/load_kernels.h"
#include "cpu/parallel.h"

namespace rt::cpu {

namespace {

constexpr int64_t kChunk = 512;
constexpr int64_t kGrain = 16384;

void integers(const Sequence& s, int64_t begin, int64_t n, int64_t* out) {
  for (int64_t i = 0; i < n; ++i) {
    out[i] = static_cast<int64_t>(static_cast<uint64_t>(s.first) +
                                  static_cast<uint64_t>(begin + i) * static_cast<uint64_t>(s.step));
  }
}
void reals(const Sequence& s, int64_t begin, int64_t n, double* out) {
  for (int64_t i = 0; i < n; ++i) out[i] = s.start + static_cast<double>(begin + i) * s.real_step;
}
void between(const Sequence& s, int64_t begin, int64_t n, int64_t total, double* out) {
  const double step = total > 1 ? (s.end - s.start) / static_cast<double>(total - 1) : 0;
  for (int64_t i = 0; i < n; ++i) {
    const int64_t at = begin + i;
    out[i] = at < total / 2 || total == 1 ? s.start + static_cast<double>(at) * step
                                          : s.end - static_cast<double>(total - 1 - at) * step;
  }
}

void sequence(const Tensor& out, const Sequence& s) {
  const int64_t total = out.numel();
  const bool exact = s.kind == Sequence::Kind::Integers;
  const DType made = exact ? DType::Int64 : DType::Float64;
  const auto cast = cast_loop(out.dtype(), made);
  parallel_for(0, total, kGrain, [&](int64_t first, int64_t last) {
    alignas(64) double real[kChunk];
    alignas(64) int64_t whole[kChunk];
    for (int64_t b = first; b < last; b += kChunk) {
      const int64_t n = std::min(kChunk, last - b);
      if (exact) {
        integers(s, b, n, whole);
      } else if (s.kind == Sequence::Kind::Reals) {
        reals(s, b, n, real);
      } else {
        between(s, b, n, total, real);
      }
      if (s.kind == Sequence::Kind::Powers) {
        for (int64_t i = 0; i < n; ++i) real[i] = std::pow(s.base, real[i]);
      }
      void* p[] = {out.data<char>() + b * static_cast<int64_t>(out.item_size()),
                   exact ? static_cast<void*>(whole) : static_cast<void*>(real)};
      if (out.dtype() == made) {
        __builtin_memcpy(p[0], p[1], static_cast<size_t>(n) * sizeof(double));
      } else {
        cast(n, p);
      }
    }
  });
}

const RegisterKernel register_sequence(sequence_kernel, DeviceType::CPU, &sequence);

}  // namespace

}  // namespace rt::cpu
