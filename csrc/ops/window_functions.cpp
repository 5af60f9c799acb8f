// Windows of signal processing: bartlett, blackman, hamming, hann, kaiser.
#include "ops/ops.h"
#include "ops/promotion.h"
#include "ops/record.h"
#include "ops/special_statistics.h"

namespace rt {

namespace {

using MaybeDType = std::optional<DType>;
using MaybeDevice = std::optional<Device>;

constexpr double kTwoPi = 6.28318530717958647692;

// A window of n points, made in float64 from their places 0 .. n-1 and the last place of the
// symmetric window, which a periodic one does not reach.
template <class F>
Tensor window(const char* op, int64_t n, bool periodic, MaybeDType dtype, MaybeDevice device,
              F&& f) {
  const DType type = dtype.value_or(default_dtype());
  RT_CHECK(is_floating(type), Runtime, op, cat_str(op, " expects floating point dtypes"),
           name(type));
  RT_CHECK(n >= 0, Runtime, op, cat_str(op, " requires non-negative window_length"), cat_str(n));
  Tensor w =
      n <= 1 ? ops::ones({n}, DType::Float64)
             : f(ops::arange(0, n, 1, DType::Float64), static_cast<double>(periodic ? n : n - 1));
  return ops::to(ops::to(w, type), device.value_or(Device()));
}
Tensor cosine(const Tensor& k, double last, double turns) {
  return ops::cos(k * Scalar(kTwoPi * turns / last));
}

Tensor bartlett(int64_t n, bool periodic, MaybeDType dtype, MaybeDevice device) {
  return window("bartlett_window", n, periodic, dtype, device, [](const Tensor& k, double last) {
    return 1.0 - ops::abs(k * Scalar(2 / last) - Scalar(1.0));
  });
}
Tensor blackman(int64_t n, bool periodic, MaybeDType dtype, MaybeDevice device) {
  return window("blackman_window", n, periodic, dtype, device, [](const Tensor& k, double last) {
    return cosine(k, last, 2) * Scalar(0.08) - cosine(k, last, 1) * Scalar(0.5) + Scalar(0.42);
  });
}
Tensor hamming(int64_t n, bool periodic, double alpha, double beta, MaybeDType dtype,
               MaybeDevice device) {
  return window("hamming_window", n, periodic, dtype, device, [=](const Tensor& k, double last) {
    return Scalar(alpha) - cosine(k, last, 1) * Scalar(beta);
  });
}
Tensor hann(int64_t n, bool periodic, MaybeDType dtype, MaybeDevice device) {
  return window("hann_window", n, periodic, dtype, device, [](const Tensor& k, double last) {
    return Scalar(0.5) - cosine(k, last, 1) * Scalar(0.5);
  });
}
Tensor kaiser(int64_t n, bool periodic, double beta, MaybeDType dtype, MaybeDevice device) {
  return window("kaiser_window", n, periodic, dtype, device, [=](const Tensor& k, double last) {
    const Tensor place = k * Scalar(2 / last) - Scalar(1.0);
    const Tensor arc = ops::sqrt(ops::clamp_min(Scalar(1.0) - place * place, wrapped_number(0.0)));
    return ops::i0(arc * Scalar(beta)) / ops::i0(scalar_tensor(beta, DType::Float64));
  });
}

const Op bartlett_op(
    "bartlett_window(int window_length, bool periodic=True, *, DType? dtype=None, Device? "
    "device=None) -> Tensor",
    bartlett, {.in = "rt", .doc = R"(A triangle, 0 at the ends.

`periodic`: for spectra, the window of one point more without its last. Float dtypes only. Follows
`torch.bartlett_window`.

>>> rt.bartlett_window(4)
tensor([0.0000, 0.5000, 1.0000, 0.5000])
)"});
const Op blackman_op(
    "blackman_window(int window_length, bool periodic=True, *, DType? dtype=None, Device? "
    "device=None) -> Tensor",
    blackman, {.in = "rt", .doc = R"(Blackman's window, a sum of three cosines.

`periodic` as in `bartlett_window`. Follows `torch.blackman_window`.

>>> rt.blackman_window(4)
tensor([0.0000, 0.3400, 1.0000, 0.3400])
)"});
const Op hamming_op(
    "hamming_window(int window_length, bool periodic=True, float alpha=0.54, float beta=0.46, *, "
    "DType? dtype=None, Device? device=None) -> Tensor",
    hamming, {.in = "rt", .doc = R"(`alpha - beta cos(2 pi n / N)`.

`periodic` as in `bartlett_window`. Follows `torch.hamming_window`.

>>> rt.hamming_window(4)
tensor([0.0800, 0.5400, 1.0000, 0.5400])
)"});
const Op hann_op(
    "hann_window(int window_length, bool periodic=True, *, DType? dtype=None, Device? device=None) "
    "-> Tensor",
    hann, {.in = "rt", .doc = R"(`sin(pi n / N)` squared, 0 at the ends.

`periodic` as in `bartlett_window`. Follows `torch.hann_window`.

>>> rt.hann_window(4)
tensor([0.0000, 0.5000, 1.0000, 0.5000])
)"});
const Op kaiser_op(
    "kaiser_window(int window_length, bool periodic=True, float beta=12.0, *, DType? dtype=None, "
    "Device? device=None) -> Tensor",
    kaiser,
    {.in = "rt", .doc = R"(Kaiser's window, of Bessel functions: `beta` trades width for side lobes.

`periodic` as in `bartlett_window`. Follows `torch.kaiser_window`.

>>> rt.kaiser_window(4, beta=5.)
tensor([0.0367, 0.5529, 1.0000, 0.5529])
)"});

}  // namespace

}  // namespace rt
