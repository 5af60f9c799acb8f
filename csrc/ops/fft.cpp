#include "ops/fft.h"

#include <cmath>

#include "autograd/vjp.h"
#include "ops/ops.h"

namespace rt {

KernelSlot<void(const Tensor&, const Tensor&, int64_t, bool, double)> fft_c2c_kernel{"fft_c2c"};
KernelSlot<void(const Tensor&, const Tensor&, int64_t, double)> fft_r2c_kernel{"fft_r2c"};
KernelSlot<void(const Tensor&, const Tensor&, int64_t, double)> fft_c2r_kernel{"fft_c2r"};

namespace {

// ---- The three transforms, over wrapped dims of tensors of the right type ----

Tensor c2c_forward(const Tensor& x, IntList dims, bool inverse, double scale) {
  Tensor in = ops::contiguous(x);
  if (dims.empty()) return ops::clone(in);
  const Tensor out = empty(x.sizes(), x.dtype(), x.device(), "fft");
  for (size_t i = 0; i < dims.size(); ++i) {
    fft_c2c_kernel(out, out, i == 0 ? in : out, dims[i], inverse, i == 0 ? scale : 1.0);
  }
  return out;
}
void c2c_vjp(VjpContext& c) {
  if (c.has_grad())
    c.set(0, ops::fft_c2c(c.grad(), c.arg<IntList>(1), !c.arg<bool>(2), c.arg<double>(3)));
}
const Op c2c_op("_fft_c2c(Tensor input, int[] dim, bool inverse, float scale) -> Tensor",
                c2c_forward, {.vjp = c2c_vjp, .in = "", .kernels = {&fft_c2c_kernel}});

Tensor r2c_forward(const Tensor& x, IntList dims, double scale) {
  const int64_t last = dims.back();
  Dims sizes(x.sizes());
  sizes[last] = sizes[last] / 2 + 1;
  const Tensor out = empty(sizes, complex_of(x.dtype()), x.device(), "rfft");
  fft_r2c_kernel(out, out, ops::contiguous(x), last, scale);
  for (size_t i = 0; i + 1 < dims.size(); ++i) fft_c2c_kernel(out, out, out, dims[i], false, 1.0);
  return out;
}
void r2c_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  // The missing half of the result has gradient zero, so this is one complex transform.
  const IntList dims = c.arg<IntList>(1);
  const Tensor full =
      ops::slice_backward(c.grad(), c.sizes(0), dims.back(), 0, c.grad().sizes()[dims.back()], 1);
  c.set(0, ops::real(ops::fft_c2c(full, dims, true, c.arg<double>(2))));
}
const Op r2c_op("_fft_r2c(Tensor input, int[] dim, float scale) -> Tensor", r2c_forward,
                {.vjp = r2c_vjp, .in = "", .kernels = {&fft_r2c_kernel, &fft_c2c_kernel}});

Tensor c2r_forward(const Tensor& x, IntList dims, int64_t last_size, double scale) {
  const int64_t last = dims.back();
  Tensor in = ops::contiguous(x);
  if (dims.size() > 1) in = c2c_forward(in, dims.slice(0, dims.size() - 1), true, 1.0);
  Dims sizes(x.sizes());
  sizes[last] = last_size;
  const Tensor out = empty(sizes, real_of(x.dtype()), x.device(), "irfft");
  fft_c2r_kernel(out, out, in, last, scale);
  return out;
}
void c2r_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const IntList dims = c.arg<IntList>(1);
  const int64_t n = c.arg<int64_t>(2), half = n / 2 + 1;
  Tensor g = ops::fft_r2c(c.grad(), dims, c.arg<double>(3));
  // Values whose conjugates were implied count twice.
  const int64_t twice = n - half;
  if (twice > 0) {
    g = g + ops::slice_backward(ops::narrow(g, dims.back(), 1, twice), g.sizes(), dims.back(), 1,
                                1 + twice, 1);
  }
  c.set(0, g);
}
const Op c2r_op("_fft_c2r(Tensor input, int[] dim, int last_dim_size, float scale) -> Tensor",
                c2r_forward,
                {.vjp = c2r_vjp, .in = "", .kernels = {&fft_c2r_kernel, &fft_c2c_kernel}});

// ---- Arguments ----

using Norm = std::optional<std::string_view>;

double scale_of(const char* op, const Norm& norm, double n, bool inverse) {
  const std::string_view mode = norm.value_or("backward");
  RT_CHECK(mode == "backward" || mode == "forward" || mode == "ortho", Runtime, op,
           cat_str("Invalid normalization mode: \"", mode, "\" (norm)"), "",
           "\"forward\", \"backward\" or \"ortho\"");
  if (mode == "ortho") return 1 / std::sqrt(n);
  return (mode == "forward") == inverse ? 1.0 : 1 / n;
}

Tensor as_float(const char* op, const Tensor& x, bool complex) {
  RT_CHECK(!is_reduced_floating(x.dtype()), Runtime, op,
           cat_str("Unsupported dtype ", name(x.dtype())), describe(x), "float32");
  const DType t = is_integral(x.dtype(), true) ? default_dtype() : x.dtype();
  return ops::to(x, complex ? complex_of(t) : t);
}
void check_real(const char* op, const Tensor& x) {
  RT_CHECK(!is_complex(x.dtype()), Runtime, op,
           cat_str(op, " expects a real input tensor, but got ", name(x.dtype())), describe(x),
           "the complex transform");
}

// x cut or padded with zeros to n along d.
Tensor resized(const char* op, const Tensor& x, int64_t d, int64_t n) {
  const int64_t size = x.sizes()[d];
  RT_CHECK(n >= 1, Runtime, op, cat_str("Invalid number of data points (", n, ") specified"),
           describe(x));
  if (size == n) return x;
  if (size > n) return ops::narrow(x, d, 0, n);
  Dims sizes(x.sizes());
  sizes[d] = n;
  return ops::slice_backward(x, sizes, d, 0, size, 1);
}

int64_t dim_of(const char* op, const Tensor& x, int64_t dim) {
  RT_CHECK(x.dim() > 0, Index, op,
           cat_str("Dimension specified as ", dim, " but tensor has no dimensions"), describe(x));
  return wrap_dim(dim, x.dim(), op);
}

Tensor complex_1d(const char* op, const Tensor& input, std::optional<int64_t> n, int64_t dim,
                  const Norm& norm, bool inverse) {
  const int64_t d = dim_of(op, input, dim);
  const Tensor x = resized(op, as_float(op, input, true), d, n.value_or(input.sizes()[d]));
  return c2c_op(x, {d}, inverse, scale_of(op, norm, static_cast<double>(x.sizes()[d]), inverse));
}
Tensor to_half(const char* op, const Tensor& input, std::optional<int64_t> n, int64_t dim,
               const Norm& norm, bool inverse) {
  check_real(op, input);
  const int64_t d = dim_of(op, input, dim);
  const Tensor x = resized(op, as_float(op, input, false), d, n.value_or(input.sizes()[d]));
  const Tensor y = r2c_op(x, {d}, scale_of(op, norm, static_cast<double>(x.sizes()[d]), inverse));
  return inverse ? ops::conj(y) : y;
}
Tensor from_half(const char* op, const Tensor& input, std::optional<int64_t> n, int64_t dim,
                 const Norm& norm, bool inverse) {
  const int64_t d = dim_of(op, input, dim);
  const int64_t size = n.value_or(2 * (input.sizes()[d] - 1));
  RT_CHECK(size >= 1, Runtime, op, cat_str("Invalid number of data points (", size, ") specified"),
           describe(input));
  const Tensor x = resized(op, as_float(op, input, true), d, size / 2 + 1);
  return c2r_op(inverse ? x : ops::conj(x), {d}, size,
                scale_of(op, norm, static_cast<double>(size), inverse));
}

#define RT_FFT_1D(fn, core, inverse)                                                       \
  Tensor fn##_forward(const Tensor& x, std::optional<int64_t> n, int64_t dim, Norm norm) { \
    return core(#fn, x, n, dim, norm, inverse);                                            \
  }
RT_FFT_1D(fft, complex_1d, false)
RT_FFT_1D(ifft, complex_1d, true)
RT_FFT_1D(rfft, to_half, false)
RT_FFT_1D(ihfft, to_half, true)
RT_FFT_1D(irfft, from_half, true)
RT_FFT_1D(hfft, from_half, false)
#undef RT_FFT_1D

struct Grid {
  Dims dims, sizes;
  double points = 1;
};
Grid grid_of(const char* op, const Tensor& x, const std::optional<IntList>& s,
             const std::optional<IntList>& dim) {
  Grid g;
  if (dim) {
    g.dims = *dim;
    for (int64_t& d : g.dims) d = dim_of(op, x, d);
    for (size_t i = 0; i < g.dims.size(); ++i) {
      for (size_t j = 0; j < i; ++j) {
        RT_CHECK(g.dims[i] != g.dims[j], Runtime, op, "FFT dims must be unique",
                 cat_str("dim ", *dim));
      }
    }
    RT_CHECK(!s || s->size() == dim->size(), Runtime, op,
             "When given, dim and shape arguments must have the same length",
             cat_str("s ", s ? *s : IntList(), ", dim ", *dim));
  } else {
    const int64_t count = s ? s->ssize() : x.dim();
    RT_CHECK(count <= x.dim(), Runtime, op,
             cat_str("Got shape with ", count, " values but input tensor only has ", x.dim(),
                     " dimensions."));
    for (int64_t d = x.dim() - count; d < x.dim(); ++d) g.dims.push_back(d);
  }
  for (size_t i = 0; i < g.dims.size(); ++i) {
    const int64_t n = s && (*s)[i] != -1 ? (*s)[i] : x.sizes()[g.dims[i]];
    RT_CHECK(n >= 1, Runtime, op, cat_str("Invalid number of data points (", n, ") specified"),
             describe(x));
    g.sizes.push_back(n);
    g.points *= static_cast<double>(n);
  }
  return g;
}

Tensor complex_nd(const char* op, const Tensor& input, const std::optional<IntList>& s,
                  const std::optional<IntList>& dim, const Norm& norm, bool inverse) {
  const Grid g = grid_of(op, input, s, dim);
  Tensor x = as_float(op, input, true);
  for (size_t i = 0; i < g.dims.size(); ++i) x = resized(op, x, g.dims[i], g.sizes[i]);
  return c2c_op(x, g.dims, inverse, scale_of(op, norm, g.points, inverse));
}
// A real transform along the last dim, complex ones along the others.
Tensor to_half_nd(const char* op, const Tensor& input, const std::optional<IntList>& s,
                  const std::optional<IntList>& dim, const Norm& norm, bool inverse) {
  check_real(op, input);
  const Grid g = grid_of(op, input, s, dim);
  RT_CHECK(!g.dims.empty(), Runtime, op, cat_str(op, " must transform at least one axis"));
  Tensor x = as_float(op, input, false);
  for (size_t i = 0; i < g.dims.size(); ++i) x = resized(op, x, g.dims[i], g.sizes[i]);
  const Tensor y = r2c_op(x, g.dims, scale_of(op, norm, g.points, inverse));
  return inverse ? ops::conj(y) : y;
}
Tensor from_half_nd(const char* op, const Tensor& input, const std::optional<IntList>& s,
                    const std::optional<IntList>& dim, const Norm& norm, bool inverse) {
  Grid g = grid_of(op, input, s, dim);
  RT_CHECK(!g.dims.empty(), Runtime, op, cat_str(op, " must transform at least one axis"));
  const bool given = s && s->back() != -1;
  const int64_t last = given ? s->back() : 2 * (input.sizes()[g.dims.back()] - 1);
  RT_CHECK(last >= 1, Runtime, op, cat_str("Invalid number of data points (", last, ") specified"),
           describe(input));
  g.points = g.points / static_cast<double>(g.sizes.back()) * static_cast<double>(last);
  g.sizes.back() = last / 2 + 1;
  Tensor x = as_float(op, input, true);
  for (size_t i = 0; i < g.dims.size(); ++i) x = resized(op, x, g.dims[i], g.sizes[i]);
  return c2r_op(inverse ? x : ops::conj(x), g.dims, last, scale_of(op, norm, g.points, inverse));
}

#define RT_FFT_ND(fn, core, inverse)                                                          \
  Tensor fn##2_forward(const Tensor& x, std::optional<IntList> s, std::optional<IntList> dim, \
                       Norm norm) {                                                           \
    return core(#fn "2", x, s, dim, norm, inverse);                                           \
  }                                                                                           \
  Tensor fn##n_forward(const Tensor& x, std::optional<IntList> s, std::optional<IntList> dim, \
                       Norm norm) {                                                           \
    return core(#fn "n", x, s, dim, norm, inverse);                                           \
  }
RT_FFT_ND(fft, complex_nd, false)
RT_FFT_ND(ifft, complex_nd, true)
RT_FFT_ND(rfft, to_half_nd, false)
RT_FFT_ND(irfft, from_half_nd, true)
RT_FFT_ND(ihfft, to_half_nd, true)
RT_FFT_ND(hfft, from_half_nd, false)
#undef RT_FFT_ND

#define RT_FFT_NOTES(torch_name)                                                                \
  "\n\nThe input is cut or padded with zeros to the given size. norm: \"backward\" (scale the " \
  "inverse by 1/n), "                                                                           \
  "\"forward\",\n\"ortho\" (both by 1/sqrt(n)). Integers are computed in the default float "    \
  "dtype; float16 is an "                                                                       \
  "error.\nDifferentiable to any order. Follows `torch.fft." torch_name "`.\n\n"
#define RT_FFT_1D_OP(fn, what, example)                                                     \
  const Op fn##_op(#fn "(Tensor input, int? n=None, int dim=-1, str? norm=None) -> Tensor", \
                   fn##_forward,                                                            \
                   {.in = "fft", .out = true, .doc = what RT_FFT_NOTES(#fn) example});
#define RT_FFT_ND_OP(fn, what, example)                                                            \
  const Op fn##2_op(                                                                               \
      #fn "2(Tensor input, int[1]? s=None, int[1]? dim=[-2, -1], str? norm=None) -> Tensor",       \
      fn##2_forward,                                                                               \
      {.in = "fft", .out = true, .doc = what ", over two dims." RT_FFT_NOTES(#fn "2") example});   \
  const Op fn##n_op(#fn                                                                            \
                    "n(Tensor input, int[1]? s=None, int[1]? dim=None, str? norm=None) -> Tensor", \
                    fn##n_forward,                                                                 \
                    {.in = "fft",                                                                  \
                     .out = true,                                                                  \
                     .doc = what ", over several dims (all by default)." RT_FFT_NOTES(#fn "n")});

RT_FFT_1D_OP(fft, "The discrete Fourier transform along a dim.",
             ">>> rt.fft.fft(rt.tensor([1., 0.]))\ntensor([1.+0.j, 1.+0.j])\n")
RT_FFT_1D_OP(ifft, "The inverse discrete Fourier transform along a dim.",
             ">>> rt.fft.ifft(rt.tensor([2., 0.]))\ntensor([1.+0.j, 1.+0.j])\n")
RT_FFT_1D_OP(
    rfft,
    "The first n/2 + 1 values of the transform of a real input; the others are their conjugates.",
    ">>> rt.fft.rfft(rt.tensor([1., 0.]))\ntensor([1.+0.j, 1.+0.j])\n")
RT_FFT_1D_OP(
    irfft,
    "The real signal of length n (by default 2 (m - 1)) whose transform starts with the m inputs.",
    ">>> rt.fft.irfft(rt.tensor([2., 0.]))\ntensor([1., 1.])\n")
RT_FFT_1D_OP(hfft, "The real transform of a Hermitian-symmetric signal, given by its first half.",
             ">>> rt.fft.hfft(rt.tensor([1., 0.]))\ntensor([1., 1.])\n")
RT_FFT_1D_OP(ihfft, "The inverse of hfft: the first half of a Hermitian-symmetric signal.",
             ">>> rt.fft.ihfft(rt.tensor([2., 0.]))\ntensor([1.-0.j, 1.-0.j])\n")
RT_FFT_ND_OP(fft, "The discrete Fourier transform",
             ">>> rt.fft.fft2(rt.ones(1, 1))\ntensor([[1.+0.j]])\n")
RT_FFT_ND_OP(ifft, "The inverse discrete Fourier transform",
             ">>> rt.fft.ifft2(rt.ones(1, 1))\ntensor([[1.+0.j]])\n")
RT_FFT_ND_OP(rfft, "The transform of a real input, of which the last dim is halved",
             ">>> rt.fft.rfft2(rt.ones(2, 4)).shape\nrustorch.Size([2, 3])\n")
RT_FFT_ND_OP(irfft, "The real signal of a transform whose last dim is halved",
             ">>> rt.fft.irfft2(rt.ones(2, 3)).shape\nrustorch.Size([2, 4])\n")
RT_FFT_ND_OP(hfft, "The real transform of a Hermitian-symmetric signal",
             ">>> rt.fft.hfft2(rt.ones(2, 3)).shape\nrustorch.Size([2, 4])\n")
RT_FFT_ND_OP(ihfft, "The inverse of hfft2",
             ">>> rt.fft.ihfft2(rt.ones(2, 4)).shape\nrustorch.Size([2, 3])\n")

// ---- Frequencies and shifts ----

Tensor frequencies(const char* op, int64_t n, double d, int64_t count, bool signed_half,
                   std::optional<DType> dtype, std::optional<Device> device) {
  RT_CHECK(n >= 0, Runtime, op, cat_str("n must not be negative"), cat_str(n));
  const DType type = dtype.value_or(default_dtype());
  RT_CHECK(is_floating(type) || is_complex(type), Runtime, op,
           "needs a floating point or complex dtype", name(type));
  const Tensor t = empty({count}, DType::Float64, {}, op);
  for (int64_t i = 0; i < count; ++i) {
    t.host_data<double>()[i] = static_cast<double>(signed_half && i >= (n + 1) / 2 ? i - n : i) /
                               (static_cast<double>(n) * d);
  }
  const Tensor typed = ops::to(t, type);
  return device ? ops::to(typed, *device) : typed;
}
Tensor fftfreq_forward(int64_t n, double d, std::optional<DType> dtype,
                       std::optional<Device> device) {
  return frequencies("fftfreq", n, d, n, true, dtype, device);
}
Tensor rfftfreq_forward(int64_t n, double d, std::optional<DType> dtype,
                        std::optional<Device> device) {
  return frequencies("rfftfreq", n, d, n / 2 + 1, false, dtype, device);
}
const Op fftfreq_op(
    "fftfreq(int n, float d=1.0, *, DType? dtype=None, Device? device=None) -> Tensor",
    fftfreq_forward,
    {.in = "fft",
     .out = true,
     .doc = R"(The frequencies of the values of `fft` for samples d apart, in cycles a unit.

Follows `torch.fft.fftfreq`.

>>> rt.fft.fftfreq(4)
tensor([ 0.0000,  0.2500, -0.5000, -0.2500])
)"});
const Op rfftfreq_op(
    "rfftfreq(int n, float d=1.0, *, DType? dtype=None, Device? device=None) -> Tensor",
    rfftfreq_forward,
    {.in = "fft",
     .out = true,
     .doc = R"(The frequencies of the values of `rfft` for samples d apart.

Follows `torch.fft.rfftfreq`.

>>> rt.fft.rfftfreq(4)
tensor([0.0000, 0.2500, 0.5000])
)"});

// Position i moves to i + n/2, or back.
Tensor shifted(const char* op, const Tensor& input, const std::optional<IntList>& dim, bool back) {
  Tensor x = input;
  Dims dims;
  if (dim) {
    dims = wrap_dims(*dim, input.dim(), op, false);
  } else {
    for (int64_t d = 0; d < input.dim(); ++d) dims.push_back(d);
  }
  for (int64_t d : dims) {
    const int64_t n = x.sizes()[d], by = back ? (n + 1) / 2 : n / 2;
    if (by == 0 || by == n) continue;
    const Tensor parts[] = {ops::narrow(x, d, n - by, by), ops::narrow(x, d, 0, n - by)};
    x = ops::cat(parts, d);
  }
  return x.is_same(input) ? ops::clone(input) : x;
}
Tensor fftshift_forward(const Tensor& x, std::optional<IntList> dim) {
  return shifted("fftshift", x, dim, false);
}
Tensor ifftshift_forward(const Tensor& x, std::optional<IntList> dim) {
  return shifted("ifftshift", x, dim, true);
}
const Op fftshift_op("fftshift(Tensor input, int[1]? dim=None) -> Tensor", fftshift_forward,
                     {.in = "fft",
                      .doc = R"(Moves the zero frequency to the middle of the given dims, or of all.

Follows `torch.fft.fftshift`.

>>> rt.fft.fftshift(rt.tensor([0, 1, -2, -1]))
tensor([-2, -1,  0,  1])
)"});
const Op ifftshift_op("ifftshift(Tensor input, int[1]? dim=None) -> Tensor", ifftshift_forward,
                      {.in = "fft", .doc = R"(Undoes `fftshift`.

Follows `torch.fft.ifftshift`.

>>> rt.fft.ifftshift(rt.tensor([-2, -1, 0, 1]))
tensor([ 0,  1, -2, -1])
)"});

}  // namespace

namespace ops {

Tensor fft_c2c(const Tensor& x, IntList dims, bool inverse, double scale) {
  return c2c_op(x, dims, inverse, scale);
}
Tensor fft_r2c(const Tensor& x, IntList dims, double scale) { return r2c_op(x, dims, scale); }
Tensor fft_c2r(const Tensor& x, IntList dims, int64_t last_size, double scale) {
  return c2r_op(x, dims, last_size, scale);
}

}  // namespace ops
}  // namespace rt
