// LU and Cholesky factors, and systems, on every compute device. What is larger than a panel goes
// by panels: the rest of the work is triangular solves and matrix products.
#include "gpu/linalg.h"
#include "ops/copy.h"
#include "ops/elementwise.h"

namespace rt::gpu {

namespace {

// The operands of b = a^-1 b, within each matrix.
struct Triangle {
  bool upper, unit;
  int64_t n, columns;
  int64_t a_at, b_at;     // their first elements
  int64_t along, across;  // steps of b
};

void solve_triangle(const char* op, const Tensor& b, const Tensor& a, const Triangle& t) {
  if (t.n == 0 || t.columns == 0) return;
  const int64_t a_each = rows_of(a) * cols_of(a), b_each = rows_of(b) * cols_of(b);
  const Kernel& k = matrix_kernel(b, "triangular_solve_", op);
  by_matrices(op, b, t.columns, [&](int64_t first, int64_t count) {
    TriangularSolvePlan p{};
    p.n = narrow(t.n);
    p.columns = narrow(t.columns);
    p.count = narrow(count * t.columns);
    p.upper = t.upper;
    p.unit = t.unit;
    p.a_lead = static_cast<uint64_t>(rows_of(a));
    p.a_step = static_cast<uint64_t>(a_each);
    p.b_along = static_cast<uint64_t>(t.along);
    p.b_across = static_cast<uint64_t>(t.across);
    p.b_step = static_cast<uint64_t>(b_each);
    constexpr uint32_t threads = 128;
    device_of(b).launch(
        k, {groups_for(p.count, threads / 32)}, {threads},
        arguments(from_matrix(b, b_each, first, t.b_at), from_matrix(a, a_each, first, t.a_at), p));
  });
}

// Columns [begin, end) of each matrix of b: the swaps [first, last).
void swap_rows(const char* op, const Tensor& b, const Tensor& pivots, int64_t begin, int64_t end,
               int64_t first, int64_t last) {
  if (begin == end || first == last) return;
  const int64_t each = rows_of(b) * cols_of(b), own = pivots.sizes().back();
  const Kernel& k = matrix_kernel(b, "row_swaps_", op);
  by_matrices(op, b, end - begin, [&](int64_t matrix, int64_t count) {
    SwapPlan p{};
    p.n = narrow(count * (end - begin));
    p.columns = narrow(end - begin);
    p.first = narrow(first);
    p.last = narrow(last);
    p.pivots = narrow(own);
    p.lead = static_cast<uint64_t>(rows_of(b));
    p.step = static_cast<uint64_t>(each);
    launch_items(device_of(b), k, p.n,
                 arguments(from_matrix(b, each, matrix, begin * rows_of(b)),
                           from_matrix(pivots, own, matrix), p));
  });
}

void lu(const Tensor& a, const Tensor& pivots, const Tensor& info) {
  if (a.numel() == 0) {
    ops::zero_(info);
    return;
  }
  const int64_t m = rows_of(a), n = cols_of(a), k = std::min(m, n), each = m * n;
  const Kernel& panel = matrix_kernel(a, "lu_panel_", "lu");
  // A wide matrix's columns beyond the square are not of the panel.
  const int64_t width = panel_width(k);
  for (int64_t first = 0; first < k; first += width) {
    const int64_t last = std::min(k, first + width);
    by_matrices("lu", a, 1, [&](int64_t matrix, int64_t count) {
      const MatrixPlan p = panel_plan(a, first, last);
      device_of(a).launch(panel, {narrow(count)}, {matrix_threads(m)},
                          arguments(from_matrix(a, each, matrix), from_matrix(pivots, k, matrix),
                                    from_matrix(info, 1, matrix), p));
    });
    swap_rows("lu", a, pivots, 0, first, first, last);
    swap_rows("lu", a, pivots, last, n, first, last);
    if (last == n) continue;
    const int64_t diagonal = first * m + first;
    solve_triangle("lu", a, a,
                   {false, true, last - first, n - last, diagonal, last * m + first, 1, m});
    subtract_product(block(a, last, m - last, last, n - last),
                     block(a, last, m - last, first, last - first),
                     block(a, first, last - first, last, n - last));
  }
}

void triangular_solve(const Tensor& b, const Tensor& a, bool upper, bool unit) {
  if (b.numel() == 0) return;
  solve_triangle("solve_triangular", b, a,
                 {upper, unit, rows_of(b), cols_of(b), 0, 0, 1, rows_of(b)});
}

void lu_solve(const Tensor& b, const Tensor& lu, const Tensor& pivots) {
  if (b.numel() == 0) return;
  swap_rows("lu_solve", b, pivots, 0, cols_of(b), 0, rows_of(b));
  triangular_solve(b, lu, false, true);
  triangular_solve(b, lu, true, false);
}

void cholesky(const Tensor& a, const Tensor& info, bool upper) {
  if (a.numel() == 0) {
    ops::zero_(info);
    return;
  }
  const int64_t n = rows_of(a), each = n * n, width = panel_width(n);
  const Kernel& panel = matrix_kernel(a, "cholesky_panel_", "cholesky");
  CholeskyPlan p{};
  p.n = narrow(n);
  p.upper = upper;
  p.along = static_cast<uint64_t>(upper ? n : 1);
  p.across = static_cast<uint64_t>(upper ? 1 : n);
  p.step = static_cast<uint64_t>(each);
  for (int64_t first = 0; first < n; first += width) {
    const int64_t last = std::min(n, first + width), rest = n - last;
    p.first = narrow(first);
    p.last = narrow(last);
    by_matrices("cholesky", a, 1, [&](int64_t matrix, int64_t count) {
      device_of(a).launch(panel, {narrow(count)}, {matrix_threads(last - first)},
                          arguments(from_matrix(a, each, matrix), from_matrix(info, 1, matrix), p));
    });
    if (rest == 0) continue;
    // With L21 below the block, L11 L21^T = A21^T. In the upper triangle U12 stands where L21^T
    // does, and what it is solved with is the transpose of U11: both are read through a copy.
    const Tensor square = linalg::empty_columns(
        "cholesky", Dims{batch_of(a), last - first, last - first}, a.dtype(), a.device());
    copy_kernel(square, square, block(a, first, last - first, first, last - first, upper));
    const int64_t below = upper ? last * n + first : first * n + last;
    solve_triangle("cholesky", a, square,
                   {false, false, last - first, rest, 0, below, upper ? 1 : n, upper ? n : 1});
    const auto part = [&](bool transposed) {
      return upper ? block(a, first, last - first, last, rest, transposed)
                   : block(a, last, rest, first, last - first, transposed);
    };
    subtract_product(block(a, last, rest, last, rest), part(upper), part(!upper));
  }
  p.last = 0;
  by_matrices("cholesky", a, (n + 31) / 32, [&](int64_t matrix, int64_t count) {
    p.last = narrow(count * n);
    launch_items(device_of(a), matrix_kernel(a, "one_triangle_", "cholesky"), p.last,
                 arguments(from_matrix(a, each, matrix), p));
  });
}

const RegisterGpuKernel register_lu(lu_kernel, &lu);
const RegisterGpuKernel register_lu_solve(lu_solve_kernel, &lu_solve);
const RegisterGpuKernel register_cholesky(cholesky_kernel, &cholesky);
const RegisterGpuKernel register_triangular(triangular_solve_kernel, &triangular_solve);

}  // namespace

}  // namespace rt::gpu
