// Short-time Fourier transforms and their inverse.
#include <cmath>

#include "core/warning.h"
#include "ops/fft.h"
#include "ops/ops.h"
#include "ops/pad.h"
#include "ops/record.h"

namespace rt {

namespace {

// ---- What both have in common ----

// The window in the middle of n_fft points; ones where none is given.
Tensor centred_window(const Tensor& window, int64_t win_length, int64_t n_fft, DType dtype,
                      Device device) {
  const Tensor w = window.defined() ? window : ops::ones({win_length}, dtype, device);
  const int64_t left = (n_fft - win_length) / 2;
  return win_length == n_fft ? w : ops::constant_pad(w, {left, n_fft - win_length - left}, 0);
}
void check_lengths(const char* op, int64_t n_fft, int64_t hop, int64_t win, const Tensor& window) {
  RT_CHECK(hop > 0, Runtime, op, "expected hop_length > 0", cat_str("hop_length=", hop));
  RT_CHECK(win > 0 && win <= n_fft, Runtime, op, "expected 0 < win_length <= n_fft",
           cat_str("win_length=", win, ", n_fft=", n_fft));
  RT_CHECK(!window.defined() || (window.dim() == 1 && window.size(0) == win), Runtime, op,
           cat_str("expected a 1D window tensor of size equal to win_length=", win),
           window.defined() ? describe(window) : std::string());
}

// ---- stft ----

Tensor stft_forward(const Tensor& input, int64_t n_fft, std::optional<int64_t> hop_length,
                    std::optional<int64_t> win_length, const Tensor& window, bool center,
                    std::string_view pad_mode, bool normalized, std::optional<bool> onesided,
                    std::optional<bool> return_complex, std::optional<bool> align_to_window) {
  const bool complex_input = is_complex(input.dtype());
  const bool complex = complex_input || (window.defined() && is_complex(window.dtype()));
  RT_CHECK(is_floating(input.dtype()) || complex_input, Runtime, "stft",
           "expected a tensor of floating point or complex values", describe(input));
  RT_CHECK(input.dim() == 1 || input.dim() == 2, Runtime, "stft", "expected a 1D or 2D tensor",
           describe(input));
  RT_CHECK(return_complex || complex, Runtime, "stft",
           "stft requires the return_complex parameter be given for real inputs", "",
           "return_complex=True");
  RT_CHECK(!center || !align_to_window, Runtime, "stft",
           "stft align_to_window should only be set when center = false");
  RT_CHECK(n_fft > 0, Runtime, "stft", "expected n_fft > 0", cat_str("n_fft=", n_fft));
  const int64_t hop = hop_length.value_or(n_fft / 4), win = win_length.value_or(n_fft);
  check_lengths("stft", n_fft, hop, win, window);
  const bool one_side = onesided.value_or(!complex);
  RT_CHECK(!one_side || !complex, Runtime, "stft",
           "Cannot have onesided output if window or input is complex");

  Tensor x = input.dim() == 1 ? ops::unsqueeze(input, 0) : input;
  if (center) {
    const int64_t side = n_fft / 2;
    x = ops::squeeze(ops::pad(ops::unsqueeze(x, 1), {side, side}, pad_mode), {1});
  } else if (align_to_window.value_or(false)) {
    // The first window, not the first frame, begins where the signal does.
    const int64_t left = (n_fft - win) / 2;
    x = ops::constant_pad(x, {left, n_fft - win - left}, 0);
  }
  const int64_t length = x.size(1), batch = x.size(0);
  RT_CHECK(n_fft <= length, Runtime, "stft", cat_str("expected 0 < n_fft <= ", length),
           cat_str("n_fft=", n_fft));
  x = ops::contiguous(x);
  const Tensor frames =
      ops::as_strided(x, {batch, 1 + (length - n_fft) / hop, n_fft}, {length, hop, 1}) *
      centred_window(window, win, n_fft, input.dtype(), input.device());
  const double scale = normalized ? 1 / std::sqrt(static_cast<double>(n_fft)) : 1.0;
  Tensor spectra;
  if (one_side) {
    spectra = ops::fft_r2c(frames, {2}, scale);
  } else {
    const Tensor values =
        is_complex(frames.dtype())
            ? frames
            : ops::to(frames,
                      frames.dtype() == DType::Float64 ? DType::Complex128 : DType::Complex64);
    spectra = ops::fft_c2c(values, {2}, false, scale);
  }
  spectra = ops::transpose(spectra, 1, 2);
  if (input.dim() == 1) spectra = ops::squeeze(spectra, {0});
  return return_complex.value_or(true) ? spectra : ops::view_as_real(spectra);
}
const Op stft_op(
    "stft(Tensor input, int n_fft, int? hop_length=None, int? win_length=None, Tensor? "
    "window=None, bool center=True, str pad_mode='reflect', bool normalized=False, bool? "
    "onesided=None, bool? return_complex=None, bool? align_to_window=None) -> Tensor",
    stft_forward,
    {.doc = R"(The spectra of windows along a signal: shape (..., frequencies, frames).

`input` is (length) or (batch, length), real or complex. Windows of `n_fft` points stand `hop_length`
(a quarter of that) apart and are multiplied with `window` (ones), which is `win_length` points in
their middle. `center` pads the signal by half a window with `pad_mode`; `align_to_window`, without
it, lets the first window begin with the signal. Real input gives the n_fft // 2 + 1 frequencies from
0 on (`onesided`). `return_complex` has to be given for real input; if false, a last dim holds the
parts. `normalized` divides by the root of `n_fft`. Follows `torch.stft`.

>>> rt.stft(rt.ones(8), 4, return_complex=True).shape
rustorch.Size([3, 9])
)"});

// ---- istft ----

// Frames [batch, count, n] added up at their places `hop` apart.
Tensor overlap_add(const Tensor& frames, int64_t hop) {
  const int64_t count = frames.size(1), n = frames.size(2);
  const Device device = frames.device();
  const Tensor starts = ops::arange(0, count, 1, DType::Int64, device) * Scalar(hop);
  const Tensor places = ops::unsqueeze(starts, 1) + ops::arange(0, n, 1, DType::Int64, device);
  const Tensor empty = ops::zeros({frames.size(0), n + hop * (count - 1)}, frames.dtype(), device);
  return ops::index_add(empty, 1, ops::reshape(places, {count * n}),
                        ops::reshape(frames, {frames.size(0), count * n}));
}

Tensor istft_forward(const Tensor& input, int64_t n_fft, std::optional<int64_t> hop_length,
                     std::optional<int64_t> win_length, const Tensor& window, bool center,
                     bool normalized, std::optional<bool> onesided, std::optional<int64_t> length,
                     bool return_complex) {
  RT_CHECK(is_complex(input.dtype()), Runtime, "istft",
           "istft requires a complex-valued input tensor matching the output from stft with "
           "return_complex=True",
           describe(input));
  RT_CHECK(input.dim() == 2 || input.dim() == 3, Runtime, "istft",
           "expected a tensor with 2 or 3 dimensions", describe(input));
  RT_CHECK(input.numel() > 0, Runtime, "istft", "input tensor cannot be empty", describe(input));
  const int64_t win = win_length.value_or(n_fft), hop = hop_length.value_or(n_fft / 4);
  check_lengths("istft", n_fft, hop, win, window);
  RT_CHECK(hop <= win, Runtime, "istft", "expected 0 < hop_length <= win_length",
           cat_str("hop_length=", hop, ", win_length=", win));
  const bool one_side = onesided.value_or(input.size(-2) != n_fft);
  const int64_t bins = one_side ? n_fft / 2 + 1 : n_fft;
  RT_CHECK(input.size(-2) == bins, Runtime, "istft",
           cat_str("expected the frequency dimension of the input tensor to be ", bins,
                   " for onesided=", one_side),
           describe(input));
  RT_CHECK(!return_complex || !one_side, Runtime, "istft",
           "cannot have onesided input with complex output", "", "onesided=False");
  RT_CHECK(return_complex || !window.defined() || !is_complex(window.dtype()), Runtime, "istft",
           "Complex windows are incompatible with return_complex=False");

  const Tensor spectra = ops::transpose(input.dim() == 2 ? ops::unsqueeze(input, 0) : input, 1, 2);
  const auto n = static_cast<double>(n_fft);
  const double scale = normalized ? 1 / std::sqrt(n) : 1 / n;
  Tensor frames;
  if (return_complex) {
    frames = ops::fft_c2c(spectra, {2}, true, scale);
  } else {
    frames = ops::fft_c2r(ops::narrow(spectra, 2, 0, n_fft / 2 + 1), {2}, n_fft, scale);
  }
  const DType real = input.dtype() == DType::Complex128 ? DType::Float64 : DType::Float32;
  const Tensor w = centred_window(window, win, n_fft, real, input.device());
  Tensor signal = overlap_add(frames * w, hop);
  const Dims one_batch{1, frames.size(1), n_fft};
  Tensor weight = overlap_add(ops::expand(w * w, one_batch), hop);

  const int64_t full = signal.size(1), start = center ? n_fft / 2 : 0;
  const int64_t wanted = length ? start + *length : (center ? full - n_fft / 2 : full);
  const int64_t end = std::max(start, std::min(wanted, full));
  signal = ops::slice(signal, 1, start, end);
  weight = ops::slice(weight, 1, start, end);
  const Tensor size = ops::abs(weight);
  RT_CHECK(size.numel() == 0 || item(ops::amin(size)).to_double() > 1e-11, Runtime, "istft",
           "window overlap add min is 0: the windows leave points of the signal undetermined", "",
           "center=True, or a window without zeros");
  signal = signal / weight;
  if (wanted > end) {
    warn("istft",
         "The length of signal is shorter than the length parameter. Result is being padded with "
         "zeros in the tail. Please check your center and hop_length settings.");
    signal = ops::constant_pad(signal, {0, wanted - end}, 0);
  }
  return input.dim() == 2 ? ops::squeeze(signal, {0}) : signal;
}
const Op istft_op(
    "istft(Tensor input, int n_fft, int? hop_length=None, int? win_length=None, Tensor? "
    "window=None, bool center=True, bool normalized=False, bool? onesided=None, int? length=None, "
    "bool return_complex=False) -> Tensor",
    istft_forward,
    {.doc = R"(The signal that has the given spectra of windows, or comes closest to them.

`input` is what `stft` gives with the same arguments, (frequencies, frames) or with a batch before
them. `length` cuts the signal, or pads it with zeros. Errors where the windows leave a point of the
signal undetermined. Follows `torch.istft`.

>>> rt.istft(rt.stft(rt.ones(4), 4, return_complex=True), 4)
tensor([1., 1., 1., 1.])
)"});

}  // namespace

}  // namespace rt
