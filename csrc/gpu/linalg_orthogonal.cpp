// QR factors, eigenvalues of symmetric matrices and singular values on every compute device.
#include "gpu/linalg.h"
#include "ops/copy.h"
#include "ops/elementwise.h"
#include "ops/ops.h"

namespace rt::gpu {

namespace {

// Reflectors [first, last), stored from column `first` of v on, on columns [begin, end) of c.
struct Reflection {
  int64_t first, last, begin, end;
  bool make;
};

void reflect(const Tensor& c, const Tensor& v, const Tensor& tau, const Reflection& r) {
  if (r.begin == r.end || c.numel() == 0) return;
  const int64_t c_each = rows_of(c) * cols_of(c), v_each = rows_of(v) * cols_of(v);
  const int64_t factors = tau.sizes().back(), columns = r.end - r.begin;
  const Kernel& k = matrix_kernel(c, "reflect_", "qr");
  by_matrices("qr", c, columns, [&](int64_t matrix, int64_t count) {
    ReflectPlan p{};
    p.rows = narrow(rows_of(c));
    p.columns = narrow(columns);
    p.count = narrow(count * columns);
    p.first = narrow(r.first);
    p.last = narrow(r.last);
    p.make = r.make;
    p.factors = narrow(factors);
    p.v_lead = static_cast<uint64_t>(rows_of(v));
    p.v_step = static_cast<uint64_t>(v_each);
    p.c_lead = static_cast<uint64_t>(rows_of(c));
    p.c_step = static_cast<uint64_t>(c_each);
    constexpr uint32_t threads = 128;
    device_of(c).launch(
        k, {groups_for(p.count, threads / 32)}, {threads},
        arguments(from_matrix(c, c_each, matrix, r.begin * rows_of(c)),
                  from_matrix(v, v_each, matrix), from_matrix(tau, factors, matrix), p));
  });
}

// Matrices by columns that are not zeros and ones yet become the identity.
void set_identity(const Tensor& t) {
  if (t.numel() == 0) return;
  copy_kernel(t, t,
              linalg::columns(linalg::identity(rows_of(t), t.dtype(), t.device()), 0, cols_of(t)));
}

Tensor empty_matrices(const char* op, int64_t batch, int64_t rows, int64_t cols,
                      const Tensor& like) {
  return linalg::empty_columns(op, Dims{batch, rows, cols}, like.dtype(), like.device());
}

// Columns of `from` in the order that the kernels of Jacobi left.
void order_columns(const Tensor& out, const Tensor& from, const Tensor& order) {
  const int64_t rows = rows_of(from), cols = cols_of(from), each = rows * cols;
  const Kernel& k = matrix_kernel(from, "ordered_columns_", "svd");
  by_matrices("svd", from, (each + 31) / 32, [&](int64_t matrix, int64_t count) {
    const OrderPlan p{narrow(count * each), narrow(rows), narrow(cols)};
    launch_items(device_of(from), k, p.n,
                 arguments(from_matrix(out, each, matrix), from_matrix(from, each, matrix),
                           from_matrix(order, cols, matrix), p));
  });
}

JacobiPlan jacobi_plan(const Tensor& a, bool vectors) {
  const int64_t m = rows_of(a), n = cols_of(a);
  JacobiPlan p{};
  p.rows = narrow(m);
  p.cols = narrow(n);
  p.vectors = vectors;
  p.step = static_cast<uint64_t>(m * n);
  p.v_step = static_cast<uint64_t>(n * n);
  return p;
}

void eigh(const Tensor& a, const Tensor& w, const Tensor& info, bool upper, bool vectors) {
  if (a.numel() == 0) {
    ops::zero_(info);
    return;
  }
  const int64_t n = cols_of(a), each = n * n, batch = batch_of(a), even = n + n % 2;
  const Tensor v = vectors ? empty_matrices("eigh", batch, n, n, a) : a;
  const Tensor turns = empty({batch, even}, a.dtype(), a.device(), "eigh");
  const Tensor order = empty({batch, n}, DType::Int32, a.device(), "eigh");
  const Kernel& k = matrix_kernel(a, "eigh_jacobi_", "eigh");
  by_matrices("eigh", a, 1, [&](int64_t first, int64_t count) {
    JacobiPlan p = jacobi_plan(a, vectors);
    p.upper = upper;
    device_of(a).launch(k, {narrow(count)}, {matrix_threads(n)},
                        arguments(from_matrix(a, each, first), from_matrix(v, each, first),
                                  from_matrix(w, n, first), from_matrix(turns, even, first),
                                  from_matrix(order, n, first), from_matrix(info, 1, first), p));
  });
  if (vectors) order_columns(a, v, order);
}

const RegisterGpuKernel register_qr(qr_kernel, &qr);
const RegisterGpuKernel register_reflectors(reflectors_kernel, &reflectors);
const RegisterGpuKernel register_svd(svd_kernel, &svd);
const RegisterGpuKernel register_eigh(eigh_kernel, &eigh);

}  // namespace

void qr(const Tensor& a, const Tensor& tau) {
  if (a.numel() == 0) return;
  const int64_t m = rows_of(a), n = cols_of(a), k = std::min(m, n), each = m * n;
  const Kernel& panel = matrix_kernel(a, "qr_panel_", "qr");
  const int64_t width = panel_width(k);
  for (int64_t first = 0; first < k; first += width) {
    const int64_t last = std::min(k, first + width);
    by_matrices("qr", a, 1, [&](int64_t matrix, int64_t count) {
      const MatrixPlan p = panel_plan(a, first, last);
      device_of(a).launch(panel, {narrow(count)}, {matrix_threads(m)},
                          arguments(from_matrix(a, each, matrix), from_matrix(tau, k, matrix), p));
    });
    reflect(a, a, tau, {first, last, last, n, false});
  }
}

void reflectors(const Tensor& q, const Tensor& tau) {
  if (q.numel() == 0) return;
  const int64_t k = tau.sizes().back();
  if (k == 0) return set_identity(q);
  const Tensor v = empty_matrices("householder_product", batch_of(q), rows_of(q), k, q);
  copy_kernel(v, v, block(q, 0, rows_of(q), 0, k));
  reflect(q, v, tau, {0, k, 0, cols_of(q), true});
}

// The rows of a wide matrix are turned, so it is the columns of a tall one that are.
void svd(const Tensor& a, const Tensor& u, const Tensor& s, const Tensor& vh, const Tensor& info) {
  const int64_t m = rows_of(a), n = cols_of(a), p = std::max(m, n), q = std::min(m, n);
  const bool vectors = u.defined(), tall = m >= n;
  const int64_t batch = batch_of(a);
  if (q == 0 || batch == 0) {
    ops::zero_(info);
    if (vectors) {
      set_identity(u);
      set_identity(vh);
    }
    return;
  }
  Tensor work = a;
  if (!tall) {
    work = empty_matrices("svd", batch, p, q, a);
    copy_kernel(work, work, block(a, 0, m, 0, n, true));
  }
  const Tensor v = vectors ? empty_matrices("svd", batch, q, q, a) : work;
  const Tensor norms = empty({batch, q}, a.dtype(), a.device(), "svd");
  const Tensor order = empty({batch, q}, DType::Int32, a.device(), "svd");
  const Kernel& k = matrix_kernel(a, "svd_jacobi_", "svd");
  by_matrices("svd", a, 1, [&](int64_t first, int64_t count) {
    device_of(a).launch(
        k, {narrow(count)}, {matrix_threads(p)},
        arguments(from_matrix(work, p * q, first), from_matrix(v, vectors ? q * q : p * q, first),
                  from_matrix(s, q, first), from_matrix(norms, q, first),
                  from_matrix(order, q, first), from_matrix(info, 1, first),
                  jacobi_plan(work, vectors)));
  });
  if (!vectors) return;
  // The columns are U S. Their QR factors have the columns of U, up to signs, and what completes
  // them, also where singular values are zero.
  const Tensor columns = empty_matrices("svd", batch, p, q, a);
  const Tensor right = empty_matrices("svd", batch, q, q, a);
  order_columns(columns, work, order);
  order_columns(right, v, order);
  const Tensor tau = empty({batch, q}, a.dtype(), a.device(), "svd");
  qr(columns, tau);
  const int64_t width = tall ? cols_of(u) : rows_of(vh);
  const Tensor left = empty_matrices("svd", batch, p, width, a);
  const Tensor shared = block(left, 0, p, 0, q);
  copy_kernel(shared, shared, columns);
  reflectors(left, tau);
  const Tensor corner = make_view(columns, {batch, 1, q}, {p * q, 1, p + 1}, columns.offset());
  const Tensor negative = ops::to(ops::lt(corner, Scalar(0)), a.dtype());
  copy_kernel(shared, shared, shared * (Scalar(1) - negative * Scalar(2)));
  const auto as = [&](const Tensor& result, const Tensor& from, bool transposed) {
    const Tensor to = block(result, 0, rows_of(result), 0, cols_of(result));
    copy_kernel(to, to, block(from, 0, rows_of(from), 0, cols_of(from), transposed));
  };
  as(u, tall ? left : right, false);
  as(vh, tall ? right : left, true);
}

}  // namespace rt::gpu
