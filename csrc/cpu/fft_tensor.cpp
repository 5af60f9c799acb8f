// Transforms along one dim of contiguous tensors on the CPU.
#include "cpu/fft.h"
#include "ops/fft.h"

namespace rt::cpu {

namespace {

FftLines lines(const Tensor& t, int64_t dim) {
  FftLines l;
  for (int64_t d = 0; d < dim; ++d) l.outer *= t.sizes()[d];
  for (int64_t d = dim + 1; d < t.dim(); ++d) l.inner *= t.sizes()[d];
  l.step = l.inner;
  l.outer_stride = l.inner * t.sizes()[dim];
  l.inner_stride = 1;
  return l;
}

void c2c(const Tensor& out, const Tensor& x, int64_t dim, bool inverse, double scale) {
  if (out.numel() == 0) return;
  const int64_t n = x.sizes()[dim];
  const FftLines l = lines(x, dim);
  if (x.dtype() == DType::Complex64) {
    fft_complex(n, inverse, static_cast<float>(scale), l, x.data<Complex64>(), l,
                out.data<Complex64>());
  } else {
    fft_complex(n, inverse, scale, l, x.data<Complex128>(), l, out.data<Complex128>());
  }
}
void r2c(const Tensor& out, const Tensor& x, int64_t dim, double scale) {
  if (out.numel() == 0) return;
  const int64_t n = x.sizes()[dim];
  if (x.dtype() == DType::Float32) {
    fft_real_to_complex(n, static_cast<float>(scale), lines(x, dim), x.data<float>(),
                        lines(out, dim), out.data<Complex64>());
  } else {
    fft_real_to_complex(n, scale, lines(x, dim), x.data<double>(), lines(out, dim),
                        out.data<Complex128>());
  }
}
void c2r(const Tensor& out, const Tensor& x, int64_t dim, double scale) {
  if (out.numel() == 0) return;
  const int64_t n = out.sizes()[dim];
  if (x.dtype() == DType::Complex64) {
    fft_complex_to_real(n, static_cast<float>(scale), lines(x, dim), x.data<Complex64>(),
                        lines(out, dim), out.data<float>());
  } else {
    fft_complex_to_real(n, scale, lines(x, dim), x.data<Complex128>(), lines(out, dim),
                        out.data<double>());
  }
}

const RegisterKernel r_c2c(fft_c2c_kernel, DeviceType::CPU, &c2c);
const RegisterKernel r_r2c(fft_r2c_kernel, DeviceType::CPU, &r2c);
const RegisterKernel r_c2r(fft_c2r_kernel, DeviceType::CPU, &c2r);

}  // namespace

}  // namespace rt::cpu
