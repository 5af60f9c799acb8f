// Matrix products of tensors on the CPU: layouts are told to gemm by its transpose flags, row steps
// and batch steps; only what those cannot say is copied.
#include "ops/matmul.h"

#include <cstring>

#include "cpu/gemm.h"
#include "ops/elementwise.h"

namespace rt::cpu {

namespace {

GemmScalar factor(const Scalar& s) {
  if (s.is_integral()) return GemmScalar(s.to_int());
  if (s.is_floating()) return GemmScalar(s.to_double());
  return {s.to_complex().real(), s.to_complex().imag()};
}

// Rows, columns and steps of the matrices of an operand.
struct Matrix {
  int64_t rows, cols, row_step, col_step;

  // Of a vector: a row, or a column.
  Matrix(const Tensor& t, bool vector_is_row) {
    const IntList size = t.sizes(), step = t.strides();
    const size_t n = size.size();
    if (n >= 2) {
      rows = size[n - 2], cols = size[n - 1], row_step = step[n - 2], col_step = step[n - 1];
    } else if (vector_is_row) {
      rows = 1, cols = size[0], row_step = size[0], col_step = step[0];
    } else {
      rows = size[0], cols = 1, row_step = step[0], col_step = 1;
    }
  }

  bool plain() const { return col_step == 1 || cols == 1; }
  bool turned() const { return row_step == 1 || rows == 1; }
  bool fits() const { return plain() || turned(); }
  Trans trans() const { return plain() ? Trans::No : Trans::Yes; }
  int64_t ld() const {
    if (plain()) return rows == 1 ? std::max<int64_t>(cols, 1) : row_step;
    return cols == 1 ? std::max<int64_t>(rows, 1) : col_step;
  }
};

Tensor dense(const Tensor& t) {
  Tensor copy = empty(t.sizes(), t.dtype(), t.device(), "matmul");
  copy_kernel(copy, copy, t);
  return copy;
}

// One dim of the batch, with the three operands' steps; 0 where an operand is broadcast.
struct BatchDim {
  int64_t size, out, a, b;
};

int64_t batch_step(const Tensor& t, int64_t from_the_end) {
  const int64_t d = t.dim() - from_the_end;
  return d < 0 || t.sizes()[d] == 1 ? 0 : t.strides()[d];
}

// The dims before the last two, innermost first, merged where all three step as one.
size_t batch_dims(const Tensor& out, const Tensor& a, const Tensor& b,
                  std::vector<BatchDim>& dims) {
  for (int64_t k = 3; k <= out.dim(); ++k) {
    const BatchDim d{out.sizes()[out.dim() - k], batch_step(out, k), batch_step(a, k),
                     batch_step(b, k)};
    if (d.size == 1) continue;
    if (!dims.empty()) {
      BatchDim& in = dims.back();
      if (d.out == in.out * in.size && d.a == in.a * in.size && d.b == in.b * in.size) {
        in.size *= d.size;
        continue;
      }
    }
    dims.push_back(d);
  }
  return dims.size();
}

void product(const Tensor& out, const Tensor& a, const Tensor& b, const Scalar& beta,
             const Scalar& alpha) {
  if (out.numel() == 0) return;
  const bool row = a.dim() == 1;
  const Matrix mc(out, row), ma(a, true), mb(b, false);
  if (!ma.fits()) return product(out, dense(a), b, beta, alpha);
  if (!mb.fits()) return product(out, a, dense(b), beta, alpha);
  const bool c_plain = mc.plain() && (mc.rows == 1 || mc.row_step >= mc.cols);
  const bool c_turned = !c_plain && mc.turned() && (mc.cols == 1 || mc.col_step >= mc.rows);
  if (!c_plain && !c_turned) {
    Tensor t = dense(out);
    product(t, a, b, beta, alpha);
    return copy_kernel(out, out, t);
  }
  // C^T = B^T A^T where C has its columns together.
  const auto flip = [](Trans t) { return t == Trans::No ? Trans::Yes : Trans::No; };
  const auto run = [&](int64_t batch, void* pc, const void* pa, const void* pb, int64_t sc,
                       int64_t sa, int64_t sb) {
    const DType type = out.dtype();
    const GemmScalar fa = factor(alpha), fb = factor(beta);
    if (c_plain) {
      const int64_t ldc = mc.rows == 1 ? mc.cols : mc.row_step;
      if (batch == 1) {
        gemm(type, ma.trans(), mb.trans(), mc.rows, mc.cols, ma.cols, fa, pa, ma.ld(), pb, mb.ld(),
             fb, pc, ldc);
      } else {
        gemm_batched(type, ma.trans(), mb.trans(), batch, mc.rows, mc.cols, ma.cols, fa, pa,
                     ma.ld(), sa, pb, mb.ld(), sb, fb, pc, ldc, sc);
      }
    } else {
      const int64_t ldc = mc.cols == 1 ? mc.rows : mc.col_step;
      gemm_batched(type, flip(mb.trans()), flip(ma.trans()), batch, mc.cols, mc.rows, ma.cols, fa,
                   pb, mb.ld(), sb, pa, ma.ld(), sa, fb, pc, ldc, sc);
    }
  };
  if (out.dim() <= 2) return run(1, out.data(), a.data(), b.data(), 0, 0, 0);
  std::vector<BatchDim> dims;
  if (batch_dims(out, a, b, dims) == 0) return run(1, out.data(), a.data(), b.data(), 0, 0, 0);
  // The largest dim goes to the library, which spreads it over threads.
  std::swap(dims[0],
            *std::max_element(dims.begin(), dims.end(), [](const BatchDim& x, const BatchDim& y) {
              return x.size < y.size;
            }));
  const int64_t item = static_cast<int64_t>(out.item_size());
  Dims index(dims.size());
  char* pc = static_cast<char*>(out.data());
  const char* pa = static_cast<const char*>(a.data());
  const char* pb = static_cast<const char*>(b.data());
  for (;;) {
    int64_t oc = 0, oa = 0, ob = 0;
    for (size_t d = 1; d < dims.size(); ++d) {
      oc += index[d] * dims[d].out, oa += index[d] * dims[d].a, ob += index[d] * dims[d].b;
    }
    run(dims[0].size, pc + oc * item, pa + oa * item, pb + ob * item, dims[0].out, dims[0].a,
        dims[0].b);
    size_t d = 1;
    while (d < dims.size() && ++index[d] == dims[d].size) index[d++] = 0;
    if (d >= dims.size()) return;
  }
}

void dot_product(const Tensor& out, const Tensor& a, const Tensor& b, bool conjugate) {
  if (a.numel() == 0) {
    std::memset(out.data(), 0, out.item_size());
    return;
  }
  dot(out.dtype(), conjugate, a.numel(), a.data(), a.strides()[0], b.data(), b.strides()[0],
      out.data());
}

const RegisterKernel r_matmul(matmul_kernel, DeviceType::CPU, &product);
const RegisterKernel r_dot(dot_kernel, DeviceType::CPU, &dot_product);

}  // namespace

}  // namespace rt::cpu
